"""Lost and stuck work is found within a minute: an alarm, /health/overdue, and a heartbeat that stops."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from hub.core.completeness import EVERY
from hub.core.records import AuditLine
from hub.core.ulid import first_since
from hub.edge.heartbeat import Heartbeat
from hub.edge.ids import SeededIds
from hub.service.audit.chaining import link_waiting
from hub.service.health import Health
from hub.service.ports import StoreUnavailable
from hub.service.supervise import Supervisor, Tick
from hub.service.watching import Watching
from hub.store.types import to_micros
from tests.integration.service.test_chasing import chasing
from tests.kit.clock import START
from tests.kit.delivering import FaultyStore, Notes
from tests.kit.events import found, reported
from tests.kit.node import Hub, a_hub
from tests.kit.store import memory_store, raw


class Watched:
    """A hub that looks at itself every half minute, and whoever waits for its heartbeat."""

    def __init__(self, hub: Hub, store: FaultyStore, heartbeat: Heartbeat, health: Health, tick: Tick) -> None:
        self.hub = hub
        self.store = store
        self.heartbeat = heartbeat
        self.health = health
        self.tick = tick
        self.beats: list[float] = []

    async def found_after(self, *, at_most: float = 600) -> float:
        """Seconds until something is overdue."""
        begun = self.hub.clock.now()
        while not await self.health.overdue():
            assert (self.hub.clock.now() - begun).total_seconds() <= at_most, "nobody notices"
            await self.hub.clock.advance(EVERY)
            await self.tick()
        return (self.hub.clock.now() - begun).total_seconds()

    async def alarms(self) -> list[tuple[str, str]]:
        return [(one.kind, one.reason) for one in await self.hub.alarms() if one.kind not in ("gap", "no_channel")]


@pytest.fixture
async def watched() -> AsyncIterator[Watched]:
    beats: list[web.Request] = []

    async def beat(request: web.Request) -> web.Response:
        beats.append(request)
        return web.Response()

    app = web.Application()
    app.router.add_get("/beat", beat)
    store = FaultyStore(await memory_store())
    hub = await a_hub(store)
    await hub.post(reported(episode={"risk": {"level": "high"}}))
    log = Notes()
    supervisor = Supervisor(stop_within=5, log=log)
    watching = Watching(store=store, ids=SeededIds("watching"), late=120, log=log)
    tick = Tick("watching", watching.tick, clock=hub.clock, supervisor=supervisor, log=log)
    health = Health(store=store, supervisor=supervisor, ticks=(tick,), clock=hub.clock, overdue_after=120,
                    amiss=(watching.amiss,))  # fmt: skip
    # All has gone out, and nobody has to be asked again for a while.
    far = "4102444800000000"
    await raw(
        store.store,  # type: ignore[arg-type]  # the memory's own
        "UPDATE deliveries SET state = 'sent'",
        f"UPDATE notices SET state = 'notified', chase_at = {far}",
        f"UPDATE episodes SET wake_at = {far}",
    )
    async with TestServer(app) as server:
        heartbeat = Heartbeat(str(server.make_url("/beat")), overdue=health.overdue, log=log)
        yield Watched(hub, store, heartbeat, health, tick)
    await store.aclose()


async def test_all_is_well(watched: Watched) -> None:
    with pytest.raises(AssertionError, match="nobody notices"):
        await watched.found_after()
    assert await watched.heartbeat.beat(START)


FIRST_NOTICE = "WHERE id = (SELECT min(id) FROM notices)"
FIRST_DELIVERY = "WHERE id = (SELECT min(id) FROM deliveries)"
LOST = {
    "a notice that nobody looks at any more": f"UPDATE notices SET chase_at = NULL {FIRST_NOTICE}",
    "a look that does not happen": f"UPDATE notices SET chase_at = NOW {FIRST_NOTICE}",
    "a clock that does not run": "UPDATE episodes SET wake_at = NOW",
    "a delivery that nobody takes": f"UPDATE deliveries SET state = 'due', due_at = NOW {FIRST_DELIVERY}",
    "a notice that is gone": "DELETE FROM deliveries; DELETE FROM notices",
}


@pytest.mark.parametrize("what", LOST)
async def test_lost_and_stuck_work_is_found_within_a_minute_and_the_heartbeat_stops(
    watched: Watched, what: str
) -> None:
    assert await watched.heartbeat.beat(START)
    now = str(to_micros(watched.hub.clock.now()))
    await raw(watched.store.store, *LOST[what].replace("NOW", now).split(";"))  # type: ignore[arg-type]
    assert await watched.found_after() <= 60
    assert not await watched.heartbeat.beat(watched.hub.clock.now())
    assert "incomplete" in {kind for kind, _ in await watched.alarms()}


async def test_a_worker_that_died_with_work_in_hand_is_found_as_soon_as_its_lease_is_over(watched: Watched) -> None:
    until = to_micros(START + timedelta(seconds=20))
    held = f"UPDATE deliveries SET state = 'leased', leased_by = 'dead', lease_until = {until} {FIRST_DELIVERY}"
    await raw(watched.store.store, held)  # type: ignore[arg-type]
    assert await watched.found_after() <= 60
    assert set(await watched.health.overdue()) == {"leases_expired"}


async def test_watching_that_does_not_happen_is_itself_overdue(watched: Watched) -> None:
    await watched.tick()
    await watched.hub.clock.advance(121)
    assert set(await watched.health.overdue()) == {"watching_seconds_since_last"}


async def test_a_store_that_is_away_is_overdue_at_once_and_told_when_it_is_back(watched: Watched) -> None:
    watched.store.away = True

    async def away(work: Any) -> Any:
        raise StoreUnavailable("away")

    reading, watched.store.read = watched.store.read, away  # type: ignore[method-assign]
    assert set(await watched.health.overdue()) == {"store_unavailable"}
    await watched.tick()
    assert not await watched.heartbeat.beat(START)
    watched.store.away, watched.store.read = False, reading  # type: ignore[method-assign]
    await watched.hub.clock.advance(EVERY)
    await watched.tick()
    assert await watched.health.overdue() == {}
    assert await watched.heartbeat.beat(START)


async def test_a_store_that_can_be_read_but_not_written_is_overdue_at_once(watched: Watched) -> None:
    async def full() -> bool:
        return False

    watched.store.ready = full  # type: ignore[method-assign]
    assert await watched.health.overdue() == {"store_unwritable": 1}
    assert not await watched.heartbeat.beat(START)


@pytest.mark.parametrize(
    ("jump", "told"),
    [
        (timedelta(hours=-1), "back"),
        (timedelta(days=1), "ahead"),
        (timedelta(seconds=-2), None),
        (timedelta(minutes=2), None),
    ],
)
async def test_a_clock_that_jumps_is_told_of_at_the_next_look(
    watched: Watched, jump: timedelta, told: str | None
) -> None:
    await watched.tick()
    watched.hub.clock._now += jump + timedelta(seconds=EVERY)
    await watched.tick()
    jumped = [reason for kind, reason in await watched.alarms() if kind == "clock_jumped"]
    assert jumped == ([told] if told else [])


async def test_who_was_chased_by_a_clock_a_year_ahead_is_chased_on_once_it_is_put_right(watched: Watched) -> None:
    """Else nobody who has not answered would be asked again for a year."""
    hub, year = watched.hub, timedelta(days=365)
    await raw(watched.store.store, f"UPDATE notices SET chase_at = {to_micros(START)}")  # type: ignore[arg-type]  # the memory's own
    await hub.post(found(id="E2", episode={"ref": "EP-awaited"}))
    hub.clock._now += year
    await watched.tick()
    await chasing(hub).tick(hub.clock.now())
    await hub.post(found(id="E3", episode={"ref": "EP-awaited-too"}))
    hub.clock._now -= year
    await watched.tick()
    right = hub.clock.now()
    assert all(one.chase_at is not None and one.chase_at <= right + timedelta(days=1) for one in await hub.notices())
    for ref in ("EP-awaited", "EP-awaited-too"):
        wakes = (await hub.episode(ref)).record.wake_at
        assert wakes is not None and wakes <= right + timedelta(minutes=15)


async def test_a_start_by_another_clock_than_what_was_written_last_is_told_of(watched: Watched) -> None:
    hub, told = watched.hub, []
    assert await hub.store.read(lambda unit: unit.trail.newest()) is None, "a first start has nothing to go by"
    line = AuditLine(id="au_1", at=START, actor="hub", action="hub.started")
    await hub.store.write(lambda unit: unit.add_audit([line]))
    await link_waiting(hub.store)
    last = await hub.store.read(lambda unit: unit.trail.newest())
    assert last == START
    for away in (-timedelta(minutes=2), -timedelta(seconds=30), timedelta(hours=23), timedelta(days=2)):
        late = Watching(store=hub.store, ids=SeededIds(str(away)), late=86_400 * 3, log=Notes(), last=last)
        await late.tick(START + away)
        told.append([reason for kind, reason in await watched.alarms() if kind == "clock_jumped"])
    assert told == [["back"], ["back"], ["back"], ["back", "ahead"]]


async def test_a_jump_while_the_store_is_away_is_told_of_afterwards(watched: Watched) -> None:
    await watched.tick()
    watched.store.away = True
    watched.hub.clock._now -= timedelta(hours=1)
    await watched.tick()
    watched.store.away = False
    await watched.hub.clock.advance(EVERY)
    await watched.tick()
    assert ("clock_jumped", "back") in await watched.alarms()


async def test_a_start_while_an_old_log_is_being_linked_has_nothing_to_go_by(watched: Watched) -> None:
    store = watched.hub.store

    async def written(*at: datetime) -> None:
        lines = [AuditLine(id=first_since("au", one), at=one, actor="hub", action="hub.started") for one in at]
        await store.write(lambda unit: unit.add_audit(lines))

    await written(START)
    await link_waiting(store)
    long_ago = START - timedelta(days=900)
    await written(*(long_ago + timedelta(hours=hour) for hour in range(3)))
    await link_waiting(store, 1, bite=2)
    assert await store.read(lambda unit: unit.trail.newest()) is None
    await link_waiting(store)
    await written(START + timedelta(minutes=1), START + timedelta(minutes=2))
    await link_waiting(store, 1, bite=1)
    assert await store.read(lambda unit: unit.trail.newest()) == START + timedelta(minutes=1)
