"""The fault matrix: what becomes of a notice when something on its way breaks. The table is docs/reliability.md.

Everything here is real but the clock: the ledger, the composer, the e-mail adapter, a TCP proxy, an SMTP server. For
each fault the same is asked. Was it lost? No: it was sent, or a human has an alarm about it. Was it sent twice? At most
once more, under the same Message-ID. How long until somebody was told? Seconds of the clock from the moment it was due
to the first alarm; the time that a try takes, which the time-outs bound, comes on top.
"""

import asyncio
import email
import email.policy
import resource
import signal
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from adapters.email.connection import Timeouts
from adapters.port import Envelope, Result
from hub.core.completeness import EVERY
from hub.core.records import Changes, NoticeRecord
from hub.core.retry import RetryPolicy
from hub.core.tokens import ack_token, token_digest
from hub.edge.ids import SeededIds
from hub.service.delivery import Delivery
from hub.service.health import Health
from hub.service.lanes import Limits
from hub.service.ports import Unit
from hub.service.supervise import Supervisor
from hub.service.watching import Watching
from tests.kit.clock import FakeClock
from tests.kit.delivering import Notes, Sink, Watched, World, until
from tests.kit.mailing import ACK_SECRET, composer, mail_transport
from tests.kit.mortal import PATIENT, mortal
from tests.kit.pki import NOW, SERVER, authority, person, root
from tests.kit.postgres import PostgresServer, postgres_server, postgres_store
from tests.kit.proxy import Mode, Proxy, proxy
from tests.kit.smtp import Fault, Place, SmtpServer, server_context, smtp_server
from tests.kit.store import LEDGER, Stores, memory_store, sqlite_store

MINUTE = timedelta(minutes=1)
OUTAGE = 10 * MINUTE
SETTLED_WITHIN = 30 * MINUTE
STEP = 10.0
STALLED = 5 * 60 + EVERY
"""The latest for the alarm ``stalled``, in seconds."""
POLICY = RetryPolicy(schedule=(30, 120, 600, 1800, 3600, 7200, 14_400, 28_800), jitter=0.0)
"""That of the settings, without chance."""
LIMITS = Limits(lease=300, longest_send=100, concurrency=8, reserve=2, poll=1, drain=6)
HASTY = Timeouts(connect=0.7, command=0.7, content=3, total=8, close=1)
"""Long enough for a conversation in which nothing is wrong, short enough to wait for one that hangs."""
ROOT = Path(__file__).parents[3]


@dataclass
class Site:
    """A hub that delivers by e-mail through a proxy, and looks at itself."""

    world: World
    server: SmtpServer
    proxy: Proxy
    watching: Watching
    told: Changes
    begun: datetime = NOW
    first_alarm: float | None = None
    alarms_seen: set[str] = field(default_factory=set)
    _looked_at: datetime = NOW

    @property
    def copies(self) -> list[str]:
        """The Message-ID of every mail that the server has read to its end."""
        return [str(email.message_from_bytes(one.data)["Message-ID"]) for one in self.server.received]

    async def notice(self) -> NoticeRecord:
        return await self.world.notice(self.told.deliveries[0].id)

    async def settled(self) -> bool:
        return await self.world.settled(self.told)

    async def rest(self, delivery: Delivery) -> None:
        """Until nothing is being sent or written: the clock stands still as long as that takes."""
        await until(lambda: delivery.in_flight == 0 and delivery.unrecorded == 0 and self.world.store.pending == 0)

    async def look(self) -> None:
        """What somebody would have been told by now."""
        now = self.world.clock.now()
        if now - self._looked_at >= timedelta(seconds=EVERY):
            self._looked_at = now
            await self.watching.tick(now)
        found = {kind for kind, _, _ in await self.world.alarms()}
        self.alarms_seen |= found
        if found and self.first_alarm is None:
            self.first_alarm = (now - self.begun).total_seconds()

    async def passing(self, delivery: Delivery, done: Callable[[], bool | Awaitable[bool]], at_most: timedelta) -> None:
        """Let time pass, step by step, until it is done."""
        end = self.world.clock.now() + at_most
        while True:
            await self.rest(delivery)
            await self.look()
            held = done()
            if held if isinstance(held, bool) else await held:
                return
            assert self.world.clock.now() < end, f"not within {at_most}"
            await self.world.advance(STEP)

    async def passing_for(self, delivery: Delivery, time: timedelta) -> None:
        end = self.world.clock.now() + time
        await self.passing(delivery, lambda: self.world.clock.now() >= end, time + MINUTE)

    async def nothing_lost(self) -> None:
        """It was sent, or a human has it; at most one more copy, which says that it is one."""
        notice = await self.notice()
        handed_over = notice.state == "undeliverable" and "undeliverable" in self.alarms_seen
        assert notice.state == "notified" or handed_over, notice.state
        if notice.state == "notified":
            assert "incomplete" not in self.alarms_seen, "it always had a next time"
            assert any(one.answered for one in self.server.received)
        assert len(self.copies) <= 2
        assert set(self.copies) <= {f"<{self.told.deliveries[0].id}@hub.example>"}


