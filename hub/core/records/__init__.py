"""The ledger's rows as the services see them: plain values, sealed and opened by the store.

Fields marked *personal* are stored only sealed (vault.py); everything else is opaque ids, organisation codes, roles,
kinds, states and instants, and may stand in clear. All datetimes are aware, in UTC. Ids are made by the hub
(``hub/edge/ids.py``) and sort by creation time.

Imported from here, whichever module of this folder says what they are.
"""

from hub.core.records.changes import Changes, Chased, Received, Tracked
from hub.core.records.deliveries import (
    AttemptRecord,
    AttemptState,
    ClaimedDelivery,
    ClosedEndpoint,
    DeliveryRecord,
    DeliveryResult,
    DeliveryState,
    Purpose,
    ReceiptRecord,
    Standing,
)
from hub.core.records.episodes import Arrival, DutyRecord, EpisodeRecord, RegisterRecord, StoredEpisode
from hub.core.records.notices import AcknowledgementRecord, DecisionRecord, Moved, NoticeRecord, NoticeState, Silenced
from hub.core.records.outbox import CalledOff, Outgoing, Sought
from hub.core.records.sources import EventRecord, QuarantineRecord, Source, SourceKey
from hub.core.records.watching import AlarmRecord, AuditLine
from hub.core.summary import EpisodeState, EpisodeSummary, MessageStatus

__all__ = [
    "AcknowledgementRecord",
    "AlarmRecord",
    "Arrival",
    "AttemptRecord",
    "AttemptState",
    "AuditLine",
    "CalledOff",
    "Changes",
    "Chased",
    "ClaimedDelivery",
    "ClosedEndpoint",
    "DecisionRecord",
    "DeliveryRecord",
    "DeliveryResult",
    "DeliveryState",
    "DutyRecord",
    "EpisodeRecord",
    "EpisodeState",
    "EpisodeSummary",
    "EventRecord",
    "MessageStatus",
    "Moved",
    "NoticeRecord",
    "NoticeState",
    "Outgoing",
    "Purpose",
    "QuarantineRecord",
    "ReceiptRecord",
    "Received",
    "RegisterRecord",
    "Silenced",
    "Sought",
    "Source",
    "SourceKey",
    "Standing",
    "StoredEpisode",
    "Tracked",
]
