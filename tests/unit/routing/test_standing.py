"""How people stand now: who may hear what goes on, whom a notice is kept from, who shares a desk (readings.md A9, B21,
C5, D2)."""

from typing import Any

import pytest

from routing.decision import Recipient
from routing.recipients import Entry
from routing.standing import Draft, Told, desk_key, draft_key, kept_from, may_hear, parent_outcome
from tests.kit.rows import FAMILY, FORCE, LEEDS, POLICE, RULE, TELLS, UNSAFE, desk, pack, parent, person, standing

PACK = pack(FAMILY, TELLS, POLICE)
AT_HOME = {"child": {"looked_after": False}}
KIRKLEES = "E08000034"


def listed(*people: dict[str, Any]) -> dict[str, Any]:
    return {"people": list(people)}


def recipient(role: str, organisation: str | None = None, name: str | None = None) -> Recipient:
    return Recipient(role=role, organisation=organisation, person=name)


@pytest.mark.parametrize(
    ("one", "other", "shared"),
    [
        (recipient("police", FORCE), recipient("police_responsible", FORCE), True),
        (recipient("police", FORCE), recipient("police", "kent"), False),
        (recipient("responsible_authority", LEEDS), recipient("host_authority", LEEDS), True),
        (recipient("responsible_authority", LEEDS), recipient("host_authority", KIRKLEES), False),
        (recipient("responsible_authority", LEEDS), recipient("iro", LEEDS), False),
        (recipient("iro", LEEDS), recipient("iro", LEEDS, "Al Example"), False),
        (recipient("iro", None, "Al Example"), recipient("social_worker", None, "Al Example"), False),
        (recipient("iro", LEEDS, "Al Example"), recipient("iro", KIRKLEES, "Al Example"), True),
        (recipient("parent", None, "Al Example"), recipient("parent", None, "Sam Example"), False),
        (recipient("circulation:london"), recipient("circulation:national"), False),
        (recipient("police"), recipient("police_responsible"), False),
    ],
)
def test_who_shares_a_desk(one: Recipient, other: Recipient, shared: bool) -> None:
    assert (desk_key(one) == desk_key(other)) is shared
    assert Draft(recipient=one, kind="missing", rules=(), why="").desk == desk_key(one)


def test_a_recipient_is_known_by_role_and_person_or_by_role_and_organisation() -> None:
    named, office = recipient("iro", LEEDS, "Al Example"), recipient("iro", LEEDS)
    assert draft_key(Draft(recipient=named, kind="missing", rules=(), why="")) == ("iro", None, "Al Example")
    assert Told(recipient=office).key == ("iro", LEEDS, None)
    assert Entry(recipient=office, outcome="notify", kind="missing", rules=(), why="").key == ("iro", LEEDS, None)


@pytest.mark.parametrize(
    ("about", "home", "outcome"),
    [
        ({"decision": "notify"}, False, "notify"),
        ({"decision": "withhold"}, False, "withhold"),
        ({}, False, "hold"),
        ({}, True, "notify"),
        ({"decision": "notify", "suspected_abductor": True}, True, "withhold"),
        ({"decision": "notify", "parental_responsibility": False}, False, "notify"),
    ],
)
def test_a_parent_stands_by_what_was_last_said_listed_or_not(
    about: dict[str, Any], home: bool, outcome: str
) -> None:  # A9
    sam = person("parent", "Sam Example", **about)
    child = AT_HOME if home else {}
    assert parent_outcome(standing(PACK, child, listed(sam)), "Sam Example") == outcome
    remembered = standing(PACK, child, persons={"parent/Sam Example": sam})
    assert parent_outcome(remembered, "Sam Example") == outcome
    assert parent_outcome(remembered, "Pat Example") is None
    other = standing(PACK, child, listed(person("parent", "Pat Example", "notify")), persons={"carer/Sam Example": sam})
    assert parent_outcome(other, "Sam Example") is None


def test_what_the_list_says_now_comes_before_what_was_said() -> None:
    said = {"parent/Sam Example": person("parent", "Sam Example", "withhold")}
    now = standing(PACK, listed(person("parent", "Sam Example", "notify")), persons=said)
    assert parent_outcome(now, "Sam Example") == "notify"
    assert not kept_from(now, recipient("parent", name="Sam Example"))


@pytest.mark.parametrize("decision", ["notify", "withhold", "undecided", None])
@pytest.mark.parametrize("unsafe", [True, False])
def test_family_may_hear_as_they_stand_and_others_always(decision: str | None, unsafe: bool) -> None:  # C5, D2
    people = listed(person("parent", "Sam Example", decision), person("carer", "Chris Carer", decision))
    now = standing(PACK, people, UNSAFE if unsafe else {})
    assert may_hear(parent(), now) is (decision == "notify" and not unsafe)
    assert may_hear(parent("Chris Carer", "carer"), now) is not unsafe
    assert may_hear(parent("Nobody Listed"), now) is False
    assert may_hear(desk("mash"), now) is True


@pytest.mark.parametrize(
    ("role", "about", "kept"),
    [
        ("parent", {"decision": "withhold"}, True),
        ("parent", {"suspected_abductor": True}, True),
        ("parent", {}, False),
        ("carer", {"decision": "withhold"}, True),
        ("carer", {"decision": "undecided"}, False),
        ("carer", {"decision": "notify"}, False),
        ("carer", {"suspected_abductor": True, "decision": "notify"}, True),
        ("carer", {"suspected_abductor": False}, False),
    ],
)
def test_a_notice_is_kept_from_whom_it_is_withheld(role: str, about: dict[str, Any], kept: bool) -> None:
    people = listed(person(role, "Sam Example", **about), person(role, "Alex Example"), person(role, "Zed Example"))
    now = standing(PACK, people)
    assert kept_from(now, recipient(role, name="Sam Example")) is kept
    assert not kept_from(now, recipient(role, name="Alex Example"))
    assert not kept_from(now, recipient(role, name="Zed Example"))
    assert not kept_from(now, recipient(role, LEEDS))


@pytest.mark.parametrize("about", [{"decision": "withhold"}, {"suspected_abductor": True}])
def test_a_carer_who_is_withheld_as_a_parent_is_not_told_as_a_carer(about: dict[str, Any]) -> None:
    carer = person("carer", "Sam Example", "notify")
    sam = person("parent", "Sam Example", **about)
    worker = {**sam, "role": "social_worker"}
    asked = recipient("carer", name="Sam Example")
    assert kept_from(standing(PACK, listed(carer, sam)), asked)
    assert kept_from(standing(PACK, listed(carer), persons={"parent/Sam Example": sam}), asked)
    assert not kept_from(standing(PACK, listed(carer), persons={"carer/Sam Example": {**sam, "role": "carer"}}), asked)
    assert not kept_from(standing(PACK, listed(carer, worker), persons={"social_worker/Sam Example": worker}), asked)
    assert not kept_from(standing(PACK, listed(sam)), recipient("social_worker", name="Sam Example"))


def test_what_stands_is_worked_out_once() -> None:
    now = standing(PACK, listed(person("parent", "Sam Example", "notify")))
    assert [e.recipient.role for e in now.entries] == ["parent", "mash", "police"]
    assert now.entries is now.entries and now.present is now.present and now.by_key is now.by_key
    assert now.by_key[("mash", LEEDS, None)].rules == (RULE,)
    assert now.persons == {}
    assert now.facts["police_told"] is False
    assert standing(PACK, police_told=True).facts["police_told"] is True
