"""Ids sort by time, so the rows of a day are a range of the primary key."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from hub.core.ulid import first_since
from hub.edge.ids import SystemIds

instants = st.datetimes(min_value=datetime(2020, 1, 1), max_value=datetime(2100, 1, 1), timezones=st.just(UTC))


@given(instants, st.timedeltas(min_value=timedelta(milliseconds=1), max_value=timedelta(days=400)))
def test_what_was_made_earlier_sorts_before_and_what_was_made_since_does_not(at: datetime, age: timedelta) -> None:
    at = at.replace(microsecond=at.microsecond // 1000 * 1000)
    assert SystemIds().new("dl", at - age) < first_since("dl", at) <= SystemIds().new("dl", at)
    assert first_since("dl", at) < SystemIds().new("dl", at + age)
