"""An alarm of the operator's that stands as long as something is so."""

from datetime import datetime

from contacts.roles import OPERATOR
from hub.core.records import AlarmRecord, AuditLine
from hub.service.ports import Ids, Store, Unit


async def stands(store: Store, ids: Ids, kind: str, amiss: bool, now: datetime) -> None:
    """Raise it if it is not open, or clear it; nothing is written where it is as it should be. Raises
    StoreUnavailable."""

    def line(action: str, alarm: AlarmRecord) -> AuditLine:
        return AuditLine(id=ids.new("au", now), at=now, actor="hub", action=action, subject=alarm.id,
                         detail={"reason": kind})  # fmt: skip

    async def known(unit: Unit) -> list[AlarmRecord]:
        return [one for one in await unit.alarms() if one.kind == kind]

    async def work(unit: Unit) -> None:
        found = await known(unit)
        if amiss and not found:
            alarm = AlarmRecord(id=ids.new("al", now), kind=kind, owner=OPERATOR, reason=kind, raised_at=now)
            await unit.add_alarm(alarm, [line(f"alarm.{kind}", alarm)])
        for alarm in () if amiss else found:
            await unit.clear_alarm(alarm.id, now, [line("alarm.cleared", alarm)])

    if bool(await store.read(known)) != amiss:
        await store.write(work)
