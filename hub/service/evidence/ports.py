"""What evidence needs of a transaction, and of the audit chain."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from hub.core.evidence import Stated
from hub.core.summary import EpisodeState, MessageStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """An episode, as far as it stands in clear."""

    id: str
    child: str
    source: str
    organisation: str | None
    state: EpisodeState
    category: str | None
    status: MessageStatus
    since: datetime | None
    ended_at: datetime | None
    revision: int
    ref: str | None = field(default=None, repr=False)
    """The source's own reference; None once it is erased."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """A browser that asked for the code of a pick-up page of the episode."""

    delivery: str
    organisation: str | None
    asked_at: datetime
    opened_at: datetime | None
    viewed_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pack:
    """A pack as it is in force now."""

    version: str
    text: bytes


class EvidenceUnit(Protocol):
    """Reads only. What is erased comes back as such, and is no error."""

    async def subject(self, episode: str) -> Subject | None: ...

    async def records(self, episode: str) -> Sequence[Stated]:
        """Every record of the episode, by kind and then in the order they were made."""
        ...

    async def visits(self, episode: str) -> Sequence[Visit]: ...

    async def child(self, source: str, ref: str) -> str | None:
        """The hub's id of a child by what a source (Source.id) calls it; makes none."""
        ...

    async def episodes_of(self, child: str) -> Sequence[str]:
        """All of them, as they were made; none for a child that is not known."""
        ...


class Packs(Protocol):
    """The packs in force, by name."""

    def __call__(self) -> Mapping[str, Pack]: ...
