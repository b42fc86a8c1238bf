"""Erasing whoever's time is up, child by child, and deleting what no child's key seals.

A look goes through the children a slice at a time and takes for each the one step that is due (hub/core/retention.py).
Nothing is held between two steps: any node may take the next, after a crash too, and two that meet on one child find it
locked or the step taken. A child that fails is told of and left for the next round; it stops neither the others nor
the hub.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from hub.core.records import AuditLine
from hub.core.retention import Kept, Standing, Step, Terms, late, next_step
from hub.service.ports import Ids, Store, StoreUnavailable, Unit
from hub.service.retention.alarms import stands
from hub.service.retention.ports import Keys, Rest
from hub.service.steady import Steadiness
from hub.service.supervise import Log

EVERY: Final = 60.0
"""Seconds between two looks."""
SLICE: Final = 100
SLICES: Final = 10
"""Of one look: a million children are gone through in less than a day."""
BITE: Final = 100
"""Rows of one kind deleted in one look."""
LATE: Final = "retention_late"
ACTOR: Final = "hub"


@dataclass(frozen=True, slots=True, kw_only=True)
class Periods:
    """How long what is kept. ``rest``: of what is sealed with the hub's own key, since it came or ended."""

    children: Terms
    rest: Mapping[Rest, timedelta]


