"""How much is sent at once: a lane for each channel, places kept free of reminders, shared by destination."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, get_args

from hub.core.records import ClaimedDelivery
from hub.core.verdict import Tried
from hub.core.wall import WayOut
from hub.service.destinations import REMINDERS, Destinations, Turn
from hub.service.ports import ANYWHERE, Places, Unit
from hub.service.provider import Provider
from hub.service.sending import Flight
from hub.service.signs import sign_of, spoken
from routing.decision import Priority

FIRST_NOTICES: Final[tuple[Priority, ...]] = tuple(p for p in get_args(Priority) if p not in REMINDERS)

DIRECT: Final = frozenset({"push"})
"""Channels on which the hub itself calls each recipient's system. On the others one provider takes everything: a
connection that fails is the provider's and says nothing of the mail domain behind it, and what is slow to reach waits
in the provider's own queue. Places by destination would only make bursts to one domain slower there."""

WIDE: Final = 4
"""Times as many places has a direct channel: each of its flights waits for another system and costs nothing but that,
and those that are dead, with one place each, must leave enough to the living. On the other channels it is how many
there are at most, beside flights that hang, and besides what a lane that was quick may have had in hand when they
began to."""

EAGER: Final = frozenset({"email"})
"""Channels on which a notice is out within milliseconds of its turn."""

AT_ONCE: Final = timedelta(seconds=1)
"""Where what is claimed is out within this time its lane claims more at a time, up to :data:`AHEAD` times the places
more, as each claim costs a transaction; half as many more with each flight that takes longer, and none with one that
fails. So what is claimed still goes out at once, and hardly anything waits in hand to be overtaken."""

AHEAD: Final = 8
"""So that claims are of a hundred and more in a burst, and who seals in another process always has some in hand: with 2
a burst took 1.4 times as long where one did. With 16 it took as long as with 8, and what a process has in hand when its
machine dies waits for its leases to end."""

