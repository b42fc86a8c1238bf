"""What somebody typed can neither forge, turn nor break a notice."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.notices.clean import LONGEST_NAME, LONGEST_VALUE, line, lines, name

ANYTHING = st.text(st.characters(codec=None))
BIDI = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u061c\u200e\u200f"


def _safe(text: str) -> bool:
    text.encode("utf-8")
    return not any(unicodedata.category(c) in {"Cc", "Cs", "Zl", "Zp"} or c in BIDI for c in text)


@given(ANYTHING)
def test_a_line_is_one_line_and_can_be_encoded(text: str) -> None:
    assert _safe(line(text))


@given(ANYTHING)
def test_every_line_of_a_text_is_a_line(text: str) -> None:
    assert all(part and _safe(part) for part in lines(text))


@pytest.mark.parametrize("sign", ["\n", "\r", "\r\n", "\v", "\f", "\x1c", "\x85", "\u2028", "\u2029"])
def test_each_kind_of_break_ends_a_line(sign: str) -> None:
    assert lines(f"one{sign}two") == ("one", "two")
    assert line(f"one{sign}two") == "one two"


@pytest.mark.parametrize("sign", ["\x00", "\x1b", "\x7f", "\x9b", "\u202e", "\u2067", "\ud800", "\U000e0041"])
def test_what_is_forbidden_leaves_a_trace(sign: str) -> None:
    assert line(f"a{sign}b") == "a\ufffdb"


@pytest.mark.parametrize("sign", ["\u200b", "\u200f", "\ufeff", "\u00ad", "\u2060"])
def test_what_is_invisible_goes(sign: str) -> None:
    assert line(f"a{sign}b") == "ab"


@pytest.mark.parametrize("text", ["Zoë Ñandú", "عمر", "Łukasz", "李小龍", "می\u200cخواهم", "👧🏽"])
def test_names_of_the_world_stay_as_they_are(text: str) -> None:
    assert line(text) == text
    assert lines(text) == (text,)


def test_a_long_value_says_where_the_rest_stands() -> None:
    printed = lines("x" * (LONGEST_VALUE + 1))
    assert printed[0] == "x" * LONGEST_VALUE
    assert "notice.json" in printed[1]
    assert lines("x" * LONGEST_VALUE) == ("x" * LONGEST_VALUE,)


def test_a_long_name_is_cut() -> None:
    assert len(name("N" * 5_000)) == LONGEST_NAME
    assert name("N" * LONGEST_NAME) == "N" * LONGEST_NAME
