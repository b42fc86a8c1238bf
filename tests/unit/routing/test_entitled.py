"""Who is entitled, for which reasons in words, under which rules: made-up packs of a row or two."""

from typing import Any

import pytest

from routing.decision import Recipient
from routing.packs import Packs, parse_pack
from routing.recipients import (
    Entry,
    circulation_members,
    entries_by_key,
    first_kind,
    has_address,
    in_words,
    parent_entry,
    resolve,
    sender,
)
from tests.kit.events import BROMLEY, LEEDS, merged
from tests.kit.rows import AREAS, AWAY, DOC, FAMILY, FORCE, RULE, TELLS, pack, person, standing

KIRKLEES, KENT = "E08000034", "E10000016"


def bound(text: str, *authorities: str) -> Any:
    """A pack of some authorities only."""
    rows = pack(text)
    applies = rows.applies.model_copy(update={"always": False, "authorities": authorities})
    return rows.model_copy(update={"applies": applies})


def entries(*packs: Any, **changes: Any) -> list[tuple[str, str, str]]:
    found = standing(Packs(packs), changes).entries
    return [(e.recipient.person or e.recipient.role, e.outcome, e.why) for e in found]


def test_a_row_tells_its_role_of_the_category_and_says_why() -> None:
    missing = 'recipients: role = "mash"\nmissing = "looked_after and not high"'
    away = 'recipients: role = "mase_panel"\naway = "always"'
    assert entries(pack(missing, away)) == [
        ("mash", "notify", "made-up tells the mash of a missing child (looked after and not high)")
    ]
    assert entries(pack(missing, away), **AWAY) == [
        ("mase_panel", "notify", "made-up tells the mase panel of an away child")
    ]
    assert entries(pack(missing), child={"looked_after": False}) == []


def test_two_packs_that_tell_one_recipient_are_one_entry_with_the_rules_and_reasons_of_both() -> None:
    one, other = pack(TELLS, name="here"), pack(TELLS, name="there")
    (entry,) = standing(Packs((one, other))).entries
    assert entry.recipient == Recipient(role="mash", organisation=LEEDS)
    assert [rule.pack for rule in entry.rules] == ["here", "there"]
    assert entry.why == "here tells the mash of a missing child; there tells the mash of a missing child"
    assert (entry.outcome, entry.kind) == ("notify", "missing")


NOT_MASH = 'suppressions: role = "mash"\non = "{}"\nunless = "{}"'


@pytest.mark.parametrize(
    ("row", "changes", "suppressed"),
    [
        (NOT_MASH.format("missing", "care_leaver"), {}, True),
        (NOT_MASH.format("missing", "looked_after"), {}, False),
        (NOT_MASH.format("away", "care_leaver"), {}, False),
        (NOT_MASH.format("away", "care_leaver"), AWAY, True),
        (NOT_MASH.format("missing", "care_leaver"), AWAY, False),
        (NOT_MASH.format("missing", "care_leaver").replace("mash", "mase_panel"), {}, False),
        (NOT_MASH.format("missing", "care_leaver").replace("mash", "early_help"), {}, False),
    ],
)
def test_a_suppression_is_for_its_role_and_category_unless(row: str, changes: dict[str, Any], suppressed: bool) -> None:
    (entry,) = standing(pack(TELLS, row), changes).entries
    assert entry.outcome == ("suppress" if suppressed else "notify")
    if suppressed:
        category = "away" if changes else "missing"
        assert entry.why == f"made-up does not tell the mash that a child is {category}, unless care leaver"
        assert (entry.rules, entry.kind, entry.recipient.role) == ((RULE,), category, "mash")


@pytest.mark.parametrize(
    ("host", "responsible", "outcome"),
    [(KENT, LEEDS, "suppress"), (LEEDS, KENT, "notify"), (KENT, KENT, "suppress"), (LEEDS, LEEDS, "notify")],
)
def test_a_suppression_of_an_authority_is_asked_of_the_host_alone(host: str, responsible: str, outcome: str) -> None:
    packs = Packs((pack(TELLS), bound(NOT_MASH.format("missing", "care_leaver"), KENT)))
    place = {"placement": {"host_authority": host, "responsible_authority": responsible}}
    assert [e.outcome for e in standing(packs, place).entries] == [outcome]  # B41


