"""Checkpoints are carried to second places, each in order and none left out; what cannot be is tried again."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, Protocol

from contacts.roles import OPERATOR
from hub.core.checkpoints import Checkpoint
from hub.core.records import AlarmRecord, AuditLine
from hub.service.ports import Ids, Store, Unit
from hub.service.supervise import Log

EVERY: Final = 30.0
"""Seconds."""
AT_ONCE: Final = 20
"""Checkpoints a look and place: a new place is given all there are, little by little."""
LASTS: Final = timedelta(minutes=15)
"""A place that takes nothing for so long is an alarm."""
NOT_SENT: Final = "audit_not_sent"


class NotTaken(Exception):
    """A place did not take a checkpoint; the reason is a code."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Place(Protocol):
    """Where checkpoints are kept besides."""

    @property
    def kind(self) -> str:
        """``folder`` or ``url``: all that is said of it."""
        ...

    @property
    def id(self) -> str:
        """The same for the same address."""
        ...

    async def put(self, checkpoint: Checkpoint) -> None:
        """Keep it; the same one may come twice. Raises NotTaken."""
        ...


class Sending:
    """One node's. Several nodes send some twice, which changes nothing."""

    def __init__(self, *, store: Store, places: Sequence[Place], ids: Ids, log: Log) -> None:
        self._store = store
        self._places = tuple(places)
        self._ids = ids
        self._log = log
        self._lasting: set[str] = set()

    def amiss(self) -> Mapping[str, int]:
        """For health: places that have taken nothing for long."""
        return {NOT_SENT: len(self._lasting)} if self._lasting else {}

    async def tick(self, now: datetime) -> int:
        """Send what is not there yet; how many were sent. Raises StoreUnavailable."""
        return sum([await self._to(place, now) for place in self._places])

    async def _to(self, place: Place, now: datetime) -> int:
        sent, waiting = await self._store.read(lambda unit: _waiting(unit, place))
        count, failed = 0, None
        for checkpoint in waiting:
            try:
                await place.put(checkpoint)
            except NotTaken as error:
                self._log.error("audit.not_sent", kind=place.kind, reason=error.reason, number=checkpoint.number)
                failed = checkpoint
                break
            sent, count = checkpoint.number, count + 1
        if count:
            await self._store.write(lambda unit: unit.trail.now_sent_to(place.id, sent))
        if failed is None:
            self._lasting.discard(place.id)
            await self._works(place, now)
        elif not timedelta(0) <= now - failed.at < LASTS:
            self._lasting.add(place.id)
            await self._store.write(lambda unit: self._tell(unit, place, now))
        return count

    async def _tell(self, unit: Unit, place: Place, now: datetime) -> None:
        """At most one open alarm of a kind and reason: the next time this changes nothing."""
        alarm = AlarmRecord(
            id=self._ids.new("al", now), kind=NOT_SENT, owner=OPERATOR, reason=place.kind, raised_at=now
        )
        await unit.add_alarm(alarm, [self._line("alarm.audit_not_sent", alarm, now)])

    async def _works(self, place: Place, now: datetime) -> None:
        found = await self._store.read(lambda unit: _open(unit, place))
        for alarm in found:
            line = self._line("alarm.cleared", alarm, now)
            # Bound now: a work that lost a race is run again.
            await self._store.write(lambda unit, alarm=alarm, line=line: unit.clear_alarm(alarm.id, now, [line]))  # type: ignore[misc]

    def _line(self, action: str, alarm: AlarmRecord, now: datetime) -> AuditLine:
        return AuditLine(id=self._ids.new("au", now), at=now, actor="hub", action=action, organisation=OPERATOR,
                         subject=alarm.id, detail={"kind": alarm.kind, "reason": alarm.reason})  # fmt: skip


async def _waiting(unit: Unit, place: Place) -> tuple[int, Sequence[Checkpoint]]:
    """How far the place is, and what comes next."""
    sent = await unit.trail.sent_to(place.id)
    return sent, await unit.trail.checkpoints_after(sent, AT_ONCE)


async def _open(unit: Unit, place: Place) -> Sequence[AlarmRecord]:
    return [alarm for alarm in await unit.alarms() if alarm.kind == NOT_SENT and alarm.reason == place.kind]
