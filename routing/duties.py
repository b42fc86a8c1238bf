"""The clocks: duties open, fall due, repeat, are chased, done and cancelled. Pure values; ``now`` is an argument.

protocols.md, Duties; readings.md A7, A8, B7 to B9, B37, B45. A duty's occurrences are rows of their own; what is to
happen next with one stands in it (``remind_at``, ``chase_at``, ``turn_at``), so nothing else has to be remembered.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Literal

from routing.calendar import Period, add, birthday, night_limit
from routing.decision import AgreementKind, Duty, DutyState, Rule
from routing.facts import Doc, born, looked_after
from routing.packs import LEAD, DutyRow, Pack, Packs, Reminders

HUB = "hub"
REMOVAL = "register_removal"
What = Literal["remind", "chase", "turn"]


Clocks = Mapping[str, datetime]
"""Rows (pack/code/index) whose condition holds, and since when: what has started and must not start again."""


@dataclass(frozen=True, slots=True)
class Running:
    """A row of a pack with its id."""

    id: str
    pack: Pack
    row: DutyRow
    rules: tuple[Rule, ...]
    """What the row rests on."""


@dataclass(frozen=True, slots=True)
class Happening:
    """Something a clock does: remind the owner, chase, or turn (tell, act, open the next)."""

    at: datetime
    what: What
    duty: Duty


@lru_cache(maxsize=256)
def rows_of(packs: Packs) -> tuple[Running, ...]:
    """All duty rows of the packs in force, with their ids."""
    return tuple(_rows_of(packs))


@lru_cache(maxsize=1024)
def rows_starting(packs: Packs, *triggers: str) -> tuple[Running, ...]:
    """The duty rows that one of these triggers starts (``DutyRow.starts``), in the packs' order."""
    return tuple(running for running in rows_of(packs) if running.row.starts in triggers)


def _rows_of(packs: Packs) -> Iterator[Running]:
    for pack in packs.packs:
        seen: dict[str, int] = {}
        for row in pack.duties:
            # an option's rows are counted by themselves: turning one on or off renames no other row
            place = f"{pack.name}/{row.code}/" + (f"{row.option}." if row.option else "")
            index = seen[place] = seen.get(place, -1) + 1
            yield Running(f"{place}{index}", pack, row, pack.cite(row.rules))


def row_by_id(packs: Packs, row: str) -> Running | None:
    """The row a duty runs under. Where an edited pack no longer has it, the first of the same code carries on: a clock
    that runs must not be lost because its row was moved. None if no pack knows the code any more."""
    return find_row(index_of(packs), row)


@lru_cache(maxsize=256)
def index_of(packs: Packs) -> Mapping[str, Running]:
    """Every row by its id, in the packs' order."""
    return {running.id: running for running in rows_of(packs)}


def find_row(index: Mapping[str, Running], row: str) -> Running | None:
    """See :func:`row_by_id`."""
    same_code = (running for running in index.values() if running.row.code == code_of(row))
    return index.get(row) or next(same_code, None)


def code_of(row: str) -> str:
    """The code in a row's id."""
    return row.split("/")[1]


def codes(packs: Packs) -> frozenset[str]:
    """Every duty code of these packs; the hub's removals from a register are one too, though it lists none (B25)."""
    registers = {REMOVAL} if any(pack.register_ is not None for pack in packs.packs) else set[str]()
    return frozenset(running.row.code for running in rows_of(packs)) | registers


def owner_role(owner: str, doc: Doc) -> str:
    """ "Responsible or area authority" as the role it is for this child (readings.md B4)."""
    if owner != LEAD:
        return owner
    return "responsible_authority" if looked_after(doc) else "host_authority"


def due_of(running: Running, start: datetime, n: int, doc: Doc) -> datetime:
    """When the n-th occurrence falls due. Calendar periods count from the start, so month ends do not drift."""
    row = running.row
    if row.due_age is not None:
        return birthday(born(doc), row.due_age)
    due: Period = row.due
    if row.night:
        return night_limit(start, due, running.pack.night_from, running.pack.night_to)
    if row.repeats is None:
        return add(start, due)
    if due.seconds == 0:
        later = row.repeats.times(n - 1)
        return add(start, Period(months=due.months + later.months, days=due.days + later.days, seconds=later.seconds))
    return add(add(start, due), row.repeats.times(n - 1))


