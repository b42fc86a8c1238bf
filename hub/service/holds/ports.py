"""What the police's holds need of the store."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from hub.core.holds import Act, Hold
from hub.core.records import AuditLine


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A deed as it is to be kept, with its name and reason. ``key``: what its author's form or program calls it."""

    act: Act
    child: str
    key: str = field(repr=False)
    audit: tuple[AuditLine, ...] = ()


class HoldsUnit(Protocol):
    """The holds' part of a transaction."""

    async def acts(self, episode: str, *, words_of: str | None = None) -> Sequence[Act]:
        """All deeds of an episode, in order; with name and reason those of the organisation ``words_of``, and no
        other. Raises Unsealable where these are asked for, of a child who was erased."""
        ...

    async def standing(self, episode: str) -> tuple[Hold, ...]:
        """What stands, as the episode stands. Opens nothing."""
        ...

    async def done_as(self, actor: str, key: str) -> Act | None:
        """What was done under this key already, whole."""
        ...

    async def add(self, done: Done) -> None:
        """Keep a deed. Raises LostRace where another has its number, or its key."""
        ...
