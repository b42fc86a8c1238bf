"""How much is sent at once: a lane for each channel, with places kept free of reminders."""

from dataclasses import dataclass, field
from typing import Final, get_args

from hub.service.sending import Flight
from routing.decision import Priority

REMINDERS: Final[tuple[Priority, ...]] = ("low",)
FIRST_NOTICES: Final[tuple[Priority, ...]] = tuple(p for p in get_args(Priority) if p not in REMINDERS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much at once and how long; times in seconds. Raises ValueError for what cannot work.

    ``lease`` outlasts ``longest_send``: a delivery must not be in two workers' hands because the first is slow.
    """

    lease: float = 300.0
    longest_send: float = 120.0
    concurrency: int = 16
    """Deliveries in flight in one lane."""
    reserve: int = 4
    """Of these, places that no reminder takes."""
    poll: float = 1.0
    """How often to look for what is due when nothing nudges."""
    drain: float = 6.0
    """How long a stop waits for what is in flight and for the last results to be written."""

    def __post_init__(self) -> None:
        if self.lease <= self.longest_send:
            raise ValueError(
                f"lease ({self.lease:g} s) must outlast the longest send ({self.longest_send:g} s): raise the lease, "
                "or shorten the provider's timeouts"
            )
        if not 0 < self.reserve < self.concurrency:
            raise ValueError(
                f"reserve ({self.reserve}): keep at least one of the {self.concurrency} places for first notices, and "
                "leave at least one to reminders"
            )
        if min(self.longest_send, self.poll, self.drain) <= 0:
            raise ValueError("longest_send, poll and drain: give seconds above 0")


@dataclass(slots=True, kw_only=True)
class Lane:
    """One channel's places."""

    channel: str
    limits: Limits
    flights: dict[str, Flight] = field(default_factory=dict)
    """By delivery id."""
    hungry: bool = True
    """There may be more to claim."""

    @property
    def free(self) -> int:
        """Places nobody has."""
        return self.limits.concurrency - len(self.flights)

    @property
    def free_for_reminders(self) -> int:
        """Of these, how many a reminder may take."""
        taken = sum(1 for flight in self.flights.values() if flight.claimed.delivery.priority in REMINDERS)
        return max(0, min(self.free, self.limits.concurrency - self.limits.reserve - taken))

    @property
    def worth_a_claim(self) -> bool:
        """A claim costs a transaction: enough free places for a batch, not one at a time."""
        return self.hungry and self.free * 4 >= self.limits.concurrency
