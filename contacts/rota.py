"""Hours on duty: ``mon-fri 08:30-17:30`` and the like, in Europe/London, with bank holidays and clock changes.

    hours  = [ "outside" ] clause *( ";" clause )
    clause = days " " HH:MM "-" HH:MM
    days   = "daily" | day-or-range *( "," day-or-range )        mon, tue … sun, mon-fri, bank-holidays

A span whose end is not after its start runs into the next day and belongs to the day it starts on; ``00:00-24:00`` is
the whole day. ``outside`` turns the whole upside down, which is how an emergency duty team fills the gaps of an office
without leaving one of its own (Monday before 08:30 is the one that gets forgotten).

Where a calendar of bank holidays is given, a bank holiday is no weekday: only ``daily`` and ``bank-holidays`` cover it.

When the clocks go back, a time that comes twice is the first of the two; when they go forward, one that never comes
falls at the change. So a hand-over at such a time leaves nobody off duty and no pair on duty twice.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import holidays

from contacts.model import Calendar, Hours

LONDON = ZoneInfo("Europe/London")
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
BANK_HOLIDAY = 7
"""The eighth kind of day, after Monday 0 … Sunday 6."""

_SUBDIVISIONS: dict[Calendar, str] = {"england": "ENG", "wales": "WLS", "scotland": "SCT", "northern-ireland": "NIR"}
_SPAN = re.compile(r"([0-9]{2}):([0-9]{2})-([0-9]{2}):([0-9]{2})", re.ASCII)
_DAY_MINUTES = 24 * 60
_ONE_DAY = timedelta(days=1)


class RotaProblem(ValueError):
    """Hours that cannot be read; the text says what is wrong with them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Minutes of the local day, on some kinds of day. ``end`` beyond 1440 runs into the next day."""

    kinds: frozenset[int]
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Rota:
    """Hours, read and ready to be asked."""

    spans: tuple[Span, ...]
    outside: bool
    calendar: Calendar | None

    def on_duty(self, at: datetime) -> bool:
        """Whether somebody on these hours is on duty at the instant ``at`` (aware)."""
        # In UTC first: two local times that differ only in their fold are equal, and would share an entry.
        today, minute = _local(at.astimezone(UTC))
        return (
            self._covers(today, minute) or self._covers(today - _ONE_DAY, minute + _DAY_MINUTES)
        ) is not self.outside

    def _covers(self, day: date, minute: float) -> bool:
        """Whether a span of ``day`` covers the minute, counted from that day's midnight."""
        kind = day.weekday()
        if self.calendar is not None and day in bank_holidays(self.calendar, day.year):
            kind = BANK_HOLIDAY
        for span in self.spans:
            if span.start <= minute < span.end and kind in span.kinds:
                return True
        return False


@lru_cache(maxsize=64)
def _local(at: datetime) -> tuple[date, float]:
    """Day and minute of the day in London; remembered, as one decision asks for many desks at one instant."""
    local = at.astimezone(LONDON)
    # The second pass through an hour that comes twice is after every time named in that hour, which is the first.
    return local.date(), local.hour * 60 + (59.5 if local.fold else local.minute)


@lru_cache(maxsize=256)
def bank_holidays(calendar: Calendar, year: int) -> frozenset[date]:
    """Bank holidays of one nation, substitute days included."""
    return frozenset(holidays.country_holidays("GB", subdiv=_SUBDIVISIONS[calendar], years=year))


@lru_cache(maxsize=1024)
def read_hours(hours: Hours) -> Rota:
    """Raises :class:`RotaProblem` for hours that do not follow the grammar above."""
    text = " ".join(hours.times.lower().split())
    outside = text.startswith("outside ")
    clauses = text.removeprefix("outside ").split(";")
    spans = tuple(_clause(c.strip()) for c in clauses)
    if hours.bank_holidays is None and any(s.kinds == {BANK_HOLIDAY} for s in spans):
        raise RotaProblem("bank-holidays are named, but not whose: give the calendar of a nation")
    return Rota(spans=spans, outside=outside, calendar=hours.bank_holidays)


def on_duty(hours: Hours | None, at: datetime) -> bool:
    """Whether ``hours`` cover the instant ``at``; None is always."""
    return hours is None or read_hours(hours).on_duty(at)


def _clause(text: str) -> Span:
    days, _, times = text.rpartition(" ")
    span = _SPAN.fullmatch(times)
    if not days or span is None:
        raise RotaProblem("each part is days and times, such as mon-fri 08:30-17:30")
    start, end = _minute(span[1], span[2]), _minute(span[3], span[4])
    if start == end or start == _DAY_MINUTES:
        raise RotaProblem("a span of no length: the whole day is 00:00-24:00")
    return Span(kinds=_kinds(days), start=start, end=end if end > start else end + _DAY_MINUTES)


def _minute(hour: str, minute: str) -> int:
    total = int(hour) * 60 + int(minute)
    if int(minute) > 59 or total > _DAY_MINUTES:
        raise RotaProblem("times are 00:00 to 24:00")
    return total


def _kinds(text: str) -> frozenset[int]:
    if text == "daily":
        return frozenset(range(8))
    kinds: set[int] = set()
    for part in text.replace(", ", ",").split(","):
        if part == "bank-holidays":
            kinds.add(BANK_HOLIDAY)
            continue
        first, dash, last = part.partition("-")
        last = last if dash else first
        if first not in DAYS or last not in DAYS:
            raise RotaProblem("days are daily, mon, tue, wed, thu, fri, sat, sun, ranges of them, or bank-holidays")
        start, end = DAYS.index(first), DAYS.index(last)
        kinds.update(d % 7 for d in range(start, end + 1 if end >= start else end + 8))
    return frozenset(kinds)
