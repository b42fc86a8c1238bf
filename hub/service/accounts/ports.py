"""What the accounts need from the outside: their rows, and the slow hash of passwords."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from hub.core.accounts import User, UserLink, UserSession
from hub.core.passkeys import Passkey


class AccountsUnit(Protocol):
    """The accounts' part of a transaction. Whoever reads a user to change them holds ``unit.lock(user_lock(id))``."""

    async def user(self, user: str) -> User | None: ...
    async def user_by_email(self, email: str) -> User | None:
        """The one account of this address that is not disabled; in whatever case the address is written."""
        ...

    async def users(self, organisation: str | None, *, skip: int = 0, limit: int | None = None) -> Sequence[User]:
        """Of one organisation, or of all (None), disabled ones too, as they were made: ``limit`` at most (None: all),
        without the first ``skip``."""
        ...

    async def put_user(self, user: User) -> None: ...

    async def link(self, digest: bytes) -> UserLink | None: ...
    async def put_link(self, link: UserLink) -> None: ...
    async def end_links(self, user: str) -> None:
        """No link of this user works any more."""
        ...

    async def session(self, digest: bytes) -> tuple[UserSession, User] | None: ...
    async def sessions(self, user: str) -> Sequence[UserSession]:
        """Of one user, also those whose time is over, the oldest first."""
        ...

    async def put_session(self, session: UserSession) -> None: ...
    async def seen(self, session: str, now: datetime) -> None: ...
    async def proved(self, session: str, now: datetime) -> bool:
        """Note that the holder of a session has shown who they are; False if it has ended. It never begins again."""
        ...

    async def end_sessions(self, user: str, sessions: Sequence[str]) -> None:
        """End those of these that are the user's."""
        ...


class PasskeysUnit(Protocol):
    """The passkeys' part of a transaction. Whoever reads one to change it holds ``unit.lock(user_lock(user))``."""

    async def by_credential(self, credential: bytes) -> Passkey | None: ...
    async def of(self, user: str) -> Sequence[Passkey]:
        """A user's own, the oldest first."""
        ...

    async def put(self, passkey: Passkey) -> None: ...
    async def remove(self, user: str, removed: Sequence[str]) -> None:
        """Remove those of these that are the user's."""
        ...

    async def spend(self, digest: bytes, organisation: str, ends: datetime, now: datetime) -> bool:
        """Note that a challenge was answered that would end then; False if it was noted before."""
        ...


class Passwords(Protocol):
    """A hash that is slow on purpose; it never blocks the loop, and few are computed at once."""

    async def hashed(self, password: str) -> str:
        """The encoded hash (PHC string) of a normalised password."""
        ...

    async def matches(self, encoded: str | None, password: str) -> bool:
        """Whether this is the password. None takes as long as any other and is False."""
        ...

    def outdated(self, encoded: str) -> bool:
        """Whether it was made with other parameters than those of today."""
        ...


def user_lock(user: str) -> str:
    """The name of the lock on one account (Unit.lock)."""
    return f"user:{user}"
