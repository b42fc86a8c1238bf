"""Delivery on the real store: what is due goes out once, and what became of it is written down."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypeVar

import pytest

from adapters.port import Accepted, Alert, Content, Deferred, Rejected, Unconfirmed
from hub.core.retry import RetryPolicy
from hub.service import sending
from hub.service.lanes import Limits
from hub.service.ports import Store, Unit
from tests.kit.delivering import LIMITS, FaultyStore, World, until
from tests.kit.records import SECRETS

T = TypeVar("T")


async def test_what_is_due_is_sent_once_and_recorded(world: World):
    changes = await world.told(5)
    async with world.delivering(world.delivery()):
        await until(lambda: world.settled(changes))
    assert sorted(world.sink.accepted) == sorted(one.id for one in changes.deliveries)
    for one in changes.deliveries:
        assert (await world.standing(one.id)).state == "sent"
        assert (await world.notice(one.id)).state == "notified"
        (attempt,) = await world.attempts(one.id)
        assert (attempt.number, attempt.state, attempt.carried, attempt.node) == (1, "sent", "content", "a")
        assert (attempt.digest, attempt.certificate) == ("ab" * 32, "cd" * 32)
        assert attempt.provider_reference == "queued"
    assert world.notes.finished == [("email", "sent")] * 5
    assert await world.alarms() == []


async def test_a_nudge_wakes_an_idle_service_without_the_clock(world: World):
    delivery = world.delivery()
    async with world.delivering(delivery):
        await until(lambda: world.clock.sleeping >= 2)
        changes = await world.told()
        delivery.nudge()
        await until(lambda: world.settled(changes))
        assert world.clock.now() == changes.deliveries[0].created_at


async def test_without_a_nudge_the_poll_finds_it(world: World):
    async with world.delivering(world.delivery()):
        await until(lambda: world.clock.sleeping >= 2)
        changes = await world.told()
        await world.advance(LIMITS.poll)
        await until(lambda: world.settled(changes))


async def test_what_was_all_there_was_is_not_asked_for_again_until_something_is_written_down(world: World):
    """A claim that finds nothing would take the writer and the processor from the first notice."""
    world.sink.gate = asyncio.Event()
    store = FaultyStore(world.store)
    changes = await world.told(3)
    async with world.delivering(world.delivery(store=store)):
        await until(lambda: len(world.sink.received) == 3)
        await until(lambda: world.clock.sleeping >= 2)
        assert store.writes == 1
        world.sink.gate.set()
        await until(lambda: world.settled(changes))


async def test_what_comes_up_while_a_claim_is_under_way_does_not_wait_for_the_next_look(world: World):
    """That claim found nothing: its transaction was over when the first of the group was written down."""
    world.sink.gate, store = asyncio.Event(), LateStore(world.store)
    first, behind = await world.told(rank=0, group="one"), await world.told(rank=1, group="one")
    delivery = world.delivery(store=store)
    async with world.delivering(delivery):
        await until(lambda: len(world.sink.received) == 1)
        store.held.clear()
        delivery.nudge()
        await until(lambda: store.holding)
        world.sink.gate.set()
        await until(lambda: world.settled(first))
        await until(lambda: not delivery.unrecorded)
        store.held.set()
        await until(lambda: world.settled(behind))
        assert world.clock.now() == behind.deliveries[0].created_at


class LateStore(FaultyStore):
    """While ``held`` is not set, the next writer is told of its commit only after it is."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.held = asyncio.Event()
        self.held.set()
        self.holding = False

    async def write(self, work: Callable[[Unit], Awaitable[T]]) -> T:
        result = await super().write(work)
        if not self.held.is_set() and not self.holding:
            self.holding = True
            await self.held.wait()
        return result


async def test_a_deferred_delivery_is_tried_again_by_the_schedule(world: World):
    world.sink.answers = [Deferred(reason="provider_unavailable", detail="451 4.3.0"), Accepted()]
    changes = await world.told()
    (one,) = changes.deliveries
    async with world.delivering(world.delivery()):
        await until(lambda: len(world.notes.finished) == 1)
        standing = await world.standing(one.id)
        assert standing.state == "due"
        assert (standing.due_at - world.clock.now()).total_seconds() == 10
        assert (await world.notice(one.id)).state == "pending"
        await world.advance(9)
        assert len(world.sink.received) == 1
        await world.passing(lambda: world.settled(changes))
    assert [e.delivery for e in world.sink.received] == [one.id, one.id]
    first, second = await world.attempts(one.id)
    assert (first.state, first.reason, first.detail) == ("temporary_failure", "provider_unavailable", "451 4.3.0")
    assert (second.state, second.carried) == ("sent", "content")
    assert (await world.notice(one.id)).state == "notified"