@asynccontextmanager
async def site(store: Stores, timeouts: Timeouts = HASTY) -> AsyncIterator[Site]:
    async with smtp_server() as server, proxy("127.0.0.1", server.port) as between:
        world = World(store=Watched(store), clock=FakeClock(NOW), sinks={"email": Sink()})
        transport = mail_transport("localhost", between.port, timeouts)
        world.sinks = {"email": transport}  # type: ignore[dict-item]  # the real one takes the sink's place
        world.envelopes = composer()  # type: ignore[assignment]  # likewise
        watching = Watching(store=world.store, ids=SeededIds("watching"), late=120, log=Notes())
        try:
            yield Site(world, server, between, watching, await report(world))
        finally:
            await transport.aclose()


async def report(world: World) -> Changes:
    """One desk is to be told, as intake writes it; it is looked at again in a day."""
    story = world.story()

    async def work(unit: Unit) -> Changes:
        await story.meet(unit)
        changes = story.report(1)
        (delivery,), (notice,) = changes.deliveries, changes.notices
        digest = token_digest(ack_token(ACK_SECRET, delivery.id))
        changes = replace(
            changes,
            deliveries=(replace(delivery, contact=None, token_digest=digest),),
            notices=(replace(notice, chase_at=world.clock.now() + timedelta(days=1)),),
            episode=replace(changes.episode, wake_at=None),
        )
        await unit.save(changes)
        return changes

    return await world.store.write(work)


@pytest.fixture
async def memory() -> AsyncIterator[Stores]:
    store = await memory_store()
    yield store
    await store.aclose()


# On the way to the relay


class Trouble:
    """Something that is wrong, from ``begin`` to ``end``. ``once``: with the first connection only."""

    def __init__(self, at: Site) -> None:
        self.site = at

    async def begin(self, *, once: bool) -> None: ...
    async def end(self) -> None: ...


class Refuses(Trouble):
    """Nobody listens."""

    async def begin(self, *, once: bool) -> None:
        await self.site.proxy.shut()

    async def end(self) -> None:
        await self.site.proxy.open()


def behaves(mode: Mode) -> type[Trouble]:
    class Behaves(Trouble):
        async def begin(self, *, once: bool) -> None:
            if once:
                self.site.proxy.planned.append(mode)
            else:
                self.site.proxy.mode = mode

        async def end(self) -> None:
            self.site.proxy.mode = "passes"
            await self.site.proxy.cut()

    return Behaves


def answers(place: Place, reply: str) -> type[Trouble]:
    class Answers(Trouble):
        async def begin(self, *, once: bool) -> None:
            self.site.server.fail(place, *[Fault(reply=reply)] * (1 if once else 100))

        async def end(self) -> None:
            self.site.server.faults.clear()

    return Answers


