"""Answers that people send from a mail program: into the conversation on their episode, or apart with the reason.

Whoever has seen a notice's mail knows whom it answers, and can write anything; so nothing of an answer is shown to
anybody but what its reader signed, inside what was encrypted to the hub. The rest is kept for the operator, and its
author told how to answer, of which nothing can be learnt: the same words whatever was wrong, to nobody but the domain
that was written to, once an hour, and to few of it.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final, Protocol

from adapters.email.chain import Trust
from adapters.email.opened import LARGEST
from adapters.email.parts import Part
from adapters.email.reply import Answer, Refused, answered, author_of, read_reply
from adapters.email.smime import Signer
from adapters.port import Receipt
from contacts.directory import Directory
from contacts.roles import OPERATOR
from hub.core.records import DeliveryRecord, NoticeRecord
from hub.core.tokens import place_of
from hub.service.ports import Clock, Store, Unit, Unsealable
from hub.service.receipts import Found, Receipts

SIGNED: Final = "answer signed"
"""Code of the receipt that such an answer is as well: nobody answers what nobody has read."""
AGAIN_AFTER: Final = timedelta(hours=1)
MOST_TOLD: Final = 5
"""Authors that are told within that time, of one delivery: whoever knows which it is can say that they are anybody."""
_LOOKED_UP: Final = 5
"""Messages that one mail may say it answers, and that are looked for."""
_HEAD: Final = 64 * 1024
_DELIVERY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_MACHINES = re.compile(r"(?:mailer-daemon|postmaster|no-?reply|do-?not-?reply|bounces?|owner-|[^@]*-request@)", re.I)
_OF_LISTS = frozenset({"list-id", "list-post", "list-unsubscribe", "list-help", "mailing-list", "x-loop"})
_NO_ADVICE: Final = frozenset({"nothing_said", "no_author"})
"""Who sent their signature and nothing else, and nobody. In any other case, a fault of ours too, they are told, or that
they are not would say that it opened."""
SUBJECT: Final = "Your answer was not passed on"
ADVICE: Final = (
    "You answered a secure notice by e-mail. Your answer has not been passed on, as it did not come to us both "
    "encrypted and signed with a certificate that we know to be yours. It is kept, and the operator has been told.\n\n"
    "Please answer again in one of these ways:\n\n"
    "- open the link in the notice, or sign in where you read your notices, and answer there;\n"
    "- or answer the notice itself in your mail program, and have the answer both encrypted and digitally signed "
    "(S/MIME), with the certificate for the address that the notice came to.\n\n"
    "Send nothing about a child unencrypted. If a child is in danger, ring 999.\n"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a reader of a notice answered, and to which."""

    delivery: DeliveryRecord
    notice: NoticeRecord
    answer: Answer = field(repr=False)


