"""What changing the directory needs of the store."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from contacts.changes import EntryKey, Table
from hub.core.drafts import About, Draft, Listing, Version


class Drafts(Protocol):
    """Changes to the directory, and its versions, within one transaction."""

    async def newest(self) -> int:
        """Number of the newest version; 0 where there is none. Opens nothing sealed."""
        ...

    async def bundle(self, version: int) -> bytes | None:
        """One version, as it was put."""
        ...

    async def version_at(self, at: datetime) -> Version | None:
        """The one that was in force at an instant; None before the first."""
        ...

    async def versions(self, limit: int, *, before: int | None = None) -> Sequence[Version]:
        """Newest first, older than ``before``."""
        ...

    async def add(self, about: About) -> None:
        """A new change, whatever its state."""
        ...

    async def settle(self, draft: Draft) -> bool:
        """Write how a change was decided; False, and nothing written, if it does not wait any more."""
        ...

    async def one(self, draft: str, *, only: tuple[Table, EntryKey] | None = None) -> About | None:
        """A change with all it changes; ``only``: as far as it changes this entry."""
        ...

    async def listed(self, listing: Listing) -> Sequence[Draft]: ...