def proves(certificate: Callable[[], Any]) -> type[Trouble]:
    class Proves(Trouble):
        """Another server answers, which cannot prove that it is the relay."""

        async def begin(self, *, once: bool) -> None:
            self._other = smtp_server(tls=server_context(certificate()))
            self._impostor = await self._other.__aenter__()
            self._own, self.site.proxy.upstream = self.site.proxy.upstream, ("127.0.0.1", self._impostor.port)

        async def end(self) -> None:
            self.site.proxy.upstream = self._own
            await self.site.proxy.cut()
            assert self._impostor.received == [], "nothing was handed to it"
            assert not any(line.startswith(b"RCPT") for line in self._impostor.lines)
            await self._other.__aexit__(None, None, None)

    return Proves


LONG_AGO = (datetime(2019, 1, 1, tzinfo=UTC), datetime(2020, 1, 1, tzinfo=UTC))
ON_THE_WAY: dict[str, tuple[type[Trouble], float]] = {
    "refuses": (Refuses, STALLED),
    "hangs": (behaves("hangs"), STALLED),
    "closes at once": (behaves("cuts"), STALLED),
    "speaks garbage": (behaves("garbage"), STALLED),
    "resets in the middle of DATA": (behaves("resets"), STALLED),
    "takes it and loses the answer": (behaves("loses the answer"), 60),
    "drips": (behaves("drips"), STALLED),
    "answers 421 to everything": (answers("greeting", "421 4.3.2 busy"), STALLED),
    "answers 451 to the recipient": (answers("rcpt", "451 4.3.0 try later"), STALLED),
    "answers 554 to everything": (answers("greeting", "554 5.3.2 no service here"), STEP),
    "has a certificate for another name": (
        proves(lambda: person(issuer=root(), purposes=SERVER, hosts=["other.example"])),
        STEP,
    ),
    "has an expired certificate": (
        proves(lambda: person(issuer=root(), purposes=SERVER, hosts=["localhost"], start=LONG_AGO[0], end=LONG_AGO[1])),
        STEP,
    ),
    "has a certificate of nobody known": (
        proves(lambda: person(issuer=authority("Evil Root"), purposes=SERVER, hosts=["localhost"])),
        STEP,
    ),
}
"""What is wrong, and the latest that somebody is told if it lasts."""


@pytest.mark.parametrize("fault", ON_THE_WAY)
async def test_a_fault_that_lasts_loses_nothing_and_somebody_is_told(memory: Stores, fault: str) -> None:
    kind, told_within = ON_THE_WAY[fault]
    # What is told at once says so itself: a busy machine must not look like one that hangs.
    async with site(memory, PATIENT if told_within == STEP else HASTY) as here:
        trouble = kind(here)
        await trouble.begin(once=False)
        delivery = here.world.delivery(policy=POLICY, limits=LIMITS)
        async with here.world.delivering(delivery):
            await here.passing_for(delivery, OUTAGE)
            assert here.first_alarm is not None and here.first_alarm <= told_within, here.first_alarm
            await trouble.end()
            await here.passing(delivery, here.settled, SETTLED_WITHIN)
        await here.nothing_lost()
        await here.watching.tick(here.world.clock.now() + timedelta(seconds=EVERY))
        assert "stalled" not in {name for name, _, _ in await here.world.alarms()}, "it is over"


@pytest.mark.parametrize("fault", ON_THE_WAY)
async def test_a_fault_that_passes_is_over_with_the_next_try(memory: Stores, fault: str) -> None:
    kind, _ = ON_THE_WAY[fault]
    async with site(memory) as here:
        trouble = kind(here)
        await trouble.begin(once=True)
        delivery = here.world.delivery(policy=POLICY, limits=LIMITS)

        async def tried() -> bool:
            return bool(await here.world.attempts(here.told.deliveries[0].id))

        async with here.world.delivering(delivery):
            await here.passing(delivery, tried, MINUTE)
            await trouble.end()
            await here.passing(delivery, here.settled, MINUTE)
        assert (await here.notice()).state == "notified"
        await here.nothing_lost()
        assert "stalled" not in here.alarms_seen