PATIENCE: Final = timedelta(seconds=2)
"""A flight to a provider that takes longer gives up its place to others: a relay may ask each recipient's own server
before it answers, and hang with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much at once and how long; times in seconds. Raises ValueError for what cannot work.

    ``lease`` outlasts ``longest_send``: a delivery must not be in two workers' hands because the first is slow.
    """

    lease: float = 300.0
    longest_send: float = 120.0
    concurrency: int = 16
    """Deliveries in flight in one lane; WIDE times as many where it is direct."""
    reserve: int = 4
    """Of these, places that no reminder takes."""
    per_destination: int | None = None
    """Deliveries in flight to one destination of a direct channel; None: a quarter of ``concurrency``."""
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
        if self.per_destination is not None and not 0 < self.per_destination <= self.concurrency:
            raise ValueError(f"per_destination ({self.per_destination}): give 1 to {self.concurrency} places")
        if min(self.longest_send, self.poll, self.drain) <= 0:
            raise ValueError("longest_send, poll and drain: give seconds above 0")

    @property
    def at_one_destination(self) -> int:
        """Deliveries in flight to one destination at most. A transport must be able to hold so many connections to
        one host: what waited for one of them would be timed out."""
        return self.per_destination or max(1, self.concurrency // 4)


@dataclass(slots=True, kw_only=True)
class Lane:
    """One channel's places."""

    channel: str
    limits: Limits
    destinations: Destinations = field(init=False)
    provider: Provider = field(default_factory=Provider)
    flights: dict[str, Flight] = field(default_factory=dict)
    """By delivery id."""
    hungry: bool = True
    """There may be more to claim."""
    answered_at: datetime | None = None
    """When a try last showed that the other end is there."""
    ahead: int = 0
    """Places besides, earned by being quick."""

    def __post_init__(self) -> None:
        self.destinations = Destinations(limit=self.limits.at_one_destination)

    @property
    def direct(self) -> bool:
        """Each of its destinations has places of its own."""
        return self.channel in DIRECT

    def free(self, now: datetime) -> int:
        """Places nobody has."""
        return max(0, self._places(now) - len(self.flights))

    def free_for_reminders(self, now: datetime) -> int:
        """Of these, how many a reminder may take."""
        taken = sum(1 for flight in self.flights.values() if flight.claimed.delivery.priority in REMINDERS)
        return max(0, min(self.free(now), self._wide(self.limits.concurrency - self.limits.reserve) - taken))

    def room(self, now: datetime) -> int:
        """What may be claimed: free places, or where there are none, those that have been given up."""
        return self.free(now) or self._given_up(now)

    def worth_a_claim(self, now: datetime) -> bool:
        """A claim costs a transaction: enough room for a batch, not one at a time; where some hang, of what they
        leave, as what is quick beside them would else wait for the next look."""
        if not self.hungry:
            return False
        places, free = self._places(now), self.free(now)
        part = 2 if places > self._wide(self.limits.concurrency) else 4
        if not free:
            return self._given_up(now) * part >= places
        return free * part >= places - self._hanging(now)

    def asks_soon(self, now: datetime) -> bool:
        """It has its hands full and is quick: what it claims next it claims in a moment, and every lane then asks."""
        busy = bool(self.ahead and self.flights)
        return busy and not self._any_hangs(now) and not self.worth_a_claim(now)

    def _places(self, now: datetime) -> int:
        """How many there are; no more than usual while a flight hangs, as whatever is claimed may hang with it."""
        return self._wide(self.limits.concurrency) + (0 if self.ahead and self._any_hangs(now) else self.ahead)

    def _any_hangs(self, now: datetime) -> bool:
        return any(self._that_hang(now))

    def _given_up(self, now: datetime) -> int:
        """Places of flights that hang, as far as there may be flights beside them."""
        if self.direct:
            return 0
        beside = len(self.flights) - self._hanging(now)
        most = self.limits.concurrency * (WIDE + (AHEAD if self.channel in EAGER else 0))
        return max(0, min(self.limits.concurrency - beside, most - len(self.flights)))

    def _hanging(self, now: datetime) -> int:
        return sum(1 for _ in self._that_hang(now))

    def _that_hang(self, now: datetime) -> Iterator[Flight]:
        """Of one that goes nowhere in particular it is the provider that is slow, for everybody."""
        for flight in self.flights.values():
            if now - flight.since < PATIENCE:
                return  # the others were taken later
            if flight.claimed.delivery.destination:
                yield flight

    def _elsewhere(self, now: datetime, limit: int) -> Places:
        """Anywhere but where a flight hangs."""
        where = {one.claimed.delivery.destination for one in self._that_hang(now)}
        return Places(rooms=dict.fromkeys(where, 0), untried=limit)

    async def settle(self, unit: Unit, turn: Turn, now: datetime) -> None:
        """Write it down."""
        if turn.shut:
            await unit.put_off_destinations(turn.shut, now)
        if turn.back is None or turn.back:
            await unit.bring_forward(self.channel, turn.back, now)

    async def claim(
        self, unit: Unit, now: datetime, until: datetime, node: str, due: Collection[tuple[str, str]] | None
    ) -> "Claimed":
        """Lease what there is room for: first notices, and in what is then left, less the reserve, reminders. Only
        what ``due`` names is asked for; None: all. Changes nothing here, as a transaction may be run again."""
        only = (self.channel,)
        first, later = (
            due is None or any((self.channel, one) in due for one in some) for some in (FIRST_NOTICES, REMINDERS)
        )
        free = self.free(now)
        if not free:
            if not first:
                return Claimed()
            room = self._given_up(now)
            places = self._elsewhere(now, room)
            return Claimed(
                await unit.claim(now, until, node, room, channels=only, priorities=FIRST_NOTICES, places=places)
            )
        places = self.destinations.places(now) if self.direct else ANYWHERE
        claimed: Sequence[ClaimedDelivery] = ()
        if first:
            claimed = await unit.claim(now, until, node, free, channels=only, priorities=FIRST_NOTICES, places=places)
        room = min(self.free_for_reminders(now), free - len(claimed))
        if not later:
            return Claimed(claimed, all_of_it=not self.direct and len(claimed) < free)
        if room <= 0:
            return Claimed(claimed)
        places = self.destinations.places(now, reminders=True, beside=claimed) if self.direct else ANYWHERE
        reminders = await unit.claim(now, until, node, room, channels=only, priorities=REMINDERS, places=places)
        return Claimed([*claimed, *reminders], all_of_it=not self.direct and len(reminders) < room)

    def fed(self, claimed: "Claimed") -> None:
        """Whether there may be more is known by what was claimed. If that was all, the next claim would find nothing,
        and take the processor and the writer from the first of these; what stands behind them comes up when they are
        written down."""
        self.hungry = self.hungry or (bool(claimed.deliveries) and not claimed.all_of_it)

    def take(self, flight: Flight) -> None:
        """It is under way."""
        self.flights[flight.claimed.delivery.id] = flight
        if self.direct:
            self.destinations.take(flight.claimed, flight.since)

    def leave(self, flight: Flight, now: datetime) -> None:
        """It is over."""
        flight.over.set()
        del self.flights[flight.claimed.delivery.id]
        self.destinations.leave(flight.claimed, now)

    def learn(self, flight: Flight, tried: Tried) -> float | None:
        """What it came to; seconds that its destination is shut for, if it now is."""
        answers = sign_of(spoken(tried)) == "answers"
        if answers:
            self.answered_at = tried.finished_at
        if self.channel in EAGER:
            quick = tried.finished_at - flight.since <= AT_ONCE
            more = min(self.ahead + 1, self.limits.concurrency * AHEAD) if quick else self.ahead // 2
            self.ahead = more if answers else 0
        if self.direct:
            return self.destinations.learn(tried, flight.since)
        self.provider.learn(tried)
        return None

    def way_out(self, now: datetime, *, set_up: bool) -> WayOut:
        """How the other end is."""
        return WayOut(
            channel=self.channel,
            set_up=set_up,
            answered_at=self.answered_at,
            failing_since=self.provider.since,
            shut=self.destinations.shut(now),
            in_hand=len(self.flights),
        )

    def turn(self, now: datetime) -> Turn:
        """What the ledger is to be told of the other end before the next claim."""
        return Turn(back=None) if self.provider.back else self.destinations.turn(now)

    def turned(self, turn: Turn, now: datetime) -> None:
        """It is written down."""
        if turn.back is None:
            self.provider.back = False
        else:
            self.destinations.turned(turn, now)

    def _wide(self, places: int) -> int:
        return places * WIDE if self.direct else places


@dataclass(frozen=True, slots=True)
class Claimed:
    """What a lane has leased."""

    deliveries: Sequence[ClaimedDelivery] = ()
    all_of_it: bool = False
    """It was less than there was room for: nothing else may be claimed now."""
