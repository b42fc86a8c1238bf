"""What changing the directory needs of the store."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from contacts.changes import EntryKey, Table
from hub.core.drafts import About, Draft, Listing, Version
from hub.core.news import News
from hub.core.uploads import Upload


class Uploads(Protocol):
    """Directories that were handed over, within one transaction."""

    async def add(self, upload: Upload, file: bytes) -> None:
        """Keep one, in the place of what the same person handed over before and did not use; forget what is over."""
        ...

    async def one(self, upload: str) -> Upload | None: ...

    async def file(self, upload: str) -> bytes | None:
        """As it was handed over; None once it is put away."""
        ...

    async def compare(self, upload: str, seen: int, now: datetime) -> None:
        """From now on with this version; nothing happens while it is put in force."""
        ...

    async def begin(self, upload: str, seen: int, change: str, now: datetime) -> str | None:
        """Somebody begins to put it in force, as compared with this version. The id that the change has to have: this
        one, or that of whoever began before and did not get to the end. None, and nothing begun, where it is compared
        with another by now, while somebody else is at it, or where there is nothing any more."""
        ...

    async def halt(self, upload: str, begun: datetime | None) -> None:
        """Nobody is at it any more, and it is as if they had begun then; None where it was refused."""
        ...

    async def put_away(self, upload: str) -> None:
        """The file is not needed any more."""
        ...

    async def remove(self, upload: str, now: datetime) -> None:
        """Forget it, unless somebody is putting it in force."""
        ...

    async def any_over(self, now: datetime) -> bool:
        """Whether there is one that nobody may use any more."""
        ...

    async def forget(self, now: datetime) -> None:
        """All that nobody may use any more."""
        ...


class NewsUnit(Protocol):
    """News of changes, within one transaction."""

    async def put(self, news: Sequence[News]) -> None:
        """New and changed ones."""
        ...

    async def due(self, now: datetime, limit: int) -> Sequence[News]:
        """Those that have not come to anything and whose time has come, who waits longest first."""
        ...

    async def by_token(self, digest: bytes) -> News | None:
        """By the link that it bears."""
        ...

    async def confirmations(self, change: str) -> Sequence[News]:
        """What asks the addresses of a change whether they agree."""
        ...

    async def told(self, user: str | None) -> Sequence[datetime]:
        """When this account, or the operator's desk, was last told of changes that wait, newest first."""
        ...


class Drafts(Protocol):
    """Changes to the directory, and its versions, within one transaction."""

    @property
    def news(self) -> NewsUnit:
        """Who has to hear of them."""
        ...

    @property
    def uploads(self) -> Uploads:
        """What was handed over to become a change."""
        ...

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

    async def draft(self, draft: str) -> Draft | None:
        """A change without what it changes."""
        ...

    async def waiting_since(self, before: datetime) -> Sequence[str]:
        """Ids of the changes that wait and were proposed by then, the oldest first."""
        ...

    async def listed(self, listing: Listing) -> Sequence[Draft]: ...