async def test_a_mailbox_that_does_not_exist_is_told_of_at_once(memory: Stores) -> None:
    async with site(memory) as here:
        here.server.fail("rcpt", Fault(reply="550 5.1.1 no such user"))
        delivery = here.world.delivery(policy=POLICY, limits=LIMITS)
        async with here.world.delivering(delivery):
            await here.passing(delivery, here.settled, MINUTE)
        await here.nothing_lost()
        assert here.copies == []
        assert here.first_alarm is not None and here.first_alarm <= STEP


async def test_a_name_that_is_not_resolved_is_told_of_and_nothing_is_lost(memory: Stores) -> None:
    async with site(memory) as here:
        good = here.world.sinks
        here.world.sinks = {"email": mail_transport("no-such-host.invalid", here.proxy.port, HASTY)}  # type: ignore[dict-item]
        delivery = here.world.delivery(policy=POLICY, limits=LIMITS)
        async with here.world.delivering(delivery):
            await here.passing_for(delivery, OUTAGE)
        assert here.first_alarm is not None and here.first_alarm <= STALLED
        here.world.sinks = good
        mended = here.world.delivery(policy=POLICY, limits=LIMITS, node="b")
        async with here.world.delivering(mended):
            await here.passing(mended, here.settled, SETTLED_WITHIN)
        assert (await here.notice()).state == "notified"
        assert len(here.copies) == 1


# Under the hub


class Interrupted:
    """The real transport; ``then`` happens after the relay's answer and before anything of it is written down."""

    channel = "email"

    def __init__(self, inner: Any, then: Callable[[], Awaitable[None]]) -> None:
        self.inner = inner
        self.then = then

    async def deliver(self, envelope: Envelope, now: datetime) -> Result:
        result: Result = await self.inner.deliver(envelope, now)
        await self.then()
        return result

    async def aclose(self) -> None:
        await self.inner.aclose()


async def sent_while_the_store_breaks(
    store: Stores, breaks: Callable[[], Awaitable[None]], mends: Callable[[], Awaitable[None]]
) -> None:
    """It is sent, and the store breaks before that is written down, for ten minutes: longer than the lease."""
    async with site(store) as here:
        supervisor = Supervisor(stop_within=5, log=Notes())
        health = Health(store=store, supervisor=supervisor, ticks=(), clock=here.world.clock, overdue_after=120)
        assert await health.overdue() == {}
        transport = Interrupted(here.world.sinks["email"], breaks)
        here.world.sinks = {"email": transport}  # type: ignore[dict-item]  # the real one
        delivery = here.world.delivery(policy=POLICY, limits=LIMITS)
        async with here.world.delivering(delivery):
            await until(lambda: delivery.unrecorded == 1)
            assert await health.overdue(), "the heartbeat stops at once"
            for _ in range(int(OUTAGE.total_seconds() / 60)):
                await here.world.clock.advance(60)
                await asyncio.sleep(0.01)
            assert await health.overdue()
            await mends()
            await here.world.passing(lambda: delivery.unrecorded == 0)
            await here.passing(delivery, here.settled, MINUTE)
            assert await health.overdue() == {}
            await here.passing_for(delivery, 10 * MINUTE)
        assert (await here.notice()).state == "notified"
        assert len(here.copies) == 1


async def test_a_disk_that_is_full_leads_to_no_second_send(tmp_path: Path) -> None:
    store = await sqlite_store(tmp_path)
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

    async def fills() -> None:
        # No file grows any more, as on a full disk; every commit makes the write-ahead log grow.
        written = (tmp_path / f"{LEDGER}-wal").stat().st_size
        resource.setrlimit(resource.RLIMIT_FSIZE, (written, hard))

    async def makes_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))

    try:
        await sent_while_the_store_breaks(store, fills, makes_room)
    finally:
        await makes_room()
        await store.aclose()


