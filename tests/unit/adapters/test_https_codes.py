"""What a status means, and for how long to wait."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http import HTTPStatus
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.https.codes import LATER, REFUSED, classify, seconds
from adapters.port import Deferred, Reason, Rejected

NOW = datetime(2026, 3, 1, 19, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (101, Rejected(reason="unknown", detail="101", technical=True)),
        (301, Rejected(reason="misconfigured", detail="301 redirect")),
        (302, Rejected(reason="misconfigured", detail="302 redirect")),
        (303, Rejected(reason="misconfigured", detail="303 redirect")),
        (307, Rejected(reason="misconfigured", detail="307 redirect")),
        (308, Rejected(reason="misconfigured", detail="308 redirect")),
        (304, Rejected(reason="misconfigured", detail="304 redirect")),
        (400, Rejected(reason="rejected", detail="400")),
        (401, Rejected(reason="rejected", detail="401")),
        (403, Rejected(reason="rejected", detail="403")),
        (404, Rejected(reason="rejected", detail="404")),
        (410, Rejected(reason="gone", detail="410")),
        (413, Rejected(reason="too_large", detail="413")),
        (422, Rejected(reason="rejected", detail="422")),
        (431, Rejected(reason="misconfigured", detail="431", technical=True)),
        (418, Rejected(reason="unknown", detail="418", technical=True)),
        (499, Rejected(reason="unknown", detail="499", technical=True)),
        (600, Rejected(reason="unknown", detail="600", technical=True)),
        (408, Deferred(reason="provider_unavailable", detail="408")),
        (425, Deferred(reason="provider_unavailable", detail="425")),
        (429, Deferred(reason="rate_limited", detail="429")),
        (500, Deferred(reason="provider_unavailable", detail="500")),
        (503, Deferred(reason="provider_unavailable", detail="503")),
        (599, Deferred(reason="provider_unavailable", detail="599")),
    ],
)
def test_the_table(status: int, expected: Deferred | Rejected) -> None:
    assert classify(status, None, NOW) == expected


def test_every_refusal_http_has_a_name_for_is_known() -> None:
    unheard = {416, 418, 424}  # of ranges, teapots and WebDAV: no receiver of notices says these
    named = {status.value for status in HTTPStatus if 400 <= status.value < 500}
    assert named - set(REFUSED) - set(LATER) == unheard
    assert not set(REFUSED) & set(LATER)


@given(st.integers(min_value=100, max_value=999).filter(lambda status: not 200 <= status <= 299))
def test_no_status_is_ambiguous_or_a_success(status: int) -> None:
    result = classify(status, "5", NOW)
    assert isinstance(result, Deferred | Rejected)
    assert result.reason in get_args(Reason) and result.reason != "provider_timeout"
    assert getattr(result, "retry_after", 5.0) == 5.0


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, None),
        ("0", 0.0),
        ("120", 120.0),
        (" 120 ", 120.0),
        ("Sun, 01 Mar 2026 19:32:00 GMT", 120.0),
        ("Sunday, 01-Mar-26 19:32:00 GMT", 120.0),
        ("Sun Mar  1 19:32:00 2026", 120.0),
        ("Sun, 01 Mar 2026 19:00:00 GMT", 0.0),
        ("", None),
        ("-5", None),
        ("1.5", None),
        ("1e3", None),
        ("soon", None),
        ("٣", None),
        ("9999999999", None),
        ("Sun, 99 Mar 2026 19:32:00 GMT", None),
    ],
)
def test_both_forms_of_retry_after(header: str | None, expected: float | None) -> None:
    assert seconds(header, NOW) == expected


@given(st.integers(min_value=-100_000, max_value=10_000_000))
def test_a_date_and_its_distance_are_the_same(ahead: int) -> None:
    at = format_datetime(NOW + timedelta(seconds=ahead), usegmt=True)
    assert seconds(at, NOW) == max(0.0, float(ahead))


@given(
    st.text(max_size=60)
    | st.from_regex(r"[A-Z][a-z]{2}, \d{1,4} [A-Z][a-z]{2} \d{1,6} [\d:]{1,9} \S{1,6}", fullmatch=True)
)
def test_no_header_raises(header: str) -> None:
    found = seconds(header, NOW)
    assert found is None or found >= 0
