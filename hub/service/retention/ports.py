"""What retention needs of the store and of the key store."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Literal, Protocol

from hub.core.retention import Hold, Kept, Standing

Rest = Literal["quarantine", "receipts", "uploads", "links", "sessions", "spent"]
"""What is sealed with the hub's own key, or is there for a time only, and so has to be deleted by itself."""


class RetentionUnit(Protocol):
    """Retention's part of a transaction. Opens nothing sealed but the reasons of holds."""

    async def children(self, after: str, limit: int) -> Sequence[Kept]:
        """Children by id from behind ``after``."""
        ...

    async def child(self, child: str) -> Kept | None:
        """One child. In a writing transaction it stays as it is until its end: whoever would add an episode waits."""
        ...

    async def child_of(self, episode: str) -> str | None:
        """Whose episode it is."""
        ...

    async def announce(self, child: str, at: datetime | None) -> None:
        """Since when its time has been up; None: it is not."""
        ...

    async def begin(self, child: str, now: datetime) -> Sequence[str]:
        """Say that it is being erased: nothing finds it or its episodes any more, no clock and no delivery of them is
        due. The ids of its episodes."""
        ...

    async def finish(self, child: str, now: datetime) -> Sequence[str]:
        """Say that it is erased. The ids of its episodes."""
        ...

    async def holds(self, *, lifted: bool = False) -> Sequence[Hold]:
        """Those that stand, or also those that were lifted, by when they began."""
        ...

    async def hold(self, hold: str) -> Hold | None: ...
    async def add_hold(self, hold: Hold) -> None: ...
    async def lift_hold(self, hold: str, at: datetime, by: str) -> bool:
        """False if there is none of this id that stands."""
        ...

    async def forget(self, what: Rest, before: datetime, limit: int) -> int:
        """Delete, or empty, what is older; how many were. At most ``limit``."""
        ...


class Keys(Protocol):
    """The key store, as far as erasing goes."""

    async def destroy(self, scopes: Collection[str], now: datetime) -> None:
        """For good, and durable on return."""
        ...

    async def standing(self, scopes: Collection[str]) -> Standing: ...
    async def scrub(self) -> bool:
        """Leave nothing of what was destroyed in its own files; False: ask again."""
        ...
