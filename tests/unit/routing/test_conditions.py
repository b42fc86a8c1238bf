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
