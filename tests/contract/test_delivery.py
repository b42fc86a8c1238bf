"""Claimed in order, under a lease that only its holder may use, and never once nobody should be told any more."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from hub.core.records import Changes, ClaimedDelivery, DeliveryRecord, NoticeRecord, Standing
from hub.edge.ids import SeededIds
from hub.service.ports import Unit
from hub.store.leases import LOST_AGAIN
from hub.store.waiting import HEAD_START
from routing.decision import Kind, Priority
from tests.kit.clock import START
from tests.kit.records import Story, ids_of, moved, result
from tests.kit.store import LEASE, Stores, claim

SECOND = timedelta(seconds=1)


async def delivery(store: Stores, claimed: ClaimedDelivery) -> DeliveryRecord:
    found = await store.read(lambda unit: unit.deliveries(claimed.notice.id))
    return next(one for one in found if one.id == claimed.delivery.id)


async def notice(store: Stores, claimed: ClaimedDelivery) -> NoticeRecord:
    found = await store.read(lambda unit: unit.notices(claimed.notice.episode))
    return next(one for one in found if one.id == claimed.notice.id)


async def test_a_claim_brings_all_that_composing_needs(store: Stores, story: Story) -> None:
    changes = await store.write(lambda unit: story.told(unit))
    (claimed,) = await claim(store)
    assert claimed.notice == changes.notices[0]
    assert claimed.decision == changes.decisions[0].decision
    assert claimed.doc == story.doc()
    assert claimed.child == story.child
    assert claimed.previous is None
    assert claimed.attempt == 1
    leased = replace(changes.deliveries[0], state="leased", attempts=1, lease_until=START + LEASE, leased_by="node-1")
    assert claimed.delivery == leased
    (attempt,) = await store.read(lambda unit: unit.attempts(claimed.delivery.id))
    assert (attempt.number, attempt.state, attempt.node, attempt.started_at) == (1, "sending", "node-1", START)
    assert attempt.finished_at is None


async def test_a_notice_is_composed_from_its_own_revision(store: Stores, story: Story) -> None:
    changes = await store.write(lambda unit: story.told(unit))
    doc = {**story.doc(), "placement": {"type": "childrens_home"}}
    decision = story.decision(None, kind="update")
    notice = story.notice(decision, revision=2)
    update = Changes(
        event=None,
        episode=moved(changes, revision=2),
        expected_version=1,
        doc=doc,
        decisions=(decision,),
        notices=(notice,),
        deliveries=(story.delivery(notice),),
    )
    await store.write(lambda unit: unit.save(update))
    claims = {one.notice.kind: one for one in await claim(store)}
    assert (claims["missing"].doc, claims["missing"].previous) == (story.doc(), None)
    assert (claims["update"].doc, claims["update"].previous) == (doc, story.doc())


async def test_order_is_priority_then_rank_then_due(store: Stores) -> None:
    ids = SeededIds("order")
    wanted: list[tuple[Priority, int, int]] = [
        ("low", 0, 0),
        ("normal", 1, 0),
        ("immediate", 1, 5),
        ("immediate", 0, 9),
        ("high", 0, 3),
        ("high", 0, 1),
        ("immediate", 0, 0),
    ]
    made: dict[str, tuple[Priority, int, int]] = {}
    for number, (priority, rank, due) in enumerate(wanted):
        one = Story(ids, ref=f"r{number}", child_ref=f"c{number}")

        async def work(
            unit: Unit, one: Story = one, priority: Priority = priority, rank: int = rank, due: int = due
        ) -> str:
            await one.meet(unit)
            changes = one.report(priority=priority, rank=rank)
            (record,) = changes.deliveries
            late = replace(record, due_at=START + due * SECOND)
            await unit.save(replace(changes, deliveries=(late,)))
            return record.id

        made[await store.write(work)] = (priority, rank, due)
    claims = await claim(store, 10 * SECOND)
    order: list[Priority] = ["immediate", "high", "normal", "low"]
    assert [made[one.delivery.id] for one in claims] == sorted(wanted, key=lambda one: (order.index(one[0]), *one[1:]))


async def test_what_is_not_due_is_not_claimed_and_the_limit_holds(store: Stores, story: Story) -> None:
    await store.write(story.meet)
    changes = story.report(5)
    later = tuple(replace(one, due_at=START + 30 * SECOND) for one in changes.deliveries[3:])
    await store.write(lambda unit: unit.save(replace(changes, deliveries=(*changes.deliveries[:3], *later))))
    first = await claim(store, limit=2)
    second = await claim(store, limit=2)
    assert ids_of(first) + ids_of(second) == [one.id for one in changes.deliveries[:3]]
    assert ids_of(await claim(store, 29 * SECOND)) == []
    assert ids_of(await claim(store, 30 * SECOND)) == [one.id for one in later]


async def test_a_claim_narrowed_by_channel_and_priority(store: Stores, story: Story) -> None:
    await store.write(story.meet)
    changes = story.report(4)
    by_name = dict(zip(("email", "sms", "low", "immediate"), changes.deliveries, strict=True))
    by_name["sms"] = replace(by_name["sms"], channel="sms")
    by_name["low"] = replace(by_name["low"], priority="low")
    by_name["immediate"] = replace(by_name["immediate"], priority="immediate")
    await store.write(lambda unit: unit.save(replace(changes, deliveries=tuple(by_name.values()))))
    assert await claim(store, channels=("push",)) == []
    assert await claim(store, channels=()) == []
    assert await claim(store, priorities=()) == []
    assert ids_of(await claim(store, channels=("sms",))) == [by_name["sms"].id]
    assert ids_of(await claim(store, channels=("email",), priorities=("low", "immediate"))) == [
        by_name["immediate"].id,
        by_name["low"].id,
    ]
    assert ids_of(await claim(store, priorities=("immediate", "high", "normal"))) == [by_name["email"].id]


class TestFirstOfItsGroup:
    """B-01: within a group those of rank 0 are attempted before the others."""

    @staticmethod
    async def two(store: Stores, story: Story) -> tuple[str, str]:
        async def work(unit: Unit) -> tuple[str, str]:
            await story.meet(unit)
            changes = story.report(2, group="cause")
            first, second = changes.deliveries
            await unit.save(replace(changes, deliveries=(replace(second, rank=1), first)))
            return first.id, second.id

        return await store.write(work)

    async def test_the_others_wait_for_its_result(self, store: Stores, story: Story) -> None:
        first, second = await self.two(store, story)
        claims = await claim(store)
        assert ids_of(claims) == [first]
        assert await claim(store, SECOND) == []
        outcome = result(claims[0], START + SECOND, state="due", attempt="temporary_failure", due_at=START + LEASE)
        await store.write(lambda unit: unit.finish([outcome], "node-1"))
        assert ids_of(await claim(store, SECOND)) == [second]

    async def test_the_others_do_not_wait_for_a_provider_that_hangs(self, store: Stores, story: Story) -> None:
        first, second = await self.two(store, story)
        assert ids_of(await claim(store)) == [first]
        assert await claim(store, HEAD_START - SECOND) == []
        assert ids_of(await claim(store, HEAD_START)) == [second]

    async def test_given_back_it_keeps_its_place(self, store: Stores, story: Story) -> None:
        first, _ = await self.two(store, story)
        await claim(store)
        await store.write(lambda unit: unit.release([first], "node-1", START))
        assert ids_of(await claim(store)) == [first]

    async def test_a_lease_that_ran_out_was_a_try(self, store: Stores, story: Story) -> None:
        first, second = await self.two(store, story)
        await claim(store)
        assert ids_of(await claim(store, LEASE)) == [first, second]

    async def test_one_that_is_due_later_holds_nobody_up(self, store: Stores, story: Story) -> None:
        async def work(unit: Unit) -> str:
            await story.meet(unit)
            changes = story.report(2, group="cause")
            first, second = changes.deliveries
            tomorrow = replace(first, due_at=START + timedelta(days=1))
            await unit.save(replace(changes, deliveries=(tomorrow, replace(second, rank=1))))
            return second.id

        second = await store.write(work)
        assert ids_of(await claim(store)) == [second]

    async def test_other_groups_are_not_held_up(self, store: Stores, story: Story) -> None:
        await self.two(store, story)
        other = Story(SeededIds("other"), ref="other", child_ref="other")
        changes = await store.write(lambda unit: other.told(unit, rank=3, group="other cause"))
        assert changes.deliveries[0].id in ids_of(await claim(store))


async def test_two_nodes_claim_each_delivery_once(nodes: tuple[Stores, Stores], story: Story) -> None:
    changes = await nodes[0].write(lambda unit: story.told(unit, 40))
    found = await asyncio.gather(
        *(claim(nodes[number % 2], node=f"node-{number % 2}", limit=7) for number in range(12))
    )
    claimed = [one for part in found for one in ids_of(part)]
    # A claim beside another skips the rows the other has locked; nobody is claimed twice and nobody is left.
    claimed += ids_of(await claim(nodes[0]))
    assert sorted(claimed) == sorted(one.id for one in changes.deliveries)


async def test_an_expired_lease_is_claimed_again_and_its_attempt_closed(store: Stores, story: Story) -> None:
    await store.write(lambda unit: story.told(unit))
    (first,) = await claim(store)
    assert await claim(store, LEASE - SECOND, node="node-2") == []
    (second,) = await claim(store, LEASE, node="node-2")
    assert (second.delivery.id, second.attempt, second.delivery.leased_by) == (first.delivery.id, 2, "node-2")
    one, two = await store.read(lambda unit: unit.attempts(first.delivery.id))
    assert (one.state, one.reason, one.finished_at) == ("technical_failure", "provider_timeout", START + LEASE)
    assert (two.state, two.finished_at) == ("sending", None)


async def test_renewed_in_time_it_is_not(store: Stores, story: Story) -> None:
    await store.write(lambda unit: story.told(unit))
    (claimed,) = await claim(store)
    await store.write(lambda unit: unit.renew([claimed.delivery.id], "node-2", START + 9 * LEASE))
    await store.write(lambda unit: unit.renew([claimed.delivery.id], "node-1", START + 2 * LEASE))
    assert await claim(store, LEASE) == []
    assert len(await claim(store, 2 * LEASE)) == 1


async def test_a_process_that_dies_over_and_over_waits_longer_each_time(store: Stores, story: Story) -> None:
    await store.write(lambda unit: story.told(unit))
    passed, waits = timedelta(), []
    for _ in range(len(LOST_AGAIN) + 1):
        (claimed,) = await claim(store, passed)
        await store.write(lambda unit, at=START + passed: unit.close_all_leases(at))  # type: ignore[misc]  # bound now
        waits.append((await delivery(store, claimed)).due_at - START - passed)
        assert waits[-1] == timedelta() or await claim(store, passed) == []
        passed += waits[-1]
    assert waits == [*LOST_AGAIN, LOST_AGAIN[-1]]


async def test_a_result_after_the_lease_was_lost_changes_only_its_attempt(store: Stores, story: Story) -> None:
    await store.write(lambda unit: story.told(unit))
    (first,) = await claim(store)
    (second,) = await claim(store, LEASE, node="node-2")
    late = result(first, START + LEASE + SECOND, alarms=(story.alarm(),), audit=(story.line("attempt.finished"),))
    lost = await store.write(lambda unit: unit.finish([late], "node-1"))
    assert lost == [first.delivery.id]
    assert await delivery(store, first) == second.delivery
    assert (await notice(store, first)).state == "pending"
    assert await store.read(lambda unit: unit.alarms()) == []
    one, two = await store.read(lambda unit: unit.attempts(first.delivery.id))
    assert (one, two.state) == (late.attempt, "sending")
    assert await store.write(lambda unit: unit.finish([result(second, START + 2 * LEASE)], "node-2")) == []


async def test_the_same_node_after_a_lost_lease_holds_only_the_newer_attempt(store: Stores, story: Story) -> None:
    await store.write(lambda unit: story.told(unit))
    (first,) = await claim(store)
    (second,) = await claim(store, LEASE)
    assert await store.write(lambda unit: unit.finish([result(first, START)], "node-1")) == [first.delivery.id]
    assert (await delivery(store, first)).state == "leased"
    assert await store.write(lambda unit: unit.finish([result(second, START)], "node-1")) == []
    assert (await delivery(store, first)).state == "sent"


async def test_a_result_for_nothing_known_is_refused_whole(store: Stores, story: Story) -> None:
    await store.write(lambda unit: story.told(unit))
    (claimed,) = await claim(store)
    gone = replace(
        result(claimed, START), delivery="dl_gone", attempt=replace(result(claimed, START).attempt, delivery="dl_gone")
    )
    with pytest.raises(Exception, match="refused a statement"):
        await store.write(lambda unit: unit.finish([result(claimed, START), gone], "node-1"))
    assert (await delivery(store, claimed)).state == "leased"


async def test_results_in_a_batch(store: Stores, story: Story) -> None:
    await store.write(lambda unit: story.told(unit, 3))
    sent, later, failed = await claim(store)
    results = [
        result(sent, START + SECOND, audit=(story.line("attempt.finished"),)),
        result(later, START + SECOND, state="due", attempt="temporary_failure", due_at=START + LEASE),
        result(
            failed, START + SECOND, state="failed", attempt="permanent_failure", alarms=(story.alarm("undeliverable"),)
        ),
    ]
    results[2] = replace(results[2], notice_state="undeliverable")
    assert await store.write(lambda unit: unit.finish(results, "node-1")) == []
    states = [(await delivery(store, one)).state for one in (sent, later, failed)]
    assert states == ["sent", "due", "failed"]
    assert (await delivery(store, later)).due_at == START + LEASE
    assert [(await delivery(store, one)).lease_until for one in (sent, later, failed)] == [None] * 3
    moved_to = [(await notice(store, one)) for one in (sent, later, failed)]
    assert [one.state for one in moved_to] == ["notified", "pending", "undeliverable"]
    assert [one.state_at for one in moved_to] == [START + SECOND, START, START + SECOND]
    assert [one.kind for one in await store.read(lambda unit: unit.alarms())] == ["undeliverable"]
    for one in results:
        assert await store.read(lambda unit, wanted=one.delivery: unit.attempts(wanted)) == [one.attempt]
    assert ids_of(await claim(store, LEASE)) == [later.delivery.id]
    assert await store.write(lambda unit: unit.finish([], "node-1")) == []


async def test_an_attempt_can_be_recorded_while_the_lease_goes_on(store: Stores, story: Story) -> None:
    await store.write(lambda unit: story.told(unit))
    (claimed,) = await claim(store)
    refused = result(claimed, START, state="leased", attempt="technical_failure")
    await store.write(lambda unit: unit.finish([refused], "node-1"))
    kept = await delivery(store, claimed)
    assert (kept.state, kept.leased_by, kept.lease_until) == ("leased", "node-1", START + LEASE)
    alert = replace(refused, state="sent", attempt=replace(refused.attempt, number=2, carried="alert", state="sent"))
    assert await store.write(lambda unit: unit.finish([alert], "node-1")) == []
    attempts = await store.read(lambda unit: unit.attempts(claimed.delivery.id))
    assert [(one.number, one.carried) for one in attempts] == [(1, "content"), (2, "alert")]
    done = await delivery(store, claimed)
    assert (done.state, done.attempts) == ("sent", 2)


async def test_standings(store: Stores, story: Story) -> None:
    changes = await store.write(lambda unit: story.told(unit, 2))
    (claimed,) = await claim(store, limit=1)
    wanted = [one.id for one in changes.deliveries]
    found = {one.delivery: one for one in await store.write(lambda unit: unit.standings([*wanted, "dl_none"]))}
    assert found.keys() == set(wanted)
    (attempt,) = await store.read(lambda unit: unit.attempts(claimed.delivery.id))
    assert found[claimed.delivery.id] == Standing(
        delivery=claimed.delivery.id,
        state="leased",
        leased_by="node-1",
        notice=claimed.notice.id,
        notice_state="pending",
        attempts=(attempt,),
    )
    assert found[wanted[1]].attempts == ()
    assert len(await store.read(lambda unit: unit.standings(wanted))) == 2


async def test_released_is_due_again_with_a_cancelled_attempt(store: Stores, story: Story) -> None:
    await store.write(lambda unit: story.told(unit))
    (claimed,) = await claim(store)
    await store.write(lambda unit: unit.release([claimed.delivery.id], "node-2", START))
    assert (await delivery(store, claimed)).state == "leased"
    await store.write(lambda unit: unit.release([claimed.delivery.id], "node-1", START + SECOND))
    (attempt,) = await store.read(lambda unit: unit.attempts(claimed.delivery.id))
    assert (attempt.state, attempt.finished_at) == ("cancelled", START + SECOND)
    (again,) = await claim(store, SECOND)
    assert again.attempt == 2


def overtaking(story: Story, changes: Changes, kinds: tuple[Kind, ...] = ("missing", "update")) -> Changes:
    """Found: its own notice goes out, the first one no longer."""
    episode = moved(changes, state="found")
    event = story.event(type="fingerpost.episode.found.v1")
    decision = story.decision(event.id, kind="found")
    notice = story.notice(decision)
    return Changes(
        event=event,
        episode=episode,
        expected_version=changes.episode.version,
        decisions=(decision,),
        notices=(notice,),
        deliveries=(story.delivery(notice),),
        supersede=True,
        supersede_kinds=kinds,
    )


class TestOvertaken:
    async def test_what_has_not_gone_out_is_superseded(self, store: Stores, story: Story) -> None:
        changes = await store.write(lambda unit: story.told(unit, 2))
        story.now = START + SECOND
        found = overtaking(story, changes)
        await store.write(lambda unit: unit.save(found))
        assert ids_of(await claim(store, SECOND)) == [found.deliveries[0].id]
        notices = await store.read(lambda unit: unit.notices(story.episode))
        assert [(one.kind, one.state) for one in notices] == [
            ("missing", "superseded"),
            ("missing", "superseded"),
            ("found", "pending"),
        ]
        assert notices[0].state_at == START + SECOND
        deliveries = await store.read(lambda unit: unit.deliveries(changes.notices[0].id))
        assert deliveries[0].state == "cancelled"

    async def test_other_kinds_and_other_episodes_stand(self, store: Stores, story: Story) -> None:
        changes = await store.write(lambda unit: story.told(unit))
        other = Story(SeededIds("other"), ref="other", child_ref="other")
        await store.write(lambda unit: other.told(unit))
        await store.write(lambda unit: unit.save(overtaking(story, changes, ("update",))))
        assert len(await claim(store)) == 3

    async def test_what_went_out_stays_notified_but_is_not_sent_by_another_way(
        self, store: Stores, story: Story
    ) -> None:
        await store.write(story.meet)
        changes = story.report()
        sms = story.delivery(changes.notices[0], channel="sms", due_at=START + LEASE)
        changes = replace(changes, deliveries=(*changes.deliveries, sms))
        await store.write(lambda unit: unit.save(changes))
        (claimed,) = await claim(store)
        await store.write(lambda unit: unit.finish([result(claimed, START)], "node-1"))
        found = overtaking(story, changes)
        await store.write(lambda unit: unit.save(found))
        assert (await notice(store, claimed)).state == "notified"
        assert ids_of(await claim(store, 2 * LEASE)) == [found.deliveries[0].id]

    @pytest.mark.parametrize("way", ["retry", "expiry", "release"])
    async def test_in_flight_it_is_not_tried_again(self, store: Stores, story: Story, way: str) -> None:
        changes = await store.write(lambda unit: story.told(unit))
        (claimed,) = await claim(store)
        found = overtaking(story, changes)
        await store.write(lambda unit: unit.save(found))
        assert (await notice(store, claimed)).state == "superseded"
        assert (await delivery(store, claimed)).state == "leased"
        if way == "retry":
            again = result(claimed, START, state="due", attempt="temporary_failure", due_at=START + SECOND)
            await store.write(lambda unit: unit.finish([again], "node-1"))
        elif way == "release":
            await store.write(lambda unit: unit.release([claimed.delivery.id], "node-1", START))
        assert ids_of(await claim(store, 2 * LEASE)) == [found.deliveries[0].id]
        assert (await delivery(store, claimed)).state == "cancelled"

    async def test_that_it_went_out_all_the_same_is_recorded(self, store: Stores, story: Story) -> None:
        changes = await store.write(lambda unit: story.told(unit))
        (claimed,) = await claim(store)
        await store.write(lambda unit: unit.save(overtaking(story, changes)))
        assert await store.write(lambda unit: unit.finish([result(claimed, START)], "node-1")) == []
        assert (await delivery(store, claimed)).state == "sent"
        assert (await notice(store, claimed)).state == "notified"

    async def test_claiming_and_overtaking_at_once(self, nodes: tuple[Stores, Stores]) -> None:
        """Whoever comes first: what is claimed after the found was committed is only the found notice."""
        for number in range(5):
            story = Story(SeededIds(f"race{number}"), ref=f"r{number}", child_ref=f"c{number}")
            changes = await nodes[0].write(lambda unit, story=story: story.told(unit, 5))
            found = overtaking(story, changes)
            early, _ = await asyncio.gather(
                claim(nodes[0], limit=3), nodes[1].write(lambda unit, found=found: unit.save(found))
            )
            late = await claim(nodes[0])
            assert {one.notice.kind for one in late} <= {"found"}
            assert len({*ids_of(early), *ids_of(late)}) == len(early) + len(late)
