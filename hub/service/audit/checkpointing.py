"""Checkpoints are made of what is whole only: before one is signed, the chain is gone through from the last one on.

So the hub itself finds a line that was changed, taken out or put in since the last checkpoint, and a chain that was cut
off before it, within minutes and not only when somebody asks.
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Final

from contacts.roles import OPERATOR
from hub.core.audit import Broken, Head, verify_chain
from hub.core.checkpoints import EVERY_LINES, Checkpoint, CheckpointKey, is_due, sign
from hub.core.records import AlarmRecord, AuditLine
from hub.service.audit.chaining import link_waiting
from hub.service.ports import Ids, Store
from hub.service.supervise import Log

EVERY: Final = 10.0
"""Seconds between looks whether one is due."""
BITE: Final = 100
"""Lines that are read and hashed, in some milliseconds, before others have their turn."""
REST: Final = 0.01
"""Seconds between two bites of a look. It goes through a thousand lines and can wait; an event that comes meanwhile is
not to share the processor with it all the time."""
AT_ONCE: Final = 20
"""Checkpoints a look."""
BROKEN: Final = "audit_broken"


class Checkpointing:
    """One node's. Two nodes may make one each; of the same number only the first is kept."""

    def __init__(
        self,
        *,
        store: Store,
        hub: str,
        key: CheckpointKey | None,
        ids: Ids,
        log: Log,
        pause: Callable[[float], Awaitable[None]] | None = None,
    ) -> None:
        """``hub``: its public address; without ``key`` nothing is signed. ``pause``: rests between two bites of a look,
        and as of :func:`link_waiting`."""
        self._pause = pause
        self._store = store
        self._hub = hub
        self._key = key
        self._ids = ids
        self._log = log
        self._broken = 0

    def amiss(self) -> Mapping[str, int]:
        """For health: the number of the line at which the chain is broken."""
        return {BROKEN: self._broken} if self._broken else {}

    async def tick(self, now: datetime) -> int:
        """Make what is due; how many were made. Raises StoreUnavailable."""
        made = 0
        while self._key is not None and made < AT_ONCE and await self._next(self._key, now, asked=False):
            made += 1
        return made

    async def make(self, now: datetime) -> Checkpoint | None:
        """Link all lines and make one of the last, whenever the one before it was; the newest. None: the chain is
        broken, or empty, or there is no key. Raises StoreUnavailable."""
        await link_waiting(self._store, pause=self._pause)
        while self._key is not None and await self._next(self._key, now, asked=True):
            pass
        return None if self._broken or self._key is None else await self._last()

    async def _last(self) -> Checkpoint | None:
        return await self._store.read(lambda unit: unit.trail.checkpoint())

    async def _next(self, key: CheckpointKey, now: datetime, *, asked: bool) -> bool:
        """Make the next one; False if there is none to make, or the chain up to it is not whole."""
        last = await self._last()
        head = await self._store.read(lambda unit: unit.trail.head())
        if last is not None and head.number < last.number:
            return await self._found(Broken(number=head.number + 1, line="", reason="number"), now)
        if not is_due(last, head, now) and not (asked and head.number > (0 if last is None else last.number)):
            return False
        to = min(head.number, (0 if last is None else last.number) + EVERY_LINES)
        found = await self._gone_through(last, to, pause=None if asked else self._pause)
        if isinstance(found, Broken):
            return await self._found(found, now)
        self._broken = 0
        made = sign(self._hub, found, now, key)
        await self._store.write(lambda unit: unit.trail.add_checkpoint(made))
        return True

    async def _gone_through(
        self, last: Checkpoint | None, to: int, *, pause: Callable[[float], Awaitable[None]] | None
    ) -> Head | Broken:
        """The head at ``to``, if all is as it was linked: also the line that the last checkpoint is of."""
        head = Head() if last is None else Head(number=last.number, link=last.link)
        if last is not None:
            at_last = await self._store.read(lambda unit: unit.trail.span(last.number, last.number))
            if [one.link for one in at_last] != [last.link]:
                return Broken(number=last.number, line="", reason="link")
        while head.number < to:
            # Bound now: a work that lost a race is run again.
            after, bite = head.number, min(BITE, to - head.number)
            lines = await self._store.read(lambda unit, after=after, bite=bite: unit.trail.linked(after, bite))  # type: ignore[misc]
            checked = verify_chain(lines, head)
            if isinstance(checked, Broken):
                return checked
            if checked.number == head.number:
                return Broken(number=head.number + 1, line="", reason="link")
            head = checked
            if pause is not None and head.number < to:
                await pause(REST)
        return head

    async def _found(self, broken: Broken, now: datetime) -> bool:
        """Tell of it, once; nothing is signed as long as it is so."""
        if self._broken != broken.number:
            self._log.error("audit.broken", number=broken.number, reason=broken.reason)
        self._broken = broken.number
        alarm = AlarmRecord(
            id=self._ids.new("al", now), kind=BROKEN, owner=OPERATOR, reason=f"line_{broken.number}", raised_at=now
        )
        line = AuditLine(id=self._ids.new("au", now), at=now, actor="hub", action="alarm.audit_broken",
                         organisation=OPERATOR, subject=alarm.id, detail={"reason": alarm.reason})  # fmt: skip
        await self._store.write(lambda unit: unit.add_alarm(alarm, [line]))
        return False
