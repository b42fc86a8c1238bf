"""What an operator asks of deliveries, and does to them. Nothing sealed is opened."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from hub.core.records import AuditLine, CalledOff, Outgoing, Sought


class OutboxUnit(Protocol):
    """Its part of :class:`hub.service.ports.Unit`."""

    async def outbox(
        self, sought: Sought, now: datetime, late: datetime, *, after: str | None = None, limit: int = 100
    ) -> Sequence[Outgoing]:
        """Deliveries in the order they were made, from behind ``after``; what was due before ``late`` is late."""
        ...

    async def outbox_counts(self, sought: Sought, now: datetime, late: datetime) -> dict[str, int]:
        """``due``, ``leased``, ``failed``, ``late`` and ``stuck``, whatever state is asked for."""
        ...

    async def outgoing(self, deliveries: Sequence[str]) -> Sequence[Outgoing]:
        """These, in order of id, without those that do not exist. In a writing transaction they and what they belong
        to stay as they are until its end."""
        ...

    async def newer_sent(self, delivery: str) -> bool:
        """Whether a later notice has gone out to the same address about the same episode."""
        ...

    async def put_back(self, deliveries: Sequence[str], now: datetime, audit: Sequence[AuditLine]) -> None:
        """Make failed ones due at once, their schedule anew; they were read with :meth:`outgoing` before."""
        ...

    async def call_off(self, off: CalledOff) -> None:
        """Cancel what is due or has failed; it was read with :meth:`outgoing` before."""
        ...

    async def clear_alarms_of(self, notice: str, kinds: Sequence[str], now: datetime) -> Sequence[str]:
        """Clear the open alarms of these kinds about a notice; their ids."""
        ...
