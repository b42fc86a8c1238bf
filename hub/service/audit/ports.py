"""What the services of the audit log need of a transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from hub.core.audit import Head, LinkedLine, Unreadable
from hub.core.checkpoints import Checkpoint
from hub.core.records import AuditLine


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which lines are asked for; None: no matter."""

    since: datetime | None = None
    organisation: str | None = None
    episode: str | None = None
    actor: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedLine:
    """A line as it is shown. ``number`` is None for the seconds until it is linked."""

    number: int | None
    line: AuditLine


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """One link of a stretch of the chain, with a line's digest in place of the line."""

    number: int
    link: bytes
    digest: bytes


class Trail(Protocol):
    """The chain of audit lines. What is linked stays as it is."""

    async def unlinked_since(self, after: str = "") -> datetime | None:
        """When the oldest line was written that has no place in the chain yet; None if every line has one. ``after``:
        of those whose id is not before this."""
        ...

    async def link(self, limit: int, after: str = "") -> int:
        """Number and link up to ``limit`` lines, the oldest first, whatever stands in them; how many there were. One
        chainer at a time, over all nodes: the next waits for the end of this transaction."""
        ...

    async def head(self) -> Head:
        """The last link."""
        ...

    async def newest(self) -> datetime | None:
        """When its line was written, by the clock of whoever wrote it; None as long as there is none, or while it is
        one of an old log that is being linked."""
        ...

    async def linked(self, after: int, limit: int) -> Sequence[LinkedLine | Unreadable]:
        """Lines by number, from behind ``after``: ``limit`` at most."""
        ...

    async def numbered(self, to: int) -> int:
        """How many lines bear a number up to ``to``: so many, if none is twice or beside the chain."""
        ...

    async def lines(self, episode: str) -> Sequence[LinkedLine]:
        """Every linked line about an episode, by number; none of what was no line when it was linked. Raises ValueError
        for one that was changed since into what cannot be read."""
        ...

    async def span(self, first: int, last: int) -> Sequence[Span]:
        """The links ``first`` to ``last``, both included, without the lines."""
        ...

    async def listed(self, wanted: Wanted, *, before: str | None = None, limit: int = 100) -> Sequence[ListedLine]:
        """Lines, the newest first, older than the line ``before`` (an id)."""
        ...

    async def checkpoint(self) -> Checkpoint | None:
        """The one with the highest number."""
        ...

    async def checkpoints(self, around: int) -> Sequence[Checkpoint]:
        """The last one at or before this number, and the first one at or after it: none, one or two."""
        ...

    async def checkpoints_after(self, number: int, limit: int) -> Sequence[Checkpoint]:
        """By number, from behind ``number``."""
        ...

    async def add_checkpoint(self, checkpoint: Checkpoint) -> bool:
        """False if there is one of this number already."""
        ...

    async def sent_to(self, place: str) -> int:
        """The number of the last checkpoint that has been sent to a second place; 0 if none was."""
        ...

    async def now_sent_to(self, place: str, number: int) -> None:
        """All checkpoints up to this number are there."""
        ...
