"""One destination that is slow, dead or full of reminders delays no other, and nobody is blamed for the relay."""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest

from adapters.port import Deferred, Envelope, Result, Unconfirmed
from hub.core.records import Changes, DeliveryRecord
from hub.core.retry import RetryPolicy
from hub.service.lanes import AHEAD, WIDE, Limits
from hub.service.ports import Unit
from tests.kit.clock import FakeClock
from tests.kit.delivering import LIMITS, Sink, World, until

SHARE = LIMITS.at_one_destination
REFUSED = Deferred(reason="connection_failed", detail="ClientConnectorError")
ANSWER = 0.05
"""Seconds of the clock that a living host takes."""
TIMEOUT = 10.0
"""Seconds after which a dead one is given up."""
CALM = replace(LIMITS, poll=5)
"""Fewer looks, where much time passes."""
PATIENT = RetryPolicy(schedule=(30, 120, 600, 1800, 3600, 7200, 14_400), jitter=0.0)


@dataclass
class Hosts(Sink):
    """Many hosts behind one transport, each with a mind of its own; all answer at once unless told otherwise."""

    channel: str = "push"
    refusing: Collection[str] = ()
    hanging: Collection[str] = ()
    """They take a connection and say nothing until the transport gives up."""
    clock: FakeClock | None = None
    """With one, the living take ANSWER seconds."""
    gates: Mapping[str, asyncio.Event] = field(default_factory=dict)
    tried: list[tuple[str, datetime]] = field(default_factory=list)
    flying: dict[str, int] = field(default_factory=dict)
    most: dict[str, int] = field(default_factory=dict)

    async def deliver(self, envelope: Envelope, now: datetime) -> Result:
        host = urlsplit(envelope.address).netloc
        self.tried.append((host, now))
        self.flying[host] = self.flying.get(host, 0) + 1
        self.most[host] = max(self.most.get(host, 0), self.flying[host])
        try:
            return await self._answer(host, envelope, now)
        finally:
            self.flying[host] -= 1

    async def _answer(self, host: str, envelope: Envelope, now: datetime) -> Result:
        if host in self.refusing:
            return REFUSED
        if host in self.hanging:
            assert self.clock is not None
            await self.clock.sleep(TIMEOUT)
            return Unconfirmed(detail="TimeoutError")
        if host in self.gates:
            await self.gates[host].wait()
        if self.clock is not None:
            await self.clock.sleep(ANSWER)
        return await super().deliver(envelope, now)

    def tries(self, host: str) -> list[datetime]:
        return [at for name, at in self.tried if name == host]


@dataclass
class Relay(Sink):
    """It can be asked whether it is there."""

    is_there: bool = False
    knocks: int = 0

    async def reachable(self) -> bool:
        self.knocks += 1
        return self.is_there


@pytest.fixture
def hosts(world: World) -> Hosts:
    made = Hosts()
    world.sinks["push"] = made
    return made


def bound_for(one: DeliveryRecord, host: str) -> DeliveryRecord:
    address = f"https://{host}/notices"
    return replace(one, channel="push", address=address, destination=host.encode().ljust(16, b"."))


async def told(world: World, *to: str, channel: str = "push", in_turn: bool = False, **more: Any) -> Changes:
    """A notice to each of these hosts, in that order; ``in_turn``: each behind the one before it."""
    story = world.story()

    async def work(unit: Unit) -> Changes:
        await story.meet(unit)
        changes = story.report(len(to), **more)
        made = [
            replace(bound_for(one, host), channel=channel, rank=place if in_turn else one.rank)
            for place, (one, host) in enumerate(zip(changes.deliveries, to, strict=True))
        ]
        changes = replace(changes, deliveries=tuple(made))
        await unit.save(changes)
        return changes

    return await world.store.write(work)


def part(changes: Changes, *names: str) -> Changes:
    """The deliveries to these hosts."""
    kept = [one for one in changes.deliveries if urlsplit(one.address).netloc in names]
    return replace(changes, deliveries=tuple(kept))


