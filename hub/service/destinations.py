"""How much goes to one destination at once, and nothing to one that does not answer. No I/O; time is an argument.

A destination is the one system behind many deliveries (:attr:`DeliveryRecord.destination`), which the hub calls itself.
Whoever is not known yet, or failed last, gets one try at a time, and each success makes room for one more. After
failures in a row its breaker shuts it: what is due for it waits until one try, alone, shows that it is back. Then what
failed meanwhile does not wait for its own next turn either, which may be hours away.
"""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from hub.core.records import ClaimedDelivery
from hub.core.verdict import Tried
from hub.service.ports import Places
from hub.service.signs import FAILURES, OUTAGE, asked, later, sign_of, spoken
from routing.decision import Priority

REMINDERS: Final[tuple[Priority, ...]] = ("low",)

HANGS: Final = 30.0
"""Or failures in a row that took so many seconds: three tries of a minute would keep others waiting for three."""
FIRST_PAUSE: Final = 30.0
LONGEST_PAUSE: Final = 600.0
"""Seconds that it is shut for the first time, doubled each time the try after it fails, and at most."""
PUT_OFF_EVERY: Final = timedelta(seconds=10)
"""How often what has fallen due meanwhile is put off: often enough that nothing shut counts as late."""
IDLE: Final = timedelta(minutes=10)
"""What is not used is forgotten after that time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What the ledger is to be told, before the next claim."""

    shut: Mapping[bytes, datetime] = field(default_factory=dict)
    """Destinations, and until when what is due for them has to wait."""
    back: frozenset[bytes] | None = frozenset()
    """Destinations whose deliveries are all due now; None: the whole channel's."""


@dataclass(slots=True, kw_only=True)
class _Standing:
    """What is known of one destination."""

    room: int = 1
    first_notices: int = 0
    reminders: int = 0
    """In flight."""
    failures: int = 0
    """In a row."""
    waited: float = 0.0
    """Seconds that these took."""
    asked_until: datetime | None = None
    """Until then it asked to be left alone (Retry-After)."""
    pauses: int = 0
    """How often it was shut since it last answered."""
    shut_until: datetime | None = None
    """None: open. Later than now: shut. Gone by: one try is let through."""
    shut_since: datetime | None = None
    """When it was first shut since it last answered."""
    used_at: datetime

    @property
    def flying(self) -> int:
        return self.first_notices + self.reminders

    def shut(self, now: datetime) -> bool:
        """A clock that was set back must not keep it shut for longer than it ever would be."""
        return self.shut_until is not None and timedelta(0) < self.shut_until - now <= timedelta(seconds=LONGEST_PAUSE)

    def away(self, now: datetime) -> bool:
        """It was shut, and for long enough that others have had to wait for their own next turn, of which it has asked
        for none."""
        shut = self.shut_since is not None and now - self.shut_since >= OUTAGE
        return shut and not later(self.asked_until, now)


class Destinations:
    """The destinations of one channel, as one node knows them. Deliveries without a destination have no limit.

    ``limit``: tries at once at one destination.
    """

    def __init__(self, *, limit: int) -> None:
        self._limit = limit
        self._known: dict[bytes, _Standing] = {}
        self._back: set[bytes] = set()
        self._put_off_at: datetime | None = None
        """None: at once."""

    def __len__(self) -> int:
        """How many are known."""
        return len(self._known)

    def places(self, now: datetime, *, reminders: bool = False, beside: Collection[ClaimedDelivery] = ()) -> Places:
        """What may be claimed now. A reminder leaves the last place of a destination free, and the places that
        reminders have are not counted against first notices. ``beside``: first notices claimed and not taken yet."""
        more = Counter(one.delivery.destination for one in beside if one.delivery.destination)
        unknown = _Standing(used_at=now)
        return Places(
            rooms={
                where: self._free(self._known.get(where, unknown), now, reminders, more[where])
                for where in self._known.keys() | more.keys()
            },
            untried=self._free(unknown, now, reminders, 0),
        )

    def _free(self, one: _Standing, now: datetime, reminders: bool, more: int) -> int:
        flying = one.flying + more
        if one.shut(now):
            return 0
        if one.shut_until is not None:
            return max(0, 1 - flying)
        if reminders:
            return max(0, min(one.room, max(1, self._limit - 1)) - flying)
        return max(0, min(one.room - one.first_notices - more, self._limit - flying))

    def take(self, claimed: ClaimedDelivery, now: datetime) -> None:
        """It is being sent."""
        where = claimed.delivery.destination
        if where:
            one = self._known.setdefault(where, _Standing(used_at=now))
            self._count(one, claimed, 1, now)

    def leave(self, claimed: ClaimedDelivery, now: datetime) -> None:
        """It is not, any more."""
        one = self._known.get(claimed.delivery.destination)
        if one is not None:
            self._count(one, claimed, -1, now)

    @staticmethod
    def _count(one: _Standing, claimed: ClaimedDelivery, number: int, now: datetime) -> None:
        one.used_at = now
        if claimed.delivery.priority in REMINDERS:
            one.reminders += number
        else:
            one.first_notices += number

    def learn(self, tried: Tried, since: datetime) -> float | None:
        """What a try that was begun at ``since`` says of its destination; seconds that it is shut for, if it now is."""
        one = self._known.get(tried.claimed.delivery.destination)
        result = spoken(tried)
        sign = sign_of(result)
        if one is None or sign is None:
            return None
        if sign == "answers":
            if one.away(tried.finished_at):
                self._back.add(tried.claimed.delivery.destination)
            one.failures, one.waited, one.pauses = 0, 0.0, 0
            one.shut_since = one.shut_until = None
            one.room = min(self._limit, one.room + 1)
            return None
        one.asked_until = asked(tried, one.asked_until)
        one.room = 1
        one.failures += 1
        one.waited += max(0.0, (tried.finished_at - since).total_seconds())
        if one.shut(tried.finished_at) or (one.failures < FAILURES and one.waited < HANGS):
            return None
        wished = 0.0 if one.asked_until is None else (one.asked_until - tried.finished_at).total_seconds()
        pause = min(max(FIRST_PAUSE * (1 << min(one.pauses, 10)), wished), LONGEST_PAUSE)
        one.pauses += 1
        one.shut_since = one.shut_since or tried.finished_at
        one.shut_until = tried.finished_at + timedelta(seconds=pause)
        self._put_off_at = None
        return pause

    def shut(self, now: datetime) -> int:
        """How many are shut."""
        return sum(one.shut(now) for one in self._known.values())

    def turn(self, now: datetime) -> Turn:
        """What is to be put off and brought forward: most of the time nothing."""
        back = frozenset(self._back)
        if self._put_off_at is not None and abs(now - self._put_off_at) < PUT_OFF_EVERY:
            return Turn(back=back)
        shut = {where: one.shut_until for where, one in self._known.items() if one.shut_until and one.shut(now)}
        return Turn(shut=shut, back=back)

    def turned(self, turn: Turn, now: datetime) -> None:
        """It is written down."""
        self._back -= turn.back or frozenset()
        if self._put_off_at is None or turn.shut or abs(now - self._put_off_at) >= PUT_OFF_EVERY:
            self._put_off_at = now
            self._forget(now)

    def _forget(self, now: datetime) -> None:
        """One that is shut is remembered beyond that: else its next pause would be a short one."""
        self._known = {
            where: one
            for where, one in self._known.items()
            if one.flying or max(one.used_at, one.shut_until or one.used_at) > now - IDLE
        }
