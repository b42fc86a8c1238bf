"""The ways that a notice takes, each try, and what came back."""

from collections.abc import Hashable, Mapping, MutableMapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from adapters.port import ReceiptKind
from hub.core.conversation import Message
from hub.core.holds import Hold
from hub.core.records.notices import NoticeRecord, NoticeState
from hub.core.records.watching import AlarmRecord, AuditLine
from routing.decision import Decision, Priority

AttemptState = Literal[
    "created",
    "sending",
    "sent",
    "delayed",
    "delivered",
    "temporary_failure",
    "permanent_failure",
    "technical_failure",
    "expired",
    "cancelled",
]


DeliveryState = Literal["due", "leased", "sent", "failed", "cancelled"]
"""``due`` waits for ``due_at``; ``leased`` is in a worker's hands until ``lease_until``; the rest are final."""


Purpose = Literal["notice", "chase", "deputy", "duty_team", "silent", "handover"]
"""Why a delivery was made: the first way of telling, the next step of the desk's plan, the desk's deputy, the emergency
duty team, a reminder where all went silent, or the sender's manager, who is asked to ring instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryRecord:
    """One way of carrying a notice: one contact, one channel."""

    id: str
    """Message-ID, SMS reference and idempotency key on every try."""
    notice: str
    episode: str
    channel: Literal["email", "sms", "push"]
    contact: str | None
    """Contact id in the directory; None for a person the event named."""
    address: str = field(repr=False)
    """Sealed."""
    priority: Priority
    group: str
    """Deliveries of one cause share it; within a group those with ``rank`` 0 are attempted before the others."""
    rank: int
    state: DeliveryState
    due_at: datetime
    attempts: int = 0
    lease_until: datetime | None = None
    leased_by: str | None = None
    token_digest: bytes
    """SHA-256 of the acknowledgement token, which is derived and never stored."""
    created_at: datetime
    purpose: Purpose = "notice"
    carries: Literal["content", "alert"] = "content"
    line: bytes = b""
    """Keyed hash of episode and address: notices of one line go out in the order they were made; empty for none."""
    jumps: bool = False
    """It waits for none before it: a stand-down never stands behind a stuck ``missing``."""
    destination: bytes = b""
    """Keyed hash of where it goes (mail domain, host): a slow one must not hold up the others; empty for no limit."""
    receipt_digest: bytes | None = None
    """SHA-256 of the token that receipts come back under."""
    redriven_after: int = 0
    """Attempts up to this number were made before an operator put it back: they use up none of its schedule."""
    reply_digest: bytes | None = None
    """What it is found by when a text message comes back with its code (hub/core/tokens.py); None: it is no text."""
    pickup_digest: bytes | None = None
    """SHA-256 of the token of its pick-up page; None: there is nothing to collect."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptRecord:
    """One try of a delivery. Appended when it starts, and given its result once."""

    delivery: str
    number: int
    """From 1."""
    started_at: datetime
    node: str
    state: AttemptState
    finished_at: datetime | None = None
    reason: str | None = None
    detail: str | None = None
    provider_reference: str | None = None
    digest: str | None = None
    certificate: str | None = None
    carried: Literal["content", "alert"] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptRecord:
    """What came back, as it came. Append-only; the state is derived from all of them."""

    id: str
    arrived_at: datetime
    channel: str
    kind: ReceiptKind | None
    """None where nothing could be understood."""
    at: datetime | None = None
    """When the reporter says it happened."""
    delivery: str | None = None
    """None: nobody knows what it is about (an unknown or forged token); kept apart and counted."""
    attempt: int | None = None
    code: str = ""
    """The reporter's status code; content-free."""
    why: str = ""
    """Why it was not matched or not believed: ``unknown``, ``malformed``, ``wrong_address`` …; empty if it was."""
    raw: bytes = field(default=b"", repr=False)
    """Sealed: with the child's data key, or the hub's where nobody knows the child."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedEndpoint:
    """An address of a contact that is gone for good, as the system behind it said: nothing more goes there."""

    contact: str
    channel: str
    organisation: str | None
    """Whose contact it is; None where the hub cannot tell."""
    address: str = field(repr=False)
    """Sealed."""
    closed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedDelivery:
    """A delivery under lease with all that composing it needs."""

    delivery: DeliveryRecord
    attempt: int
    """The number of the attempt that the claim started."""
    notice: NoticeRecord
    decision: Decision
    child: str
    doc: Mapping[str, Any] = field(repr=False)
    """The facts at the notice's revision."""
    previous: Mapping[str, Any] | None = field(default=None, repr=False)
    beside: tuple[DeliveryRecord, ...] = ()
    """Where it carries an alert: the ways by which the content of the notice goes, or has gone."""
    message: Message | None = field(default=None, repr=False)
    """What somebody wrote, where the notice carries that; with its pictures only where it is to be sent."""
    holds: tuple[Hold, ...] = ()
    """Of the police, that stand now."""
    shared: MutableMapping[Hashable, Any] = field(default_factory=dict, repr=False, compare=False)
    """One for all that were claimed together and tell of the same facts: what is the same for several of their readers
    is worked out once (hub/notices/shared.py)."""
    claimed_at: datetime | None = None
    """It goes to whoever is in force in the directory then, however long it was due; None: it is in nobody's hands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a delivery stands at this moment: what a result that comes in has to be measured against."""

    delivery: str
    state: DeliveryState
    leased_by: str | None
    notice: str
    notice_state: NoticeState
    attempts: tuple[AttemptRecord, ...]
    """All of them, by number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryResult:
    """What became of one attempt."""

    delivery: str
    attempt: AttemptRecord
    state: DeliveryState
    due_at: datetime | None = None
    """When to try again, if ``due``."""
    notice_state: NoticeState | None = None
    """The notice's new state, if this result moves it (states.py decides)."""
    receipt: ReceiptRecord | None = None
    """What the answer itself proved."""
    closed: ClosedEndpoint | None = None
    """Where it went to is gone for good."""
    alarms: tuple[AlarmRecord, ...] = ()
    audit: tuple[AuditLine, ...] = ()
