"""What signing in by an identity provider needs from the outside: its rows, and a way to the provider itself."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from hub.core.oidc import Metadata, Provider

if TYPE_CHECKING:  # whoever only opens a store need not wait for it
    from joserfc.jwk import KeySet


class ProviderAway(Exception):
    """The identity provider does not answer, or not as one does."""

    def __init__(self, why: str) -> None:
        """``why``: content-free words."""
        super().__init__(f"identity provider: {why}")
        self.why = why


class CodeRefused(ProviderAway):
    """The identity provider gives nothing for this code, or does not take the hub's own secret."""


class ProvidersUnit(Protocol):
    """The providers' part of a transaction. Whoever binds a user holds ``unit.lock(user_lock(id))``."""

    async def of(self, organisation: str) -> Provider | None: ...
    async def organisations(self) -> Sequence[str]:
        """Those that have a provider, by code."""
        ...

    async def put(self, provider: Provider, now: datetime) -> None: ...
    async def remove(self, organisation: str) -> None: ...

    async def user(self, organisation: str, issuer: str, subject: str) -> str | None:
        """Who of this organisation is bound to that identity (User.id)."""
        ...

    async def bound(self, user: str) -> bool:
        """Whether the user is bound to an identity."""
        ...

    async def bind(self, user: str, organisation: str, issuer: str, subject: str, now: datetime) -> None: ...
    async def release(self, user: str) -> None:
        """The user is bound to none any more."""
        ...

    async def bound_users(self, organisation: str) -> Sequence[str]: ...


class Reached(Protocol):
    """The way to identity providers. All of it raises ProviderAway, in bounded time."""

    async def metadata(self, issuer: str) -> Metadata: ...
    async def keys(self, metadata: Metadata, key_id: str | None) -> "KeySet":
        """Its keys, fetched anew where there is none of this id, at most once a minute."""
        ...

    async def redeem(self, provider: Provider, metadata: Metadata, fields: Mapping[str, str]) -> str:
        """The ID token for a code. Raises CodeRefused."""
        ...