def open_duty(
    running: Running,
    start: datetime,
    now: datetime,
    doc: Doc,
    *,
    rules: tuple[Rule, ...],
    before: Iterable[Duty],
) -> Duty | None:
    """The first occurrence of a clock that starts. A repeating one that comes late skips what is past (A8); an age
    already reached opens nothing (B34)."""
    n, due = 1, due_of(running, start, 1, doc)
    if running.row.due_age is not None and due <= start:
        return None
    while running.row.repeats is not None and due < now:
        n += 1
        due = due_of(running, start, n, doc)
    earlier = [duty for duty in before if duty.code == running.row.code]
    base = max((duty.occurrence for duty in earlier), default=0)
    ordinal = max((duty.ordinal for duty in earlier), default=-1) + 1
    previous = due_of(running, start, n - 1, doc) if n > 1 else start
    owner = owner_role(running.row.owner, doc)
    return _occurrence(running, previous, occurrence=base + n, ordinal=ordinal, owner=owner, opened_at=now, due_at=due,
                       rules=rules, start=start, n=n)  # fmt: skip


def _occurrence(
    running: Running,
    previous: datetime,
    *,
    occurrence: int,
    ordinal: int,
    owner: str,
    opened_at: datetime,
    due_at: datetime,
    rules: tuple[Rule, ...],
    start: datetime,
    n: int,
) -> Duty:
    """A freshly opened occurrence, with what is to happen with it."""
    row, ours = running.row, owner == HUB
    acts = row.acts is not None or row.repeats is not None or bool(row.tells)
    return Duty(
        code=row.code,
        occurrence=occurrence,
        ordinal=ordinal,
        owner=owner,
        opened_at=opened_at,
        due_at=due_at,
        rules=rules,
        row=running.id,
        start=start,
        n=n,
        remind_at=None if ours else _reminder(opened_at, due_at, previous, running.pack.reminders),
        chase_at=None if ours else max(due_at, opened_at),
        turn_at=due_at if acts else None,
    )


def _reminder(opened_at: datetime, due_at: datetime, previous: datetime, settings: Reminders) -> datetime | None:
    """A share of the interval before the due time, never sooner than an hour after opening (readings.md B9)."""
    if due_at - opened_at <= timedelta(seconds=settings.not_within.seconds):
        return None
    moment = max(
        due_at - (due_at - previous) * settings.share,
        opened_at + timedelta(seconds=settings.not_before.seconds),
    )
    return moment if moment < due_at else None


def next_chase(due: datetime, after: datetime, settings: Reminders) -> datetime:
    """The next chase after ``after``: at the due time, daily for a week, then weekly, by the calendar."""
    for days in settings.chase_days:
        if (moment := add(due, Period(days=days))) > after:
            return moment
    days = settings.chase_days[-1]
    while True:
        days += settings.then_every_days
        if (moment := add(due, Period(days=days))) > after:
            return moment


def _never(duty: Duty) -> bool:
    return False


def next_happening(duties: Iterable[Duty], paused: Callable[[Duty], bool] = _never) -> Happening | None:
    """The earliest thing a clock has to do; at one instant reminders, then what acts and repeats, then chasing.
    ``paused``: of which nobody is reminded, and nobody chased; they repeat all the same."""
    waiting = [duty for duty in duties if duty.turn_at or duty.chase_at or duty.remind_at]  # of many, a few
    happenings = (happening for duty in waiting for happening in _happenings(duty, paused(duty)))
    return min(happenings, key=_turn_of, default=None)


def _happenings(duty: Duty, paused: bool) -> Iterator[Happening]:
    if duty.remind_at is not None and not paused:
        yield Happening(duty.remind_at, "remind", duty)
    if duty.turn_at is not None:
        yield Happening(duty.turn_at, "turn", duty)
    if duty.chase_at is not None and not paused:
        yield Happening(duty.chase_at, "chase", duty)


_ORDER: Mapping[What, int] = {"remind": 0, "turn": 1, "chase": 2}


def _turn_of(happening: Happening) -> tuple[datetime, int, datetime, str, int]:
    """Its place in the queue: the same whatever order the duties were stored in. What falls due turns before anything
    is chased, so that the occurrence before it is chased no more (readings.md B8); but the police are chased along
    with a duty of theirs that turns (B38)."""
    duty = happening.duty
    return (happening.at, _ORDER[happening.what], duty.opened_at, duty.code, duty.occurrence)


