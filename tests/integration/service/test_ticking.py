"""The ticks go on, whatever the machine's clock does."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from hub.app import ticking as module
from hub.app.ticking import ticking
from hub.service.supervise import Supervisor, Tick
from tests.kit.delivering import Notes, until


class Wall:
    """The machine's clock, and how far it was set off."""

    def __init__(self) -> None:
        self.off = timedelta(0)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.off

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


@pytest.fixture
async def wall(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Wall]:
    monkeypatch.setattr(module, "SET_BACK_WITHIN", 0.05)
    yield Wall()


async def test_they_go_on_after_the_clock_was_set_back(wall: Wall) -> None:
    notes, ticked = Notes(), 0

    async def work(now: datetime) -> None:
        nonlocal ticked
        ticked += 1

    supervisor = Supervisor(stop_within=5, log=notes)
    tick = Tick("counting", work, clock=wall, supervisor=supervisor, log=notes)
    async with ticking({tick: 0.05}, wall, supervisor) as scheduler:
        await until(lambda: ticked >= 2)
        # What a clock that goes back an hour looks like to the scheduler: everything is planned for an hour later.
        wall.off = -timedelta(hours=1)
        for job in scheduler.get_jobs():
            job.modify(next_run_time=datetime.now(UTC) + timedelta(hours=1))
        before = ticked
        await until(lambda: ticked >= before + 3)
        assert supervisor.alive == {"ticks": True}
    assert notes.lines == []
    assert supervisor.status == 0


async def test_ticks_of_one_interval_do_not_fall_due_together(wall: Wall) -> None:
    async def work(now: datetime) -> None: ...

    notes, every = Notes(), 60
    supervisor = Supervisor(stop_within=5, log=notes)
    ticks = [Tick(str(number), work, clock=wall, supervisor=supervisor, log=notes) for number in range(8)]
    began = datetime.now(UTC)
    async with ticking(dict.fromkeys(ticks, every), wall, supervisor) as scheduler:
        due = sorted((job.next_run_time - began).total_seconds() for job in scheduler.get_jobs())
    assert due[0] >= 0
    assert due[-1] <= every + 1
    assert min(after - before for before, after in pairwise(due)) > every / 16


async def test_leaving_lets_a_tick_under_way_end(wall: Wall) -> None:
    begun, ended = asyncio.Event(), False

    async def work(now: datetime) -> None:
        nonlocal ended
        begun.set()
        await asyncio.sleep(0.1)
        ended = True

    supervisor = Supervisor(stop_within=5, log=Notes())
    tick = Tick("slow", work, clock=wall, supervisor=supervisor, log=Notes())
    async with ticking({tick: 0.01}, wall, supervisor):
        await begun.wait()
    assert ended
