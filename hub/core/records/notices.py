"""Who is told what and why, and how far that has come."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from hub.core.summary import MessageStatus
from routing.decision import Decision, Kind, Priority

NoticeState = Literal[
    "pending",
    "notified",
    "receipted",
    "acknowledged",
    "withheld",
    "held",
    "unresolved",
    "undeliverable",
    "overdue",
    "superseded",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionRecord:
    """A decision as it was taken. Its cause and every person's name are personal."""

    id: str
    event: str | None
    """EventRecord.id of the cause; the hub's own event for a duty that acts; None for reminders."""
    episode: str
    ordinal: int
    """Its place among the decisions of one instant and cause."""
    decision: Decision


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeRecord:
    """One obligation to tell one recipient one thing."""

    id: str
    reference: str
    """``FP-XXXX-XXXX``, what people quote to each other."""
    decision: str
    episode: str
    revision: int
    """The revision of the facts it was decided on, and is composed from (readings.md D9)."""
    kind: Kind
    priority: Priority
    roles: tuple[str, ...]
    organisation: str | None
    """Whose desk; for a circulation the member."""
    person: str | None = field(default=None, repr=False)
    """Personal."""
    gap_role: str | None = None
    """Set on a fallback desk's notice: the role that has no contact (readings.md D11)."""
    status: MessageStatus = "actual"
    state: NoticeState
    created_at: datetime
    state_at: datetime
    urgent: bool = False
    """Chased after the shorter of the waits (hub/core/escalation.py)."""
    chase_at: datetime | None = None
    """When somebody has to look at it again, if nobody answers; None once nothing more is to be done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Silenced:
    """A person who is withheld or held from now on: whatever has not gone out to them stays here (readings.md C5)."""

    role: str
    person: str = field(repr=False)
    state: Literal["withheld", "held"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """A person who is not reached there any more: whatever has not gone out to that address stays here."""

    role: str
    person: str = field(repr=False)
    address: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class AcknowledgementRecord:
    """A named human's answer to a notice. Append-only."""

    id: str
    notice: str
    delivery: str
    at: datetime
    answer: Literal["accepted", "not_ours", "redirected"]
    name: str = field(repr=False)
    """Sealed."""
    redirected_to: str | None = field(default=None, repr=False)
    """What somebody typed; sealed, and never an address anything is sent to (readings.md D12)."""
