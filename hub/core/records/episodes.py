"""An absence with its duties and its entries in registers, as it is stored and as it is read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from hub.core.holds import Hold
from hub.core.records.sources import EventRecord
from hub.core.summary import EpisodeState, EpisodeSummary, MessageStatus
from routing.decision import DutyState, Rule


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
    ended_revision: int | None = None
    """Of the facts as the end that it is in (found, returned, retracted) left them; None while it is open, and where it
    ended before this was kept."""
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
class Arrival:
    """What is known of what an event is about, when it arrives."""

    child: str
    """The hub's id of the child."""
    stored: StoredEpisode | None
    kept: Sequence[EventRecord] = ()
    """Those that waited for this report."""
    history: Sequence[EpisodeSummary] = ()
    """The child's other episodes."""
