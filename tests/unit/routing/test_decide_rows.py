"""What one change tells whom, row by row: made-up packs of a row or two, a single change, nothing else around it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pytest

from contacts.areas import load_areas
from routing.decide import (
    WAITING,
    also_told,
    ending_notices,
    late_parents,
    owner_notices,
    parent_changes,
    renotifications,
    thresholds,
    update_notices,
)
from routing.decision import Kind, Recipient, Rule
from routing.facts import Counts
from routing.packs import Pack, Packs, parse_pack
from routing.standing import Draft, Standing, Told, stand
from tests.kit.clocks import at
from tests.kit.events import LEEDS, merged

AREAS = load_areas()
FORCE = str(AREAS.authorities[LEEDS].force)
DUE = at("2026-03-04T10:00:00Z")
DOC: dict[str, Any] = {
    "episode": {"ref": "E", "category": "missing", "since": "2026-03-01T10:00:00Z"},
    "child": {"ref": "C", "name": "Robin Example", "date_of_birth": "2011-08-17", "looked_after": True},
    "placement": {"type": "foster_care", "responsible_authority": LEEDS, "host_authority": LEEDS},
    "people": [],
}
RULE = Rule(pack="made-up", rule="X-1", source="000, 1", quote="…", version="1")
AWAY = {"episode": {"category": "away", "whereabouts_known": True}}
UNSAFE = {"found": {"at": "2026-03-02T08:00:00Z", "by": "police", "safe": False}}


def pack(*rows: str, name: str = "made-up") -> Pack:
    """A pack that always applies; each row is its table and what stands in it, divided by a colon."""
    tables = "".join(
        f'[[{table}]]\n{text}\nrules = ["X-1"]\n' for table, _, text in (row.partition(": ") for row in rows)
    )
    return parse_pack(
        name,
        f'name = "{name}"\ntitle = "Made up"\nversion = "1"\n[applies]\nalways = true\n'
        f'[evidence.X-1]\nsource = "000"\nsection = "1"\nquote = "…"\n{tables}',
    )


def person(role: str, name: str, decision: str | None = None, **more: Any) -> dict[str, Any]:
    notify = {"notify": {"decision": decision}} if decision else {}
    return {"role": role, "name": name, "phone": "+447700900001", **notify, **more}


def standing(packs: Packs | Pack, *changes: Mapping[str, Any], **more: Any) -> Standing:
    doc = DOC
    for change in changes:
        doc = merged(doc, change)
    packs = packs if isinstance(packs, Packs) else Packs((packs,))
    return stand(doc, packs, AREAS, ever_missing=doc["episode"]["category"] == "missing", **more)


def desk(role: str, organisation: str = LEEDS) -> Told:
    return Told(recipient=Recipient(role=role, organisation=organisation))


def parent(name: str = "Sam Example", role: str = "parent") -> Told:
    return Told(recipient=Recipient(role=role, person=name))


def said(drafts: list[Draft]) -> list[tuple[str, str, str]]:
    """(role or name, outcome, kind) of each."""
    return [(d.recipient.person or d.recipient.role, d.outcome, d.kind) for d in drafts]


def updates(before: Standing, after: Standing, *told: Told, known: Mapping[str, str] | None = None) -> list[Draft]:
    return update_notices(before, after, told, known or {}, AREAS)


# Updates ------------------------------------------------------------------------------------------------------------

TELLS = 'recipients: role = "mash"\nmissing = "always"\naway = "always"'
POLICE = 'recipients: role = "police"\nmissing = "always"\naway = "always"'
NOT_THE_POLICE = 'suppressions: role = "police"\non = "away"\nunless = "at_risk"'
NOT_MASH = 'suppressions: role = "mash"\non = "missing"\nunless = "care_leaver"'
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
    packs = Packs((pack(POLICE, 'recipients: role = "responsible_authority"\naway = "always"'),))
    told = (desk("police", FORCE), desk("responsible_authority"))
    drafts = updates(standing(packs, AWAY), standing(packs, AWAY, {"episode": {"at_risk": True}}), *told)
    assert said(drafts) == [("police", "notify", "concern"), ("responsible_authority", "notify", "update")]


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

FAMILY = 'recipients: role = "parent"\nmissing = "always"\naway = "always"'


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
    for undecided in (None, "undecided"):
        people = {"people": [person("parent", "Alex Example", undecided)]}
        others = {"people": [*people["people"], person("parent", "Sam Example", "notify")]}
        assert late_parents(standing(packs, people), standing(packs, people, at_home), "found", {}) == []
        drafts = late_parents(standing(packs, people), standing(packs, others, at_home), "found", {})
        assert said(drafts) == []


def test_a_parent_decided_after_an_unsafe_find_is_held_under_its_rule() -> None:  # D2
    packs = Packs((pack(FAMILY, 'told: on = "in_person"'),))
    after = standing(packs, UNSAFE, {"people": [person("parent", "Sam Example", "notify")]})
    before = standing(packs, UNSAFE, {"people": [person("parent", "Sam Example")]})
    (draft,) = late_parents(before, after, "found", {})
    assert (draft.outcome, draft.kind, draft.rules, draft.why) == ("hold", "found", (RULE,), "to be told in person")


# Found, returned, retracted -----------------------------------------------------------------------------------------


def ends(now: Standing, kind: Kind, *told: Told, waiting: tuple[str, ...] = ()) -> list[Draft]:
    return ending_notices(now, kind, told, AREAS, waiting=waiting)


def test_everyone_told_hears_the_end_once_and_why() -> None:
    circulation = Told(recipient=Recipient(role="circulation:london"), members=("E09000001",))
    now = standing(pack('told: on = "found"'))
    drafts = ends(now, "found", desk("mash"), desk("mash"), circulation)
    assert [(d.recipient.role, d.rules, d.members, d.why) for d in drafts] == [
        ("mash", (RULE,), (), "everyone told hears the end"),
        ("circulation:london", (RULE,), ("E09000001",), "everyone told hears the end"),
    ]


def test_who_is_told_besides_hears_it_at_their_own_event_and_for_a_reason() -> None:
    now = standing(
        pack(
            'later: on = "returned"\nrole = "mash"\nwhen = "looked_after"\nkind = "returned"',
            'later: on = "returned"\nrole = "iro"\nwhen = "care_leaver"\nkind = "returned"',
            'later: on = "found"\nrole = "mase_panel"\nwhen = "always"\nkind = "found"',
        )
    )
    (draft,) = ends(now, "returned")
    assert (draft.recipient, draft.kind) == (Recipient(role="mash", organisation=LEEDS), "returned")
    assert (draft.rules, draft.why, draft.priority) == ((RULE,), "made-up tells the mash too (looked after)", None)
    (draft,) = ends(now, "found")
    assert (draft.recipient.role, draft.why) == ("mase_panel", "made-up tells the mase panel too")
    assert said(ends(now, "returned", desk("mash"))) == [("mash", "notify", "returned")]
    assert ends(now, "retraction") == []


@pytest.mark.parametrize("kind", ["concern", "update"])
def test_a_row_of_another_kind_is_a_notice_of_its_own_and_immediate(kind: str) -> None:  # B17
    now = standing(pack(f'later: on = "found"\nrole = "mash"\nwhen = "always"\nkind = "{kind}"'))
    drafts = ends(now, "found", desk("mash"))
    assert said(drafts) == [("mash", "notify", "found"), ("mash", "notify", kind)]
    assert [d.priority for d in drafts] == [None, "immediate"]


def test_a_quiet_desk_is_quiet_at_its_own_event_only_and_in_all_its_roles() -> None:  # B16, B21
    now = standing(
        pack(
            'quiet: on = "returned"\nrole = "police"\nwhen = "always"',
            'quiet: on = "returned"\nrole = "mash"\nwhen = "care_leaver"',
        )
    )
    told = (desk("police", FORCE), desk("police_responsible", FORCE), desk("police", "cheshire"), desk("mash"))
    assert [(d.recipient.role, d.recipient.organisation) for d in ends(now, "returned", *told)] == [
        ("police", "cheshire"),
        ("mash", LEEDS),
    ]
    assert len(ends(now, "found", *told)) == 4


@pytest.mark.parametrize("decision", ["withhold", "undecided"])
@pytest.mark.parametrize("kind", ["found", "returned", "retraction"])
def test_a_parent_taken_out_has_no_further_row_at_the_end(decision: str, kind: Kind) -> None:  # C5
    people = {"people": [person("parent", "Sam Example", decision)]}
    assert ends(standing(pack(FAMILY), people), kind, parent(), waiting=("Sam Example",)) == []


def test_who_was_to_be_told_in_person_hears_the_return_under_its_rule() -> None:  # D2
    people = {"people": [person("parent", "Sam Example", "notify")]}
    now = standing(pack('told: on = "returned"'), UNSAFE, people, {"returned": {"at": "2026-03-02T09:00:00Z"}})
    (draft,) = ends(now, "returned", waiting=("Sam Example",))
    assert (draft.recipient, draft.rules, draft.why) == (
        Recipient(role="parent", person="Sam Example"), (RULE,), "was to be told in person",
    )  # fmt: skip
    (draft,) = ends(now, "returned", parent(), waiting=("Sam Example",))
    assert draft.why == "everyone told hears the end"


def test_an_unsafe_find_is_one_notice_to_whoever_tells_the_family() -> None:  # D2
    people = {"people": [person("parent", "Sam Example", "notify"), person("carer", "Chris Carer")]}
    now = standing(pack('told: on = "in_person"', TELLS), UNSAFE, people)
    told = (desk("mash"), desk("responsible_authority"), parent(), parent("Chris Carer", "carer"))
    mash, authority, *family = ends(now, "found", *told)
    assert (mash.outcome, mash.priority, mash.in_person, mash.rules) == ("notify", None, (), ())
    assert (authority.outcome, authority.priority, authority.rules) == ("notify", "immediate", (RULE,))
    assert authority.in_person == ("Sam Example", "Chris Carer")
    assert authority.why == "everyone told hears the end"
    assert [(d.outcome, d.rules, d.why) for d in family] == [("hold", (RULE,), "to be told in person")] * 2


@pytest.mark.parametrize(("looked_after", "teller"), [(True, "responsible_authority"), (False, "host_authority")])
def test_whoever_tells_the_family_of_an_unsafe_find_hears_of_it_though_never_told_before(
    looked_after: bool, teller: str
) -> None:
    people = {"people": [person("parent", "Sam Example", "notify")], "child": {"looked_after": looked_after}}
    now = standing(pack(TELLS), UNSAFE, people)
    _, authority = ends(now, "found", parent())
    assert authority.recipient == Recipient(role=teller, organisation=LEEDS)
    assert (authority.in_person, authority.why) == (("Sam Example",), "has to tell the family in person")
    assert said(ends(now, "found", desk("mash"))) == [("mash", "notify", "found")], "with no family nobody is"


@pytest.mark.parametrize(("kind", "outcome"), [("found", "hold"), ("returned", "notify"), ("retraction", "notify")])
def test_only_the_find_itself_is_kept_for_telling_in_person(kind: Kind, outcome: str) -> None:
    people = {"people": [person("parent", "Sam Example", "notify")]}
    assert said(ends(standing(pack(FAMILY), UNSAFE, people), kind, parent()))[0] == ("Sam Example", outcome, kind)


# Duties, six months, thresholds -------------------------------------------------------------------------------------


def test_an_owner_is_reminded_of_what_they_own() -> None:
    now = standing(pack(TELLS))
    (draft,) = owner_notices(now, "lead_authority", "duty_due", (RULE,), AREAS, duty="return_interview", due_at=DUE)
    assert draft == Draft(
        recipient=Recipient(role="responsible_authority", organisation=LEEDS),
        kind="duty_due",
        rules=(RULE,),
        why="owns return interview",
        duty="return_interview",
        due_at=DUE,
        priority="low",
    )
    (nobody,) = owner_notices(now, "carer", "duty_due", (), AREAS, duty="x", due_at=DUE)
    assert nobody.recipient == Recipient(role="carer")


def also(now: Standing, *roles: str, **more: Any) -> list[Draft]:
    due: datetime = DUE
    return also_told(now, roles, "message", (RULE,), AREAS, duty="return_interview", due_at=due, **more)


def test_whom_a_duty_tells_besides_hear_of_it_with_its_priority() -> None:
    (draft,) = also(standing(pack(TELLS)), "mash", priority="high")
    assert draft == Draft(
        recipient=Recipient(role="mash", organisation=LEEDS),
        kind="message",
        rules=(RULE,),
        why="told when return interview is due",
        duty="return_interview",
        due_at=DUE,
        priority="high",
    )


@pytest.mark.parametrize(
    ("about", "told"),
    [
        ({"decision": "notify"}, True),
        ({"decision": "notify", "parental_responsibility": None}, True),
        ({"decision": "notify", "parental_responsibility": True}, True),
        ({"decision": "notify", "parental_responsibility": False}, False),
        ({"decision": "withhold"}, False),
        ({}, False),
    ],
)
def test_a_duty_tells_parents_by_their_decision_and_responsibility(about: dict[str, Any], told: bool) -> None:  # B6
    others = [
        person("parent", name, "withhold", parental_responsibility=True) for name in ("Alex Example", "Zed Example")
    ]
    now = standing(pack(FAMILY), {"people": [person("parent", "Sam Example", **about), *others]})
    assert said(also(now, "parent")) == ([("Sam Example", "notify", "message")] if told else [])


def test_six_months_on_who_is_listed_and_entitled_today_hears_again_and_every_circulation() -> None:
    now = standing(pack(TELLS, POLICE, NOT_MASH, 'told: on = "circulation"'))
    circulation = Told(recipient=Recipient(role="circulation:london"), members=("E09000001",))
    drafts = renotifications(now, ["police", "mash", "iro"], [desk("mash"), circulation], AREAS)
    assert said(drafts) == [("police", "notify", "renotification"), ("circulation:london", "notify", "renotification")]
    again = drafts[1]
    assert (again.rules, again.why, len(again.members)) == ((RULE,), "a circulation already made", 33)
    assert renotifications(now, ["iro"], [desk("mash")], AREAS) == []


COUNTED = 'thresholds: id = "{}"\nat = "{}"\nwhen = "missing_28d >= {}"\ntells = ["{}"]'


def test_a_threshold_is_reached_at_its_moment_by_its_count_and_once() -> None:
    packs = pack(
        COUNTED.format("second", "out", 2, "mash"),
        COUNTED.format("third", "out", 3, "mash"),
        COUNTED.format("back", "return", 2, "iro"),
        COUNTED.format("panel", "out", 2, "mase_panel"),
    )
    now = standing(packs, counts=Counts(missing_28d=1))
    drafts, reached = thresholds(now, "out", frozenset(), AREAS)
    assert said(drafts) == [("mash", "notify", "threshold"), ("mase_panel", "notify", "threshold")]
    assert reached == {"made-up/second", "made-up/panel"}
    assert drafts[0].why == "a count of made-up is reached: missing 28d at least 2"
    assert said(thresholds(now, "return", frozenset(), AREAS)[0]) == [("iro", "notify", "threshold")]
    drafts, reached = thresholds(now, "out", frozenset({"made-up/second"}), AREAS)
    assert (said(drafts), reached) == ([("mase_panel", "notify", "threshold")], {"made-up/panel"})


def test_counts_of_two_packs_for_one_desk_are_one_notice_with_the_reasons_of_both() -> None:
    both = Packs(tuple(pack(COUNTED.format("second", "out", 2, "mash"), name=name) for name in ("here", "there")))
    (draft,), reached = thresholds(standing(both, counts=Counts(missing_28d=1)), "out", frozenset(), AREAS)
    assert [rule.pack for rule in draft.rules] == ["here", "there"]
    assert draft.why == (
        "a count of here is reached: missing 28d at least 2; a count of there is reached: missing 28d at least 2"
    )
    assert reached == {"here/second", "there/second"}
