"""The figures of the operator's wall, and an alarm that somebody has seen to."""

from dataclasses import replace
from datetime import timedelta

from hub.core.ulid import first_since
from hub.core.wall import Figures, Newest
from hub.edge.ids import SeededIds
from hub.service.alarms import seen_to
from hub.service.canary import HUB
from hub.service.ports import Unit
from tests.kit.clock import START
from tests.kit.records import Story, result
from tests.kit.store import Stores, claim, raw

DAY = timedelta(days=1)


async def figures(store: Stores, since: timedelta = timedelta(0)) -> Figures:
    at = START + since
    return await store.read(lambda unit: unit.wall_figures(first_since("dl", at), first_since("ep", at)))


async def test_nothing_is_counted_before_there_is_anything(store: Stores) -> None:
    assert await figures(store) == Figures(channels={}, episodes={})


async def test_what_is_under_way_counts_whenever_it_was_made_and_what_is_settled_for_a_day(
    store: Stores, story: Story
) -> None:
    await store.write(lambda unit: story.told(unit, 3))
    assert (await figures(store)).channels == {"email": {"due": 3}}
    first, second, _ = await claim(store)
    assert (await figures(store)).channels == {"email": {"leased": 3}}
    failed = result(second, START, state="failed", attempt="permanent_failure")
    await store.write(lambda unit: unit.finish([result(first, START), failed], "node-1"))
    assert (await figures(store)).channels == {"email": {"sent": 1, "failed": 1, "leased": 1}}
    later = await figures(store, DAY)
    assert later.channels == {"email": {"leased": 1}} and later.episodes == {}


async def test_episodes_are_counted_by_state_from_the_day_on(store: Stores, story: Story) -> None:
    await store.write(lambda unit: story.told(unit, 1))
    other = Story(SeededIds("other"), now=START + DAY, ref="OTHER")
    await store.write(lambda unit: other.told(unit, 1))
    assert (await figures(store)).episodes == {"open": 2}
    assert (await figures(store, DAY)).episodes == {"open": 1}


async def test_the_newest_come_first_without_the_hubs_own_and_without_opening_anything(
    store: Stores, story: Story
) -> None:
    await store.write(lambda unit: story.told(unit, 1))
    other, own = Story(SeededIds("other"), now=START + DAY, ref="OTHER"), Story(SeededIds("own"), ref="CANARY")
    await store.write(lambda unit: other.told(unit, 1))

    async def canary(unit: Unit) -> None:
        await own.meet(unit)
        told = own.report(1)
        await unit.save(replace(told, episode=replace(told.episode, source=HUB)))

    await store.write(canary)
    await raw(store, "UPDATE episodes SET memory = ref, ref = memory")
    newest = (await figures(store, 2 * DAY)).newest
    assert [one.id for one in newest] == [other.episode, story.episode]
    assert newest[1] == Newest(id=story.episode, category="missing", state="open", status="actual", since=START,
                               organisation="E09000006")  # fmt: skip


async def test_an_exercise_is_no_child_that_was_reported(store: Stores, story: Story) -> None:
    await store.write(lambda unit: story.told(unit, 1))
    drill = Story(SeededIds("drill"), ref="DRILL")

    async def work(unit: Unit) -> None:
        await drill.meet(unit)
        told = drill.report(1)
        await unit.save(replace(told, episode=replace(told.episode, status="exercise")))

    await store.write(work)
    assert (await figures(store)).episodes == {"open": 1}


async def test_an_alarm_that_somebody_has_seen_to_is_over_once(store: Stores, story: Story) -> None:
    await store.write(lambda unit: story.told(unit, 1))
    alarm, ids = story.alarm("undeliverable"), SeededIds("clearing")
    await store.write(lambda unit: unit.add_alarm(alarm, []))
    for expected in (True, False):
        done = await store.write(lambda unit: seen_to(unit, alarm.id, "user:us_1", ids, START + DAY))
        assert done is expected
    assert not await store.write(lambda unit: seen_to(unit, "al_none", "user:us_1", ids, START))
    (cleared,) = await store.read(lambda unit: unit.alarms(open_only=False))
    assert cleared.cleared_at == START + DAY
