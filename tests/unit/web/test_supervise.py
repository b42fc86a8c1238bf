"""The supervisor: order, bounds, and the death of a part."""

import asyncio
from contextlib import AsyncExitStack
from datetime import datetime

import pytest

from hub.service.ports import StoreUnavailable
from hub.service.supervise import TICK_FAILURES, Supervisor, Tick
from tests.kit.clock import FakeClock
from tests.kit.web import Lines


async def until_told(stop: asyncio.Event) -> None:
    await stop.wait()


async def test_parts_stop_in_the_reverse_of_their_start() -> None:
    order: list[str] = []
    supervisor = Supervisor(stop_within=5, log=Lines())

    def part(name: str):  # type: ignore[no-untyped-def]  # a task made for its name
        async def run(stop: asyncio.Event) -> None:
            await stop.wait()
            order.append(name)

        return run

    async def close() -> None:
        order.append("store")

    async with AsyncExitStack() as stack:
        await stack.enter_async_context(supervisor.closing("store", close, at_most=1))
        await stack.enter_async_context(supervisor.task("delivery", part("delivery")))
        await stack.enter_async_context(supervisor.task("intake", part("intake")))
        await asyncio.sleep(0)
        assert supervisor.alive == {"delivery": True, "intake": True}
        supervisor.request_stop()
        assert await supervisor.stopped() == 0
    assert order == ["intake", "delivery", "store"]
    assert supervisor.status == 0


async def test_a_task_that_raises_ends_everything_with_1() -> None:
    log = Lines()
    supervisor = Supervisor(stop_within=5, log=log)

    async def dies(stop: asyncio.Event) -> None:
        raise RuntimeError("Robin Example")

    async with supervisor.task("other", until_told), supervisor.task("dying", dies):
        assert await supervisor.stopped() == 1
        assert supervisor.alive == {"other": True, "dying": False}
    assert log.named("task.died") == [{"task": "dying", "error": "RuntimeError"}]


async def test_a_task_that_simply_ends_is_as_dead() -> None:
    supervisor = Supervisor(stop_within=5, log=Lines())

    async def ends(stop: asyncio.Event) -> None:
        return None

    async with supervisor.task("ending", ends):
        assert await supervisor.stopped() == 1


async def test_a_task_that_fails_while_stopping_counts() -> None:
    supervisor = Supervisor(stop_within=5, log=Lines())

    async def fails_late(stop: asyncio.Event) -> None:
        await stop.wait()
        raise RuntimeError

    async with supervisor.task("late", fails_late):
        await asyncio.sleep(0)
        supervisor.request_stop()
    assert supervisor.status == 1


async def test_a_task_that_does_not_stop_is_cancelled_in_time_for_the_rest() -> None:
    supervisor = Supervisor(stop_within=1.0, log=Lines())
    loop = asyncio.get_running_loop()
    closed_at: list[float] = []

    async def deaf(stop: asyncio.Event) -> None:
        await asyncio.Event().wait()

    async def close() -> None:
        closed_at.append(loop.time())

    async with supervisor.closing("store", close, at_most=1), supervisor.task("deaf", deaf, keep=0.2):
        await asyncio.sleep(0)
        began = loop.time()
        supervisor.request_stop()
    assert closed_at[0] - began < 1.0
    assert supervisor.status == 1


async def test_what_does_not_close_holds_nothing_up() -> None:
    supervisor = Supervisor(stop_within=5, log=Lines())
    async with supervisor.closing("hanging", asyncio.Event().wait, at_most=0.05):  # type: ignore[arg-type]  # never returns
        pass
    assert supervisor.status == 1


async def test_the_first_status_stays() -> None:
    supervisor = Supervisor(stop_within=5, log=Lines())
    supervisor.request_stop(1)
    supervisor.request_stop(0)
    assert await supervisor.stopped() == 1


async def test_a_tick_survives_an_absent_store_for_ever() -> None:
    clock, supervisor = FakeClock(), Supervisor(stop_within=5, log=Lines())

    async def away(now: datetime) -> None:
        raise StoreUnavailable

    tick = Tick("clockwork", away, clock=clock, supervisor=supervisor, log=Lines())
    began = tick.last_good
    for _ in range(TICK_FAILURES * 4):
        await clock.advance(1)
        await tick()
    assert not supervisor.stopping
    assert tick.last_good == began


async def test_a_tick_dies_of_the_same_fault_in_a_row_only() -> None:
    clock, supervisor = FakeClock(), Supervisor(stop_within=5, log=Lines())
    failing = True

    async def work(now: datetime) -> None:
        if failing:
            raise RuntimeError

    tick = Tick("clockwork", work, clock=clock, supervisor=supervisor, log=Lines())
    for _ in range(TICK_FAILURES - 1):
        await tick()
    failing = False
    await tick()
    assert tick.last_good == clock.now()
    failing = True
    for _ in range(TICK_FAILURES - 1):
        await tick()
    assert not supervisor.stopping
    await tick()
    assert supervisor.stopping
    assert supervisor.alive == {"clockwork": False}


async def test_a_tick_never_runs_beside_itself_and_ends_before_the_stop() -> None:
    clock, supervisor = FakeClock(), Supervisor(stop_within=5, log=Lines())
    running, most, go_on = 0, 0, asyncio.Event()

    async def work(now: datetime) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await go_on.wait()
        running -= 1

    tick = Tick("clockwork", work, clock=clock, supervisor=supervisor, log=Lines())
    first = asyncio.create_task(tick())
    await asyncio.sleep(0)
    await tick()
    await tick.idle(0.01)
    assert (running, most) == (1, 1)
    go_on.set()
    await tick.idle(5)
    assert running == 0
    await first
    supervisor.request_stop()
    await tick()
    assert most == 1


async def test_what_is_done_only_until_the_end_is_asked_for_holds_nothing_up() -> None:
    supervisor, done = Supervisor(stop_within=5, log=Lines()), []

    async def at_once() -> None:
        done.append("at once")

    async def fails() -> None:
        raise ValueError

    await supervisor.unless_stopped(at_once())
    with pytest.raises(ValueError):
        await supervisor.unless_stopped(fails())
    asyncio.get_running_loop().call_later(0.02, supervisor.request_stop)
    async with asyncio.timeout(2):
        await supervisor.unless_stopped(asyncio.Event().wait())
    assert done == ["at once"]
    assert supervisor.stopping
