"""What the pick-up needs of the store."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from hub.core.pickup import Visit
from hub.core.records import ClaimedDelivery


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What waits behind a pick-up page."""

    claimed: ClaimedDelivery
    """Not claimed by anybody: all that composing it needs."""
    sent_at: datetime
    """When its link went out last."""


class Pickups(Protocol):
    """Pick-ups within one transaction."""

    async def known(self, token_digest: bytes) -> bool:
        """Whether there is a page of this token."""
        ...

    async def held(self, token_digest: bytes) -> Held | None:
        """By the token of the page."""
        ...

    async def sent(self, notice: str, contact: str, channel: str) -> Sequence[ClaimedDelivery]:
        """The deliveries of a notice to a contact by a channel; where the contact is the channel's name, those to an
        address of the event's. Not claimed by anybody."""
        ...

    async def visits(self, delivery: str) -> Sequence[Visit]:
        """All that ever asked for a code, as they came."""
        ...

    async def visit(self, browser: bytes) -> Visit | None:
        """By the SHA-256 of what the browser bears."""
        ...

    async def put(self, visit: Visit) -> None:
        """Write a visit, new or changed."""
        ...
