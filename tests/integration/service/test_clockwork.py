"""The clocks through the real service: restarts, two nodes, edited packs, clock changes, stores that fail."""

import asyncio
import sqlite3
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from hub.service.clockwork import PATIENCE
from hub.service.ports import StoreUnavailable, Unit
from routing.calendar import at_local, birthday
from routing.packs import Packs
from tests.kit.clock import FakeClock
from tests.kit.clocks import at
from tests.kit.events import DROP, LEEDS, NORTH_LINCOLNSHIRE, away, found, reported, reported_at_home, updated
from tests.kit.failing import Breaking, ledger
from tests.kit.node import Hub, a_hub
from tests.kit.store import LEDGER, sqlite_store

HOME = "LDS-EP-0001"
AUGUST = "2026-08-31T09:00:00Z"
"""Ten in the morning in London, six months before a day that does not exist."""


def missing_since_august(**changes: Any) -> dict[str, Any]:
    episode = {"since": "2026-08-31T08:00:00Z", "last_seen": DROP}
    return reported_at_home(**{"time": AUGUST, "episode": episode} | changes)


def lincs_away(ref: str = "A", **changes: Any) -> dict[str, Any]:
    """Away with unknown whereabouts where the limit is six hours, here until 21:30."""
    placement = {"responsible_authority": LEEDS, "host_authority": NORTH_LINCOLNSHIRE, "type": "foster_care"}
    episode = {"ref": ref, "whereabouts_known": False, "since": "2026-03-01T15:30:00Z"}
    return away(**{"id": ref, "time": "2026-03-01T16:00:00Z", "placement": placement, "episode": episode} | changes)


async def renotified(hub: Hub) -> list[tuple[str, tuple[str, ...]]]:
    """Day and roles of every re-notification, in order."""
    return [(f"{d.at:%Y-%m-%d}", d.roles) for d in await hub.decisions(HOME, kind="renotification")]


def handed_over(packs: Packs) -> Packs:
    """The six months in a pack of their own, under another version."""
    national, *others = packs.packs
    theirs = tuple(row for row in national.duties if row.code == "renotify")
    kept = tuple(row for row in national.duties if row.code != "renotify")
    own = national.model_copy(update={"name": "own", "recipients": (), "register_": None, "duties": theirs})
    return Packs((national.model_copy(update={"duties": kept, "version": "2"}), *others, own))


async def test_six_months_thirty_restarts_an_edited_pack_and_two_clock_changes(tmp_path: Path) -> None:
    """Exactly one re-notification a date; found a day before the next: none."""
    hub = await a_hub(await sqlite_store(tmp_path), clock=FakeClock(at(AUGUST)))
    assert (await hub.post(missing_since_august())).status == 202
    first = {role for one in await hub.notices(HOME, kind="missing") for role in one.roles}
    moments = [at(AUGUST) + timedelta(days=18 * n, hours=7) for n in range(1, 31)]
    moments += [at("2027-02-28T09:59:59Z"), at("2027-02-28T10:00:00Z"), at("2027-08-31T08:59:59Z"),
                at("2027-08-31T09:00:00Z"), at("2027-08-31T09:00:01Z")]  # fmt: skip
    for restart, moment in enumerate(sorted(moments)):
        await hub.store.aclose()
        hub = hub.on(await sqlite_store(tmp_path, node=f"r{restart}"), node=f"r{restart}")
        if restart == 5:
            hub.packs = handed_over(hub.packs)
        if restart == 20:
            await hub.post(updated(id=f"U{restart}", time=moment.isoformat(), episode={"ref": HOME, "clothing": "Red"}),
                           at=moment)  # fmt: skip
        await hub.tick(moment)
        await hub.tick()
    assert restart >= 30
    told = await renotified(hub)
    assert [day for day, _ in told] == ["2027-02-28"] * 3 + ["2027-08-31"] * 3
    assert {role for _, roles in told for role in roles} == first - {"parent"} == {"police", "host_authority", "school"}
    assert len(await hub.notices(HOME, kind="renotification")) == 6
    duties = await hub.duties("renotify", HOME)
    assert [(d.occurrence, d.due_at, d.state) for d in duties] == [
        (1, at("2027-02-28T10:00:00Z"), "done"),
        (2, at("2027-08-31T09:00:00Z"), "done"),
        (3, at("2028-02-29T10:00:00Z"), "open"),
    ]
    register = (await hub.episode(HOME)).register
    assert len([e for e in register if e.removed_at is None]) == 3
    assert {e.removed_by for e in register} == {None, "duty:renotify"}, "no gap between removal and renewal"

    await hub.post(found(time="2028-02-28T10:00:00Z", episode={"ref": HOME}, found={"at": DROP}),
                   at=at("2028-02-28T10:00:00Z"))  # fmt: skip
    await hub.tick(at("2028-03-05T00:00:00Z"))
    await hub.tick(at("2028-09-05T00:00:00Z"))
    assert await renotified(hub) == told
    assert all(e.removed_at is not None for e in (await hub.episode(HOME)).register)
    assert hub.logged == []
    await hub.store.aclose()


