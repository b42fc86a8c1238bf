"""What the desk needs of the store."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from hub.core.desk import Filed, Sight, Which
from hub.core.records import DecisionRecord, NoticeRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """For which desks of their organisation a user reads."""

    user: str
    organisation: str
    desks: frozenset[str]
    given_at: datetime
    given_by: str
    """Actor, as in the audit log."""


class DeskUnit(Protocol):
    """The desk's part of a transaction. Whatever is not within the reader's sight is not there."""

    async def reader(self, user: str) -> Reader | None: ...
    async def put_reader(self, reader: Reader) -> None: ...

    async def listed(
        self,
        sight: Sight,
        which: Which,
        *,
        before: str | None = None,
        limit: int = 25,
        current: bool = False,
        whole: bool = True,
        since: datetime | None = None,
    ) -> Sequence[Filed]:
        """The newest first, from behind the notice ``before``; ``current``: without what is over; ``whole``: with all
        that showing them takes. What does not open any more is there without it. ``since``: of what was made earlier
        only what is about episodes that go on."""
        ...

    async def named(
        self, sight: Sight, beginnings: Sequence[str], *, before: str | None = None, limit: int = 25
    ) -> tuple[Sequence[Filed], str | None]:
        """Of the children that the search index has by words that begin so (hub/core/search.py): the newest notices
        that are not over, whole, and behind which notice to ask for others. Opens none but these."""
        ...

    async def count(self, sight: Sight, which: Which, most: int, *, since: datetime | None = None) -> int:
        """How many there are; ``most`` at most. ``since``: as of a list."""
        ...

    async def one(self, sight: Sight, notice: str) -> Filed | None:
        """One notice, whole. Raises Unsealable for a child who was erased."""
        ...

    async def thread(self, sight: Sight, episode: str) -> Sequence[Filed]:
        """Every notice of an episode, in the order in which they were made, not whole."""
        ...

    async def course(self, episode: str) -> tuple[Sequence[NoticeRecord], Sequence[DecisionRecord]]:
        """Every notice and decision of an episode, whomever they tell: to judge by, and shown to nobody. None for whom
        the episode is not there."""
        ...

    async def referenced(self, sight: Sight, reference: str) -> Sequence[Filed]:
        """The one that bears this reference, whole; none or one."""
        ...
