"""The language of the packs' conditions: what it says, and that nothing else gets through."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.conditions import BadCondition, Sort, parse_condition
from routing.facts import KNOWN

FACTS: dict[str, Sort] = {"missing": "yes_no", "high": "yes_no", "age": "count", "risk": ("high", "low")}


@pytest.mark.parametrize(
    ("text", "facts", "holds"),
    [
        ("always", {}, True),
        ("missing", {"missing": True}, True),
        ("not missing", {"missing": True}, False),
        ("missing and high", {"missing": True, "high": False}, False),
        ("missing or high", {"missing": False, "high": True}, True),
        ("not (missing or high)", {"missing": False, "high": False}, True),
        ("missing or missing and high", {"missing": True, "high": False}, True),
        ("risk == 'high'", {"risk": "high"}, True),
        ("risk == None", {"risk": None}, True),
        ("risk != 'high'", {"risk": None}, True),
        ("risk in ('high', 'low')", {"risk": None}, False),
        ("risk in ['low']", {"risk": "low"}, True),
        ("risk not in ('high',)", {"risk": "low"}, True),
        ("age < 10", {"age": 9}, True),
        ("age < 10", {"age": 10}, False),
        ("age >= 10", {"age": 10}, True),
        ("age < 10", {"age": None}, False),
        ("age == 10", {"age": 10}, True),
        ("age == 10", {"age": 9}, False),
        ("age == 10", {"age": 11}, False),
        ("age != 10", {"age": 10}, False),
        ("age != 10", {"age": 9}, True),
        ("age >= 10", {"age": 11}, True),
        ("age >= 10", {"age": 9}, False),
        ("age >= 10", {"age": None}, False),
        ("age in (9, 10)", {"age": 10}, True),
        ("age not in (9, 10)", {"age": 10}, False),
        ("risk == 'high'", {"risk": "low"}, False),
        ("risk != 'high'", {"risk": "high"}, False),
        ("risk not in ('high', None)", {"risk": None}, False),
        ("missing != False", {"missing": False}, False),
        ("missing and missing and high", {"missing": True, "high": True}, True),
        ("high or high or missing", {"missing": False, "high": False}, False),
        ("missing == False", {"missing": False}, True),
        ("  missing  ", {"missing": True}, True),
    ],
)
def test_what_a_condition_says(text: str, facts: dict[str, Any], holds: bool) -> None:
    assert parse_condition(text, FACTS).holds(facts) is holds


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "missing and", "missing)", "missing; high", "missing\nhigh", "\x00",
        "unknown", "missing and unknown", "age", "risk", "not age",
        "risk == 'hihg'", "risk < 'low'", "risk == 3", "risk in 'high'", "risk in ()", "risk == ('high',)",
        "age == 'ten'", "age < True", "age in 3", "age < None", "missing == 1", "missing == 'yes'",
        "missing in (True,)",
        "missing < True", "1 < age", "age < 3 < 4", "age == age", "risk == high", "always == 3",
        "missing if high else missing", "missing()", "missing.real", "missing[0]", "lambda: missing", "[missing]",
        "__import__('os')", "age + 1 < 3", "-age < 3", "f'{missing}'", "missing := high", "True", "'missing'",
        "not " * 200 + "missing", "(" * 300 + "missing" + ")" * 300,
    ],
)  # fmt: skip
def test_nothing_else_is_understood(text: str) -> None:
    with pytest.raises(BadCondition):
        parse_condition(text, FACTS)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("missing and", "cannot be read: invalid syntax"),
        ("\ud800", "cannot be read"),
        ("missing or " * 46 + "high", "is longer than 500 characters: divide the row"),
        ("age + 1 < 3", "only names of facts, and/or/not, comparisons with constants and in (…) are understood"),
        ("always == 3", "only names of facts, and/or/not, comparisons with constants and in (…) are understood"),
        ("risk", "risk is not true or false: compare it with a value"),
        ("not age", "age is not true or false: compare it with a value"),
        ("risk == high", "a comparison needs a constant on its right-hand side"),
        ("age < 1.5", "a comparison needs a constant on its right-hand side"),
        ("risk in ()", "risk: 'in' needs several values in brackets, every other comparison needs one"),
        ("risk not in 'high'", "risk: 'in' needs several values in brackets, every other comparison needs one"),
        ("risk != ('high',)", "risk: 'in' needs several values in brackets, every other comparison needs one"),
        ("missing < True", "missing is true or false: write it alone, or not before it"),
        ("missing in (True, False)", "missing is true or false: write it alone, or not before it"),
        ("missing != 0", "missing is true or false: write it alone, or not before it"),
        ("age in (1, True)", "age is a number: compare it with one"),
        ("age in (1, 'ten')", "age is a number: compare it with one"),
        ("age == None", "age is a number: compare it with one"),
        ("risk >= 'high'", "risk is one of high, low"),
        ("risk in ('high', 'hihg')", "risk is one of high, low"),
    ],
)
def test_a_refusal_says_what_is_wrong(text: str, said: str) -> None:
    with pytest.raises(BadCondition) as caught:
        parse_condition(text, FACTS)
    assert str(caught.value).startswith(said)


def test_a_condition_may_be_five_hundred_characters_long() -> None:
    longest = "missing and " * 41 + "missing "
    assert len(longest) == 500
    assert parse_condition(longest, FACTS).holds({"missing": True})
    with pytest.raises(BadCondition, match="longer"):
        parse_condition(longest + " ", FACTS)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("looked_after or care_leaver", "looked after or care leaver"),
        ("risk == 'high'", "risk is high"),
        ("risk != 'low' and not high", "risk is not low and not high"),
        ("age >= 10", "age at least 10"),
        ("age < 16", "age under 16"),
        ("risk in ('high', 'low')", "risk one of (high, low)"),
        ("risk not in ('high', 'low')", "risk not one of (high, low)"),
    ],
)
def test_a_condition_reads_as_words(text: str, words: str) -> None:
    condition = parse_condition(text, FACTS | {"looked_after": "yes_no", "care_leaver": "yes_no"})
    assert condition.words == words
    assert condition.given == f" ({words})"


def test_what_always_holds_is_no_reason() -> None:
    assert parse_condition("always", FACTS).given == ""
    assert parse_condition("always", FACTS).names == frozenset()
    assert parse_condition("always and missing", FACTS).given == " (always and missing)"


def test_a_refusal_says_which_facts_there_are() -> None:
    with pytest.raises(BadCondition, match="unknown fact looked_atfer; known are age, high, missing, risk"):
        parse_condition("looked_atfer", FACTS)


@given(st.text(max_size=40))
def test_no_text_gets_more_than_a_condition_or_a_refusal(text: str) -> None:
    try:
        condition = parse_condition(text, FACTS)
    except BadCondition:
        return
    assert condition.holds({"missing": True, "high": False, "age": 3, "risk": None}) in (True, False)
    assert condition.names <= FACTS.keys()


def test_every_fact_has_a_sort_a_pack_can_ask_for() -> None:
    for name, sort in KNOWN.items():
        match sort:
            case "yes_no":
                text = name
            case "count":
                text = f"{name} >= 0"
            case words:
                text = f"{name} == '{words[0]}'"
        assert parse_condition(text, KNOWN).names == {name}
