"""Clients that drip, stall or crowd: they are let go, and nobody else waits for them."""

import asyncio
from pathlib import Path

from tests.kit.events import raw, reported
from tests.kit.web import Web, serving


async def open_head(web: Web, head: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", web.port)
    writer.write(head)
    await writer.drain()
    return reader, writer


def head_of(web: Web, body: bytes) -> bytes:
    lines = [f"{name}: {value}" for name, value in web.headers(body).items()]
    return "\r\n".join(
        ["POST /v1/events HTTP/1.1", "Host: hub", f"Content-Length: {len(body)}", *lines, "", ""]
    ).encode()


async def test_a_body_that_never_ends_is_408_and_the_connection_closed(tmp_path: Path) -> None:
    body = raw(reported())
    async with serving(tmp_path, read_timeout=0.4) as web:
        reader, writer = await open_head(web, head_of(web, body) + body[:10])
        # Another client is served while this one stalls.
        assert (await web.post(body)).status == 202
        async with asyncio.timeout(5):
            answer = await reader.read()
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert b"application/problem+json" in answer
        writer.close()
        assert len(web.intake.accepted) == 1


async def test_what_is_no_http_is_refused_without_a_word_of_what_was_sent(tmp_path: Path) -> None:
    """The library's own answer repeats it, the child's name too, and a case system's log would have it."""
    body = raw(reported())
    heads = (
        b"POST /v1/events HTTP/1.1\r\nHost: hub\r\nTransfer-Encoding: xchunked\r\n\r\n",
        b"POST /v1/events HTTP/1.1\r\nHost: hub\r\nContent-Length: 5\r\nX Somebody Known: 1\r\n\r\n",
        b"POST /v1/events HTTP/1.1\r\nHost: hub\r\nContent-Length: Somebody\r\n\r\n",
    )
    async with serving(tmp_path, read_timeout=5) as web:
        for head in heads:
            reader, writer = await open_head(web, head + body)
            async with asyncio.timeout(5):
                answer = await reader.read()
            assert answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.0 400 ")), answer
            assert b"application/problem+json" in answer and b"Somebody" not in answer and b"specversion" not in answer
            writer.close()
        assert web.intake.accepted == []


async def test_dripping_bytes_do_not_buy_time(tmp_path: Path) -> None:
    body = raw(reported())
    async with serving(tmp_path, read_timeout=0.5) as web:
        reader, writer = await open_head(web, head_of(web, body))
        # Up to the end of the line and no further: a byte that crosses the answer resets the connection.
        answered = asyncio.create_task(reader.readline())
        for byte in body[:100]:
            if answered.done():
                break
            writer.write(bytes([byte]))
            await asyncio.sleep(0.05)
        async with asyncio.timeout(5):
            assert (await answered).startswith(b"HTTP/1.1 408 ")
        writer.close()


async def test_a_head_that_never_ends_is_cut_off(tmp_path: Path) -> None:
    async with serving(tmp_path, read_timeout=0.4) as web:
        reader, writer = await open_head(web, b"POST /v1/events HTTP/1.1\r\nHost: hub\r\nX-A: ")
        async with asyncio.timeout(5):
            assert await reader.read() == b""
        writer.close()


async def test_a_silent_connection_is_cut_off(tmp_path: Path) -> None:
    async with serving(tmp_path, read_timeout=0.4) as web:
        reader, writer = await open_head(web, b"")
        async with asyncio.timeout(5):
            assert await reader.read() == b""
        writer.close()


async def test_only_so_many_bodies_are_read_at_once(tmp_path: Path) -> None:
    body = raw(reported())
    async with serving(tmp_path, read_timeout=0.6, at_once=2) as web:
        stalled = [await open_head(web, head_of(web, body) + body[:1]) for _ in range(2)]
        await asyncio.sleep(0.1)
        crowded = await web.post(body)
        assert crowded.status == 503
        assert crowded.headers["Retry-After"] == "1"
        for reader, writer in stalled:
            async with asyncio.timeout(5):
                assert (await reader.read()).startswith(b"HTTP/1.1 408 ")
            writer.close()
        assert (await web.post(body)).status == 202


async def test_headers_beyond_reason_are_400(tmp_path: Path) -> None:
    async with serving(tmp_path) as web:
        reader, writer = await open_head(
            web, b"GET /health/live HTTP/1.1\r\nHost: hub\r\nX-A: " + b"a" * 40_000 + b"\r\n\r\n"
        )
        async with asyncio.timeout(5):
            assert b" 400 " in await reader.readline()
        writer.close()


async def test_a_client_that_leaves_before_the_answer_loses_nothing(tmp_path: Path) -> None:
    body = raw(reported())
    async with serving(tmp_path) as web:
        _, writer = await open_head(web, head_of(web, body) + body)
        writer.close()
        async with asyncio.timeout(5):
            while not web.intake.accepted:
                await asyncio.sleep(0.02)
        assert (await web.post(body)).status == 202


async def test_forms_that_never_come_hold_up_no_event(tmp_path: Path) -> None:
    """A form needs no signature, so anybody could take up all the places there are."""
    async with serving(tmp_path, at_once=1, read_timeout=20) as web:
        head = "POST /sign-in HTTP/1.1\r\nHost: hub\r\nContent-Length: 9\r\n"
        form = "Content-Type: application/x-www-form-urlencoded\r\n\r\n"
        _, first = await open_head(web, (head + form).encode())
        async with asyncio.timeout(10):
            while (await web.session.post(f"{web.url}/sign-in", data={"email": "x"})).status != 503:
                await asyncio.sleep(0.01)
        assert (await web.post(raw(reported()))).status == 202
        first.close()
