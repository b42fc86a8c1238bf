"""The alarm that a reader has no second channel ends by itself once one is on record."""

from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from typing import Final

from contacts.directory import Directory
from hub.core.records import AlarmRecord, AuditLine
from hub.service.pickup.link import NO_SECOND, second_ways
from hub.service.ports import Ids, Store, Unit, Unsealable
from hub.service.sending import NoContact

EVERY: Final = timedelta(minutes=5)
"""Between looks at the same directory: what an event says of a person may have changed."""
AT_ONCE: Final = 100
"""Alarms that one look is about; the next one goes on from there."""


class SecondChannels:
    """One node's look. ``channels``: what the hub can send a code over."""

    def __init__(
        self, *, store: Store, directory: Callable[[], Directory], channels: Collection[str], ids: Ids
    ) -> None:
        self._store = store
        self._directory = directory
        self._channels = channels
        self._ids = ids
        self._seen: Directory | None = None
        self._looked_at: datetime | None = None
        self._after = ""

    async def tick(self, now: datetime) -> int:
        """Look if it is time; how many alarms are over. Raises StoreUnavailable."""
        directory = self._directory()
        if directory is self._seen and self._looked_at is not None and timedelta(0) <= now - self._looked_at < EVERY:
            return 0
        open_now = await self._store.read(lambda unit: unit.alarms())
        ours = sorted(
            (one for one in open_now if one.kind == NO_SECOND and one.id > self._after), key=lambda one: one.id
        )
        over = [one for one in ours[:AT_ONCE] if await self._has_one(one, directory, now)]
        if over:
            await self._store.write(lambda unit: self._clear(unit, over, now))
        if len(ours) > AT_ONCE:
            self._after = ours[AT_ONCE - 1].id
        else:
            self._after, self._seen, self._looked_at = "", directory, now
        return len(over)

    async def _has_one(self, alarm: AlarmRecord, directory: Directory, now: datetime) -> bool:
        try:
            return await self._store.read(lambda unit: self._look(unit, alarm, directory, now))
        except (NoContact, Unsealable):
            return False  # nobody reads it any more, or it is about a child who was erased

    async def _look(self, unit: Unit, alarm: AlarmRecord, directory: Directory, now: datetime) -> bool:
        """Whether each link that it is about can be opened now; False where there is none."""
        stored = None if alarm.episode is None else await unit.episode_by_id(alarm.episode)
        if stored is None or alarm.notice is None or alarm.contact is None:
            return False
        sent = await unit.pickups.sent(alarm.notice, alarm.contact, alarm.reason)
        return bool(sent) and all(second_ways(one, stored, directory, self._channels, now) for one in sent)

    async def _clear(self, unit: Unit, over: Collection[AlarmRecord], now: datetime) -> None:
        for one in over:
            line = AuditLine(
                id=self._ids.new("au", now),
                at=now,
                actor="hub",
                action="alarm.cleared",
                organisation=one.owner,
                episode=one.episode,
                subject=one.id,
                detail={"kind": one.kind},
            )
            await unit.clear_alarm(one.id, now, [line])
