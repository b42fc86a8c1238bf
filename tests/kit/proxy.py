"""A TCP proxy that does to connections what networks and broken servers do, between a real client and a real server."""

import asyncio
import contextlib
import socket
import struct
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final, Literal

Mode = Literal["passes", "hangs", "garbage", "resets", "loses the answer", "drips", "cuts"]
"""What becomes of a connection. ``hangs``: accepted, and nothing is ever said. ``garbage``: no protocol at all.
``resets``: RST once ``CONTENT`` bytes have gone to the server, in the middle of a message. ``loses the answer``: all
goes through to the server, and nothing comes back once that much has gone out. ``drips``: a byte at a time comes back.
``cuts``: accepted and closed at once."""

CONTENT: Final = 2_500
"""Bytes that a client sends before it is in the middle of a sealed message: TLS, EHLO, MAIL, RCPT take about 1500."""
DRIP: Final = 0.05


@dataclass
class Proxy:
    """Listens on ``port``; ``mode`` holds for every connection, unless some are planned one by one."""

    upstream: tuple[str, int]
    port: int = 0
    mode: Mode = "passes"
    planned: deque[Mode] = field(default_factory=deque)
    connections: int = 0
    _listener: asyncio.Server | None = None
    _tasks: set["asyncio.Task[None]"] = field(default_factory=set)

    async def open(self) -> None:
        """Listen, on the same port again if it was shut."""
        self._listener = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._listener.sockets[0].getsockname()[1]

    async def shut(self) -> None:
        """Nobody listens any more: connections are refused, and those there are cut."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        await self.cut()

    async def cut(self) -> None:
        """End every connection."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        mode = self.planned.popleft() if self.planned else self.mode
        try:
            with contextlib.suppress(OSError, asyncio.CancelledError):
                await self._behave(mode, reader, writer)
        finally:
            self._tasks.discard(task)
            writer.transport.abort()

    async def _behave(self, mode: Mode, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        match mode:
            case "cuts":
                return
            case "hangs":
                await asyncio.Event().wait()
            case "garbage":
                writer.write(bytes(range(256)) * 8 + b"\r\n")
                await writer.drain()
                await asyncio.sleep(0.2)
            case _:
                await self._through(mode, reader, writer)

    async def _through(self, mode: Mode, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there = await asyncio.open_connection(*self.upstream)
        sent = 0

        async def out() -> None:
            nonlocal sent
            while data := await reader.read(1_024):
                sent += len(data)
                if mode == "resets" and sent > CONTENT:
                    _reset(writer)
                    return
                there.write(data)
                await there.drain()

        async def back() -> None:
            while data := await there_reader.read(4_096):
                if mode == "loses the answer" and sent > CONTENT:
                    continue
                if mode == "drips":
                    for byte in data:
                        writer.write(bytes([byte]))
                        await writer.drain()
                        await asyncio.sleep(DRIP)
                else:
                    writer.write(data)
                    await writer.drain()

        ways = {asyncio.create_task(out()), asyncio.create_task(back())}
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in ways:
                task.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            there.transport.abort()


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close with RST, as a crashed peer or a firewall does."""
    own: socket.socket = writer.get_extra_info("socket")
    own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


@asynccontextmanager
async def proxy(host: str, port: int) -> AsyncIterator[Proxy]:
    """A proxy in front of a server, for as long as the block runs."""
    made = Proxy(upstream=(host, port))
    await made.open()
    try:
        yield made
    finally:
        with contextlib.suppress(OSError):
            await made.shut()
