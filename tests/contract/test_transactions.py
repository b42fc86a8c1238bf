"""All or nothing, each for itself, and nothing said to have happened that has not."""

import asyncio

import pytest

from hub.edge.ids import SeededIds
from hub.service.ports import StoreUnavailable, Unit
from hub.store import StoreFault
from tests.kit.clock import START
from tests.kit.records import SECRETS, SOURCE, Story
from tests.kit.store import Stores, memory_store


class Trouble(Exception):
    """What a work raises in these tests."""


async def put(unit: Unit, number: int) -> int:
    one = Story(SeededIds(f"put-{number}"), ref=f"r{number}", child_ref=f"c{number}")
    await one.told(unit)
    return number


async def there(store: Stores) -> set[str]:
    return {one.ref for one in await store.read(lambda unit: unit.episode_list())}


async def test_a_work_that_fails_leaves_nothing(store: Stores) -> None:
    async def work(unit: Unit) -> None:
        await put(unit, 1)
        raise Trouble

    with pytest.raises(Trouble):
        await store.write(work)
    assert await there(store) == set()
    assert await store.read(lambda unit: unit.counts(START, START)) == await store.read(
        lambda unit: unit.counts(START, START)
    )
    await store.write(lambda unit: put(unit, 1))
    assert await there(store) == {"r1"}


async def test_of_works_at_once_the_failing_ones_fail_alone(store: Stores) -> None:
    async def work(unit: Unit, number: int) -> int:
        await put(unit, number)
        if number % 3 == 0:
            raise Trouble(number)
        return number

    outcomes = await asyncio.gather(
        *(store.write(lambda unit, n=n: work(unit, n)) for n in range(24)), return_exceptions=True
    )
    for number, outcome in enumerate(outcomes):
        assert isinstance(outcome, Trouble) if number % 3 == 0 else outcome == number
    assert await there(store) == {f"r{n}" for n in range(24) if n % 3}


async def test_a_failure_that_the_work_swallows_still_undoes_it(store: Stores, story: Story) -> None:
    await store.write(lambda unit: story.told(unit))

    async def work(unit: Unit) -> str:
        await put(unit, 7)
        try:
            await unit.put_source(None)  # type: ignore[arg-type]  # a defect on purpose
        except AttributeError:
            pass
        return "all is well"

    with pytest.raises(AttributeError):
        await store.write(work)
    assert await there(store) == {story.ref}


async def test_after_a_failure_the_unit_takes_nothing_more(store: Stores) -> None:
    async def work(unit: Unit) -> None:
        with pytest.raises(AttributeError):
            await unit.put_source(None)  # type: ignore[arg-type]  # a defect on purpose
        with pytest.raises(AttributeError):
            await put(unit, 1)
        raise Trouble

    with pytest.raises(Trouble):
        await store.write(work)


async def test_a_unit_does_not_outlive_its_work(store: Stores) -> None:
    kept: list[Unit] = []

    async def work(unit: Unit) -> None:
        kept.append(unit)

    await store.write(work)
    with pytest.raises(RuntimeError, match="over"):
        await kept[0].sources()


async def test_a_reader_writes_nothing(store: Stores) -> None:
    with pytest.raises((StoreFault, StoreUnavailable)):
        await store.read(lambda unit: put(unit, 1))
    assert await there(store) == set()


async def test_a_reader_sees_one_moment(store: Stores) -> None:
    await store.write(lambda unit: put(unit, 1))

    async def look(unit: Unit) -> tuple[int, int]:
        before = len(await unit.episode_list())
        await store.write(lambda other: put(other, 2))
        return before, len(await unit.episode_list())

    assert await store.read(look) == (1, 1)
    assert len(await there(store)) == 2


async def test_what_is_not_committed_is_not_seen(store: Stores) -> None:
    seen: list[set[str]] = []

    async def work(unit: Unit) -> None:
        await put(unit, 1)
        seen.append(await there(store))

    await store.write(work)
    assert seen == [set()]


async def test_a_caller_that_is_cancelled_leaves_a_whole_work_or_none(store: Stores) -> None:
    started = asyncio.Event()

    async def work(unit: Unit, number: int) -> None:
        started.set()
        await put(unit, number)
        await unit.add_alarm(Story(SeededIds(f"al-{number}")).alarm(reason=str(number)), [])

    tasks = [asyncio.create_task(store.write(lambda unit, n=n: work(unit, n))) for n in range(12)]
    await started.wait()
    for task in tasks[::2]:
        task.cancel()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(outcome is None for outcome in outcomes[1::2])
    saved = await there(store)
    assert saved >= {f"r{n}" for n in range(1, 12, 2)}
    assert {f"r{one.reason}" for one in await store.read(lambda unit: unit.alarms())} == saved
    await store.write(lambda unit: put(unit, 99))


async def test_a_work_that_hangs_is_stopped_and_the_others_go_on(store: Stores) -> None:
    store._work_seconds = 0.3
    started = asyncio.Event()

    async def hang(unit: Unit) -> None:
        started.set()
        await put(unit, 1)
        await asyncio.Event().wait()

    hanging = asyncio.create_task(store.write(hang))
    await started.wait()
    store._work_seconds = 60
    assert await store.write(lambda unit: put(unit, 2)) == 2
    with pytest.raises(StoreUnavailable, match="too long"):
        await hanging
    assert await there(store) == {"r2"}


async def test_closed_it_takes_nothing(store: Stores) -> None:
    await store.aclose()
    with pytest.raises(StoreUnavailable):
        await store.write(lambda unit: put(unit, 1))
    with pytest.raises(StoreUnavailable):
        await store.read(lambda unit: unit.sources())
    assert await store.ready() is False
    await store.aclose()


async def test_ready(store: Stores) -> None:
    assert await store.ready() is True
    assert await store.ready() is True


async def test_no_error_tells_a_value(store: Stores, story: Story) -> None:
    changes = await store.write(lambda unit: story.told(unit))
    twice = story.report()
    broken = [
        lambda unit: unit.save(twice),
        lambda unit: unit.put_source(None),
        lambda unit: unit.acknowledge(None, changes.notices[0], None, []),
    ]
    for work in broken:
        with pytest.raises(Exception) as caught:  # whatever it is, it must not tell
            await store.write(work)
        shown: BaseException | None = caught.value
        while shown is not None:
            for secret in SECRETS.values():
                assert secret not in str(shown) and secret not in repr(shown)
            shown = shown.__cause__ or shown.__context__
    assert SOURCE not in repr(store) and story.child not in repr(store)


async def test_in_memory_it_is_the_same_store() -> None:
    store = await memory_store()
    outcomes = await asyncio.gather(*(store.write(lambda unit, n=n: put(unit, n)) for n in range(10)))
    assert outcomes == list(range(10))
    assert len(await there(store)) == 10
    assert await store.ready() is True

    async def fails(unit: Unit) -> None:
        await put(unit, 11)
        raise Trouble

    with pytest.raises(Trouble):
        await store.write(fails)
    assert len(await there(store)) == 10
    await store.aclose()
