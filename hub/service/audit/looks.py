"""That somebody looked at something, where looking changes nothing else."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from hub.core.records import AuditLine
from hub.service.ports import Clock, Ids, Store
from hub.service.tenancy import WHOLE, scoped

_CODE: Final = re.compile(r"[A-Za-z0-9_.:-]{1,80}", re.ASCII)
"""What may stand in a line of an address: an id or a code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """Who looked at what."""

    actor: str
    organisation: str | None
    action: str
    route: str
    """The address as a pattern, never as it was."""
    subjects: Mapping[str, str]
    """What stood in its places."""


class Looks:
    """Writes one line for each look."""

    def __init__(self, *, store: Store, clock: Clock, ids: Ids) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids

    async def note(self, looked: Looked) -> None:
        """Durable on return. Raises StoreUnavailable: what is not written down is not shown."""
        now = self._clock.now()
        named = {key: value for key, value in looked.subjects.items() if _CODE.fullmatch(value)}
        line = AuditLine(
            id=self._ids.new("au", now),
            at=now,
            actor=looked.actor,
            action=looked.action,
            organisation=looked.organisation,
            episode=named.get("episode"),
            subject=next(reversed(named.values()), None),
            detail={"route": looked.route},
        )
        with scoped(WHOLE):
            await self._store.write(lambda unit: unit.add_audit([line]))
