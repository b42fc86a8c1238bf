"""An SMTP server that says exactly what a test tells it to, in the packets it is told: for what no real server does.

It greets and answers EHLO by itself, without TLS; after that each connection follows its script, the last script also
those that come later. What goes wrong in a script fails the test.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass(slots=True)
class Talk:
    """One connection, from the server's side."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def lines(self, last: bytes = b"DATA") -> list[bytes]:
        """Commands up to ``last``, which nothing has been answered to yet."""
        found = [b""]
        while found[-1] != last:
            found.append((await self.reader.readuntil(b"\r\n")).removesuffix(b"\r\n"))
        return found[1:]

    async def line(self) -> bytes:
        """One command."""
        return (await self.reader.readuntil(b"\r\n")).removesuffix(b"\r\n")

    async def say(self, *packets: str) -> None:
        """Each as a packet of its own, as it stands."""
        for packet in packets:
            self.writer.write(packet.encode("utf-8", "surrogateescape"))
            for _ in range(3):
                await asyncio.sleep(0)

    async def content(self) -> bytes:
        """Up to the end mark, and without it."""
        first = await self.reader.readexactly(3)
        return b"" if first == b".\r\n" else first + (await self.reader.readuntil(b"\r\n.\r\n"))[:-3]

    def cut(self) -> None:
        self.writer.transport.abort()

    def ended(self) -> bool:
        """The client has closed, and said nothing more."""
        return self.reader.at_eof()

    async def end(self) -> bytes:
        """Wait for the client to close; what it said until then."""
        return await self.reader.read()


Script = Callable[[Talk], Awaitable[None]]


@dataclass(slots=True)
class Scripted:
    """Where it listens, and how often it was connected to."""

    port: int = 0
    host: str = "127.0.0.1"
    connections: int = 0
    problems: list[BaseException] = field(default_factory=list)


@asynccontextmanager
async def scripted(*scripts: Script, offers: Sequence[str] = ("PIPELINING",)) -> AsyncIterator[Scripted]:
    """A server on a free port, for as long as the block runs."""
    state = Scripted()
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        script = scripts[min(state.connections, len(scripts) - 1)]
        state.connections += 1
        talk = Talk(reader, writer)
        tasks.add(task := asyncio.create_task(follow(talk, script)))
        await asyncio.wait({task})
        if not task.cancelled() and (problem := task.exception()) is not None:
            state.problems.append(problem)
        writer.close()

    async def follow(talk: Talk, script: Script) -> None:
        await talk.say("220 scripted.example\r\n")
        await talk.line()
        await talk.say("".join(f"250-{one}\r\n" for one in ("scripted.example", *offers)) + "250 HELP\r\n")
        await script(talk)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    state.port = server.sockets[0].getsockname()[1]
    try:
        yield state
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    if state.problems:
        raise AssertionError("the script went wrong") from state.problems[0]
