"""Erasing a child: step by step, over crashes and several nodes, beside restored backups; and what goes by itself."""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog
from sqlalchemy import func, select, text

from hub.app.retention import backups_of
from hub.core.records import Changes
from hub.core.retention import ERASED, FORGOTTEN_WITHIN, NOTICE_TIME, Terms, kept_by
from hub.edge.ids import SeededIds
from hub.edge.key_backups import STAMP, remove_old
from hub.service.ports import Unit
from hub.service.retention.erasing import BITE, Erasing, Periods
from hub.service.retention.holding import BadReason, Gone, Holding, NoSuchChild, NoSuchHold
from hub.service.steady import EVENLY
from hub.settings import load
from hub.store.failures import KeyErased
from hub.store.search_tables import search_marks
from hub.store.types import to_micros
from routing.calendar import Period
from tests.contract.test_secrecy import whole_story
from tests.kit.clock import START, FakeClock
from tests.kit.keys import Said
from tests.kit.records import SECRETS, SOURCE, Story, moved
from tests.kit.store import Stores

TERMS = Terms(real=Period(months=72), rehearsed=Period(days=90))
YEARS = timedelta(days=6 * 366)
UP = START + YEARS
"""The time of what ended at the start is up."""
QUARANTINE = timedelta(days=365)


def erasing(store: Stores, name: str = "e", keys: Any = None) -> Erasing:
    periods = Periods(children=TERMS, rest={"quarantine": QUARANTINE})
    return Erasing(
        store=store,
        keys=keys or store.keys,
        periods=periods,
        ids=SeededIds(f"erasing {name}"),
        log=structlog.get_logger(),
    )


async def over(store: Stores, story: Story, **more: Any) -> Changes:
    """A whole episode that has ended: no duty is open, no entry stands."""
    await whole_story(store, story)
    return await end(store, story, **more)


async def end(store: Stores, story: Story, **more: Any) -> Changes:
    async def work(unit: Unit) -> Changes:
        stored = await unit.episode_by_id(story.episode)
        assert stored is not None
        record = replace(stored.record, state="returned", ended_at=START, version=stored.record.version + 1, **more)
        changes = Changes(
            event=None,
            episode=record,
            expected_version=stored.record.version,
            duties=tuple(replace(one, state="done", closed_at=START, closed_by="duty:x") for one in stored.duties),
            register=tuple(replace(one, removed_at=START) for one in stored.register),
        )
        await unit.save(changes)
        return changes

    changes = await store.write(work)
    await store.write(lambda unit: unit.close_all_leases(START))
    return changes


async def kept(store: Stores, child: str) -> Any:
    return await store.read(lambda unit: unit.retention.child(child))


async def erase(store: Stores, at: datetime = UP) -> None:
    """All the steps."""
    mine = erasing(store, str(at))
    for wait in (timedelta(0), NOTICE_TIME, FORGOTTEN_WITHIN):
        at += wait
        assert await mine.run(at), "a step was due"


async def test_step_by_step(store: Stores, story: Story) -> None:
    await over(store, story)
    mine = erasing(store)
    assert await mine.run(UP - timedelta(days=10)) == 0, "its time is not up"
    assert await mine.run(UP) == 1
    assert (await kept(store, story.child)).announced_at == UP
    assert await mine.run(UP + NOTICE_TIME - timedelta(seconds=1)) == 0, "there is a day to object"
    begun = UP + NOTICE_TIME
    assert await mine.run(begun) == 2
    found = await kept(store, story.child)
    assert (found.erasing_at, found.erased_at) == (begun, None), "another node may have the key for a while"
    with pytest.raises(KeyErased):
        await key_of(store, story.child)
    assert await mine.run(begun + FORGOTTEN_WITHIN - timedelta(seconds=1)) == 0
    assert await mine.run(begun + FORGOTTEN_WITHIN) == 1
    assert (await kept(store, story.child)).erased_at == begun + FORGOTTEN_WITHIN
    assert await mine.run(begun + timedelta(days=9)) == 0, "once is enough"
    lines = [one.action for one in await audit(store) if one.subject == story.child and one.episode is None]
    assert lines == ["child.time_up", "child.erasing", "child.key_destroyed", "child.erased"]


async def marks(store: Stores) -> int:
    def count(session: Any) -> int:
        return int(session.connection.execute(select(func.count()).select_from(search_marks)).scalar_one())

    found: int = await store.read(lambda unit: unit._run(count))  # type: ignore[attr-defined]
    return found


