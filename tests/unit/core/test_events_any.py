"""Whatever comes: parse never raises, says nothing it was told, and is stable."""

import json
import re
from typing import Any

import jsonschema
import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.core.events import EpisodeEvent, Invalid, canonical, parse, source_of, validate_document
from hub.core.wire_json import NotJson
from hub.web.openapi import schema_of
from tests.kit.events import EVERY, raw, wire_rules

RULES = wire_rules()
EVENTS = [build() for build in EVERY]
VALIDATORS = {event["type"]: jsonschema.Draft202012Validator(schema_of(event["type"])) for event in EVENTS}

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    st.sampled_from(["missing", "E09000006", "305", "2026-03-01T19:30:00Z", "2011-08-17", "withhold", "", " ", "\x00"]),
)
json_values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=12), inner, max_size=4)),
)


def places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a JSON value."""
    match value:
        case dict():
            return [at, *(place for key, part in value.items() for place in places(part, (*at, key)))]
        case list():
            return [at, *(place for i, part in enumerate(value) for place in places(part, (*at, i)))]
        case _:
            return [at]


def with_value(event: Any, place: tuple[Any, ...], value: Any) -> Any:
    if not place:
        return value
    copy = dict(event) if isinstance(event, dict) else list(event)
    copy[place[0]] = with_value(event[place[0]], place[1:], value)
    return copy


@st.composite
def nearly_right(draw: st.DrawFn) -> Any:
    """A valid event in which up to three values, at any depth, are something else."""
    event: Any = draw(st.sampled_from(EVENTS))
    for _ in range(draw(st.integers(1, 3))):
        event = with_value(event, draw(st.sampled_from(places(event))), draw(json_values))
    return event


def check(body: bytes) -> EpisodeEvent | Invalid:
    result = parse(body, RULES)
    if isinstance(result, Invalid):
        assert result.problems
        assert len(set(result.problems)) == len(result.problems)
        assert all(problem.message for problem in result.problems)
    return result


@given(st.binary())
def test_any_bytes(body: bytes) -> None:
    assert isinstance(check(body), Invalid)
    source_of(body)


@given(json_values)
def test_any_json(value: Any) -> None:
    body = json.dumps(value).encode()
    assert isinstance(check(body), Invalid)
    source_of(body)


@given(nearly_right())
def test_nearly_right_events(event: Any) -> None:
    body = json.dumps(event).encode()
    result = check(body)
    if isinstance(result, EpisodeEvent):
        assert canonical(body)


@given(st.data())
def test_bytes_changed_in_flight(data: st.DataObject) -> None:
    body = bytearray(raw(data.draw(st.sampled_from(EVENTS))))
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    check(bytes(body))


@given(nearly_right())
def test_what_was_accepted_is_accepted_again_in_its_normal_form_and_changes_no_more(event: Any) -> None:
    first = parse(json.dumps(event).encode(), RULES)
    if isinstance(first, Invalid):
        return
    again = parse(raw({**event, "data": first.data}), RULES)
    assert isinstance(again, EpisodeEvent)
    assert again.data == first.data
    assert again.time == first.time


@given(nearly_right())
def test_whatever_is_accepted_keeps_to_the_published_schema(event: Any) -> None:
    result = parse(json.dumps(event).encode(), RULES)
    if isinstance(result, EpisodeEvent):
        VALIDATORS[result.type].validate({**event, "data": result.data})


@given(st.sampled_from(places(EVENTS[1]["data"])), json_values)
@settings(max_examples=50)
def test_facts_of_any_shape_can_be_judged(place: tuple[Any, ...], value: Any) -> None:
    doc = with_value(EVENTS[1]["data"], place, value)
    if isinstance(doc, dict):
        for problem in validate_document(doc, RULES):
            assert problem.path.startswith("data") and problem.message


SECRET = "Zq7personalvalueZq7"


@pytest.mark.parametrize("event", EVENTS, ids=[event["id"] + event["type"] for event in EVENTS])
def test_a_value_in_the_wrong_place_is_never_repeated(event: Any) -> None:
    """A name, a number, an object with a name in it, wherever something else belongs."""
    for place in places(event):
        if not place or place == ("type",):
            continue
        for value in (SECRET, [SECRET], {"name": SECRET}, SECRET + "\x00", f"{SECRET} " * 2000):
            result = parse(raw(with_value(event, place, value)), RULES)
            said = [p.message for p in result.problems] if isinstance(result, Invalid) else list(result.warnings)
            assert not any(SECRET in message for message in said), (place, said)


@given(
    st.dictionaries(st.text(min_size=1), st.integers(-(2**53) + 1, 2**53 - 1) | st.text() | st.floats(allow_nan=False))
)
def test_canonical_bytes_do_not_depend_on_order_or_blanks(value: dict[str, Any]) -> None:
    value |= {"in": [None, True, {"ä": 'ü\x00\x1f\x7f\u2028\U0001f600/"\\', "more": [value.copy()]}]}
    try:
        expected = canonical(value)
    except NotJson:
        return
    assert expected == rfc8785.dumps(value)
    shuffled = json.dumps(dict(reversed(value.items())), indent=2).encode()
    assert canonical(shuffled) == expected
    assert not re.search(rb"\n", expected)
