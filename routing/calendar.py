"""Periods and local time: hours run in elapsed time, days and months by the calendar in Europe/London.

protocols.md, Duties: the same local time; a month without that day ends on its last day; a local time that does not
exist moves forward by the gap; an ambiguous one is the first. Repeats count from the start (start + n x period).
"""

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

LONDON = ZoneInfo("Europe/London")

_PERIOD = re.compile(
    r"P(?:(?P<months>\d+)M)?(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+)S)?)?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """An ISO 8601 duration: calendar months and days, then elapsed seconds."""

    months: int = 0
    days: int = 0
    seconds: int = 0

    def times(self, n: int) -> "Period":
        """This period, n times over."""
        return Period(months=self.months * n, days=self.days * n, seconds=self.seconds * n)

    @property
    def empty(self) -> bool:
        """True for ``PT0S``."""
        return not (self.months or self.days or self.seconds)


def parse_period(text: str) -> Period:
    """``P6M``, ``P3D``, ``P1W``, ``PT24H``, ``PT0S`` -> Period. Raises ValueError for anything else."""
    match = _PERIOD.fullmatch(text)
    if match is None or text in ("P", "PT") or text.endswith("T"):
        raise ValueError(f"{text!r} is not a period such as P6M, P3D or PT24H")
    part = {name: int(value or 0) for name, value in match.groupdict().items()}
    return Period(
        months=part["months"],
        days=part["weeks"] * 7 + part["days"],
        seconds=part["hours"] * 3600 + part["minutes"] * 60 + part["seconds"],
    )


def at_local(day: date, wall: time) -> datetime:
    """The instant (UTC) at which clocks in London first show ``wall`` on ``day``; if they never do, as much later
    as the clocks were put forward."""
    local = datetime.combine(day, wall, LONDON)  # fold=0: the first of two; in a gap, the offset before it
    return local.astimezone(UTC)


def add(start: datetime, period: Period) -> datetime:
    """``start`` + ``period``, in UTC."""
    if not (period.months or period.days):
        return (start + timedelta(seconds=period.seconds)).astimezone(UTC)
    local = start.astimezone(LONDON)
    day = local.date()
    if period.months:
        month = day.month - 1 + period.months
        year, month = day.year + month // 12, month % 12 + 1
        day = date(year, month, min(day.day, monthrange(year, month)[1]))
    wall = local.time().replace(fold=0)
    return at_local(day + timedelta(days=period.days), wall) + timedelta(seconds=period.seconds)


def subtract(end: datetime, period: Period) -> datetime:
    """``end`` - ``period`` by the calendar (for windows such as "in any 28 days"), in UTC."""
    return add(end, Period(months=-period.months, days=-period.days, seconds=-period.seconds))


def birthday(born: date, age: int) -> datetime:
    """00:00 local on the birthday; born on 29 February: 28 February in a common year (readings.md B34)."""
    year = born.year + age
    return at_local(date(year, born.month, min(born.day, monthrange(year, born.month)[1])), time())


def age_on(born: date, at: datetime) -> int:
    """Whole years at that instant, in London."""
    years = at.astimezone(LONDON).year - born.year
    return years if birthday(born, years) <= at else years - 1


def night_limit(start: datetime, period: Period, night_from: time, night_to: time) -> datetime:
    """The earlier of start + period and the next night cut-off; at once if it is night already (readings.md B35).

    A pack may set a night that begins after midnight.
    """
    local = start.astimezone(LONDON)
    wall = local.time()
    over_midnight = night_from > night_to
    night = wall >= night_from or wall < night_to if over_midnight else night_from <= wall < night_to
    if night:
        return start.astimezone(UTC)
    day = local.date() if wall < night_from else local.date() + timedelta(days=1)
    return min(add(start, period), at_local(day, night_from))
