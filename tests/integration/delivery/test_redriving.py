"""Dead letters put back into a hub that delivers: they go out, once, and what they were alarmed for is over."""

from dataclasses import replace
from datetime import timedelta

import pytest

from adapters.port import Accepted, Deferred, Rejected
from hub.core.records import Changes, Sought
from hub.service.outbox import Done, Outbox
from tests.kit.delivering import World, until

REJECTED = Rejected(reason="rejected", detail="550 5.1.1")


def outbox(world: World, nudge=lambda: None) -> Outbox:
    return Outbox(store=world.store, clock=world.clock, ids=world.ids, late=timedelta(minutes=2), keep=lambda *_: None,
                  nudge=nudge)  # fmt: skip


async def put_back(world: World, nudge=lambda: None) -> Done:
    return await outbox(world, nudge).redrive(Sought(state="failed"), actor="operator", why="mended", confirm=True)


async def test_a_dead_letter_goes_out_and_its_alarm_is_over(world: World):
    world.sink.answers = [REJECTED, Accepted()]
    changes = await world.told()
    (one,) = changes.deliveries
    delivery = world.delivery()
    async with world.delivering(delivery):
        await until(lambda: world.settled(changes))
        assert await world.alarms() == [("undeliverable", "E23000001", "rejected")]
        nudges: list[bool] = []
        done = await put_back(world, lambda: nudges.append(True))
        assert [(judged.delivery, judged.refused) for judged in done.judged] == [(one.id, None)]
        assert (await world.notice(one.id)).state == "undeliverable", "until it has gone out"
        assert nudges == [True]
        delivery.nudge()
        await until(lambda: world.settled(changes, "sent"))
    assert (await world.notice(one.id)).state == "notified"
    assert await world.alarms() == []
    assert [envelope.delivery for envelope in world.sink.received] == [one.id, one.id], "the same id on every try"
    assert [attempt.number for attempt in await world.attempts(one.id)] == [1, 2]


async def test_it_is_tried_as_often_as_the_first_time(world: World):
    world.sink.answers = [Deferred(reason="provider_unavailable")]
    changes = await world.told()
    (one,) = changes.deliveries
    async with world.delivering(world.delivery()):
        await world.passing(lambda: world.settled(changes, "failed"), step=10)
        assert len(world.sink.received) == 3
        await put_back(world)
        await world.passing(lambda: world.settled(changes, "failed"), step=10)
    assert len(world.sink.received) == 6
    assert (await world.notice(one.id)).state == "undeliverable"
    assert [kind for kind, _, _ in await world.alarms()] == ["undeliverable"]


async def test_an_alarm_that_speaks_for_another_way_too_stays(world: World):
    story = world.story()
    changes = await world.store.write(lambda unit: story.told(unit))
    second = story.delivery(changes.notices[0], contact="co_2")
    more = Changes(event=None, episode=replace(story.record(), version=2), expected_version=1, deliveries=(second,))
    await world.store.write(lambda unit: unit.save(more))
    world.sink.answers = [REJECTED, REJECTED, Accepted()]
    both = [changes, replace(changes, deliveries=(second,))]
    async with world.delivering(world.delivery()):
        await until(lambda: world.settled(both, "failed"))
        service = outbox(world)
        for one in (changes.deliveries[0].id, second.id):
            assert {kind for kind, _, _ in await world.alarms()} == {"contact_failed", "undeliverable"}
            await service.redrive(Sought(deliveries=(one,)), actor="operator", why="mended", confirm=True)
            await world.passing(lambda: world.settled(both, "sent", "failed"))
    assert await world.alarms() == []


async def test_what_is_sent_without_having_been_put_back_clears_nothing(world: World):
    changes = await world.told()
    (one,) = changes.deliveries
    alarm = world.story().alarm("undeliverable", notice=one.notice)
    await world.store.write(lambda unit: unit.add_alarm(alarm, ()))
    async with world.delivering(world.delivery()):
        await until(lambda: world.settled(changes, "sent"))
    assert [kind for kind, _, _ in await world.alarms()] == ["undeliverable"]


@pytest.mark.parametrize("last", [True, False])
async def test_what_is_called_off_is_never_sent(world: World, last: bool):
    changes = await world.told(1 if last else 3)
    (one, *others) = sorted(changes.deliveries, key=lambda delivery: delivery.id)
    await outbox(world).cancel(Sought(deliveries=(one.id,)), actor="operator", why="wrong_contact", confirm=True)
    async with world.delivering(world.delivery()):
        await until(lambda: world.settled(changes))
        await world.advance(5)
    assert sorted(envelope.delivery for envelope in world.sink.received) == sorted(other.id for other in others)
    assert await world.alarms() == [("undeliverable", "E23000001", "cancelled: wrong_contact")]
