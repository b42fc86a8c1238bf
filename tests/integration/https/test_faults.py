"""Where a try ends that went wrong on the way: nothing sent, or nobody knows. Real sockets, real TLS."""

import asyncio
import socket
import ssl
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from adapters.https.guard import Policy
from adapters.port import UNTOUCHED, Accepted, Deferred, Rejected, Unconfirmed
from tests.kit.pki import END, authority
from tests.kit.pushing import BIG, HASTY, IMPATIENT, KEYS, PATIENT, delivered, envelope, transport
from tests.kit.receiver import (
    PushFault,
    PushServer,
    host_certificate,
    push_server,
    raw_server,
)
from tests.kit.smtp import server_context
from tests.kit.transport import NOW


async def test_nobody_listens() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        server = PushServer(port=closed.getsockname()[1])
        assert await delivered(server) == Deferred(reason="connection_failed", detail="ClientConnectorError")


async def test_no_such_name(server: PushServer) -> None:
    server.fail("lookup", PushFault())
    assert await delivered(server) == Deferred(reason="connection_failed", detail="ClientConnectorDNSError")
    server.addresses = ()
    assert await delivered(server) == Deferred(reason="connection_failed", detail="ClientConnectorDNSError")


async def test_a_name_that_is_never_resolved(server: PushServer) -> None:
    server.hang("lookup")
    result = await delivered(server, IMPATIENT)
    assert result == Deferred(reason="provider_unavailable", detail="ConnectionTimeoutError")


async def test_a_handshake_that_never_ends() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    async with raw_server(silent, tls=False) as server:
        result = await delivered(server, IMPATIENT)
    assert result == Deferred(reason="provider_unavailable", detail="ConnectionTimeoutError")


async def test_a_server_that_speaks_no_tls() -> None:
    async def greeting(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example ESMTP\r\n")
        await writer.drain()

    async with raw_server(greeting, tls=False) as server:
        result = await delivered(server)
    assert isinstance(result, Deferred) and result.reason == "tls_failed"


@pytest.mark.parametrize(
    "context",
    [
        lambda: server_context(host_certificate("other.council.example")),
        lambda: server_context(host_certificate(issuer=authority("Another Root"))),
        lambda: server_context(
            host_certificate(start=datetime(2019, 1, 1, tzinfo=UTC), end=datetime(2020, 1, 1, tzinfo=UTC))
        ),
        lambda: server_context(host_certificate(start=datetime(2089, 1, 1, tzinfo=UTC), end=END)),
    ],
    ids=["wrong name", "wrong authority", "expired", "not yet valid"],
)
async def test_a_peer_that_is_not_the_receiver_gets_nothing(context: Callable[[], ssl.SSLContext]) -> None:
    async with push_server(context()) as server:
        result = await delivered(server)
        assert isinstance(result, Deferred) and result.reason == "tls_failed", result
        assert server.shown == []


async def test_older_tls_than_1_2_is_not_spoken() -> None:
    context = server_context(host_certificate())
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning):
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    async with push_server(context) as server:
        assert isinstance(await delivered(server), Deferred)
        assert server.shown == []


async def test_no_answer_in_time_after_the_content_is_unconfirmed(server: PushServer) -> None:
    server.hang("answer")
    assert await delivered(server, HASTY) == Unconfirmed(detail="SocketTimeoutError")


async def test_a_receiver_that_does_not_read_to_the_end_has_not_taken_it() -> None:
    async def idle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await asyncio.Event().wait()

    async with raw_server(idle) as server:
        result = await delivered(server, HASTY, body=BIG)
    assert result == Deferred(reason="provider_unavailable", detail="TimeoutError")


async def test_a_connection_cut_while_the_content_goes_out_carried_nothing() -> None:
    async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(100_000)
        writer.transport.abort()

    async with raw_server(cut) as server:
        result = await delivered(server, body=BIG)
    assert isinstance(result, Deferred) and result.reason == "connection_failed", result


