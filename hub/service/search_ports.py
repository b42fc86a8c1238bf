"""What the search needs of the store."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal, Protocol

from hub.core.records import EpisodeState, MessageStatus
from hub.core.search import Asked

Progress = Literal["more", "left", "whole"]
"""How far the index is: there is more to bring in; only what did not open is; everything is in it."""
AGAIN: Final = timedelta(minutes=5)
"""After which what did not open is tried again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundEpisode:
    """An episode of a child who was found. Nothing personal."""

    child: str
    episode: str
    source: str
    organisation: str | None
    state: EpisodeState
    status: MessageStatus
    since: datetime | None


class SearchUnit(Protocol):
    """The index's part of a transaction."""

    async def found(self, asked: Asked, organisation: str | None, limit: int) -> Sequence[FoundEpisode]:
        """The episodes of children of whom all that is asked for is so, the newest first: among what an organisation
        was told, or among all. Opens nothing sealed."""
        ...

    async def complete(self) -> bool:
        """Whether everything is in the index."""
        ...

    async def bring_in(self, limit: int, now: datetime) -> Progress:
        """Bring some of what was there before the index into it. What does not open stays out, and is tried again
        after AGAIN: a key may come back."""
        ...
