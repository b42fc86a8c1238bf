"""The search index from the outside: bringing in what was there before it, and finding a child by it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from hub.core.records import AuditLine
from hub.core.search import Asked
from hub.service.ports import Clock, Ids, Store
from hub.service.search_ports import FoundEpisode

EVERY: Final = 5.0
"""Seconds between two looks at what is not in the index yet."""
BITE: Final = 10
"""Episodes that are brought in in one transaction."""
BITES: Final = 20
LOOKED: Final = timedelta(minutes=1)
"""Between two looks at what did not open."""
MOST: Final = 100
"""Episodes that one search shows."""


class Indexing:
    """One node's part in bringing in what was there before the upgrade."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._done = False
        self._left_at: datetime | None = None

    async def tick(self, now: datetime) -> bool:
        """A few bites; whether all is done. Raises StoreUnavailable."""
        waiting = self._left_at is not None and timedelta(0) <= now - self._left_at < LOOKED
        for _ in range(0 if self._done or waiting else BITES):
            progress = await self._store.write(lambda unit: unit.search.bring_in(BITE, now))
            self._done = progress == "whole"
            self._left_at = now if progress == "left" else None
            if progress != "more":
                break
        return self._done


class Finding:
    """For the operator, who is shown ids and no name; each search leaves a line, whatever it finds."""

    def __init__(self, store: Store, clock: Clock, ids: Ids) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids

    async def find(
        self, asked: Asked, *, actor: str, organisation: str | None = None
    ) -> tuple[Sequence[FoundEpisode], bool]:
        """What is found, and whether everything is in the index yet. The line says by what was searched, and not for
        whom. Raises StoreUnavailable."""
        now = self._clock.now()
        found = await self._store.read(lambda unit: unit.search.found(asked, organisation, MOST))
        complete = await self._store.read(lambda unit: unit.search.complete())
        by = " ".join(sorted(purpose for purpose, _ in asked.marks()))
        line = AuditLine(
            id=self._ids.new("au", now),
            at=now,
            actor=actor,
            action="child.searched",
            organisation=organisation,
            detail={"by": by, "episodes": str(len(found))},
        )
        await self._store.write(lambda unit: unit.add_audit([line]))
        return found, complete