async def test_a_ledger_that_another_process_holds_leads_to_no_second_send(tmp_path: Path) -> None:
    store = await sqlite_store(tmp_path)

    def at_once() -> None:
        store._open_connection().connection.cursor().execute("PRAGMA busy_timeout=20")

    await store._in_writer(at_once)
    other = sqlite3.connect(tmp_path / LEDGER, isolation_level=None, check_same_thread=False)

    async def locks() -> None:
        # In a thread: the hub's own transaction, which it may have to wait for, needs this loop to end.
        await asyncio.to_thread(other.execute, "BEGIN IMMEDIATE")

    async def unlocks() -> None:
        other.execute("ROLLBACK")

    try:
        await sent_while_the_store_breaks(store, locks, unlocks)
    finally:
        other.close()
        await store.aclose()


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    with postgres_server() as running:
        yield running


@pytest.mark.postgresql
async def test_a_database_that_is_gone_leads_to_no_second_send(postgres: PostgresServer) -> None:
    ledger, keys = await postgres.database(), await postgres.database()
    name = ledger.split("/")[3].split("?")[0]
    store = await postgres_store((ledger, keys))

    async def goes() -> None:
        await postgres._execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false", "postgres")
        await postgres._execute(
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'", "postgres"
        )

    async def comes_back() -> None:
        await postgres._execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true", "postgres")

    try:
        await sent_while_the_store_breaks(store, goes, comes_back)
    finally:
        await comes_back()
        await store.aclose()


# The clock


@pytest.mark.parametrize("jump", [timedelta(days=1), timedelta(days=-1)], ids=["ahead", "back"])
async def test_a_clock_that_jumps_while_it_is_sent_sends_nothing_twice_and_is_told_of(
    memory: Stores, jump: timedelta
) -> None:
    async with site(memory) as here:
        await here.watching.tick(here.world.clock.now())

        async def jumps() -> None:
            here.world.clock._now += jump

        here.world.sinks = {"email": Interrupted(here.world.sinks["email"], jumps)}  # type: ignore[dict-item]
        delivery = here.world.delivery(policy=POLICY, limits=LIMITS)
        async with here.world.delivering(delivery):
            await until(here.settled)
            here.begun = here._looked_at = here.world.clock.now()
            await here.passing_for(delivery, 10 * MINUTE)
        assert (await here.notice()).state == "notified"
        assert len(here.copies) == 1
        assert "clock_jumped" in here.alarms_seen
        assert here.first_alarm is not None and here.first_alarm <= EVERY + STEP


@pytest.mark.parametrize("jump", [timedelta(days=1), timedelta(days=-1)], ids=["ahead", "back"])
async def test_a_clock_that_jumps_keeps_no_new_notice_waiting(memory: Stores, jump: timedelta) -> None:
    async with site(memory) as here:
        delivery = here.world.delivery(policy=POLICY, limits=LIMITS)
        async with here.world.delivering(delivery):
            await until(here.settled)
            here.world.clock._now += jump
            changes = await report(here.world)
            delivery.nudge()
            await until(lambda: here.world.settled(changes, "sent"))
        assert len(here.copies) == len(set(here.copies)) == 2


