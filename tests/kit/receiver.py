"""A receiver of HTTPS push: a real aiohttp server with TLS, that fails where and how a test says; and its keys.

It runs in the test's own loop. Names resolve by :meth:`PushServer.lookup`, so that the host in the URL is a real name
with a certificate of its own. Everything the server was shown is kept, so that a test can search it.
"""

import asyncio
import base64
import json
import socket
import ssl
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import Any, Literal

from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc.jwk import ECKey

from adapters.https.guard import Policy
from tests.kit.pki import SERVER, Issued, curve_key, person, root, rsa_key
from tests.kit.smtp import server_context

HOST = "push.council.example"
Place = Literal["lookup", "headers", "answer"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PushFault:
    """What goes wrong at one place, once."""

    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    drop: bool = False
    """The connection is cut. At ``answer``: after the whole message was read."""
    hang: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request as it came; ``body`` is all of it."""

    path: str
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


@dataclass(slots=True)
class PushServer:
    """What the server is told and what it saw."""

    port: int = 0
    addresses: Sequence[str] = ("127.0.0.1",)
    lookups: list[str] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    shown: list[bytes] = field(default_factory=list)
    """Header lines and bodies."""
    faults: dict[Place, deque[PushFault]] = field(default_factory=dict)
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    answer: Callable[[Request], tuple[int, bytes, str]] = lambda request: (204, b"", "")

    @property
    def url(self) -> str:
        return f"https://{HOST}:{self.port}/notices"

    @property
    def policy(self) -> Policy:
        return Policy(networks=(ip_network("127.0.0.0/8"),), ports=frozenset({443, self.port}))

    def fail(self, place: Place, fault: PushFault) -> None:
        self.faults.setdefault(place, deque()).append(fault)

    def hang(self, place: Place) -> asyncio.Event:
        self.reached.clear()
        self.fail(place, PushFault(hang=True))
        return self.reached

    async def lookup(self, host: str, port: int) -> Sequence[str]:
        self.lookups.append(host)
        if (fault := self._next("lookup")) is not None:
            if fault.hang:
                await asyncio.Event().wait()
            raise OSError("no such name in this test")
        return self.addresses

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.shown += [name + b": " + value for name, value in request.raw_headers]
        if (early := self._next("headers")) is not None:
            return await self._faulty(early, request)
        seen = Request(path=request.path_qs, headers=dict(request.headers), body=await request.read())
        self.requests.append(seen)
        self.shown.append(seen.body)
        if (late := self._next("answer")) is not None:
            return await self._faulty(late, request)
        status, body, media_type = self.answer(seen)
        return web.Response(
            status=status, body=body or None, headers={"Content-Type": media_type} if media_type else {}
        )

    async def _faulty(self, fault: PushFault, request: web.Request) -> web.Response:
        if fault.hang:
            await asyncio.Event().wait()
        if fault.drop:
            assert request.transport is not None
            request.transport.abort()
        return web.Response(status=fault.status or 200, headers=fault.headers, body=fault.body)

    def _next(self, place: Place) -> PushFault | None:
        waiting = self.faults.get(place)
        fault = waiting.popleft() if waiting else None
        if fault is not None:
            self.reached.set()
        return fault


def host_certificate(*hosts: str, **wrong: Any) -> Issued:
    """A server's certificate, by the test root unless ``wrong`` says otherwise."""
    given: dict[str, Any] = {"issuer": root(), "purposes": SERVER, "key": rsa_key("push server"), **wrong}
    return person(hosts=hosts or (HOST,), **given)


@asynccontextmanager
async def push_server(context: ssl.SSLContext | None = None) -> AsyncIterator[PushServer]:
    """A server on a free port of this machine, for as long as the block runs."""
    state = PushServer()
    application = web.Application(client_max_size=64 * 1024 * 1024)
    application.router.add_post("/{path:.*}", state.handle)
    runner = web.AppRunner(application, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context or server_context(host_certificate()))
    await site.start()
    state.port = runner.addresses[0][1]
    try:
        yield state
    finally:
        await runner.cleanup()


RawHandler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def raw_server(handler: RawHandler, *, tls: bool = True) -> AsyncIterator[PushServer]:
    """Whatever ``handler`` answers, for what no HTTP library would ever say."""
    state = PushServer()
    running: set[asyncio.Task[None]] = set()

    async def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        running.add(task)
        try:
            await handler(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        except asyncio.CancelledError:
            pass
        finally:
            running.discard(task)
            writer.transport.abort()

    context = server_context(host_certificate()) if tls else None
    place = socket.socket()
    # Else the system's buffers would take megabytes for a handler that reads nothing.
    place.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)
    place.bind(("127.0.0.1", 0))
    listener = await asyncio.start_server(served, sock=place, ssl=context)
    state.port = listener.sockets[0].getsockname()[1]
    try:
        yield state
    finally:
        listener.close()
        for task in list(running):
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def read_request(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """Head and body of one request with a Content-Length."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(
        int(line.partition(b":")[2]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")
    )
    return head, await reader.readexactly(length)


def says(head: str, body: bytes = b"") -> RawHandler:
    """Reads one request and answers these lines."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(head.replace("\n", "\r\n").encode() + b"\r\n\r\n" + body)
        await writer.drain()

    return handler


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiverKeyPair:
    """A receiver's key: what it keeps, and what it gives the hub."""

    private: ECKey = field(repr=False)
    document: bytes
    """The public JWK."""
    mark: str
    """Thumbprint, lower-case hex."""

    @property
    def raw(self) -> ec.EllipticCurvePrivateKey:
        key = self.private.private_key
        assert key is not None
        return key


def receiver_key(name: str = "receiver", **members: Any) -> ReceiverKeyPair:
    """The P-256 key of that name, as a JWK; a member that is None is left out."""
    private = ECKey.import_key(curve_key(name).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    jwk = {**private.as_dict(private=False), "use": "enc", "kid": name, **members}
    document = json.dumps({name: value for name, value in jwk.items() if value is not None}).encode()
    return ReceiverKeyPair(
        private=private, document=document, mark=base64.urlsafe_b64decode(private.thumbprint() + "=").hex()
    )