async def test_a_permanent_refusal_is_undeliverable_with_an_owner(world: World):
    world.sink.answers = [Rejected(reason="rejected", detail="550 5.1.1")]
    changes = await world.told()
    (one,) = changes.deliveries
    async with world.delivering(world.delivery()):
        await until(lambda: world.settled(changes))
    assert (await world.standing(one.id)).state == "failed"
    assert (await world.notice(one.id)).state == "undeliverable"
    assert await world.alarms() == [("undeliverable", "E23000001", "rejected")]
    assert len(world.sink.received) == 1


async def test_the_schedule_has_an_end(world: World):
    world.sink.answers = [Deferred(reason="rate_limited")]
    changes = await world.told()
    (one,) = changes.deliveries
    async with world.delivering(world.delivery()):
        await world.passing(lambda: world.settled(changes))
    assert [a.state for a in await world.attempts(one.id)] == ["temporary_failure"] * 3
    assert (await world.notice(one.id)).state == "undeliverable"
    assert await world.alarms() == [("undeliverable", "E23000001", "rate_limited")]


async def test_what_lasts_reaches_a_system_that_was_down_for_longer_than_the_schedule(world: World):
    down = Deferred(reason="connection_failed", lasting=True)
    world.sink.answers = [*[down] * 4, Accepted()]
    changes = await world.told()
    (one,) = changes.deliveries

    async def said_to_be_lost() -> bool:
        return (await world.notice(one.id)).state == "undeliverable"

    async with world.delivering(world.delivery()):
        await world.passing(said_to_be_lost)
        assert (await world.standing(one.id)).state == "due", "it goes on"
        assert await world.alarms() == [("undeliverable", "E23000001", "connection_failed")]
        await world.passing(lambda: world.settled(changes), step=100)
    assert [a.state for a in await world.attempts(one.id)] == ["temporary_failure"] * 4 + ["sent"]
    assert (await world.notice(one.id)).state == "notified"
    assert await world.alarms() == []


@pytest.mark.parametrize("reason", ["no_certificate", "certificate_expired", "certificate_untrusted"])
async def test_without_a_usable_certificate_only_an_alert_goes_out(world: World, reason):
    world.sink.answers = [Rejected(reason=reason), Accepted(provider_reference="a", digest="ee" * 32)]
    changes = await world.told()
    (one,) = changes.deliveries
    async with world.delivering(world.delivery()):
        await until(lambda: world.settled(changes))
    content, alert = world.sink.received
    assert isinstance(content.body, Content) and content.delivery == one.id
    assert isinstance(alert.body, Alert) and alert.delivery == f"{one.id}.alert"
    (attempt,) = await world.attempts(one.id)
    assert (attempt.state, attempt.reason, attempt.carried) == ("permanent_failure", reason, "alert")
    assert attempt.digest == "ee" * 32
    assert (await world.notice(one.id)).state == "pending"
    assert (await world.standing(one.id)).state == "failed"
    assert await world.alarms() == [("no_certificate", "E23000001", reason), ("no_certificate", "operator", reason)]


async def test_an_alert_that_is_deferred_is_tried_again_and_a_certificate_found_meanwhile_is_used(world: World):
    world.sink.answers = [
        Rejected(reason="no_certificate"),
        Deferred(reason="provider_unavailable"),
        Accepted(),
    ]
    changes = await world.told()
    (one,) = changes.deliveries
    async with world.delivering(world.delivery()):
        await until(lambda: len(world.notes.finished) == 1)
        await world.passing(lambda: world.settled(changes))
    first, second = await world.attempts(one.id)
    assert (first.reason, first.carried) == ("no_certificate", None)
    assert (second.state, second.carried) == ("sent", "content")
    assert isinstance(world.sink.received[-1].body, Content)
    assert (await world.notice(one.id)).state == "notified"


async def test_an_alert_that_is_refused_for_good_leaves_the_notice_undeliverable(world: World):
    world.sink.answers = [Rejected(reason="no_certificate"), Rejected(reason="rejected")]
    changes = await world.told()
    (one,) = changes.deliveries
    async with world.delivering(world.delivery()):
        await until(lambda: world.settled(changes))
    (attempt,) = await world.attempts(one.id)
    assert (attempt.reason, attempt.carried) == ("no_certificate", None)
    assert (await world.notice(one.id)).state == "undeliverable"
    assert ("undeliverable", "E23000001", "no_certificate") in await world.alarms()


async def test_what_may_have_been_sent_is_sent_once_more_under_the_same_id_and_never_again(world: World):
    world.sink.answers = [Unconfirmed()]
    changes = await world.told()
    (one,) = changes.deliveries
    async with world.delivering(world.delivery()):
        await until(lambda: len(world.notes.finished) == 1)
        await world.passing(lambda: world.settled(changes))
        await world.advance(3600)
    assert [e.delivery for e in world.sink.received] == [one.id, one.id]
    assert [(a.state, a.reason, a.carried) for a in await world.attempts(one.id)] == [
        ("technical_failure", "provider_timeout", "content")
    ] * 2
    assert (await world.notice(one.id)).state == "undeliverable"


