"""What no answer brings on: whoever has to choose lets the time pass, the facts name another, all is retracted."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from hub.core.endings import LIVING
from hub.core.records import StoredEpisode
from hub.service.conversations.audience import standing
from hub.service.conversations.telling import telling
from hub.service.ports import Store, StoreUnavailable, Unit
from hub.service.resolving.chain import Chain
from hub.service.resolving.following import lock_of
from hub.service.resolving.ground import Ground

EVERY: Final = 5.0
"""Seconds between two looks."""
BATCH: Final = 100
PATIENCE: Final = timedelta(minutes=1)
"""How long one that could not be worked on is left alone, so that it holds up no other; not for an hour longer
where the clock was set back by one."""


@dataclass(slots=True, kw_only=True)
class Looking:
    """``log`` is told of a resolution that fails, by its id and the error's class only."""

    store: Store
    ground: Ground
    log: Callable[[str, str], None]
    _failing: dict[str, datetime] = field(default_factory=dict)

    async def tick(self, now: datetime) -> int:
        """Look at what is due; how many were looked at. Raises StoreUnavailable."""
        self._failing = {one: until for one, until in self._failing.items() if now < until <= now + PATIENCE}
        limit = BATCH + len(self._failing)
        due = await self.store.read(lambda unit: unit.resolving.due(now, limit))
        looked = 0
        for one in due:
            if one not in self._failing:
                looked += await self._safely(one, now)
        if looked:
            self.ground.nudge()
        return looked

    async def _safely(self, resolution: str, now: datetime) -> bool:
        try:
            return await self.store.write(lambda unit: self._look(unit, resolution, now))
        except StoreUnavailable:
            self._failing[resolution] = now + PATIENCE
            raise
        except Exception as error:  # one that cannot be worked on must not stop the others
            self._failing[resolution] = now + PATIENCE
            self.log(resolution, type(error).__name__)
            return False

    async def _look(self, unit: Unit, identity: str, now: datetime) -> bool:
        there = await unit.resolving.one(identity)
        if there is None:
            return False
        await unit.lock(lock_of(there.episode))
        found = await unit.resolving.one(identity)
        if found is None or not found.living:
            return False  # somebody has answered, or another node was here first
        stored = await standing(unit, found.episode)
        if stored is None or stored.record.state == "retracted":
            chain = Chain(unit, self.ground.ids, now, timedelta(0), found)
            chain.add("ended")
            await chain.keep(await unit.retention.child_of(found.episode) or "")
            return True
        chain = self.ground.chain(unit, found, stored, now)
        await chain.move(self.ground.named(found.roles, stored.doc), stored.record.revision)
        due = chain.resolution.due_at
        if due is not None and due <= now:
            await self._late(chain, stored)
        await chain.keep(stored.record.child)
        return True

    async def _late(self, chain: Chain, stored: StoredEpisode) -> None:
        """Whoever had to choose has not: they are told again, by every step of their ladder, and so is the operator."""
        if stored.record.state not in LIVING:
            chain.resolution = replace(chain.resolution, due_at=None)
            return
        found, unit, post = chain.resolution, chain.unit, self.ground.posting
        chain.add("late", found.organisation)
        await chain.alarm("resolution_late", found.organisation, stored)
        said = await unit.conversations.messages(found.episode)
        message = next((one for one in said if one.id == found.message), None)
        some = await self.ground.owners(unit, found)
        if message is None or not some:
            return
        rows = telling(stored, message, some, chain.now, ways=post.ways, packs=post.packs, directory=post.directory())
        await unit.save(rows.added_to(stored.record))
