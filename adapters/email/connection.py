"""One conversation with the relay: opened over TLS, one recipient a transaction, every failure made a result.

The answers of a transaction are judged one by one, and not by ``aiosmtplib``'s own ``sendmail``, because what a lost
connection means depends on the step: before the content nothing was sent, after it anything may have been. How the
commands go out, each by itself or all at once, is the dialogue's affair (dialogue.py).
"""

import asyncio
import re
import ssl
from dataclasses import dataclass
from typing import Literal, TypeAlias

import aiosmtplib

from adapters.email.answers import OutOfStep
from adapters.email.codes import Phase, classify, queue_id
from adapters.email.credentials import Credentials
from adapters.email.dialogue import Dialogue
from adapters.email.prepare import Message
from adapters.port import Accepted, Deferred, Rejected, Result, Unconfirmed

_NOT_XTEXT = re.compile(rb"[^!-*,-<>-~]")

TlsMode: TypeAlias = Literal["required", "implicit", "opportunistic"]
"""STARTTLS or nothing; TLS from the first byte (port 465); STARTTLS where it is offered (a relay on this machine)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """Seconds. ``total`` bounds one delivery from waiting for a connection to the answer; a lease must outlast it.
    ``patience``: who has a connection for longer no longer keeps others from one."""

    connect: float = 15.0
    command: float = 30.0
    content: float = 120.0
    total: float = 180.0
    close: float = 2.0
    patience: float = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Relay:
    """The server that takes our mail."""

    host: str
    port: int
    tls_context: ssl.SSLContext
    tls: TlsMode = "required"
    credentials: Credentials | None = None
    local_hostname: str
    timeouts: Timeouts


class SendFailure(Exception):
    """The conversation broke off; ``result`` says what that means for the delivery, the cause says how."""

    def __init__(self, result: Result, *, stale: bool = False) -> None:
        super().__init__(type(result).__name__)
        self.result = result
        self.stale = stale
        """It broke before the relay had answered anything in this transaction: a kept connection had gone cold."""


class Connection:
    """Belongs to one delivery at a time. After any failure ``reusable`` is False and it is only good to be cut."""

    def __init__(self, client: aiosmtplib.SMTP, dialogue: Dialogue, timeouts: Timeouts) -> None:
        self._client = client
        self._timeouts = timeouts
        self._reusable = True
        self._dialogue = dialogue
        self.transactions = 0
        self.most = 1
        """Transactions that it is good for: whoever keeps it says so."""
        self.misled = False
        """It offers pipelining, and did not answer all that it was asked at once."""

    @property
    def reusable(self) -> bool:
        """In step with the server, and ready for MAIL."""
        return self._reusable and self._dialogue.in_step

    @property
    def content_out(self) -> bool:
        """Some of the content of the present message has been handed to the network."""
        return self._dialogue.content_out

    @property
    def pipelined(self) -> bool:
        """Whether a transaction is asked for in one write."""
        return self._dialogue.at_once

    @classmethod
    async def open(cls, relay: Relay, *, pipelining: bool = True) -> "Connection":
        """Connect, TLS, EHLO, AUTH. ``pipelining``: where the server offers it. Raises SendFailure."""
        client = aiosmtplib.SMTP(
            hostname=relay.host,
            port=relay.port,
            local_hostname=relay.local_hostname,
            timeout=relay.timeouts.connect,
            use_tls=relay.tls == "implicit",
            start_tls={"required": True, "implicit": False, "opportunistic": None}[relay.tls],
            tls_context=relay.tls_context,
        )
        try:
            await _greet(client, relay)
            return cls(client, _dialogue(client, pipelining), relay.timeouts)
        except BaseException:
            _cut(client)
            raise

    async def send(self, message: Message) -> Result:
        """One transaction. Raises SendFailure where the conversation broke; a refusal is a result."""
        self._dialogue.content_out = False
        self.transactions += 1
        phase: Phase = "mail"
        try:
            limit = self._client.esmtp_extensions.get("size", "")
            if limit.isdigit() and 0 < int(limit) < len(message.data):
                return Rejected(reason="too_large", detail="over the size limit of the relay")
            commands = self._commands(message)
            self._dialogue.ask([command for _, command in commands])
            for phase, _ in commands:
                reply = await self._dialogue.answer(self._timeouts.command)
                if not (reply.code == 354 if phase == "data" else 200 <= reply.code < 300):
                    if not 400 <= reply.code <= 599:
                        raise OutOfStep("neither yes nor no: an answer to something else")
                    result = await self._refused(phase, reply)
                    if phase == "mail" and reply.code == 421 and self.transactions > 1:
                        raise SendFailure(result, stale=True)
                    return result
            phase = "content"
            reply = await self._dialogue.hand_over(_stuffed(message.data), self._timeouts.content)
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as exc:
            self._reusable = False
            self.misled = self.pipelined and _misled(exc, phase)
            raise SendFailure(self._broken(exc), stale=phase == "mail" and self.transactions > 1) from exc
        if 200 <= reply.code < 300:
            return Accepted(
                provider_reference=queue_id(reply.message), digest=message.digest, certificate=message.certificate
            )
        self._reusable = 400 <= reply.code <= 599 and reply.code != 421
        if not 400 <= reply.code <= 599:
            return Unconfirmed(reason="unknown", detail=f"{reply.code} CONTENT")
        return classify("content", reply.code, reply.message)

    def _commands(self, message: Message) -> tuple[tuple[Phase, bytes], ...]:
        mail = [b"MAIL", b"FROM:<" + message.return_path.encode("ascii") + b">"]
        rcpt = [b"RCPT", b"TO:<" + message.recipient.encode("ascii") + b">"]
        if self._client.supports_extension("size"):
            mail.append(b"SIZE=" + str(len(message.data)).encode("ascii"))
        if message.receipt_token is not None and self._client.supports_extension("dsn"):
            mail += [b"RET=HDRS", b"ENVID=" + xtext(message.receipt_token)]
            rcpt += [b"NOTIFY=SUCCESS,FAILURE,DELAY", b"ORCPT=rfc822;" + xtext(message.recipient)]
        return ("mail", b" ".join(mail)), ("rcpt", b" ".join(rcpt)), ("data", b"DATA")

    async def _refused(self, phase: Phase, reply: aiosmtplib.SMTPResponse) -> Result:
        """The refusal stands whatever becomes of the connection, which is only kept if it can be set back."""
        self._reusable = False
        if reply.code != 421 and 400 <= reply.code <= 599:
            try:
                self._reusable = await self._dialogue.settle(self._timeouts.command)
            except (aiosmtplib.SMTPException, OSError, TimeoutError) as exc:
                self.misled = self.pipelined and _misled(exc, "data")
        return classify(phase, reply.code, reply.message)

    def _broken(self, exc: Exception) -> Result:
        detail = type(exc).__name__
        if self.content_out:
            return Unconfirmed(reason="provider_timeout", detail=detail)
        if isinstance(exc, aiosmtplib.SMTPResponseException):
            return Rejected(reason="unknown", detail=detail, technical=True)
        return Deferred(
            reason="provider_unavailable" if isinstance(exc, TimeoutError) else "connection_failed", detail=detail
        )

    def cut(self) -> None:
        """Close at once, without a word: the state of the conversation is unknown."""
        _cut(self._client)

    async def quit(self) -> None:
        """Say goodbye; the caller bounds the time. Never raises for what the server does."""
        try:
            await self._dialogue.quit(self._timeouts.close)
        except (aiosmtplib.SMTPException, OSError, TimeoutError):
            pass
        finally:
            self.cut()


async def _greet(client: aiosmtplib.SMTP, relay: Relay) -> None:
    phase: Phase = "connect"
    try:
        await client.connect()
        if relay.tls != "opportunistic" and client.get_transport_info("sslcontext") is None:
            raise SendFailure(Deferred(reason="tls_failed", detail="NotEncrypted"))
        phase = "helo"
        if client.is_ehlo_or_helo_needed:
            await client.ehlo()
        phase = "login"
        if relay.credentials is not None:
            await client.login(relay.credentials.username, relay.credentials.password.reveal())
    except (aiosmtplib.SMTPException, OSError, TimeoutError) as exc:
        raise SendFailure(_not_opened(exc, phase)) from exc


def _dialogue(client: aiosmtplib.SMTP, pipelining: bool) -> Dialogue:
    """What counts is what is offered over TLS: before it anybody may have offered it."""
    transport = client.transport
    if not isinstance(transport, asyncio.Transport):
        raise SendFailure(Deferred(reason="connection_failed", detail="SMTPServerDisconnected"))
    return Dialogue(transport, at_once=pipelining and client.supports_extension("pipelining"))


def _cut(client: aiosmtplib.SMTP) -> None:
    transport = client.transport
    client.close()
    abort = getattr(transport, "abort", None)
    if abort is not None:
        abort()


def xtext(text: str) -> bytes:
    """RFC 3461 4: printable ASCII, with ``+``, ``=`` and the rest as ``+XX``."""
    return _NOT_XTEXT.sub(lambda found: b"+%02X" % found.group()[0], text.encode())


def _stuffed(data: bytes) -> bytes:
    """RFC 5321 4.5.2. A message begins with a field, so that a dot in the first column follows a line end. What is
    sealed holds no dot at all below its fields, and to see that takes a tenth of the time."""
    body = data.find(b"\r\n\r\n")
    if body >= 0 and data.find(b".", body) < 0 and data.find(b"\r\n.", 0, body) < 0:
        return data
    return data.replace(b"\r\n.", b"\r\n..")


def _not_opened(exc: Exception, phase: Phase) -> Result:
    detail = type(exc).__name__
    if isinstance(exc, aiosmtplib.SMTPResponseException):
        return classify("tls" if phase == "connect" and not _is_greeting(exc) else phase, exc.code, exc.message)
    if isinstance(exc, ssl.SSLError) or isinstance(exc.__cause__, ssl.SSLError):
        return Deferred(reason="tls_failed", detail=type(exc.__cause__ or exc).__name__)
    if isinstance(exc, aiosmtplib.SMTPConnectError | aiosmtplib.SMTPServerDisconnected):
        return Deferred(reason="connection_failed", detail=detail)
    if isinstance(exc, aiosmtplib.SMTPException) and not isinstance(exc, TimeoutError):
        # STARTTLS or AUTH is not offered. A relay may be put right, and a downgrade by somebody between us passes.
        return (
            Rejected(reason="misconfigured", detail="AUTH not offered", technical=True)
            if phase == "login"
            else Deferred(reason="tls_failed", detail="STARTTLS not offered")
        )
    return Deferred(reason="connection_failed", detail=detail)


def _misled(exc: Exception, phase: Phase) -> bool:
    """Of several things that were asked at once some were answered twice, or the first of them and no other."""
    return isinstance(exc, OutOfStep) or (
        isinstance(exc, aiosmtplib.SMTPReadTimeoutError) and phase in {"rcpt", "data"}
    )


def _is_greeting(exc: Exception) -> bool:
    return isinstance(exc, aiosmtplib.SMTPConnectResponseError | aiosmtplib.SMTPHeloError)
