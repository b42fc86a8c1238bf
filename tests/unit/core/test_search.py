"""What a child is found by, whatever way it is spelt."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.core.search import LONGEST, Asked, beginnings, marks, matches, reference, whole, words


@pytest.mark.parametrize(
    "spelt",
    [
        "Zoë O'Neil-Example",
        "  zoe   ONEIL example ",
        "Example, Zoë O’Neil",
        "EXAMPLE O'NEIL ZOË",
        "Zoe\u0308 ONeil Example",
        "zoe oneil‐example",
    ],
)
def test_a_name_is_one_however_it_is_spelt(spelt: str) -> None:
    assert whole(spelt) == "example oneil zoe"


def test_letters_that_no_accent_can_be_taken_off() -> None:
    assert words("Łukasz Søren Đorđe Æthel Straße") == ["lukasz", "soren", "dorde", "aethel", "strasse"]


def test_other_names_stay_others() -> None:
    names = ["Sam Marker", "Sam Markers", "Sam", "Marker Marker Sam", "Sammarker", "Сам Маркер"]
    assert len({whole(one) for one in names}) == len(names)
    assert whole("Сам Маркер") == "маркер сам"


def test_a_reference_is_one_however_it_was_typed() -> None:
    assert reference(" brm-c 0001 ") == reference("BRM-C0001") != reference("BRM-C0002")


@given(st.text(max_size=30), st.text(max_size=10))
def test_whatever_matches_is_found_by_its_beginnings(name: str, sought: str) -> None:
    """No name that a search would have shown by opening it is left out by the index."""
    found = {value for purpose, value in marks({"child": {"name": name}}) if purpose == "word"}
    if matches(name, sought):
        assert set(beginnings(sought)) <= found


@given(st.text(alphabet="aZoë'’- Łß", min_size=1, max_size=20), st.data())
def test_the_beginning_of_a_name_matches(name: str, data: st.DataObject) -> None:
    spelt = words(name)
    if spelt:
        word = data.draw(st.sampled_from(spelt))
        assert matches(name, word[: data.draw(st.integers(1, len(word)))].upper())


def test_what_is_too_short_is_found_by_nothing() -> None:
    assert beginnings("li na") == () and beginnings("lin a") == ("lin",) and beginnings("") == ()


def test_the_marks_of_a_child() -> None:
    doc = {"child": {"name": "Sam Li Marker", "ref": "BRM 1", "date_of_birth": "2014-05-06", "gender": "x"}}
    assert marks(doc) == {
        ("name", "li marker sam"), ("word", "sam"), ("word", "mar"), ("ref", "brm1"), ("born", "2014-05-06"),
    }  # fmt: skip
    assert marks({}) == marks({"child": None}) == marks({"child": {"name": 7}}) == frozenset()
    assert len(marks({"child": {"name": "aaa" + " bbb" * 10_000}})) < LONGEST


def test_nothing_asked_for_finds_nothing() -> None:
    assert Asked().marks() == Asked(name=" - ", ref=" ").marks() == ()
