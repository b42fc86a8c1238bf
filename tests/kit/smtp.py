"""A real SMTP server (aiosmtpd) with STARTTLS, DSN and AUTH, that fails where and how a test says.

It runs in the test's own loop. Every command line and every message it saw is kept, so that a test can search them.
"""

import asyncio
import ssl
import tempfile
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from aiosmtpd.smtp import SMTP as Aiosmtpd
from aiosmtpd.smtp import AuthResult, LoginPassword

from tests.kit.pki import SERVER, Issued, person, root, rsa_key

Place = Literal["greeting", "mail", "rcpt", "data", "content"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What goes wrong at one place, once. Exactly one of the following."""

    reply: str | None = None
    drop: bool = False
    """The connection is cut. At ``content``: after the whole message was read, before the answer."""
    hang: bool = False
    """Nothing is ever answered."""


@dataclass(slots=True)
class Received:
    """One message the server took responsibility for, or read before it failed."""

    mail_from: str
    recipients: list[str]
    data: bytes
    answered: bool


@dataclass(slots=True)
class SmtpServer:
    """What the server is told and what it saw."""

    host: str = "localhost"
    port: int = 0
    dsn: bool = True
    pipelining: bool = True
    """Offered over TLS, or on a connection that has none."""
    pipelining_in_clear: bool = True
    """Offered before STARTTLS."""
    faults: dict[Place, deque[Fault]] = field(default_factory=dict)
    lines: list[bytes] = field(default_factory=list)
    received: list[Received] = field(default_factory=list)
    asked_ahead: int = 0
    """Transactions of which more than MAIL had come when MAIL was answered."""
    connections: int = 0
    open_now: set["_Session"] = field(default_factory=set)
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a fault is met, so that a test can act in the middle of it."""
    most_at_once: int = 0
    hanging: dict[str, Place] = field(default_factory=dict)
    """Recipients' domains, and where in a transaction to them nothing is ever answered: at ``rcpt`` or ``data``."""

    def fail(self, place: Place, *faults: Fault) -> None:
        self.faults.setdefault(place, deque()).extend(faults)

    def next_fault(self, place: Place) -> Fault | None:
        waiting = self.faults.get(place)
        fault = waiting.popleft() if waiting else None
        if fault is not None:
            self.reached.set()
        return fault

    def hang_up(self) -> None:
        """Close every connection, as a relay does that has waited long enough."""
        for session in list(self.open_now):
            session.cut()


class _Session(Aiosmtpd):
    def __init__(self, state: SmtpServer, **options: Any) -> None:
        self.state = state
        self.domain = ""
        super().__init__(_Handler(state), **options)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if self not in self.state.open_now:
            self.state.connections += 1
            self.state.open_now.add(self)
            self.state.most_at_once = max(self.state.most_at_once, len(self.state.open_now))
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self.state.open_now.discard(self)
        super().connection_lost(error)

    def cut(self) -> None:
        raw = self._original_transport or self.transport
        if raw is not None:
            raw.abort()

    async def smtp_MAIL(self, arg: str | None) -> None:
        self.state.lines.append(b"MAIL " + (arg or "").encode())
        self.state.asked_ahead += bool(self._reader._buffer)  # what it has read and not yet worked on
        if not await self.faulty("mail"):
            await super().smtp_MAIL(self._without_dsn(arg))

    async def smtp_RCPT(self, arg: str | None) -> None:
        self.state.lines.append(b"RCPT " + (arg or "").encode())
        self.domain = (arg or "").partition("@")[2].partition(">")[0]
        await self.hang_if_told("rcpt")
        if not await self.faulty("rcpt"):
            await super().smtp_RCPT(self._without_dsn(arg))

    async def smtp_DATA(self, arg: str) -> None:
        await self.hang_if_told("data")
        if not await self.faulty("data"):
            await super().smtp_DATA(arg)

    async def hang_if_told(self, place: Place) -> None:
        if self.state.hanging.get(self.domain) == place:
            self.state.reached.set()
            await asyncio.Event().wait()

    async def faulty(self, place: Place) -> bool:
        fault = self.state.next_fault(place)
        if fault is None:
            return False
        if fault.reply is not None:
            await self.push(fault.reply)
        elif fault.drop:
            self.cut()
        else:
            await asyncio.Event().wait()
        return True

    def _without_dsn(self, arg: str | None) -> str | None:
        """aiosmtpd does not know RFC 3461; the parameters were kept in ``lines`` as they came."""
        if arg is None or not self.state.dsn:
            return arg
        known = ("RET=", "ENVID=", "NOTIFY=", "ORCPT=")
        return " ".join(word for word in arg.split(" ") if not word.startswith(known))


class _Handler:
    def __init__(self, state: SmtpServer) -> None:
        self.state = state

    async def handle_EHLO(
        self, server: Any, session: Any, envelope: Any, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        self.state.lines.append(b"EHLO " + hostname.encode())
        bound_for_tls = server.tls_context is not None and session.ssl is None
        pipelining = self.state.pipelining_in_clear if bound_for_tls else self.state.pipelining
        extras = ["250-ENHANCEDSTATUSCODES", *(["250-DSN"] if self.state.dsn else [])]
        extras += ["250-PIPELINING"] if pipelining else []
        return [*responses[:-1], *extras, responses[-1]]

    async def handle_DATA(self, server: _Session, session: Any, envelope: Any) -> str:
        received = Received(envelope.mail_from, list(envelope.rcpt_tos), bytes(envelope.content), False)
        self.state.received.append(received)
        fault = self.state.next_fault("content")
        if fault is not None and fault.reply is not None:
            return fault.reply
        if fault is not None and fault.drop:
            server.cut()
            await asyncio.Event().wait()
        if fault is not None and fault.hang:
            await asyncio.Event().wait()
        received.answered = True
        return f"250 2.0.0 Ok: queued as QUEUE{len(self.state.received):04d}"

    async def handle_exception(self, error: Exception) -> str:
        return "451 4.3.0 Error in the test server"


def server_context(issued: Issued | None = None) -> ssl.SSLContext:
    """TLS for ``localhost``, by the test root."""
    own = issued or person(issuer=root(), purposes=SERVER, hosts=["localhost"], key=rsa_key("smtp server"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "own.pem").write_bytes(own.pem + own.key_pem)
        context.load_cert_chain(Path(folder) / "own.pem")
    return context


def client_context(anchor: Issued | None = None) -> ssl.SSLContext:
    """TLS that trusts the test root and nothing else."""
    context = ssl.create_default_context(cadata=(anchor or root()).pem.decode("ascii"))
    context.minimum_version = ssl.TLSVersion.TLSv1_2  # what it is else is for the system to say
    return context


@asynccontextmanager
async def smtp_server(
    *,
    dsn: bool = True,
    pipelining: bool = True,
    starttls: bool = True,
    tls: ssl.SSLContext | None = None,
    implicit: bool = False,
    login: tuple[str, str] | None = None,
    size: int | None = 33_554_432,
) -> AsyncIterator[SmtpServer]:
    """A server on a free port of localhost, for as long as the block runs."""
    state = SmtpServer(dsn=dsn, pipelining=pipelining)
    context = tls or server_context()

    def check(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        given = (data.login.decode(), data.password.decode()) if isinstance(data, LoginPassword) else None
        return AuthResult(success=given == login, handled=False)

    def session() -> asyncio.Protocol:
        fault = state.next_fault("greeting")
        if fault is not None:
            return _BadGreeting(fault)
        return _Session(
            state,
            hostname="relay.example",
            ident="test",
            data_size_limit=size,
            tls_context=context if starttls and not implicit else None,
            require_starttls=starttls and not implicit,
            auth_required=login is not None,
            auth_require_tls=not implicit,
            authenticator=check if login is not None else None,
            loop=asyncio.get_running_loop(),
        )

    listener = await asyncio.get_running_loop().create_server(
        session, "127.0.0.1", 0, ssl=context if implicit else None
    )
    state.host, state.port = "localhost", listener.sockets[0].getsockname()[1]
    try:
        yield state
    finally:
        listener.close()
        state.hang_up()
        await _settled(state)


class _BadGreeting(asyncio.Protocol):
    def __init__(self, fault: Fault) -> None:
        self._fault = fault

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        if self._fault.reply is not None:
            transport.write(self._fault.reply.encode() + b"\r\n")
            transport.close()
        elif self._fault.drop:
            transport.abort()


async def _settled(state: SmtpServer) -> None:
    """Let the sessions end. One whose handshake failed is never told so, hence the bound."""
    for _ in range(100):
        if not state.open_now:
            return
        await asyncio.sleep(0)
