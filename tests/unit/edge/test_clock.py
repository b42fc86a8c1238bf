import asyncio
from datetime import UTC, timedelta

from hub.edge.clock import SystemClock
from tests.kit.clock import START, FakeClock


async def test_the_systems_clock_is_aware_and_goes_on() -> None:
    clock = SystemClock()
    before = clock.now()
    assert before.tzinfo is UTC
    await clock.sleep(0.001)
    await clock.sleep(-1)
    assert clock.now() > before


async def test_sleepers_wake_in_order_each_at_its_own_instant() -> None:
    clock = FakeClock()
    woken: list[tuple[str, timedelta]] = []

    async def sleeper(name: str, *naps: float) -> None:
        for nap in naps:
            await clock.sleep(nap)
            woken.append((name, clock.now() - START))

    tasks = [asyncio.create_task(sleeper(*one)) for one in (("a", 3, 3), ("b", 1), ("c", 3), ("d", 100))]
    await clock.advance(6)
    seconds = [(name, at.total_seconds()) for name, at in woken]
    assert seconds == [("b", 1), ("a", 3), ("c", 3), ("a", 6)]
    assert clock.now() == START + timedelta(seconds=6)
    assert clock.sleeping == 1
    tasks[3].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await clock.advance(1000)
    assert clock.sleeping == 0
