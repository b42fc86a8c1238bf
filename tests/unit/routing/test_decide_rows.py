"""What an update tells whom, row by row: made-up packs of a row or two, a single change, nothing else around it."""

from collections.abc import Mapping

import pytest

from routing.decide import WAITING, late_parents, parent_changes, update_notices
from routing.decision import Recipient
from routing.packs import Packs
from routing.standing import Draft, Standing, Told
from tests.kit.rows import (
    AREAS,
    AWAY,
    FAMILY,
    FORCE,
    NOT_MASH,
    POLICE,
    RULE,
    TELLS,
    UNSAFE,
    desk,
    pack,
    person,
    said,
    standing,
)


def updates(before: Standing, after: Standing, *told: Told, known: Mapping[str, str] | None = None) -> list[Draft]:
    return update_notices(before, after, told, known or {}, AREAS)


# Updates ------------------------------------------------------------------------------------------------------------

NOT_THE_POLICE = 'suppressions: role = "police"\non = "away"\nunless = "at_risk"'
CLOTHES = {"episode": {"clothing": "Red coat"}}


def test_a_suppression_is_written_down_when_it_begins_and_not_again() -> None:
    packs = Packs((pack(TELLS, POLICE, NOT_THE_POLICE),))
    missing, away = standing(packs), standing(packs, AWAY)
    assert ("police", "suppress", "away") in said(updates(missing, away))
    assert said(updates(away, standing(packs, AWAY, CLOTHES))) == []


def test_who_was_suppressed_and_is_not_any_more_hears_it_for_the_first_time() -> None:
    packs = Packs((pack(TELLS, NOT_MASH),))
    leaver = {"child": {"care_leaver": True}}
    assert said(updates(standing(packs), standing(packs, leaver))) == [("mash", "notify", "missing")]
    assert said(updates(standing(packs, leaver), standing(packs, leaver, CLOTHES))) == []


def test_police_who_are_not_to_be_told_are_not_told_of_the_danger_either() -> None:
    packs = Packs((pack(POLICE, 'suppressions: role = "police"\non = "away"\nunless = "care_leaver"'),))
    endangered = {"episode": {"at_risk": True}}
    assert said(updates(standing(packs, AWAY), standing(packs, AWAY, endangered))) == []


def test_danger_is_a_first_notice_for_the_police_only() -> None:
    others = ("iro", "responsible_authority")
    packs = Packs((pack(POLICE, *(f'recipients: role = "{role}"\naway = "always"' for role in others)),))
    told = (desk("police", FORCE), desk("iro"), desk("responsible_authority"))
    drafts = updates(standing(packs, AWAY), standing(packs, AWAY, {"episode": {"at_risk": True}}), *told)
    assert said(drafts) == [
        ("police", "notify", "concern"), ("iro", "notify", "update"), ("responsible_authority", "notify", "update"),
    ]  # fmt: skip


def test_a_desk_that_a_new_suppression_keeps_out_in_one_role_is_updated_in_the_other() -> None:
    packs = Packs((pack(TELLS, POLICE, NOT_THE_POLICE),))
    also_police = desk("police_responsible", FORCE)
    drafts = updates(standing(packs), standing(packs, AWAY), also_police)
    assert said(drafts) == [("police", "suppress", "away"), ("police_responsible", "notify", "update")]


def test_an_update_says_what_is_news_to_its_reader_and_the_rule_of_updates() -> None:
    packs = Packs((pack(TELLS, 'told: on = "update"'),))
    circulation = Told(recipient=Recipient(role="circulation:london"), members=("E09000001",))
    health = {"child": {"medical": "Asthma", "description": "Tall"}}
    drafts = updates(standing(packs), standing(packs, health), desk("host_authority"), circulation, desk("school"))
    assert [(d.recipient.role, d.changed, d.members) for d in drafts] == [
        ("host_authority", {"child.medical", "child.description"}, ()),
        ("circulation:london", {"child.description"}, ("E09000001",)),
        ("school", {"child.description"}, ()),
    ]
    assert {(d.kind, d.rules, d.why) for d in drafts} == {
        ("update", (RULE,), "told before, and something this role may see has changed")
    }


# Parents ------------------------------------------------------------------------------------------------------------


