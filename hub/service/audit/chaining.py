"""The chainer: every node looks once a second for lines that have no place in the chain yet, and links them.

One transaction links one bite; a lock in the database lets one chainer at a time read the end of the chain and write
behind it. What records an event or an attempt writes its lines without a lock and waits for nobody.
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Final

from hub.service.ports import Clock, Store

EVERY: Final = 1.0
"""Seconds."""
BITE: Final = 100
"""Lines a transaction: a few milliseconds of the one writer that SQLite has."""
BITES: Final = 50
"""A tick: 5,000 lines a second for each node, and what a first start on an old ledger finds is linked in minutes."""
PAUSE: Final = 0.05
"""Seconds between two bites of a command. A hub that runs beside it on SQLite asks again for the writer's lock after a
few milliseconds, and would hardly ever get it from a command that takes it back at once."""
LATE: Final = timedelta(seconds=20)
"""A line is linked within five seconds; after four times that somebody has to look."""


class Chaining:
    """One node's chainer."""

    def __init__(self, *, store: Store, clock: Clock, bites: int = BITES) -> None:
        self._store = store
        self._bites = bites
        self._clock = clock
        self._went_on = clock.now()
        self._behind = True
        """Since the start there has always been more than one tick links."""
        self._oldest: datetime | None = None

    async def tick(self, now: datetime) -> int:
        """Link what there is; how many lines were linked. Raises StoreUnavailable."""
        self._oldest = await self._store.read(lambda unit: unit.trail.unlinked_since())
        if self._oldest is None:
            return 0
        count = await link_waiting(self._store, self._bites)
        if count:
            self._went_on = self._clock.now()
        self._behind = self._behind and count == self._bites * BITE
        self._oldest = await self._store.read(lambda unit: unit.trail.unlinked_since())
        return count

    def figures(self) -> Mapping[str, int]:
        """For metrics: how long the oldest line has waited, in seconds."""
        return {"audit_unlinked_seconds": self._waited()}

    def amiss(self) -> Mapping[str, int]:
        """For health: the same, once it is too long."""
        waited = self._waited()
        return {"audit_unlinked_seconds": waited} if waited > LATE.total_seconds() else {}

    def _waited(self) -> int:
        """Of what there is too much at a start, as for minutes after an upgrade, only the time counts in which nothing
        of it was linked: nobody has to look while it goes on."""
        if self._oldest is None:
            return 0
        since = max(self._oldest, self._went_on) if self._behind else self._oldest
        return max(0, int((self._clock.now() - since).total_seconds()))


async def link_waiting(
    store: Store, bites: int | None = None, *, pause: Callable[[float], Awaitable[None]] | None = None
) -> int:
    """Link what waits, ``bites`` transactions at most (None: until nothing waits); how many lines were linked.
    ``pause``: what leaves time to those who write at the same time."""
    count, done = 0, 0
    while bites is None or done < bites:
        linked = await store.write(lambda unit: unit.trail.link(BITE))
        count, done = count + linked, done + 1
        if linked < BITE:
            break
        if pause is not None:
            await pause(PAUSE)
    return count
