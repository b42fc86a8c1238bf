"""What receivers answer, and what is no answer: no redirect followed, nothing unpacked, nothing waited for long."""

import asyncio
import gzip
import hashlib
import json
import time

import pytest

from adapters.https.answer import LARGEST
from adapters.https.wire import TransportKey
from adapters.port import Accepted, Deferred, Receipt, Rejected, Unconfirmed
from hub.core import webhook
from hub.core.records import SourceKey
from tests.kit.pushing import HASTY, RECEIVER, delivered, envelope, transport
from tests.kit.receiver import (
    HOST,
    PushFault,
    PushServer,
    raw_server,
    read_request,
    says,
)
from tests.kit.transport import NOW, alert


async def test_an_acknowledgement_becomes_a_receipt(server: PushServer) -> None:
    body = json.dumps({"received": "dl-1", "receipt": "token1", "reference": "01ARZ3NDEKTSV4RRFFQ69G5FAV"}).encode()
    server.answer = lambda request: (200, body, "application/json; charset=utf-8")
    result = await delivered(server, receipt_token="token1")
    assert isinstance(result, Accepted)
    assert result.receipt == Receipt(channel="push", kind="answered", at=NOW, token="token1", code="received")
    assert result.provider_reference == "01ARZ3NDEKTSV4RRFFQ69G5FAV"
    assert result.certificate == RECEIVER.mark


@pytest.mark.parametrize("status", [200, 201, 202, 204])
async def test_a_success_without_a_word_is_accepted_and_no_receipt(server: PushServer, status: int) -> None:
    server.answer = lambda request: (status, b"", "")
    result = await delivered(server, receipt_token="token1")
    assert isinstance(result, Accepted) and result.receipt is None and result.provider_reference is None


async def test_the_digest_is_of_the_bytes_that_arrived(server: PushServer) -> None:
    result = await delivered(server)
    assert isinstance(result, Accepted)
    assert result.digest == hashlib.sha256(server.requests[0].body).hexdigest()


async def test_a_request_has_no_cookies_and_asks_for_nothing_compressed(server: PushServer) -> None:
    push = transport(server)
    server.fail("answer", PushFault(status=200, headers={"Set-Cookie": "session=1; Path=/"}))
    await push.deliver(envelope(server), NOW)
    await push.deliver(envelope(server), NOW)
    await push.aclose()
    headers = server.requests[1].headers
    assert set(headers) == {
        "Host",
        "Content-Type",
        "Content-Length",
        "Accept",
        "Accept-Encoding",
        "User-Agent",
        "Connection",
        "X-Fingerpost-Issuer",
        "webhook-id",
        "webhook-timestamp",
        "webhook-signature",
    }
    assert headers["Content-Type"] == "application/jose"
    assert headers["Connection"] == "close"
    assert headers["Host"] == f"{HOST}:{server.port}"


async def test_a_shared_secret_signs_for_its_receiver_only(server: PushServer) -> None:
    secret = TransportKey(scheme="v1", key=b"shared with this receiver")
    for address, schemes in ((server.url, ["v1a", "v1"]), (server.url + "/other", ["v1a"])):
        secrets = {"shared_secrets": {server.url: (secret,)}}
        assert isinstance(await delivered(server, address=address, given=secrets), Accepted)
        request = server.requests[-1]
        signatures = request.headers["webhook-signature"].split(" ")
        assert [signature.partition(",")[0] for signature in signatures] == schemes
        known = SourceKey(id="ours", scheme="v1", key=secret.key, valid_from=NOW)
        verdict = webhook.verify(request.headers, request.body, [known], NOW)
        assert isinstance(verdict, webhook.Verified) is ("v1" in schemes)


async def test_without_a_key_to_sign_with_nothing_is_sent(server: PushServer) -> None:
    result = await delivered(server, given={"transport_keys": ()})
    assert isinstance(result, Rejected) and (result.reason, result.technical) == ("misconfigured", True)
    assert server.lookups == []


async def test_an_alert_is_json_in_clear_with_a_reference_only(server: PushServer) -> None:
    result = await delivered(server, body=alert(), certificates=(), pinned=frozenset())
    assert isinstance(result, Accepted)
    (request,) = server.requests
    assert request.headers["Content-Type"] == "application/json"
    assert json.loads(request.body)["reference"] == "FP-2345-6789"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_no_redirect_is_followed(server: PushServer, status: int) -> None:
    for location in (f"https://{HOST}:{server.port}/elsewhere", "http://127.0.0.1/", "file:///etc/passwd", "//x"):
        server.fail("answer", PushFault(status=status, headers={"Location": location}))
        assert await delivered(server) == Rejected(reason="misconfigured", detail=f"{status} redirect")
    assert {request.path for request in server.requests} == {"/notices"}
    assert len(server.requests) == 4


