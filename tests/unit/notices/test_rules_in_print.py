"""What the protocols' forms ask for stands in the notice, for the reader the form is for (group C of the evidence).

Each line of the table is one rule: to whom, and which words come from which facts of the event. Without the fact the
words are not there, so they come from nowhere else.
"""

from typing import Any

import pytest

from hub.notices.compose import compose
from routing.needtoknow import view
from tests.kit.events import merged, reported_in_full
from tests.kit.notices import PHOTO, Page, brief

DOC: dict[str, Any] = merged(
    reported_in_full()["data"],
    {
        "episode": {
            "since": "2026-03-01T19:30:00Z",
            "last_seen": {"at": "2026-03-01T19:10:00Z", "place": "Harbour Street", "with": "a cousin"},
            "missing_from": "external_activity",
            "circumstances": "Left the museum after a quarrel",
            "clothing": "A green anorak",
            "initial_checks": ["Searched the bedroom", "Rang the aunt"],
            "risk": {"level": "high", "assessed_by": "police", "basis": "Feared to be with an older man"},
            "abduction_suspected": True,
            "sexual_exploitation_suspected": True,
        },
        "child": {
            "name": "Robin Sample Example",
            "other_names": ["Bobby Sample"],
            "description": "1.60 m, slim, green eyes, glasses",
            "photo": PHOTO,
            "medical": "Asthma since birth",
            "medication": "Salbutamol inhaler",
            "disabilities": "Mild deafness",
            "child_protection_plan": True,
        },
        "people": [
            {"role": "parent", "name": "Sam Example", "address": "3 Family Road", "phone": "+447700900111"},
            {"role": "social_worker", "name": "Jo Worker", "phone": "+447700900102"},
            {"role": "carer", "name": "Chris Carer", "phone": "+447700900100"},
            {"role": "associate", "name": "Alex Associate", "address": "9 Friend Road"},
        ],
        "found": {"place": "Example Station", "safe": True},
        "returned": {"concerns": "Came back with a bruise", "brought_by": "carer"},
    },
)
POLICE, CIRCULATED, IRO = "police", "circulation:london", "iro"
NAME = {"child.name": "Robin Sample Example"}
BORN = {"child.date_of_birth": "17 August 2011"}
LOOKS = {"child.description": "1.60 m, slim, green eyes, glasses"}
CLOTHES = {"episode.clothing": "A green anorak"}
PICTURE = {"child.photo": "photo.jpg"}
SEEN = {"episode.last_seen": ("19:10 GMT", "Harbour Street", "a cousin")}
HAPPENED = {"episode.circumstances": "Left the museum after a quarrel"}
CHECKS = {"episode.initial_checks": ("Searched the bedroom", "Rang the aunt")}
GRADE = {"episode.risk": ("Risk grade", "Feared to be with an older man")}
BASIS = {"episode.risk.basis": "Feared to be with an older man"}
HEALTH = {"child.medical": "Asthma since birth", "child.medication": "Salbutamol inhaler"}
HANDICAP = {"child.disabilities": "Mild deafness"}
PLAN = {"child.child_protection_plan": "Child protection plan"}
HOME = {"placement.address": "2 Example Road", "placement.type": "Children's home"}
PEOPLE = {"people": ("Sam Example", "3 Family Road", "Alex Associate", "Social worker")}
WHERE_FROM = {"episode.missing_from": "an outing or activity"}
INTENDED = {"episode.intentions": "Spoke of the seaside"}
STATUS = {"child.legal_status": "Care order"}
AGENCY = {"placement.responsible_authority": "London Borough of Bromley"}
ABUSED = {"episode.sexual_exploitation_suspected": "Sexual exploitation suspected"}
TAKEN = {"episode.abduction_suspected": "Abduction suspected"}

