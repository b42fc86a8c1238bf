"""The ledger's rows as the services see them: plain values, sealed and opened by the store.

Fields marked *personal* are stored only sealed (vault.py); everything else is opaque ids, organisation codes, roles,
kinds, states and instants, and may stand in clear. All datetimes are aware, in UTC. Ids are made by the hub
(``hub/edge/ids.py``) and sort by creation time.
"""

from collections.abc import Hashable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from adapters.port import ReceiptKind
from hub.core.conversation import Message
from hub.core.holds import Hold
from hub.core.summary import EpisodeState as EpisodeState
from hub.core.summary import EpisodeSummary as EpisodeSummary
from hub.core.summary import MessageStatus as MessageStatus
from routing.decision import Decision, DutyState, Kind, Priority, Rule

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
DeliveryState = Literal["due", "leased", "sent", "failed", "cancelled"]
"""``due`` waits for ``due_at``; ``leased`` is in a worker's hands until ``lease_until``; the rest are final."""
Purpose = Literal["notice", "chase", "deputy", "duty_team", "silent", "handover"]
"""Why a delivery was made: the first way of telling, the next step of the desk's plan, the desk's deputy, the emergency
duty team, a reminder where all went silent, or the sender's manager, who is asked to ring instead."""


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
class EpisodeRecord:
    """One absence of one child, from report to return."""

    id: str
    source: str
    child: str
    """ChildId made by the hub (keyed by source + child.ref); names the data key everything personal is sealed with."""
    ref: str
    """The source's own reference. Personal; found again by keyed hash."""
    organisation: str | None
    """GSS code of the authority that owns the row: responsible if looked after, else host."""
    state: EpisodeState
    category: Literal["missing", "away"] | None
    status: MessageStatus
    ever_missing: bool
    """Missing at any time of the episode: what counts and thresholds ask (readings.md D17)."""
    since: datetime | None
    ended_at: datetime | None
    revision: int
    """Number of the newest revision of the facts, in order of arrival; 0 before the report."""
    version: int
    """Rises with every write; a writer that read an older one has lost the race."""
    wake_at: datetime | None
    """The next instant at which the clock has something to do here; coarse where it would show a birthday."""
    memory: bytes = field(repr=False)
    """What the fold remembers besides facts, duties and register (canonical JSON). Personal."""
    erased: bool = False
    """The child's data key was destroyed: what was personal is gone, and what is read in its place stands for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DutyRecord:
    """A timed obligation of somebody. Identified by episode + code + occurrence + ordinal."""

    episode: str
    code: str
    occurrence: int
    ordinal: int
    """How often this duty has started anew in the episode (0 the first time)."""
    owner: str
    """A role, or ``hub``."""
    opened_at: datetime
    due_at: datetime
    """Sealed for ``adulthood``, whose date is a birthday."""
    state: DutyState
    closed_at: datetime | None
    closed_by: str | None
    """``event:ID`` (sealed, with the sender's id) or ``duty:CODE``."""
    rules: tuple[Rule, ...]
    detail: Mapping[str, Any]
    """The engine's own notes (start of the clock, reminders sent …): instants, numbers and codes only; sealed with
    ``due_at`` where that is sealed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterRecord:
    """One entry of a missing child in the register of one organisation under one role."""

    id: str
    episode: str
    organisation: str
    role: str
    received_at: datetime
    remove_at: datetime
    removed_at: datetime | None = None
    removed_by: str | None = None
    """``event:ID`` (sealed) or ``duty:CODE``."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmRecord:
    """Something a human has to look at, with an owner. Content-free."""

    id: str
    kind: str
    """``gap``, ``quarantine``, ``not_ours``, ``redirected``, ``undeliverable``, ``no_certificate``, …"""
    owner: str
    """Organisation code, or ``operator``."""
    episode: str | None = None
    notice: str | None = None
    contact: str | None = None
    """Which way of the notice it is about, where several may fail: the contact's id, or the channel of an address that
    the events gave."""
    reason: str = ""
    raised_at: datetime
    cleared_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditLine:
    """One line of the audit log: ids, codes and keyed digests only. Linked into the chain later."""

    id: str
    at: datetime
    actor: str
    """``source:ID``, ``hub``, ``recipient:DELIVERY``, ``operator``, ``token:NAME``."""
    action: str
    """``event.accepted``, ``notice.created``, ``attempt.finished``, ``notice.acknowledged``, …"""
    organisation: str | None = None
    episode: str | None = None
    subject: str | None = None
    """The id of the row it is about."""
    detail: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEpisode:
    """Everything the core needs to fold one more event into an episode."""

    record: EpisodeRecord
    doc: Mapping[str, Any] = field(repr=False)
    """The facts at the newest revision; empty before the report. Personal."""
    duties: tuple[DutyRecord, ...]
    register: tuple[RegisterRecord, ...]
    holds: tuple[Hold, ...] = ()
    """Of the police, that stand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Silenced:
    """A person who is withheld or held from now on: whatever has not gone out to them stays here (readings.md C5)."""

    role: str
    person: str = field(repr=False)
    state: Literal["withheld", "held"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """All that one event (or one tick of one episode's clock) writes, in one transaction."""

    event: EventRecord | None
    episode: EpisodeRecord
    expected_version: int | None
    """The version that was read; None where the episode is new."""
    doc: Mapping[str, Any] | None = field(default=None, repr=False)
    """The facts of the new revision, if it changed; stored under ``episode.revision``."""
    applied_events: tuple[str, ...] = ()
    """EventRecord.ids of kept events that this change applied."""
    decisions: tuple[DecisionRecord, ...] = ()
    notices: tuple[NoticeRecord, ...] = ()
    deliveries: tuple[DeliveryRecord, ...] = ()
    supersede: bool = False
    """Found, returned or retraction: every notice of this episode not yet sent that is not of this change, and whose
    kind they overtake (``missing``, ``away``, ``concern``, ``update``, ``renotification`` …), becomes superseded and
    its deliveries cancelled, in the same transaction (readings.md D8)."""
    supersede_kinds: tuple[Kind, ...] = ()
    silenced: tuple[Silenced, ...] = ()
    """Their earlier notices not yet sent take this state, and the deliveries are cancelled."""
    duties: tuple[DutyRecord, ...] = ()
    """New and changed ones."""
    register: tuple[RegisterRecord, ...] = ()
    """New and changed ones."""
    alarms: tuple[AlarmRecord, ...] = ()
    quarantine: tuple[QuarantineRecord, ...] = ()
    audit: tuple[AuditLine, ...] = ()


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """What is known of what an event is about, when it arrives."""

    child: str
    """The hub's id of the child."""
    stored: StoredEpisode | None
    kept: Sequence[EventRecord] = ()
    """Those that waited for this report."""
    history: Sequence[EpisodeSummary] = ()
    """The child's other episodes."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracked:
    """A notice with all its ways and what became of each: what escalation decides on."""

    notice: NoticeRecord
    decision: Decision
    child: str
    deliveries: tuple[tuple[DeliveryRecord, tuple[AttemptRecord, ...]], ...]
    """In the order they were made."""
    answers: tuple[AcknowledgementRecord, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Chased:
    """What one look at a notice writes, in one transaction."""

    notice: NoticeRecord
    """With its new state and ``chase_at``."""
    deliveries: tuple[DeliveryRecord, ...] = ()
    alarms: tuple[AlarmRecord, ...] = ()
    audit: tuple[AuditLine, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """What one receipt writes, in one transaction."""

    receipt: ReceiptRecord
    attempt: AttemptRecord | None
    delivery: str
    state: DeliveryState
    notice: NoticeRecord
    """With its new state and ``chase_at``."""
    alarms: tuple[AlarmRecord, ...] = ()
    audit: tuple[AuditLine, ...] = ()


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
