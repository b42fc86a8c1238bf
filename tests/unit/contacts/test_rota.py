"""Hours on duty: the grammar, nights, bank holidays of four nations, and the days that are not 24 hours long."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contacts.model import Calendar, Hours
from contacts.rota import LONDON, RotaProblem, bank_holidays, on_duty, read_hours

OFFICE = "mon-fri 08:30-17:30"


def duty(times: str, local: str, calendar: Calendar | None = None, fold: int = 0) -> bool:
    at = datetime.fromisoformat(local).replace(tzinfo=LONDON, fold=fold)
    return on_duty(Hours(name="h", times=times, bank_holidays=calendar), at.astimezone(UTC))


@pytest.mark.parametrize(
    ("times", "local", "expected"),
    [
        (OFFICE, "2026-03-04T08:29:59", False),
        (OFFICE, "2026-03-04T08:30", True),
        (OFFICE, "2026-03-04T17:29:59", True),
        (OFFICE, "2026-03-04T17:30", False),
        (OFFICE, "2026-03-07T12:00", False),
        (OFFICE, "2026-07-01T08:30", True),  # British Summer Time
        (OFFICE, "2026-07-01T17:30", False),
        ("daily 00:00-24:00", "2026-03-07T23:59:59", True),
        ("daily 22:00-06:00", "2026-03-04T05:59", True),
        ("daily 22:00-06:00", "2026-03-04T06:00", False),
        ("fri 17:30-08:30", "2026-03-07T08:29", True),  # Friday's night is Saturday morning
        ("fri 17:30-08:30", "2026-03-06T08:29", False),
        ("fri 17:30-08:30", "2026-03-07T17:30", False),
        ("sun 17:30-08:30", "2026-03-09T02:00", True),
        ("mon-fri 17:30-08:30; sat,sun 00:00-24:00", "2026-03-09T02:00", False),  # the hole that "outside" has not
        (f"outside {OFFICE}", "2026-03-09T02:00", True),
        (f"outside {OFFICE}", "2026-03-09T08:30", False),
        ("fri-mon 10:00-12:00", "2026-03-08T11:00", True),
        ("fri-mon 10:00-12:00", "2026-03-10T11:00", False),
        ("mon, wed 10:00-12:00;tue 13:00-14:00", "2026-03-10T13:30", True),
        ("MON-FRI  08:30-17:30", "2026-03-04T12:00", True),
        ("mon-fri 17:30-00:00", "2026-03-04T23:59", True),
        ("mon-fri 17:30-00:00", "2026-03-05T00:00", False),
    ],
)
def test_hours(times: str, local: str, expected: bool) -> None:
    assert duty(times, local) is expected


@pytest.mark.parametrize(
    ("calendar", "day", "holiday"),
    [
        ("england", "2026-04-06", True),  # Easter Monday
        ("scotland", "2026-04-06", False),
        ("wales", "2026-04-06", True),
        ("scotland", "2026-01-02", True),
        ("england", "2026-01-02", False),
        ("scotland", "2026-11-30", True),
        ("northern-ireland", "2026-03-17", True),
        ("northern-ireland", "2026-07-13", True),  # the Twelfth, a Sunday, moved
        ("england", "2026-12-28", True),  # Boxing Day, a Saturday, moved
        ("england", "2026-08-31", True),
    ],
)
def test_bank_holidays(calendar: Calendar, day: str, holiday: bool) -> None:
    assert (date.fromisoformat(day) in bank_holidays(calendar, int(day[:4]))) is holiday
    assert duty(OFFICE, f"{day}T12:00", calendar) is not holiday
    assert duty(OFFICE, f"{day}T12:00") is True
    assert duty(f"outside {OFFICE}", f"{day}T12:00", calendar) is holiday
    assert duty(f"{OFFICE}; bank-holidays 10:00-14:00", f"{day}T12:00", calendar) is True
    assert duty("daily 10:00-14:00", f"{day}T12:00", calendar) is True


def test_the_night_before_a_bank_holiday_belongs_to_the_day_before() -> None:
    assert duty("thu 22:00-06:00", "2026-04-03T05:00", "england")  # into Good Friday
    assert not duty("fri 22:00-06:00", "2026-04-03T23:00", "england")


@pytest.mark.parametrize(
    "times",
    [
        "",
        "outside",
        "mon-fri",
        "08:30-17:30",
        "mon-fri 8:30-17:30",
        "mon-fri 08:30-17:60",
        "mon-fri 08:30-25:00",
        "mon-fri 24:00-08:00",
        "mon-fri 08:30-08:30",
        "mon-fri 08:30–17:30",
        "mon- 08:30-17:30",
        "mo-fr 08:30-17:30",
        "monday 08:30-17:30",
        "mon-fri 08:30-17:30;",
        "bank-holidays 08:30-17:30",  # whose?
        "mon-fri ٠8:30-17:30",
    ],
)
def test_unreadable_hours_are_refused(times: str) -> None:
    with pytest.raises(RotaProblem):
        read_hours(Hours(name="h", times=times))


def test_the_hour_that_comes_twice_hands_over_once() -> None:
    """25 October 2026: 01:30 BST comes an hour before 01:30 GMT. The hand-over is at the first."""
    early, late = "sat 20:00-01:30", "sun 01:30-08:00"
    for local, fold, first in [
        ("2026-10-25T01:29", 0, True),
        ("2026-10-25T01:30", 0, False),
        ("2026-10-25T01:00", 1, False),
        ("2026-10-25T01:59", 1, False),
        ("2026-10-25T02:00", 0, False),
    ]:
        assert duty(early, local, fold=fold) is first
        assert duty(late, local, fold=fold) is not first


def test_an_instant_may_come_in_any_time_zone() -> None:
    night = Hours(name="n", times="sat 20:00-01:30")
    first = datetime(2026, 10, 25, 1, 15, tzinfo=LONDON)
    for at, expected in [(first, True), (first.replace(fold=1), False), (first, True)]:
        assert on_duty(night, at) is on_duty(night, at.astimezone(UTC)) is expected


def test_a_time_that_never_comes_falls_at_the_change() -> None:
    """29 March 2026: after 00:59:59 GMT comes 02:00 BST."""
    assert duty("sat 20:00-01:30", "2026-03-29T00:59:59")
    assert not duty("sat 20:00-01:30", "2026-03-29T02:00")
    assert duty("sun 01:30-08:00", "2026-03-29T02:00")


minutes = st.integers(0, 24 * 60 - 1)
instants = st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1)).map(lambda d: d.replace(tzinfo=UTC))
near_changes = st.builds(
    lambda day, minute: datetime(*day, tzinfo=UTC) + timedelta(minutes=minute),
    st.sampled_from([(2026, 3, 29), (2026, 10, 25), (2027, 3, 28), (2027, 10, 31)]),
    st.integers(-24 * 60, 48 * 60),
)


def clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


@given(minutes, minutes, instants | near_changes)
def test_shifts_that_meet_leave_nobody_and_double_nobody(a: int, b: int, at: datetime) -> None:
    """Two shifts that hand over to each other: at every instant, over every clock change, exactly one is on duty."""
    if a == b:
        return
    day = Hours(name="d", times=f"daily {clock(a)}-{clock(b)}")
    night = Hours(name="n", times=f"daily {clock(b)}-{clock(a)}")
    assert on_duty(day, at) is not on_duty(night, at)


@given(minutes, minutes, instants | near_changes, st.sampled_from([None, "england", "scotland"]))
def test_outside_is_the_opposite(a: int, b: int, at: datetime, calendar: Calendar | None) -> None:
    if a == b:
        return
    times = f"mon-fri {clock(a)}-{clock(b)}"
    inside = Hours(name="i", times=times, bank_holidays=calendar)
    outside = Hours(name="o", times=f"outside {times}", bank_holidays=calendar)
    assert on_duty(inside, at) is not on_duty(outside, at)


@given(minutes, minutes, st.sampled_from([date(2026, 3, 28), date(2026, 10, 24), date(2026, 6, 1)]))
def test_a_shift_is_one_stretch_over_a_clock_change(a: int, b: int, day: date) -> None:
    """Minute by minute through three days, a shift of one day begins once and ends once."""
    if a == b:
        return
    times = f"{('mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun')[day.weekday()]} {clock(a)}-{clock(b)}"
    rota = read_hours(Hours(name="h", times=times))
    start = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=6)
    states = [rota.on_duty(start + timedelta(minutes=m)) for m in range(0, 72 * 60)]
    changes = sum(1 for one, other in pairwise(states) if one is not other)
    swallowed = not any(states)  # a shift that lies wholly in the hour that never comes
    assert changes == (0 if swallowed else 2)
