"""Sealing in processes of its own, so that it takes no processor time from the one that claims, sends and records.

Envelopes go to whichever process is free, several at a time where several wait. A process that dies, or does not answer
in time, takes nothing with it: what it had in hand is sealed in this one, as everything is until the first is ready,
and another is started in its place, later each time.
"""

import asyncio
import os
import socket
import subprocess  # our own interpreter, nothing typed  # nosec B404
import sys
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Protocol, TypeAlias

from adapters.email.frames import LENGTH, framed, unframed
from adapters.email.prepare import Message
from adapters.email.sealing import Here, Seal
from adapters.port import Envelope, Rejected

MOST: Final = 8
"""Envelopes that go together: what they share goes once, and is worked out once."""
AHEAD: Final = 2
"""Batches in one process's hands, so that it has the next when it is through with one."""
PATIENCE: Final = 30.0
"""Seconds that a process may take for what it has in hand, or to begin."""
FIRST_PAUSE: Final = 1.0
LONGEST_PAUSE: Final = 60.0
_BUFFER: Final = 4 * 1024 * 1024
_SETTINGS: Final = "FINGERPOST_"


class Process(Protocol):
    """As much of :class:`subprocess.Popen` as is needed."""

    def kill(self) -> None: ...
    def wait(self) -> int: ...


Start: TypeAlias = Callable[[socket.socket], Process]
"""Starts a process whose standard input is this socket. Raises OSError."""


def interpreter(hub: socket.socket) -> Process:
    """Another of our own interpreter, which runs sealer.py."""
    return subprocess.Popen(  # nothing typed  # nosec B603
        [sys.executable, "-P", "-m", "adapters.email.sealer"],
        stdin=hub.fileno(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,  # what goes wrong there could quote what it choked on
        env=environment(os.environ),
    )


def environment(given: Mapping[str, str]) -> dict[str, str]:
    """Where to find what is imported, and none of the settings, some of which are secrets."""
    kept = {name: value for name, value in given.items() if not name.upper().startswith(_SETTINGS)}
    return kept | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


class _Gone(Exception):
    """The process that had it in hand is gone."""


@dataclass(eq=False, slots=True, kw_only=True)
class _Job:
    envelope: Envelope = field(repr=False)
    now: datetime
    done: "asyncio.Future[Message | Rejected]" = field(repr=False)


class Sealers:
    """``count`` processes, started with the first message. ``beforehand``: what each does before it is ready, by
    functions that can be pickled. ``lost`` is told of each that ended before its time, with its exit status: below 0
    the signal that ended it, which is 9 where it hung; None: it could not be started."""

    def __init__(
        self,
        seal: Seal,
        count: int,
        *,
        beforehand: Sequence[Callable[[], object]] = (),
        lost: Callable[[int | None], None] = lambda _: None,
        start: Start = interpreter,
        patience: float = PATIENCE,
    ) -> None:
        self._seal = seal
        self._here = Here(seal)
        self._count = count
        self._beforehand = tuple(beforehand)
        self._lost = lost
        self._start = start
        self._patience = patience
        self._waiting: deque[_Job] = deque()
        self._wanted = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self.ready = 0
        """How many take envelopes."""

    def sending(self) -> AbstractContextManager[None]:
        """While one message is under way."""
        return self._here.sending()

    async def prepare(self, envelope: Envelope, now: datetime) -> Message | Rejected:
        """One message, by whoever is free."""
        if not self._tasks:
            self._tasks = [asyncio.create_task(self._keep_one(), name="sealer") for _ in range(self._count)]
        if self.ready:
            job = _Job(envelope=envelope, now=now, done=asyncio.get_running_loop().create_future())
            self._waiting.append(job)
            self._wanted.set()
            with suppress(_Gone):
                return await job.done
        return await self._here.prepare(envelope, now)

    async def aclose(self) -> None:
        """End them all. Whatever comes after is sealed in this process."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

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
        in_hand: deque[list[_Job]] = deque()
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
            for batch in in_hand:
                _give_up(batch)
            if not self.ready:
                _give_up(self._waiting)
                self._waiting.clear()
            await asyncio.to_thread(process.wait)
        return process.wait()

    async def _use(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, in_hand: deque[list[_Job]]
    ) -> None:
        """All it needs, and from when it is ready whatever there is to seal."""
        async with asyncio.timeout(self._patience):
            writer.write(framed((self._seal, self._beforehand), keys=True))
            await _taken(reader)
        self.ready += 1
        try:
            await self._exchange(reader, writer, in_hand)
        finally:
            self.ready -= 1

    async def _exchange(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, in_hand: deque[list[_Job]]
    ) -> None:
        """Batches out and messages in, until it breaks off or takes too long."""
        room = asyncio.Semaphore(AHEAD)
        async with asyncio.timeout(None) as limit:
            handing = asyncio.create_task(self._hand_out(writer, in_hand, room, limit), name="sealer.handing")
            try:
                while True:
                    made = await _taken(reader)
                    for job, message in zip(in_hand[0], made, strict=True):
                        if not job.done.done():  # else it was given up meanwhile
                            job.done.set_result(message)
                    in_hand.popleft()  # not before: what was answered for nobody is given up with all in hand
                    room.release()
                    limit.reschedule(self._from_now() if in_hand else None)
            finally:
                handing.cancel()

    async def _hand_out(
        self,
        writer: asyncio.StreamWriter,
        in_hand: deque[list[_Job]],
        room: asyncio.Semaphore,
        limit: asyncio.Timeout,
    ) -> None:
        while True:
            await room.acquire()
            batch = await self._batch()
            try:
                frame = framed([(job.envelope, job.now) for job in batch])
            except Exception:  # whoever seals it here will say what is wrong with it
                _give_up(batch)
                room.release()
                continue
            if not in_hand:
                limit.reschedule(self._from_now())
            in_hand.append(batch)
            writer.write(frame)

    def _from_now(self) -> float:
        return asyncio.get_running_loop().time() + self._patience

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
