"""A proxy between two hubs that does to requests what networks and machines do, by a seed: every run is the same.

Each request has a fate of its own. A request that is held is lost for whoever sent it, and comes minutes later all
the same, after what was sent since. While the proxy is down nobody listens.
"""

import asyncio
import contextlib
from collections import Counter, deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Final, Literal

from hub.service.ports import Clock

Fate = Literal["passes", "lost", "answer lost", "twice", "held", "cut"]
"""``lost``: it never arrives. ``answer lost``: it was taken, and nobody says so. ``cut``: half of it arrives."""
LOSSY: Final[Mapping[Fate, float]] = {"lost": 0.03, "answer lost": 0.02, "cut": 0.01, "twice": 0.05, "held": 0.05}
"""The share of each; the rest passes."""


@dataclass
class Lossy:
    """Listens on ``port`` before the server at ``upstream``, which is told once it listens."""

    seed: int
    clock: Clock
    shares: Mapping[Fate, float] = field(default_factory=dict)
    planned: deque[Fate] = field(default_factory=deque)
    """Of the next requests, before chance has its say."""
    longest: timedelta = timedelta(minutes=9)
    """That something is held: after five of them the signature of the request is not of now any more."""
    port: int = 0
    upstream: tuple[str, int] = ("127.0.0.1", 0)
    met: Counter[Fate] = field(default_factory=Counter)
    _dice: Random = field(init=False)
    _held: list[tuple[datetime, bytes]] = field(default_factory=list)
    _listener: asyncio.Server | None = None
    _serving: set["asyncio.Task[None]"] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._dice = Random(self.seed)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def held(self) -> int:
        """Requests that are still to come."""
        return len(self._held)

    async def open(self) -> None:
        """Listen, on the same port again."""
        self._listener = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._listener.sockets[0].getsockname()[1]

    async def shut(self) -> None:
        """Nobody listens any more."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        for task in list(self._serving):
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    async def release(self) -> int:
        """What was held comes, if it is its time and somebody listens; how many came."""
        if self._listener is None:
            return 0
        now = self.clock.now()
        due = [request for at, request in self._held if at <= now]
        self._held = [one for one in self._held if one[0] > now]
        for request in due:
            await self._forward(request)
        return len(due)

    def _fate(self) -> Fate:
        if self.planned:
            return self.planned.popleft()
        drawn = self._dice.random()
        for fate, share in self.shares.items():
            drawn -= share
            if drawn < 0:
                return fate
        return "passes"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                request = await _request(reader)
                fate = self._fate()
                self.met[fate] += 1
                writer.write(await self._carried(fate, request))
                await writer.drain()
                writer.close()
                await writer.wait_closed()
        finally:
            self._serving.discard(task)
            writer.transport.abort()

    async def _carried(self, fate: Fate, request: bytes) -> bytes:
        """What whoever sent it hears."""
        match fate:
            case "lost":
                return b""
            case "held":
                self._held.append((self.clock.now() + self._dice.random() * self.longest, request))
                return b""
            case "cut":
                await self._begin(request[: len(request) - len(request) // 2])
                return b""
            case "answer lost":
                await self._forward(request)
                return b""
            case "twice":
                await self._forward(request)
                return await self._forward(request)
            case "passes":
                return await self._forward(request)

    async def _forward(self, request: bytes) -> bytes:
        reader, writer = await asyncio.open_connection(*self.upstream)
        try:
            writer.write(request)
            return await reader.read()
        finally:
            writer.transport.abort()

    async def _begin(self, half: bytes) -> None:
        _, writer = await asyncio.open_connection(*self.upstream)
        writer.write(half)
        writer.close()
        await writer.wait_closed()


async def _request(reader: asyncio.StreamReader) -> bytes:
    """One, whole; nothing is kept open after its answer."""
    head = await reader.readuntil(b"\r\n\r\n")
    lines = [line for line in head[:-4].split(b"\r\n") if not line.lower().startswith(b"connection:")]
    length = next((int(line[15:]) for line in lines if line.lower().startswith(b"content-length:")), 0)
    body = await reader.readexactly(length)
    return b"\r\n".join((*lines, b"Connection: close", b"", body))


@asynccontextmanager
async def lossy(seed: int, clock: Clock, shares: Mapping[Fate, float]) -> AsyncIterator[Lossy]:
    """One that listens, for as long as the block runs."""
    made = Lossy(seed=seed, clock=clock, shares=shares)
    await made.open()
    try:
        yield made
    finally:
        await made.shut()
