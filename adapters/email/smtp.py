"""E-mail as a transport: sealed, handed to one relay over TLS, once a call."""

import asyncio
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from adapters.email.address import wire_address, wire_domain
from adapters.email.chain import Trust
from adapters.email.connection import Connection, Relay, SendFailure, Timeouts, TlsMode
from adapters.email.credentials import Credentials
from adapters.email.identities import HUB_ALONE, Identities
from adapters.email.pool import Pool
from adapters.email.prepare import Letterhead, Message
from adapters.email.sealers import NOBODY, Crew, Sealers
from adapters.email.sealing import Here, Seal, Sealing
from adapters.email.smime import Signer
from adapters.email.verp import PLACE, ReceiptsAddress
from adapters.port import UNTOUCHED, Deferred, Envelope, Rejected, Result, Unconfirmed

_TIMEOUTS = Timeouts()


@dataclass(slots=True)
class _Progress:
    """What a deadline that falls in the middle has to know."""

    connection: Connection | None = None

    @property
    def content_out(self) -> bool:
        return self.connection is not None and self.connection.content_out


class EmailTransport:
    """:class:`adapters.port.Transport` for S/MIME over SMTP."""

    def __init__(
        self,
        *,
        host: str,
        port: int,
        tls_context: ssl.SSLContext,
        sender: str,
        mail_domain: str,
        signer: Signer,
        trust: Trust,
        sender_name: str = "",
        return_path: str | None = None,
        receipts_address: str | None = None,
        tls: TlsMode = "required",
        credentials: Credentials | None = None,
        local_hostname: str | None = None,
        pool_size: int = 8,
        timeouts: Timeouts = _TIMEOUTS,
        size_limit: int = 25 * 1024 * 1024,
        identities: Identities = HUB_ALONE,
        sealers: Crew = NOBODY,
        beforehand: Sequence[Callable[[], object]] = (),
        lost: Callable[[int | None], None] = lambda _: None,
    ) -> None:
        """``return_path`` may hold ``{token}``, so that a bounce names its delivery; without one, bounces go to
        ``sender``. ``receipts_address`` holds ``{token}``: where readers' programs may report that content was shown,
        by default the return path, as RFC 8098 2.1 wants them equal. ``size_limit``: bytes.

        Raises ValueError for settings that contradict each other or cannot stand in a message.
        """
        if credentials is not None and tls == "opportunistic":
            raise ValueError("smtp: a password is only sent over TLS; set tls to required or implicit")
        if pool_size < 1:
            raise ValueError("smtp: pool_size must be at least 1")
        letterhead = Letterhead(
            sender=wire_address(sender),
            sender_name=sender_name,
            mail_domain=wire_domain(mail_domain),
            return_path=_return_path(return_path or sender),
            receipts=_receipts(receipts_address, return_path),
            size_limit=size_limit,
        )
        seal = Seal(letterhead=letterhead, signer=signer, trust=trust, identities=identities)
        self._sealing: Sealing = (
            Sealers(seal, sealers, beforehand=beforehand, lost=lost) if sealers.count else Here(seal)
        )
        self._timeouts = timeouts
        relay = Relay(
            host=host,
            port=port,
            tls_context=tls_context,
            tls=tls,
            credentials=credentials,
            local_hostname=local_hostname or letterhead.mail_domain,
            timeouts=timeouts,
        )
        self._pool = Pool(relay, pool_size)

    @property
    def channel(self) -> str:
        return "email"

    @property
    def longest_send(self) -> float:
        """Seconds that one ``deliver`` may take at most on the network; a lease must outlast it."""
        return self._timeouts.total

    @property
    def idle_connections(self) -> int:
        """Connections kept open and unused."""
        return self._pool.idle

    async def deliver(self, envelope: Envelope, now: datetime) -> Result:
        """Try once. A refused certificate costs no connection; raises only CancelledError."""
        with self._sealing.sending():
            return await self._deliver(envelope, now)

    async def _deliver(self, envelope: Envelope, now: datetime) -> Result:
        progress = _Progress()
        try:
            message = await self._sealing.prepare(envelope, now)
            if isinstance(message, Rejected):
                return message
            async with asyncio.timeout(self._timeouts.total):
                return await self._send(message, progress)
        except SendFailure as failure:
            return failure.result
        except asyncio.CancelledError:
            if progress.content_out:
                raise
            raise asyncio.CancelledError(UNTOUCHED) from None
        except TimeoutError as exc:
            if progress.content_out:
                return Unconfirmed(detail=type(exc).__name__)
            return Deferred(reason="provider_unavailable", detail=type(exc).__name__)
        except Exception as exc:
            # A fault of ours must not stop the worker; its class is told, as its text could quote what it choked on.
            if progress.content_out:
                return Unconfirmed(reason="unknown", detail=type(exc).__name__)
            return Rejected(reason="unknown", detail=type(exc).__name__, technical=True)

    async def reachable(self) -> bool:
        """Whether the relay greets, encrypts, and lets us in: :class:`adapters.port.Reachable`."""
        try:
            async with asyncio.timeout(self._timeouts.total):
                await self._pool.try_out()
        except (SendFailure, TimeoutError):
            return False
        return True

    async def aclose(self) -> None:
        """Close what is idle in ``timeouts.close`` seconds at most."""
        await self._sealing.aclose()
        await self._pool.aclose()

    async def _send(self, message: Message, progress: _Progress) -> Result:
        try:
            return await self._attempt(message, progress, fresh=False)
        except SendFailure as failure:
            if not failure.stale:
                raise
        # The relay hung up on a kept connection while it lay idle: nothing was asked of it yet, so ask again.
        return await self._attempt(message, progress, fresh=True)

    async def _attempt(self, message: Message, progress: _Progress, *, fresh: bool) -> Result:
        async with self._pool.lease(message.recipient.rpartition("@")[2].lower(), fresh=fresh) as connection:
            progress.connection = connection
            return await connection.send(message)


def _return_path(setting: str) -> str | ReceiptsAddress:
    # Braces may stand in an address, but what was meant by them is another placeholder.
    return ReceiptsAddress.of_template(setting) if "{" in setting else wire_address(setting)


def _receipts(setting: str | None, return_path: str | None) -> ReceiptsAddress | None:
    template = setting or (return_path if return_path and PLACE in return_path else None)
    return None if template is None else ReceiptsAddress.of_template(template)
