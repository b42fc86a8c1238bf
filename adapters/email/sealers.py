"""Sealing in processes of its own, so that it takes no processor time from the one that claims, sends and records.

Envelopes go to whichever process is free, several at a time where several wait. A process that dies, or does not answer
in time, takes nothing with it: what it had in hand is sealed in this one, as everything is until the first is ready,
and another is started in its place, later each time. There need be none while there is little to send (:class:`Crew`).
"""

import asyncio
import os
import socket
import subprocess  # our own interpreter, nothing typed  # nosec B404
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from math import inf
from typing import Any, Final, Protocol, TypeAlias

from adapters.email.frames import LENGTH, framed, unframed
from adapters.email.prepare import Message
from adapters.email.sealing import Here, Seal
from adapters.port import Envelope, Rejected

MOST: Final = 8
"""Envelopes that go together: what they share goes once, and is worked out once."""
AHEAD: Final = 8
"""Envelopes still in one process's hands when it is given more, so that it is never without."""
PATIENCE: Final = 30.0
"""Seconds that a process may have an envelope in hand, or take to begin."""
FIRST_PAUSE: Final = 1.0
LONGEST_PAUSE: Final = 60.0
RUSH: Final = 50
WITHIN: Final = 2.0
"""Seconds in which so many messages are a rush: to compose and seal them takes a good part of a processor. Where a
relay hangs fewer begin in that time; one that refuses at once lets as many begin, and each is sealed before."""
KEPT: Final = 300.0
MOST_IN_A_RUSH: Final = 2
"""Processes of which one hub makes use: composing and sealing a notice takes less than all else that is done for it."""
_BUFFER: Final = 4 * 1024 * 1024
_SETTINGS: Final = "FINGERPOST_"
_ALLOCATOR: Final = {
    "MALLOC_MMAP_THRESHOLD_": str(32 * 1024 * 1024),
    "MALLOC_TRIM_THRESHOLD_": str(64 * 1024 * 1024),
}
"""For glibc, which else gives what a mail with a photo took back to the kernel and asks for it anew with the next: a
fifth of the time of a circulation. A process that is kept for good keeps so much more memory for good."""


class Process(Protocol):
    """As much of :class:`subprocess.Popen` as is needed."""

    def kill(self) -> None: ...
    def wait(self) -> int: ...


Start: TypeAlias = Callable[[socket.socket], Process]
"""Starts a process whose standard input is this socket. Raises OSError."""


