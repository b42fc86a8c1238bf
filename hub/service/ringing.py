"""Whom the reader of a notice rings, by name and number."""

from contacts.directory import Directory
from contacts.roles import EMERGENCY_DUTY_TEAM, ORGANISATION_OF, desk_of
from hub.core.records import ClaimedDelivery


def whom_to_ring(claimed: ClaimedDelivery, sender: str | None, name: str, directory: Directory) -> tuple[str, ...]:
    """The reader rings the sender; the sender's duty manager rings whoever has not answered."""
    if claimed.delivery.purpose != "handover":
        return () if sender is None else sender_numbers(sender, name, directory)
    notice = claimed.notice
    role, code = notice.gap_role or notice.roles[0], notice.organisation
    if notice.gap_role is not None:  # whom nobody told, not the desk that stands in for them
        code = next((one.organisation for one in claimed.decision.recipients if one.organisation), None)
    code = code or ORGANISATION_OF.get(role)
    known = None if code is None else directory.organisation(code)
    if code is None or known is None:
        return ()
    desk = directory.phone(code, desk_of(role))
    night = directory.desk(code, EMERGENCY_DUTY_TEAM)
    numbers = {desk: f"{known.name}: {desk}"} if desk else {}
    if night is not None and night.phone:
        numbers.setdefault(night.phone, f"{known.name}, out of hours: {night.phone}")
    return tuple(numbers.values())


def sender_numbers(
    code: str, name: str, directory: Directory, *, service: str = ", children's services"
) -> tuple[str, ...]:
    """The numbers of an authority by day and by night, as lines. ``service`` is what its name is followed by."""
    day = directory.phone(code, "front_door")
    desk = directory.desk(code, EMERGENCY_DUTY_TEAM)
    night = None if desk is None else desk.phone
    lines = [f"{name}{service}: {day}"] if day else []
    if night and night != day:
        lines.append(f"{name}, out of hours: {night}")
    return tuple(lines)