class TestOneSlow:
    async def test_it_has_its_share_and_the_others_wait_for_nothing(self, world: World, hosts: Hosts) -> None:
        """More is due for the slow one than the lane has places, and all of that was due earlier."""
        gate = asyncio.Event()
        hosts.gates = {"slow": gate}
        many = WIDE * LIMITS.concurrency + 10
        first = await told(world, *["slow"] * many)
        others = await told(world, *[f"h{n % 10}" for n in range(60)])
        async with world.delivering(world.delivery()):
            await until(lambda: world.settled(others, "sent"))
            assert len(hosts.tries("slow")) == 1, "it has not answered once yet"
            assert world.clock.now() == first.deliveries[0].due_at, "nobody waited for a timer"
            gate.set()
            await world.passing(lambda: world.settled(first, "sent"))
        assert hosts.most["slow"] <= SHARE

    async def test_one_that_grew_slow_keeps_to_its_share(self, world: World, hosts: Hosts) -> None:
        before = await told(world, *["slow"] * 12)
        delivery = world.delivery()
        async with world.delivering(delivery):
            await until(lambda: world.settled(before, "sent"))
            gate = asyncio.Event()
            hosts.gates = {"slow": gate}
            after = await told(world, *["slow"] * 20)
            others = await told(world, *["other"] * 5)
            delivery.nudge()
            await until(lambda: hosts.flying["slow"] == SHARE)
            await until(lambda: world.settled(others, "sent"))
            assert hosts.flying["slow"] == SHARE
            gate.set()
            await world.passing(lambda: world.settled(after, "sent"))
        assert hosts.most["slow"] == SHARE

    async def test_reminders_to_it_keep_no_first_notice_to_it_waiting(self, world: World, hosts: Hosts) -> None:
        before = await told(world, *["slow"] * 12)
        delivery = world.delivery()
        async with world.delivering(delivery):
            await until(lambda: world.settled(before, "sent"))
            gate = asyncio.Event()
            hosts.gates = {"slow": gate}
            reminders = await told(world, *["slow"] * 20, priority="low")
            delivery.nudge()
            await until(lambda: hosts.flying["slow"] == max(1, SHARE - 1))
            tried = len(hosts.tries("slow"))
            first = await told(world, "slow")
            delivery.nudge()
            await until(lambda: len(hosts.tries("slow")) == tried + 1)
            gate.set()
            await world.passing(lambda: world.settled([first, reminders], "sent"))

    async def test_a_burst_of_reminders_leaves_places_in_the_lane(self, world: World, hosts: Hosts) -> None:
        gate = asyncio.Event()
        slow = [f"s{n}" for n in range(WIDE * LIMITS.concurrency)]
        hosts.gates = dict.fromkeys(slow, gate)
        reminders = await told(world, *slow, priority="low")
        delivery = world.delivery()
        async with world.delivering(delivery):
            await until(lambda: len(hosts.tried) == WIDE * (LIMITS.concurrency - LIMITS.reserve))
            first = await told(world, "other")
            delivery.nudge()
            await until(lambda: world.settled(first, "sent"))
            assert not await world.settled(reminders, "sent")
            gate.set()
            await world.passing(lambda: world.settled(reminders, "sent"))


