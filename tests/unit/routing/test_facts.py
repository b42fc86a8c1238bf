"""What the packs may ask of an episode: each fact from where it is said, and what it is where nobody said it
(protocols.md, Facts)."""

from typing import Any

import pytest

from contacts.areas import load_areas
from routing.facts import (
    BOOLEANS,
    KNOWN,
    VALUES,
    Counts,
    category,
    derive,
    force_of,
    lead,
    part,
    people,
    since,
    whereabouts_known,
)
from tests.kit.clocks import at
from tests.kit.events import LEEDS, merged
from tests.kit.rows import DOC

AREAS = load_areas()
KIRKLEES, KENT, ABROAD = "E08000034", "E10000016", "X99000001"
"""Kirklees has the same force as Leeds, Kent another one; the last is no authority."""


def facts(changes: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return derive(merged(DOC, changes or {}), AREAS, **{"ever_missing": False, **more})


def test_every_fact_that_a_pack_can_ask_has_a_value() -> None:
    assert facts().keys() == KNOWN.keys()


@pytest.mark.parametrize("name", BOOLEANS)
def test_what_is_said_to_be_so_is_so_and_nothing_else_is(name: str) -> None:
    section, key = BOOLEANS[name]
    for said in (False, None):
        assert facts({section: {key: said}})[name] is False
    so = facts({section: {key: True}})
    assert so[name] is True
    others = {other for other in BOOLEANS if so[other] and other != name}
    assert others <= {"looked_after"}


@pytest.mark.parametrize("name", VALUES)
def test_a_value_is_as_said_or_not_known(name: str) -> None:
    section, key = VALUES[name]
    assert facts({section: {key: "other"}})[name] == "other"
    assert facts({section: {key: None}})[name] is None


@pytest.mark.parametrize(
    ("said", "missing"), [("missing", True), ("away", False), (None, True)], ids=["missing", "away", "nothing"]
)
def test_a_child_is_missing_or_away(said: str | None, missing: bool) -> None:
    found = facts({"episode": {"category": said}})
    assert (found["missing"], found["away"]) == (missing, not missing)
    assert found["whereabouts_known"] is not missing, "where nobody said"
    assert found["ever_missing"] is missing
    assert facts({"episode": {"category": said}}, ever_missing=True)["ever_missing"] is True
    assert category({"episode": {"category": said}}) == ("missing" if missing else "away")


@pytest.mark.parametrize("said", ["missing", "away"])
@pytest.mark.parametrize("given", [True, False])
def test_whereabouts_are_as_given(said: str, given: bool) -> None:
    assert whereabouts_known({"episode": {"category": said, "whereabouts_known": given}}) is given


@pytest.mark.parametrize(
    ("level", "high", "ungraded"),
    [("high", True, False), ("medium", False, False), ("none_apparent", False, False), (None, False, True)],
)
def test_risk(level: str | None, high: bool, ungraded: bool) -> None:
    found = facts({"episode": {"risk": {"level": level}}})
    assert (found["risk"], found["high"], found["ungraded"]) == (level, high, ungraded)


@pytest.mark.parametrize(
    ("responsible", "host", "looked_after", "out_of_area", "another_force"),
    [
        (LEEDS, LEEDS, True, False, False),
        (LEEDS, KIRKLEES, True, True, False),
        (KIRKLEES, LEEDS, True, True, False),
        (LEEDS, KENT, True, True, True),
        (KENT, LEEDS, True, True, True),
        (LEEDS, KENT, False, False, False),
        (LEEDS, ABROAD, True, True, True),
        (None, LEEDS, True, True, True),
    ],
)
def test_out_of_area_and_another_force(
    responsible: str | None, host: str, looked_after: bool, out_of_area: bool, another_force: bool
) -> None:
    placement = {"responsible_authority": responsible, "host_authority": host}
    found = facts({"placement": placement, "child": {"looked_after": looked_after}})
    assert (found["out_of_area"], found["another_force"]) == (out_of_area, another_force)
    doc = {"placement": placement, "child": {"looked_after": looked_after}}
    assert lead(doc) == (responsible if looked_after else host)


def test_the_force_of_an_authority() -> None:
    assert force_of(AREAS, LEEDS) == force_of(AREAS, KIRKLEES) != force_of(AREAS, KENT)
    assert force_of(AREAS, None) is None
    assert force_of(AREAS, ABROAD) is None


@pytest.mark.parametrize(("missing_from", "elsewhere"), [(None, False), (LEEDS, False), (KIRKLEES, True), (KENT, True)])
def test_elsewhere_is_not_where_the_child_lives(missing_from: str | None, elsewhere: bool) -> None:
    assert facts({"episode": {"missing_from_authority": missing_from}})["elsewhere"] is elsewhere


@pytest.mark.parametrize(
    ("kind", "at_home"), [("family_home", True), ("with_parents", True), ("foster_care", False), ("secure", False)]
)
def test_at_home(kind: str, at_home: bool) -> None:
    assert facts({"placement": {"type": kind}})["at_home"] is at_home


def test_school_police_and_checks_are_known_once_said() -> None:
    asked = ("has_school", "police_class", "has_incident_number", "checks_made", "police_told")
    assert [facts()[name] for name in asked] == [False, None, False, False, False]
    empty = {"school": None, "episode": {"police": {"incident_number": ""}, "initial_checks": []}}
    assert [facts(empty)[name] for name in asked] == [False, None, False, False, False]
    said = {
        "school": {"urn": "900001"},
        "episode": {"police": {"classification": "absent", "incident_number": "1"}, "initial_checks": ["Rooms"]},
    }
    assert [facts(said, police_told=True)[name] for name in asked] == [True, "absent", True, True, True]


@pytest.mark.parametrize(
    ("said", "located", "unsafe"),
    [
        ({}, False, False),
        ({"found": {"safe": None}}, True, False),
        ({"found": {"safe": True}}, True, False),
        ({"found": {"safe": False}}, True, True),
        ({"found": {"safe": False}, "returned": {}}, False, False),
        ({"returned": {}}, False, False),
    ],
)
def test_found_and_not_yet_back(said: dict[str, Any], located: bool, unsafe: bool) -> None:
    assert (facts(said)["located"], facts(said)["found_unsafe"]) == (located, unsafe)


def test_the_age_is_that_of_the_day_it_began() -> None:
    born = {"child": {"date_of_birth": "2011-03-01"}}
    assert facts(born)["age"] == 15
    assert facts({"child": {"date_of_birth": "2011-03-02"}})["age"] == 14
    assert since(DOC) == at("2026-03-01T10:00:00Z")


@pytest.mark.parametrize(
    ("away", "ever_missing", "elsewhere", "expected"),
    [
        (False, False, None, (4, 5, 8)),
        (True, True, None, (4, 5, 8)),
        (True, False, None, (3, 6, 7)),
        (False, False, 10, (4, 5, 18)),
        (True, False, 10, (3, 6, 17)),
    ],
)
def test_an_episode_counts_itself_as_what_it_ever_was(
    away: bool, ever_missing: bool, elsewhere: int | None, expected: tuple[int, int, int]
) -> None:  # B2, D17
    counts = Counts(missing_28d=3, away_28d=5, missing_ever=7)
    changes = {"episode": {"category": "away" if away else "missing"}, "child": {"previous_episodes": elsewhere}}
    found = facts(changes, ever_missing=ever_missing, counts=counts)
    assert (found["missing_28d"], found["away_28d"], found["missing_ever"]) == expected
    unknown = facts(changes, ever_missing=ever_missing)
    assert (unknown["missing_28d"], unknown["away_28d"], unknown["missing_ever"]) == (0, 0, 0)


def test_what_the_packs_decide_is_not_decided_here() -> None:
    found = facts({"episode": {"risk": {"level": "high"}, "at_risk": True, "category": "away"}})
    assert (found["serious"], found["endangered"], found["limit_runs"]) == (False, False, False)


def test_a_section_that_is_absent_or_null_is_empty_and_persons_keep_their_order() -> None:
    assert part({}, "child") == part({"child": None}, "child") == part({"child": "?"}, "child") == {}
    assert part({"child": {"ref": "C"}}, "child") == {"ref": "C"}
    listed = [{"role": "parent", "name": n} for n in "BA"] + [{"role": "carer", "name": "C"}]
    assert [p["name"] for p in people({"people": listed}, "parent")] == ["B", "A"]
    assert people({}, "parent") == people({"people": None}, "parent") == []
