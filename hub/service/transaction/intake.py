"""What taking an event needs of a transaction: sources, what there is of the child, all of a change, and the clocks."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from hub.core.events import EpisodeEvent
from hub.core.records import (
    AlarmRecord,
    Arrival,
    AuditLine,
    Changes,
    DecisionRecord,
    EpisodeSummary,
    EventRecord,
    QuarantineRecord,
    Source,
    StoredEpisode,
)


class IntakeUnit(Protocol):
    """Its part of :class:`hub.service.ports.Unit`."""

    # sources
    async def source(self, uri: str) -> Source | None: ...
    async def sources(self) -> Sequence[Source]: ...
    async def put_source(self, source: Source) -> None: ...

    # intake
    async def child_id(self, source: str, child_ref: str, now: datetime) -> str:
        """The hub's id for ``source`` + ``child.ref``, made (with its data key, durable first) if it is new."""
        ...

    async def event(self, source: str, sender_id: str) -> EventRecord | None: ...
    async def arrived(
        self, source: str, event: EpisodeEvent, now: datetime, *, locking: Sequence[str]
    ) -> EventRecord | Arrival:
        """What an event meets once these keys are locked; if it was taken before, that."""
        ...

    async def episode(self, source: str, ref: str) -> StoredEpisode | None: ...
    async def episode_by_id(self, episode: str) -> StoredEpisode | None: ...
    async def episode_unread(self, source: str, ref: str) -> tuple[str, str] | None:
        """The id and state of an episode of which nothing may open."""
        ...

    async def give_way(self, episode: str) -> bool:
        """Free an episode's reference for another, if its data key is missing; whether it was."""
        ...

    async def kept_events(self, episode: str) -> Sequence[EventRecord]:
        """Not applied yet, in order of arrival."""
        ...

    async def episodes_of_child(self, child: str, *, excluding: str) -> Sequence[EpisodeSummary]: ...
    async def decisions(self, episode: str) -> Sequence[DecisionRecord]: ...
    async def save(self, changes: Changes) -> None:
        """Write everything of one change. Raises LostRace if ``expected_version`` is no longer current."""
        ...

    async def add_quarantine(self, record: QuarantineRecord, alarm: AlarmRecord, audit: Sequence[AuditLine]) -> None:
        """Keep a body, with its alarm; one of this id that is there stays as it is."""
        ...

    async def quarantine(self, *, unresolved_only: bool = True) -> Sequence[QuarantineRecord]: ...

    # the clock
    async def due_episodes(self, now: datetime, limit: int) -> Sequence[str]:
        """Ids of those whose ``wake_at`` has come, earliest first. Opens nothing sealed: an episode that cannot be
        opened must not stop the clocks of the others."""
        ...

    async def next_wake(self) -> datetime | None:
        """The earliest ``wake_at`` of an episode or ``due_at`` of a delivery."""
        ...