def test_the_first_suppression_is_the_one_that_is_named() -> None:
    rows = NOT_MASH.format("missing", "care_leaver")
    (entry,) = standing(Packs((pack(TELLS, rows, name="here"), pack(rows, name="there")))).entries
    assert [rule.pack for rule in entry.rules] == ["here"]


@pytest.mark.parametrize(
    ("about", "home", "expected"),
    [
        ({"decision": "notify"}, False, ("notify", "a recorded decision tells this parent", "X-1")),
        ({"decision": "notify"}, True, ("notify", "a recorded decision tells this parent", "X-1")),
        ({}, True, ("notify", "the child lives at home", "X-1")),
        ({"decision": "undecided"}, True, ("notify", "the child lives at home", "X-1")),
        (
            {},
            False,
            ("hold", "nobody has decided yet whether this parent of a looked-after child is told", "X-1"),
        ),
        (
            {"decision": "withhold"},
            True,
            ("withhold", "a recorded decision withholds the notice from this parent", "W"),
        ),
        (
            {"decision": "notify", "suspected_abductor": True},
            True,
            ("withhold", "named as the suspected abductor: never told", "A"),
        ),
        ({"decision": "notify", "parental_responsibility": False}, True, None),
        ({"suspected_abductor": True, "parental_responsibility": False}, True, None),
    ],
)
def test_how_a_parent_stands_why_and_under_which_rule(
    about: dict[str, Any], home: bool, expected: tuple[str, str, str] | None
) -> None:
    text = (
        'name = "made-up"\ntitle = "Made up"\nversion = "1"\n[applies]\nalways = true\n'
        + "".join(f'[evidence.{rule}]\nsource = "000"\nsection = "1"\nquote = "…"\n' for rule in ("X-1", "W", "A"))
        + '[[recipients]]\nrole = "parent"\nmissing = "always"\nrules = ["X-1"]\n'
        + '[[told]]\non = "withhold"\nrules = ["W"]\n[[told]]\non = "abductor"\nrules = ["A"]\n'
    )
    people = {"people": [person("parent", "Sam Example", **about)], "child": {"looked_after": not home}}
    found = standing(parse_pack("made-up", text), people).entries
    assert [(e.outcome, e.why, e.rules[0].rule) for e in found] == ([expected] if expected else [])


@pytest.mark.parametrize(
    ("one", "other", "outcome"),
    [
        ("notify", "withhold", "withhold"),
        ("notify", "undecided", "hold"),
        ("notify", None, "hold"),
        ("undecided", "withhold", "withhold"),
        ("notify", "notify", "notify"),
    ],
)
def test_of_two_decisions_about_one_name_the_stricter_counts(one: str, other: str | None, outcome: str) -> None:
    twice = [person("parent", "Sam Example", decision) for decision in (one, other)]
    for people in (twice, twice[::-1]):
        (entry,) = standing(pack(FAMILY), {"people": people}).entries
        assert entry.outcome == outcome
    suspected = person("parent", "Sam Example", "notify", suspected_abductor=True)
    doc = merged(DOC, {"people": [*twice, suspected]})
    entry = parent_entry(doc, "Sam Example", "missing", (), Packs((pack(FAMILY),)))
    assert entry is not None and entry.outcome == "withhold"


@pytest.mark.parametrize(
    ("role", "facts", "kind"),
    [
        ("police", {"missing": True, "endangered": False}, "missing"),
        ("police", {"missing": False, "endangered": True}, "concern"),
        ("police", {"missing": False, "endangered": False}, "away"),
        ("iro", {"missing": False, "endangered": True}, "away"),
        ("police_responsible", {"missing": False, "endangered": True}, "away"),
        ("school", {"missing": False, "endangered": True}, "away"),
    ],
)
def test_the_kind_of_a_first_notice(role: str, facts: dict[str, bool], kind: str) -> None:  # C1
    assert first_kind(role, facts) == kind


@pytest.mark.parametrize(
    ("given", "reachable"),
    [
        (None, False),
        ({}, False),
        ({"email": None, "phone": None}, False),
        ({"email": "sam@family.example"}, True),
        ({"phone": "+447700900001"}, True),
        ({"email": "nobody", "phone": "+447700900001"}, True),
        ({"email": "sam@family.example", "phone": "1"}, True),
        ({"email": "nobody", "phone": "1"}, False),
        ({"email": "", "phone": ""}, False),
    ],
)
def test_an_address_that_nobody_can_use_is_none(given: dict[str, Any] | None, reachable: bool) -> None:
    assert has_address(given) is reachable


