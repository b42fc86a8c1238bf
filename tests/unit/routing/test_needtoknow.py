"""Need to know, cell by cell: every role against every path (vocabulary.md; readings.md B27, B28, B29, D3, D10)."""

from typing import Any

import pytest

from routing.needtoknow import COLUMNS, news, permitted, present, shared_view, view
from routing.needtoknow import changes as changes_of
from routing.packs import ROLES
from tests.kit.events import LEEDS, merged, reported_in_full

ALL = "●"
PARENTS_NAMES = "parents' names"
IDENTITY = ("child.name", "child.date_of_birth")
WHO = (*IDENTITY, "child.photo", "child.description", "episode.clothing", "child.other_names", "child.gender")
WHEN = (
    "episode.since", "episode.noticed_at", "episode.last_seen.at", "episode.last_seen.place", "episode.last_seen.with",
    "episode.missing_from", "episode.missing_from_authority", "episode.companions",
)  # fmt: skip
CIRCUMSTANCES = (
    "episode.circumstances", "episode.belongings", "episode.vehicle", "episode.intentions", "episode.initial_checks",
)  # fmt: skip
RISK = (
    "episode.risk.level", "episode.risk.assessed_by", "episode.risk.basis", "episode.risk.at",
    "episode.police.reported_at", "episode.police.classification", "episode.at_risk", "episode.abduction_suspected",
    "episode.sexual_exploitation_suspected", "episode.criminal_exploitation_suspected",
    "episode.trafficking_suspected", "episode.radicalisation_suspected",
)  # fmt: skip
STATUS = (
    "child.looked_after", "child.care_leaver", "child.absconder", "child.legal_status",
    "child.child_protection_plan", "child.section_47_enquiry",
)  # fmt: skip
PLACEMENT = (
    "placement.address", "placement.provider", "placement.type", "placement.phone",
    "placement.responsible_authority", "placement.host_authority",
)  # fmt: skip
HEALTH = ("child.medical", "child.medication", "child.disabilities")
AUTHORITY = ("placement.responsible_authority",)
FOUND = ("found.place",)
RETURN = ("returned.concerns", "returned.harm_suspected", "returned.crime_alleged", "retraction.reason")
EVERYBODY = ("episode.category", "episode.whereabouts_known", "found.safe")

COLUMN_ROLES = (
    ("police", "police_missing_from", "police_responsible", "police_senior_officer", "responsible_authority",
     "host_authority", "social_worker"),
    ("iro", "practice_supervisor", "missing_advocate", "supervising_social_worker", "quality_assurance",
     "group_manager", "assistant_director"),
    ("home_office", "home_office_evidence", "home_office_immigration_enforcement", "trafficking_centre"),
    ("circulation:london", "circulation:national", "mash", "mase_panel", "early_help", "youth_offending_service",
     "authority_missing_from"),
    ("missing_persons_bureau", "ceop"),
    ("designated_nurse",),
    ("school",),
    ("parent",),
    ("carer",),
)  # fmt: skip
"""The columns of vocabulary.md, parents and carers apart, as one row differs for them. The roles of options
(ADR 0005) stand in the column of those whose work theirs is like; the regulator has a narrower one of its own."""
REGULATOR = {
    *IDENTITY, *EVERYBODY, "episode.since", "episode.police.incident_number", "episode.risk.level",
    "placement.address", "placement.provider", "placement.type", "placement.responsible_authority",
}  # fmt: skip

