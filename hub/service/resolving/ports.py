"""What resolutions need of the store."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from hub.core.records import AuditLine
from hub.core.resolution import Resolution, Step


class ResolvingUnit(Protocol):
    """The resolutions' part of a transaction. ``whole``: with names and what was said, which raises Unsealable where a
    key is missing."""

    async def of(self, episode: str, *, whole: bool = False) -> Sequence[Resolution]:
        """Of an episode, as they were opened."""
        ...

    async def one(self, resolution: str, *, whole: bool = False) -> Resolution | None: ...

    async def listed(self, organisation: str | None, limit: int) -> Sequence[Resolution]:
        """Those that go on and are an organisation's to choose (None: anybody's), the oldest first. Nothing sealed is
        opened."""
        ...

    async def due(self, now: datetime, limit: int) -> Sequence[str]:
        """Ids of those that go on and have to be looked at: their time is up, or their episode has moved on."""
        ...

    async def put(self, resolution: Resolution, child: str, steps: Sequence[Step], audit: Sequence[AuditLine]) -> None:
        """Keep it as it stands now; ``steps``: those of its steps that are new."""
        ...