@pytest.mark.parametrize("jump", [timedelta(minutes=20), timedelta(days=1)], ids=["20 min", "a day"])
async def test_a_clock_that_is_set_back_keeps_no_retry_waiting_for_longer_than_its_schedule(
    memory: Stores, jump: timedelta
) -> None:
    """The mailbox is put off once; the next try is due in half a minute, by the clock that was right then."""
    async with site(memory) as here:
        here.server.fail("rcpt", Fault(reply="451 4.2.0 later"))
        delivery = here.world.delivery(policy=POLICY, limits=LIMITS)
        await here.watching.tick(here.world.clock.now())
        async with here.world.delivering(delivery):
            await until(lambda: len(here.world.notes.finished) == 1)
            await here.rest(delivery)
            here.world.clock._now -= jump
            here._looked_at = here.begun = here.world.clock.now()

            async def looked_and_settled() -> bool:
                delivery.nudge()  # as the poll would, which sleeps by the clock of this test
                return await here.settled()

            await here.passing(delivery, looked_and_settled, at_most=MINUTE + timedelta(seconds=EVERY))
        assert (await here.notice()).state == "notified"
        assert "clock_jumped" in here.alarms_seen


# Killed


POINTS = ("claiming", "claimed", "composed", "greeting", "mail", "rcpt", "data", "content", "answered", "recording",
          "recorded")  # fmt: skip
"""The way of a delivery, point by point, as docs/reliability.md numbers it."""
AT_THE_RELAY: tuple[Place, ...] = ("greeting", "mail", "rcpt", "data", "content")
MAY_REPEAT = {"content", "answered", "recording"}
"""Where the relay has, or may have, what nobody wrote down."""


@pytest.mark.parametrize("point", POINTS)
async def test_killed_at_each_point_it_loses_nothing_and_repeats_at_most_once_under_the_same_id(
    tmp_path: Path, point: str
) -> None:
    async with smtp_server(starttls=False) as server:
        told = await _prepared(tmp_path)
        if point in AT_THE_RELAY:
            server.fail(point, Fault(hang=True))  # type: ignore[arg-type]  # a place
        process = mortal(tmp_path, server.port, point)
        try:
            if point in AT_THE_RELAY:
                async with asyncio.timeout(60):
                    await server.reached.wait()
                process.kill()
            await asyncio.to_thread(process.join, 60)
            assert process.exitcode == -signal.SIGKILL
        finally:
            process.kill()
            process.join()
        before = len(server.received)
        await _survived(tmp_path, server, told)
        ids = [str(email.message_from_bytes(one.data)["Message-ID"]) for one in server.received]
        assert set(ids) == {f"<{told.deliveries[0].id}@hub.example>"}
        assert any(one.answered for one in server.received)
        assert len(ids) == 1 or (len(ids) == 2 and point in MAY_REPEAT), ids
        assert before == (1 if point in {*MAY_REPEAT, "recorded"} else 0)


async def _prepared(folder: Path) -> Changes:
    store = await sqlite_store(folder)
    world = World(store=Watched(store), clock=FakeClock(NOW), sinks={})
    changes = await report(world)
    await store.aclose()
    return changes


async def _survived(folder: Path, server: SmtpServer, told: Changes) -> None:
    """As a start of the hub does it: whoever held a lease on this ledger is dead."""
    store = await sqlite_store(folder, node="survivor")
    # Nothing is wrong any more: a busy machine must not look like a relay that hangs, as no time passes here.
    transport = mail_transport("localhost", server.port, PATIENT, tls="opportunistic")
    clock = FakeClock(NOW + MINUTE)
    world = World(store=Watched(store), clock=clock, sinks={"email": transport})  # type: ignore[dict-item]
    world.envelopes = composer()  # type: ignore[assignment]  # the real one
    await store.write(lambda unit: unit.close_all_leases(clock.now()))
    try:
        async with world.delivering(world.delivery(node="survivor", policy=POLICY)):
            await until(lambda: world.settled(told, "sent"))
        assert (await world.notice(told.deliveries[0].id)).state == "notified"
        attempts = await world.attempts(told.deliveries[0].id)
        assert len(attempts) <= 2
        if len(attempts) == 2:
            assert (attempts[0].state, attempts[0].reason) == ("technical_failure", "provider_timeout")
        watching = Watching(store=store, ids=SeededIds("watching"), late=120, log=Notes())
        assert await watching.tick(clock.now() + MINUTE) == 0
    finally:
        await transport.aclose()
        await store.aclose()
