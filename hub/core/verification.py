"""Proof of life: which contacts have to show that they work, when each is asked, and what counts against it.

What proves itself is a place: one address of one organisation, with the certificates on file for it, however many desks
it serves. A changed address or certificate is another place, and is asked anew. None of it is ever a reason not to send
a notice.
"""

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from math import ceil
from typing import Final, Literal

from contacts.directory import Directory
from contacts.model import Contact, in_force, kept_under
from contacts.rota import LONDON
from hub.core.tokens import place_of, receipt_token, reply_code, reply_digest, token_digest, verify_token

State = Literal["waiting", "asking", "asked", "proved", "failed"]
"""``waiting`` for its turn; ``asking``: in a node's hands until ``next_at``; ``asked``, and nothing has come back;
``failed``: what was sent did not arrive, or could not be sealed."""
IDS: Final = "pv_"
"""What the ids of these messages begin with: what a provider reports of them is about no notice."""
LEASE: Final = timedelta(minutes=10)
"""How long a try is in one node's hands. After a crash it goes out once more at most, under the same Message-ID."""
LATER: Final = timedelta(hours=1)
"""When to try again what could not be handed over, which is no fault of the contact's."""
AGAIN: Final = timedelta(days=14)
"""When to ask again who has not answered, or could not be reached."""
DAY: Final = range(8, 20)
"""Hours, local time."""
MOMENT: Final = timedelta(minutes=10)
"""Nobody asks an address again that was asked less long ago."""
AHEAD: Final = timedelta(days=400)
"""By how much whoever is asked for by hand comes before those whose turn has come by itself."""
FORGOTTEN: Final = timedelta(days=30)
"""How long the proof of a place is kept that is not in the directory any more: an import may be taken back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """``every``: how long a proof is good. ``within``: how long there is to answer. ``per_hour``: how many are asked at
    most, over all nodes."""

    every: timedelta
    within: timedelta
    per_hour: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """An address that has to prove itself, as the directory has it now."""

    mark: bytes
    """Digest over organisation, channel, address and certificates, under a secret."""
    place: bytes
    """Likewise over channel and address: what a failed notice is held against."""
    contacts: tuple[Contact, ...] = field(repr=False)
    """All of the organisation that have this address, by id; never empty."""

    @property
    def first(self) -> Contact:
        """By whose id it is called."""
        return self.contacts[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """How a place stands. Ids, codes, digests and instants only."""

    mark: bytes
    place: bytes
    organisation: str
    channel: str
    contact: str
    """Id of one contact with this address."""
    state: State
    id: str
    """Of the present round; its token is derived from it."""
    token_digest: bytes
    receipt_digest: bytes
    reply_digest: bytes | None
    since: datetime | None = None
    """When the present round began; None before its first try, and once it is proved."""
    asks: int = 0
    """Messages of this round that went out."""
    asked_at: datetime | None = None
    proved_at: datetime | None = None
    """The newest proof, also while a new round runs."""
    failed_at: datetime | None = None
    reason: str = ""
    next_at: datetime
    """Not asked before."""
    provider_reference: str | None = None
    alarm: str | None = None
    """The alarm that its owner has because of it."""
    gone_at: datetime | None = None
    """Since when the directory does not have it."""

    @property
    def delivery(self) -> str:
        """Message-ID and reference of the present try: another for each message, the same if one is sent again."""
        return f"{self.id}.{self.asks + 1}"

    @property
    def is_over(self) -> bool:
        """Whether its proof was taken back after the round: what was sent then says nothing of how it is now."""
        return self.state == "failed" and self.since is None

    def is_late(self, within: timedelta, now: datetime) -> bool:
        """Whether the round has run for longer than that without a proof."""
        return self.state != "proved" and self.since is not None and self.since + within <= now


def places(directory: Directory, channels: Collection[str], secret: bytes, now: datetime) -> Mapping[bytes, Place]:
    """Every address in force on these channels, by mark."""
    found: dict[bytes, list[Contact]] = {}
    for contact in sorted(directory.bundle.contacts, key=lambda one: one.id):
        if contact.channel in channels and in_force(contact, now):
            found.setdefault(_mark(directory, contact, secret), []).append(contact)
    return {
        mark: Place(mark=mark, place=_place(contacts[0], secret), contacts=tuple(contacts))
        for mark, contacts in found.items()
    }


def may_be_asked(directory: Directory, place: Place, now: datetime) -> bool:
    """Whether it is in the hours of one of its contacts; by day, where they have none: this wakes nobody."""
    day = now.astimezone(LONDON).hour in DAY
    return any(
        (day or one.hours is not None) and one in directory.desk_now(one.organisation, one.desk, now)
        for one in place.contacts
    )


def budget(terms: Terms, asked_in_the_hour: int, seconds: float) -> int:
    """How many may be asked now, if one looks every so many seconds: evenly, never a burst."""
    return max(0, min(ceil(terms.per_hour * seconds / 3600), terms.per_hour - asked_in_the_hour))


def waiting(place: Place, id: str, secret: bytes, now: datetime) -> Verification:
    """A place that has never been asked."""
    first = place.first
    texts = first.channel == "sms"
    return Verification(
        mark=place.mark,
        place=place.place,
        organisation=first.organisation,
        channel=first.channel,
        contact=first.id,
        state="waiting",
        id=id,
        token_digest=token_digest(verify_token(secret, id)),
        receipt_digest=token_digest(receipt_token(secret, id)),
        reply_digest=reply_digest(secret, first.address, reply_code(secret, id)) if texts else None,
        next_at=now,
    )


def claimed(before: Verification, place: Place, id: str, secret: bytes, now: datetime) -> Verification:
    """In a node's hands. Once a proof is over a new round begins under ``id``, whose links are others."""
    if before.state != "waiting" and before.since is None:
        before = replace(
            waiting(place, id, secret, now),
            asked_at=before.asked_at,
            proved_at=before.proved_at,
            failed_at=before.failed_at,
            alarm=before.alarm,
        )
    since = now if before.since is None else before.since
    return replace(before, state="asking", contact=place.first.id, since=since, next_at=now + LEASE)


