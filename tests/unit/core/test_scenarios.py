"""Whole stories through the simulator: each file says what happens, what is expected, and by which rules."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from hub.simulate import simulate
from tests.kit.expectations import Judge

FILES = sorted((Path(__file__).parents[2] / "data" / "scenarios").glob("*.json"))


def _load(file: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return loaded


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_scenario(file: Path) -> None:
    case = _load(file)
    assert Judge(case["expect"], simulate(case["scenario"])).problems() == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_event_sent_twice_changes_no_decision(file: Path) -> None:
    case = _load(file)["scenario"]
    twice = {**case, "events": [event for event in case["events"] for _ in range(2)]}
    once_out, twice_out = simulate(case), simulate(twice)
    for table in ("decisions", "duties", "register", "episodes"):
        assert twice_out[table] == once_out[table]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_same_file_gives_the_same_answer_and_is_left_as_it_was(file: Path) -> None:
    case = _load(file)["scenario"]
    before = copy.deepcopy(case)
    assert json.dumps(simulate(case)) == json.dumps(simulate(copy.deepcopy(case)))
    assert case == before


OUT: dict[str, Any] = {
    "answers": [{"event": "E1", "status": 202, "duplicate": False, "warnings": ["odd"]}],
    "decisions": [
        {"at": "2026-03-01T19:30:00Z", "cause": "event:E1", "episode": "A", "outcome": outcome, "kind": "missing",
         "priority": "high", "roles": roles, "organisation": "X1", "person": None, "fields": ["child.name"]}
        for outcome, roles in [
            ("notify", ["police"]), ("notify", ["iro", "school"]), ("hold", ["parent"]), ("gap", ["ceop"]),
        ]
    ],
    "duties": [{"code": "daily_contact", "episode": "A", "due_at": "2026-03-02T19:30:00Z", "state": "open"}],
    "register": [{"organisation": "X1", "role": "police", "removed_at": None}],
    "episodes": [{"ref": "A", "state": "open"}],
}  # fmt: skip


@pytest.mark.parametrize(
    ("key", "right", "wrong"),
    [
        ("notify", {"event:E1": {"missing": ["police", "iro", "school"]}}, {"event:E1": {"missing": ["police"]}}),
        ("notify", {"event:E1#A@2026-03-01T20:30:00+01:00": {"missing": ["police=X1", "iro", "school"]}},
         {"event:E1@2026-03-01T19:31:00Z": {"missing": ["police", "iro", "school"]}}),
        ("notify", {"event:E2": {}}, {"event:E1": {}}),
        ("notify_kinds", {"event:E1": {"update": []}}, {"event:E1": {"update": ["police"]}}),
        ("held", {"event:E1": ["parent"]}, {"event:E1": []}),
        ("gaps", {"event:E1": ["ceop"]}, {"event:E1": ["iro"]}),
        ("withheld", {"event:E1": []}, {"event:E1": ["parent"]}),
        ("suppressed", {"event:E1": []}, {"event:E1": ["police"]}),
        ("together", {"event:E1": [["school", "iro"]]}, {"event:E1": [["school"]]}),
        ("decision_counts", {"event:E1": {"police": 1}}, {"event:E1": {"police": 2}}),
        ("times", {"event:E1": ["2026-03-01T19:30:00Z"]}, {"event:E1": ["2026-03-01T19:30:01Z"]}),
        ("times", {"event:E1": {"update": []}}, {"event:E1": {"missing": []}}),
        ("priorities", {"event:E1": {"police": "high"}}, {"event:E1": {"police": "normal"}}),
        ("fields_never", {"police": ["child.name_of_old"]}, {"police": ["child"]}),
        ("fields_some", {"event:E1": {"iro": ["child"]}}, {"event:E1": {"iro": ["child.nam"]}}),
        ("duties", [{"code": "daily_contact", "due_at": "2026-03-02T20:30:00+01:00"}], [{"state": "done"}]),
        ("absent_duties", ["renotify"], ["daily_contact"]),
        ("duty_counts", {"daily_contact#A": 1}, {"daily_contact#B": 1}),
        ("register", [{"role": "police"}], [{"role": "iro"}]),
        ("register_absent", [{"role": "iro"}], [{"role": "police", "removed_at": None}]),
        ("register_counts", [{"role": "police", "count": 1}], [{"role": "police", "count": 0}]),
        ("episodes", {"A": {"state": "open"}}, {"A": {"state": "found"}}),
        ("answers", {"E1": 202}, {"E1": [202, 200]}),
        ("warnings", {"E1": True}, {"E1": False}),
    ],
)  # fmt: skip
def test_the_judge_tells_right_from_wrong(key: str, right: Any, wrong: Any) -> None:
    assert Judge({key: right}, OUT).problems() == []
    assert Judge({key: wrong}, OUT).problems() != []


def test_the_judge_knows_every_expectation_and_no_other() -> None:
    assert Judge({"only_listed_causes": True}, OUT).problems() == ["event:E1 tells somebody"]
    assert Judge({"only_listed_causes": True, "notify_kinds": {"event:E1": {}}}, OUT).problems() == []
    assert Judge({"unheard_of": 1}, OUT).problems() == ["nobody can judge unheard_of"]
