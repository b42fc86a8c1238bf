"""A canary: a message without content, by the way that every notice takes, to a mailbox and a number of the operator's.

It shows that a notice would arrive, before there is one. Each is a row of the ledger like any other, in an episode of
the hub's own that is no absence (``retracted``, ``test``), one a day; it is claimed, composed, handed over and recorded
as notices are. What is not sent ten minutes later is an alarm, which the next one that arrives clears.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from contacts.model import Channel, Contact
from contacts.plans import Way
from contacts.roles import OPERATOR
from hub.core.records import (
    AlarmRecord,
    AuditLine,
    Changes,
    DecisionRecord,
    DeliveryRecord,
    EpisodeRecord,
    NoticeRecord,
    StoredEpisode,
)
from hub.service.ports import Ids, Store, Unit
from hub.service.ways import Ways
from routing.decision import Decision, Recipient

HUB: Final = "hub"
"""Whose episode it is: a source of this id cannot be registered."""
WITHIN: Final = timedelta(minutes=10)
CAUSE: Final = "duty:canary"
LOST: Final = "canary_lost"
GONE_OUT: Final = frozenset({"sent", "delayed", "delivered"})
COMES_BACK: Final = frozenset({"bounced", "expired"})


@dataclass(slots=True, kw_only=True)
class Canary:
    """``every``: how often. ``addresses``: by channel. ``receipts``: a report has to come back as well."""

    store: Store
    ways: Ways
    ids: Ids
    every: timedelta
    addresses: Mapping[Channel, str] = field(repr=False)
    receipts: bool = False
    nudge: Callable[[], None]

    async def tick(self, now: datetime) -> bool:
        """Send one if it is time, and judge the last whose time is over; True if one is on its way. Raises
        StoreUnavailable."""
        due, missing, known = await self.store.read(lambda unit: self._look(unit, now))
        if missing is not None and set(missing) != {alarm.reason for alarm in known}:
            await self.store.write(lambda unit: self._tell(unit, missing, known, now))
        sent = due and await self.store.write(lambda unit: self._send(unit, now))
        if sent:
            self.nudge()
        return sent

    async def _look(self, unit: Unit, now: datetime) -> tuple[bool, list[str] | None, list[AlarmRecord]]:
        """Whether it is time; what the newest canary whose time is over lacks, None if there is none to judge; what is
        told already."""
        made = await self._newest(unit, now)
        known = [alarm for alarm in await unit.alarms() if alarm.kind == LOST]
        over = next((one for one in made if one.created_at <= now - WITHIN), None)
        if over is None:
            return self._is_due(made, now), None, known
        found = [await self._lost(unit, one) for one in await unit.deliveries(over.id)]
        return self._is_due(made, now), [reason for reason in found if reason is not None], known

    def _is_due(self, made: Sequence[NoticeRecord], now: datetime) -> bool:
        return not made or not timedelta(0) <= now - made[0].created_at < self.every

    # sending

    async def _send(self, unit: Unit, now: datetime) -> bool:
        await unit.lock("canary")
        if not self._is_due(await self._newest(unit, now), now):
            return False  # another node was here first
        child = await unit.child_id(HUB, "canary", now)
        stored = await unit.episode(HUB, _ref(now))
        await unit.save(self._changes(stored, child, now))
        return True

    def _changes(self, stored: StoredEpisode | None, child: str, now: datetime) -> Changes:
        before = None if stored is None else stored.record
        episode = self._episode(child, now) if before is None else replace(before, version=before.version + 1)
        decision = Decision(
            at=now,
            cause=CAUSE,
            outcome="notify",
            kind="verification",
            priority="normal",
            recipients=(Recipient(role=OPERATOR, organisation=OPERATOR),),
            fields=(),
            rules=(),
            why="the hub tries its own ways out",
        )
        row = DecisionRecord(id=self.ids.new("dc", now), event=None, episode=episode.id, ordinal=0, decision=decision)
        notice = NoticeRecord(
            id=self.ids.new("nt", now),
            reference=self.ids.reference(),
            decision=row.id,
            episode=episode.id,
            revision=episode.revision,
            kind="verification",
            priority="normal",
            roles=(OPERATOR,),
            organisation=OPERATOR,
            status="test",
            state="pending",
            created_at=now,
            state_at=now,
        )
        line = AuditLine(id=self.ids.new("au", now), at=now, actor=HUB, action="notice.created", organisation=OPERATOR,
                         episode=episode.id, subject=notice.id, detail={"reference": notice.reference})  # fmt: skip
        return Changes(
            event=None,
            episode=episode,
            expected_version=None if before is None else before.version,
            decisions=(row,),
            notices=(notice,),
            deliveries=tuple(self._deliveries(notice, now)),
            supersede=True,  # the one before it is told of by now, and tries no longer
            supersede_kinds=("verification",),
            audit=(line,),
        )

    def _deliveries(self, notice: NoticeRecord, now: datetime) -> Iterator[DeliveryRecord]:
        group = self.ids.new("cn", now)
        for channel, address in self.addresses.items():
            contact = Contact(id="", organisation=OPERATOR, desk="canary", channel=channel, address=address)
            way = Way(contact=contact, carries="alert")
            yield self.ways.delivery(notice, way, now, purpose="notice", group=group, rank=0)

    def _episode(self, child: str, now: datetime) -> EpisodeRecord:
        return EpisodeRecord(
            id=self.ids.new("ep", now),
            source=HUB,
            child=child,
            ref=_ref(now),
            organisation=OPERATOR,
            state="retracted",
            category=None,
            status="test",
            ever_missing=False,
            since=now,
            ended_at=now,
            revision=0,
            version=1,
            wake_at=None,
            memory=b"",
        )

    # judging

    async def _newest(self, unit: Unit, now: datetime) -> Sequence[NoticeRecord]:
        """The canaries of today and yesterday, newest first."""
        made: list[NoticeRecord] = []
        for day in (now, now - timedelta(days=1)):
            stored = await unit.episode(HUB, _ref(day))
            if stored is not None:
                made += reversed(await unit.notices(stored.record.id))
        return made

    async def _lost(self, unit: Unit, delivery: DeliveryRecord) -> str | None:
        if not any(attempt.state in GONE_OUT for attempt in await unit.attempts(delivery.id)):
            return f"{delivery.channel}_not_sent"
        kinds = {receipt.kind for receipt in await unit.receipts(delivery.id)}
        return f"{delivery.channel}_no_receipt" if self.receipts and not kinds - COMES_BACK - {None} else None

    async def _tell(self, unit: Unit, missing: Sequence[str], known: Sequence[AlarmRecord], now: datetime) -> None:
        for reason in missing:
            alarm = AlarmRecord(id=self.ids.new("al", now), kind=LOST, owner=OPERATOR, reason=reason, raised_at=now)
            await unit.add_alarm(alarm, [self._line(f"alarm.{LOST}", alarm, now)])
        for alarm in known:
            if alarm.reason not in missing:
                await unit.clear_alarm(alarm.id, now, [self._line("alarm.cleared", alarm, now)])

    def _line(self, action: str, alarm: AlarmRecord, now: datetime) -> AuditLine:
        return AuditLine(id=self.ids.new("au", now), at=now, actor=HUB, action=action, subject=alarm.id,
                         detail={"reason": alarm.reason})  # fmt: skip


def _ref(at: datetime) -> str:
    return f"canary {at:%Y-%m-%d}"
