"""Giving up the children whose data keys are lost for good: to the ledger they are erased."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from hub.core.records import AuditLine
from hub.core.retention import Kept
from hub.service.ports import Ids, Store
from hub.service.retention.holding import going_through
from hub.service.retention.ports import Keys

SLICE: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Losing:
    """A key that is neither there nor destroyed is missing: a backup of the key store was older than its child. Until
    it comes back or is given up, what it sealed can neither be read nor settled."""

    store: Store
    keys: Keys
    ids: Ids

    async def missing(self) -> tuple[Sequence[str], int]:
        """The children without a key, and how many there are in all. Raises StoreUnavailable."""
        every: list[Kept] = []
        await going_through(self.store, every.append)
        ids = [one.child for one in every if one.erasing_at is None]
        found: list[str] = []
        for at in range(0, len(ids), SLICE):
            some = ids[at : at + SLICE]
            keys = await self.keys.standing(some)
            found += [one for one in some if one not in keys.living and one not in keys.destroyed]
        return found, len(every)

    async def give_up(self, children: Sequence[str], now: datetime, *, by: str) -> None:
        """Have these keys count as destroyed; a running hub erases the rest. Twice does no harm. The ledger says so
        first. Raises StoreUnavailable."""
        line = AuditLine(id=self.ids.new("au", now), at=now, actor=by, action="keys.given_up",
                         detail={"children": str(len(children))})  # fmt: skip
        await self.store.write(lambda unit: unit.add_audit([line]))
        for at in range(0, len(children), SLICE):
            await self.keys.destroy(children[at : at + SLICE], now)