async def audit(store: Stores) -> list[Any]:
    async def work(unit: Unit) -> list[Any]:
        def rows(session: Any) -> list[Any]:
            return list(session.connection.execute(text("SELECT * FROM audit ORDER BY at, id")).all())

        return await unit._run(rows)  # type: ignore[attr-defined]

    return await store.read(work)


KEEPS = {
    "episode_open": ("UPDATE episodes SET state = 'found'", "UPDATE episodes SET state = 'returned'"),
    "duty_open": ("UPDATE duties SET state = 'open'", "UPDATE duties SET state = 'done'"),
    "registered": (
        "UPDATE register_entries SET removed_at = NULL",
        f"UPDATE register_entries SET removed_at = {to_micros(START)}",
    ),
    "sending": ("UPDATE deliveries SET state = 'leased'", "UPDATE deliveries SET state = 'sent'"),
}


async def test_what_keeps_a_child(store: Stores, story: Story) -> None:
    await over(store, story)
    mine = erasing(store)
    for why, (so, not_so) in KEEPS.items():
        await on(store, so)
        assert kept_by(await kept(store, story.child), TERMS, UP) == (why,)
        assert await mine.run(UP + timedelta(days=999)) == 0, why
        await on(store, not_so)
    hold = await holding(store).add(story.episode, code="court", reason="Marker v Council", by="operator")
    assert kept_by(await kept(store, story.child), TERMS, UP) == ("hold",)
    assert await mine.run(UP + timedelta(days=999)) == 0
    await holding(store).lift(hold.id, by="operator")
    await on(store, f"UPDATE duties SET state = 'overdue', due_at = {to_micros(UP)}")
    assert kept_by(await kept(store, story.child), TERMS, UP) == ("term",)
    assert await mine.run(UP + YEARS) == 1, "what nobody has done for six years keeps it no longer"


async def key_of(store: Stores, child: str) -> bytes:
    found: bytes = await store.read(lambda unit: unit._run(lambda session: session.keys.key(child)))  # type: ignore[attr-defined]
    return found


async def on(store: Stores, statement: str) -> None:
    def work(session: Any) -> None:
        session.connection.execute(text(statement))

    await store.write(lambda unit: unit._run(work))  # type: ignore[attr-defined]


def holding(store: Stores, clock: FakeClock | None = None) -> Holding:
    return Holding(store=store, clock=clock or FakeClock(), ids=SeededIds("holding"))


async def test_a_hold_that_is_lifted_leaves_a_day(store: Stores, story: Story) -> None:
    await over(store, story)
    clock = FakeClock(UP)
    holds = holding(store, clock)
    mine = erasing(store)
    await mine.run(UP - timedelta(hours=1))
    assert (await kept(store, story.child)).announced_at is not None
    hold = await holds.add(story.child, code="police", reason="Op Marker", by="operator")
    assert (await kept(store, story.child)).announced_at is None, "the day starts anew"
    assert [(one.id, one.reason, one.by) for one in await holds.list()] == [(hold.id, "Op Marker", "operator")]
    await mine.run(UP + timedelta(days=3))
    await clock.advance(3 * 86_400)
    await holds.lift(hold.id, by="operator")
    with pytest.raises(NoSuchHold):
        await holds.lift(hold.id, by="operator")
    assert await holds.list() == []
    assert len(await holds.list(lifted=True)) == 1
    assert await mine.run(UP + timedelta(days=3)) == 1
    assert await mine.run(UP + timedelta(days=3, hours=23)) == 0
    assert (await kept(store, story.child)).erasing_at is None
    await mine.run(UP + timedelta(days=4))
    with pytest.raises(Gone):
        await holds.add(story.episode, code="court", reason="Too late", by="operator")
    assert [one.reason for one in await holds.list(lifted=True)] == [ERASED]
    with pytest.raises(NoSuchChild):
        await holds.add("ep_01J00000000000000000000000", code="court", reason="Nobody", by="operator")
    with pytest.raises(BadReason):
        await holds.add(story.episode, code="court", reason=" ", by="operator")


class Dies(Exception):
    """The process ends here."""