def interpreter(hub: socket.socket) -> Process:
    """Another of our own interpreter, which runs sealer.py. What is imported stays: to look through it for garbage as
    it comes in takes a sixth of the start."""
    return subprocess.Popen(  # nothing typed  # nosec B603
        [sys.executable, "-P", "-c", "import gc; gc.disable(); from adapters.email.sealer import main; main()"],
        stdin=hub.fileno(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,  # what goes wrong there could quote what it choked on
        env=environment(os.environ),
    )


def environment(given: Mapping[str, str]) -> dict[str, str]:
    """Where to find what is imported, how to keep memory, and none of the settings, some of which are secrets."""
    kept = {name: value for name, value in given.items() if not name.upper().startswith(_SETTINGS)}
    return _ALLOCATOR | kept | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


@dataclass(frozen=True, slots=True, kw_only=True)
class Crew:
    """How many processes, and when there are any: by default from the first message and for good."""

    count: int
    rush: int = 1
    """Messages, soon after each other, with which they are started."""
    kept: float = inf
    """Seconds for which they are kept after a rush."""


NOBODY: Final = Crew(count=0)


def as_needed(processors: int) -> Crew:
    """Processes only for a rush and some minutes after it, where there is a processor for them besides this one's."""
    return Crew(count=max(0, min(processors - 1, MOST_IN_A_RUSH)), rush=RUSH, kept=KEPT)


class Rush:
    """Whether there are ``many`` messages within :data:`WITHIN`. Times are seconds of a clock that never goes back.

    How many are under way at once says nothing: where the processor is what they wait for they go out one by one.
    """

    def __init__(self, many: int, kept: float = inf) -> None:
        self._newest: deque[float] = deque(maxlen=many)
        self._kept = kept
        self.until = -inf
        """``kept`` after the last rush."""

    def begins(self, now: float) -> bool:
        """One more message; whether this is a rush."""
        self._newest.append(now)
        if len(self._newest) != self._newest.maxlen or now - self._newest[0] > WITHIN:
            return False
        self.until = now + self._kept
        return True


class _Gone(Exception):
    """The process that had it in hand is gone."""


@dataclass(eq=False, slots=True, kw_only=True)
class _Job:
    envelope: Envelope = field(repr=False)
    now: datetime
    done: "asyncio.Future[Message | Rejected]" = field(repr=False)
    until: float = inf
    """When it must have come back, by the clock of the event loop."""


class Sealers:
    """Processes as ``crew`` has it. ``beforehand``: what each does before it is ready, by
    functions that can be pickled. ``lost`` is told of each that ended before its time, with its exit status: below 0
    the signal that ended it, which is 9 where it hung; None: it could not be started."""

    def __init__(
        self,
        seal: Seal,
        crew: Crew,
        *,
        beforehand: Sequence[Callable[[], object]] = (),
        lost: Callable[[int | None], None] = lambda _: None,
        start: Start = interpreter,
        patience: float = PATIENCE,
    ) -> None:
        self._seal = seal
        self._here = Here(seal)
        self._crew = crew
        self._rush = Rush(crew.rush, crew.kept)
        self._ending: asyncio.TimerHandle | None = None
        """There are processes, or are to be."""
        self._closed = False
        self._beforehand = tuple(beforehand)
        self._lost = lost
        self._start = start
        self._patience = patience
        self._waiting: deque[_Job] = deque()
        self._wanted = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        """Each keeps one process; also those that are being ended."""
        self.ready = 0
        """How many take envelopes."""

    @contextmanager
    def sending(self) -> Iterator[None]:
        """While one message is under way."""
        now = asyncio.get_running_loop().time()
        if self._rush.begins(now) and self._ending is None and not self._closed:
            self._begin()
        with self._here.sending():
            yield

    async def prepare(self, envelope: Envelope, now: datetime) -> Message | Rejected:
        """One message, by whoever is free."""
        if self.ready:
            job = _Job(envelope=envelope, now=now, done=asyncio.get_running_loop().create_future())
            self._waiting.append(job)
            self._wanted.set()
            with suppress(_Gone):
                return await job.done
        return await self._here.prepare(envelope, now)

    async def aclose(self) -> None:
        """End them all. Whatever comes after is sealed in this process."""
        self._closed = True
        self._end()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _begin(self) -> None:
        for _ in range(self._crew.count):
            task = asyncio.create_task(self._keep_one(), name="sealer")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        self._end_in_time()

    def _end_in_time(self) -> None:
        """When there was no rush for as long as they are kept. A timer further off is looked at again in between."""
        loop = asyncio.get_running_loop()
        if self._rush.until <= loop.time():
            self._end()
        else:
            self._ending = loop.call_at(min(self._rush.until, loop.time() + KEPT), self._end_in_time)

    def _end(self) -> None:
        """What they have in hand is sealed here."""
        if self._ending is not None:
            self._ending.cancel()
            self._ending = None
        for task in self._tasks:
            if not task.cancelling():
                task.cancel()

    async def _keep_one(self) -> None:
        """One process after another, each for as long as it lives."""
        loop = asyncio.get_running_loop()
        pause = FIRST_PAUSE
        while True:
            began = loop.time()
            status = None
            with suppress(Exception):  # whatever went wrong with one, there has to be another
                status = await self._one()
            self._lost(status)
            pause = FIRST_PAUSE if loop.time() - began > LONGEST_PAUSE else min(pause * 2, LONGEST_PAUSE)
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await loop.create_future()

    async def _one(self) -> int:
        """A process, until it is gone; its exit status. Raises whatever kept it from being started."""
        in_hand: deque[_Job] = deque()
        ours, theirs = socket.socketpair()
        with theirs:
            reader, writer = await asyncio.open_connection(sock=ours, limit=_BUFFER)
            try:
                process = self._start(theirs)
            except BaseException:
                writer.transport.abort()
                raise
        try:
            with suppress(Exception):  # it is gone, hangs or raves: what becomes of it is the same
                await self._use(reader, writer, in_hand)
        finally:
            writer.transport.abort()
            process.kill()
            _give_up(in_hand)
            if not self.ready:
                _give_up(self._waiting)
                self._waiting.clear()
            await asyncio.to_thread(process.wait)
        return process.wait()

    async def _use(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, in_hand: deque[_Job]) -> None:
        """All it needs, and from when it is ready whatever there is to seal."""
        async with asyncio.timeout(self._patience):
            writer.write(framed((self._seal, self._beforehand), keys=True))
            await _taken(reader)
        self.ready += 1
        try:
            await self._exchange(reader, writer, in_hand)
        finally:
            self.ready -= 1

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, in_hand: deque[_Job]) -> None:
        """Batches out and messages in, until it breaks off or takes too long."""
        room = asyncio.Event()
        async with asyncio.timeout(None) as limit:
            handing = asyncio.create_task(self._hand_out(writer, in_hand, room, limit), name="sealer.handing")
            try:
                while True:
                    for delivery, message in await _taken(reader):
                        if delivery != in_hand[0].envelope.delivery:
                            raise ValueError("another's message: all that it has in hand is sealed here")
                        job = in_hand.popleft()
                        if not job.done.done():  # else it was given up meanwhile
                            job.done.set_result(message)
                    if len(in_hand) <= AHEAD:
                        room.set()
                    limit.reschedule(in_hand[0].until if in_hand else None)
            finally:
                handing.cancel()

    async def _hand_out(
        self, writer: asyncio.StreamWriter, in_hand: deque[_Job], room: asyncio.Event, limit: asyncio.Timeout
    ) -> None:
        while True:
            batch = await self._batch()
            try:
                frame = framed([(job.envelope, job.now) for job in batch])
            except Exception:  # whoever seals it here will say what is wrong with it
                _give_up(batch)
                continue
            until = asyncio.get_running_loop().time() + self._patience
            for job in batch:
                job.until = until
            if not in_hand:
                limit.reschedule(until)
            in_hand.extend(batch)
            writer.write(frame)
            room.clear()
            if len(in_hand) > AHEAD:
                await room.wait()

    async def _batch(self) -> list[_Job]:
        """Those that have waited longest; of those that were given up meanwhile none."""
        while True:
            batch: list[_Job] = []
            while self._waiting and len(batch) < MOST:
                job = self._waiting.popleft()
                if not job.done.done():
                    batch.append(job)
            if batch:
                return batch
            self._wanted.clear()
            await self._wanted.wait()


async def _taken(reader: asyncio.StreamReader) -> Any:
    (length,) = LENGTH.unpack(await reader.readexactly(LENGTH.size))
    return unframed(await reader.readexactly(length))


def _give_up(jobs: Iterable[_Job]) -> None:
    for job in jobs:
        if not job.done.done():
            job.done.set_exception(_Gone())
