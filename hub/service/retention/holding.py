"""Legal holds: what a court, an inquiry or the police may ask for is not erased while somebody says so."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from hub.core.lines import one_line
from hub.core.records import AuditLine
from hub.core.retention import Hold, HoldCode, Kept
from hub.service.ports import Clock, Ids, Store, Unit

LONGEST: Final = 500
"""Characters of a reason."""


class NoSuchChild(LookupError):
    """Neither a child nor an episode of this hub has this id."""


class NoSuchHold(LookupError):
    """There is no hold of this id that stands."""


class Gone(ValueError):
    """The child is being erased or was erased: there is nothing left to hold."""


class BadReason(ValueError):
    """A reason is plain text on one line, and not empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """``by`` is the actor of the audit line."""

    store: Store
    clock: Clock
    ids: Ids

    async def add(self, about: str, *, code: HoldCode, reason: str, by: str) -> Hold:
        """Hold a child, named by its id or by that of one of its episodes.

        Raises NoSuchChild, Gone, BadReason, StoreUnavailable.
        """
        said = one_line(reason)
        if not said or len(said) > LONGEST:
            raise BadReason(f"say why in plain text on one line, at most {LONGEST} characters")
        now = self.clock.now()

        async def work(unit: Unit) -> Hold:
            child = about if about.startswith("ch_") else await unit.retention.child_of(about)
            kept = None if child is None else await unit.retention.child(child)
            if kept is None:
                raise NoSuchChild(about)
            if kept.erasing_at is not None:
                raise Gone(kept.child)
            hold = Hold(id=self.ids.new("lh", now), child=kept.child, code=code, since=now, by=by, reason=said)
            await unit.retention.add_hold(hold)
            await unit.retention.announce(kept.child, None)
            await unit.add_audit([self._line("hold.added", hold, by, now)])
            return hold

        return await self.store.write(work)

    async def lift(self, hold: str, *, by: str) -> Hold:
        """End a hold. Whoever's time is up is erased a day later at the earliest. Raises NoSuchHold,
        StoreUnavailable."""
        now = self.clock.now()

        async def work(unit: Unit) -> Hold:
            found = await unit.retention.hold(hold)
            if found is None or not await unit.retention.lift_hold(hold, now, by):
                raise NoSuchHold(hold)
            lifted = replace(found, lifted_at=now, lifted_by=by)
            await unit.add_audit([self._line("hold.lifted", lifted, by, now)])
            return lifted

        return await self.store.write(work)

    async def list(self, *, lifted: bool = False) -> Sequence[Hold]:
        """Those that stand, or also those that were lifted. Raises StoreUnavailable."""
        return await self.store.read(lambda unit: unit.retention.holds(lifted=lifted))

    def _line(self, action: str, hold: Hold, by: str, now: datetime) -> AuditLine:
        return AuditLine(id=self.ids.new("au", now), at=now, actor=by, action=action, subject=hold.id,
                         detail={"child": hold.child, "code": hold.code})  # fmt: skip


async def going_through(store: Store, look: Callable[[Kept], None], slice_of: int = 500) -> None:
    """Look at every child, a slice at a time. Raises StoreUnavailable."""
    after = ""

    async def some(unit: Unit) -> Sequence[Kept]:
        return await unit.retention.children(after, slice_of)

    while found := await store.read(some):
        for one in found:
            look(one)
        after = found[-1].child
