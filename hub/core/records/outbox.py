"""Deliveries as an operator asks for them, and calls them off."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from hub.core.records.deliveries import AttemptState, DeliveryState, Purpose
from hub.core.records.notices import NoticeState
from hub.core.records.watching import AlarmRecord, AuditLine
from hub.core.summary import EpisodeState, MessageStatus
from routing.decision import Kind, Priority


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """Which deliveries an operator asks for: those that meet all that is given."""

    state: DeliveryState | Literal["late", "stuck"] | None = None
    """``late``: due for longer than it should be, or leased beyond its lease. ``stuck``: late, or failed while nobody
    who has to know does. None: all that are not settled (due, leased, failed)."""
    channel: str | None = None
    organisation: str | None = None
    reason: str | None = None
    """Of the newest attempt."""
    created_before: datetime | None = None
    deliveries: tuple[str, ...] = ()
    """These only, whatever their state; empty for any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """A delivery with its notice as an operator sees it: all that stands in clear, and nothing sealed."""

    delivery: str
    notice: str
    reference: str
    episode: str
    episode_state: EpisodeState
    organisation: str | None
    roles: tuple[str, ...]
    gap_role: str | None
    kind: Kind
    priority: Priority
    status: MessageStatus
    notice_state: NoticeState
    chase_at: datetime | None
    channel: str
    contact: str | None
    purpose: Purpose
    carries: Literal["content", "alert"]
    state: DeliveryState
    created_at: datetime
    due_at: datetime
    lease_until: datetime | None
    attempts: int
    attempt_state: AttemptState | None
    """Of the newest attempt, as are the next two."""
    reason: str | None
    attempted_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CalledOff:
    """What it writes that an operator cancels deliveries, in one transaction."""

    deliveries: tuple[str, ...]
    undeliverable: tuple[str, ...] = ()
    """Notices that have no way left."""
    at: datetime
    alarms: tuple[AlarmRecord, ...] = ()
    audit: tuple[AuditLine, ...] = ()
