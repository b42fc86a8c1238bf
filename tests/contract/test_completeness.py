"""Each way for the ledger to be incomplete, put into the bare database, is told of; once mended, no more."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from contacts.roles import OPERATOR
from hub.core.completeness import EVERY, LACKS, STALLED_AFTER, After, Lack
from hub.core.records import AlarmRecord, Changes
from hub.edge.ids import SeededIds
from hub.service.ports import Unit
from hub.service.watching import KINDS, Watching
from hub.store import completeness
from hub.store.types import to_micros
from tests.kit.clock import START
from tests.kit.delivering import Notes
from tests.kit.records import Story, result
from tests.kit.store import LEASE, Stores, claim, raw

LATE = 120.0
MINUTE = timedelta(minutes=1)
PATIENCE = timedelta(seconds=60)
"""Within which somebody is to be told."""


def micros(at: datetime) -> int:
    return to_micros(at)


@dataclass
class Site:
    """One episode of which three desks are told; each notice is to be looked at in a quarter of an hour."""

    store: Stores
    told: Changes
    watching: Watching

    async def look(self, at: datetime) -> list[tuple[str, str, str | None, str | None]]:
        """Kind, reason, episode and notice of what is told of after a look."""
        await self.watching.tick(at)
        found = [one for one in await self.alarms() if one.kind in KINDS]
        return [(one.kind, one.reason, one.episode, one.notice) for one in found]

    async def alarms(self, *, open_only: bool = True) -> Sequence[AlarmRecord]:
        return await self.store.read(lambda unit: unit.alarms(open_only=open_only))

    async def change(self, table: str, values: str, row: str, key: str = "id") -> None:
        await raw(self.store, f"UPDATE {table} SET {values} WHERE {key} = '{row}'")

    @property
    def notice(self) -> str:
        return self.told.notices[0].id

    @property
    def delivery(self) -> str:
        return self.told.deliveries[0].id

    @property
    def episode(self) -> str:
        return self.told.episode.id


@pytest.fixture
async def site(store: Stores, story: Story) -> Site:
    async def work(unit: Unit) -> Changes:
        await story.meet(unit)
        report = story.report(3)
        looked_at = [replace(one, chase_at=START + 15 * MINUTE) for one in report.notices]
        report = replace(report, notices=tuple(looked_at))
        await unit.save(report)
        return report

    told = await store.write(work)
    return Site(store, told, watcher(store))


def watcher(store: Stores, name: str = "watching") -> Watching:
    return Watching(store=store, ids=SeededIds(name), late=LATE, log=Notes())


async def sent(site: Site) -> None:
    """All that is due goes out."""
    for one in await claim(site.store):
        await site.store.write(lambda unit, one=one: unit.finish([result(one, START)], "node-1"))


async def test_a_sound_ledger_has_no_alarm_at_any_time(site: Site) -> None:
    assert await site.look(START) == []
    await sent(site)
    assert await site.look(START + 14 * MINUTE) == []
    assert site.watching.amiss() == {}


BREAKS: dict[Lack, tuple[str, str, timedelta]] = {
    "no_state": ("UPDATE notices SET state = 'lost' WHERE id = '{notice}'",
                 "UPDATE notices SET state = 'notified' WHERE id = '{notice}'", timedelta(0)),
    "no_next_step": ("UPDATE notices SET chase_at = NULL WHERE id = '{notice}'",
                     "UPDATE notices SET chase_at = {soon} WHERE id = '{notice}'", timedelta(0)),
    "look_late": ("UPDATE notices SET chase_at = {past} WHERE id = '{notice}'",
                  "UPDATE notices SET chase_at = {soon} WHERE id = '{notice}'", timedelta(0)),
    "delivery_late": ("UPDATE deliveries SET state = 'due', due_at = {past} WHERE id = '{delivery}'",
                      "UPDATE deliveries SET state = 'sent' WHERE id = '{delivery}'", timedelta(0)),
    "delivery_pointless": ("UPDATE notices SET state = 'acknowledged' WHERE id = '{notice}';"
                           "UPDATE deliveries SET state = 'due', due_at = {soon} WHERE id = '{delivery}'",
                           "UPDATE deliveries SET state = 'cancelled' WHERE id = '{delivery}'", timedelta(0)),
    "lease_overrun": ("UPDATE deliveries SET state = 'leased', lease_until = {past} WHERE id = '{delivery}'",
                      "UPDATE deliveries SET state = 'sent' WHERE id = '{delivery}'", timedelta(0)),
    "attempt_adrift": ("UPDATE attempts SET state = 'sending', finished_at = NULL WHERE delivery = '{delivery}'",
                       "UPDATE attempts SET state = 'sent' WHERE delivery = '{delivery}'", timedelta(0)),
    "stalled": ("UPDATE notices SET state = 'pending' WHERE id = '{notice}';"
                "UPDATE deliveries SET state = 'due', due_at = {soon} WHERE id = '{delivery}'",
                "UPDATE notices SET state = 'notified' WHERE id = '{notice}'", STALLED_AFTER),
    "clock_late": ("UPDATE episodes SET wake_at = {past} WHERE id = '{episode}'",
                   "UPDATE episodes SET wake_at = NULL WHERE id = '{episode}'", timedelta(0)),
    "decision_unsaid": ("UPDATE notices SET decision = '{other}' WHERE id = '{notice}'",
                        "UPDATE notices SET decision = '{decision}' WHERE id = '{notice}'", timedelta(0)),
}  # fmt: skip
"""Statements that break something, statements that mend it, and for how long it may be so."""
OF_EPISODE = ("clock_late", "decision_unsaid", "nobody_told")


@pytest.mark.parametrize("what", BREAKS)
async def test_what_breaks_is_told_of_within_a_minute_and_cleared_when_it_is_mended(site: Site, what: Lack) -> None:
    await sent(site)
    breaking, mending, allowed = BREAKS[what]
    broken = START + 5 * MINUTE
    assert await site.look(broken) == []
    places: dict[str, Any] = {
        "notice": site.notice, "delivery": site.delivery, "episode": site.episode,
        "decision": site.told.decisions[0].id, "other": site.told.decisions[1].id,
        "past": micros(broken - timedelta(seconds=LATE) - timedelta(seconds=1)), "soon": micros(broken + 30 * MINUTE),
    }  # fmt: skip
    await raw(site.store, *breaking.format(**places).split(";"))
    found: list[Any] = []
    at = broken
    while not found and at <= broken + allowed + PATIENCE:
        at += timedelta(seconds=EVERY)
        found = await site.look(at)
    kind = "stalled" if what == "stalled" else "incomplete"
    assert found == [(kind, what, site.episode, None if what in OF_EPISODE else site.notice)]
    assert (await site.alarms())[0].raised_at <= broken + allowed + PATIENCE
    assert (await site.alarms())[0].owner == OPERATOR
    assert site.watching.amiss() == ({} if what == "stalled" else {"incomplete": 1})
    assert await site.look(at + MINUTE) == found, "it is told once"
    await raw(site.store, *mending.format(**places).split(";"))
    assert await site.look(at + 2 * MINUTE) == []
    (cleared,) = await site.alarms(open_only=False)
    assert cleared.cleared_at == at + 2 * MINUTE
    assert site.watching.amiss() == {}


async def test_a_missing_child_of_whom_nobody_is_told(site: Site, story: Story) -> None:
    await sent(site)
    alone = Story(SeededIds("alone"), ref="EP-ALONE", child_ref="C-ALONE")

    async def work(unit: Unit) -> str:
        await alone.meet(unit)
        changes = replace(alone.report(), decisions=(), notices=(), deliveries=())
        await unit.save(changes)
        return changes.episode.id

    assert site.told.episode.category == "missing"
    lonely = await site.store.write(work)
    assert await site.look(START + timedelta(seconds=EVERY)) == [("incomplete", "nobody_told", lonely, None)]
    await site.change("episodes", "category = 'away'", lonely)
    assert await site.look(START + MINUTE) == []


def test_every_lack_is_put_to_the_test_here() -> None:
    assert {*BREAKS, "nobody_told"} == set(LACKS)


# What must not be taken for a break


async def test_what_waits_for_an_earlier_one_to_the_same_address_is_not_late(site: Site) -> None:
    await sent(site)
    line = "X'0a'" if not hasattr(site.store, "_engine") else "decode('0a', 'hex')"
    first, second = site.told.deliveries[:2]
    await raw(site.store, f"UPDATE notices SET chase_at = {micros(START + timedelta(days=1))}")
    again = micros(START + 40 * MINUTE)
    await site.change("deliveries", f"state = 'due', line = {line}, due_at = {again}", first.id)
    changed = f"state = 'due', line = {line}, due_at = {micros(START)}, created_at = {micros(START + MINUTE)}"
    await site.change("deliveries", changed, second.id)
    later = START + 30 * MINUTE
    assert (await site.store.read(lambda unit: unit.counts(later, later - MINUTE)))["deliveries_late"] == 0
    assert await site.look(later) == []
    later += 2 * MINUTE  # half an hour is the most that it waits
    assert (await site.store.read(lambda unit: unit.counts(later, later - MINUTE)))["deliveries_late"] == 1
    assert await site.look(later) == [("incomplete", "delivery_late", site.episode, second.notice)]


async def test_a_delivery_that_nobody_takes_is_late_at_once_and_one_that_waits_for_a_place_is_not(site: Site) -> None:
    half_a_minute = timedelta(seconds=31)
    (busy,) = await claim(site.store, limit=1)
    waiting = {one.id for one in site.told.notices} - {busy.notice.id}
    assert await site.look(START + timedelta(seconds=29)) == []
    assert await site.look(START + timedelta(seconds=30)) == [], "its lane moves on"
    late = await site.look(START + half_a_minute)
    assert {(what, notice) for _, what, _, notice in late} == {("delivery_late", one) for one in waiting}
    await site.change("deliveries", f"leased_at = {micros(START + half_a_minute)}", busy.delivery.id)
    assert await site.look(START + half_a_minute + timedelta(seconds=1)) == [], "somebody took one in hand just now"
    beyond = START + timedelta(seconds=LATE + 1)
    await site.change("deliveries", f"leased_at = {micros(beyond)}", busy.delivery.id)
    await site.store.write(lambda unit: unit.renew([busy.delivery.id], "node-1", beyond + LEASE))
    assert len(await site.look(beyond)) == len(waiting), "but nobody waits for ever"


async def test_a_hub_that_has_just_started_takes_what_waited_for_it_for_stuck_only_when_it_had_time(site: Site) -> None:
    back = START + timedelta(seconds=LATE - 10)
    assert await site.look(back) == [], "due for longer than half a minute, but nobody was there"
    every = {("delivery_late", one.id) for one in site.told.notices}
    soon = back + timedelta(seconds=5)
    assert {(what, notice) for _, what, _, notice in await site.look(soon)} == every, "it is no start any more"


async def test_after_a_long_while_a_hub_tells_at_its_start_that_there_is_something_late(site: Site) -> None:
    assert len(await site.look(START + timedelta(seconds=LATE + 1))) == len(site.told.notices)


async def test_a_start_does_not_end_what_was_told_of_before_it(site: Site) -> None:
    await site.look(START)
    told = await site.look(START + timedelta(seconds=31))
    assert len(told) == len(site.told.notices)
    again = replace(site, watching=watcher(site.store, "again"))
    assert await again.look(START + timedelta(seconds=40)) == told, "still stuck, as far as anybody knows"
    assert len(await again.alarms(open_only=False)) == len(told)
    await sent(site)
    await raw(site.store, f"UPDATE notices SET chase_at = {micros(START + timedelta(days=1))}")
    assert await again.look(START + timedelta(seconds=70)) == []


async def test_a_reminder_of_what_was_accepted_and_went_silent_is_not_pointless(site: Site) -> None:
    await sent(site)
    await site.change("notices", "state = 'acknowledged'", site.notice)
    due = f"state = 'due', purpose = 'silent', due_at = {micros(START + 30 * MINUTE)}"
    await site.change("deliveries", due, site.delivery)
    assert await site.look(START + MINUTE) == []


async def test_what_is_in_hand_while_it_is_overtaken_is_not_pointless(site: Site) -> None:
    await claim(site.store, limit=1)
    await site.change("notices", "state = 'superseded'", site.notice)
    await site.change("deliveries", "withdrawn = (1 = 1)", site.delivery)
    assert await site.look(START + timedelta(seconds=EVERY)) == []


async def test_a_lease_is_overrun_a_minute_after_its_end_and_no_sooner(site: Site) -> None:
    first, *others = await claim(site.store)
    for one in others:
        await site.store.write(lambda unit, one=one: unit.finish([result(one, START)], "node-1"))
    assert first.notice.id == site.notice
    assert await site.look(START + LEASE + MINUTE) == []
    found = await site.look(START + LEASE + MINUTE + timedelta(seconds=1))
    assert ("incomplete", "lease_overrun", site.episode, site.notice) in found


@pytest.mark.parametrize("state", ["acknowledged", "superseded", "withheld", "held"])
async def test_what_is_final_needs_no_next_step(site: Site, state: str) -> None:
    await sent(site)
    await site.change("notices", f"state = '{state}', chase_at = NULL", site.notice)
    assert await site.look(START + MINUTE) == []


async def test_what_an_ending_made_pointless_needs_none_and_what_was_decided_with_it_does(
    site: Site, story: Story
) -> None:
    """A child is back and tells of a crime: nobody may be left waiting for that."""
    await sent(site)
    returned, concern = (story.decision(None, number, kind=kind) for number, kind in enumerate(("returned", "concern")))
    after = tuple(story.notice(one, revision=2, state="notified") for one in (returned, concern))
    ended = Changes(
        event=None, episode=replace(site.told.episode, version=2, state="returned", revision=2), expected_version=1,
        doc=story.doc(), decisions=(returned, concern), notices=after, deliveries=tuple(map(story.delivery, after)),
    )  # fmt: skip
    await site.store.write(lambda unit: unit.save(ended))
    await sent(site)
    for one in (*site.told.notices, *after):
        await site.change("notices", "chase_at = NULL", one.id)
    expected = {("incomplete", "no_next_step", site.episode, one.id) for one in after}
    assert set(await site.look(START + MINUTE)) == expected


async def test_an_alarm_that_somebody_has_or_had_since_is_a_next_step(site: Site, story: Story) -> None:
    await sent(site)
    await site.change(
        "notices", f"state = 'overdue', state_at = {micros(START + MINUTE)}, chase_at = NULL", site.notice
    )
    alarm = story.alarm("unanswered", notice=site.notice)
    await site.store.write(lambda unit: unit.add_alarm(alarm, []))
    assert await site.look(START + 2 * MINUTE) == []
    await site.store.write(lambda unit: unit.clear_alarm(alarm.id, START + 3 * MINUTE, []))
    assert await site.look(START + 4 * MINUTE) == [], "a human has seen to it"
    await site.change("notices", f"state = 'notified', state_at = {micros(START + 4 * MINUTE)}", site.notice)
    assert await site.look(START + 5 * MINUTE) == [("incomplete", "no_next_step", site.episode, site.notice)]


async def test_whose_reader_has_taken_the_case_on_by_a_later_notice_needs_no_next_step(site: Site) -> None:
    await sent(site)
    own, other, stranger = site.told.notices
    await site.change("notices", "chase_at = NULL", own.id)
    await site.change("notices", "state = 'acknowledged', chase_at = NULL", other.id)
    assert own.person == other.person
    assert await site.look(START + MINUTE) == []
    await site.change("notices", "organisation = 'E23000002'", other.id)
    assert await site.look(START + 2 * MINUTE) == [("incomplete", "no_next_step", site.episode, own.id)]
    await site.change("notices", "organisation = 'E23000001', created_at = created_at - 1", other.id)
    assert len(await site.look(START + 3 * MINUTE)) == 1, "an answer to an older notice says nothing of this one"
    assert stranger.id


async def test_an_exercise_alarms_nobody_at_the_end_of_its_ladder(site: Site) -> None:
    await sent(site)
    await site.change("notices", "state = 'overdue', status = 'exercise', chase_at = NULL", site.notice)
    assert await site.look(START + MINUTE) == []


# What has settled


async def test_what_has_settled_is_gone_through_a_slice_at_a_time(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(completeness, "SLICE", 1)
    await sent(site)
    ended = "state = 'returned', wake_at = NULL"
    await site.change("episodes", ended, site.episode)
    last = site.told.notices[-1]
    old = START + timedelta(days=30)
    await site.change("notices", f"kind = 'threshold', chase_at = NULL, state_at = {micros(START)}", last.id)
    for one in site.told.notices[:-1]:
        await site.change("notices", "chase_at = NULL", one.id)
    assert await site.look(old) == []
    found = [len(await site.look(old + n * MINUTE)) for n in range(1, 6)]
    assert 1 in found and found[found.index(1) :] == [1] * (len(found) - found.index(1)), "found, and not forgotten"


async def test_what_a_new_process_has_not_gone_through_yet_stays_told(site: Site) -> None:
    await sent(site)
    await site.change("notices", "chase_at = NULL", site.notice)
    found = await site.look(START + MINUTE)
    assert await replace(site, watching=watcher(site.store, "another")).look(START + 2 * MINUTE) == found
    assert len(await site.alarms(open_only=False)) == 1


async def test_a_list_that_is_cut_short_clears_nothing(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    await sent(site)
    past = micros(START - timedelta(hours=1))
    first, *others = site.told.notices
    await site.change("notices", f"chase_at = {past + 9}", first.id)
    assert len(await site.look(START + MINUTE)) == 1
    monkeypatch.setattr(completeness, "MOST", 1)
    for one in others:
        await site.change("notices", f"chase_at = {past}", one.id)
    await site.look(START + 2 * MINUTE)
    assert first.id in {one.notice for one in await site.alarms()}
    monkeypatch.undo()
    assert len(await site.look(START + 3 * MINUTE)) == 3


async def test_two_nodes_that_look_at_once_raise_one_alarm(nodes: tuple[Stores, Stores]) -> None:
    story = Story(SeededIds("story"))
    told = await nodes[0].write(lambda unit: story.told(unit))
    await raw(nodes[0], f"UPDATE deliveries SET state = 'sent' WHERE id = '{told.deliveries[0].id}'")
    for number, store in enumerate(nodes):
        await watcher(store, f"node-{number}").tick(START + MINUTE)
    alarms = await nodes[1].read(lambda unit: unit.alarms(open_only=False))
    assert [(one.kind, one.notice) for one in alarms] == [("incomplete", told.notices[0].id)]


async def test_a_look_writes_nothing_where_nothing_is_amiss(site: Site) -> None:
    before = await site.store.read(lambda unit: unit.incomplete(START, START, After()))
    assert (before.lacking, before.more, before.after) == ((), frozenset(), After())
