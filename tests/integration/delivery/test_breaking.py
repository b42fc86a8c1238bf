"""Delivery when things break: crashes at every step, lost leases, a store that is away, slow providers, answers that
cross."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import TypeVar

import pytest

from adapters.port import Accepted, Deferred, Envelope, Rejected, Result, Unconfirmed
from hub.core.records import AuditLine, Changes, ClaimedDelivery, Silenced
from hub.service.answers import Answers, Recorded
from hub.service.lanes import Limits
from hub.service.ports import Store, StoreUnavailable, Unit
from hub.service.sending import NoContact
from tests.kit.delivering import LIMITS, FaultyStore, Sink, World, until
from tests.kit.records import SECRETS, moved

T = TypeVar("T")


class Mortal:
    """Counts the steps of one process, and at one of them it is gone: nothing it does afterwards has any effect."""

    def __init__(self, last: int) -> None:
        self.last = last
        self.steps = 0
        self.died = asyncio.Event()

    def step(self) -> None:
        self.steps += 1
        if self.steps == self.last:
            self.died.set()
        if self.died.is_set():
            raise asyncio.CancelledError

    def store(self, store: Store) -> Store:
        return _MortalStore(store, self)

    def transport(self, sink: Sink) -> "_MortalSink":
        return _MortalSink(sink, self)


class _MortalStore(FaultyStore):
    def __init__(self, store: Store, life: Mortal) -> None:
        super().__init__(store)
        self._life = life

    async def write(self, work: Callable[[Unit], Awaitable[T]]) -> T:
        self._life.step()
        result = await self.store.write(work)
        self._life.step()
        return result


class _MortalSink:
    channel = "email"

    def __init__(self, sink: Sink, life: Mortal) -> None:
        self._sink = sink
        self._life = life

    async def deliver(self, envelope: Envelope, now: object) -> Result:
        self._life.step()
        result = await self._sink.deliver(envelope, now)  # type: ignore[arg-type]  # the instant is handed on
        self._life.step()
        return result

    async def aclose(self) -> None:
        await self._sink.aclose()


async def crash_at(world: World, changes: Changes, step: int) -> bool:
    """Run a process until it dies at this step. False if it was through before."""
    life = Mortal(step)
    delivery = world.delivery(
        store=life.store(world.store), node=f"mortal-{step}", transports={"email": life.transport(world.sink)}
    )
    task = asyncio.create_task(delivery.run(asyncio.Event()))

    async def over() -> bool:
        return life.died.is_set() or await world.settled(changes)

    await until(over)
    died = life.died.is_set()
    life.died.set()
    task.cancel()
    await asyncio.wait({task})
    return died


async def test_a_crash_at_any_step_loses_nothing_and_repeats_under_the_same_id_only(world: World):
    step = 0
    died = True
    while died:
        step += 1
        world.sink.accepted.clear()
        changes = await world.told(4)
        ids = {one.id for one in changes.deliveries}
        died = await crash_at(world, changes, step)
        before = list(world.sink.accepted)
        async with world.delivering(world.delivery(node="survivor")):
            await world.passing(lambda changes=changes: world.settled(changes), step=LIMITS.lease / 4)
        assert set(world.sink.accepted) == ids, step
        again = world.sink.accepted[len(before) :]
        assert len(again) == len(set(again)), "the survivor sends each once"
        for one in changes.deliveries:
            assert (await world.notice(one.id)).state == "notified", step
            attempts = await world.attempts(one.id)
            assert len(attempts) <= 2
            assert attempts[-1].state == "sent"
            if len(attempts) == 2:
                assert attempts[0].state in ("technical_failure", "cancelled")
        await world.advance(LIMITS.lease * 2)
    assert step > 8, "the wrappers counted the steps"


async def test_two_workers_share_the_work_and_send_nothing_twice(world: World):
    changes = await world.told(60)
    async with world.delivering(world.delivery(node="a")), world.delivering(world.delivery(node="b")):
        await world.passing(lambda: world.settled(changes))
    assert sorted(world.sink.accepted) == sorted(one.id for one in changes.deliveries)
    for one in changes.deliveries:
        assert len(await world.attempts(one.id)) == 1


async def test_a_send_that_outlasts_its_lease_keeps_it_by_renewal(world: World):
    changes = await world.told(1)
    world.sink.gate = asyncio.Event()
    async with world.delivering(world.delivery(node="a")), world.delivering(world.delivery(node="b")):
        await until(lambda: len(world.sink.received) == 1)
        for _ in range(12):
            await world.advance(LIMITS.lease / 4)
            await asyncio.sleep(0.01)
        assert len(world.sink.received) == 1
        world.sink.gate.set()
        await world.passing(lambda: world.settled(changes))
    assert len(world.sink.received) == 1


async def test_a_lease_lost_mid_send_changes_only_the_attempt(world: World):
    (one,) = (changes := await world.told(1)).deliveries
    cut_off = FaultyStore(world.store)
    slow, fast = Sink(gate=asyncio.Event()), Sink()
    first = world.delivery(node="a", store=cut_off, transports={"email": slow})
    async with world.delivering(first):
        await until(lambda: len(slow.received) == 1)
        cut_off.away = True
        await world.advance(LIMITS.lease + 1)
        async with world.delivering(world.delivery(node="b", transports={"email": fast})):
            await world.passing(lambda: world.settled(changes))
        slow.answers = [Deferred(reason="rate_limited")]
        cut_off.away = False
        slow.gate.set()  # type: ignore[union-attr]  # given above
        await world.passing(lambda: first.in_flight == 0 and first.unrecorded == 0)
    lost, sent = await world.attempts(one.id)
    assert (lost.node, lost.state) == ("a", "sent"), "what the transport said is kept"
    assert (sent.node, sent.state) == ("b", "sent")
    assert (await world.standing(one.id)).state == "sent"
    assert (await world.notice(one.id)).state == "notified"
    assert ("delivery.lease_lost", {"delivery": one.id}) in world.notes.lines


async def test_a_store_that_was_away_beyond_the_lease_leads_to_no_second_send_by_the_same_worker(world: World):
    (one,) = (changes := await world.told(1)).deliveries
    store = FaultyStore(world.store)
    delivery = world.delivery(store=store)
    world.sink.gate = asyncio.Event()
    async with world.delivering(delivery):
        await until(lambda: len(world.sink.received) == 1)
        store.away = True
        await world.advance(LIMITS.lease * 2)
        store.away = False
        for _ in range(5):
            await world.advance(LIMITS.poll)
            await asyncio.sleep(0.01)
        assert len(world.sink.received) == 1, "its own lease, expired, is renewed before anything is claimed"
        world.sink.gate.set()
        await world.passing(lambda: world.settled(changes))
    assert len(world.sink.received) == 1
    (attempt,) = await world.attempts(one.id)
    assert attempt.state == "sent"


async def test_results_wait_while_the_store_is_away_and_nothing_is_claimed_or_repeated(world: World):
    changes = await world.told(3)
    store = FaultyStore(world.store)
    delivery = world.delivery(store=store)
    world.sink.gate = asyncio.Event()
    async with world.delivering(delivery):
        await until(lambda: len(world.sink.received) == 3)
        store.away = True
        world.sink.gate.set()
        await until(lambda: delivery.unrecorded == 3 and "delivery.unrecorded" in world.notes.said)
        later = await world.told(2)
        delivery.nudge()
        for _ in range(10):
            await world.advance(5)
        assert len(world.sink.received) == 3
        store.away = False
        await world.passing(lambda: world.settled([changes, later]))
    assert len(world.sink.accepted) == 5
    assert delivery.unrecorded == 0
    for one in changes.deliveries:
        assert len(await world.attempts(one.id)) == 1


async def test_a_commit_of_which_nobody_knows_is_recorded_once(world: World):
    world.sink.answers = [Rejected(reason="rejected")]
    changes = await world.told(3)
    store = FaultyStore(world.store)
    delivery = world.delivery(store=store)
    world.sink.gate = asyncio.Event()
    async with world.delivering(delivery):
        await until(lambda: len(world.sink.received) == 3)
        store.doubtful = 1
        world.sink.gate.set()
        await world.passing(lambda: delivery.in_flight == 0 and delivery.unrecorded == 0)
    assert len(world.sink.received) == 3
    for one in changes.deliveries:
        (attempt,) = await world.attempts(one.id)
        assert attempt.state == "permanent_failure"
        assert (await world.notice(one.id)).state == "undeliverable"
    assert len(await world.alarms()) == 3


async def test_a_result_the_store_refuses_holds_up_no_other_and_is_never_sent_again(world: World):
    changes = await world.told(4)
    poisoned = changes.deliveries[1].id
    store = _Refusing(world.store, poisoned)
    delivery = world.delivery(store=store)
    others = [one.id for one in changes.deliveries if one.id != poisoned]
    async with world.delivering(delivery):

        async def others_done() -> bool:
            found = await world.store.read(lambda unit: unit.standings(others))
            return all(one.state == "sent" for one in found)

        await world.passing(others_done)
        for _ in range(12):
            await world.advance(LIMITS.lease / 3)
            await asyncio.sleep(0.005)
        assert world.sink.accepted.count(poisoned) == 1
        assert delivery.unrecorded == 1
        # Its lease is kept, so it is never late: health has to be told otherwise.
        await until(lambda: delivery.amiss() == {"results_refused": 1})
        store.poisoned = None
        await world.passing(lambda: world.settled(changes), step=LIMITS.lease / 3)
    assert delivery.amiss() == {}
    assert len(world.sink.accepted) == 4
    assert "delivery.result_refused" in world.notes.said


class _Refusing(FaultyStore):
    """Refuses to record one delivery, as a broken row would."""

    def __init__(self, store: Store, poisoned: str) -> None:
        super().__init__(store)
        self.poisoned: str | None = poisoned

    async def write(self, work: Callable[[Unit], Awaitable[T]]) -> T:
        return await self.store.write(lambda unit: work(_RefusingUnit(unit, self)))  # type: ignore[arg-type]  # a unit


class _RefusingUnit:
    def __init__(self, unit: Unit, store: _Refusing) -> None:
        self._unit = unit
        self._store = store

    def __getattr__(self, name: str) -> object:
        return getattr(self._unit, name)

    async def finish(self, results: list[object], node: str) -> object:
        if any(getattr(one, "delivery", None) == self._store.poisoned for one in results):
            raise ValueError("this row cannot be written")
        return await self._unit.finish(results, node)  # type: ignore[arg-type]  # handed on


async def test_audit_lines_that_cannot_be_written_do_not_cause_a_second_send(world: World):
    (one,) = (changes := await world.told(1)).deliveries
    store = _NoAudit(world.store)
    async with world.delivering(world.delivery(store=store)):
        await world.passing(lambda: world.settled(changes))
        await world.advance(LIMITS.lease * 2)
    assert len(world.sink.received) == 1
    assert (await world.notice(one.id)).state == "notified"


class _NoAudit(FaultyStore):
    async def write(self, work: Callable[[Unit], Awaitable[T]]) -> T:
        return await self.store.write(lambda unit: work(_NoAuditUnit(unit)))  # type: ignore[arg-type]  # a unit


class _NoAuditUnit:
    def __init__(self, unit: Unit) -> None:
        self._unit = unit

    def __getattr__(self, name: str) -> object:
        return getattr(self._unit, name)

    async def finish(self, results: list[object], node: str) -> object:
        if any(getattr(one, "audit", ()) for one in results):
            raise RuntimeError("the audit table is broken")
        return await self._unit.finish(results, node)  # type: ignore[arg-type]  # handed on


async def test_a_stop_finishes_what_is_in_flight(world: World):
    changes = await world.told(3)
    world.sink.gate = asyncio.Event()
    stop = asyncio.Event()
    task = asyncio.create_task(world.delivery().run(stop))
    await until(lambda: len(world.sink.received) == 3)
    stop.set()
    await asyncio.sleep(0.02)
    assert not task.done()
    world.sink.gate.set()
    await until(task.done)
    task.result()
    assert await world.settled(changes, "sent")


async def test_a_stop_is_bounded_and_a_send_cut_off_counts_as_one_that_may_have_gone_out(world: World):
    (one,) = (await world.told(1)).deliveries
    world.sink.gate = asyncio.Event()
    began = world.clock.now()
    async with world.delivering(world.delivery()):
        await until(lambda: len(world.sink.received) == 1)
    assert world.clock.now() - began <= timedelta(seconds=LIMITS.drain + 10)
    (attempt,) = await world.attempts(one.id)
    assert (attempt.state, attempt.reason, attempt.carried) == ("technical_failure", "provider_timeout", "content")
    assert attempt.detail == "stopped while sending"
    standing = await world.standing(one.id)
    assert (standing.state, standing.leased_by) == ("due", None)


async def test_a_stop_with_the_store_away_ends_all_the_same(world: World):
    await world.told(2)
    store = FaultyStore(world.store)
    world.sink.gate = asyncio.Event()
    async with world.delivering(world.delivery(store=store)):
        await until(lambda: len(world.sink.received) == 2)
        store.away = True
        world.sink.gate.set()
    assert "delivery.stopped_unrecorded" in world.notes.said


async def test_nothing_is_claimed_after_stop(world: World):
    delivery = world.delivery()
    async with world.delivering(delivery):
        await until(lambda: world.clock.sleeping >= 2)
    changes = await world.told(1)
    delivery.nudge()
    await asyncio.sleep(0.02)
    assert (await world.standing(changes.deliveries[0].id)).state == "due"


async def test_a_cancelled_service_first_writes_down_what_it_knows(world: World):
    changes = await world.told(2)
    world.sink.gate = asyncio.Event()
    task = asyncio.create_task(world.delivery().run(asyncio.Event()))
    await until(lambda: len(world.sink.received) == 2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    for one in changes.deliveries:
        (attempt,) = await world.attempts(one.id)
        assert (attempt.state, attempt.carried) == ("technical_failure", "content")


async def test_a_store_that_breaks_for_another_reason_ends_the_service(world: World):
    store = FaultyStore(world.store)
    store.refuse = lambda: ZeroDivisionError("a fault of the hub")
    with pytest.raises(ZeroDivisionError):
        async with world.delivering(world.delivery(store=store)) as task:
            await asyncio.wait({task}, timeout=5)


async def test_a_claim_fails_while_the_store_is_away_and_goes_on_afterwards(world: World):
    changes = await world.told(1)
    store = FaultyStore(world.store)
    store.away = True
    async with world.delivering(world.delivery(store=store)):
        await until(lambda: "delivery.claim_failed" in world.notes.said)
        store.away = False
        await world.passing(lambda: world.settled(changes))


async def test_a_thousand_deliveries_with_one_slow_provider(world: World):
    """The slow one has its places and no more; every other delivery goes out meanwhile."""
    story = world.story()

    async def work(unit: Unit) -> Changes:
        await story.meet(unit)
        changes = story.report(1000)
        changes = replace(
            changes,
            deliveries=tuple(
                replace(one, channel="sms" if n % 2 else "email", priority="immediate" if n % 2 else "normal")
                for n, one in enumerate(changes.deliveries)
            ),
        )
        await unit.save(changes)
        return changes

    changes = await world.store.write(work)
    world.sinks["sms"].gate = asyncio.Event()
    delivery = world.delivery()
    async with world.delivering(delivery):
        await until(lambda: len(world.sink.accepted) == 500)
        assert len(world.sinks["sms"].received) == LIMITS.concurrency
        assert world.sinks["sms"].accepted == []
        assert world.clock.now() == story.now, "nothing waited for a timer"
        world.sinks["sms"].gate.set()
        await world.passing(lambda: len(world.sinks["sms"].accepted) == 500)
        await world.passing(lambda: world.settled(changes, "sent"))
    every = world.sink.accepted + world.sinks["sms"].accepted
    assert sorted(every) == sorted(one.id for one in changes.deliveries)


async def test_a_burst_of_reminders_leaves_places_for_first_notices(world: World):
    await world.told(50, priority="low")
    world.sink.gate = asyncio.Event()
    delivery = world.delivery()
    async with world.delivering(delivery):
        await until(lambda: len(world.sink.received) == LIMITS.concurrency - LIMITS.reserve)
        first = await world.told(LIMITS.reserve, priority="high")
        delivery.nudge()
        await until(lambda: len(world.sink.received) == LIMITS.concurrency)
        assert {e.delivery for e in world.sink.received[-LIMITS.reserve :]} == {d.id for d in first.deliveries}
        world.sink.gate.set()
        await world.passing(lambda: world.settled(first))


async def test_first_notices_go_before_reminders_that_were_due_earlier(world: World):
    await world.told(20, priority="low")
    first = await world.told(6, priority="immediate")
    async with world.delivering(world.delivery()):
        await world.passing(lambda: world.settled(first))
    assert {e.delivery for e in world.sink.received[:6]} == {one.id for one in first.deliveries}


async def test_an_answer_that_comes_before_sent_is_recorded_stays(world: World):
    (one,) = (changes := await world.told(1)).deliveries
    world.sink.gate = asyncio.Event()
    async with world.delivering(world.delivery()):
        await until(lambda: len(world.sink.received) == 1)
        assert await _answer(world, one.id, "accepted") == "acknowledged"
        world.sink.gate.set()
        await world.passing(lambda: world.settled(changes))
    assert (await world.notice(one.id)).state == "acknowledged"


async def test_an_answer_while_a_retry_waits_ends_the_retries(world: World):
    (one,) = (changes := await world.told(1)).deliveries
    world.sink.answers = [Deferred(reason="rate_limited")]
    async with world.delivering(world.delivery()):
        await until(lambda: len(world.notes.finished) == 1)
        await _answer(world, one.id, "accepted")
        await world.passing(lambda: world.settled(changes))
        await world.advance(600)
    assert len(world.sink.received) == 1
    assert (await world.notice(one.id)).state == "acknowledged"


async def test_a_deferred_result_after_an_answer_leaves_nothing_due(world: World):
    (one,) = (changes := await world.told(1)).deliveries
    world.sink.answers = [Deferred(reason="rate_limited")]
    world.sink.gate = asyncio.Event()
    async with world.delivering(world.delivery()):
        await until(lambda: len(world.sink.received) == 1)
        await _answer(world, one.id, "accepted")
        world.sink.gate.set()
        await world.passing(lambda: world.settled(changes))
    assert (await world.standing(one.id)).state == "cancelled"


async def test_not_ours_before_sent_is_recorded_is_not_forgotten(world: World):
    (one,) = (changes := await world.told(1)).deliveries
    world.sink.gate = asyncio.Event()
    async with world.delivering(world.delivery()):
        await until(lambda: len(world.sink.received) == 1)
        await _answer(world, one.id, "not_ours")
        world.sink.gate.set()
        await world.passing(lambda: world.settled(changes))
    assert (await world.notice(one.id)).state == "unresolved"


SENT_THOUGH = ("sent_though_withheld", "operator", "withheld")


@pytest.mark.parametrize(
    ("result", "alarms"),
    [
        (Accepted(), [SENT_THOUGH]),
        (Unconfirmed(), [SENT_THOUGH]),
        (Deferred(reason="rate_limited"), []),
        (Rejected(reason="rejected"), []),
    ],
    ids=["sent", "perhaps sent", "not now", "refused"],
)
async def test_whoever_is_withheld_while_it_is_on_its_way(
    world: World, result: Result, alarms: list[tuple[str, str, str]]
):
    """It ends with that try, and an alarm is raised if it went or may have gone, not if it did not."""
    (one,) = (changes := await world.told(1)).deliveries
    world.sink.answers = [result]
    world.sink.gate = asyncio.Event()
    silenced = Silenced(role="police", person=SECRETS["person"], state="withheld")
    async with world.delivering(world.delivery()):
        await until(lambda: len(world.sink.received) == 1)
        withheld = Changes(event=None, episode=moved(changes), expected_version=1, silenced=(silenced,), audit=(
            AuditLine(id=world.ids.new("au", world.clock.now()), at=world.clock.now(), actor="hub", action="test"),
        ))  # fmt: skip
        await world.store.write(lambda unit: unit.save(withheld))
        world.sink.gate.set()
        await world.passing(lambda: world.settled(changes))
        await world.advance(600)
    assert len(world.sink.received) == 1
    assert (await world.notice(one.id)).state == "withheld"
    assert await world.alarms() == alarms


async def test_what_found_overtakes_is_never_sent_and_what_was_in_flight_is_not_tried_again(world: World):
    story = world.story()
    changes = await world.store.write(lambda unit: story.told(unit, 12))
    world.sink.gate = asyncio.Event()
    world.sink.answers = [Deferred(reason="rate_limited")]
    async with world.delivering(world.delivery()):
        await until(lambda: len(world.sink.received) == LIMITS.concurrency)
        await world.store.write(lambda unit: unit.save(_found(world, changes)))
        world.sink.gate.set()
        await world.passing(lambda: world.settled(changes))
        await world.advance(600)
    assert len(world.sink.received) == LIMITS.concurrency
    for one in changes.deliveries:
        assert (await world.standing(one.id)).state == "cancelled"
        assert (await world.notice(one.id)).state == "superseded"


def _found(world: World, changes: Changes) -> Changes:
    story = world.story()
    story.episode = changes.episode.id
    event = story.event(type="fingerpost.episode.found.v1")
    return Changes(
        event=event,
        episode=moved(changes, state="found", revision=1),
        expected_version=changes.episode.version,
        supersede=True,
        supersede_kinds=("missing",),
    )


async def _answer(world: World, delivery: str, answer: str) -> str:
    # The kit's rows have the digest of the delivery's id for their token's.
    answers = Answers(store=world.store, clock=world.clock, ids=world.ids, meter=world.notes)
    recorded = await answers.acknowledge(delivery, name="Jo Worker", answer=answer)
    assert isinstance(recorded, Recorded)
    return recorded.state


async def test_a_provider_that_never_answers_is_cut_off(world: World):
    """In real time: a transport without a timeout of its own must not keep a place for ever."""
    (one,) = (await world.told(1)).deliveries
    world.sink.gate = asyncio.Event()
    limits = Limits(lease=10, longest_send=0.05, concurrency=4, reserve=1)
    async with world.delivering(world.delivery(limits=limits)):
        await until(lambda: len(world.notes.finished) == 1)
        (attempt,) = await world.attempts(one.id)
    assert (attempt.state, attempt.reason, attempt.detail) == (
        "technical_failure",
        "provider_timeout",
        "no answer in time",
    )


async def test_an_earlier_try_recorded_late_ends_the_tries(world: World):
    """The first worker's send did go out, but was written down only after the lease was lost."""
    (one,) = (changes := await world.told(1)).deliveries
    cut_off = FaultyStore(world.store)
    slow, deferring = Sink(gate=asyncio.Event()), Sink(answers=[Deferred(reason="rate_limited")], gate=asyncio.Event())
    first = world.delivery(node="a", store=cut_off, transports={"email": slow})
    async with world.delivering(first):
        await until(lambda: len(slow.received) == 1)
        cut_off.away = True
        await world.advance(LIMITS.lease + 1)
        async with world.delivering(world.delivery(node="b", transports={"email": deferring})):
            await until(lambda: len(deferring.received) == 1)
            cut_off.away = False
            slow.gate.set()  # type: ignore[union-attr]  # given above
            await world.passing(lambda: first.in_flight == 0 and first.unrecorded == 0)
            deferring.gate.set()  # type: ignore[union-attr]  # given above
            await world.passing(lambda: world.settled(changes))
    assert (await world.standing(one.id)).state == "sent"
    assert (await world.notice(one.id)).state == "notified"
    assert len(deferring.received) == 1


