"""What becomes of an alarm when somebody has seen to it."""

from datetime import datetime

from hub.core.records import AuditLine
from hub.service.ports import Ids, Unit


async def seen_to(unit: Unit, alarm: str, actor: str, ids: Ids, now: datetime) -> bool:
    """Clear an open alarm, with who did. False if there is none of this id (any more)."""
    found = next((one for one in await unit.alarms() if one.id == alarm), None)
    if found is None:
        return False
    line = AuditLine(
        id=ids.new("au", now), at=now, actor=actor, action="alarm.cleared", organisation=found.owner,
        episode=found.episode, subject=found.id, detail={"kind": found.kind},
    )  # fmt: skip
    await unit.clear_alarm(found.id, now, [line])
    return True
