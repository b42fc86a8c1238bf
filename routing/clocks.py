"""Which clocks start and stop as an episode changes: the packs' duty rows against its facts.

Rows of one code, from one pack or several, are one duty: the earliest due wins, all sources are kept (readings.md
B37, B45). ``clocks`` remembers which rows hold, so that a duty already done does not start again.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from routing.conditions import Facts
from routing.decision import Duty, Rule
from routing.duties import Clocks, Running, cancel, code_of, due_of, find_row, index_of, open_duty, rows_starting
from routing.facts import Doc
from routing.packs import Packs


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One change, as the clocks see it."""

    doc: Doc
    facts: Facts
    packs: Packs
    """Those that apply."""
    every: Packs
    """All: a duty may run under one that no longer applies."""
    start: datetime
    """In world time: where clocks that start now count from."""
    now: datetime
    cause: str


Duties = tuple[Duty, ...]


def while_out(
    duties: Duties, clocks: Clocks, moment: Moment, *, state: str, skip: Callable[[Running], bool] = lambda _: False
) -> tuple[Duties, Clocks]:
    """Start and cancel the duties that hang on a condition while the child is out, which is until the return
    (readings.md A7, B45).

    In state ``found`` only rows marked ``also_after_found`` start.
    """
    holding = {
        running.id: running
        for running in rows_starting(moment.packs, "out", "first_missing_notice")
        if running.row.when.holds(moment.facts)
    }
    known = _carried_over(clocks, moment.every)
    lasting = {running.id for running in rows_starting(moment.every, "return", "completed")}
    gone = {row for row in known if row not in holding and row not in lasting}
    still = {code_of(row) for row in known if row not in gone}
    duties = cancel(duties, {code_of(row) for row in gone} - still, moment.now, moment.cause)
    known = {row: start for row, start in known.items() if row not in gone}
    fresh = [
        running
        for row, running in holding.items()
        if row not in known
        and running.row.starts == "out"
        and (state == "open" or running.row.also_after_found)
        and not skip(running)
    ]
    return _start(duties, known, fresh, moment)


def _carried_over(clocks: Clocks, every: Packs) -> dict[str, datetime]:
    """The clocks under the packs of today: one whose row was moved to another pack or place runs on there."""
    index, carried = index_of(every), dict[str, datetime]()
    for row, start in clocks.items():
        now = find_row(index, row)
        carried.setdefault(now.id if now else row, start)
    return carried


def start_rows(
    duties: Duties, clocks: Clocks, starts: str, moment: Moment, *, only: Callable[[Running], bool] = lambda _: True
) -> tuple[Duties, Clocks]:
    """Start the rows of another trigger (``return``, ``first_missing_notice``, ``completed``) whose condition holds and
    that are not running yet."""
    known = _carried_over(clocks, moment.every)
    fresh = [
        running
        for running in rows_starting(moment.packs, starts)
        if running.id not in known and only(running) and running.row.when.holds(moment.facts)
    ]
    return _start(duties, known, fresh, moment)


def _start(
    duties: Duties, known: dict[str, datetime], fresh: Iterable[Running], moment: Moment
) -> tuple[Duties, Clocks]:
    by_code: dict[str, list[Running]] = {}
    for running in fresh:
        by_code.setdefault(running.row.code, []).append(running)
    running_already = {code_of(row) for row in known}
    for code, rows in by_code.items():
        rules = tuple(dict.fromkeys(rule for r in rows for rule in r.rules))
        first = rows[0] if len(rows) == 1 else min(rows, key=lambda r: due_of(r, moment.start, 1, moment.doc))
        if code in running_already:
            duties = _earlier(duties, code, first, rules, moment)
        else:
            opened = open_duty(first, moment.start, moment.now, moment.doc, rules=rules, before=duties)
            duties = (*duties, opened) if opened else duties
        known.update({r.id: moment.start for r in rows})
    return duties, known


def _earlier(duties: Duties, code: str, running: Running, rules: tuple[Rule, ...], moment: Moment) -> Duties:
    """A further row of a duty that runs: its due time only ever moves earlier (readings.md B37)."""
    result = []
    for duty in duties:
        if duty.code == code and duty.state == "open" and duty.live:
            kept = tuple(dict.fromkeys((*duty.rules, *rules)))
            sooner = open_duty(running, moment.start, moment.now, moment.doc, rules=kept, before=())
            if sooner is not None and sooner.due_at < duty.due_at:
                duty = replace(sooner, occurrence=duty.occurrence, ordinal=duty.ordinal, opened_at=duty.opened_at)
            else:
                duty = replace(duty, rules=kept)
        result.append(duty)
    return tuple(result)


def with_birthday(duties: Duties, clocks: Clocks, moment: Moment) -> Duties:
    """The date of birth was corrected: what falls due on a birthday falls due on the right one, and opens if it did not
    because the child seemed to have had it. What was done stays done."""
    started = _carried_over(clocks, moment.every)
    for running in rows_starting(moment.packs, "out"):
        code, start = running.row.code, started.get(running.id)
        if running.row.due_age is None or start is None:
            continue
        right = open_duty(running, start, moment.now, moment.doc, rules=running.rules, before=duties)
        wrong = next((duty for duty in duties if duty.code == code and duty.unfinished), None)
        if right is None:
            duties = cancel(duties, {code}, moment.now, moment.cause)
        elif wrong is not None:
            moved = replace(right, occurrence=wrong.occurrence, ordinal=wrong.ordinal, opened_at=wrong.opened_at)
            duties = tuple(moved if duty is wrong else duty for duty in duties)
        elif all(duty.state == "cancelled" for duty in duties if duty.code == code):
            duties = (*duties, right)
    return duties


def end_with(duties: Duties, clocks: Clocks, event: str, moment: Moment) -> tuple[Duties, Clocks]:
    """``found`` and ``returned`` end the duties marked so; a retraction ends all."""
    if event == "retracted":
        return cancel(duties, None, moment.now, moment.cause), {}
    index = index_of(moment.every)
    codes = {duty.code for duty in duties if (running := find_row(index, duty.row)) and event in running.row.ends}
    left: Mapping[str, datetime] = {row: start for row, start in clocks.items() if code_of(row) not in codes}
    return cancel(duties, codes, moment.now, moment.cause), left
