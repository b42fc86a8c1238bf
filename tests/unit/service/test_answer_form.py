"""What may be typed into the form of an answer."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.service.answers import LONGEST_NAME, LONGEST_REDIRECT, check


def fields(outcome: object) -> list[str]:
    assert isinstance(outcome, tuple)
    return [problem.field for problem in outcome]


@pytest.mark.parametrize(
    "name", ["Jo Worker", "Ó Súilleabháin", "X Æ", "Jo", "O'Neil-Example", "عبد الله", "田中", "न्\u200dय", "  Jo  "]
)
def test_names_of_all_kinds_are_taken(name):
    given_ = check(name, "accepted", None)
    assert given_.name == " ".join(unicodedata.normalize("NFC", name).split())


@pytest.mark.parametrize(
    "name",
    ["", "   ", "123", "...", "Jo\x00Worker", "Jo\nWorker", "Jo\tWorker", "Jo\u202eWorker", "Jo\u2028Worker",
     "\ud800", "Jo\x7fWorker", "x" * (LONGEST_NAME + 1), "\u200d"],
    ids=repr,
)  # fmt: skip
def test_what_is_no_name_is_refused(name):
    assert fields(check(name, "accepted", None)) == ["name"]


def test_a_name_of_the_greatest_length_is_taken():
    assert check("x" * LONGEST_NAME, "accepted", None).name == "x" * LONGEST_NAME


@pytest.mark.parametrize("answer", ["", "ACCEPTED", "accepted ", "yes", "superseded", "not_ours\n"])
def test_only_the_three_answers_are_taken(answer):
    assert fields(check("Jo Worker", answer, None)) == ["answer"]


@pytest.mark.parametrize("target", [None, "", "  ", "a\nb", "x" * (LONGEST_REDIRECT + 1), "\u202e"], ids=repr)
def test_redirected_needs_to_whom(target):
    assert fields(check("Jo Worker", "redirected", target)) == ["redirected_to"]


@pytest.mark.parametrize("answer", ["accepted", "not_ours"])
def test_what_lingers_in_the_other_field_is_ignored(answer):
    assert check("Jo Worker", answer, "left over").redirected_to is None
    assert check("Jo Worker", answer, "x" * 10_000).redirected_to is None


def test_everything_wrong_is_said_at_once():
    assert fields(check("", "", None)) == ["name", "answer"]
    assert fields(check("", "redirected", "")) == ["name", "redirected_to"]


def test_an_address_typed_in_stays_text():
    assert check("Jo", "redirected", "desk@council.example").redirected_to == "desk@council.example"


@given(name=st.text(max_size=200), answer=st.text(max_size=20), target=st.none() | st.text(max_size=300))
def test_a_message_never_repeats_what_was_typed(name, answer, target):
    outcome = check(name, answer, target)
    if isinstance(outcome, tuple):
        baseline = {problem.message for bad in ("", "x" * 999, "\0") for problem in check(bad, "?", None)}
        baseline |= {problem.message for bad in ("", "x" * 999) for problem in check("Jo", "redirected", bad)}
        assert {problem.message for problem in outcome} <= baseline
    else:
        assert outcome.name not in repr(outcome) or len(outcome.name) < 3
        assert all(unicodedata.category(c)[0] != "C" or c in "\u200c\u200d" for c in outcome.name)
