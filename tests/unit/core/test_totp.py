"""RFC 6238: the published vectors, the window, and each code once."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.core.totp import app_uri, code_at, shown_secret, step_of, used_step
from tests.kit.clock import START

SECRET = b"12345678901234567890"
"""That of RFC 6238, appendix B."""


@pytest.mark.parametrize(
    ("seconds", "eight"),
    [
        (59, "94287082"),
        (1111111109, "07081804"),
        (1111111111, "14050471"),
        (1234567890, "89005924"),
        (2000000000, "69279037"),
        (20000000000, "65353130"),
    ],
)
def test_the_vectors_of_the_rfc(seconds: int, eight: str) -> None:
    """The appendix has eight digits; six are their end."""
    step = step_of(datetime.fromtimestamp(seconds, UTC))
    assert code_at(SECRET, step) == eight[2:]


@pytest.mark.parametrize(("steps", "good"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_one_step_either_side(steps: int, good: bool) -> None:
    step = step_of(START) + steps
    assert used_step(SECRET, code_at(SECRET, step), START, after=-1) == (step if good else None)


def test_a_step_counts_once_and_none_before_it_afterwards() -> None:
    now = step_of(START)
    assert used_step(SECRET, code_at(SECRET, now), START, after=now) is None
    assert used_step(SECRET, code_at(SECRET, now - 1), START, after=now) is None
    assert used_step(SECRET, code_at(SECRET, now + 1), START, after=now) == now + 1
    later = START + timedelta(seconds=30)
    assert used_step(SECRET, code_at(SECRET, now), later, after=now) is None


def test_spaces_are_nothing_and_other_text_is_no_code() -> None:
    code = code_at(SECRET, step_of(START))
    assert used_step(SECRET, f" {code[:3]} {code[3:]} ", START, after=-1) == step_of(START)
    for wrong in ("", code[:5], code + "0", "٠١٢٣٤٥", "\ud800", "x" * 10_000):
        assert used_step(SECRET, wrong, START, after=-1) is None


@given(st.binary(min_size=20, max_size=20), st.integers(0, 10**8), st.text(max_size=8))
def test_only_the_codes_near_now_are_ones(secret: bytes, step: int, typed: str) -> None:
    now = datetime.fromtimestamp(step * 30 + 7, UTC)
    near = {code_at(secret, one): one for one in range(max(0, step - 1), step + 2)}
    assert used_step(secret, typed, now, after=-1) == near.get("".join(typed.split()))


def test_what_is_shown_can_be_typed_and_scanned() -> None:
    assert shown_secret(SECRET) == "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ"
    assert app_uri(SECRET, issuer="Fingerpost hub.example", account="rowan+x@bromley.example") == (
        "otpauth://totp/Fingerpost%20hub.example:rowan%2Bx@bromley.example"
        "?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Fingerpost%20hub.example&digits=6&period=30"
    )
