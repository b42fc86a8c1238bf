"""Whatever is said to the listener, it goes on answering everybody else, in bounded memory."""

import asyncio
import contextlib
import random
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from adapters.email.listener import Limits
from tests.integration.email.test_listener import REPORT, TO, Raw, Store, client, listening, send
from tests.kit.smtp import client_context, server_context

MEBIBYTE = 1024 * 1024
WORDS = (
    *(b"EHLO mail.example", b"HELO x", b"LHLO x", b"MAIL FROM:<>", b"MAIL FROM:<" + b"a" * 600 + b">", b"QUIT"),
    *(b"MAIL FROM:<a@b> SIZE=999999999999", b"MAIL FROM:<a@b> BODY=8BITMIME X=Y", b"RCPT TO:<" + TO.encode() + b">"),
    *(b"RCPT TO:<x@elsewhere.example>", b"RCPT TO:<\0@hub.example>", b"RCPT TO:<\xff@hub.example>", b"RCPT TO:"),
    *(b"RCPT TO:<@a,@b:c@d>", b'RCPT TO:<"' + b"\\" * 200 + b'"@x>', b"DATA", b"DATA x", b".", b"..", b"RSET"),
    *(b"NOOP " + b"x" * 400, b"VRFY a", b"EXPN a", b"HELP", b"AUTH PLAIN AGEAYg==", b"AUTH LOGIN", b"*"),
    *(b"STARTTLS", b"BDAT 9 LAST", b"\0" * 40, b"\xff\xfe\xfd", b"", b" ", b"GET / HTTP/1.1"),
)
ENDS = (b"\r\n", b"\r\n", b"\r\n", b"\n", b"\r", b"\r\n.\r\n", b"")


async def still_takes(port: int, store: Store) -> None:
    async with client(port) as one:
        assert await send(one, TO) == 250
    assert store.kept.pop() == (REPORT, TO)


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("localhost", port)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def talk(port: int, said: bytes) -> None:
    async with connected(port) as (reader, writer):
        with contextlib.suppress(OSError, TimeoutError):
            writer.write(said)
            async with asyncio.timeout(0.02):
                while await reader.read(65_536):
                    pass


async def test_whatever_is_said_in_whatever_order_the_next_one_is_taken() -> None:
    chance = random.Random(7)
    async with listening(limits=Limits(size=4096, connections=30)) as (store, listener, port):
        for _ in range(15):
            several = (
                b"".join(chance.choice(WORDS) + chance.choice(ENDS) for _ in range(chance.randrange(1, 30)))
                for _ in range(10)
            )
            await asyncio.gather(*(talk(port, said) for said in several))
        async with asyncio.timeout(5):
            while listener.connections:
                await asyncio.sleep(0.01)
        store.kept.clear()
        await still_takes(port, store)


@asynccontextmanager
async def at_the_mail(port: int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    async with connected(port) as (reader, writer):
        writer.write(b"EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<" + TO.encode() + b">\r\nDATA\r\n")
        async with asyncio.timeout(5):
            while not (await reader.readline()).startswith(b"354"):
                pass
        yield reader, writer


@pytest.mark.parametrize(
    "piece", [b"\r\n" * 32_768, b"x" * 65_536, b"\r\n." * 21_845], ids=["empty lines", "one line", "dots"]
)
async def test_a_mail_without_an_end_costs_no_more_than_the_largest(piece: bytes) -> None:
    size = 2 * MEBIBYTE
    async with listening(limits=Limits(size=size)) as (store, _, port):
        async with at_the_mail(port) as (_, writer):
            tracemalloc.start()
            try:
                with pytest.raises(OSError):
                    for _ in range(20 * MEBIBYTE // len(piece)):
                        writer.write(piece)
                        await writer.drain()
                        await asyncio.sleep(0)
                assert tracemalloc.get_traced_memory()[1] < 3 * size + MEBIBYTE
            finally:
                tracemalloc.stop()
        await still_takes(port, store)


async def test_all_that_is_taken_at_once_has_one_bound() -> None:
    """Twenty bounces of forty mebibytes would be most of a small machine."""
    async with listening(limits=Limits(size=900_000, together=1_200_000)) as (store, _, port):
        async with at_the_mail(port) as (first, held), at_the_mail(port) as (second, crowded), asyncio.timeout(5):
            held.write(b"x" * 800_000 + b"\r\n")
            await asyncio.sleep(0.05)
            crowded.write(b"y" * 800_000 + b"\r\n.\r\n")
            assert (await second.readline()).startswith(b"452 4.3.1")
            held.write(b".\r\n")
            assert (await first.readline()).startswith(b"250")
        assert store.kept.pop() == (b"x" * 800_000 + b"\r\n", TO)
        for _ in range(3):  # what was held has been given back
            await still_takes(port, store)


async def test_ten_thousand_recipients_and_commands_without_end_are_cut_off() -> None:
    async with listening() as (store, _, port), Raw.connected(port) as one:
        await one.answer()
        await one.say(b"EHLO x")
        await one.say(b"MAIL FROM:<>")
        answers = [await one.say(b"RCPT TO:<" + TO.encode() + b">") for _ in range(1_001)]
        assert answers[0].startswith(b"250")
        assert {one[:3] for one in answers[1:-1]} == {b"452"}
        assert answers[-1].startswith(b"421")
        await still_takes(port, store)


async def test_a_session_ends_however_busy_it_keeps() -> None:
    async with listening(limits=Limits(session=0.3)) as (store, _, port), Raw.connected(port) as one:
        await one.answer()
        # What it said as the session ended may come to a socket that is closed, which then resets the connection.
        with contextlib.suppress(ConnectionError):
            async with asyncio.timeout(5):
                while await one.say(b"NOOP"):
                    await asyncio.sleep(0.02)
        await still_takes(port, store)


async def test_connections_that_say_nothing_take_up_places_and_no_more_and_not_for_long() -> None:
    async with listening(limits=Limits(connections=20, idle=0.5)) as (store, listener, port), AsyncExitStack() as flood:
        for _ in range(100):
            await flood.enter_async_context(connected(port))
        assert listener.connections <= 20
        async with asyncio.timeout(5):
            while listener.connections:
                await asyncio.sleep(0.02)
        await still_takes(port, store)


async def test_what_was_said_in_clear_behind_starttls_is_not_said() -> None:
    """CVE-2011-0411 and its relatives: commands that somebody put in behind STARTTLS would count as if encrypted."""
    injected = b"MAIL FROM:<>\r\nRCPT TO:<" + TO.encode() + b">\r\nDATA\r\nx\r\n.\r\n"
    async with listening(tls_context=server_context()) as (store, _, port):
        async with connected(port) as (reader, writer), asyncio.timeout(5):
            await reader.readline()
            writer.write(b"EHLO x\r\n")
            while (await reader.readline())[3:4] == b"-":
                pass
            writer.write(b"STARTTLS\r\n" + injected)
            assert (await reader.readline()).startswith(b"220")
            with contextlib.suppress(OSError):  # what stands there is no handshake either
                await writer.start_tls(client_context())
                writer.write(b"EHLO x\r\nDATA\r\n")
                while (line := await reader.readline()) and not line.startswith(b"503"):
                    assert line.startswith(b"250")
        assert store.kept == []
        await still_takes(port, store)
