"""Instants and dates as people in the United Kingdom read them."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

LONDON = ZoneInfo("Europe/London")

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    "January February March April May June July August September October November December".split()
)  # not strftime: the words must not follow the locale of the machine


def instant(moment: datetime) -> str:
    """``Sunday 1 March 2026, 19:30 GMT``: local time with the word for its offset. ``moment`` is aware."""
    local = moment.astimezone(LONDON)
    return f"{_DAYS[local.weekday()]} {day(local.date())}, {local.hour:02}:{local.minute:02} {local.tzname()}"


def day(value: date) -> str:
    """``17 August 2011``."""
    return f"{value.day} {_MONTHS[value.month - 1]} {value.year}"


def age(born: date, at: datetime) -> int | None:
    """Whole years on the local day of ``at``; None before birth."""
    today = at.astimezone(LONDON).date()
    years = today.year - born.year - ((today.month, today.day) < (born.month, born.day))
    return years if years >= 0 else None