HOLDERS = [
    ("police", FORCE),
    ("police_responsible", str(AREAS.authorities[KENT].force)),
    ("police_missing_from", str(AREAS.authorities[BROMLEY].force)),
    ("police_senior_officer", FORCE),
    ("responsible_authority", KENT),
    ("social_worker", KENT),
    ("iro", KENT),
    ("lead_authority", KENT),
    ("host_authority", LEEDS),
    ("authority_missing_from", BROMLEY),
    ("home_office", "home-office"),
    ("home_office_evidence", "home-office"),
    ("home_office_immigration_enforcement", "home-office"),
    ("missing_persons_bureau", "missing-persons-bureau"),
    ("ceop", "ceop"),
    ("regulator", "regulator"),
    ("trafficking_centre", "trafficking-centre"),
    ("school", "school:900001"),
    ("circulation:london", None),
    ("circulation:national", None),
    ("mash", LEEDS),
    ("supervising_social_worker", LEEDS),
]


@pytest.mark.parametrize(("role", "organisation"), HOLDERS)
def test_who_holds_a_role(role: str, organisation: str | None) -> None:
    place = {"placement": {"host_authority": LEEDS, "responsible_authority": KENT}, "school": {"urn": "900001"}}
    doc = merged(DOC, {**place, "episode": {"missing_from_authority": BROMLEY}})
    (recipient,) = resolve(role, doc, AREAS)
    assert (recipient.organisation, recipient.person) == (organisation, None)
    assert recipient.role == ("responsible_authority" if role == "lead_authority" else role)


def test_a_school_whose_number_nobody_gave_is_a_school_all_the_same() -> None:
    for school in ({"name": "Example School"}, {"urn": ""}, None):
        assert resolve("school", merged(DOC, {"school": school}), AREAS)[0].organisation == "school"


@pytest.mark.parametrize(
    ("named", "host", "responsible", "desk"),
    [
        (None, LEEDS, KENT, LEEDS),
        ((KENT,), LEEDS, KENT, KENT),
        ((LEEDS,), LEEDS, KENT, LEEDS),
        ((LEEDS, KENT), LEEDS, KENT, LEEDS),
        ((BROMLEY,), LEEDS, KENT, LEEDS),
    ],
)
def test_a_role_that_a_pack_names_is_at_the_authority_it_names(
    named: tuple[str, ...] | None, host: str, responsible: str, desk: str
) -> None:  # B46, C10
    doc = merged(DOC, {"placement": {"host_authority": host, "responsible_authority": responsible}})
    whose = bound(TELLS, *named) if named else None
    assert resolve("mash", doc, AREAS, whose)[0].organisation == desk
    assert resolve("police_senior_officer", doc, AREAS, whose)[0].organisation == AREAS.authorities[desk].force


def test_named_persons_hold_their_role_once_each_in_the_order_given() -> None:
    people = [person("iro", name) for name in ("Zed Example", "Al Example", "Zed Example")]
    doc = merged(DOC, {"people": [*people, {"role": "iro", "name": "Out Ofreach"}]})
    assert [r.person for r in resolve("iro", doc, AREAS)] == ["Zed Example", "Al Example"]
    assert [r.person for r in resolve("social_worker", doc, AREAS)] == [None]
    assert [r.organisation for r in resolve("mash", merged(DOC, {"people": [person("mash", "X")]}), AREAS)] == [LEEDS]


def test_the_sender_of_a_circulation_is_the_authority_that_leads() -> None:
    doc = merged(DOC, {"placement": {"host_authority": BROMLEY, "responsible_authority": LEEDS}})
    at_home = merged(doc, {"child": {"looked_after": False}})
    assert (sender(doc), sender(at_home)) == (LEEDS, BROMLEY)
    assert BROMLEY in circulation_members("circulation:london", doc, AREAS)
    assert BROMLEY not in circulation_members("circulation:london", at_home, AREAS)
    assert LEEDS in circulation_members("circulation:national", at_home, AREAS)


def test_roles_are_read_in_words_and_entries_found_by_their_key() -> None:
    assert in_words("circulation:london") == "the circulation to london"
    assert in_words("home_office_immigration_enforcement") == "the home office immigration enforcement"
    mash = Entry(recipient=Recipient(role="mash", organisation=LEEDS), outcome="notify", kind="away", rules=(), why="")
    assert entries_by_key([mash]) == {("mash", LEEDS, None): mash}