_ = ()
TABLE: tuple[tuple[tuple[str, ...], tuple[Any, ...]], ...] = (
    (WHO, (ALL, ALL, ALL, ALL, ALL, IDENTITY, ALL, ALL, ALL)),
    (WHEN, (ALL, ALL, ALL, ALL, ALL, _, ("episode.since",), ALL, ALL)),
    (CIRCUMSTANCES, (ALL, ALL, _, ("episode.circumstances",), ALL, _, _, _, _)),
    (("episode.police.incident_number",), (ALL,) * 9),
    (RISK, (ALL, ALL, ("episode.trafficking_suspected",), ("episode.risk.level",), ALL, ("episode.risk.level",),
            _, _, _)),
    (HEALTH, (ALL, ("child.medication",), _, ("child.medication",), ALL, ALL, _, _, ALL)),
    (("child.medication_needed",), (_, _, _, _, _, _, ALL, _, _)),
    (STATUS, (ALL, ALL, ("child.legal_status",), ALL, _, ALL, _, _, _)),
    (PLACEMENT, (ALL, ALL, AUTHORITY, AUTHORITY, AUTHORITY, AUTHORITY, _, _, _)),
    (("people",), (ALL, _, _, ALL, ALL, _, _, _, _)),
    (("child.mobile",), (ALL, _, _, _, ALL, _, _, _, _)),
    (("child.subject_to_immigration_restriction", "child.home_office_reference"), (ALL, _, ALL, _, _, _, _, _, _)),
    (FOUND, (ALL, ALL, ALL, _, _, _, _, ALL, ALL)),
    (("child.ethnicity", "child.preferred_language"), (ALL, ALL, ALL, ALL, ALL, _, _, _, _)),
    (("form",), (ALL, ALL, _, _, _, _, _, _, _)),
    (RETURN, (ALL, ALL, _, _, _, _, _, _, _)),
    (EVERYBODY, (ALL,) * 9),
)  # fmt: skip
"""The table again, written down a second time by hand: the place of the find where it may be shared."""

LOCATIONS = {
    "episode.last_seen.place", "episode.missing_from", "episode.missing_from_authority", "placement.address",
    "placement.provider", "placement.phone", "placement.host_authority", "found.place",
}  # fmt: skip
LOCATION_ROLES = {
    "police", "police_missing_from", "police_responsible", "responsible_authority", "host_authority", "social_worker",
    "home_office",
}  # fmt: skip
FLAGS = {
    "episode": {"at_risk": True, "abduction_suspected": True, "sexual_exploitation_suspected": True,
                "criminal_exploitation_suspected": True, "radicalisation_suspected": True, "whereabouts_known": True,
                "category": "away"},
    "child": {"care_leaver": True, "absconder": True, "child_protection_plan": True, "section_47_enquiry": True},
}  # fmt: skip


def changes(before: dict[str, Any], after: dict[str, Any]) -> frozenset[str]:
    return changes_of(present(before), present(after))


def full(*, shared: bool = True, trafficking: bool = False, looked_after: bool = True) -> dict[str, Any]:
    """A document in which everything there is has a value."""
    doc = merged(reported_in_full()["data"], FLAGS)
    doc["episode"]["trafficking_suspected"] = trafficking
    doc["child"]["looked_after"] = looked_after
    doc["found"] = {"place": "Example Station", "by": "police", "safe": True, "location_may_be_shared": shared}
    doc["returned"] = {"to": "placement", "brought_by": "self", "concerns": "Tired", "harm_suspected": True,
                       "crime_alleged": True}  # fmt: skip
    doc["retraction"] = {"reason": "Was in the garden"}
    return doc


def expected(role: str) -> set[str]:
    if role == "operator":
        return set()
    if role == "regulator":
        return REGULATOR
    column = next(i for i, roles in enumerate(COLUMN_ROLES) if role in roles)
    return {path for paths, marks in TABLE for path in (paths if marks[column] == ALL else marks[column])}


@pytest.mark.parametrize("role", sorted(ROLES))
def test_every_cell_of_the_table(role: str) -> None:
    want = expected(role) - {"episode.trafficking_suspected", "child.looked_after"}
    doc = full(looked_after=False)
    assert set(view(doc, [role]).fields) == want
    trafficked = set(view(full(trafficking=True, looked_after=False), [role]).fields)
    assert ("episode.trafficking_suspected" in trafficked) is ("episode.trafficking_suspected" in expected(role))
    looked_after = set(view(full(), [role]).fields)
    assert ("child.looked_after" in looked_after) is ("child.looked_after" in expected(role))


def test_every_role_has_a_column_and_no_other_has() -> None:
    assert set(COLUMNS) == ROLES
    assert {role for roles in COLUMN_ROLES for role in roles} | {"operator", "regulator"} == ROLES