async def test_a_transport_that_raises_is_a_technical_failure_with_an_alarm_and_the_others_go_out(world: World):
    world.sink.answers = [RuntimeError("Robin Example"), Accepted()]
    changes = await world.told(4)
    async with world.delivering(world.delivery()):
        await until(lambda: len(world.notes.finished) == 4)
        await world.passing(lambda: world.settled(changes))
    failed = [a for one in changes.deliveries for a in await world.attempts(one.id) if a.state != "sent"]
    assert [(a.state, a.reason, a.detail) for a in failed] == [("technical_failure", "unknown", "RuntimeError")]
    assert await world.alarms() == [("technical_failure", "operator", "unknown")]
    assert len(world.sink.accepted) == 4


async def test_a_notice_that_cannot_be_composed_leaks_nothing_and_holds_up_nobody(world: World):
    changes = await world.told(3)
    broken = changes.deliveries[0].id
    world.envelopes.broken.add(broken)
    async with world.delivering(world.delivery()):
        await until(lambda: len(world.notes.finished) == 3)
        world.envelopes.broken.clear()
        await world.passing(lambda: world.settled(changes))
    first, second = await world.attempts(broken)
    assert (first.state, first.reason, first.detail) == ("technical_failure", "unknown", "not composed: KeyError")
    assert second.state == "sent"
    assert await world.alarms() == [("technical_failure", "operator", "unknown")]


async def test_a_channel_without_a_transport_fails_aloud(world: World):
    story = world.story()

    async def work(unit):
        await story.meet(unit)
        changes = story.report(1)
        changes = replace(changes, deliveries=(replace(changes.deliveries[0], channel="push"),))
        await unit.save(changes)
        return changes

    changes = await world.store.write(work)
    async with world.delivering(world.delivery(policy=RetryPolicy(schedule=()))):
        await until(lambda: world.settled(changes))
    (attempt,) = await world.attempts(changes.deliveries[0].id)
    assert (attempt.state, attempt.reason, attempt.detail) == ("technical_failure", "misconfigured", "no transport")
    assert [kind for kind, _, _ in await world.alarms()] == ["technical_failure", "undeliverable"]


async def test_the_police_are_attempted_first_and_the_rest_follow_at_once(world: World):
    story = world.story()

    async def work(unit):
        await story.meet(unit)
        changes = story.report(6, group="g")
        ranked = [replace(one, rank=0 if n == 3 else 1) for n, one in enumerate(changes.deliveries)]
        changes = replace(changes, deliveries=tuple(ranked))
        await unit.save(changes)
        return changes

    changes = await world.store.write(work)
    delivery = world.delivery()
    async with world.delivering(delivery):
        delivery.nudge()
        await until(lambda: world.settled(changes))
        assert world.clock.now() == story.now, "nobody waited for the poll"
    assert world.sink.received[0].delivery == changes.deliveries[3].id