class TestOneDead:
    async def test_it_is_tried_alone_now_and_then_and_nothing_of_it_is_late(self, world: World, hosts: Hosts) -> None:
        hosts.refusing = {"dead"}
        dead = await told(world, *["dead"] * 12)
        delivery = world.delivery(limits=CALM, policy=PATIENT)
        began = world.clock.now()
        async with world.delivering(delivery):
            await until(lambda: "delivery.destination_shut" in world.notes.said)
            assert delivery.figures() == {"destinations_shut": 1}
            assert delivery.amiss() == {}
            living = await told(world, "living")
            delivery.nudge()
            await until(lambda: world.settled(living, "sent"))
            while world.clock.now() < began + timedelta(minutes=9):
                await world.advance(10)
                now = world.clock.now()
                late = now - timedelta(seconds=60)
                counts = await world.store.read(lambda unit, now=now, late=late: unit.counts(now, late))
                assert counts["deliveries_late"] == 0, now - began
            # Three at once, then after 30 s and 1, 2, 4 minutes: not each of the twelve, over and over.
            assert len(hosts.tries("dead")) == 7
            hosts.refusing = ()
            await world.passing(lambda: world.settled(dead, "sent"), step=10)
            assert world.clock.now() - began < timedelta(minutes=18), "at the next try, those too with a later turn"
        assert delivery.figures() == {"destinations_shut": 0}
        every = sorted(one.delivery for one in hosts.received)
        assert every == sorted(one.id for one in (*dead.deliveries, *living.deliveries)), "each once"
        shut = [fields for event, fields in world.notes.lines if event == "delivery.destination_shut"]
        assert [one["seconds"] for one in shut] == [30, 60, 120, 240, 480]
        assert {(one["channel"], one["organisation"]) for one in shut} == {("push", "E23000001")}

    async def test_what_comes_in_while_it_is_shut_is_put_off_too(self, world: World, hosts: Hosts) -> None:
        hosts.refusing = {"dead"}
        await told(world, *["dead"] * 3)
        delivery = world.delivery(policy=PATIENT)
        async with world.delivering(delivery):
            await until(lambda: delivery.figures() == {"destinations_shut": 1})
            await world.advance(1)
            (late,) = (await told(world, "dead")).deliveries
            for _ in range(14):
                await world.advance(1)
            standing = await world.standing(late.id)
            assert standing.due_at > world.clock.now()
            assert (standing.state, standing.attempts) == ("due", 0)

    async def test_another_node_finds_out_by_itself(self, world: World, hosts: Hosts) -> None:
        """What one node knows of a destination is in its memory: another loses three tries, and no notice."""
        hosts.refusing = {"dead"}
        changes = await told(world, *["dead"] * 8)
        for node in ("a", "b"):
            delivery = world.delivery(node=node, limits=CALM, policy=PATIENT)
            async with world.delivering(delivery):
                await world.passing(lambda delivery=delivery: delivery.figures()["destinations_shut"] == 1, step=5)
        hosts.refusing = ()
        async with world.delivering(world.delivery(node="c", limits=CALM, policy=PATIENT)):
            await world.passing(lambda: world.settled(changes, "sent"), step=10)

    async def test_its_notices_end_by_the_schedule_with_somebody_told(self, world: World, hosts: Hosts) -> None:
        """The breaker puts off, and not for ever: each try counts, and after the last one the owner knows."""
        hosts.refusing = {"dead"}
        changes = await told(world, *["dead"] * 3)
        policy = RetryPolicy(schedule=(30,), jitter=0.0)
        async with world.delivering(world.delivery(limits=CALM, policy=policy)):
            await world.passing(lambda: world.settled(changes, "failed"), step=10)
        for one in changes.deliveries:
            assert (await world.notice(one.id)).state == "undeliverable"
        assert {kind for kind, _, _ in await world.alarms()} == {"undeliverable"}


