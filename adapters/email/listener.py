"""An SMTP or LMTP server for receipts, behind the organisation's own mail server.

It takes mail for the addresses of deliveries and for no other, and answers 250 only when whoever it hands the mail to
has stored it: until then the mail server in front keeps it and tries again. A token that nobody knows is taken as well,
as a refusal would tell the sender which tokens there are, and would come back to us as a bounce.
"""

import asyncio
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP, Envelope, Session

from adapters.email.verp import ReceiptsAddress

STORED = "250 2.0.0 Stored"
NOT_STORED = "451 4.3.0 Not stored; try again later"
NOT_HERE = "550 5.1.1 No such address here"
ONE_AT_A_TIME = "452 4.5.3 One recipient at a time"
BUSY = b"421 4.3.2 Too many connections; try again later\r\n"
_LONGEST_LINE = 64 * 1024
"""Bytes. RFC 5321 4.5.3.1.6 allows 1,000, and returned messages are not always so; a refusal would lose the report."""


class Take(Protocol):
    """Stores one mail, durably, before it returns. Raises, or is cancelled, when it did not; the same mail then comes
    again, as it does when it was stored and our answer was lost."""

    async def __call__(self, raw: bytes, recipient: str) -> None:
        """``raw``: the mail with CRLF line ends; ``recipient``: RCPT TO, as it came."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """``size``: bytes of one mail: a bounce may return a whole notice. ``connections``: at once. ``idle``: seconds for
    each command, and for the whole of a mail. ``take``: seconds to store one."""

    size: int = 40 * 1024 * 1024
    connections: int = 20
    idle: float = 120.0
    take: float = 30.0


_LIMITS = Limits()


class Listener:
    """One listening socket. ``start`` once, ``stop`` once."""

    def __init__(
        self,
        take: Take,
        *,
        addresses: Sequence[ReceiptsAddress],
        hostname: str,
        protocol: Literal["smtp", "lmtp"] = "smtp",
        tls_context: ssl.SSLContext | None = None,
        require_tls: bool = False,
        limits: Limits = _LIMITS,
    ) -> None:
        """``tls_context`` offers STARTTLS, ``require_tls`` insists on it. Raises ValueError for TLS without a context,
        and without an address to listen for."""
        if require_tls and tls_context is None:
            raise ValueError("receipts: TLS cannot be required without a certificate")
        if not addresses:
            raise ValueError("receipts: there is no address with {token} to take mail for")
        self._handler = _Handler(take, tuple(addresses), limits.take)
        self._session = _LmtpSession if protocol == "lmtp" else _SmtpSession
        self._options: dict[str, Any] = {
            "hostname": hostname,
            "ident": "ready",
            "data_size_limit": limits.size,
            "timeout": limits.idle,
            "tls_context": tls_context,
            "require_starttls": require_tls,
        }
        self._limits = limits
        self._sessions: set[_Counted] = set()
        self._server: asyncio.Server | None = None

    @property
    def connections(self) -> int:
        """Open now."""
        return len(self._sessions)

    async def start(self, host: str, port: int) -> int:
        """Listen; 0 is any free port. Returns the port. Raises OSError if it cannot."""
        loop = asyncio.get_running_loop()

        def connection() -> _Counted:
            return self._session(self._handler, self._sessions, self._limits.connections, loop=loop, **self._options)

        self._server = await loop.create_server(connection, host, port)
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self, within: float) -> None:
        """Take no more, finish what is being stored within so many seconds, and hang up. What was not stored by then
        stays with the mail server in front."""
        if self._server is not None:
            self._server.close()
        await self._handler.finish(within)
        for session in tuple(self._sessions):
            session.cut()


class _Handler:
    """What aiosmtpd asks; the names of the methods are its own."""

    def __init__(self, take: Take, addresses: tuple[ReceiptsAddress, ...], seconds: float) -> None:
        self._take = take
        self._addresses = addresses
        self._seconds = seconds
        self._storing = 0
        self._stopping = False
        self._idle = asyncio.Event()
        self._idle.set()

    async def finish(self, within: float) -> None:
        self._stopping = True
        try:
            async with asyncio.timeout(within):
                await self._idle.wait()
        except TimeoutError:
            pass  # cut off then; the mail server in front has no 250 and keeps the mail

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if not any(one.covers(address) for one in self._addresses):
            return NOT_HERE
        if envelope.rcpt_tos:
            return ONE_AT_A_TIME
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        raw, (recipient,) = envelope.original_content, envelope.rcpt_tos
        if not isinstance(raw, bytes) or self._stopping:
            return NOT_STORED
        self._storing += 1
        self._idle.clear()
        try:
            async with asyncio.timeout(self._seconds):
                await self._take(raw, recipient)
        except Exception:
            # Whoever takes it knows why, and has told; here it only matters that nobody may forget the mail.
            return NOT_STORED
        finally:
            self._storing -= 1
            if not self._storing:
                self._idle.set()
        return STORED

    async def handle_exception(self, error: Exception) -> str:
        return NOT_STORED


class _Counted(SMTP):
    line_length_limit = _LONGEST_LINE

    def __init__(self, handler: _Handler, sessions: "set[_Counted]", most: int, **options: Any) -> None:
        self._sessions = sessions
        self._most = most
        self._turned_away = False
        super().__init__(handler, **options)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if self not in self._sessions:  # it is called again after STARTTLS
            if len(self._sessions) >= self._most and isinstance(transport, asyncio.WriteTransport):
                self._turned_away = True
                transport.write(BUSY)
                transport.close()
                return
            self._sessions.add(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._sessions.discard(self)
        if not self._turned_away:
            super().connection_lost(error)

    def cut(self) -> None:
        """Hang up without a word."""
        transport = self._original_transport or self.transport
        if isinstance(transport, asyncio.WriteTransport):
            transport.abort()


class _SmtpSession(_Counted):
    pass


class _LmtpSession(_Counted, LMTP):
    """One recipient a transaction, so that the one answer after the mail is also LMTP's answer for each recipient."""