@pytest.mark.parametrize("role", sorted(ROLES))
def test_a_location_is_for_seven_roles_where_trafficking_is_suspected(role: str) -> None:
    seen = set(view(full(trafficking=True, looked_after=False), [role]).fields) & LOCATIONS
    assert seen == (expected(role) & LOCATIONS if role in LOCATION_ROLES else set())


@pytest.mark.parametrize("role", sorted(ROLES))
def test_the_place_of_the_find_that_may_not_be_shared_is_for_the_first_column(role: str) -> None:
    seen = "found.place" in view(full(shared=False, looked_after=False), [role]).fields
    assert seen is (role in COLUMN_ROLES[0])


def test_parents_of_a_looked_after_child_see_no_place_but_a_find_that_may_be_shared() -> None:
    assert set(view(full(), ["parent"]).fields) & LOCATIONS == {"found.place"}
    assert set(view(full(shared=False), ["parent"]).fields) & LOCATIONS == set()
    assert set(view(full(), ["carer"]).fields) & LOCATIONS == {
        "episode.last_seen.place", "episode.missing_from", "episode.missing_from_authority", "found.place",
    }  # fmt: skip


@pytest.mark.parametrize("kind", ["found", "returned", "retraction", "duty_due", "duty_overdue", "message", "update"])
@pytest.mark.parametrize("role", sorted(ROLES))
def test_no_kind_of_notice_shows_more(kind: Any, role: str) -> None:
    assert set(view(full(), [role], kind).fields) <= set(view(full(), [role]).fields)


def test_a_circulation_sees_parents_names_and_nothing_else_of_anybody() -> None:
    for role in COLUMN_ROLES[3]:
        assert view(full(), [role]).fields["people"] == [
            {"role": "parent", "name": "Sam Example"},
            {"role": "parent", "name": "Pat Example"},
        ]
    assert len(view(full(), ["police"]).fields["people"]) == 4
    assert len(view(full(), ["mash", "host_authority"]).fields["people"]) == 4


def test_a_desk_that_reads_for_two_roles_sees_what_either_may() -> None:
    both = set(view(full(), ["school", "designated_nurse"]).fields)
    assert both == set(view(full(), ["school"]).fields) | set(view(full(), ["designated_nurse"]).fields)


def test_the_notice_of_a_gap_shows_what_both_may_see() -> None:
    fields = set(shared_view(full(), "responsible_authority", "school", "missing").fields)
    assert fields == set(view(full(), ["school"]).fields) - {"child.medication_needed"}
    assert shared_view(full(), "operator", "police", "missing").fields == {}


def test_school_hears_that_medication_is_needed_never_which() -> None:
    fields = view(full(), ["school"]).fields
    assert fields["child.medication_needed"] is True
    assert "Inhaler" not in str(fields)
    assert "child.medication_needed" not in view(merged(full(), {"child": {"medication": ""}}), ["school"]).fields


NEVER_NEWS = (
    ("child", "early_help"), ("child", "known_to_childrens_services"), ("child", "previous_episodes"),
    ("school", "name"), ("school", "urn"), ("placement", "district"), ("placement", "starts_on"),
    ("returned", "to"), ("found", "by"),
)  # fmt: skip


@pytest.mark.parametrize(("section", "key"), NEVER_NEWS)
def test_what_has_no_row_is_shown_to_nobody_and_no_news(section: str, key: str) -> None:
    assert all(f"{section}.{key}" not in permitted(role, full()) for role in ROLES)
    assert changes(full(), merged(full(), {section: {key: "another"}})) == frozenset()


@pytest.mark.parametrize("path", sorted(p for paths, _marks in TABLE for p in paths if not p.startswith("retraction")))
def test_a_change_is_news_to_whoever_may_see_it_and_to_nobody_else(path: str) -> None:
    before = full(looked_after=False)
    after: dict[str, Any]
    match path.split("."):
        case ["people"]:
            after = {**before, "people": [*before["people"], {"role": "parent", "name": "Alex Example"}]}
        case ["form"]:
            after = {**before, "form": {"Score": 9}}
        case ["child", "medication_needed"]:
            after = merged(before, {"child": {"medication": None}})
        case [section, key]:
            after = merged(before, {section: {key: _another(before[section].get(key))}})
        case [section, inner, key]:
            after = merged(before, {section: {inner: {key: "another"}}})
        case _:
            raise AssertionError(path)
    changed = changes(before, after)
    assert path in changed
    for role in ROLES:
        assert (path in news(role, changed, before, after)) is (path in expected(role)), role