async def test_a_connection_cut_after_the_content_is_unconfirmed(server: PushServer) -> None:
    server.fail("answer", PushFault(drop=True))
    assert await delivered(server) == Unconfirmed(detail="ServerDisconnectedError")


async def test_a_success_before_the_content_was_out_is_none() -> None:
    async def eager(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        await asyncio.Event().wait()

    async with raw_server(eager) as server:
        started = time.monotonic()
        result = await delivered(server, body=BIG)
        assert time.monotonic() - started < PATIENT.answer
    assert result == Deferred(reason="connection_failed", detail="200 before the content was out")


async def test_a_refusal_before_the_content_was_out_stands() -> None:
    async def full(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        await asyncio.Event().wait()

    async with raw_server(full) as server:
        assert await delivered(server, body=BIG) == Rejected(reason="too_large", detail="413")


async def test_content_over_the_size_limit_is_not_sent(server: PushServer) -> None:
    result = await delivered(server, body=BIG, given={"size_limit": 1_000_000})
    assert result == Rejected(reason="too_large", detail="over the size limit of the settings")
    assert server.lookups == []


async def test_a_slow_receiver_has_its_own_places_only(server: PushServer) -> None:
    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    async with raw_server(hang) as slow:
        other = Policy(networks=server.policy.networks, ports=server.policy.ports | slow.policy.ports)
        push = transport(server, connections_per_host=2, policy=other)
        stuck = [
            asyncio.create_task(push.deliver(envelope(slow, delivery=f"dl-slow-{number}"), NOW)) for number in range(20)
        ]
        async with asyncio.timeout(5):
            results = await asyncio.gather(
                *(push.deliver(envelope(server, delivery=f"dl-{number}"), NOW) for number in range(20))
            )
        assert all(isinstance(result, Accepted) for result in results)
        for task in stuck:
            task.cancel()
        await asyncio.gather(*stuck, return_exceptions=True)
        await push.aclose()


async def test_cut_off_before_the_end_of_the_content_nothing_was_handed_over() -> None:
    started = asyncio.Event()

    async def idle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        started.set()
        await asyncio.Event().wait()

    async with raw_server(idle) as server:
        push = transport(server)
        sending = asyncio.create_task(push.deliver(envelope(server, body=BIG), NOW))
        await started.wait()
        sending.cancel()
        with pytest.raises(asyncio.CancelledError, match=UNTOUCHED):
            await sending
        await push.aclose()


async def test_cut_off_after_the_content_it_may_have_been_taken(server: PushServer) -> None:
    reached = server.hang("answer")
    push = transport(server)
    sending = asyncio.create_task(push.deliver(envelope(server), NOW))
    await reached.wait()
    sending.cancel()
    with pytest.raises(asyncio.CancelledError) as cut:
        await sending
    assert cut.value.args != (UNTOUCHED,)
    await push.aclose()


async def test_closing_hangs_up_on_what_is_in_the_middle(server: PushServer) -> None:
    reached = server.hang("answer")
    push = transport(server)
    sending = asyncio.create_task(push.deliver(envelope(server), NOW))
    await reached.wait()
    async with asyncio.timeout(3):
        await push.aclose()
        assert isinstance(await sending, Unconfirmed)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"issuer": ""}, "issuer"),
        ({"transport_keys": KEYS * 9}, "at most"),
        ({"connections": 0}, "at least one"),
        ({"connections_per_host": 0}, "at least one"),
        ({"tls_context": ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)}, None),
        ({"tls_context": ssl._create_unverified_context()}, "verify"),
    ],
)
def test_settings_that_would_not_be_safe_are_refused(changes: dict[str, Any], message: str | None) -> None:
    if message is None:
        changes["tls_context"].check_hostname = False
    with pytest.raises(ValueError, match=message or "host names"):
        transport(PushServer(port=1), **changes)


def test_no_older_tls_than_1_2() -> None:
    context = ssl.create_default_context()
    with pytest.warns(DeprecationWarning):
        context.minimum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises(ValueError, match=r"1\.2"):
        transport(PushServer(port=1), tls_context=context)