class TestADomainBehindTheRelay:
    """The relay asks the recipient's own server before it answers, and hangs with it."""

    async def test_one_that_hangs_keeps_no_other_domain_waiting(self, world: World) -> None:
        relay = Hosts(channel="email", gates={"slow.example": asyncio.Event()})
        world.sinks["email"] = relay
        slow = await told(world, *["slow.example"] * 60, channel="email")
        delivery = world.delivery()
        async with world.delivering(delivery):
            await until(lambda: relay.flying.get("slow.example") == LIMITS.concurrency)
            others = await told(world, *[f"d{n % 10}.example" for n in range(40)], channel="email")
            delivery.nudge()
            for _ in range(6):
                await world.advance(0.5)
            await until(lambda: world.settled(others, "sent"))  # three seconds, and no more
            began = world.clock.now()
            later = await told(world, "quick.example", channel="email")
            delivery.nudge()
            await until(lambda: world.settled(later, "sent"))
            assert world.clock.now() == began, "known to hang, it is not waited for"
            assert relay.most["slow.example"] == LIMITS.concurrency, "nor has it more places for that"
            relay.gates["slow.example"].set()  # type: ignore[attr-defined]
            await world.passing(lambda: world.settled(slow, "sent"))

    async def test_many_that_hang_have_an_end(self, world: World) -> None:
        domains = [f"slow{n}.example" for n in range(110)]
        gate = asyncio.Event()
        relay = Hosts(channel="email", gates=dict.fromkeys(domains, gate))
        world.sinks["email"] = relay
        slow = await told(world, *domains, channel="email")
        delivery = world.delivery()
        async with world.delivering(delivery):
            for _ in range(40):
                await world.advance(1)
            assert delivery.in_flight == (WIDE + AHEAD) * LIMITS.concurrency
            gate.set()
            await world.passing(lambda: world.settled(slow, "sent"))

    async def test_one_that_hangs_when_a_burst_has_filled_the_lane_with_its_own_delays_no_other(
        self, world: World
    ) -> None:
        relay = Hosts(channel="email")
        world.sinks["email"] = relay
        delivery = world.delivery()
        async with world.delivering(delivery):
            quick = await told(world, *["quick.example"] * (1 + AHEAD) * LIMITS.concurrency, channel="email")
            delivery.nudge()
            await until(lambda: world.settled(quick, "sent"))
            relay.gates = {"slow.example": asyncio.Event()}
            slow = await told(world, *["slow.example"] * 2 * AHEAD * LIMITS.concurrency, channel="email")
            delivery.nudge()
            await until(lambda: delivery.in_flight > WIDE * LIMITS.concurrency)
            other = await told(world, "other.example", channel="email")
            delivery.nudge()
            began = world.clock.now()
            await world.passing(lambda: world.settled(other, "sent"))
            assert (world.clock.now() - began).total_seconds() < LIMITS.longest_send, "before one of those was cut off"
            relay.gates["slow.example"].set()
            await world.passing(lambda: world.settled(slow, "sent"))

    async def test_what_follows_on_another_channel_does_not_wait_for_the_next_look(self, world: World) -> None:
        relay = Hosts(channel="email")
        world.sinks["email"] = relay
        delivery = world.delivery()
        async with world.delivering(delivery):
            quick = await told(world, *["quick.example"] * 2 * LIMITS.concurrency, channel="email")
            delivery.nudge()
            await until(lambda: world.settled(quick, "sent"))
            domains = [f"slow{n}.example" for n in range(WIDE * LIMITS.concurrency)]
            gate = asyncio.Event()
            relay.gates = dict.fromkeys(domains, gate)
            slow = await told(world, *domains, channel="email")
            await world.passing(lambda: delivery.in_flight == len(domains))
            for _ in range(3):
                await world.advance(1)
            began = world.clock.now()
            await told(world, *"abcd", channel="sms", group="one after another", in_turn=True)
            delivery.nudge()
            await until(lambda: len(world.sinks["sms"].accepted) == 4)
            assert world.clock.now() == began
            gate.set()
            await world.passing(lambda: world.settled(slow, "sent"))

    async def test_it_is_no_way_round_the_places_of_reminders(self, world: World) -> None:
        gate = asyncio.Event()
        relay = Hosts(channel="email", gates={"slow.example": gate})
        world.sinks["email"] = relay
        slow = await told(world, *["slow.example"] * LIMITS.concurrency, channel="email")
        delivery = world.delivery()
        async with world.delivering(delivery):
            await until(lambda: relay.flying.get("slow.example") == LIMITS.concurrency)
            reminder = await told(world, "quick.example", channel="email", priority="low")
            for _ in range(5):
                await world.advance(1)
            assert await world.settled(reminder, "due")
            gate.set()
            await world.passing(lambda: world.settled([slow, reminder], "sent"))


