"""Instants in the words of the place where they are read."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from hub.notices import times


@pytest.mark.parametrize(
    ("moment", "words"),
    [
        (datetime(2026, 3, 1, 19, 30, tzinfo=UTC), "Sunday 1 March 2026, 19:30 GMT"),
        (datetime(2026, 7, 3, 23, 5, tzinfo=UTC), "Saturday 4 July 2026, 00:05 BST"),
        (datetime(2026, 3, 29, 0, 59, tzinfo=UTC), "Sunday 29 March 2026, 00:59 GMT"),
        (datetime(2026, 3, 29, 1, 0, tzinfo=UTC), "Sunday 29 March 2026, 02:00 BST"),
        (datetime(2026, 10, 25, 0, 30, tzinfo=UTC), "Sunday 25 October 2026, 01:30 BST"),
        (datetime(2026, 10, 25, 1, 30, tzinfo=UTC), "Sunday 25 October 2026, 01:30 GMT"),
        (datetime(2026, 1, 1, 3, 0, tzinfo=timezone(timedelta(hours=5))), "Wednesday 31 December 2025, 22:00 GMT"),
    ],
)
def test_local_time_with_the_word_for_its_offset(moment: datetime, words: str) -> None:
    assert times.instant(moment) == words


@pytest.mark.parametrize(
    ("at", "years"),
    [
        (datetime(2026, 8, 16, 22, 59, tzinfo=UTC), 14),
        (datetime(2026, 8, 16, 23, 0, tzinfo=UTC), 15),  # already the 17th in British Summer Time
        (datetime(2011, 8, 17, 12, 0, tzinfo=UTC), 0),
        (datetime(2011, 8, 16, 12, 0, tzinfo=UTC), None),
    ],
)
def test_the_age_turns_at_local_midnight(at: datetime, years: int | None) -> None:
    assert times.age(date(2011, 8, 17), at) == years


def test_a_child_born_on_29_february_is_a_year_older_on_1_march() -> None:
    born = date(2012, 2, 29)
    assert times.age(born, datetime(2026, 2, 28, 12, tzinfo=UTC)) == 13
    assert times.age(born, datetime(2026, 3, 1, 12, tzinfo=UTC)) == 14
