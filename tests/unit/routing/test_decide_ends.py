"""Who hears the end of an episode, a duty, six months, a count: made-up packs of a row or two."""

from typing import Any

import pytest

from routing.decide import also_told, ending_notices, owner_notices, renotifications, thresholds
from routing.decision import Kind, Recipient
from routing.facts import Counts
from routing.packs import Packs
from routing.standing import Draft, Standing, Told
from tests.kit.clocks import at
from tests.kit.rows import (
    AREAS,
    FAMILY,
    FORCE,
    LEEDS,
    NOT_MASH,
    POLICE,
    RULE,
    TELLS,
    UNSAFE,
    desk,
    pack,
    parent,
    person,
    said,
    standing,
)

DUE = at("2026-03-04T10:00:00Z")

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
            'quiet: on = "found"\nrole = "mash"\nwhen = "always"',
        )
    )
    told = (desk("police", FORCE), desk("police_responsible", FORCE), desk("police", "cheshire"), desk("mash"))
    assert [(d.recipient.role, d.recipient.organisation) for d in ends(now, "returned", *told)] == [
        ("police", "cheshire"),
        ("mash", LEEDS),
    ]
    assert [d.recipient.role for d in ends(now, "found", *told)] == ["police", "police_responsible", "police"]


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
    return also_told(now, roles, "message", (RULE,), AREAS, duty="return_interview", due_at=DUE, **more)


def test_whom_a_duty_tells_besides_hear_of_it_with_its_priority() -> None:
    assert [d.recipient.role for d in also(standing(pack(TELLS)), "police", "iro")] == ["police", "iro"]
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
    held = standing(pack(FAMILY), {"people": [person("parent", "Sam Example")]})
    assert renotifications(held, ["parent"], [], AREAS) == []


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