async def test_where_nothing_else_goes_on_the_first_is_not_held_up_by_composing_the_others(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    """Else all of them would be composed and sealed before the first command to the relay was answered."""
    monkeypatch.setattr(sending, "ALONE", 10.0)  # a busy machine must not decide
    log: list[str] = []
    composed, answered = world.envelopes.content, world.sink.deliver

    def content(claimed):
        log.append(f"composed {claimed.delivery.id}")
        return composed(claimed)

    async def deliver(envelope, now):
        for _ in range(10):  # a conversation with a relay
            await asyncio.sleep(0)
        log.append(f"sent {envelope.delivery}")
        return await answered(envelope, now)

    world.envelopes.content, world.sink.deliver = content, deliver
    changes = await world.told(6)
    async with world.delivering(world.delivery()):
        await until(lambda: world.settled(changes, "sent"))
    first = world.sink.accepted[0]
    assert log[:2] == [f"composed {first}", f"sent {first}"]
    assert [line.partition(" ")[0] for line in log[2:7]] == ["composed"] * 5


async def test_a_first_one_that_hangs_holds_up_the_others_for_a_moment_only(world: World):
    world.sink.gate = asyncio.Event()
    changes = await world.told(6)
    async with world.delivering(world.delivery()):
        await until(lambda: len(world.sink.received) == 6)
        assert world.clock.now() == changes.deliveries[0].created_at
        world.sink.gate.set()
        await until(lambda: world.settled(changes, "sent"))


async def test_one_way_failing_while_another_got_through_leaves_the_notice_notified(world: World):
    story = world.story()

    async def work(unit):
        await story.meet(unit)
        changes = story.report(1)
        (first,) = changes.deliveries
        changes = replace(changes, deliveries=(first, replace(story.delivery(changes.notices[0]), channel="sms")))
        await unit.save(changes)
        return changes

    changes = await world.store.write(work)
    world.sinks["sms"].answers = [Rejected(reason="rejected")]
    async with world.delivering(world.delivery()):
        await until(lambda: world.settled(changes))
    assert (await world.notice(changes.deliveries[0].id)).state == "notified"
    assert await world.alarms() == [("contact_failed", "E23000001", "rejected")]


async def test_each_contact_that_fails_has_an_alarm_of_its_own_and_one_that_fails_again_has_no_second(world: World):
    """Two numbers of one desk are wrong: whoever puts one of them right has to see the other too."""
    story = world.story()
    world.sinks["sms"].answers = [Rejected(reason="rejected")]

    async def work(unit):
        await story.meet(unit)
        changes = story.report(1)
        (notice,) = changes.notices
        texts = [story.delivery(notice, channel="sms", contact=contact) for contact in ("co_2", "co_3", "co_3", None)]
        changes = replace(changes, deliveries=(*changes.deliveries, *texts))
        await unit.save(changes)
        return changes

    changes = await world.store.write(work)
    async with world.delivering(world.delivery()):
        await until(lambda: world.settled(changes))
    found = await world.store.read(lambda unit: unit.alarms())
    assert {one.kind for one in found} == {"contact_failed"}
    assert sorted(str(one.contact) for one in found) == ["co_2", "co_3", "sms"]


async def test_two_ways_failing_in_one_batch_make_the_notice_undeliverable(world: World):
    story = world.story()

    async def work(unit):
        await story.meet(unit)
        changes = story.report(1)
        (first,) = changes.deliveries
        changes = replace(changes, deliveries=(first, replace(story.delivery(changes.notices[0]))))
        await unit.save(changes)
        return changes

    changes = await world.store.write(work)
    world.sink.gate = asyncio.Event()
    world.sink.answers = [Rejected(reason="rejected")]
    async with world.delivering(world.delivery()):
        await until(lambda: len(world.sink.received) == 2)
        world.sink.gate.set()
        await until(lambda: world.settled(changes))
    assert (await world.notice(changes.deliveries[0].id)).state == "undeliverable"
    assert sorted(kind for kind, _, _ in await world.alarms()) == ["contact_failed", "undeliverable"]


async def test_one_way_alerted_and_one_failed_stays_pending_with_alarms(world: World):
    story = world.story()

    async def work(unit):
        await story.meet(unit)
        changes = story.report(1)
        (first,) = changes.deliveries
        changes = replace(changes, deliveries=(first, replace(story.delivery(changes.notices[0]), channel="sms")))
        await unit.save(changes)
        return changes

    changes = await world.store.write(work)
    world.sink.answers = [Rejected(reason="no_certificate"), Accepted()]
    world.sinks["sms"].gate = asyncio.Event()
    world.sinks["sms"].answers = [Rejected(reason="rejected")]
    async with world.delivering(world.delivery()):
        await until(lambda: world.settled([changes], "failed", "leased"))
        await until(lambda: len(world.notes.finished) == 1)
        world.sinks["sms"].gate.set()
        await until(lambda: world.settled(changes))
    assert (await world.notice(changes.deliveries[0].id)).state == "pending"
    assert ("undeliverable", "E23000001", "rejected") in await world.alarms()


async def test_each_is_composed_from_its_own_revision(world: World):
    changes = await world.told(1)
    async with world.delivering(world.delivery()):
        await until(lambda: world.settled(changes))
    body = world.sink.received[0].body
    assert isinstance(body, Content) and body.text == "revision 1"


async def test_nothing_personal_in_what_is_counted_logged_or_alarmed(world: World):
    world.sink.answers = [Rejected(reason="rejected"), RuntimeError(SECRETS["child"]), Accepted()]
    changes = await world.told(4)
    async with world.delivering(world.delivery()):
        await until(lambda: len(world.notes.finished) == 4)
        await world.passing(lambda: world.settled(changes))
    alarms = await world.store.read(lambda unit: unit.alarms())
    said = repr((world.notes.lines, world.notes.finished, alarms))
    for one in changes.deliveries:
        said += repr(await world.attempts(one.id))
    for secret in SECRETS.values():
        assert secret not in said


def test_a_lease_shorter_than_the_longest_send_is_refused_at_construction():
    with pytest.raises(ValueError, match="must outlast the longest send"):
        Limits(lease=100, longest_send=100)


@pytest.mark.parametrize(
    "wrong", [{"reserve": 0}, {"reserve": 16}, {"poll": 0}, {"drain": -1}, {"lease": 10, "longest_send": 0}]
)
def test_limits_that_cannot_work_are_refused(wrong):
    with pytest.raises(ValueError, match=r"reserve|seconds above 0"):
        Limits(**wrong)
