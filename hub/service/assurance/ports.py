"""What assurance needs of the store."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from hub.core.assurance import Warned
from hub.core.verification import Verification


class AssuranceUnit(Protocol):
    """Warnings and proofs of life within one transaction."""

    async def warned(self) -> Sequence[Warned]:
        """Every step that was taken about what is still there."""
        ...

    async def warn(self, warned: Warned) -> bool:
        """Take a step; False if another node has taken it already."""
        ...

    async def forget(self, warned: Sequence[Warned]) -> None:
        """These are about what ends no more: should it end again, it is warned of again."""
        ...

    async def marks(self) -> Mapping[bytes, datetime | None]:
        """Every place there is, with since when the directory does not have it."""
        ...

    async def places(self, marks: Collection[bytes]) -> Sequence[Verification]:
        """These, without those that do not exist."""
        ...

    async def all_places(self) -> Sequence[Verification]:
        """All that the directory has, by organisation and contact."""
        ...

    async def places_of(
        self, organisation: str | None, *, unproved: bool, limit: int, skip: int = 0
    ) -> Sequence[Verification]:
        """Likewise: of one organisation or of all, or only those that have not proved themselves."""
        ...

    async def place_by_token(self, digest: bytes) -> Verification | None: ...
    async def place_by_receipt(self, digest: bytes) -> Verification | None: ...
    async def place_by_reply(self, digest: bytes) -> Verification | None: ...
    async def place_by_id(self, id: str) -> Verification | None:
        """By the id of its present round."""
        ...

    async def place_by_reference(self, channel: str, reference: str) -> Verification | None:
        """By what a provider called its newest message."""
        ...

    async def at_place(self, place: bytes) -> Sequence[Verification]:
        """All organisations' with this address."""
        ...

    async def put_places(self, places: Sequence[Verification]) -> None:
        """New and changed ones."""
        ...

    async def forget_places(self, before: datetime) -> None:
        """Those that went before then."""
        ...

    async def due_places(self, now: datetime) -> Sequence[bytes]:
        """Marks of those whose turn has come, who waits longest first."""
        ...

    async def late_places(self, since: datetime) -> Sequence[Verification]:
        """Not proved in a round that began at ``since`` or before, and nobody was told."""
        ...

    async def asked_since(self, since: datetime) -> int:
        """How many were asked after then, or are in a node's hands."""
        ...

    async def place_counts(self, organisation: str | None = None) -> Mapping[str, int]:
        """How many are in which state; of one organisation, or of all."""
        ...

    async def addresses_failed(self, since: datetime) -> Sequence[tuple[str, str, datetime, str]]:
        """Addresses of contacts that a notice failed for good at after then: channel, address, when, reason; the oldest
        first."""
        ...

    async def notices_wait(self, now: datetime) -> bool:
        """Whether any delivery of an episode is due or being handed over."""
        ...
