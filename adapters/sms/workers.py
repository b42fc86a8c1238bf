"""Blocking work in threads of its own: each thread makes one tool that is not thread-safe, and alone uses it."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from queue import SimpleQueue
from typing import Any, Generic, TypeVar

Tool = TypeVar("Tool")
T = TypeVar("T")


class Worker(Generic[Tool]):
    """One thread and its tool. A daemon: a call that hangs in the network does not keep the process from ending."""

    def __init__(self, make: Callable[[], Tool], discard: Callable[[Tool], None]) -> None:
        self._jobs: SimpleQueue[Callable[[Tool], None] | None] = SimpleQueue()
        threading.Thread(target=self._run, args=(make, discard), name="sms", daemon=True).start()

    async def do(self, call: Callable[[Tool], T]) -> T:
        """The call's result or exception. Cancelled, the thread goes on until the call ends: then ``leave``."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()

        def settle(result: T | None, error: BaseException | None) -> None:
            if future.done():
                return
            if error is not None:
                future.set_exception(error)
            else:
                future.set_result(result)  # type: ignore[arg-type]  # None only where T is

        def job(tool: Tool) -> None:
            result: T | None = None
            error: BaseException | None = None
            try:
                result = call(tool)
            except BaseException as exc:
                error = exc
            with suppress(RuntimeError):  # the loop is closed: nobody waits
                loop.call_soon_threadsafe(settle, result, error)

        self._jobs.put(job)
        return await future

    def leave(self) -> None:
        """End the thread, after what it is doing."""
        self._jobs.put(None)

    def _run(self, make: Callable[[], Tool], discard: Callable[[Tool], None]) -> None:
        tool = make()
        try:
            while (job := self._jobs.get()) is not None:
                job(tool)
                del job  # it holds the message; the thread may now wait for hours
        finally:
            discard(tool)


class Crew(Generic[Tool]):
    """At most ``size`` calls at once. A worker whose caller was cancelled may hang: it is let go, never used again."""

    def __init__(self, size: int, make: Callable[[], Tool], discard: Callable[[Tool], None]) -> None:
        self._slots = asyncio.Semaphore(size)
        self._idle: list[Worker[Tool]] = []
        self._new: Callable[[], Worker[Tool]] = lambda: Worker(make, discard)
        self._closed = False

    @asynccontextmanager
    async def lease(self) -> AsyncIterator[Worker[Tool]]:
        """A worker for this caller alone. Raises Closed."""
        async with self._slots:
            if self._closed:
                raise Closed
            worker = self._idle.pop() if self._idle else self._new()
            usable = False
            try:
                yield worker
                usable = not self._closed
            except Exception:
                usable = not self._closed  # it answered, even if with an error
                raise
            finally:
                if usable:
                    self._idle.append(worker)
                else:
                    worker.leave()

    def close(self) -> None:
        """Take no more; idle threads end now, the others when their call does."""
        self._closed = True
        while self._idle:
            self._idle.pop().leave()


class Closed(Exception):
    """No more work is taken."""

    def __init__(self, *_: Any) -> None:
        super().__init__(self.__doc__)
