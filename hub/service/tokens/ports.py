"""What API tokens need from the outside: their rows."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from hub.core.api_tokens import Held, Token, TokenSecret


class TokensUnit(Protocol):
    """The API tokens' part of a transaction. Whoever changes any holds ``unit.lock(LOCK)``."""

    async def by_digest(self, digest: bytes) -> tuple[Token, TokenSecret] | None:
        """The secret that is kept as this, with its token; revoked and ended ones too."""
        ...

    async def token(self, token: str) -> Held | None: ...
    async def named(self, name: str) -> Sequence[Held]:
        """Those of this name that are not revoked, of whatever organisation."""
        ...

    async def listed(self, organisation: str | None, *, everybodys: bool = False) -> Sequence[Held]:
        """Those that are not revoked: of one organisation, or the operator's (None), by name; or of all."""
        ...

    async def ending(self, before: datetime, *, after: str, limit: int) -> Sequence[Held]:
        """Those that are not revoked and have a secret that ends before then and whose end is not written down, in the
        order of their ids, from behind ``after``."""
        ...

    async def add(self, token: Token, secret: TokenSecret) -> None: ...
    async def add_secret(self, secret: TokenSecret) -> None: ...
    async def shorten(self, token: str, until: datetime) -> None:
        """No secret of this token ends later."""
        ...

    async def revoke(self, token: str, now: datetime) -> None: ...
    async def note(self, digest: bytes, *, warned: int | None, alarm: str | None, over: bool) -> None:
        """How far the end of a secret was warned of, and whether it has come."""
        ...

    async def used(self, uses: Mapping[bytes, datetime]) -> None:
        """Never backwards; a secret that does not exist is left out."""
        ...


LOCK = "api tokens"
"""The name of the lock (Unit.lock)."""
