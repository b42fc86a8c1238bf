"""The ticks, driven by APScheduler: what falls due is rows in the store, so nothing is lost with the scheduler."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import UTC
from typing import Final

from apscheduler.job import Job
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from hub.service.ports import Clock
from hub.service.supervise import Supervisor, Tick

TICK_WITHIN: Final = 1.0
"""Seconds a tick under way has to end."""
SET_BACK_WITHIN: Final = 5.0
"""Seconds within which it is noticed that the clock was set back."""

APART: Final = (5**0.5 - 1) / 2
"""Multiples of the golden section lie as far apart within one interval as any, however many there are."""


@asynccontextmanager
async def ticking(ticks: Mapping[Tick, float], clock: Clock, supervisor: Supervisor) -> AsyncIterator[AsyncIOScheduler]:
    """Run each tick every so many seconds for as long as the block lasts."""
    scheduler = AsyncIOScheduler(timezone=UTC)
    jobs = [
        scheduler.add_job(
            tick.__call__, "interval", seconds=seconds, max_instances=1, coalesce=True, misfire_grace_time=None
        )
        for tick, seconds in ticks.items()
    ]
    scheduler.start()
    _plan(jobs)

    async def keep_going(stop: asyncio.Event) -> None:
        await _keep_going(jobs, clock, stop)

    try:
        async with supervisor.task("ticks", keep_going):
            yield scheduler
    finally:
        scheduler.pause()
        # The scheduler would cancel a tick in the middle of its work; there is time to let it end.
        for tick in ticks:
            await tick.idle(TICK_WITHIN)
        scheduler.shutdown(wait=False)


def _plan(jobs: Iterable[Job]) -> None:
    """Plan every tick from now on. Those of one interval would fall due at one instant for ever, and a report that
    comes then would wait for all of them: so each begins at a time of its own within its first interval."""
    for number, job in enumerate(jobs, 1):
        every = job.trigger.interval
        job.reschedule("interval", seconds=every.total_seconds())
        job.modify(next_run_time=job.next_run_time - every * (number * APART % 1))


async def _keep_going(jobs: Iterable[Job], clock: Clock, stop: asyncio.Event) -> None:
    """The scheduler goes by the machine's clock: set back an hour, it would do nothing for that hour, and nobody would
    be chased. So whenever the clock stands earlier than it did, all that is planned is planned anew."""
    before = clock.now()
    while not stop.is_set():
        with suppress(TimeoutError):
            async with asyncio.timeout(SET_BACK_WITHIN):
                await stop.wait()
        now = clock.now()
        if now < before:
            _plan(jobs)
        before = now