@pytest.mark.parametrize("where", ["before the key is destroyed", "after it"])
async def test_a_crash_between_two_steps(memory: Stores, story: Story, where: str) -> None:
    await over(memory, story)
    await erasing(memory).run(UP)

    class Mortal:
        async def destroy(self, scopes: Any, now: datetime) -> None:
            if where == "after it":
                await memory.keys.destroy(scopes, now)
            raise Dies

        def __getattr__(self, name: str) -> Any:
            return getattr(memory.keys, name)

    dying = erasing(memory, "dying", Mortal())
    await dying.run(UP + NOTICE_TIME)
    found = await kept(memory, story.child)
    assert found.erasing_at is not None and found.erased_at is None, "never said to be done while it is not"
    living = (await memory.keys.standing([story.child])).living
    assert bool(living) == (where != "after it")
    after = erasing(memory, "after")
    at = UP + NOTICE_TIME + timedelta(seconds=1)
    await after.run(at)
    assert not (await memory.keys.standing([story.child])).living
    await after.run(at + FORGOTTEN_WITHIN)
    assert (await kept(memory, story.child)).erased_at == at + FORGOTTEN_WITHIN


async def test_a_key_store_that_fails_is_late_and_says_so(memory: Stores, story: Story) -> None:
    await over(memory, story)
    await erasing(memory).run(UP)

    class Refusing:
        async def destroy(self, scopes: Any, now: datetime) -> None:
            raise Dies

        def __getattr__(self, name: str) -> Any:
            return getattr(memory.keys, name)

    failing = erasing(memory, "failing", Refusing())
    await failing.run(UP + NOTICE_TIME)
    assert failing.figures() == {"children_erased": 0, "children_overdue": 0}
    late = UP + NOTICE_TIME + FORGOTTEN_WITHIN + timedelta(days=1)
    await failing.run(late)
    assert failing.figures()["children_overdue"] == 1

    async def open_alarms() -> list[str]:
        return [one.kind for one in await memory.read(lambda unit: unit.alarms()) if one.kind.startswith("retention")]

    assert await open_alarms() == ["retention_late"]
    failing.keys = memory.keys
    await failing.run(late)
    await failing.run(late + FORGOTTEN_WITHIN)
    await failing.run(late + FORGOTTEN_WITHIN)
    assert await open_alarms() == []


async def test_a_backup_of_the_key_store_that_is_too_old_is_an_alarm_until_it_is_gone(
    memory: Stores, tmp_path: Path
) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    settings = load(environment={}, overrides={"key_backups_folder": folder, "erasure_deadline_days": 10})
    log = Said()
    backups = backups_of(settings, memory, SeededIds("backups"), log)
    assert backups is not None
    assert backups_of(load(environment={}, overrides={}), memory, SeededIds("none"), log) is None

    async def stands(at: datetime) -> list[tuple[str, str]]:
        await backups.tick(at)
        return [(one.kind, one.owner) for one in await memory.read(lambda unit: unit.alarms())]

    made = folder / f"keys-{START:{STAMP}}.sqlite3"
    made.write_bytes(b"keys")
    alarm = [("key_backup_old", "operator")]
    late = START + timedelta(days=10, seconds=1)
    assert await stands(START + timedelta(days=10)) == []
    assert await stands(late) == await stands(late + timedelta(hours=1)) == alarm, "once"
    made.unlink()
    assert await stands(late) == []
    ahead = folder / f"keys-{late + timedelta(days=365):{STAMP}}.sqlite3"
    ahead.write_bytes(b"made while the clock was a year ahead, and by its name the last to go")
    assert await stands(late) == alarm
    assert remove_old(folder, timedelta(days=10), late) == (), "the clock may be wrong now, and this all there is"
    ahead.unlink()
    assert await stands(late) == []
    unreadable = replace(backups, old=lambda now: folder.joinpath("no", "folder").stat() and ())
    assert await unreadable.tick(late) == -1, "what cannot be looked at may be too old"
    assert log.lines == [("key_backups.unreadable", {"error": "FileNotFoundError"})]
    assert [one.kind for one in await memory.read(lambda unit: unit.alarms())] == ["key_backup_old"]


async def test_a_clock_set_back_erases_nothing_earlier(memory: Stores, story: Story) -> None:
    await over(memory, story)
    ahead = UP + timedelta(days=3650)
    mine = erasing(memory)
    await mine.run(ahead)
    assert await mine.run(START + timedelta(days=1)) == 1, "the clock is right again: it was never up"
    assert (await kept(memory, story.child)).announced_at is None
    await mine.run(ahead)
    assert await mine.run(UP) == 1
    assert (await kept(memory, story.child)).announced_at == UP, "the day counts from now"


