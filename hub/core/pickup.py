"""The rules of picking a notice up: who is let in, by which code, and when the link is dead. Pure.

The link travels in clear, so holding it proves nothing. A one-time code goes to a second channel on record of the same
reader, and only whoever has both sees the notice, for a quarter of an hour and in the browser that asked for the code.
"""

import hashlib
import hmac
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Literal, TypeAlias

from contacts.addresses import AddressProblem, parse_mobile, parse_phone
from contacts.model import Channel, Contact
from hub.core.ladder import given_contacts
from hub.core.records import DeliveryRecord, NoticeRecord
from hub.core.tokens import pickup_code_digest
from routing.decision import Kind, Recipient
from routing.recipients import school_given

CODE_LENGTH: Final = 8
"""Digits, as any keypad has them. With five tries a code and ten codes an hour nobody gets anywhere by guessing."""
CODE_LIFE: Final = timedelta(minutes=10)
MOST_TRIES: Final = 5
SESSION: Final = timedelta(minutes=15)
MOST_CODES_AN_HOUR: Final = 5
MOST_CODES: Final = 30
"""In the life of a link."""
BETWEEN_CODES: Final = timedelta(seconds=30)
"""A text message takes a while: whoever presses again at once would only get two."""
HOUR: Final = timedelta(hours=1)
SLACK: Final = timedelta(minutes=1)
"""By how much the clocks of two nodes may differ. What was made later than that from now was made before the clock was
set back: it would live too long, so it is over."""
CODE_IDS: Final = "pv_"
"""What the ids of visits, under which codes are sent, begin with: what comes back about them is no receipt."""
NOTHING_TO_COLLECT: Final[frozenset[Kind]] = frozenset({"verification"})

