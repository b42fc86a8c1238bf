"""The chainer: every node looks once a second for lines that have no place in the chain yet, and links them.

One transaction links one bite; a lock in the database lets one chainer at a time read the end of the chain and write
behind it. What records an event or an attempt writes its lines without a lock and waits for nobody.
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Final

from hub.core.ulid import first_since
from hub.service.ports import Clock, Store

EVERY: Final = 1.0
"""Seconds."""
BITE: Final = 100
"""Lines a transaction: a few milliseconds of the one writer that SQLite has."""
BITES: Final = 50
"""A tick: 5,000 lines a second for each node."""
OLD_BITE: Final = 25
OLD_BITES: Final = 40
"""Of what a start finds, as after an upgrade from a version that linked nothing: up to 1,000 lines a second, each bite
followed by :data:`REST`. It has waited for years, and whoever writes is not to wait for it."""
REST: Final = 0.01
PAUSE: Final = 0.05
"""Seconds between two bites of a command. A hub that runs beside it on SQLite asks again for the writer's lock after a
few milliseconds, and would hardly ever get it from a command that takes it back at once."""
LATE: Final = timedelta(seconds=20)
"""A line is linked within five seconds; after four times that somebody has to look."""


class Chaining:
    """One node's chainer."""

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        bites: int = BITES,
        old_bites: int = OLD_BITES,
        pause: Callable[[float], Awaitable[None]] | None = None,
    ) -> None:
        """``pause``: rests between two bites of what was there at the start."""
        self._store = store
        self._bites = bites
        self._old_bites = old_bites
        self._pause = pause
        self._clock = clock
        self._went_on = clock.now()
        self._start = first_since("au", self._went_on)
        self._behind = True
        """Since the start there has always been more of what is old than one tick links."""
        self._oldest: datetime | None = None
        self._oldest_new: datetime | None = None
        """Of what was written since the start; looked at only while there is more behind it."""

    async def tick(self, now: datetime) -> int:
        """Link what there is, what was written since the start before what was there; how many lines were linked.
        Raises StoreUnavailable."""
        if self._behind:
            return await self._beside_the_old()
        self._oldest = await self._unlinked()
        if self._oldest is None:
            return 0
        count = await link_waiting(self._store, self._bites)
        self._oldest = await self._unlinked()
        return count

    async def _beside_the_old(self) -> int:
        count = 0
        self._oldest, self._oldest_new = await self._unlinked(), await self._unlinked(self._start)
        if self._oldest_new is not None:
            count = await link_waiting(self._store, self._bites, after=self._start)
        old = await link_waiting(self._store, self._old_bites, bite=OLD_BITE, rest=REST, pause=self._pause)
        if old:
            self._went_on = self._clock.now()
        self._behind = old == self._old_bites * OLD_BITE
        self._oldest = await self._unlinked()
        self._oldest_new = await self._unlinked(self._start) if self._behind else None
        return count + old

    async def _unlinked(self, after: str = "") -> datetime | None:
        return await self._store.read(lambda unit: unit.trail.unlinked_since(after))

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
        if self._oldest_new is not None:
            since = min(since, self._oldest_new)
        return max(0, int((self._clock.now() - since).total_seconds()))


async def link_waiting(
    store: Store,
    bites: int | None = None,
    *,
    bite: int = BITE,
    after: str = "",
    rest: float = PAUSE,
    pause: Callable[[float], Awaitable[None]] | None = None,
) -> int:
    """Link what waits, ``bites`` transactions at most (None: until nothing waits); how many lines were linked.
    ``after``: only lines whose id is not before this. ``pause``: what leaves time to those who write at the same time,
    ``rest`` seconds."""
    count, done = 0, 0
    while bites is None or done < bites:
        linked = await store.write(lambda unit: unit.trail.link(bite, after))
        count, done = count + linked, done + 1
        if linked < bite:
            break
        if pause is not None:
            await pause(rest)
    return count
