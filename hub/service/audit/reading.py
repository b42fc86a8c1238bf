"""Whoever reads the audit log leaves a line in it, in the same transaction as the reading: once for each look."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from hub.core.accounts import CONSOLE, Viewer, may
from hub.core.records import AuditLine
from hub.service.audit.ports import ListedLine, Wanted
from hub.service.ports import Ids, Store, Unit
from hub.service.tenancy import Whole, scope_of

PAGE: Final = 50
"""Lines a page."""
_CODE: Final = re.compile(r"[A-Za-z0-9_.:-]{1,80}", re.ASCII)
"""What may stand in a line of what was asked for: ids and codes, not whatever somebody has typed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """Lines, the newest first, and whether there are older ones."""

    lines: Sequence[ListedLine]
    more: bool


class Reading:
    """The lines of an organisation for those who may see them; all of them for the operator's people."""

    def __init__(self, *, store: Store, ids: Ids) -> None:
        self._store = store
        self._ids = ids

    async def by_operator(self, wanted: Wanted, now: datetime, *, limit: int) -> Sequence[ListedLine]:
        """For the command line. Raises StoreUnavailable."""
        return await self._store.write(lambda unit: self._read(unit, CONSOLE, wanted, None, limit, now))

    async def by(self, viewer: Viewer, wanted: Wanted, now: datetime, *, before: str | None = None) -> Shown | None:
        """One page; None if the viewer may not see these lines, whether or not there are any. Raises
        StoreUnavailable."""
        if not may(viewer, "audit:see", viewer.organisation):
            return None
        if not everywhere(viewer):
            if wanted.organisation not in (None, viewer.organisation):
                return None
            wanted = replace(wanted, organisation=viewer.organisation)
        found = await self._store.write(lambda unit: self._read(unit, viewer, wanted, before, PAGE + 1, now))
        return Shown(lines=found[:PAGE], more=len(found) > PAGE)

    async def _read(
        self, unit: Unit, viewer: Viewer, wanted: Wanted, before: str | None, limit: int, now: datetime
    ) -> Sequence[ListedLine]:
        found = await unit.trail.listed(wanted, before=before, limit=limit)
        line = AuditLine(id=self._ids.new("au", now), at=now, actor=viewer.actor, action="audit.read",
                         organisation=viewer.organisation, detail=_asked(wanted))  # fmt: skip
        await unit.add_audit([line])
        return found


def everywhere(viewer: Viewer) -> bool:
    """Whether they see the lines of every organisation, and those of none."""
    return isinstance(scope_of(viewer), Whole)


def _asked(wanted: Wanted) -> Mapping[str, str]:
    """What was asked for, in codes."""
    asked = {"organisation": wanted.organisation, "episode": wanted.episode, "actor": wanted.actor}
    detail = {key: value if _CODE.fullmatch(value) else "other" for key, value in asked.items() if value is not None}
    if wanted.since is not None:
        detail["since"] = f"{wanted.since:%Y-%m-%d}"
    return detail