@pytest.mark.parametrize("late", [timedelta(0), timedelta(hours=9)])
async def test_two_nodes_that_tick_at_once_act_once(nodes: tuple[Hub, Hub], late: timedelta) -> None:
    one, other = nodes
    for ref in ("A", "B", "C"):
        await one.post(lincs_away(ref))
    when = at("2026-03-01T21:30:00Z") + late
    await one.wait_until(when)
    await asyncio.gather(*(node.clockwork.tick(when) for node in (one, other, one, other)))
    for ref in ("A", "B", "C"):
        stored = await one.episode(ref)
        assert (stored.record.category, stored.record.ever_missing) == ("missing", True)
        missing = [r for d in await one.decisions(ref, kind="missing") for r in d.recipients]
        assert len(missing) == len(set(missing)) > 3
        assert [(d.state, d.closed_by) for d in await other.duties("away_limit", ref)] == [("done", "duty:away_limit")]
    assert one.logged == other.logged == []
    assert await one.alarms() == []


async def test_a_tick_and_an_event_at_once_settle_it(nodes: tuple[Hub, Hub]) -> None:
    """Whichever comes first, the child is found and nobody hears "missing" afterwards."""
    one, other = nodes
    await one.post(lincs_away())
    when = at("2026-03-01T21:30:00Z")
    await one.wait_until(when)
    ending = found(time=when.isoformat(), episode={"ref": "A"}, found={"at": DROP})
    answer, _ = await asyncio.gather(one.post(ending), other.clockwork.tick(when))
    assert answer.status == 202
    assert (await one.episode("A")).record.state == "found"
    pending = {n.kind for n in await one.notices("A") if n.state == "pending"}
    assert pending <= {"found", "threshold"}


async def test_the_conversion_is_an_event_of_the_hub(hub: Hub) -> None:
    await hub.post(lincs_away())
    await hub.tick(at("2026-03-01T21:30:00Z"))
    stored = await hub.episode("A")
    assert stored.record.revision == 2
    assert stored.doc["episode"]["category"] == "missing"
    hubs_own = await hub.see(lambda unit: unit.event("hub", f"{stored.record.id}/away_limit/0/1"))
    assert hubs_own is not None
    assert (hubs_own.type, hubs_own.episode, hubs_own.time) == (
        "fingerpost.hub.duty.v1", stored.record.id, at("2026-03-01T21:30:00Z"),
    )  # fmt: skip
    decided = await hub.see(lambda unit: unit.decisions(stored.record.id))
    assert {d.event for d in decided if d.decision.cause == "duty:away_limit"} == {hubs_own.id}
    assert {n.revision for n in await hub.notices("A", kind="missing")} == {2}
    assert hub.nudged == 2


