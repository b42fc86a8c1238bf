"""What comes back over each channel, read as far as it can be believed, and handed to the receipts service.

Whoever hands it over may forget it once a method here has returned; StoreUnavailable means that it has to come again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from adapters.email.address import same_mailbox
from adapters.email.chain import Trust
from adapters.email.inbound import READ_LIMIT, Report, read
from adapters.email.parts import Part
from adapters.email.reply import Answer
from adapters.email.verp import ReceiptsAddress
from adapters.port import Receipt
from adapters.sms import replies
from adapters.sms.inbound import Inbound, Reply, Unreadable
from contacts.directory import Directory
from hub.core.pickup import CODE_IDS
from hub.core.tokens import receipt_token, reply_code, reply_digest, token_digest
from hub.service.alarming import ALARM_IDS
from hub.service.ports import Clock, Store, Unit, Unsealable
from hub.service.receipts import Found, Receipts
from hub.service.replying import Replies

LOOKS: Final = 6
LOOK_EVERY: Final = 0.5
"""How often, and after how many seconds, an unknown reference of a provider is looked up again: a receipt may be faster
than our own record of what the message was called."""
PERHAPS_WRITTEN: Final = frozenset({"not_a_report", "oversized"})
IN_A_THREAD: Final = 64 * 1024
"""Bytes of a mail from which reading it would hold the event loop for longer than a thread costs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inbox:
    """``secret``: behind the tokens of deliveries. ``addresses``: where receipts come back to by e-mail. ``trust``:
    whose certificates make a notification ``signed``, besides those pinned in the directory."""

    receipts: Receipts
    store: Store
    clock: Clock
    directory: Callable[[], Directory]
    secret: bytes = field(repr=False)
    addresses: Sequence[ReceiptsAddress] = ()
    trust: Trust = field(default_factory=Trust, repr=False)
    replies: Replies | None = None
    """What people write; without it all of that is kept apart."""
    replied: Callable[[bytes], Awaitable[bool]] | None = None
    """Whether a reply with this digest was to the question whether the number works."""

    async def take_mail(self, raw: bytes, recipient: str, sender: str | None = None) -> None:
        """One mail that came for ``recipient`` (RCPT TO) from ``sender`` (MAIL FROM; None: as the mail says itself). Of
        a very long report its beginning is kept: what follows is the message it returns, which is ours. Raises
        StoreUnavailable."""
        found, recipient = await self._written_to(recipient, raw)
        mailbox = None if found is None else found[0].address
        on_file = () if mailbox is None else self.directory().certificates(mailbox)
        pinned = self.trust.pinned | {one.fingerprint for one in on_file if one.pinned}
        trust, now = replace(self.trust, pinned=pinned), self.clock.now()
        report = await self._read(raw, recipient, now, trust)
        if report.apart in PERHAPS_WRITTEN and found is not None and self.replies is not None:
            answer = await self.replies.read(raw, found)
            inner = None
            if isinstance(answer, Answer):
                inner = await self._read(answer.inside, recipient, now, trust)
            if inner is None or not inner.receipts:
                return await self.replies.take(raw, found, answer, _return_path(raw) if sender is None else sender)
            report = inner  # a notification, or an answer of their machine's, signed and encrypted
        kept = raw[:READ_LIMIT]
        if report.apart is not None:
            token = report.token if mailbox is not None else None
            await self.receipts.keep_apart("email", report.apart, kept, token=token)
        for receipt in report.receipts:
            await self._take(_by_its_reader(receipt, report.signer, mailbox), kept)
            kept = b""  # it is kept once

    async def take_text(self, inbound: Inbound, raw: bytes) -> None:
        """One receipt of a provider of text messages, or a message that somebody sent. Raises StoreUnavailable."""
        match inbound:
            case Receipt():
                if inbound.delivery is not None and inbound.delivery.startswith((ALARM_IDS, CODE_IDS)):
                    return  # of what was sent to the operator, or of a code: no notice, and nobody waits for it
                await self._known(inbound)
                await self._take(inbound, raw)
            case Reply():
                await self._take_reply(inbound, raw)
            case Unreadable(why=why):
                await self.receipts.keep_apart("sms", why, raw)

    async def _take_reply(self, reply: Reply, raw: bytes) -> None:
        meaning = replies.read(reply.text)
        if meaning is None:
            return await self.receipts.keep_apart("sms", "reply", raw)
        digest = reply_digest(self.secret, reply.source, meaning.code or "")
        found = await self._look(lambda unit: unit.delivery_by_reply(digest))
        if found is not None:
            delivery, code = found[0], reply_code(self.secret, found[0].id)
            receipt = replies.receipt(reply, meaning, delivery=delivery.id, sent_to=delivery.address, code=code)
            if receipt is not None:
                return await self._take(receipt, raw)
        elif meaning.answer == "seen" and self.replied is not None and await self.replied(digest):
            return None
        return await self.receipts.keep_apart("sms", f"reply_{meaning.answer}", raw)

    async def _read(self, raw: bytes, recipient: str, now: datetime, trust: Trust) -> Report:
        if len(raw) < IN_A_THREAD:
            return read(raw, recipient, now, addresses=self.addresses, trust=trust)
        return await asyncio.to_thread(read, raw, recipient, now, addresses=self.addresses, trust=trust)

    async def _written_to(self, recipient: str, raw: bytes) -> tuple[Found | None, str]:
        """The delivery whose receipts come back to ``recipient``. Where that is the one address that all notices come
        from, the delivery that the mail says it answers, and the address of that one's own: whoever knows its id has
        seen as much as whoever knows its token."""
        tokens = (one.token(recipient) for one in self.addresses)
        token = next((one for one in tokens if one is not None), None)
        if token is not None:
            digest = token_digest(token)
            return await self._look(lambda unit: unit.delivery_by_receipt(digest)), recipient
        found = None if self.replies is None else await self.replies.answered(raw)
        if found is None or not self.addresses:
            return found, recipient
        return found, self.addresses[0].address(receipt_token(self.secret, found[0].id))

    async def _take(self, receipt: Receipt, raw: bytes) -> None:
        """What is about a child who was erased is kept apart: told to send it again, they would do so for days."""
        try:
            await self.receipts.take(receipt, raw)
        except Unsealable:
            await self.receipts.keep_apart(receipt.channel, "unsealable", raw)

    async def _look(self, work: Callable[[Unit], Awaitable[Found | None]]) -> Found | None:
        try:
            return await self.store.read(work)
        except Unsealable:
            return None

    async def _known(self, receipt: Receipt) -> None:
        reference = receipt.provider_reference
        if receipt.delivery is not None or reference is None:
            return
        for _ in range(LOOKS):
            if await self._look(lambda unit: unit.delivery_by_reference(receipt.channel, reference)):
                return
            await self.clock.sleep(LOOK_EVERY)


def _by_its_reader(receipt: Receipt, signer: str | None, mailbox: str | None) -> Receipt:
    """A notification that somebody else signed than whom the notice went to is not proven by that."""
    if signer is None or (mailbox is not None and same_mailbox(signer, mailbox)):
        return receipt
    return replace(receipt, code=receipt.code.removesuffix(" signed") + " unverified")


def _return_path(raw: bytes) -> str | None:
    """MAIL FROM as the mail server in front put it there (RFC 5321 4.4)."""
    found = [value for name, value in Part.of(raw[:READ_LIMIT]).fields if name == "return-path"]
    return found[0] if found else None