class Conversations(Protocol):
    """Where answers go."""

    async def join(self, reply: Reply) -> str | None:
        """Put it into the conversation, once, however often it comes. None where it stands there now, whole; else a
        code. Raises StoreUnavailable."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Replies:
    """``keys``: whatever answers may be encrypted to. ``domain``: of the hub's Message-IDs. ``tell`` sends
    :data:`ADVICE`. Without ``conversations`` each answer is for the operator."""

    receipts: Receipts
    store: Store
    clock: Clock
    directory: Callable[[], Directory]
    secret: bytes = field(repr=False)
    keys: Sequence[Signer] = field(repr=False)
    domain: str
    tell: Callable[[str], Awaitable[None]] = field(repr=False)
    trust: Trust = field(default_factory=Trust, repr=False)
    conversations: Conversations | None = None

    async def answered(self, raw: bytes) -> Found | None:
        """The delivery that a mail says it answers, where it came to an address that is not of one delivery alone."""
        named = [one for one, domain in answered(_head(raw)) if domain == self.domain]
        for delivery in [one for one in named if _DELIVERY.fullmatch(one)][:_LOOKED_UP]:
            found = await self._found(delivery)
            if found is not None and found[0].channel == "email":
                return found
        return None

    async def read(self, raw: bytes, found: Found) -> Answer | Refused:
        """Who wrote it and what it says, or why it is not believed."""
        now, mailboxes = self.clock.now(), self._mailboxes(found[0])
        on_file = [one for mailbox in mailboxes for one in self.directory().certificates(mailbox)]
        pinned = self.trust.pinned | {one.fingerprint for one in on_file if one.pinned}
        trust = replace(self.trust, pinned=pinned)
        return await asyncio.to_thread(read_reply, raw, keys=self.keys, mailboxes=mailboxes, now=now, trust=trust)

    async def take(self, raw: bytes, found: Found, answer: Answer | Refused, sender: str | None) -> None:
        """Pass it on, or keep it apart; durable on return. ``sender``: MAIL FROM; None if nobody knows. Raises
        StoreUnavailable."""
        kept = raw[:LARGEST]
        if isinstance(answer, Refused):
            await self.receipts.keep_apart("email", answer.why, kept, notice=found[1])
            if answer.why not in _NO_ADVICE:
                await self._advise(_head(raw), found[0], sender)
            return
        why = await self._join(Reply(delivery=found[0], notice=found[1], answer=answer))
        if why is not None:
            await self.receipts.keep_apart("email", why, kept, notice=found[1])
        seen = Receipt(channel="email", kind="displayed", at=answer.written_at, delivery=found[0].id, code=SIGNED)
        await self.receipts.take(seen, kept if why is None else b"")

    async def _join(self, reply: Reply) -> str | None:
        named = reply.answer.references
        if named and reply.notice.reference not in named:
            return "names_another"  # somebody on the way may have chosen which notice it answers
        return "not_passed_on" if self.conversations is None else await self.conversations.join(reply)

    async def _advise(self, message: Part, delivery: DeliveryRecord, sender: str | None) -> None:
        author = author_of(message)
        if author is None or not (sender or "").strip("<> ") or _from_a_machine(message, author):
            return
        domain = author.rpartition("@")[2].lower()
        if domain == self.domain or domain != delivery.address.rpartition("@")[2].lower():
            return
        now = self.clock.now()
        of_author = place_of(self.secret, "told how to answer", author.lower())
        of_delivery = [
            place_of(self.secret, f"told how to answer {number}", delivery.id) for number in range(MOST_TOLD)
        ]

        async def work(unit: Unit) -> bool:
            # What is spent cannot be spent again before it ends: on no node, and not after a restart.
            if not await unit.passkeys.spend(of_author, OPERATOR, now + AGAIN_AFTER, now):
                return False
            for place in of_delivery:
                if await unit.passkeys.spend(place, OPERATOR, now + AGAIN_AFTER, now):
                    return True
            return False

        if await self.store.write(work):
            await self.tell(author)

    def _mailboxes(self, delivery: DeliveryRecord) -> tuple[str, ...]:
        """Who may answer: those of the desk that was written to, as the directory has it now. Whoever has left it since
        may not; whoever is in no directory may from the mailbox that was written to."""
        if delivery.contact is None:
            return (delivery.address,)
        now, directory = self.clock.now(), self.directory()
        contact = directory.contact(delivery.contact, now)
        desk = () if contact is None else directory.contacts_of(contact.organisation, contact.desk, now)
        return tuple(one.address for one in desk if one.channel == "email")

    async def _found(self, delivery: str) -> Found | None:
        async def work(unit: Unit) -> Found | None:
            return await unit.delivery_by_id(delivery)

        try:
            return await self.store.read(work)
        except Unsealable:
            return None


def _from_a_machine(message: Part, author: str) -> bool:
    """Of a list, or of an address that nobody reads; whether it says that a machine wrote it was asked before."""
    fields: Mapping[str, str] = dict(message.fields)
    return (
        bool(_OF_LISTS & fields.keys())
        or fields.get("precedence", "").strip().lower() in ("list", "bulk", "junk")
        or _MACHINES.match(author) is not None
    )


def _head(raw: bytes) -> Part:
    return Part.of(raw[:_HEAD].removeprefix(b"\r\n"))
