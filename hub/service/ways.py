"""Deliveries: the rows that say by which way a notice goes out, made when it is decided and when it is chased."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from contacts.directory import Directory
from contacts.model import Contact
from contacts.plans import Way
from hub.core.ladder import Ground
from hub.core.pickup import NOTHING_TO_COLLECT
from hub.core.records import DeliveryRecord, NoticeRecord, Purpose
from hub.core.tokens import (
    ack_token,
    destination_of,
    line_of,
    pickup_token,
    receipt_token,
    reply_code,
    reply_digest,
    token_digest,
)
from hub.service.ports import Ids
from routing.decision import Kind

STAND_DOWN: Final[frozenset[Kind]] = frozenset({"found", "returned", "retraction"})
"""They never stand in line behind what they make pointless. Nor does a message that touches whereabouts, to the
police."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ways:
    """Makes deliveries. ``channels`` are those that have a transport: a contact on another one cannot be used."""

    ids: Ids
    directory: Callable[[], Directory]
    secret: bytes = field(repr=False)
    """Behind the tokens of deliveries (hub/core/tokens.py)."""
    channels: Collection[str]
    sandbox: str | None = field(default=None, repr=False)
    """The one address that an exercise may reach besides the contacts that take part (events.md)."""

    def ground(self, now: datetime) -> Ground:
        """What the rungs stand on at this moment."""
        return Ground(directory=self.directory(), channels=self.channels, sandbox=self.sandbox, at=now)

    def delivery(
        self, notice: NoticeRecord, way: Way, now: datetime, *, purpose: Purpose, group: str, rank: int
    ) -> DeliveryRecord:
        """One way of a notice, due at once."""
        identity = self.ids.new("dl", now)
        contact = way.contact
        return DeliveryRecord(
            id=identity,
            notice=notice.id,
            episode=notice.episode,
            channel=contact.channel,
            contact=contact.id or None,
            address=contact.address,
            priority=notice.priority,
            group=group,
            rank=rank,
            state="due",
            due_at=now,
            token_digest=token_digest(ack_token(self.secret, identity)),
            created_at=now,
            purpose=purpose,
            carries=way.carries,
            line=line_of(self.secret, notice.episode, contact.address),
            jumps=notice.kind in STAND_DOWN or (notice.kind == "conversation" and notice.priority == "immediate"),
            destination=destination_of(self.secret, contact.channel, contact.address),
            receipt_digest=token_digest(receipt_token(self.secret, identity)),
            reply_digest=self._reply_digest(contact, identity),
            pickup_digest=None
            if notice.kind in NOTHING_TO_COLLECT
            else token_digest(pickup_token(self.secret, identity)),
        )

    def _reply_digest(self, contact: Contact, delivery: str) -> bytes | None:
        if contact.channel != "sms":
            return None
        return reply_digest(self.secret, contact.address, reply_code(self.secret, delivery))
