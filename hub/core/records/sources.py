"""Case systems, and what they post."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceKey:
    """One verification key of a source. ``v1``: an HMAC secret; ``v1a``: an Ed25519 public key (32 bytes)."""

    id: str
    scheme: Literal["v1", "v1a"]
    key: bytes = field(repr=False)
    """Sealed at rest."""
    valid_from: datetime
    valid_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A case system that may post events."""

    id: str
    uri: str
    """What it puts into ``source``, for example ``urn:fingerpost:source:bromley-care``."""
    name: str
    authorities: frozenset[str]
    """GSS codes it may speak for."""
    force: str | None = None
    """A police force's source may speak for every authority that force polices."""
    keys: tuple[SourceKey, ...] = ()
    certificate: bytes | None = None
    """SHA-256 of the client certificate without which its key alone counts for nothing."""
    created_at: datetime
    disabled_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRecord:
    """One accepted event. Its identity (``source`` + ``id``) is remembered for ever as a keyed hash."""

    id: str
    source: str
    """Source.id, or ``hub`` for the hub's own events."""
    sender_id: str
    """The sender's event id. Personal (senders will get this wrong)."""
    digest: bytes
    """Keyed digest of the canonical JSON: "the same event" (readings.md D6)."""
    type: str
    time: datetime
    arrived_at: datetime
    episode: str
    """EpisodeRecord.id"""
    body: bytes = field(repr=False)
    """The event as it came. Personal."""
    answer: Mapping[str, Any] = field(repr=False)
    """The first answer, given again to a duplicate. Personal (it repeats the sender's ids)."""
    applied: bool = True
    """False while it is kept for a report that has not come (events.md, Order)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarantineRecord:
    """An authenticated body that could not be accepted. Never thrown away."""

    id: str
    source: str
    received_at: datetime
    reason: Literal["invalid", "stale_signature", "kept_event_invalid", "unreadable"]
    body: bytes = field(repr=False)
    """Sealed with the hub's own data key, as no child is known for sure."""
    problems: tuple[Mapping[str, str], ...] = ()
    """``{"path", "message"}``; sealed with the body."""
    resolved_at: datetime | None = None
