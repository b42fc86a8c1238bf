"""The lists at a desk, and the search: they name children, so each is a reading, and the audit log says so.

Names stand sealed. They are opened first and given out after the line was written, so that a list holds up no writer,
and nobody is shown a name that could not be written down.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from hub.core.accounts import Viewer
from hub.core.desk import Filed, Sight, Which, may_name
from hub.core.records import AuditLine
from hub.core.search import beginnings, matches
from hub.service.desk.sights import Sights
from hub.service.envelopes import seen
from hub.service.ports import Clock, Ids, Store, Unit

WAITS: Final = timedelta(days=31)
"""So long a notice waits for an answer at its desk where its episode is over; all of them are in the list of all."""
MANY: Final = 100
"""More than so many are not counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How much is done at one request."""

    page: int = 25
    """Notices on a page."""
    at_once: int = 25
    """Notices that a search opens in one go: no other reader waits for more."""
    furthest: int = 500
    """Notices that one search looks through; then it asks whether to go on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One notice in a list. ``child``: the name, where the notice gives it and is still shown."""

    filed: Filed
    child: str | None = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pile:
    """Some notices, the newest first. ``before``: behind which the others are; None where there are none."""

    rows: tuple[Row, ...]
    before: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Desks:
    """What lies there. ``any``: whether the reader was given any desk at all."""

    any: bool
    pile: Pile
    new: int
    unanswered: int
    """Both counted up to :data:`MANY`."""
    mark: str
    """Another one once it is not as it was (:meth:`Lists.mark`)."""


class Lists:
    """All of it raises StoreUnavailable where the store is away; None for whoever reads no notices at all."""

    def __init__(self, *, store: Store, sights: Sights, clock: Clock, ids: Ids, bounds: Bounds = Bounds()) -> None:
        self._store = store
        self._sights = sights
        self._clock = clock
        self._ids = ids
        self._bounds = bounds
        self._whole = False

    async def look(self, viewer: Viewer, which: Which, *, before: str | None = None) -> Desks | None:
        """A list, and how much waits."""
        sight = await self._sights.of(viewer)
        if sight is None:
            return None

        page, since = self._bounds.page, self._clock.now() - WAITS

        async def work(unit: Unit) -> tuple[Sequence[Filed], _Standing]:
            waits_since = None if which == "all" else since
            found = await unit.desk.listed(sight, which, before=before, limit=page + 1, since=waits_since)
            return found, await _standing(unit, sight, since)

        found, standing = await self._store.read(work)
        rows = tuple(_row(one) for one in found[:page])
        await self._named(viewer, "desk.listed", rows)
        last = rows[-1].filed.notice.id if len(found) > page else None
        return Desks(any=sight.anything, pile=Pile(rows=rows, before=last), new=standing.new,
                     unanswered=standing.unanswered, mark=standing.mark)  # fmt: skip

    async def mark(self, viewer: Viewer) -> str | None:
        """Another one whenever there is something new at the reader's desks, or somebody has seen to something; it
        names nobody, so that asking for it is no reading. None for whoever reads no notices."""
        sight = await self._sights.of(viewer)
        if sight is None:
            return None
        since = self._clock.now() - WAITS
        return (await self._store.read(lambda unit: _standing(unit, sight, since))).mark

    async def search(self, viewer: Viewer, sought: str, *, before: str | None = None) -> Pile | None:
        """By a notice's reference, or by words that begin names of the child, the newest first. The search index says
        which notices these may be, and no other name is opened; what the reader was not told finds nothing.

        While the index is not whole yet, and for words too short for it, those notices that are shown still are opened
        one by one, a bounded number at a time.
        """
        sight = await self._sights.of(viewer)
        if sight is None:
            return None
        bounds, reference = self._bounds, sought.strip().upper()
        rows = [_row(one) for one in await self._store.read(lambda unit: unit.desk.referenced(sight, reference))]
        after, more, looked = before, not rows, 0
        begun = beginnings(sought) if more and await self._indexed() else ()
        while more and looked < bounds.furthest and len(rows) < bounds.page:
            some, further = await self._some(sight, begun, after)
            more = further is not None
            for filed in some:
                row = _row(filed)
                if row.child is not None and matches(row.child, sought):
                    rows.append(row)
                after, looked = filed.notice.id, looked + 1
                if len(rows) == bounds.page:
                    more = more or filed is not some[-1]
                    break
            else:
                after = further
        await self._named(viewer, "desk.searched", rows)
        return Pile(rows=tuple(rows), before=after if more else None)

    async def _some(self, sight: Sight, begun: Sequence[str], after: str | None) -> tuple[Sequence[Filed], str | None]:
        """Some notices, and behind which the others are; None where there are none."""
        limit = self._bounds.at_once
        if begun:
            return await self._store.read(lambda unit: unit.desk.named(sight, begun, before=after, limit=limit))
        some = await self._store.read(
            lambda unit: unit.desk.listed(sight, "all", before=after, limit=limit, current=True)
        )
        return some, some[-1].notice.id if len(some) == limit else None

    async def _indexed(self) -> bool:
        """Whether the search index is whole; once it is, it stays so."""
        self._whole = self._whole or await self._store.read(lambda unit: unit.search.complete())
        return self._whole

    async def _named(self, viewer: Viewer, action: str, rows: Sequence[Row]) -> None:
        """Write down that names were listed, if any were."""
        shown = sum(row.child is not None for row in rows)
        if not shown:
            return
        now = self._clock.now()
        line = AuditLine(id=self._ids.new("au", now), at=now, actor=viewer.actor, action=action,
                         organisation=viewer.organisation, detail={"notices": str(shown)})  # fmt: skip
        await self._store.write(lambda unit: unit.add_audit([line]))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Standing:
    """What waits, and the newest there is."""

    newest: str
    new: int
    unanswered: int

    @property
    def mark(self) -> str:
        return f"{self.newest} {self.new} {self.unanswered}"


async def _standing(unit: Unit, sight: Sight, since: datetime) -> _Standing:
    newest = await unit.desk.listed(sight, "all", limit=1, whole=False)
    return _Standing(
        newest=newest[0].notice.id if newest else "-",
        new=await unit.desk.count(sight, "new", MANY, since=since),
        unanswered=await unit.desk.count(sight, "unanswered", MANY, since=since),
    )


def _row(filed: Filed) -> Row:
    claimed = filed.claimed
    if claimed is None or filed.over or not may_name(claimed):
        return Row(filed=filed, child=None)
    name = seen(claimed).fields.get("child.name")
    return Row(filed=filed, child=name if isinstance(name, str) else None)
