"""Fair and in order: what waits for one destination hides no other, and notices to one address keep their order."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from hub.core.records import Changes, ClaimedDelivery, DeliveryRecord, NoticeRecord
from hub.edge.ids import SeededIds
from hub.service.ports import ANYWHERE, Places, Unit
from hub.store.claiming import LOOK_AHEAD, WAYS_LOOKED_AT
from hub.store.waiting import IN_ORDER
from routing.decision import Kind
from tests.kit.clock import START
from tests.kit.records import Story, ids_of, moved, result
from tests.kit.store import LEASE, Stores, raw

SECOND = timedelta(seconds=1)
HERE, THERE = b"h" * 16, b"t" * 16
LINE = b"l" * 16


async def claim(
    store: Stores, at: timedelta = timedelta(0), *, limit: int = 100, places: Places = ANYWHERE
) -> list[ClaimedDelivery]:
    now = START + at
    return list(await store.write(lambda unit: unit.claim(now, now + LEASE, "node-1", limit, places=places)))


async def bound_for(store: Stores, *places: bytes) -> list[DeliveryRecord]:
    """One notice to each of these, in that order."""
    story = Story(SeededIds("bound"))

    async def work(unit: Unit) -> list[DeliveryRecord]:
        await story.meet(unit)
        changes = story.report(len(places))
        made = [replace(one, destination=where) for one, where in zip(changes.deliveries, places, strict=True)]
        await unit.save(replace(changes, deliveries=tuple(made)))
        return made

    return await store.write(work)


class TestWays:
    async def test_what_is_due_is_told_by_channel_and_priority(self, store: Stores) -> None:
        assert await store.write(lambda unit: unit.due_ways(START)) == frozenset()
        made = await bound_for(store, HERE, THERE)
        known = await store.write(lambda unit: unit.due_ways(START))
        assert known == {(one.channel, one.priority) for one in made}
        assert await store.write(lambda unit: unit.due_ways(START - SECOND)) == frozenset()
        await claim(store)
        assert await store.write(lambda unit: unit.due_ways(START)) == frozenset()

    async def test_where_a_lease_ran_out_all_may_be(self, store: Stores) -> None:
        await bound_for(store, HERE)
        await claim(store)
        assert await store.write(lambda unit: unit.due_ways(START + LEASE)) is None

    async def test_behind_much_that_is_due_each_way_is_found(self, store: Stores) -> None:
        made = await bound_for(store, *[HERE] * WAYS_LOOKED_AT)
        assert await store.write(lambda unit: unit.due_ways(START)) == {(one.channel, one.priority) for one in made}
        await raw(store, f"UPDATE deliveries SET channel = 'sms', priority = 3 WHERE id = '{made[-1].id}'")
        both = {(made[0].channel, made[0].priority), ("sms", "low")}
        assert await store.write(lambda unit: unit.due_ways(START)) == both
        assert await store.write(lambda unit: unit.due_ways(START - SECOND)) == frozenset()


class TestPlaces:
    async def test_each_destination_gets_what_it_has_room_for_in_order(self, store: Stores) -> None:
        made = await bound_for(store, HERE, HERE, HERE, THERE, THERE, b"", b"")
        taken = await claim(store, places=Places(rooms={HERE: 2}))
        assert ids_of(taken) == [made[n].id for n in (0, 1, 3, 5, 6)]

    async def test_what_has_no_room_is_left_as_it_is(self, store: Stores) -> None:
        made = await bound_for(store, HERE, THERE)
        assert ids_of(await claim(store, places=Places(rooms={HERE: 0}))) == [made[1].id]
        assert ids_of(await claim(store)) == [made[0].id]

    async def test_a_long_queue_for_one_hides_no_other(self, store: Stores) -> None:
        limit = 3
        made = await bound_for(store, *[HERE] * (limit * LOOK_AHEAD * 2), *[THERE] * (limit * LOOK_AHEAD * 2), b"")
        taken = await claim(store, limit=limit, places=Places())
        assert ids_of(taken) == [made[0].id, made[limit * LOOK_AHEAD * 2].id, made[-1].id]

    async def test_the_limit_of_the_claim_holds_beside(self, store: Stores) -> None:
        made = await bound_for(store, *[HERE] * 5)
        assert ids_of(await claim(store, limit=2, places=Places(untried=4))) == [one.id for one in made[:2]]

    async def test_put_off_it_is_neither_due_nor_late_and_no_other_is_touched(self, store: Stores) -> None:
        made = await bound_for(store, HERE, THERE, HERE, b"")
        until = START + 30 * SECOND
        await store.write(lambda unit: unit.put_off_destinations({HERE: until}, START))
        assert ids_of(await claim(store)) == [made[1].id, made[3].id]
        counts = await store.read(lambda unit: unit.counts(until, until))
        assert (counts["deliveries_due"], counts["deliveries_late"]) == (2, 0)
        assert await claim(store, 29 * SECOND) == []
        again = await claim(store, 30 * SECOND)
        assert ids_of(again) == [made[0].id, made[2].id]
        assert [one.attempt for one in again] == [1, 1], "waiting uses up no try"

    async def test_what_waits_longer_of_its_own_is_not_brought_forward(self, store: Stores) -> None:
        (one,) = await bound_for(store, HERE)
        (taken,) = await claim(store)
        deferred = result(taken, START, state="due", attempt="temporary_failure", due_at=START + 50 * SECOND)
        await store.write(lambda unit: unit.finish([deferred], "node-1"))
        await store.write(lambda unit: unit.put_off_destinations({HERE: START + 30 * SECOND}, START + SECOND))
        assert await claim(store, 49 * SECOND) == []
        assert ids_of(await claim(store, 50 * SECOND)) == [one.id]

    async def test_brought_forward_it_is_due_at_once_and_no_other_is_touched(self, store: Stores) -> None:
        made = await bound_for(store, HERE, THERE, HERE)
        later = [
            result(one, START, state="due", attempt="temporary_failure", due_at=START + timedelta(hours=4))
            for one in await claim(store)
        ]
        await store.write(lambda unit: unit.finish(later, "node-1"))
        await store.write(lambda unit: unit.bring_forward("push", [HERE], START + SECOND))
        assert await claim(store, SECOND) == [], "they are e-mail"
        await store.write(lambda unit: unit.bring_forward("email", [HERE], START + SECOND))
        assert ids_of(await claim(store, SECOND)) == [made[0].id, made[2].id]
        await store.write(lambda unit: unit.bring_forward("email", None, START + SECOND))
        assert ids_of(await claim(store, SECOND)) == [made[1].id]

    async def test_after_the_clock_was_set_back_it_waits_no_longer_and_what_is_settled_or_in_hand_stays(
        self, store: Stores
    ) -> None:
        made = await bound_for(store, HERE, THERE, HERE, THERE)
        soon, later, done, taken = await claim(store)
        hour = timedelta(hours=1)
        results = [
            result(soon, START, state="due", attempt="temporary_failure", due_at=START + 30 * SECOND),
            result(later, START, state="due", attempt="temporary_failure", due_at=START + 4 * hour),
            result(done, START),
        ]
        await store.write(lambda unit: unit.finish(results, "node-1"))
        await store.write(lambda unit: unit.set_back(hour, START - hour))
        due = {
            one.id: one.due_at
            for notice in {one.notice for one in made}
            for one in await store.read(lambda unit, notice=notice: unit.deliveries(notice))
        }
        assert due[soon.delivery.id] == START - hour + 30 * SECOND
        assert due[later.delivery.id] == START + 3 * hour
        assert ids_of(await claim(store, 30 * SECOND - hour)) == [soon.delivery.id]
        assert await store.write(lambda unit: unit.finish([result(taken, START)], "node-1")) == []

    async def test_brought_forward_a_settled_one_stays_settled(self, store: Stores) -> None:
        await bound_for(store, HERE)
        (taken,) = await claim(store)
        await store.write(lambda unit: unit.finish([result(taken, START)], "node-1"))
        await store.write(lambda unit: unit.bring_forward("email", None, START))
        assert await claim(store, LEASE * 2) == []

    async def test_what_is_in_somebodys_hands_is_not_put_off(self, store: Stores) -> None:
        await bound_for(store, HERE)
        (taken,) = await claim(store)
        await store.write(lambda unit: unit.put_off_destinations({HERE: START + 30 * SECOND}, START))
        assert await store.write(lambda unit: unit.finish([result(taken, START)], "node-1")) == []


class Line:
    """Notices of one episode to one address, one after the other."""

    def __init__(self, store: Stores) -> None:
        self.store = store
        self.story = Story(SeededIds("line"))
        self.changes: Changes | None = None

    async def told(self, kind: Kind, at: timedelta, **more: Any) -> DeliveryRecord:
        self.story.now = START + at
        if self.changes is None:

            async def first(unit: Unit) -> Changes:
                await self.story.meet(unit)
                changes = self.story.report()
                (record,) = changes.deliveries
                changes = replace(changes, deliveries=(replace(record, line=LINE, **more),))
                await unit.save(changes)
                return changes

            self.changes = await self.store.write(first)
            return self.changes.deliveries[0]
        episode = moved(self.changes)
        decision = self.story.decision(None, kind=kind)
        notice = self.story.notice(decision)
        record = self.story.delivery(notice, line=LINE, **more)
        self.changes = Changes(
            event=None,
            episode=episode,
            expected_version=self.changes.episode.version,
            decisions=(decision,),
            notices=(notice,),
            deliveries=(record,),
            supersede=kind == "found",
            supersede_kinds=("missing", "update") if kind == "found" else (),
        )
        await self.store.write(lambda unit: unit.save(self.changes))
        return record

    async def deferred(self, claimed: ClaimedDelivery, at: timedelta, until: timedelta) -> None:
        outcome = result(claimed, START + at, state="due", attempt="temporary_failure", due_at=START + until)
        await self.store.write(lambda unit: unit.finish([outcome], "node-1"))

    async def sent(self, claimed: ClaimedDelivery, at: timedelta) -> None:
        await self.store.write(lambda unit: unit.finish([result(claimed, START + at)], "node-1"))

    async def notices(self) -> dict[str, NoticeRecord]:
        found = await self.store.read(lambda unit: unit.notices(self.story.episode))
        return {one.kind: one for one in found}


class TestOrder:
    async def test_an_update_waits_for_the_missing_that_is_due_on_its_way_or_deferred(self, store: Stores) -> None:
        line = Line(store)
        missing = await line.told("missing", timedelta(0))
        update = await line.told("update", SECOND)
        (taken,) = await claim(store, SECOND)
        assert taken.delivery.id == missing.id
        assert await claim(store, 2 * SECOND) == [], "it is on its way"
        await line.deferred(taken, 2 * SECOND, 100 * SECOND)
        assert await claim(store, 99 * SECOND) == [], "it is tried again later"
        (again,) = await claim(store, 100 * SECOND)
        assert again.delivery.id == missing.id
        await line.sent(again, 101 * SECOND)
        assert ids_of(await claim(store, 101 * SECOND)) == [update.id]

    async def test_after_an_outage_they_go_out_as_they_were_made(self, store: Stores) -> None:
        """The missing waits by its schedule; the relay is back; three updates are due before it."""
        line = Line(store)
        made = [await line.told("missing", timedelta(0))]
        (taken,) = await claim(store)
        await line.deferred(taken, SECOND, 600 * SECOND)
        made += [await line.told("update", n * 60 * SECOND) for n in (1, 2, 3)]
        order, at = [], 200 * SECOND
        while len(order) < len(made):
            at += 100 * SECOND
            for one in await claim(store, at):
                order.append(one.delivery.id)
                await line.sent(one, at)
        assert order == [one.id for one in made]
        assert at >= 600 * SECOND

    async def test_one_that_was_given_up_is_not_waited_for(self, store: Stores) -> None:
        line = Line(store)
        await line.told("missing", timedelta(0))
        (taken,) = await claim(store)
        update = await line.told("update", SECOND)
        lost = result(taken, START + SECOND, state="failed", attempt="permanent_failure")
        await store.write(lambda unit: unit.finish([lost], "node-1"))
        assert ids_of(await claim(store, SECOND)) == [update.id]

    async def test_out_of_order_is_better_than_not_at_all(self, store: Stores) -> None:
        line = Line(store)
        await line.told("missing", timedelta(0))
        (taken,) = await claim(store)
        await line.deferred(taken, SECOND, timedelta(hours=8))
        update = await line.told("update", SECOND)
        assert await claim(store, IN_ORDER) == []
        assert ids_of(await claim(store, IN_ORDER + SECOND)) == [update.id]

    async def test_found_waits_for_no_missing_that_is_stuck(self, store: Stores) -> None:
        line = Line(store)
        await line.told("missing", timedelta(0))
        (taken,) = await claim(store)
        await line.deferred(taken, SECOND, timedelta(hours=1))
        await line.told("update", SECOND)
        found = await line.told("found", 2 * SECOND, jumps=True)
        (told,) = await claim(store, 2 * SECOND)
        assert told.delivery.id == found.id
        states = {kind: one.state for kind, one in (await line.notices()).items()}
        assert states == {"missing": "superseded", "update": "superseded", "found": "pending"}
        await line.sent(told, 3 * SECOND)
        assert await claim(store, timedelta(hours=2)) == [], "what was overtaken is never sent"

    async def test_found_waits_for_no_missing_that_is_still_on_its_way(self, store: Stores) -> None:
        line = Line(store)
        await line.told("missing", timedelta(0))
        assert len(await claim(store)) == 1
        found = await line.told("found", SECOND, jumps=True)
        assert ids_of(await claim(store, SECOND)) == [found.id]

    async def test_another_address_and_another_episode_are_other_lines(self, store: Stores) -> None:
        line = Line(store)
        await line.told("missing", timedelta(0))
        (taken,) = await claim(store)
        await line.deferred(taken, SECOND, timedelta(hours=1))
        other = Story(SeededIds("other"), ref="other", child_ref="other")
        changes = await store.write(lambda unit: other.told(unit))
        assert ids_of(await claim(store, SECOND)) == [changes.deliveries[0].id]