def _another(value: Any) -> Any:
    match value:
        case bool() | None:
            return not value
        case list():
            return [*value, "another"]
        case dict():
            return {**value, "data_base64": "another"}
        case _:
            return "another"


@pytest.mark.parametrize(
    "people",
    [
        pytest.param([{"email": "other@family.example"}], id="contact"),
        pytest.param([{"address": "3 Example Road"}], id="address"),
        pytest.param([{"notify": {"decision": "notify"}}], id="decision"),
        pytest.param([{"suspected_abductor": False}], id="default spelt out"),
    ],
)
def test_contact_details_decisions_and_defaults_of_people_are_no_news(people: list[dict[str, Any]]) -> None:
    before = full()
    after = {**before, "people": [{**before["people"][0], **people[0]}, *before["people"][1:]]}
    assert changes(before, after) == frozenset()


def test_the_order_of_people_is_no_news_but_a_new_suspicion_is() -> None:
    before = full()
    assert changes(before, {**before, "people": before["people"][::-1]}) == frozenset()
    suspected = [{**before["people"][0], "suspected_abductor": True}, *before["people"][1:]]
    assert changes(before, {**before, "people": suspected}) == {"people"}


@pytest.mark.parametrize(("role", "default"), [("parent", True), ("carer", False)])
def test_parental_responsibility_has_a_default_which_spelt_out_is_no_news(role: str, default: bool) -> None:
    somebody = {"role": role, "name": "Alex Example"}
    before = {"people": [somebody]}
    assert changes(before, {"people": [{**somebody, "parental_responsibility": default}]}) == frozenset()
    assert changes(before, {"people": [{**somebody, "parental_responsibility": not default}]}) == {"people"}


@pytest.mark.parametrize(
    ("episode", "known"),
    [
        ({"category": "away"}, True),
        ({"category": "missing"}, False),
        ({}, False),
        ({"category": "away", "whereabouts_known": False}, False),
        ({"category": "away", "whereabouts_known": None}, True),
    ],
)
def test_where_nobody_says_it_the_whereabouts_of_a_child_who_is_away_are_known(
    episode: dict[str, Any], known: bool
) -> None:
    assert present({"episode": episode}).get("episode.whereabouts_known", False) is known


@pytest.mark.parametrize(("path", "said"), [("found.safe", True), ("found.share_location", False)])
def test_that_a_child_was_found_and_is_not_safe_is_said_and_nothing_else_that_is_false(path: str, said: bool) -> None:
    section, key = path.split(".")
    seen = present({section: {key: False}})
    assert (seen.get(path) is False) is said
    assert present({"found": {"safe": True}})["found.safe"] is True
    assert "found.safe" not in present({"found": {"safe": None}})
    assert "child.looked_after" not in present({"child": {"looked_after": False}})


def test_a_new_social_worker_is_no_news_to_a_circulation() -> None:
    before = full()
    after = {**before, "people": [*before["people"], {"role": "associate", "name": "Alex Friend"}]}
    changed = changes(before, after)
    assert news("police", changed, before, after) == {"people"}
    assert news("circulation:london", changed, before, after) == frozenset()


def test_the_same_value_again_or_an_empty_one_is_no_news() -> None:
    before = full()
    assert changes(before, merged(before, {"episode": {"clothing": "Blue coat"}})) == frozenset()
    empty = merged(before, {"child": {"gender": None}})
    assert changes(empty, merged(empty, {"child": {"gender": ""}})) == frozenset()
    assert changes(before, merged(before, {"episode": {"status": "test"}})) == frozenset()


def test_a_location_that_changes_is_no_news_to_those_it_is_kept_from() -> None:
    before = full(trafficking=True)
    after = merged(before, {"placement": {"host_authority": LEEDS, "address": "elsewhere"}})
    changed = changes(before, after)
    assert {role for role in ROLES if news(role, changed, before, after)} == LOCATION_ROLES - {"home_office"}


def test_a_view_never_prints_its_values() -> None:
    assert "Robin" not in repr(view(full(), ["police"]))
