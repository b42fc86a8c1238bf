"""How the hub is: alive, ready, and whether any work is overdue."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from hub.service.ports import Clock, Store, StoreUnavailable
from hub.service.supervise import Supervisor, Tick

COUNTS_AGE = timedelta(seconds=1)
"""Counts are asked of the store at most this often, however many probes come."""
LATE = ("deliveries_late", "leases_expired", "episodes_late", "chases_late")


class Health:
    """Asked by the health routes, /metrics and the heartbeat. Numbers and names of parts only."""

    def __init__(
        self,
        *,
        store: Store,
        supervisor: Supervisor,
        ticks: Sequence[Tick],
        clock: Clock,
        overdue_after: float,
        amiss: Sequence[Callable[[], Mapping[str, int]]] = (),
        figures: Sequence[Callable[[], Mapping[str, int]]] = (),
    ) -> None:
        """``amiss``: parts that know themselves of something a human has to look at now; empty while all is well.
        ``figures``: what is counted beside the rows of the store, for metrics."""
        self._store = store
        self._supervisor = supervisor
        self._ticks = tuple(ticks)
        self._clock = clock
        self._amiss = tuple(amiss)
        self._figures = tuple(figures)
        self._overdue_after = timedelta(seconds=overdue_after)
        self._counts: Mapping[str, int] = {}
        self._counted_at: datetime | None = None

    @property
    def alive(self) -> Mapping[str, bool]:
        """Every part by name, and whether it lives."""
        return self._supervisor.alive

    async def ready(self) -> Mapping[str, bool]:
        """Each condition for taking events, and whether it holds."""
        checks = {"store": await self._store_ready(), "not_stopping": not self._supervisor.stopping}
        checks.update((f"task_{name}", lives) for name, lives in self._supervisor.alive.items())
        return checks

    async def _store_ready(self) -> bool:
        try:
            return await self._store.ready()
        except StoreUnavailable:
            return False

    async def counts(self) -> Mapping[str, int]:
        """The store's counts, at most a second old, and the figures of the parts. Raises StoreUnavailable."""
        now = self._clock.now()
        if self._counted_at is None or abs(now - self._counted_at) >= COUNTS_AGE:
            late = now - self._overdue_after
            self._counts = await self._store.read(lambda unit: unit.counts(now, late))
            self._counted_at = now
        found = dict(self._counts)
        for part in self._figures:
            found.update(part())
        return found

    async def overdue(self) -> Mapping[str, int]:
        """What is overdue, by name, with how many (or how many seconds); empty when nothing is."""
        found: dict[str, int] = {}
        try:
            counts = await self.counts()
        except StoreUnavailable:
            found["store_unavailable"] = 1
        else:
            found.update((name, counts[name]) for name in LATE if counts.get(name))
            if not await self._store_ready():  # a full disk can be read: nothing is late yet, and nothing will be done
                found["store_unwritable"] = 1
        now = self._clock.now()
        for tick in self._ticks:
            tick.last_good = min(tick.last_good, now)  # else one that hangs is hidden as long as the clock was set back
            age = now - tick.last_good
            if age > self._overdue_after:
                found[f"{tick.name}_seconds_since_last"] = int(age.total_seconds())
        for part in self._amiss:
            found.update(part())
        found.update((f"task_{name}_dead", 1) for name, lives in self._supervisor.alive.items() if not lives)
        return found
