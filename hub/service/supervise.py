"""Starting and stopping in order and in bounded time; a side task that dies stops the process.

A hub that answers 202 and sends nothing is the worst failure there is. So every part that must live is a task here,
and the first that ends unasked ends the whole process with a status other than 0, for the service manager to restart.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from typing import Any, Protocol

from hub.service.ports import Clock, StoreUnavailable

TICK_FAILURES = 5
"""A tick that fails this often in a row, for another reason than the store being away, is as good as dead."""
CANCEL_WITHIN = 0.5
"""Seconds a cancelled task has to clean up."""


class Log(Protocol):
    """Content-free words: what happened, and the ids and codes it is about."""

    def info(self, event: str, **fields: Any) -> Any: ...
    def error(self, event: str, **fields: Any) -> Any: ...


class Supervisor:
    """Keeps the side tasks and the time that is left to stop them.

    The parts are entered into one AsyncExitStack in order of starting (store, transports, delivery, clock, web) and
    so leave it in the order of stopping: no more intake, no more claiming, finish what is in flight, record, close.
    """

    def __init__(self, *, stop_within: float, log: Log) -> None:
        self._within = stop_within
        self._log = log
        self._stop = asyncio.Event()
        self._deadline: float | None = None
        self._status = 0
        self._alive: dict[str, bool] = {}

    @property
    def stopping(self) -> bool:
        """Whether the end has been asked for."""
        return self._stop.is_set()

    @property
    def alive(self) -> Mapping[str, bool]:
        """Every side task by name, and whether it lives."""
        return dict(self._alive)

    def request_stop(self, status: int = 0) -> None:
        """Ask for an orderly end. The first failing status stays."""
        self._status = self._status or status
        if self._deadline is None:
            self._deadline = asyncio.get_running_loop().time() + self._within
        self._stop.set()

    def fail(self, name: str, error: BaseException | None) -> None:
        """A part is dead: mark it, and end the process with status 1."""
        self._alive[name] = False
        self._log.error("task.died", task=name, error=type(error).__name__ if error else "ended")
        self.request_stop(1)

    def remaining(self, *, at_most: float | None = None, keep: float = 0.0) -> float:
        """Seconds left for a stage of stopping, ``keep`` of them spared for those after it."""
        if self._deadline is None:
            self.request_stop()
        assert self._deadline is not None  # noqa: S101  # set by request_stop  # nosec B101
        left = max(0.0, self._deadline - asyncio.get_running_loop().time() - keep)
        return left if at_most is None else min(left, at_most)

    async def stopped(self) -> int:
        """Wait for the end; the process' exit status."""
        await self._stop.wait()
        return self._status

    async def unless_stopped(self, work: Coroutine[Any, Any, object]) -> None:
        """Do this as long as nobody asks for the end: nothing waits for it then."""
        doing, asked = asyncio.create_task(work), asyncio.create_task(self._stop.wait())
        try:
            await asyncio.wait({doing, asked}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            asked.cancel()
            doing.cancel()
        await asyncio.wait({doing}, timeout=CANCEL_WITHIN)
        if doing.done() and not doing.cancelled():
            doing.result()

    @property
    def status(self) -> int:
        """The exit status so far: a failure while stopping counts too."""
        return self._status

    @asynccontextmanager
    async def task(
        self,
        name: str,
        run: Callable[[asyncio.Event], Coroutine[Any, Any, None]],
        *,
        keep: float = 1.0,
    ) -> AsyncIterator[None]:
        """Run ``run(stop)`` beside everything entered later; on leaving set ``stop`` and wait in bounded time."""
        stop = asyncio.Event()
        task = asyncio.create_task(run(stop), name=name)
        self._alive[name] = True
        task.add_done_callback(lambda ended: self._ended(name, ended, stop))
        try:
            yield
        finally:
            stop.set()
            await self._finish(name, task, keep)

    def _ended(self, name: str, task: asyncio.Task[None], stop: asyncio.Event) -> None:
        error = None if task.cancelled() else task.exception()
        if stop.is_set() and error is None:
            self._alive[name] = False
        else:
            self.fail(name, error)

    async def _finish(self, name: str, task: asyncio.Task[None], keep: float) -> None:
        await asyncio.wait({task}, timeout=self.remaining(keep=keep + CANCEL_WITHIN))
        if not task.done():
            self._log.error("task.cancelled", task=name)
            self.request_stop(1)
            task.cancel()
            await asyncio.wait({task}, timeout=CANCEL_WITHIN)

    @asynccontextmanager
    async def closing(self, name: str, close: Callable[[], Awaitable[None]], *, at_most: float) -> AsyncIterator[None]:
        """On leaving call ``close``; what takes longer than ``at_most`` seconds does not hold the end up."""
        try:
            yield
        finally:
            try:
                async with asyncio.timeout(at_most):
                    await close()
            except Exception as error:
                self._log.error("close.failed", task=name, error=type(error).__name__)
                self.request_stop(1)


class Tick:
    """One repeated piece of work. It survives a store that is away; anything else, five times in a row, is death."""

    def __init__(
        self,
        name: str,
        work: Callable[[datetime], Awaitable[object]],
        *,
        clock: Clock,
        supervisor: Supervisor,
        log: Log,
    ) -> None:
        self.name = name
        self._work = work
        self._clock = clock
        self._supervisor = supervisor
        self._log = log
        self._failures = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self.last_good = clock.now()
        """When it last went through: /health/overdue looks at its age."""

    async def idle(self, within: float) -> None:
        """Wait until no work is under way, ``within`` seconds at most."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                await self._idle.wait()

    async def __call__(self) -> None:
        if self._supervisor.stopping or not self._idle.is_set():
            return
        self._idle.clear()
        try:
            await self._once()
        finally:
            self._idle.set()

    async def _once(self) -> None:
        now = self._clock.now()
        try:
            await self._work(now)
        except StoreUnavailable:
            self._log.error("tick.store_unavailable", task=self.name)
        except Exception as error:
            self._failures += 1
            self._log.error("tick.failed", task=self.name, error=type(error).__name__, count=self._failures)
            if self._failures >= TICK_FAILURES:
                self._supervisor.fail(self.name, error)
        else:
            self._failures = 0
            self.last_good = self._clock.now()