def test_a_parent_taken_out_is_written_down_once_and_only_if_asked_about() -> None:
    people = [person("parent", "Sam Example", "withhold"), person("parent", "Pat Example")]
    now = standing(pack(FAMILY, TELLS), {"people": people})
    assert said(parent_changes(now, {})) == [
        ("Sam Example", "withhold", "missing"),
        ("Pat Example", "hold", "missing"),
    ]
    assert said(parent_changes(now, {"Sam Example": "withhold", "Pat Example": "notify"})) == [
        ("Pat Example", "hold", "missing")
    ]
    assert parent_changes(now, {"Sam Example": "withhold", "Pat Example": "hold"}) == []
    only = frozenset({("parent", None, "Sam Example")})
    assert said(parent_changes(now, {}, only)) == [("Sam Example", "withhold", "missing")]


@pytest.mark.parametrize(
    ("first", "then", "told"),
    [
        (None, "notify", True),
        ("undecided", "notify", True),
        ("withhold", "notify", True),
        ("notify", "notify", False),
        ("withhold", "undecided", False),
        (None, None, False),
        (None, "withhold", False),
    ],
)
def test_after_the_end_a_parent_hears_it_whom_a_decision_now_tells(
    first: str | None, then: str | None, told: bool
) -> None:  # A10, A4
    packs = Packs((pack(FAMILY),))
    before = standing(packs, {"people": [person("parent", "Sam Example", first)]})
    after = standing(packs, {"people": [person("parent", "Sam Example", then)]})
    drafts = late_parents(before, after, "returned", {})
    assert said(drafts) == ([("Sam Example", "notify", "returned")] if told else [])
    assert all((d.rules, d.why) == ((RULE,), "a recorded decision tells this parent") for d in drafts)
    for known in ("notify", WAITING):
        assert late_parents(before, after, "returned", {"Sam Example": known}) == []


def test_after_the_end_nobody_hears_it_only_because_the_child_lives_at_home_now() -> None:
    packs = Packs((pack(FAMILY, TELLS),))
    at_home = {"child": {"looked_after": False}}
    for name, undecided in (("Alex Example", None), ("Alex Example", "undecided"), ("Zed Example", None)):
        people = {"people": [person("parent", name, undecided)]}
        others = {"people": [*people["people"], person("parent", "Sam Example", "notify")]}
        assert late_parents(standing(packs, people), standing(packs, people, at_home), "found", {}) == []
        drafts = late_parents(standing(packs, people), standing(packs, others, at_home), "found", {})
        assert said(drafts) == [("Sam Example", "notify", "found")], "only whom the decision names"


def test_after_the_end_a_suspected_abductor_hears_nothing_whatever_was_decided() -> None:
    packs = Packs((pack(FAMILY),))
    suspected = person("parent", "Sam Example", "notify", suspected_abductor=True)
    before = standing(packs, {"people": [person("parent", "Sam Example")]})
    assert late_parents(before, standing(packs, {"people": [suspected]}), "found", {}) == []


def test_after_the_end_a_worker_of_a_parents_name_is_no_parent() -> None:
    packs = Packs(
        (pack(FAMILY, *(f'recipients: role = "{role}"\nmissing = "always"' for role in ("iro", "social_worker"))),)
    )
    workers = [person("iro", "Sam Example"), person("social_worker", "Sam Example")]
    before = standing(packs, {"people": [person("parent", "Sam Example"), *workers]})
    after = standing(packs, {"people": [person("parent", "Sam Example", "notify"), *workers]})
    (draft,) = late_parents(before, after, "found", {})
    assert draft.recipient.role == "parent"


def test_a_parent_decided_after_an_unsafe_find_is_held_under_its_rule() -> None:  # D2
    packs = Packs((pack(FAMILY, 'told: on = "in_person"'),))
    after = standing(packs, UNSAFE, {"people": [person("parent", "Sam Example", "notify")]})
    before = standing(packs, UNSAFE, {"people": [person("parent", "Sam Example")]})
    (draft,) = late_parents(before, after, "found", {})
    assert (draft.outcome, draft.kind, draft.rules, draft.why) == ("hold", "found", (RULE,), "to be told in person")
