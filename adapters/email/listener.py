"""An SMTP or LMTP server for receipts, behind the organisation's own mail server.

It takes mail for the addresses of deliveries, for those that notices come from and for no other, and answers 250 only
when whoever it hands the mail to has stored it: until then the mail server in front keeps it and tries again. A token
that nobody knows is taken as well, as a refusal would tell the sender which tokens there are, and would come back to us
as a bounce.
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
TOO_LARGE = "552 5.3.4 Too large"
CROWDED = "452 4.3.1 Too much is being taken; try again later"
_BUFFER = 64 * 1024
"""Bytes that are read ahead of a session, and the longest line of a command that is read to its end."""
_MOST_OF_A_COMMAND = 1_000
"""Times one session may say a command. A mail server that has more to say comes again."""
_PATIENCE = 1024 * 1024
"""Bytes of a mail that is refused already which are still waited for: the refusal is told at its end."""
_END = b"\r\n.\r\n"


class Take(Protocol):
    """Stores one mail, durably, before it returns. Raises, or is cancelled, when it did not; the same mail then comes
    again, as it does when it was stored and our answer was lost."""

    async def __call__(self, raw: bytes, recipient: str, sender: str) -> None:
        """``raw``: the mail with CRLF line ends; ``recipient``: RCPT TO, and ``sender``: MAIL FROM, as they came."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """``size``: bytes of one mail: a bounce may return a whole notice. ``together``: bytes of all mails that are being
    taken at one time. ``connections``: at once. ``idle``: seconds for each command, and for the whole of a mail.
    ``session``: seconds of one connection, after which it may finish the mail it is at. ``take``: seconds to store one.
    """

    size: int = 40 * 1024 * 1024
    together: int = 80 * 1024 * 1024
    connections: int = 20
    idle: float = 120.0
    session: float = 900.0
    take: float = 30.0


_LIMITS = Limits()


class Listener:
    """One listening socket. ``start`` once, ``stop`` once."""

    def __init__(
        self,
        take: Take,
        *,
        addresses: Sequence[ReceiptsAddress],
        mailboxes: Sequence[str] = (),
        hostname: str,
        protocol: Literal["smtp", "lmtp"] = "smtp",
        tls_context: ssl.SSLContext | None = None,
        require_tls: bool = False,
        limits: Limits = _LIMITS,
    ) -> None:
        """``mailboxes``: what notices come from, and people answer to. ``tls_context`` offers STARTTLS, ``require_tls``
        insists on it. Raises ValueError for TLS without a context, and without an address to listen for."""
        if require_tls and tls_context is None:
            raise ValueError("receipts: TLS cannot be required without a certificate")
        if not addresses:
            raise ValueError("receipts: there is no address with {token} to take mail for")
        self._handler = _Handler(take, tuple(addresses), tuple(mailboxes), limits.take)
        self._held = _Held(most=limits.together)
        self._session = _LmtpSession if protocol == "lmtp" else _SmtpSession
        self._options: dict[str, Any] = {
            "hostname": hostname,
            "ident": "ready",
            "data_size_limit": limits.size,
            "timeout": limits.idle,
            "tls_context": tls_context,
            "require_starttls": require_tls,
            "command_call_limit": _MOST_OF_A_COMMAND,
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
            return self._session(self._handler, self._sessions, self._held, self._limits, loop=loop, **self._options)

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

    def __init__(
        self, take: Take, addresses: tuple[ReceiptsAddress, ...], mailboxes: tuple[str, ...], seconds: float
    ) -> None:
        self._take = take
        self._addresses = addresses
        self._mailboxes = frozenset(one.lower() for one in mailboxes)
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
        if not any(one.covers(address) for one in self._addresses) and address.lower() not in self._mailboxes:
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
                await self._take(raw, recipient, envelope.mail_from or "")
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


@dataclass(slots=True, kw_only=True)
class _Held:
    """How many bytes of mails all sessions hold together."""

    most: int
    now: int = 0

    def take(self, count: int) -> bool:
        if self.now + count > self.most:
            return False
        self.now += count
        return True


class _Counted(SMTP):
    line_length_limit = _BUFFER

    def __init__(
        self, handler: _Handler, sessions: "set[_Counted]", held: _Held, limits: Limits, **options: Any
    ) -> None:
        self._sessions = sessions
        self._held = held
        self._limits = limits
        self._turned_away = False
        super().__init__(handler, **options)
        self._ends = self.loop.time() + limits.session

    async def smtp_DATA(self, arg: str | None) -> None:
        """Instead of the library's, which keeps every line apart: of a mail of empty lines thirty times its size, and
        of a line that never ends all that comes until the time is up."""
        if await self.check_helo_needed() or await self.check_auth_needed("DATA") or self.envelope is None:
            return
        if not self.envelope.rcpt_tos:
            await self.push("503 Error: need RCPT command")
            return
        if arg:
            await self.push("501 Syntax: DATA")
            return
        await self.push("354 End data with <CR><LF>.<CR><LF>")
        mail = bytearray()
        try:
            answer = await self._read_mail(mail)
            if answer is None:
                # RFC 5321 4.5.2: a dot that begins a line was put there by the sender's program.
                self.envelope.content = self.envelope.original_content = bytes(mail.replace(b"\r\n.", b"\r\n")[2:])
                answer = await self._call_handler_hook("DATA")
        finally:
            self._held.now -= len(mail)
            mail.clear()
        self.envelope = self._create_envelope()
        await self.push(answer)

    async def _read_mail(self, mail: bytearray) -> str | None:
        """Everything up to the dot, with the line end before it, and None; or the refusal, and nothing is held. Who
        goes on for as much again is cut off."""
        refusal: str | None = None
        total = 0
        # The dot stands on a line of its own, so before an empty mail, too, there has to be the end of one.
        self._reader._buffer[:0] = b"\r\n"  # type: ignore[attr-defined]
        while True:
            try:
                piece, ended = await self._reader.readuntil(_END), True
            except asyncio.LimitOverrunError as error:
                piece, ended = await self._reader.read(error.consumed), False
            total += len(piece)
            if refusal is None:
                if total > self._limits.size + len(_END) + 2:
                    refusal = TOO_LARGE
                elif not self._held.take(len(piece)):
                    refusal = CROWDED
                else:
                    mail += piece
                if refusal is not None:
                    self._held.now -= len(mail)
                    mail.clear()
            if total > 2 * self._limits.size + _PATIENCE:
                self.cut()
            if ended:
                if refusal is None:
                    self._held.now -= len(_END) - 2
                    del mail[len(mail) - len(_END) + 2 :]
                return refusal

    def _reset_timeout(self, duration: float | None = None) -> None:
        left = self._ends - self.loop.time()
        super()._reset_timeout(max(0.001, min(duration or self._timeout_duration, left)))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if self not in self._sessions:  # it is called again after STARTTLS
            if len(self._sessions) >= self._limits.connections and isinstance(transport, asyncio.WriteTransport):
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
