"""What an operator sees at a glance: counts, codes and ids, and nothing of any child."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal

from hub.core.records import (
    AcknowledgementRecord,
    AlarmRecord,
    AttemptRecord,
    DeliveryRecord,
    DeliveryState,
    EpisodeState,
    MessageStatus,
    Outgoing,
    ReceiptRecord,
)

OF_THE_DAY: Final[tuple[DeliveryState, ...]] = ("sent", "failed", "cancelled")
UNDER_WAY: Final[tuple[DeliveryState, ...]] = ("due", "leased")


NEWEST: Final = 20
"""Episodes that are listed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Newest:
    """An episode, as far as anybody may see it."""

    id: str
    category: Literal["missing", "away"] | None
    state: EpisodeState
    status: MessageStatus
    since: datetime | None
    organisation: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """``channels``: channel -> state -> how many deliveries; of what is settled, those made in the last day only.
    ``episodes``: state -> how many of the episodes reported today, without exercises and tests. Nothing sealed is
    opened for it: one child whose key is gone must not hide all the others."""

    channels: Mapping[str, Mapping[DeliveryState, int]]
    episodes: Mapping[EpisodeState, int]
    newest: tuple["Newest", ...] = ()
    """Episodes, newest first, without the hub's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WayOut:
    """How a channel's other end is, as one node has found it since it was started."""

    channel: str
    set_up: bool
    """There is something to send with."""
    answered_at: datetime | None = None
    """When a try last showed that it is there."""
    failing_since: datetime | None = None
    """Nothing but failures to reach it since then; None: it is there, or nobody has tried."""
    shut: int = 0
    """Systems of recipients that the hub calls itself, and leaves alone for a while as they do not answer."""
    in_hand: int = 0
    """Being sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Glance:
    """One look at the hub. ``overdue``: what should have happened by now, by name, with how many or how many seconds.
    ``parts``: the tasks of this node, and whether each lives."""

    overdue: Mapping[str, int]
    parts: Mapping[str, bool]
    alarms: tuple[AlarmRecord, ...]
    """Open, oldest first."""
    alarms_open: int
    stuck: tuple[Outgoing, ...]
    """Late, or failed while somebody still has to be told; oldest first."""
    more_stuck: bool
    figures: Figures
    ways: tuple[WayOut, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """An event of an episode, as far as anybody may see it."""

    event: str
    """EventRecord.id"""
    type: str
    arrived_at: datetime
    applied: bool
    """False while it is kept for a report that has not come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Carriage:
    """How an episode's notices were carried, what came back and who answered; each in the order of its notice's or
    delivery's own list."""

    deliveries: tuple[DeliveryRecord, ...]
    attempts: tuple[AttemptRecord, ...]
    receipts: tuple[ReceiptRecord, ...] = field(repr=False)
    answers: tuple[AcknowledgementRecord, ...] = field(repr=False)
