"""What delivering needs of a transaction: what is due is leased, and each result recorded."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Protocol

from hub.core.records import ClaimedDelivery, DeliveryResult, Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """How much may be claimed for each destination (:attr:`DeliveryRecord.destination`)."""

    rooms: Mapping[bytes, int] = field(default_factory=dict)
    """Free places of the destinations that are known."""
    untried: int = 1
    """Of any other."""


ANYWHERE: Final = Places()
"""No destination has a limit."""


class DeliveryUnit(Protocol):
    """Its part of :class:`hub.service.ports.Unit`."""

    async def due_ways(self, now: datetime) -> Collection[tuple[str, str]] | None:
        """By channel and priority, what a claim could find now; None where there is too much to tell. Opens nothing
        sealed."""
        ...

    async def claim(
        self,
        now: datetime,
        lease_until: datetime,
        node: str,
        limit: int,
        *,
        channels: Collection[str] | None = None,
        priorities: Collection[str] | None = None,
        places: Places = ANYWHERE,
    ) -> Sequence[ClaimedDelivery]:
        """Lease due deliveries: by priority, then rank, then ``due_at``; never one whose group still has an untried
        delivery of a lower rank. The claim appends attempt n in state ``sending``. A delivery whose lease ran out is
        claimable again, after its unfinished attempt was closed as ``technical_failure`` / ``provider_timeout``.
        One that cannot be opened is put off and the operator alarmed; the others are claimed all the same.
        A notice that is superseded, acknowledged, withheld or held is never claimed. ``channels`` and ``priorities``
        narrow the claim (None: all), so that a slow channel leaves no other waiting and reminders leave room for
        first notices; ``places`` likewise for a slow destination. One that is not the first of its line
        (:attr:`DeliveryRecord.line`) waits for those before it, within bounds, unless it ``jumps``."""
        ...

    async def put_off_destinations(self, shut: Mapping[bytes, datetime], now: datetime) -> None:
        """What is due for these destinations waits until they are tried again: by destination, until when."""
        ...

    async def bring_forward(self, channel: str, back: Collection[bytes] | None, now: datetime) -> None:
        """What waits for its next turn is due now, for destinations that answer again; None: on the whole channel."""
        ...

    async def set_back(self, by: timedelta, now: datetime) -> None:
        """The clock was: what waits for its next turn is due so much earlier by it, and not before ``now``; so are
        leases, chases and waits for a report that are further ahead than there can be."""
        ...

    async def standings(self, deliveries: Sequence[str], *, locking: Sequence[str] = ()) -> Sequence[Standing]:
        """How these deliveries stand, in no order; one that does not exist is left out. Opens nothing sealed.
        ``locking``: keys to :meth:`lock` before."""
        ...

    async def finish(self, results: Sequence[DeliveryResult], node: str) -> Sequence[str]:
        """Record results, many in one transaction. A result whose lease this node no longer holds changes only its
        attempt; returns the ids of such deliveries."""
        ...

    async def renew(self, deliveries: Sequence[str], node: str, lease_until: datetime) -> None: ...
    async def close_all_leases(self, now: datetime) -> None:
        """End every lease, as ``claim`` ends one that ran out: only where no other process can hold one."""
        ...

    async def release(self, deliveries: Sequence[str], node: str, now: datetime) -> None:
        """Give leased, not yet attempted deliveries back: the attempt is closed as ``cancelled``."""
        ...