async def test_nothing_due_is_nothing_done(hub: Hub) -> None:
    await hub.post(lincs_away())
    before = (await hub.episode("A")).record
    assert await hub.tick(at("2026-03-01T21:29:59Z")) == 0
    assert (await hub.episode("A")).record == before
    assert hub.nudged == 1


async def test_a_week_at_its_own_pace_and_a_week_in_one_go(tmp_path: Path) -> None:
    """The duties end alike; a hub that was down sends each owner one reminder, not seven."""
    ends = []
    for name in ("steady", "down"):
        folder = tmp_path / name
        folder.mkdir()
        hub = await a_hub(await sqlite_store(folder), clock=FakeClock(at("2026-03-01T19:45:00Z")))
        await hub.post(reported())
        end = at("2026-03-08T12:00:00Z")
        await (hub.run_until(end) if name == "steady" else hub.tick(end))
        stored = await hub.episode()
        ends.append({(d.code, d.occurrence, d.due_at, d.state) for d in stored.duties})
        contact = [n for n in await hub.notices(kind="duty_overdue") if n.person == "Jo Worker"]
        assert len(contact) == (6 if name == "steady" else 1)
        assert len([n for n in await hub.notices(kind="missing") if n.roles == ("mash",)]) == 1
        assert await hub.wake() is not None
        await hub.store.aclose()
    assert ends[0] == ends[1]


async def test_half_a_year_of_ticks_leaves_nothing_late(tmp_path: Path) -> None:
    hub = await a_hub(await sqlite_store(tmp_path), clock=FakeClock(at("2026-03-01T19:45:00Z")))
    await hub.post(reported_at_home(child={"subject_to_immigration_restriction": True}))
    await hub.run_until(at("2026-09-02T00:00:00Z"))
    contacts = await hub.duties("home_office_contact", HOME)
    assert [d.occurrence for d in contacts] == list(range(1, 28))
    assert [d.due_at for d in contacts[:5]] == [
        at_local(date(2026, 3, day), at("2026-01-01T19:30:00Z").time()) for day in (8, 15, 22, 29)
    ] + [at("2026-04-05T18:30:00Z")]
    wake = await hub.wake()
    assert wake is not None
    assert wake > hub.clock.now()
    assert hub.logged == []
    await hub.store.aclose()


# birthdays


async def test_no_wake_up_and_no_row_shows_a_birthday(tmp_path: Path) -> None:
    born = date(2008, 6, 17)
    hub = await a_hub(await sqlite_store(tmp_path), clock=FakeClock(at("2026-03-01T19:45:00Z")))
    await hub.post(reported_at_home(child={"date_of_birth": born.isoformat()}))
    day = birthday(born, 18)
    (adulthood,) = await hub.duties("adulthood", HOME)
    assert adulthood.due_at == day
    reminder = datetime.fromisoformat(adulthood.detail["remind_at"])
    seen = []
    while (wake := await hub.wake()) is not None and wake <= day:
        seen.append(wake)
        assert wake not in (day, reminder) or wake == at_local(wake.date() + timedelta(days=1), datetime.min.time())
        others = {d.due_at for d in (await hub.episode(HOME)).duties if d.code != "adulthood"}
        local_midnight = at_local((wake + timedelta(hours=12)).date(), datetime.min.time())
        assert wake in others or wake == local_midnight or (wake.day, wake.hour, wake.minute) == (1, 0, 0)
        await hub.tick(wake)
    assert {s.day for s in seen if s.month == 6} >= set(range(1, 16)), "every midnight of its month looks alike"
    rows = sqlite3.connect(tmp_path / LEDGER)
    try:
        due, detail, sealed = rows.execute(
            "SELECT due_at, detail, sealed FROM duties WHERE code = 'adulthood'"
        ).fetchone()
    finally:
        rows.close()
    assert (due, detail) == (None, None)
    assert sealed
    await hub.tick(day)
    assert [d.state for d in await hub.duties("adulthood", HOME)] == ["overdue"], "and on the day it is chased"
    assert len(await hub.notices(HOME, kind="duty_overdue")) == 1
    await hub.store.aclose()