TABLE: list[tuple[str, str, dict[str, Any]]] = [
    ("C-02", POLICE, {**NAME, **BORN, **AGENCY, **STATUS, "child.other_names": "Bobby Sample"}),
    ("C-03", POLICE, {**WHERE_FROM, "episode.since": "19:30 GMT"}),
    ("C-04", POLICE, {"episode.companions": "Alex Friend"}),
    ("C-05", POLICE, {**CLOTHES, "episode.belongings": "A red rucksack"}),
    ("C-06", POLICE, {**LOOKS, **PICTURE}),
    ("C-07", POLICE, {"child.medical": "Asthma since birth"}),
    ("C-08", POLICE, SEEN),
    ("C-09", POLICE, HAPPENED),
    ("C-10", POLICE, PEOPLE),
    ("C-16", POLICE, {**NAME, **BORN, **LOOKS, **PICTURE}),
    ("C-17", POLICE, SEEN),
    ("C-18", POLICE, {"people": "3 Family Road"}),
    ("C-19", POLICE, {"people": "Alex Associate"}),
    ("C-20", POLICE, GRADE),
    ("C-24", POLICE, {**NAME, "placement.address": "2 Example Road"}),
    ("C-26", POLICE, PLAN),
    ("C-27", POLICE, {"child.medication": "Salbutamol inhaler"}),
    ("C-33", POLICE, TAKEN),
    ("C-45", POLICE, BASIS),
    ("C-46", POLICE, CHECKS),
    ("C-49", POLICE, HOME),
    ("C-50", POLICE, {"placement.phone": "+447700900200", "people": ("Chris Carer", "+447700900100")}),
    ("C-51", POLICE, NAME),
    ("C-53", POLICE, AGENCY),
    ("C-54", POLICE, {"people": ("Jo Worker", "+447700900102")}),
    ("C-56", POLICE, {"child.mobile": "+447700900123"}),
    ("C-62", POLICE, {**LOOKS, **BORN, "child.gender": "female"}),
    ("C-63", POLICE, HANDICAP),
    ("C-64", POLICE, HEALTH),
    ("C-65", POLICE, LOOKS),
    ("C-67", POLICE, PICTURE),
    ("C-70", POLICE, SEEN),
    ("C-71", POLICE, CLOTHES),
    ("C-73", POLICE, {"episode.police.reported_at": "Reported to the police"}),
    ("C-84", CIRCULATED, {**LOOKS, **PICTURE}),
    ("C-88", CIRCULATED, HAPPENED),
    ("C-101", POLICE, BASIS),
    ("C-102", POLICE, CHECKS),
    ("C-105", POLICE, HEALTH),
    ("C-110", POLICE, HAPPENED),
    ("C-111", POLICE, {**NAME, **BORN, **LOOKS, **CLOTHES, "placement.address": "2 Example Road"}),
    ("C-112", POLICE, {**WHERE_FROM, **HAPPENED}),
    ("C-113", POLICE, {"episode.vehicle": "A white van"}),
    ("C-120", POLICE, {**HAPPENED, **INTENDED}),
    ("C-123", POLICE, HEALTH),
    ("C-124", POLICE, {**TAKEN, **ABUSED}),
    ("C-127", POLICE, ABUSED),
    ("C-130", POLICE, INTENDED),
    ("C-131", POLICE, CHECKS),
    ("C-135", POLICE, PLAN),
    ("C-142", POLICE, BASIS),
    ("C-143", POLICE, {**NAME, **BORN, **LOOKS, **PICTURE}),
    ("C-144", POLICE, CHECKS),
    ("C-146", POLICE, {"people": ("Alex Associate", "9 Friend Road")}),
    ("C-148", POLICE, HANDICAP),
    ("C-149", POLICE, {**HAPPENED, **BASIS}),
    ("C-150", POLICE, BASIS),
]  # fmt: skip


def without(doc: dict[str, Any], path: str) -> dict[str, Any]:
    """The document with one fact taken out."""
    key, _, rest = path.partition(".")
    if not rest:
        return {k: v for k, v in doc.items() if k != key}
    return {**doc, key: without(doc[key], rest)}


def printed(doc: dict[str, Any], role: str, kind: Any = "missing") -> tuple[str, str]:
    content = compose(view(doc, [role], kind), brief(kind=kind, roles=(role,), ring=(), rules=(), why=""))
    return content.text, Page(content.html).text


@pytest.mark.parametrize(("rule", "role", "facts"), TABLE, ids=[line[0] for line in TABLE])
def test_what_a_form_asks_for_is_printed(rule: str, role: str, facts: dict[str, Any]) -> None:
    for path, words in facts.items():
        for with_it, without_it in zip(printed(DOC, role), printed(without(DOC, path), role), strict=True):
            for word in (words,) if isinstance(words, str) else words:
                assert word in with_it, path
                assert word not in without_it, path


@pytest.mark.parametrize("category", [("missing", "Missing"), ("away", "Away from placement without authorisation")])
def test_c_74_the_category_is_printed(category: tuple[str, str]) -> None:
    word, printed_as = category
    text, page = printed(merged(DOC, {"episode": {"category": word}}), POLICE)
    assert printed_as in text
    assert printed_as in page


def test_c_13_what_is_said_of_the_return_is_printed_to_those_who_may_see_it() -> None:
    for role in (POLICE, IRO):
        for text in printed(DOC, role, "returned"):
            assert "Came back with a bruise" in text
    assert "bruise" not in "".join(printed(DOC, "school", "returned"))


def test_c_89_a_circulation_says_what_to_do_if_the_child_is_found() -> None:
    for text in printed(DOC, CIRCULATED):
        asked = text.split("What we ask you to do")[1].split("Who to ring")[0]
        assert "is in your area or becomes known to you, ring the police and Example Council at once" in asked


def test_c_85_a_circulation_says_whom_to_ring_by_day_and_by_night() -> None:
    ring = ("Example Council, children's services: +441632960001", "Example Council, out of hours: +441632960002")
    content = compose(view(DOC, [CIRCULATED]), brief(roles=(CIRCULATED,), ring=ring))
    for text in (content.text, Page(content.html).text):
        to_ring = text.split("Who to ring")[1].split("What is known")[0]
        assert all(line in to_ring for line in ring)
