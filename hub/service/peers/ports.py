"""What hub to hub needs from the outside: its rows, and a way to fetch what another hub says of itself."""

from collections.abc import Sequence
from typing import Protocol

from hub.core.peers import Peer

LOCK = "peers"
"""The name of the lock (Unit.lock)."""


class PeersUnit(Protocol):
    """The other hubs' part of a transaction. Whoever changes any holds ``unit.lock(LOCK)``."""

    async def all(self) -> Sequence[Peer]:
        """Every one, by the instant of its introduction."""
        ...

    async def one(self, hub: str) -> Peer | None: ...
    async def called(self, issuer: str) -> Peer | None:
        """The one that calls itself so in what it sends; no two do."""
        ...

    async def put(self, peer: Peer) -> None:
        """Add or replace."""
        ...

    async def remove(self, hub: str) -> None: ...


class NotFetched(Exception):
    """The document of another hub could not be fetched; says why, without its address."""


class Fetch(Protocol):
    """Fetches what stands at a URL: judged, bounded in time and size. Raises NotFetched."""

    async def __call__(self, url: str) -> bytes: ...