def reminded(duty: Duty) -> Duty:
    """After the reminder went out."""
    return replace(duty, remind_at=None)


def chased(duty: Duty, now: datetime, settings: Reminders) -> Duty:
    """After a chase: late, and chased again later."""
    return replace(duty, state="overdue", remind_at=None, chase_at=next_chase(duty.due_at, now, settings))


def overtaken(duties: Iterable[Duty], duty: Duty, now: datetime) -> bool:
    """Whether a newer occurrence has fallen due as well: only the newest late one is chased (readings.md B8)."""
    return any(d.code == duty.code and d.occurrence > duty.occurrence and d.due_at <= now for d in duties)


def turned(duties: tuple[Duty, ...], duty: Duty, running: Running | None, now: datetime, doc: Doc) -> tuple[Duty, ...]:
    """At the due time: the hub's own duty is done; a repeating one opens its next occurrence, and only the newest
    late one is chased (readings.md B8). A duty that no pack has any more was not carried out: cancelled, not done."""
    after = replace(duty, turn_at=None)
    if duty.owner == HUB and duty.unfinished:
        state: DutyState = "cancelled" if running is None else "done"
        after = replace(after, state=state, closed_at=now, closed_by=f"duty:{duty.code}")
    result = tuple(after if d is duty else d for d in duties)
    if running is None or running.row.repeats is None:
        return result
    result = tuple(
        replace(d, chase_at=None) if d.chase_at is not None and d.code == duty.code and d.occurrence < duty.occurrence
        else d
        for d in result
    )  # fmt: skip
    n = duty.n + 1
    while (due := due_of(running, duty.start, n, doc)) <= duty.due_at:
        n += 1  # an edited pack has other periods: nothing falls due twice
    owner = owner_role(running.row.owner, doc)  # whose it is by now: the child may be looked after since (B4)
    following = _occurrence(
        running, duty.due_at, occurrence=duty.occurrence + 1, ordinal=duty.ordinal, owner=owner,
        opened_at=duty.due_at, due_at=due, rules=duty.rules, start=duty.start, n=n,
    )  # fmt: skip
    return (*result, following)


def ended(duty: Duty, state: DutyState, at: datetime, by: str) -> Duty:
    """Finished: nothing more happens with it."""
    return replace(duty, state=state, closed_at=at, closed_by=by, remind_at=None, chase_at=None, turn_at=None)


def cancel(duties: tuple[Duty, ...], which: Iterable[str] | None, at: datetime, by: str) -> tuple[Duty, ...]:
    """End these duties (None: all). Every occurrence still open or late is cancelled, also one that is no longer
    chased because a newer one fell due: nobody owes it now. One done before keeps its state, but opens no further."""
    named = None if which is None else frozenset(which)

    def one(duty: Duty) -> Duty:
        if named is not None and duty.code not in named:
            return duty
        if duty.unfinished:
            return ended(duty, "cancelled", at, by)
        return replace(duty, remind_at=None, chase_at=None, turn_at=None) if duty.live else duty

    return tuple(one(duty) for duty in duties)


def complete(duties: tuple[Duty, ...], code: str, at: datetime, by: str) -> tuple[Duty, ...]:
    """Done: every occurrence now open or overdue; the next still opens at its time (readings.md B7)."""
    return tuple(
        replace(d, state="done", closed_at=at, closed_by=by, remind_at=None, chase_at=None)
        if d.code == code and d.unfinished
        else d
        for d in duties
    )


def closed_by_agreement(packs: Packs, kind: AgreementKind, agrees: Callable[[str, Pack], bool]) -> frozenset[str]:
    """The duties whose deed is an agreement of this kind; ``agrees``: whether who holds a role, by a pack, is of it."""
    return frozenset(
        running.row.code
        for running in rows_of(packs)
        if running.row.agreed == kind and all(agrees(role, running.pack) for role in running.row.agreed_by)
    )


def closed_along(packs: Packs, code: str, outcome: str) -> frozenset[str]:
    """Other duties that this completion closes too (readings.md B11, B12)."""
    made = outcome in ("held", "done")
    return frozenset(
        running.row.code
        for running in rows_of(packs)
        if code in running.row.closed_by_any
        or (made and code in running.row.closes_with)
        or (outcome == "declined" and code in running.row.closed_by_declined)
    )