@dataclass(slots=True, kw_only=True)
class Erasing:
    """``log`` is told of a child that fails, by its id and the error's class only."""

    store: Store
    keys: Keys
    periods: Periods
    ids: Ids
    log: Log
    _after: str = ""
    _overdue: set[str] = field(default_factory=set)
    _next_overdue: set[str] = field(default_factory=set)
    _told: bool = False
    """An alarm of before this start is looked at once."""
    _scrub: bool = True
    """At the start too: a crash may have come between destroying a key and emptying the log that it stood in."""
    _erased: int = 0
    _clock: Steadiness = field(default_factory=Steadiness)
    """What is sealed with the hub's own key goes by a steady one only: of that nothing is said a day before."""

    def figures(self) -> Mapping[str, int]:
        """For health and metrics: children erased by this node since it started, and those that should be gone."""
        return {"children_erased": self._erased, "children_overdue": len(self._overdue)}

    async def tick(self, now: datetime) -> int:
        """Go on where the last look ended; how many steps were taken. Raises StoreUnavailable."""
        taken, steady = 0, self._clock.steady(now)
        for _ in range(SLICES):
            taken += await self._slice(now)
            if not self._after:
                break
        await self._tidy(now)
        for what, age in self.periods.rest.items() if steady else ():
            await self._forget(what, now - age, now)
        return taken

    async def run(self, now: datetime) -> int:
        """Go through all of them once, by a clock that whoever asks for it has looked at. Raises StoreUnavailable."""
        self._after, taken = "", 0
        while True:
            taken += await self._slice(now)
            if not self._after:
                break
        await self._tidy(now)
        for what, age in self.periods.rest.items():
            while await self._forget(what, now - age, now) == BITE:
                pass
        return taken

    async def _slice(self, now: datetime) -> int:
        after = self._after
        some = await self.store.read(lambda unit: unit.retention.children(after, SLICE))
        keys = await self.keys.standing([one.child for one in some]) if some else None
        taken = 0
        for one in some:
            if keys is not None and next_step(one, keys, self.periods.children, now) is not None:
                taken += await self._safely(one.child, now)
            if late(one, now):
                self._next_overdue.add(one.child)
        self._after = some[-1].child if len(some) == SLICE else ""
        if not self._after:
            await self._round(now)
        return taken

    async def _round(self, now: datetime) -> None:
        """All were looked at: what should be gone and is not is an alarm, and its end clears it."""
        before, self._overdue, self._next_overdue = self._overdue, self._next_overdue, set()
        if self._overdue or before or not self._told:
            await stands(self.store, self.ids, LATE, bool(self._overdue), now)
            self._told = True

    async def _safely(self, child: str, now: datetime) -> int:
        taken = 0
        try:
            # From destroying the key on there is nothing to wait for but the other nodes.
            while taken < 3 and (step := await self._step(child, now)) is not None:
                taken += 1
                if step in ("announce", "withdraw", "finish"):
                    break
        except StoreUnavailable:
            raise
        except Exception as error:
            self.log.error("retention.failed", child=child, error=type(error).__name__)
        return taken

    async def _step(self, child: str, now: datetime) -> Step | None:
        """The one step that is due, decided on what is read under lock where it writes."""
        keys = await self.keys.standing([child])
        found = await self.store.read(lambda unit: unit.retention.child(child))
        step = None if found is None else next_step(found, keys, self.periods.children, now)
        if step in ("destroy", "again"):
            # The ledger has said so before, durably; and says that it is done only afterwards.
            await self.keys.destroy([child], now)
            self._scrub = True
            line = self._line(
                "child.key_destroyed", child, now, {"reason": "restored" if step == "again" else "erasing"}
            )
            await self.store.write(lambda unit: unit.add_audit([line]))
            return step
        if step is None:
            return None
        return await self.store.write(lambda unit: self._write(unit, child, keys, now))

    async def _write(self, unit: Unit, child: str, keys: Standing, now: datetime) -> Step | None:
        found = await unit.retention.child(child)
        if found is None:
            return None
        step = next_step(found, keys, self.periods.children, now)
        match step:
            case "announce":
                await unit.retention.announce(child, now)
                await unit.add_audit([self._line("child.time_up", child, now, {})])
            case "withdraw":
                await unit.retention.announce(child, None)
                await unit.add_audit([self._line("child.kept", child, now, {})])
            case "begin":
                episodes = await unit.retention.begin(child, now)
                await unit.add_audit(self._lines("child.erasing", found, episodes, keys, now))
            case "finish":
                episodes = await unit.retention.finish(child, now)
                await unit.add_audit(self._lines("child.erased", found, episodes, keys, now))
                self._erased += 1
            case _:
                return None
        return step

    def _lines(
        self, action: str, kept: Kept, episodes: Sequence[str], keys: Standing, now: datetime
    ) -> list[AuditLine]:
        """One for the child, and one for each of its episodes, which is what a reader of an episode comes upon."""
        restored = kept.erasing_at is None and kept.child in keys.destroyed
        detail = {"reason": "restored" if restored else "retention", "episodes": str(len(episodes))}
        return [
            self._line(action, kept.child, now, detail),
            *(self._line(action, kept.child, now, {}, episode=episode) for episode in episodes),
        ]

    def _line(
        self, action: str, subject: str, now: datetime, detail: Mapping[str, str], *, episode: str | None = None
    ) -> AuditLine:
        return AuditLine(id=self.ids.new("au", now), at=now, actor=ACTOR, action=action, episode=episode,
                         subject=subject, detail=detail)  # fmt: skip

    async def _tidy(self, now: datetime) -> None:
        """A destroyed key is still in the key store's log until that is emptied."""
        if not self._scrub:
            return
        self._scrub = not await self.keys.scrub()
        if self._scrub:
            self.log.error("retention.not_scrubbed")

    async def _forget(self, what: Rest, before: datetime, now: datetime) -> int:
        try:
            count = await self.store.write(lambda unit: self._deleted(unit, what, before, now))
        except StoreUnavailable:
            raise
        except Exception as error:
            self.log.error("retention.failed", kind=what, error=type(error).__name__)
            return 0
        return count

    async def _deleted(self, unit: Unit, what: Rest, before: datetime, now: datetime) -> int:
        count = await unit.retention.forget(what, before, BITE)
        if count and what in ("quarantine", "receipts"):
            await unit.add_audit([self._line(f"{what}.emptied", what, now, {"count": str(count)})])
        return count
