"""What may be a password."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.core.passwords import LONGEST, SHORTEST, normalised, password_problem

ABOUT = ("Rowan Example", "rowan.example@bromley.example", "E09000006", "London Borough of Bromley")


@pytest.mark.parametrize(
    ("password", "problem"),
    [
        ("", "short"),
        ("plum torch 7", None),
        ("plum torch7", "short"),
        ("x" * 129, "long"),
        ("aaaaaaaaaaaa", "repeated"),
        ("abababababab", "repeated"),
        ("Xy1!Xy1!Xy1!Xy1!", "repeated"),
        ("correctcorrect", "repeated"),
        ("1234567890ab", "sequence"),
        ("abcdefghijklm", "sequence"),
        ("zyxwvutsrqpo", "sequence"),
        ("Password123!", "known"),
        ("Fingerpost2026", "known"),
        ("qwertyuiop123", "known"),
        ("Summer2026!!!", "known"),
        ("RowanExample1", "known"),
        ("rowan.example!", "known"),
        ("Bromley-2026!", "known"),
        ("E09000006bromley", "known"),
        ("B\u0072\u006fml\u00e9y 2026 Rowan", "known"),  # an accent hides nothing
        ("rowan likes purple hedgehogs", None),
        ("seven quiet otters", None),
        ("passwordgrindstoneviolet", None),
        ("höchst geheime Wörter", None),
        ("這是一個很長的密碼句子呢好", None),
    ],
)
def test_what_may_be_one(password: str, problem: str | None) -> None:
    assert password_problem(password, ABOUT) == problem


def test_composed_and_decomposed_are_the_same_password() -> None:
    decomposed = unicodedata.normalize("NFD", "höchst geheim")
    assert decomposed != "höchst geheim"
    assert normalised(decomposed) == normalised("höchst geheim")
    assert normalised("ﬁsh１２") == "fish12"


def test_length_is_that_of_what_is_hashed() -> None:
    # One character that NFKC makes eighteen of must not pass for long, nor a short one for short.
    assert password_problem("\ufdfa" * 8, ()) == "long"


@given(st.text(max_size=200), st.lists(st.text(max_size=30), max_size=4))
def test_any_text_is_judged_and_normal_form_is_stable(password: str, about: list[str]) -> None:
    problem = password_problem(password, about)
    assert problem == password_problem(normalised(password), about)
    if problem is None:
        assert SHORTEST <= len(normalised(password)) <= LONGEST
