"""The operator's wall: is everybody told who must know, and if not, who is on it. Content-free."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from hub.core.accounts import Viewer
from hub.core.records import AlarmRecord, Sought
from hub.core.ulid import first_since
from hub.core.wall import Figures, Glance, WayOut
from hub.service.alarms import seen_to
from hub.service.health import Health
from hub.service.outbox import Outbox, Page
from hub.service.ports import Clock, Ids, Store, Unit

LONDON: Final = ZoneInfo("Europe/London")
DAY: Final = timedelta(hours=24)
MOST_ALARMS: Final = 100
MOST_STUCK: Final = 50
FRESH: Final = timedelta(seconds=2)
"""However many operators watch, the store is asked no more often than this."""


class Wall:
    """All of it raises StoreUnavailable."""

    def __init__(
        self,
        *,
        store: Store,
        health: Health,
        outbox: Outbox,
        ways: Callable[[], Sequence[WayOut]],
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._store = store
        self._health = health
        self._outbox = outbox
        self._ways = ways
        self._clock = clock
        self._ids = ids
        self._glance: Glance | None = None
        self._looked_at: datetime | None = None
        self._looking = asyncio.Lock()

    async def look(self) -> Glance:
        """How things stand, at most two seconds ago."""
        async with self._looking:
            now = self._clock.now()
            if self._glance is None or self._looked_at is None or abs(now - self._looked_at) >= FRESH:
                self._glance, self._looked_at = await self._look(now), now
            return self._glance

    async def _look(self, now: datetime) -> Glance:
        overdue = await self._health.overdue()
        stuck: Page = await self._outbox.page(Sought(state="stuck"), limit=MOST_STUCK)
        midnight = datetime.combine(now.astimezone(LONDON).date(), time(), LONDON)

        async def work(unit: Unit) -> tuple[tuple[AlarmRecord, ...], Figures]:
            figures = await unit.wall_figures(first_since("dl", now - DAY), first_since("ep", midnight))
            return tuple(await unit.alarms()), figures

        alarms, figures = await self._store.read(work)
        return Glance(
            overdue=overdue,
            parts=dict(self._health.alive),
            alarms=alarms[:MOST_ALARMS],
            alarms_open=len(alarms),
            stuck=stuck.found,
            more_stuck=stuck.after is not None,
            figures=figures,
            ways=tuple(self._ways()),
        )

    async def clear(self, viewer: Viewer, alarm: str) -> bool:
        """A named human has seen to an open alarm. False if there is none of this id (any more)."""
        now = self._clock.now()
        cleared = await self._store.write(lambda unit: seen_to(unit, alarm, viewer.actor, self._ids, now))
        self._looked_at = None
        return cleared