Refusal: TypeAlias = Literal["moment", "hour", "ever", "no_channel", "not_sent"]
"""Why no code went out: one went a moment ago, too many in this hour, too many in all, there is no way to send one by,
or the provider did not take it."""
Death: TypeAlias = Literal["withheld", "superseded", "called_off", "no_reader", "too_old", "too_often"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long a link lives."""

    openings: int
    life: timedelta
    """From the last time that it was sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One browser that asked for a code, and what became of it."""

    id: str
    delivery: str
    organisation: str | None
    channel: Channel
    """Which the code went by."""
    asked_at: datetime
    browser: bytes = field(repr=False)
    """SHA-256 of what the browser bears; another one once it was let in."""
    code: bytes = field(repr=False)
    """Keyed digest of the code; empty once it was used."""
    tries: int = 0
    failed: bool = False
    """The provider did not take the code."""
    opened_at: datetime | None = None
    viewed_at: datetime | None = None
    """When the notice was first shown to it."""


def made_code(randomness: str) -> str:
    """A code out of at least 128 random bits."""
    number = int.from_bytes(hashlib.sha256(b"pickup code\0" + randomness.encode()).digest())
    return f"{number % 10**CODE_LENGTH:0{CODE_LENGTH}d}"


def spoken(code: str) -> str:
    """``1234 5678``: as it is sent."""
    return f"{code[: CODE_LENGTH // 2]} {code[CODE_LENGTH // 2 :]}"


def typed(text: str) -> str | None:
    """The code as somebody typed it, spaces and hyphens aside; None if it cannot be one."""
    digits = "".join(text.split()).replace("-", "").replace("–", "")
    return digits if len(digits) == CODE_LENGTH and digits.isascii() and digits.isdigit() else None


def is_right(secret: bytes, visit: Visit, code: str) -> bool:
    """Whether this is the code of this visit; takes as long for every wrong one."""
    return hmac.compare_digest(visit.code, pickup_code_digest(secret, visit.id, code))


def code_lives(visit: Visit, now: datetime) -> bool:
    """Whether the visit's code may still be tried."""
    if visit.opened_at is not None or visit.failed or visit.tries >= MOST_TRIES:
        return False
    return visit.asked_at - SLACK <= now < visit.asked_at + CODE_LIFE


def session_lives(visit: Visit, now: datetime) -> bool:
    """Whether the browser of this visit is shown the notice."""
    return visit.opened_at is not None and visit.opened_at - SLACK <= now < visit.opened_at + SESSION


def may_ask(visits: Iterable[Visit], now: datetime) -> Refusal | None:
    """Why no further code is sent for the delivery of these visits; None if one is. A clock that was set back frees
    nobody of what they have asked for."""
    asked = [visit for visit in visits]
    if len(asked) >= MOST_CODES:
        return "ever"
    if sum(visit.asked_at > now - HOUR for visit in asked) >= MOST_CODES_AN_HOUR:
        return "hour"
    # The next one at once where the last did not go out at all.
    if any(now - BETWEEN_CODES < visit.asked_at <= now + SLACK and not visit.failed for visit in asked):
        return "moment"
    return None


def openings(visits: Iterable[Visit]) -> int:
    """How often the notice was opened: by a code, not by a look at the page, which scanners take too."""
    return sum(visit.opened_at is not None for visit in visits)


def over(
    notice: NoticeRecord, delivery: DeliveryRecord, *, kept: Literal["withheld", "held"] | None, overtaken: bool
) -> Death | None:
    """Why the notice must be shown to nobody any more; None if it may. ``kept``: its reader must not be told now."""
    if kept is not None or notice.state in ("withheld", "held"):
        return "withheld"
    if overtaken or notice.state == "superseded":
        return "superseded"
    return "called_off" if delivery.state == "cancelled" else None


def worn_out(sent_at: datetime, opened: int, limits: Limits, now: datetime) -> Death | None:
    """Why the link lets nobody in any more; whoever is inside stays there."""
    if now >= sent_at + limits.life:
        return "too_old"
    return "too_often" if opened >= limits.openings else None


def other_channels(
    reader: Iterable[Contact], went: Channel, used: Collection[str], channels: Collection[str], on_duty: Collection[str]
) -> tuple[Contact, ...]:
    """The contacts of a reader that a code may go to, the best first: a mobile where the link went by e-mail or push, a
    mailbox where it went by text message, else another of the same channel. Never a system, and never an address that
    the link itself went to (``used``). ``on_duty``: ids of the contacts that somebody looks at now."""
    best: Mapping[Channel, int] = {"email": 0, "sms": 1} if went == "sms" else {"sms": 0, "email": 1}
    taken = {same_address(one) for one in used}
    found = [
        one
        for one in reader
        if one.channel in best and one.channel in channels and same_address(one.address) not in taken and _reads(one)
    ]
    return tuple(sorted(found, key=lambda one: (best[one.channel], one.id not in on_duty, one.order, one.id)))


def same_address(text: str) -> str:
    """One text for an address however it is written: an event may write today what it wrote otherwise when the link
    went out, and a code to the same telephone would prove nothing."""
    try:
        return parse_phone(text)
    except AddressProblem:
        return text.strip().lower()


def _reads(contact: Contact) -> bool:
    """Whether a code can be read there: the telephone of a home or a school may be a landline."""
    if contact.channel != "sms":
        return True
    try:
        parse_mobile(contact.address)
    except AddressProblem:
        return False
    return True


def given_reader(
    notice: NoticeRecord, persons: Mapping[str, Mapping[str, Any]], doc: Mapping[str, Any]
) -> tuple[Contact, ...]:
    """The ways to a reader whom no directory has, as the events give them now: a person, or a school."""
    role = notice.roles[0]
    recipient = Recipient(role=role, organisation=notice.organisation, person=notice.person)
    if notice.person is None:
        return given_contacts(school_given(doc, notice.organisation), recipient) if role == "school" else ()
    return given_contacts(persons.get(f"{role}/{notice.person}", {}), recipient)


def not_failed_first(ways: Sequence[Contact], visits: Iterable[Visit], now: datetime) -> tuple[Contact, ...]:
    """The same, those last whose channel did not take a code within the hour."""
    failed = {visit.channel for visit in visits if visit.failed and visit.asked_at > now - HOUR}
    return tuple(sorted(ways, key=lambda one: one.channel in failed))


def masked(contact: Contact) -> str:
    """Where the code goes, so that its owner knows it and nobody else learns it."""
    if contact.channel == "sms":
        return f"a text message to the number ending {contact.address[-3:]}"
    local, _, domain = contact.address.rpartition("@")
    return f"an e-mail to {local[:1]}…@{domain}"