# when the store, or one episode, fails


async def test_a_crash_at_any_await_of_a_tick_leaves_nothing_or_everything(tmp_path: Path) -> None:
    hub = await a_hub(await sqlite_store(tmp_path))
    real = hub.store
    await hub.post(lincs_away())
    when = at("2026-03-03T21:30:00Z")
    await hub.wait_until(when)
    start = ledger(tmp_path)
    k = 0
    while True:
        k += 1
        hub.store = Breaking(real, k, lambda: StoreUnavailable("away"))
        clockwork = hub.clockwork
        try:
            await clockwork.tick(when)
        except StoreUnavailable:
            assert ledger(tmp_path) == start, f"something is left after a crash at call {k}"
        else:
            break
    assert k >= 6, "several deeds in one transaction"
    hub.store = real
    missing = [r for d in await hub.decisions("A", kind="missing") for r in d.recipients]
    assert len(missing) == len(set(missing))
    assert await hub.tick() == 0
    await real.aclose()


class Spoilt(Exception):
    """What a broken episode raises; its text must not be logged."""


async def test_an_episode_that_cannot_be_worked_on_holds_up_no_other(hub: Hub) -> None:
    for ref in ("A", "B"):
        await hub.post(lincs_away(ref))
    broken = (await hub.episode("A")).record.id
    real, failing = hub.store, Breaking(hub.store, None)
    failing.spoilt = lambda name, args: (
        Spoilt("Robin Example") if name == "episode_by_id" and args[0] == broken else None
    )
    hub.store = failing
    clockwork, when = hub.clockwork, at("2026-03-01T21:30:00Z")
    await hub.wait_until(when)
    assert await clockwork.tick(when) == 1
    assert (await hub.episode("B")).record.category == "missing"
    assert (await hub.episode("A")).record.category == "away"
    assert hub.logged == [(broken, "Spoilt")]
    (alarm,) = await hub.alarms()
    assert (alarm.kind, alarm.owner, alarm.episode, alarm.reason) == ("clock_failed", "operator", broken, "Spoilt")
    assert await clockwork.tick(when + timedelta(seconds=30)) == 0, "left alone for a while"
    assert len(hub.logged) == 1
    await clockwork.tick(when + PATIENCE)
    assert len(hub.logged) == 2
    assert len(await hub.alarms()) == 1, "one alarm, however often"
    hub.store = real
    failing.spoilt = lambda name, args: None
    assert await clockwork.tick(when + 2 * PATIENCE) == 1
    assert (await hub.episode("A")).record.category == "missing"


async def test_an_episode_that_failed_waits_no_longer_because_the_clock_was_set_back(hub: Hub) -> None:
    await hub.post(lincs_away("A"))
    failing = Breaking(hub.store, None)
    failing.spoilt = lambda name, args: Spoilt() if name == "episode_by_id" else None
    hub.store = failing
    clockwork, when = hub.clockwork, at("2026-03-01T23:00:00Z")
    await hub.wait_until(when)
    assert await clockwork.tick(when) == 0
    failing.spoilt = lambda name, args: None
    assert await clockwork.tick(when - timedelta(hours=1)) == 1
    assert (await hub.episode("A")).record.category == "missing"


async def test_an_episode_the_store_always_gives_up_on_holds_up_no_other(hub: Hub) -> None:
    for ref in ("A", "B"):
        await hub.post(lincs_away(ref))
    slow = (await hub.episode("A")).record.id
    failing = Breaking(hub.store, None)
    failing.spoilt = lambda name, args: (
        StoreUnavailable("the work took too long") if name == "episode_by_id" and args[0] == slow else None
    )
    hub.store = failing
    clockwork, when = hub.clockwork, at("2026-03-01T21:30:00Z")
    await hub.wait_until(when)
    for second in range(2):
        with pytest.raises(StoreUnavailable):
            await clockwork.tick(when + timedelta(seconds=second))
    assert await clockwork.tick(when + timedelta(seconds=2)) == 1
    assert (await hub.episode("B")).record.category == "missing"


