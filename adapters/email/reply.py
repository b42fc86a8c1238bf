"""An answer that a person sent from a mail program: who wrote it and what it says, or why it is not believed. Pure.

Believed is what was encrypted to the hub and, inside that, signed by a mailbox that may answer: the one that was
written to, or another of the same desk. The From field stands outside and must say the same, as people go by it.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import getaddresses
from typing import Final, Literal

from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from adapters.email.address import InvalidField, same_mailbox, wire_address
from adapters.email.chain import MALFORMED, Trust, fingerprint
from adapters.email.fields import one_line
from adapters.email.opened import NotOpened, Opened, Shut, open_mail
from adapters.email.parts import Part
from adapters.email.said import Said, clean, said
from adapters.email.signed import Doubt, Proven
from adapters.email.smime import Signer

Unsafe = Literal[Shut, Doubt, "no_author", "from_mismatch", "not_its_reader", "nothing_said", "fault"]
"""Why nothing joins a conversation. ``no_author``: no one address in From. ``from_mismatch``: the protected From is
another. ``not_its_reader``: signed well, by nobody who was written to."""
_EARLIEST = timedelta(days=30)
_REFERENCE = re.compile(r"\bFP-[0-9A-Z]{4}-[0-9A-Z]{4}\b")
_LONGEST_NAME = 100
_MOST_IDS: Final = 20
_MESSAGE_ID = re.compile(r"<([^<>\s@]{1,200})@([^<>\s@]{1,253})>")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What somebody wrote, and whose certificate proves it."""

    mailbox: str = field(repr=False)
    """As it goes on the wire."""
    name: str = field(repr=False)
    """What the certificate calls its holder; perhaps a desk's name, perhaps nothing."""
    certificate: str
    """Its fingerprint."""
    said: Said = field(repr=False)
    written_at: datetime
    """When it was signed, as far as that can be believed; else when it came."""
    digest: str
    """SHA-256 of what was signed, and when: the same answer, however often and wherever it comes. The same words that
    somebody signs again, of another sighting, are another answer."""
    references: frozenset[str]
    """Of notices, that it names."""
    inside: bytes = field(repr=False)
    """All that was encrypted, for a notification that may be in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Nothing of it is handed on, whether or not it opened."""

    why: Unsafe


def read_reply(
    raw: bytes, *, keys: Sequence[Signer], mailboxes: Sequence[str], now: datetime, trust: Trust
) -> Answer | Refused:
    """``keys``: whatever may have been encrypted to. ``mailboxes``: who may answer. ``trust``: whose certificates prove
    it, their pinned ones among them. Never raises."""
    try:
        opened = open_mail(raw, keys)
        if isinstance(opened, NotOpened):
            return Refused(why=opened.why)
        return _judged(opened, Part.of(raw.removeprefix(b"\r\n")), mailboxes, now, trust)
    except Exception:
        # Whoever stores it must not fail over it: the mail would come again for days, and then be lost.
        return Refused(why="fault")


def author_of(message: Part) -> str | None:
    """The one mailbox in the one From field, as it goes on the wire."""
    fields = [value for name, value in message.fields if name == "from"]
    try:
        (field_,) = fields
        ((_, address),) = getaddresses([field_[:1000]])
        return wire_address(address)
    except (ValueError, InvalidField):
        return None


def answered(message: Part) -> tuple[tuple[str, str], ...]:
    """The message ids that it says it is an answer to, newest first, in two halves."""
    newest_last = f"{message.value('references')[-8000:]} {message.value('in-reply-to')[:1000]}"
    found = [(left, right.lower()) for left, right in _MESSAGE_ID.findall(newest_last)]
    return tuple(dict.fromkeys(reversed(found[-_MOST_IDS:])))


def _judged(opened: Opened, outside: Part, mailboxes: Sequence[str], now: datetime, trust: Trust) -> Answer | Refused:
    author = author_of(outside)
    if author is None:
        return Refused(why="no_author")
    proof = opened.signature.judged(author, now, trust)
    if not isinstance(proof, Proven):
        return Refused(why=proof)
    protected = any(name == "from" for name, _ in opened.content.fields)
    if protected and not same_mailbox(author_of(opened.content) or "", author):
        return Refused(why="from_mismatch")
    if not any(same_mailbox(author, one) for one in mailboxes):
        return Refused(why="not_its_reader")
    words = said(opened.content)
    if not words.text and not words.attached:
        return Refused(why="nothing_said")
    subject = opened.content.value("subject")
    named = _REFERENCE.findall(f"{subject}\n{words.text}\n{words.quoted}")
    return Answer(
        mailbox=author,
        name=_called(proof),
        certificate=fingerprint(proof.certificate.public_bytes(Encoding.DER)),
        said=words,
        written_at=_believed(proof.signed_at, now),
        digest=_digest(opened.signature.content, proof.signed_at),
        references=frozenset(named),
        inside=opened.inside,
    )


def _digest(content: bytes, signed_at: datetime | None) -> str:
    """``signed_at`` stands among the signed attributes: nobody on the way can make another of it."""
    said_at = "" if signed_at is None else signed_at.isoformat()
    return hashlib.sha256(hashlib.sha256(content).digest() + said_at.encode()).hexdigest()


def _called(proof: Proven) -> str:
    try:
        names = proof.certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    except MALFORMED:
        return ""
    name = one_line(clean(str(names[0].value))) if names else ""
    return "" if "@" in name else name[:_LONGEST_NAME]


def _believed(at: datetime | None, now: datetime) -> datetime:
    if at is None or at.tzinfo is None or not now - _EARLIEST <= at <= now:
        return now
    return at
