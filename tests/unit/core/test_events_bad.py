"""A folder of mistakes, one a file, each with the exact paths it must be answered with (all of them, no others)."""

import json
import re
import typing
from pathlib import Path
from typing import Any

import pytest

from hub.core import wire_values
from hub.core.events import Invalid, parse
from tests.kit.events import leaves, raw, wire_rules

BAD = Path(__file__).parents[2] / "data" / "bad"
FILES = sorted(BAD.glob("*.json"))
WORDS = {
    word
    for name in ("Category", "Status", "MissingFrom", "PlacementType", "LegalStatus", "NotifyDecision", "PersonRole")
    for word in typing.get_args(getattr(wire_values, name))
}
"""Words of the wire itself stand in messages; they say nothing about a child."""


def body_of(case: dict[str, Any]) -> bytes:
    """The bytes posted. In ``raw`` a lone surrogate U+DC80 to U+DCFF stands for a byte that is not UTF-8."""
    if "raw" in case:
        text: str = case["raw"]
        return text.encode("utf-8", "surrogateescape")
    return raw(case["event"])


def personal_values(case: dict[str, Any]) -> set[str]:
    """Every text below ``data``, ``id`` and ``subject``, and whatever stands in quotes in a raw body."""
    if "raw" in case:
        values = set(re.findall(r':\s*"([^"\\]{4,})"', case["raw"]))
        values -= {"fingerpost.episode.reported.v1"}
    else:
        event = case["event"]
        values = set(leaves([event.get(key) for key in ("data", "id", "subject")]))
    # An area code is not personal, and saying which was not understood is what helps.
    return {v for v in values if v not in WORDS and not re.fullmatch(r"[A-Z]\d{8}|\d{3}", v)}


def test_there_are_enough_files() -> None:
    assert len(FILES) >= 60


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.stem)
def test_mistake_is_answered_with_its_exact_paths(file: Path) -> None:
    case = json.loads(file.read_text(encoding="utf-8"))

    result = parse(body_of(case), wire_rules())

    assert isinstance(result, Invalid)
    found = [(problem.path, problem.message) for problem in result.problems]
    assert sorted(path for path, _ in found) == sorted(expected["path"] for expected in case["expect"])
    for expected in case["expect"]:
        messages = [message for path, message in found if path == expected["path"]]
        assert any(expected["message_contains"] in message for message in messages), messages


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.stem)
def test_no_problem_repeats_a_value_that_was_sent(file: Path) -> None:
    case = json.loads(file.read_text(encoding="utf-8"))
    result = parse(body_of(case), wire_rules())
    assert isinstance(result, Invalid)
    for problem in result.problems:
        assert [value for value in personal_values(case) if value in problem.message] == []
        assert len(problem.message) < 400