async def test_a_store_that_is_away_is_said_and_nothing_is_lost(hub: Hub) -> None:
    await hub.post(lincs_away())
    real, hub.store = hub.store, Breaking(hub.store, 1, lambda: StoreUnavailable("away"))
    when = at("2026-03-01T21:30:00Z")
    await hub.wait_until(when)
    with pytest.raises(StoreUnavailable):
        await hub.clockwork.tick(when)
    assert hub.nudged == 1
    hub.store = real
    assert await hub.tick() == 1


async def test_more_episodes_than_a_batch_are_all_worked_on(hub: Hub) -> None:
    for n in range(105):
        await hub.post(lincs_away(f"EP-{n}", child={"ref": f"C-{n}"}))
    assert await hub.tick(at("2026-03-01T21:30:00Z")) >= 105

    async def due(unit: Unit) -> list[str]:
        return list(await unit.due_episodes(hub.clock.now(), 1000))

    assert await hub.see(due) == []


async def test_rows_stored_by_a_node_whose_clock_goes_ahead(hub: Hub) -> None:
    """Register entries are matched by holder, not by place: an hour's difference between nodes must not mix them up."""
    ahead = hub.on(hub.store, node="2")
    ahead.clock = FakeClock(at("2026-03-01T21:00:00Z"))
    await ahead.post(reported())
    behind = hub
    behind.clock = FakeClock(at("2026-03-01T20:00:00Z"))
    await behind.post(updated(episode={"risk": {"level": "high"}}))
    await behind.post(updated(id="U2", time="2026-03-01T21:05:00Z", placement={"host_authority": LEEDS}))
    entries = (await hub.episode()).register
    live = [(e.organisation, e.role) for e in entries if e.removed_at is None]
    assert len(live) == len(set(live))
    await behind.tick(at("2026-09-01T21:00:00Z"))
    after = (await hub.episode()).register
    renewed = {(e.organisation, e.role) for e in after if e.received_at == at("2026-09-01T21:00:00Z")}
    for entry in after:
        if (entry.organisation, entry.role) in renewed and entry.received_at < at("2026-09-01T00:00:00Z"):
            assert entry.removed_by is not None
    assert len(after) == len(entries) + len(renewed)


@pytest.mark.parametrize("moment", ["2026-03-03T19:30:00Z", "2026-03-09T07:00:00Z"], ids=["on time", "days late"])
async def test_that_their_update_is_due_goes_to_the_police_before_whoever_waits_for_it(
    moment: str, tmp_path: Path
) -> None:
    """B38, also after the hub was down over two of its due times: the police are chased about the newest only (B8)."""
    hub = await a_hub(await sqlite_store(tmp_path), clock=FakeClock(at("2026-03-01T19:45:00Z")))
    await hub.post(reported(episode={"risk": {"level": "high"}}))
    await hub.tick(at(moment))
    identity = (await hub.episode()).record.id
    about = {
        one.id: one.decision
        for one in await hub.see(lambda unit: unit.decisions(identity))
        if one.decision.cause == "duty:police_update"
    }
    notices = {one.id: about[one.decision] for one in await hub.notices() if one.decision in about}
    sent = [(notices[d.notice], d) for d in await hub.deliveries() if d.notice in notices]
    assert {(decision.kind, delivery.rank) for decision, delivery in sent} == {("duty_overdue", 0), ("message", 1)}
    assert len({delivery.group for _, delivery in sent}) == 1
    assert [decision.roles for decision in about.values() if decision.kind == "duty_overdue"] == [("police",)]
    await hub.store.aclose()