@pytest.mark.parametrize(
    ("retry_after", "seconds"), [("120", 120.0), ("Sun, 01 Mar 2026 19:32:00 GMT", 120.0), ("soon", None)]
)
async def test_retry_after_is_honoured(server: PushServer, retry_after: str, seconds: float | None) -> None:
    server.fail("answer", PushFault(status=503, headers={"Retry-After": retry_after}))
    assert await delivered(server) == Deferred(reason="provider_unavailable", detail="503", retry_after=seconds)


async def test_an_address_that_is_gone_is_told_apart(server: PushServer) -> None:
    server.fail("answer", PushFault(status=410))
    assert await delivered(server) == Rejected(reason="gone", detail="410")


async def test_a_body_without_end_is_cut_off_and_the_status_stands() -> None:
    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
        while True:
            writer.write(b"a" * 65536)
            await writer.drain()

    async with raw_server(endless) as server:
        assert isinstance(await delivered(server), Accepted)


async def test_a_body_that_drips_is_cut_off_in_time() -> None:
    async def dripping(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n")
        while True:
            writer.write(b"{")
            await writer.drain()
            await asyncio.sleep(0.05)

    async with raw_server(dripping) as server:
        started = time.monotonic()
        assert isinstance(await delivered(server, HASTY), Accepted)
        assert time.monotonic() - started < 20  # to its end it would take 50 s


async def test_headers_that_drip_are_cut_off_in_time_and_nobody_knows() -> None:
    async def dripping(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\n")
        while True:
            writer.write(b"X-Slow: 1\r\n")
            await writer.drain()
            await asyncio.sleep(0.05)

    async with raw_server(dripping) as server:
        result = await delivered(server, HASTY)
        assert isinstance(result, Unconfirmed) and result.reason == "provider_timeout", result


@pytest.mark.parametrize("status", ["100 Continue", "103 Early Hints"])
async def test_interim_answers_without_end_are_cut_off_in_time(status: str) -> None:
    async def interim(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        while True:
            writer.write(f"HTTP/1.1 {status}\r\n\r\n".encode())
            await writer.drain()
            await asyncio.sleep(0.02)

    async with raw_server(interim) as server:
        result = await delivered(server, HASTY)
        assert isinstance(result, Unconfirmed) and result.reason == "provider_timeout", result


@pytest.mark.parametrize(
    "head",
    [
        "HTTP/1.1 200 OK\nX-Giant: " + "a" * 20_000,
        "HTTP/1.1 200 " + "O" * 20_000,
        "\n".join(["HTTP/1.1 200 OK", *(f"X-{number}: 1" for number in range(5000))]),
        "SSH-2.0-OpenSSH_9.9",
        "HTTP/1.1 twohundred OK",
        "HTTP/1.1 200 OK\nContent-Length: 5\nContent-Length: 6",
        "\x00\x01\x02",
    ],
    ids=["giant header", "giant reason", "many headers", "ssh", "no status", "two lengths", "zeros"],
)
async def test_what_is_no_answer_leaves_it_unconfirmed(head: str) -> None:
    async with raw_server(says(head)) as server:
        result = await delivered(server)
        assert isinstance(result, Unconfirmed), result
        assert result.reason == "unknown"
        assert "OpenSSH" not in repr(result) and "aaa" not in repr(result)


async def test_a_body_that_is_reset_in_the_middle_leaves_the_status() -> None:
    async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{")
        await writer.drain()
        writer.transport.abort()

    async with raw_server(reset) as server:
        assert isinstance(await delivered(server), Accepted)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "x-unknown"])
async def test_what_is_compressed_is_not_opened(server: PushServer, encoding: str) -> None:
    bomb = gzip.compress(json.dumps({"received": "dl-1"}).encode() + b" " * 50_000_000)
    assert len(bomb) < 100_000
    server.fail(
        "answer",
        PushFault(status=200, headers={"Content-Encoding": encoding, "Content-Type": "application/json"}, body=bomb),
    )
    result = await delivered(server)
    assert isinstance(result, Accepted) and result.receipt is None


@pytest.mark.parametrize(("spare", "believed"), [(0, True), (1, False)])
async def test_an_acknowledgement_has_a_size_limit(server: PushServer, spare: int, believed: bool) -> None:
    document = json.dumps({"received": "dl-1"}).encode()
    body = document + b" " * (LARGEST - len(document) + spare)
    server.answer = lambda request: (200, body, "application/json")
    result = await delivered(server)
    assert isinstance(result, Accepted)
    assert (result.receipt is not None) is believed
