"""What an event, a tick, a chase or a receipt writes in one transaction."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hub.core.records.deliveries import AttemptRecord, DeliveryRecord, DeliveryState, ReceiptRecord
from hub.core.records.episodes import DutyRecord, EpisodeRecord, RegisterRecord
from hub.core.records.notices import AcknowledgementRecord, DecisionRecord, Moved, NoticeRecord, Silenced
from hub.core.records.sources import EventRecord, QuarantineRecord
from hub.core.records.watching import AlarmRecord, AuditLine
from routing.decision import Decision, Kind


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
    moved: tuple[Moved, ...] = ()
    """What is due to them there is cancelled, and their notices are looked at again at once."""
    duties: tuple[DutyRecord, ...] = ()
    """New and changed ones."""
    register: tuple[RegisterRecord, ...] = ()
    """New and changed ones."""
    alarms: tuple[AlarmRecord, ...] = ()
    quarantine: tuple[QuarantineRecord, ...] = ()
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
