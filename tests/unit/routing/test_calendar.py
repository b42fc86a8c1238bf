"""Periods in London's time: month ends, clock changes, leap years, nights (protocols.md, Duties; B34, B35)."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.calendar import LONDON, Period, add, age_on, at_local, birthday, night_limit, parse_period, subtract

PT6H = Period(seconds=6 * 3600)
NIGHT = (time(23), time(6))
instants = st.datetimes(datetime(2000, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("text", "period"),
    [
        ("P6M", Period(months=6)),
        ("P3D", Period(days=3)),
        ("P1W", Period(days=7)),
        ("PT24H", Period(seconds=86400)),
        ("PT0S", Period()),
        ("P1M2DT3H4M5S", Period(months=1, days=2, seconds=3 * 3600 + 4 * 60 + 5)),
    ],
)
def test_periods_are_read(text: str, period: Period) -> None:
    assert parse_period(text) == period


def test_a_period_several_times_over() -> None:
    once = Period(months=2, days=3, seconds=5)
    assert once.times(4) == Period(months=8, days=12, seconds=20)
    assert once.times(1) == once
    assert once.times(0).empty


@pytest.mark.parametrize("part", ["months", "days", "seconds"])
def test_only_the_empty_period_is_empty(part: str) -> None:
    assert Period().empty and not Period(**{part: 1}).empty


@pytest.mark.parametrize("text", ["", "P", "PT", "P1DT", "1D", "P-1D", "P1Y", "P1.5D", "p1d", "P1D ", "PT1D", "P1M1M"])
def test_what_is_no_period_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a period"):
        parse_period(text)


@pytest.mark.parametrize(
    ("start", "period", "end"),
    [
        ("2026-01-31T10:00:00Z", Period(months=1), "2026-02-28T10:00:00Z"),
        ("2028-01-31T10:00:00Z", Period(months=1), "2028-02-29T10:00:00Z"),
        ("2026-01-31T10:00:00Z", Period(months=2), "2026-03-31T09:00:00Z"),
        ("2026-08-31T09:00:00Z", Period(months=6), "2027-02-28T10:00:00Z"),
        ("2026-08-31T09:00:00Z", Period(months=12), "2027-08-31T09:00:00Z"),
        ("2026-12-15T10:00:00Z", Period(months=1), "2027-01-15T10:00:00Z"),
        ("2028-02-29T10:00:00Z", Period(months=12), "2029-02-28T10:00:00Z"),
        # a day is a day by the clock on the wall, whatever it is worth in hours
        ("2026-03-28T18:00:00Z", Period(days=1), "2026-03-29T17:00:00Z"),
        ("2026-10-24T17:00:00Z", Period(days=1), "2026-10-25T18:00:00Z"),
        # hours are elapsed time
        ("2026-03-28T18:00:00Z", Period(seconds=86400), "2026-03-29T18:00:00Z"),
        ("2026-10-24T17:00:00Z", Period(seconds=86400), "2026-10-25T17:00:00Z"),
        # 01:30 on 29 March does not exist: an hour later, 02:30 British Summer Time
        ("2026-03-28T01:30:00Z", Period(days=1), "2026-03-29T01:30:00Z"),
        ("2025-09-29T00:30:00Z", Period(months=6), "2026-03-29T01:30:00Z"),
        # 01:30 on 25 October happens twice: the first
        ("2026-10-24T00:30:00Z", Period(days=1), "2026-10-25T00:30:00Z"),
        # and it counts as 01:30 if it was the second
        ("2026-10-25T01:30:00Z", Period(days=1), "2026-10-26T01:30:00Z"),
        # months first, then days, then hours
        ("2026-01-31T10:00:00Z", Period(months=1, days=1, seconds=3600), "2026-03-01T11:00:00Z"),
    ],
)
def test_a_period_later(start: str, period: Period, end: str) -> None:
    assert add(at(start), period) == at(end)


def test_the_offset_of_the_start_does_not_matter() -> None:
    assert add(at("2026-08-31T23:30:00-05:00"), Period(months=6)) == add(at("2026-09-01T04:30:00Z"), Period(months=6))
    assert add(at("2026-08-31T23:30:00-05:00"), PT6H).tzinfo is UTC


@given(instants, st.integers(0, 30))
def test_days_keep_the_wall_time_or_move_on_by_the_gap(start: datetime, days: int) -> None:
    there = add(start, Period(days=days)).astimezone(LONDON)
    here = start.astimezone(LONDON)
    moved = datetime.combine(there.date(), there.time()) - datetime.combine(here.date(), here.time())
    assert moved in (timedelta(days=days), timedelta(days=days, hours=1))


@given(instants, st.integers(0, 60))
def test_months_keep_the_day_or_take_the_last(start: datetime, months: int) -> None:
    here, there = start.astimezone(LONDON), add(start, Period(months=months)).astimezone(LONDON)
    assert (there.year * 12 + there.month) - (here.year * 12 + here.month) == months
    last = (there.date() + timedelta(days=1)).month != there.month
    assert there.day == here.day or (there.day < here.day and last)


@given(instants, st.integers(1, 40))
def test_later_is_later(start: datetime, n: int) -> None:
    for period in (Period(months=n), Period(days=n), Period(seconds=n)):
        assert add(start, period) > start > subtract(start, period)


def test_a_window_goes_back_by_the_calendar() -> None:
    assert subtract(at("2026-04-10T11:00:00Z"), Period(days=28)) == at("2026-03-13T12:00:00Z")
    assert subtract(at("2026-03-31T11:00:00Z"), Period(months=1)) == at("2026-02-28T12:00:00Z")


def test_the_wall_clock_at_a_change() -> None:
    assert at_local(date(2026, 3, 29), time(1, 30)) == at("2026-03-29T01:30:00Z")
    assert at_local(date(2026, 10, 25), time(1, 30)) == at("2026-10-25T00:30:00Z")


@pytest.mark.parametrize(
    ("born", "age", "when"),
    [
        (date(2011, 8, 17), 18, "2029-08-16T23:00:00Z"),
        (date(2011, 1, 17), 18, "2029-01-17T00:00:00Z"),
        (date(2012, 2, 29), 18, "2030-02-28T00:00:00Z"),
        (date(2012, 2, 29), 16, "2028-02-29T00:00:00Z"),
    ],
)
def test_birthdays_begin_at_midnight_in_london(born: date, age: int, when: str) -> None:
    assert birthday(born, age) == at(when)
    assert age_on(born, at(when)) == age
    assert age_on(born, at(when) - timedelta(seconds=1)) == age - 1


@pytest.mark.parametrize(
    ("when", "age"),
    [
        ("2026-01-01T00:00:00Z", 14),
        ("2026-03-02T18:45:00Z", 14),
        ("2026-08-16T22:59:59Z", 14),
        ("2026-08-16T23:00:00Z", 15),
        ("2026-08-17T12:00:00Z", 15),
        ("2026-12-31T23:59:59Z", 15),
    ],
)
def test_age_changes_on_the_birthday_and_not_with_the_year(when: str, age: int) -> None:
    assert age_on(date(2011, 8, 17), at(when)) == age


@pytest.mark.parametrize(
    ("unknown", "limit"),
    [
        ("2026-01-15T09:00:00Z", "2026-01-15T15:00:00Z"),  # six hours
        ("2026-01-15T16:59:59Z", "2026-01-15T22:59:59Z"),
        ("2026-01-15T17:00:01Z", "2026-01-15T23:00:00Z"),  # the night comes first
        ("2026-01-15T22:59:59Z", "2026-01-15T23:00:00Z"),
        ("2026-01-15T23:00:00Z", "2026-01-15T23:00:00Z"),  # during the night: at once
        ("2026-01-15T23:40:00Z", "2026-01-15T23:40:00Z"),
        ("2026-01-16T00:00:00Z", "2026-01-16T00:00:00Z"),
        ("2026-01-16T05:59:59Z", "2026-01-16T05:59:59Z"),
        ("2026-01-16T06:00:00Z", "2026-01-16T12:00:00Z"),  # the night is over
        ("2026-06-15T16:30:00Z", "2026-06-15T22:00:00Z"),  # 23:00 in summer
        ("2026-06-15T22:00:00Z", "2026-06-15T22:00:00Z"),
        ("2026-06-16T04:59:00Z", "2026-06-16T04:59:00Z"),
        ("2026-06-16T05:00:00Z", "2026-06-16T11:00:00Z"),
        ("2026-03-28T18:30:00Z", "2026-03-28T23:00:00Z"),  # the evening before the clocks go forward
        ("2026-03-29T05:30:00Z", "2026-03-29T11:30:00Z"),  # 06:30 that morning: no longer night
        ("2026-10-25T05:30:00Z", "2026-10-25T05:30:00Z"),  # 05:30 the morning after they went back: still night
        ("2026-10-25T16:30:00Z", "2026-10-25T22:30:00Z"),
    ],
)
def test_the_away_limit_is_six_hours_or_the_night(unknown: str, limit: str) -> None:
    assert night_limit(at(unknown), PT6H, *NIGHT) == at(limit)


@pytest.mark.parametrize(
    ("unknown", "limit"),
    [
        ("2026-01-15T00:29:00Z", "2026-01-15T00:30:00Z"),
        ("2026-01-15T00:30:00Z", "2026-01-15T00:30:00Z"),
        ("2026-01-15T02:15:00Z", "2026-01-15T02:15:00Z"),
        ("2026-01-15T05:00:00Z", "2026-01-15T11:00:00Z"),
        ("2026-01-15T23:00:00Z", "2026-01-16T00:30:00Z"),
    ],
)
def test_a_pack_may_set_a_night_that_begins_after_midnight(unknown: str, limit: str) -> None:
    assert night_limit(at(unknown), PT6H, time(0, 30), time(5)) == at(limit)


@pytest.mark.parametrize("unknown", ["2026-01-15T22:00:00Z", "2026-01-15T23:00:00Z", "2026-01-16T00:00:00Z"])
def test_a_night_that_ends_as_it_begins_is_none(unknown: str) -> None:
    never = (time(23), time(23))
    assert night_limit(at(unknown), Period(seconds=3600), *never) == at(unknown) + timedelta(hours=1)


@given(instants)
def test_the_limit_is_never_before_the_start_nor_more_than_six_hours_on(start: datetime) -> None:
    assert start <= night_limit(start, PT6H, *NIGHT) <= start + timedelta(hours=6)