async def test_a_lease_too_short_for_a_send_is_given_back_untouched(world: World):
    """A claim that took so long that most of the lease is gone starts nothing."""
    (one,) = (changes := await world.told(1)).deliveries
    store = _Slow(world.store, world)
    async with world.delivering(world.delivery(store=store)):
        await until(lambda: "delivery.lease_too_short" in world.notes.said)
        store.pause = 0
        await world.passing(lambda: world.settled(changes))
    assert len(world.sink.received) == 1
    assert [a.state for a in await world.attempts(one.id)][-1] == "sent"
    assert {a.state for a in await world.attempts(one.id)} == {"cancelled", "sent"}


class _Slow(FaultyStore):
    """The clock moves on while the first write is made."""

    def __init__(self, store: Store, world: World) -> None:
        super().__init__(store)
        self.pause = LIMITS.lease - 1
        self._world = world

    async def write(self, work: Callable[[Unit], Awaitable[T]]) -> T:
        result = await self.store.write(work)
        pause, self.pause = self.pause, 0
        if pause:
            self._world.clock._now += timedelta(seconds=pause)
        return result


async def test_the_store_may_be_away_at_every_write(world: World):
    """Each write of the service fails once, in turn, with and without having been made: nothing is lost or doubled."""
    for doubtful in (False, True):
        for failing in range(1, 8):
            changes = await world.told(2)
            store = FaultyStore(world.store)

            def refuse(
                store: FaultyStore = store, failing: int = failing, doubtful: bool = doubtful
            ) -> Exception | None:
                if store.writes != failing:
                    return None
                if doubtful:
                    store.doubtful = 1
                    return None
                return StoreUnavailable("away")

            store.refuse = refuse
            async with world.delivering(world.delivery(store=store, node=f"n{failing}{doubtful}")):
                await world.passing(lambda changes=changes: world.settled(changes), step=5)
            for one in changes.deliveries:
                assert world.sink.accepted.count(one.id) == 1, (doubtful, failing)
                assert (await world.notice(one.id)).state == "notified"
    assert all(isinstance(world.sink.answer(e), Accepted) for e in world.sink.received[:1])


async def test_a_notice_whose_contact_is_gone_is_sent_to_nobody_and_its_owner_hears_of_it(world: World):
    (one,) = (changes := await world.told(1)).deliveries

    def nobody(claimed: ClaimedDelivery) -> Envelope:
        raise NoContact

    world.envelopes.content = nobody  # type: ignore[method-assign]  # as composing does then
    async with world.delivering(world.delivery()):
        await world.passing(lambda: world.settled(changes, "failed"))
    assert world.sink.received == []
    assert (await world.notice(one.id)).state == "undeliverable"
    assert await world.alarms() == [("undeliverable", "E23000001", "no_contact")]