class TestTheRelay:
    async def test_when_it_is_back_nobody_waits_for_his_own_turn(self, world: World) -> None:
        """No domain is blamed for it: all are tried all the time, and once one goes through all do."""
        world.sink.answers = [REFUSED]
        changes = await told(world, *["a.example"] * 6, *["b.example"] * 6, channel="email")
        delivery = world.delivery(limits=CALM, policy=RetryPolicy(schedule=(30, 60, 14_400), jitter=0.0))
        async with world.delivering(delivery):
            await world.passing(lambda: len(world.sink.received) == 36, step=5)
            assert delivery.figures() == {"destinations_shut": 0}
            back = world.clock.now()
            world.sink.answers = []
            await world.advance(30)
            assert len(world.sink.received) == 36, "their own turn is four hours away"
            fresh = await told(world, "c.example", channel="email")
            delivery.nudge()
            await world.passing(lambda: world.settled([changes, fresh], "sent"), step=1)
            assert world.clock.now() - back <= timedelta(seconds=40)
        await everything_once(world, changes)

    async def test_it_is_asked_whether_it_is_back_and_nobody_waits_for_his_own_turn(self, world: World) -> None:
        """Nothing new has to come, and the next turn of what waits is an hour away."""
        relay = Relay(answers=[REFUSED])
        world.sinks["email"] = relay
        changes = await told(world, *["a.example"] * 20, *["b.example"] * 20, channel="email")
        delivery = world.delivery(limits=CALM, policy=RetryPolicy(schedule=(30, 3600), jitter=0.0))
        async with world.delivering(delivery):
            await world.passing(lambda: len(relay.received) == 80, step=5)
            for _ in range(20):
                await world.advance(10)
            assert len(relay.received) == 80, "a try is used up by its own turn only"
            assert relay.knocks >= 20
            relay.answers, relay.is_there = [], True
            for _ in range(10):
                await world.advance(1)
            await until(lambda: world.settled(changes, "sent"))  # ten seconds, and no more
            knocks = relay.knocks
            for _ in range(6):
                await world.advance(10)
            assert relay.knocks == knocks, "what works is not asked"
        await everything_once(world, changes)
        assert ("delivery.provider_back", {"channel": "email"}) in world.notes.lines

    async def test_one_that_greets_and_takes_nothing_uses_up_no_notice_in_a_minute(self, world: World) -> None:
        relay = Relay(answers=[REFUSED], is_there=True)
        world.sinks["email"] = relay
        changes = await told(world, "a.example", channel="email")
        began = world.clock.now()
        delivery = world.delivery(limits=CALM, policy=PATIENT)
        async with world.delivering(delivery):
            while world.clock.now() < began + timedelta(minutes=10):
                await world.advance(10)
            assert 4 <= len(relay.received) <= 6, "by its own schedule it would be three"
            assert await world.settled(changes, "due")

    async def test_what_it_says_of_one_domain_moves_nobody(self, world: World) -> None:
        """A domain that is put off with 451 at RCPT waits for its own turn, however much goes out beside it."""
        world.sink.answers = [Deferred(reason="provider_unavailable", detail="451 4.4.1 RCPT")]
        changes = await told(world, *["a.example"] * 4, channel="email")
        delivery = world.delivery(limits=CALM, policy=RetryPolicy(schedule=(14_400,), jitter=0.0))
        async with world.delivering(delivery):
            await until(lambda: len(world.notes.finished) == 4)
            world.sink.answers = []
            await world.advance(100)
            fresh = await told(world, "c.example", channel="email")
            delivery.nudge()
            await until(lambda: world.settled(fresh, "sent"))
            await world.advance(20)
            assert await world.settled(changes, "due")


async def everything_once(world: World, changes: Changes) -> None:
    for one in changes.deliveries:
        states = [attempt.state for attempt in await world.attempts(one.id)]
        assert states == ["temporary_failure"] * (len(states) - 1) + ["sent"]


async def burst(world: World, hosts: Hosts, names: list[str], dead: Collection[str], each: int) -> float:
    """Seconds of the clock until every notice to a living host is sent."""
    changes = await told(world, *[name for _ in range(each) for name in names])
    living = part(changes, *(name for name in names if name not in dead))
    wanted = {one.id for one in living.deliveries}
    began = world.clock.now()
    hosts.clock, hosts.hanging = world.clock, dead
    limits = Limits(concurrency=4, reserve=1, per_destination=2)
    async with world.delivering(world.delivery(limits=limits, policy=PATIENT)):
        await world.passing(lambda: wanted.issubset(hosts.accepted), step=ANSWER / 5)
        return (world.clock.now() - began).total_seconds()


async def test_in_a_burst_the_living_take_no_longer_than_half_as_long_again_for_the_dead(
    world: World, hosts: Hosts
) -> None:
    """Every tenth of thirty hosts hangs. By the clock of the test, which no other work on the machine moves."""
    names = [f"h{n}" for n in range(30)]
    dead = frozenset(names[::10])
    each = 6
    without = await burst(world, hosts, [name for name in names if name not in dead], (), each)
    assert without >= 27 * each * ANSWER / (4 * WIDE)
    with_dead = await burst(world, hosts, names, dead, each)
    assert {name for name in dead if hosts.tries(name)} == dead
    assert with_dead <= 1.5 * without
