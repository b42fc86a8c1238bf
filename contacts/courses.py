"""How a notice to a desk would go, for whoever keeps the directory: its own steps, then whoever stands in; and when
nobody is there. Pure.

What is sent is decided by hub/core/ladder.py, by the same rules and for a notice that there is.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Final, Literal

from contacts.directory import Directory
from contacts.model import CHANNELS, Contact, Desk, Organisation, Reached, Urgency
from contacts.plans import Step, plan, usable_for
from contacts.roles import EMERGENCY_DUTY_TEAM, FOSTERING_OUT_OF_HOURS
from contacts.rota import LONDON, read_hours

Part = Literal["own", "instead", "off_duty", "deputy", "duty_team", "fallback"]
"""``own``: the desk, which is on duty; ``instead``: the emergency duty team, outside its hours; ``off_duty``: the desk,
as nobody else is there; ``deputy`` and ``duty_team``: asked when nobody has answered; ``fallback``: hears of the gap
where the desk has nobody at all."""
DAYS: Final = 14
MOMENTS: Final = 1_000
"""How many changes of duty are looked at; of the usual hours there are some hundred in those days."""
_STAND_IN: Final = frozenset({EMERGENCY_DUTY_TEAM, FOSTERING_OUT_OF_HOURS})


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Steps that are taken in turn, and of which desk."""

    part: Part
    desk: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """From when to when nobody is on duty."""

    since: datetime
    until: datetime


def course(
    directory: Directory, organisation: str, function: str, at: datetime, priority: Urgency
) -> tuple[Stage, ...]:
    """What a notice of this priority to this desk would go through; a stage without steps has nobody that presses."""
    reached = directory.reach(organisation, function, at, usable=usable_for(priority, CHANNELS))
    if not isinstance(reached, Reached):
        known = directory.organisation(organisation)
        desk = "fallback" if known is None else known.fallback_desk
        return (_now(directory, "fallback", organisation, desk, at, priority),)
    part: Part = "off_duty" if not reached.on_duty else "own" if reached.desk == function else "instead"
    stages = [Stage(part=part, desk=reached.desk, steps=plan(reached.contacts, priority, CHANNELS))]
    own = directory.desk(organisation, function)
    if own is not None and own.deputy is not None:
        stages.append(_now(directory, "deputy", organisation, own.deputy, at, priority))
    if EMERGENCY_DUTY_TEAM not in (function, reached.desk):
        stages.append(_now(directory, "duty_team", organisation, EMERGENCY_DUTY_TEAM, at, priority))
    return (stages[0], *(stage for stage in stages[1:] if stage.steps))


def _now(directory: Directory, part: Part, organisation: str, desk: str, at: datetime, priority: Urgency) -> Stage:
    """Of whoever stands in only the first step is taken."""
    steps = plan(directory.desk_now(organisation, desk, at), priority, CHANNELS)
    return Stage(part=part, desk=desk, steps=steps[:1])


def unstaffed(directory: Directory, organisation: str, start: datetime) -> Mapping[str, tuple[Gap, ...]]:
    """For each desk that has contacts, when in the :data:`DAYS` days from ``start`` neither it nor whoever stands in is
    on duty; not for those that only stand in for others. Of the first :data:`MOMENTS` changes of duty, where there are
    more. Quicker of a directory of that organisation alone, as each of them is looked at; may take a second."""
    moments = sorted(_moments(directory, organisation, start))
    end = moments[MOMENTS] if len(moments) > MOMENTS else start + timedelta(days=DAYS)
    del moments[MOMENTS:]
    found: dict[str, tuple[Gap, ...]] = {}
    for desk in directory.bundle.desks:
        if desk.organisation != organisation or desk.function in _STAND_IN:
            continue
        if not directory.contacts_of(organisation, desk.function, start):
            continue
        gaps: list[Gap] = []
        for since, until in zip(moments, (*moments[1:], end), strict=True):
            reached = directory.reach(organisation, desk.function, since)
            if isinstance(reached, Reached) and reached.on_duty:
                continue
            if gaps and gaps[-1].until == since:
                since = gaps.pop().since
            gaps.append(Gap(since=since, until=until))
        if gaps:
            found[desk.function] = tuple(gaps)
    return found


def _moments(directory: Directory, organisation: str, start: datetime) -> set[datetime]:
    """Whenever somebody's duty may begin or end."""
    end = start + timedelta(days=DAYS)
    minutes = {0}
    for hours in directory.bundle.hours:
        for span in read_hours(hours).spans:
            minutes |= {span.start % 1440, span.end % 1440}
    first = start.astimezone(LONDON).date()
    found = {
        datetime.combine(first + timedelta(days=day), time(*divmod(minute, 60)), LONDON).astimezone(UTC)
        for day in range(DAYS + 1)
        for minute in minutes
    }
    found |= set(_dates(directory, organisation))
    return {start, *(moment for moment in found if start < moment < end)}


def _dates(directory: Directory, organisation: str) -> Iterator[datetime]:
    own = directory.organisation(organisation)
    dated: tuple[Organisation | Desk | Contact, ...] = (
        *(() if own is None else (own,)),
        *(one for one in directory.bundle.desks if one.organisation == organisation),
        *(one for one in directory.bundle.contacts if one.organisation == organisation),
    )
    for one in dated:
        yield from (moment for moment in (one.valid_from, one.valid_until) if moment is not None)