async def test_a_stand_in_goes_by_itself(memory: Stores, story: Story) -> None:
    """What was kept for a report is sealed anew with the key of the child it names: the first key seals nothing."""
    await memory.write(story.meet)
    assert await erasing(memory).run(START + timedelta(days=29)) == 0
    assert await erasing(memory).run(START + timedelta(days=30)) == 1
    await erasing(memory, "2").run(START + timedelta(days=31))
    assert not (await memory.keys.standing([story.child])).living


async def test_an_event_about_an_erased_child_makes_a_new_one(store: Stores, story: Story) -> None:
    await over(store, story)
    assert await marks(store) > 0
    await erase(store)
    assert await marks(store) == 0, "no search finds it"
    assert await store.read(lambda unit: unit.episode(SOURCE, story.ref)) is None
    again = Story(SeededIds("again"), now=UP)
    await store.write(lambda unit: again.told(unit))
    assert again.child != story.child
    found = await store.read(lambda unit: unit.episode(SOURCE, story.ref))
    assert found is not None and found.record.id == again.episode and found.doc["child"]["name"] == SECRETS["child"]
    known = await store.read(lambda unit: unit.event(SOURCE, f"{SECRETS['sender_id']}-{story.ref}-1"))
    assert known is not None, "an event is known for ever"
    assert (known.sender_id, known.body, known.answer) == (ERASED, b"", {})


async def test_whoever_read_the_episode_before_writes_nothing_after(nodes: tuple[Stores, Stores], story: Story) -> None:
    one, other = nodes
    changes = await over(one, story)
    await erasing(one).run(UP)
    stale = Changes(event=None, episode=moved(changes), expected_version=changes.episode.version)
    fresh = Story(SeededIds("second episode"), now=UP, ref="second")
    fresh.child = story.child
    assert await key_of(other, story.child), "it has the key, and will have it for a minute"
    await erasing(one).run(UP + NOTICE_TIME)
    for late in (stale, fresh.report()):
        runs = 0

        async def work(unit: Unit, late: Changes = late) -> None:
            nonlocal runs
            runs += 1
            if runs == 1:
                await unit.save(late)

        await other.write(work)
        assert runs == 2, "the work is run again, and finds what is so now"


async def test_another_node_forgets_the_key(nodes: tuple[Stores, Stores], story: Story) -> None:
    one, other = nodes
    await over(one, story)
    now = 1000.0
    other.keys._monotonic = lambda: now
    sealed = await key_of(other, story.child)
    await one.keys.destroy([story.child], UP)
    assert await key_of(other, story.child) == sealed, "for a minute it has it still, and nothing says it is erased"
    now += 61
    with pytest.raises(KeyErased):
        await key_of(other, story.child)


async def test_a_deletion_by_itself_takes_bites(store: Stores, story: Story) -> None:
    await whole_story(store, story)

    async def many(unit: Unit) -> None:
        for _ in range(BITE + 5):
            await unit.add_quarantine(story.quarantined(), story.alarm("quarantine"), ())

    await store.write(many)
    mine = erasing(store)
    at = START + QUARANTINE + timedelta(seconds=1)
    await evenly(mine, at)
    bodies = [one.body for one in await store.read(lambda unit: unit.quarantine())]
    assert (bodies.count(b""), len(bodies)) == (BITE, BITE + 6)
    await mine.tick(at)
    found = await store.read(lambda unit: unit.quarantine())
    assert {(one.body, one.problems) for one in found} == {(b"", ())}
    assert not await mine.tick(at)


async def evenly(mine: Erasing, until: datetime) -> None:
    """Look as a hub does whose clock nobody has set."""
    for before in range(4, -1, -1):
        await mine.tick(until - before * EVENLY)


async def test_a_clock_that_jumps_a_year_ahead_empties_no_quarantine(memory: Stores, story: Story) -> None:
    await memory.write(lambda unit: unit.add_quarantine(story.quarantined(), story.alarm("quarantine"), ()))
    mine, wrong = erasing(memory), START + 2 * QUARANTINE
    await evenly(mine, START)
    for at in (wrong, wrong + EVENLY, START + EVENLY, wrong + 2 * EVENLY, wrong + 3 * EVENLY):
        await mine.tick(at)
    assert [one.body for one in await memory.read(lambda unit: unit.quarantine())] != [b""]
    await evenly(mine, wrong + 8 * EVENLY)
    assert [one.body for one in await memory.read(lambda unit: unit.quarantine())] == [b""]
