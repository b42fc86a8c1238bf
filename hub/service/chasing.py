"""Chasing: whatever has waited too long for an answer takes its next step, notice by notice.

A tick claims nothing and holds nothing: each notice is looked at in a transaction of its own, under a lock that the
answers take too, so that whoever answers first is not chased by the other's decision. What a look decides is in
hub/core/escalation.py.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from contacts.areas import Areas
from hub.core.endings import over, overtaken
from hub.core.episode import Memory
from hub.core.escalation import Look, look
from hub.core.ladder import About, ladder
from hub.core.records import AlarmRecord, AuditLine, Chased, DeliveryRecord, NoticeRecord, StoredEpisode, Tracked
from hub.core.states import notice_after
from hub.service.keeping import Keeping
from hub.service.ports import Ids, Store, StoreUnavailable, Unit
from hub.service.ways import Ways
from routing.decision import Recipient
from routing.packs import Packs

BATCH: Final = 100
PATIENCE: Final = timedelta(minutes=1)
"""How long a notice that could not be worked on is left alone, so that it holds up no other; not for an hour longer
where the clock was set back by one."""


@dataclass(slots=True, kw_only=True)
class Chasing:
    """``log`` is told of a notice that fails, by its id and the error's class only."""

    store: Store
    packs: Packs
    areas: Areas
    ways: Ways
    ids: Ids
    nudge: Callable[[], None]
    log: Callable[[str, str], None]
    _failing: dict[str, datetime] = field(default_factory=dict)

    async def tick(self, now: datetime) -> int:
        """Look at what is due; how many notices were looked at. Raises StoreUnavailable."""
        looked = 0
        while due := await self._due(now):
            for notice in due:
                looked += await self._safely(notice, now)
            if len(due) < BATCH:
                break
        if looked:
            self.nudge()
        return looked

    async def _due(self, now: datetime) -> list[str]:
        self._failing = {notice: until for notice, until in self._failing.items() if now < until <= now + PATIENCE}
        limit = BATCH + len(self._failing)
        due = await self.store.read(lambda unit: unit.due_chases(now, limit))
        return [notice for notice in due if notice not in self._failing]

    async def _safely(self, notice: str, now: datetime) -> bool:
        try:
            return await self.store.write(lambda unit: self._work(unit, notice, now))
        except StoreUnavailable:
            self._failing[notice] = now + PATIENCE
            raise
        except Exception as error:  # one notice that cannot be worked on must not stop the chase of the others
            self._failing[notice] = now + PATIENCE
            self.log(notice, type(error).__name__)
            alarm = AlarmRecord(id=self.ids.new("al", now), kind="chase_failed", owner="operator", notice=notice,
                                reason=type(error).__name__, raised_at=now)  # fmt: skip
            await self.store.write(lambda unit: unit.add_alarm(alarm, ()))
            return False

    async def _work(self, unit: Unit, notice: str, now: datetime) -> bool:
        await unit.lock(f"notice:{notice}")
        tracked = await unit.tracked(notice)
        if tracked is None or tracked.notice.chase_at is None or tracked.notice.chase_at > now:
            return False  # another node was here first, or somebody has answered
        stored = await unit.episode_by_id(tracked.notice.episode)
        if stored is None:
            return False
        found = ladder(_about(tracked, stored), self.ways.ground(now))
        waits = self.packs.select(stored.doc).waits()
        news_at = await unit.last_heard(tracked.notice.episode) or tracked.notice.created_at
        ended = over(stored.record.state, tracked.notice.kind) and overtaken(
            stored.record, tracked.notice, await unit.notices(stored.record.id)
        )
        kept = Keeping(packs=self.packs, areas=self.areas)(tracked.decision, stored)
        came_to = look(tracked, found, waits, news_at, now, over=ended, kept=kept)
        await unit.chase(self._written(tracked, came_to, now), tracked.child)
        return True

    def _written(self, tracked: Tracked, came_to: Look, now: datetime) -> Chased:
        notice = tracked.notice
        state = notice.state if came_to.happened is None else notice_after(notice.state, came_to.happened)
        moved = replace(
            notice,
            state=state,
            state_at=notice.state_at if state == notice.state else now,
            chase_at=came_to.chase_at,
        )
        made = tuple(self._deliveries(moved, came_to, now))
        alarms = tuple(
            AlarmRecord(id=self.ids.new("al", now), kind=kind, owner=owner, episode=notice.episode, notice=notice.id,
                        reason=reason, raised_at=now)
            for kind, owner, reason in came_to.alarms if notice.status == "actual"
        )  # fmt: skip
        lines = [self._line(notice, "notice.chased", now, _told(came_to))] if made else []
        if state != notice.state:
            lines.append(self._line(notice, f"notice.{state}", now, {"why": came_to.why}))
        return Chased(notice=moved, deliveries=made, alarms=alarms, audit=tuple(lines))

    def _deliveries(self, notice: NoticeRecord, came_to: Look, now: datetime) -> list[DeliveryRecord]:
        if came_to.rung is None:
            return []
        group = self.ids.new("ch", now)
        return [
            self.ways.delivery(notice, way, now, purpose=came_to.rung.purpose, group=group, rank=0)
            for way in came_to.rung.ways
        ]

    def _line(self, notice: NoticeRecord, action: str, now: datetime, detail: dict[str, str]) -> AuditLine:
        return AuditLine(id=self.ids.new("au", now), at=now, actor="hub", action=action,
                         organisation=notice.organisation, episode=notice.episode, subject=notice.id,
                         detail=detail)  # fmt: skip


def _told(came_to: Look) -> dict[str, str]:
    rung = came_to.rung
    if rung is None:
        return {"why": came_to.why}
    told = {"why": came_to.why, "step": rung.purpose, "channels": " ".join(way.contact.channel for way in rung.ways)}
    return told | ({"desk": rung.desk} if rung.desk else {})


def _about(tracked: Tracked, stored: StoredEpisode) -> About:
    notice = tracked.notice
    recipient = Recipient(
        role=notice.gap_role or notice.roles[0], organisation=notice.organisation, person=notice.person
    )
    return About(
        recipient=recipient,
        priority=notice.priority,
        status=notice.status,
        doc=stored.doc,
        person=Memory.loads(stored.record.memory).persons.get(f"{recipient.role}/{recipient.person}"),
        stands_in=notice.gap_role is not None,
    )