def asked_by_hand(before: Verification, now: datetime) -> Verification | None:
    """Its turn is now; None where it is being asked, or was a moment ago."""
    if before.state == "asking" or (before.asked_at is not None and now - MOMENT < before.asked_at <= now):
        return None
    return replace(before, next_at=now - AHEAD)


def asked(before: Verification, reference: str | None, now: datetime) -> Verification:
    """It went out, or may have."""
    return replace(before, state="asked", asks=before.asks + 1, asked_at=now, next_at=now + AGAIN, reason="",
                   provider_reference=reference)  # fmt: skip


def put_off(before: Verification, now: datetime) -> Verification:
    """It could not be handed over, through no fault of the contact's."""
    return replace(before, state="asked" if before.asks else "waiting", next_at=now + LATER)


def failed(before: Verification, reason: str, now: datetime) -> Verification:
    """It did not arrive, or could not be sent to them."""
    return replace(before, state="failed", failed_at=now, reason=reason, next_at=now + AGAIN,
                   since=now if before.since is None else before.since)  # fmt: skip


def proved(before: Verification, terms: Terms, now: datetime) -> Verification:
    """Somebody, or their machine, has answered."""
    return replace(before, state="proved", proved_at=now, since=None, reason="", next_at=now + terms.every, alarm=None)


def _place(contact: Contact, secret: bytes) -> bytes:
    return place_of(secret, contact.channel, kept_under(contact.address))


def _mark(directory: Directory, contact: Contact, secret: bytes) -> bytes:
    held = sorted(one.fingerprint for one in directory.certificates(contact.address))
    parts = "\0".join((contact.organisation, *held)).encode()
    return hashlib.sha256(_place(contact, secret) + parts).digest()[:16]
