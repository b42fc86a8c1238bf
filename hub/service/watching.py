"""The hub watches itself: what is not as it must be is an alarm within a minute, and its end clears it.

The definition is in hub/core/completeness.py. A look changes nothing but alarms; any node may take it, and two that
find the same raise one alarm. Beside the ledger it watches the clock that everything in it is measured by.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from contacts.roles import OPERATOR
from hub.core.completeness import EVERY, OUTSIDE, After, Lacking, Looked
from hub.core.records import AlarmRecord, AuditLine
from hub.service.ports import Ids, Store, Unit
from hub.service.supervise import Log

KINDS: Final = frozenset({"incomplete", "stalled"})
BACK: Final = timedelta(seconds=5)
"""How far a clock may be set back without a word: what is corrected a little all day is no jump."""
AHEAD: Final = timedelta(minutes=5)
"""How much longer than planned may pass between two looks: the machine was asleep, or its clock was set."""
APART: Final = timedelta(minutes=1)
"""How far a clock may at a start be behind the last line of the audit log, which another machine may have written."""
AWAY: Final = timedelta(days=1)
"""How old that line may be: where it is older, either the clock is ahead, or no hub ran for so long."""


class Watching:
    """One node's look. ``late``: seconds that a delivery may be due while others are taken in hand; ``last``: what the
    last line of the audit log says, of before this start, as the first look has none before it."""

    def __init__(self, *, store: Store, ids: Ids, late: float, log: Log, last: datetime | None = None) -> None:
        self._store = store
        self._ids = ids
        self._late = timedelta(seconds=late)
        self._log = log
        self._after = After()
        self._found = 0
        self._last = last
        self._looked_at: datetime | None = None
        self._jump: str | None = None
        self._back_by = timedelta(0)

    def amiss(self) -> Mapping[str, int]:
        """For health: how much the last look found that is the hub's own fault; empty if there is none."""
        return {"incomplete": self._found} if self._found else {}

    async def tick(self, now: datetime) -> int:
        """Look, raise and clear alarms; how much is amiss. Raises StoreUnavailable."""
        just_started = self._looked_at is None
        await self._watch_clock(now)
        looked, known = await self._store.read(lambda unit: self._look(unit, now, just_started))
        self._after = looked.after
        self._found = sum(1 for one in looked.lacking if one.what not in OUTSIDE)
        new = list(_new(looked.lacking, known))
        gone = list(_gone(looked, known))
        if new or gone:
            await self._store.write(lambda unit: self._write(unit, new, gone, now))
            self._log.error("watching.found", count=len(new), open=len(looked.lacking))
        return len(looked.lacking)

    async def _look(self, unit: Unit, now: datetime, just_started: bool) -> tuple[Looked, Sequence[AlarmRecord]]:
        known = [alarm for alarm in await unit.alarms() if alarm.kind in KINDS]
        looked = await unit.incomplete(
            now,
            now - self._late,
            self._after,
            again=[alarm.notice for alarm in known if alarm.notice is not None],
            again_of=[alarm.episode for alarm in known if alarm.notice is None and alarm.episode is not None],
            just_started=just_started,
        )
        return looked, known

    async def _write(self, unit: Unit, new: Sequence[Lacking], gone: Sequence[AlarmRecord], now: datetime) -> None:
        for lacking in new:
            kind, _ = lacking.about
            alarm = AlarmRecord(id=self._ids.new("al", now), kind=kind, owner=OPERATOR, episode=lacking.episode,
                                notice=lacking.notice, reason=lacking.what, raised_at=now)  # fmt: skip
            await unit.add_alarm(alarm, [self._line(f"alarm.{kind}", alarm, now)])
        for alarm in gone:
            await unit.clear_alarm(alarm.id, now, [self._line("alarm.cleared", alarm, now)])

    def _line(self, action: str, alarm: AlarmRecord, now: datetime) -> AuditLine:
        return AuditLine(id=self._ids.new("au", now), at=now, actor="hub", action=action, episode=alarm.episode,
                         subject=alarm.notice or alarm.episode, detail={"reason": alarm.reason})  # fmt: skip

    async def _watch_clock(self, now: datetime) -> None:
        """What is due, leased or to be chased is so by this clock: set back an hour, it all waits for that hour. Only
        what is to be tried again does not, as a try too early harms nobody; whoever is chased too early is called for
        nothing once the clock is right again. What is more than days ahead does not either: the clock was, and is put
        right, and nobody would be chased until then."""
        if self._looked_at is None:
            before, back, ahead = self._last, APART, AWAY
        else:
            before, back, ahead = self._looked_at, BACK, timedelta(seconds=EVERY) + AHEAD
        self._looked_at = now
        if before is not None and now < before - back:
            self._jump = "back"
            self._back_by += before - now
        elif before is not None and now > before + ahead:
            self._jump = "ahead"
        if self._jump is None:
            return
        self._log.error("clock.jumped", reason=self._jump)
        alarm = AlarmRecord(id=self._ids.new("al", now), kind="clock_jumped", owner=OPERATOR, reason=self._jump,
                            raised_at=now)  # fmt: skip
        by = self._back_by

        async def work(unit: Unit) -> None:
            if by:
                await unit.set_back(by, now)
            await unit.add_alarm(alarm, [self._line("alarm.clock_jumped", alarm, now)])

        await self._store.write(work)
        self._jump, self._back_by = None, timedelta(0)


def _new(lacking: Iterable[Lacking], known: Iterable[AlarmRecord]) -> Iterable[Lacking]:
    """What no alarm is open about, once each."""
    told = {_about(alarm) for alarm in known}
    for one in lacking:
        if one.about not in told:
            told.add(one.about)
            yield one


def _gone(looked: Looked, known: Iterable[AlarmRecord]) -> Iterable[AlarmRecord]:
    """Alarms whose cause is no more; never on the word of a list that was cut short."""
    still = {one.about for one in looked.lacking}
    cut_short: frozenset[str] = looked.more
    return (alarm for alarm in known if _about(alarm) not in still and alarm.reason not in cut_short)


def _about(alarm: AlarmRecord) -> tuple[str, str]:
    return alarm.kind, alarm.notice or f"{alarm.episode}|{alarm.reason}"
