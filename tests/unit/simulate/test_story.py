"""The timeline that people read: every decision once, grouped, organisations by name."""

import re
from pathlib import Path

import pytest

from hub.picture.drawing import REMINDERS
from hub.simulate import simulate
from hub.simulate.story import story
from tests.kit.scenarios import FILES, numbered, scenario


def told(number: str, *, why: bool = False) -> list[str]:
    case = numbered(number)
    return ["  " * 0 + line.text for line in story(case, simulate(case), why=why)]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_everybody_told_is_named_once_and_every_reminder_counted(file: Path) -> None:
    case = scenario(file)
    answer = simulate(case)
    lines = story(case, answer)
    decisions = [d for d in answer["decisions"] if d["kind"] not in REMINDERS]
    assert sum(bool(re.search(r"  \[[A-H]-\d", line.text)) for line in lines) >= len(decisions)
    reminders = len(answer["decisions"]) - len(decisions)
    counted = 0
    for line in lines:
        if match := re.match(r"[^:]*, (?:reminder|chase)(?: ×(\d+))?: ", line.text):
            counted += int(match[1] or 1)
    alone = sum(bool(re.search(r"  \[[A-H]-\d", line.text)) for line in lines) - len(decisions)
    assert counted + alone == reminders


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_no_code_of_an_authority_or_force_is_left_and_no_underscore(file: Path) -> None:
    case = scenario(file)
    for line in story(case, simulate(case)):
        if line.indent >= 4 or " chase" in line.text or " reminder" in line.text:
            assert not re.search(r"\b[EWSN]\d{8}\b", line.text)
            assert "_" not in line.text


def test_organisations_by_name_and_the_reason_where_somebody_is_not_told() -> None:
    lines = told("031")
    assert "police: West Yorkshire Police  [B-13 B-12]" in lines
    after = lines[lines.index("parent: Sam Example  [B-15 B-16 B-03]") + 1]
    assert after == "nobody has decided yet whether this parent of a looked-after child is told"


def test_what_was_refused_is_said_with_its_problems() -> None:
    assert any("refused (422)" in line for line in told("034"))


def test_a_second_event_of_the_same_id_takes_no_decisions_from_the_first() -> None:
    lines = told("048")
    assert lines.count("missing: told") <= 1 + sum("reported" in line for line in lines)
    assert "seen before (200)" in lines
    assert "conflict (409)" in lines


def test_a_year_of_reminders_is_a_few_lines() -> None:
    assert len(told("058")) < 120


def test_why_adds_the_quotations() -> None:
    assert not [line for line in told("001") if "“" in line]
    assert any(line.startswith("B-13, national (") and "“" in line for line in told("001", why=True))
