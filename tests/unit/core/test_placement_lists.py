"""Lists of placements: what can be read becomes a report, and everything that cannot is told at once."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from hub.core.placement_lists import PlacementList, read_placements
from tests.kit.events import wire_rules

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
GOOD: dict[str, Any] = {
    "ref": "A-1",
    "child": {"looked_after": True, "known_to_childrens_services": True},
    "placement": {"type": "childrens_home", "responsible_authority": "E09000006", "host_authority": "E06000013"},
    "people": [{"role": "parent", "name": "Sam Example", "phone": "+447700900123"}],
}


def read(listed: Any) -> PlacementList:
    return read_placements(json.dumps(listed).encode(), as_csv=False, rules=wire_rules(), now=NOW)


def read_csv(text: str) -> PlacementList:
    return read_placements(text.encode(), as_csv=True, rules=wire_rules(), now=NOW)


@pytest.mark.parametrize("listed", [[GOOD], {"placements": [GOOD]}], ids=["list", "object"])
def test_a_placement_becomes_a_report_of_now(listed: Any) -> None:
    found = read(listed)
    assert found.problems == ()
    [one] = found.candidates
    assert one.ref == "A-1"
    assert (one.event.kind, one.event.time) == ("episode.reported", NOW)
    assert one.event.data["placement"]["host_authority"] == "E06000013"
    assert one.event.data["episode"]["category"] == "missing"
    assert "Sam" not in repr(one)


def test_what_if_the_child_were_away_or_the_risk_high() -> None:
    found = read([{**GOOD, "episode": {"category": "away", "risk": {"level": "high"}}}])
    assert found.candidates[0].event.data["episode"]["category"] == "away"
    assert found.candidates[0].event.data["episode"]["risk"]["level"] == "high"


def test_every_problem_of_every_placement_at_once() -> None:
    found = read(
        [
            GOOD,
            {**GOOD, "ref": "A-1"},
            {**GOOD, "ref": "A-3", "placement": {"type": "castle", "host_authority": "E06000013"}},
            {**GOOD, "ref": "A-4", "note": "x"},
            {**GOOD, "ref": " "},
            "A-6",
        ]
    )
    said = {problem.path: problem.message for problem in found.problems}
    assert said["placements[1].ref"] == "stands twice"
    assert "placements[2].placement.type" in said
    assert "placements[2].placement.responsible_authority" in said
    assert said["placements[3].note"] == "is not known"
    assert "is missing" in said["placements[4].ref"]
    assert said["placements[5]."] == "must be an object"
    assert [one.ref for one in found.candidates] == ["A-1"]


def test_no_problem_repeats_what_somebody_typed() -> None:
    found = read([{**GOOD, "child": {"name": 7, "date_of_birth": "Robin Example"}, "people": [{"role": "Robin"}]}])
    assert found.problems
    assert all("Robin" not in f"{problem.path} {problem.message}" for problem in found.problems)


def test_csv_the_same() -> None:
    found = read_csv(
        "\ufeffref,child.looked_after,child.known_to_childrens_services,placement.type,placement.responsible_authority,"
        "placement.host_authority,school.urn,parent.name,parent.phone,parent.decision,parent.reason,parent.decided_by\n"
        "A-1,yes,yes,childrens_home,E09000006,E06000013,,Sam Example,+447700900123,withhold,not safe,Jo Worker\n"
        "\n"
        "A-2,No,no,family_home,,E06000013,900001,,,,,\n"
    )
    assert found.problems == ()
    first, second = (one.event.data for one in found.candidates)
    assert first["child"]["looked_after"] is True
    assert first["people"][0]["notify"]["decision"] == "withhold"
    assert second["school"]["urn"] == "900001"
    assert not second.get("people")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "a line of column names"),
        ("ref,placement.type\n", "at least one placement"),
        ("ref,wrong,parent.shoe\nA,b,c\n", "number 2, 3"),
        ('ref,"placement.type\nA', "is not CSV"),
        ("ref,placement.type,placement.type.kind\nA,foster,b\n", "others are a part of: number 2"),
        (f"ref,child{'.a' * 3_000}\nA,b\n", "not known: number 2"),
    ],
)
def test_a_table_that_is_none(text: str, said: str) -> None:
    [problem] = read_csv(text).problems
    assert said in problem.message


def test_a_line_of_another_length_is_named() -> None:
    problems = read_csv("ref,placement.type\nA-1,childrens_home,E09000006\n").problems
    assert any(p.path == "line 2, " and p.message == "has 3 columns, not 2" for p in problems)


def test_a_key_that_is_half_a_character_can_be_told() -> None:
    found = read_placements(b'[{"ref": "A-1", "\\ud800": 1}]', as_csv=False, rules=wire_rules(), now=NOW)
    assert any(one.path.encode() == b"placements[0].?" for one in found.problems)


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"{}", b'"x"', b"[" * 100_000, b"\xff\xfe"])
def test_json_that_is_no_list(raw: bytes) -> None:
    found = read_placements(raw, as_csv=False, rules=wire_rules(), now=NOW)
    assert len(found.problems) == 1
    assert found.candidates == ()
    assert found.problems[0].path == ""


def test_the_children_go_missing_on_a_leap_day_too() -> None:
    found = read_placements(
        json.dumps([GOOD]).encode(), as_csv=False, rules=wire_rules(), now=datetime(2028, 2, 29, tzinfo=UTC)
    )
    assert found.problems == ()
