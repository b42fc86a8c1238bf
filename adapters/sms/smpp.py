"""SMS through an SMSC that speaks SMPP 3.4: one bound connection, both ways.

SMPP has no idempotency key, and a message whose answer was lost cannot be asked for: a try that ends ``Unconfirmed``
may have been sent, and the next one may send it once more. The delivery's id goes along in an optional parameter of the
vendor range, for an SMSC's own log or a gateway of ours that looks at it; by the specification (3.3) every other SMSC
passes over it.
"""

import asyncio
import hashlib
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from adapters.port import UNTOUCHED, Accepted, Deferred, Envelope, Rejected, Result, Unconfirmed
from adapters.sms.inbound import Inbound
from adapters.sms.prepare import Message, prepare
from adapters.sms.smpp_codes import RINVBNDSTS, ROK, classify
from adapters.sms.smpp_inbound import Alphabet, read
from adapters.sms.smpp_session import Lost, NotBound, Session, Smsc
from adapters.sms.smpp_wire import Command, IdForm, message_id, submit
from contacts.addresses import AddressProblem, parse_phone

_SENDER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ]{1,9}[A-Za-z0-9]|[0-9]{3,8}")
_FIRST_PAUSE: Final = 1.0
_LONGEST_PAUSE: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What the provider has agreed to, and how its SMSC writes things."""

    source: str
    """What recipients see, and where they reply to: a number in E.164, a short code, or a name of 3 to 11 letters and
    digits (to which nobody can reply)."""
    submit_ids: IdForm = "text"
    receipt_ids: IdForm = "text"
    """How ids are written in answers and in the text of receipts. If all receipts come back unknown, it is these two:
    often ``hex`` and ``decimal``."""
    alphabet: Alphabet = "gsm"
    tag: int | None = 0x1400
    """The optional parameter that carries the delivery's id. None: none, for an SMSC that refuses what it does not
    know."""
    validity: timedelta | None = timedelta(hours=24)
    """How long the SMSC goes on trying, 30 days at most; then its receipt says ``EXPIRED``. None: as it likes."""


class SmppTransport:
    """:class:`adapters.port.Transport` for text messages through an SMSC."""

    def __init__(
        self,
        *,
        smsc: Smsc,
        account: Account,
        inbox: Callable[[Inbound, bytes], Awaitable[None]],
        now: Callable[[], datetime],
        total: float = 60.0,
    ) -> None:
        """``inbox`` stores what comes back, and the message that it came as. The SMSC is told so only after it
        returned; if it raises, the SMSC keeps the message and offers it again, so the same may come twice. ``now``
        dates it. ``total``: seconds one try may take.

        Raises ValueError, which names the setting and never its value.
        """
        if not 1 <= len(smsc.system_id) <= 15 or len(smsc.password.reveal()) > 8 or len(smsc.system_type) > 12:
            raise ValueError("smpp: at most 15 characters in system_id, 8 in the password, 12 in system_type (5.2)")
        if not (smsc.system_id + smsc.password.reveal() + smsc.system_type).isascii():
            raise ValueError("smpp: system_id, password and system_type are ASCII")
        if not _SENDER_NAME.fullmatch(account.source) and not _is_number(account.source):
            raise ValueError("smpp: source is a number in E.164, a short code, or a name of 3 to 11 letters and digits")
        if account.tag is not None and not 0x1400 <= account.tag <= 0x3FFF:
            raise ValueError("smpp: tag is in the vendor range, 0x1400 to 0x3FFF (5.3.2)")
        if account.validity is not None and not timedelta(minutes=1) <= account.validity <= timedelta(days=30):
            raise ValueError("smpp: validity is a minute to 30 days")
        if total <= smsc.answer or smsc.window < 1:
            raise ValueError("smpp: total must be longer than answer, and window at least 1")
        self._smsc = smsc
        self._account = account
        self._inbox = inbox
        self._now = now
        self._total = total
        self._session: Session | None = None
        self._opening: asyncio.Task[None] | None = None
        self._binds: set[asyncio.Task[None]] = set()
        """Under way, the cancelled ones too until they are undone."""
        self._waiting = 0
        self._closed = False

    @property
    def channel(self) -> str:
        return "sms"

    @property
    def longest_send(self) -> float:
        """Seconds that one ``deliver`` may take at most; a lease must outlast it."""
        return self._total

    @property
    def is_bound(self) -> bool:
        """Whether receipts can come in now."""
        return self._session is not None and not self._session.ended.is_set()

    async def deliver(self, envelope: Envelope, now: datetime) -> Result:
        """Try once, over the connection that is there, else a new one. Raises only CancelledError."""
        message = prepare(envelope)
        if isinstance(message, Rejected):
            return message
        out: list[bool] = []
        try:
            async with asyncio.timeout(self._total):
                return await self._send(message, out)
        except asyncio.CancelledError:
            if out:
                raise
            raise asyncio.CancelledError(UNTOUCHED) from None
        except NotBound as exc:
            return exc.result
        except Lost as exc:
            if exc.written:
                return Unconfirmed(detail=type(exc).__name__)
            return Deferred(reason="connection_failed", detail=type(exc).__name__)
        except TimeoutError as exc:
            if out:
                return Unconfirmed(detail=type(exc).__name__)
            return Deferred(reason="provider_unavailable", detail=type(exc).__name__)
        except Exception as exc:
            # A fault of ours must not stop the worker; its class is told, as its text could quote what it choked on.
            if out:
                return Unconfirmed(reason="unknown", detail=type(exc).__name__)
            return Rejected(reason="unknown", detail=type(exc).__name__, technical=True)

    async def reachable(self) -> bool:
        """Whether the SMSC lets us bind: :class:`adapters.port.Reachable`."""
        try:
            async with asyncio.timeout(self._total):
                await self._bound()
        except (NotBound, TimeoutError):
            return False
        return True

    async def keep_bound(self, wait: Callable[[float], Awaitable[object]]) -> None:
        """Stay bound for as long as this runs, so that receipts and replies come in while nothing is sent. ``wait``
        sleeps so many seconds: after each failure twice as long, up to a minute."""
        pause = _FIRST_PAUSE
        while not self._closed:
            try:
                session = await self._bound()
            except NotBound:
                await wait(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
                continue
            began = asyncio.get_running_loop().time()
            await session.ended.wait()
            if asyncio.get_running_loop().time() - began > _LONGEST_PAUSE:
                pause = _FIRST_PAUSE
            if not self._closed:
                await wait(pause)  # an SMSC that lets us in and throws us out is not called without end
                pause = min(2 * pause, _LONGEST_PAUSE)

    async def aclose(self) -> None:
        """Unbind and close, in the SMSC's ``close`` seconds at most."""
        self._closed = True
        for bind in self._binds:
            bind.cancel()
        if self._binds:
            await asyncio.wait(self._binds)
        session, self._session = self._session, None
        if session is not None:
            await session.aclose()

    async def _send(self, message: Message, out: list[bool]) -> Result:
        account = self._account
        try:
            octets = message.octets if account.alphabet == "gsm" else message.text.encode("latin-1")
        except UnicodeEncodeError:
            return Rejected(reason="misconfigured", detail="body: not in Latin-1", technical=True)
        session = await self._bound()
        async with session.window:
            answer = await session.ask(
                lambda sequence: submit(
                    sequence,
                    source=account.source,
                    number=message.number,
                    octets=octets,
                    delivery=message.delivery,
                    tag=account.tag,
                    validity=account.validity,
                    receipt=message.receipt,
                ),
                lambda: out.append(True),
            )
        if answer.status != ROK:
            if answer.status == RINVBNDSTS:
                session.give_up()  # it has forgotten us; the next try binds anew
            return classify(answer.status)
        if answer.command != Command.SUBMIT_SM_RESP:
            return Unconfirmed(reason="unknown", detail="no submit_sm_resp")
        return Accepted(
            provider_reference=message_id(answer, account.submit_ids), digest=hashlib.sha256(octets).hexdigest()
        )

    async def _bound(self) -> Session:
        """The one session. All who wait for it share one bind, which ends with the last of them."""
        if self._closed:
            raise NotBound(Deferred(reason="provider_unavailable", detail="closed"))
        if self._session is not None and not self._session.ended.is_set():
            return self._session
        if self._opening is None or self._opening.done():
            self._opening = asyncio.create_task(self._open(), name="smpp bind")
            self._binds.add(self._opening)
            self._opening.add_done_callback(self._opened)
        opening = self._opening
        self._waiting += 1
        try:
            await asyncio.wait((opening,))
        finally:
            self._waiting -= 1
            if not self._waiting and not opening.done():
                opening.cancel()
                self._opening = None  # whoever comes next does not wait for what is being undone
        if not opening.cancelled():
            opening.result()
        if self._session is None:
            raise NotBound(Deferred(reason="provider_unavailable", detail="closed"))
        return self._session

    def _opened(self, bind: asyncio.Task[None]) -> None:
        self._binds.discard(bind)
        if not bind.cancelled():
            bind.exception()  # all who waited may be gone, so that nobody else asks

    async def _open(self) -> None:
        self._session = None
        self._session = await Session.open(self._smsc, self._take_in)

    async def _take_in(self, raw: bytes) -> None:
        account = self._account
        inbound = read(
            raw,
            self._now(),
            submit_ids=account.submit_ids,
            receipt_ids=account.receipt_ids,
            alphabet=account.alphabet,
        )
        await self._inbox(inbound, raw)


def _is_number(source: str) -> bool:
    try:
        return source == parse_phone(source)
    except AddressProblem:
        return False
