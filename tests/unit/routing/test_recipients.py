"""Who is entitled to the first notice: every row of the table, present and absent (protocols.md, Recipients)."""

from typing import Any

import pytest

from contacts.areas import load_areas
from routing.decision import Recipient
from routing.packs import load_packs
from routing.recipients import circulation_members, resolve
from routing.standing import Standing, stand
from tests.kit.events import BROMLEY, DROP, LEEDS, NORTH_LINCOLNSHIRE, merged, reported

AREAS = load_areas()
ESSEX, LANCASHIRE, CAMDEN, YORK, WALES = "E10000012", "E10000017", "E09000007", "E06000014", "W06000015"
KENT = "E10000016"
METROPOLITAN, HUMBERSIDE, WEST_YORKSHIRE = (AREAS.authorities[c].force for c in (BROMLEY, NORTH_LINCOLNSHIRE, LEEDS))

# A looked-after child in Leeds, of Leeds: no pack but the national one, and nothing special about it.
PLAIN: dict[str, Any] = merged(
    reported()["data"],
    {
        "child": {"legal_status": "care_order"},
        "placement": {"type": "independent_foster_care", "responsible_authority": LEEDS, "host_authority": LEEDS},
        "school": None,
        "people": [],
    },
)
HOME = {"child": {"looked_after": False, "legal_status": DROP}, "placement": {"type": "family_home"}}
AT_HOME = merged(HOME, {"placement": {"responsible_authority": DROP}})


def standing(*changes: dict[str, Any], away: bool = False) -> Standing:
    doc = PLAIN
    for change in changes:
        doc = merged(doc, change)
    doc = merged(doc, {"episode": {"category": "away" if away else "missing"}})
    return stand(doc, load_packs(), AREAS, ever_missing=not away)


def told(*changes: dict[str, Any], away: bool = False, outcome: str = "notify") -> set[str]:
    return {e.recipient.role for e in standing(*changes, away=away).entries if e.outcome == outcome}


def placed(host: str, responsible: Any = LEEDS, kind: str = "independent_foster_care") -> dict[str, Any]:
    return {"placement": {"type": kind, "host_authority": host, "responsible_authority": responsible}}


def child(**facts: Any) -> dict[str, Any]:
    return {"child": facts}


def episode(**facts: Any) -> dict[str, Any]:
    return {"episode": facts}


HIGH = episode(risk={"level": "high"})
ROWS: list[tuple[str, list[dict[str, Any]], list[dict[str, Any]], bool]] = [
    # role, changes with which it is told, changes with which it is not, whether it is told of away as well
    ("police_missing_from", [episode(missing_from_authority=KENT)], [episode(missing_from_authority=LEEDS)], False),
    ("police_responsible", [placed(LANCASHIRE)], [placed("E08000034")], False),  # Kirklees: the same force
    ("responsible_authority", [], [AT_HOME], True),
    ("responsible_authority", [HOME, child(care_leaver=True)], [HOME], True),
    ("host_authority", [placed(LANCASHIRE)], [], True),
    ("social_worker", [], [HOME], True),
    ("iro", [], [HOME], True),
    ("school", [{"school": {"urn": "900001"}}], [{"school": None}], False),
    ("home_office", [child(subject_to_immigration_restriction=True)], [], False),
    ("home_office_evidence", [child(subject_to_immigration_restriction=True)],
     [HOME, child(subject_to_immigration_restriction=True)], False),
    ("missing_persons_bureau", [HIGH], [episode(risk={"level": None})], False),
    ("supervising_social_worker", [placed(BROMLEY, BROMLEY, "foster_care")], [placed(BROMLEY, BROMLEY)], True),
    ("supervising_social_worker", [placed(LEEDS, BROMLEY, "foster_care")], [placed(LEEDS, LEEDS, "foster_care")], True),
    ("quality_assurance", [placed(BROMLEY), child(child_protection_plan=True)], [child(child_protection_plan=True)],
     False),
    ("designated_nurse", [placed(BROMLEY), child(section_47_enquiry=True)], [placed(BROMLEY)], False),
    ("ceop", [placed(BROMLEY), HIGH], [HIGH], False),
    ("ceop", [placed(LEEDS, BROMLEY), HIGH], [placed(BROMLEY)], False),
    ("circulation:london", [placed(CAMDEN), child(child_protection_plan=True)],
     [placed(CAMDEN), child(section_47_enquiry=True)], False),
    ("circulation:london", [placed(LEEDS, CAMDEN), child(child_protection_plan=True)],
     [child(child_protection_plan=True)], False),
    ("missing_advocate", [placed(NORTH_LINCOLNSHIRE)], [placed(YORK)], False),
    ("practice_supervisor", [placed(NORTH_LINCOLNSHIRE)], [], False),
    ("practice_supervisor", [AT_HOME, placed(NORTH_LINCOLNSHIRE, DROP), child(child_protection_plan=True)],
     [AT_HOME, placed(NORTH_LINCOLNSHIRE, DROP), child(known_to_childrens_services=False)], False),
    ("practice_supervisor", [AT_HOME, placed(NORTH_LINCOLNSHIRE, DROP)], [AT_HOME], False),
    ("early_help", [placed(NORTH_LINCOLNSHIRE), child(early_help=True)], [child(early_help=True)], False),
    ("youth_offending_service", [placed(NORTH_LINCOLNSHIRE), child(legal_status="remand")],
     [placed(NORTH_LINCOLNSHIRE)], False),
]  # fmt: skip


@pytest.mark.parametrize(("role", "with_it", "without", "of_away"), ROWS)
def test_a_row_of_the_table(
    role: str, with_it: list[dict[str, Any]], without: list[dict[str, Any]], of_away: bool
) -> None:
    assert role in told(*with_it)
    assert role not in told(*without)
    assert (role in told(*with_it, away=True)) is of_away
    assert role not in told(*without, away=True)


def test_a_child_not_looked_after_away_tells_police_and_parents_only() -> None:
    parent = {"people": [{"role": "parent", "name": "Sam Example"}]}
    assert told(AT_HOME, parent, away=True) == {"police", "parent"}
    assert told(AT_HOME, parent) == {"police", "host_authority", "parent"}


@pytest.mark.parametrize("host", [BROMLEY, NORTH_LINCOLNSHIRE, YORK, "E06000065"])
@pytest.mark.parametrize(
    ("facts", "kind"),
    [
        ({}, None),
        (episode(at_risk=True), "concern"),
        (HIGH, "concern"),
        (episode(trafficking_suspected=True), "concern"),
        (episode(abduction_suspected=True), "away"),
        (child(absconder=True), "away"),
        (episode(risk={"level": "medium"}), None),
        (episode(sexual_exploitation_suspected=True), None),
    ],
)
def test_away_is_kept_from_the_police_unless_endangered_absconder_or_abducted(
    host: str, facts: dict[str, Any], kind: str | None
) -> None:
    entries = standing(placed(host), facts, away=True).entries
    police = next(e for e in entries if e.recipient.role == "police")
    assert (police.outcome, police.kind) == (("notify", kind) if kind else ("suppress", "away"))
    assert all(e.kind == "away" for e in entries if e.recipient.role != "police")


def test_only_the_host_keeps_away_from_the_police() -> None:
    assert "police" in told(placed(LEEDS, BROMLEY), away=True)
    assert "police" not in told(placed(BROMLEY, LEEDS), away=True)


@pytest.mark.parametrize(
    ("host", "responsible", "kind"),
    [
        (LEEDS, LEEDS, "concern"),  # nobody set a limit: endangered (D1)
        (BROMLEY, BROMLEY, "concern"),
        (NORTH_LINCOLNSHIRE, LEEDS, None),  # the limit runs
        (BROMLEY, NORTH_LINCOLNSHIRE, None),  # one pack keeps it from the police, the other's limit runs
        (LEEDS, NORTH_LINCOLNSHIRE, "away"),
    ],
)
def test_away_with_unknown_whereabouts(host: str, responsible: str, kind: str | None) -> None:
    entries = standing(placed(host, responsible), episode(whereabouts_known=False), away=True).entries
    police = next(e for e in entries if e.recipient.role == "police")
    assert (police.kind if police.outcome == "notify" else None) == kind


def parents(*people: dict[str, Any], **changes: Any) -> dict[str, str]:
    listed = [{"role": "parent", "name": f"Parent {i}", **person} for i, person in enumerate(people)]
    entries = standing({"people": listed}, changes).entries
    return {str(e.recipient.person): e.outcome for e in entries if e.recipient.role == "parent"}


WITHHOLD = {"notify": {"decision": "withhold", "reason": "risk", "decided_by": "Jo Worker"}}
NOTIFY = {"notify": {"decision": "notify"}}


def test_a_parent_is_told_by_the_recorded_decision() -> None:
    people = (
        NOTIFY,
        WITHHOLD,
        {},
        {**NOTIFY, "suspected_abductor": True},
        {**NOTIFY, "parental_responsibility": False},
    )
    assert parents(*people) == {
        "Parent 0": "notify", "Parent 1": "withhold", "Parent 2": "hold", "Parent 3": "withhold",
    }  # fmt: skip
    assert parents(*people, **AT_HOME)["Parent 2"] == "notify"
    assert parents({"parental_responsibility": None, **NOTIFY}) == {"Parent 0": "notify"}


def test_of_two_entries_for_one_parent_the_stricter_counts() -> None:
    twice = [{"role": "parent", "name": "Sam Example", **d} for d in (NOTIFY, {"suspected_abductor": True}, {})]
    entries = [e for e in standing({"people": twice}).entries if e.recipient.role == "parent"]
    assert [(e.outcome, e.rules[0].rule) for e in entries] == [("withhold", "B-140")]


def organisation(role: str, *changes: dict[str, Any]) -> str | None:
    return next(e.recipient.organisation for e in standing(*changes).entries if e.recipient.role == role)


def test_whose_desk_it_is() -> None:
    out = (placed(LANCASHIRE), episode(missing_from_authority=KENT))
    assert organisation("police", *out) == AREAS.authorities[LANCASHIRE].force
    assert organisation("police_responsible", *out) == WEST_YORKSHIRE
    assert organisation("police_missing_from", *out) == AREAS.authorities[KENT].force
    assert organisation("responsible_authority", *out) == LEEDS == organisation("iro", *out)
    assert organisation("host_authority", *out) == LANCASHIRE
    assert organisation("police", placed(WALES)) == AREAS.authorities[WALES].force


@pytest.mark.parametrize(
    ("host", "responsible", "owner"),
    [(BROMLEY, LEEDS, BROMLEY), (LEEDS, BROMLEY, BROMLEY), (BROMLEY, BROMLEY, BROMLEY)],
)
def test_a_role_only_a_pack_names_is_at_the_authority_the_pack_names(host: str, responsible: str, owner: str) -> None:
    assert organisation("ceop", placed(host, responsible), HIGH) == "ceop"
    plan = child(child_protection_plan=True)
    assert organisation("quality_assurance", placed(host, responsible), plan) == owner
    assert organisation("designated_nurse", placed(host, responsible), plan) == owner


def test_a_role_of_two_packs_belongs_to_each_ones_own_authority() -> None:
    both = placed(NORTH_LINCOLNSHIRE, BROMLEY)
    assert organisation("missing_advocate", both) == NORTH_LINCOLNSHIRE
    assert organisation("quality_assurance", both, child(child_protection_plan=True)) == BROMLEY


def test_a_named_person_with_an_address_holds_the_role_else_the_desk_does() -> None:
    named = {"role": "social_worker", "name": "Jo Worker"}
    doc = merged(PLAIN, {"people": [{**named, "email": "jo.worker@council.example"}]})
    assert resolve("social_worker", doc, AREAS) == (Recipient(role="social_worker", person="Jo Worker"),)
    doc = merged(PLAIN, {"people": [named]})
    assert resolve("social_worker", doc, AREAS) == (Recipient(role="social_worker", organisation=LEEDS),)
    doc = merged(PLAIN, {"people": [{"role": "carer", "name": "Chris Carer"}]})
    assert resolve("carer", doc, AREAS) == (Recipient(role="carer", person="Chris Carer"),)
    assert resolve("carer", PLAIN, AREAS) == ()


def test_a_circulation_goes_to_every_member_but_the_sender() -> None:
    london = circulation_members("circulation:london", merged(PLAIN, placed(LEEDS, CAMDEN)), AREAS)
    assert len(london) == 32 and CAMDEN not in london and BROMLEY in london
    assert len(circulation_members("circulation:london", PLAIN, AREAS)) == 33
    national = circulation_members("circulation:national", PLAIN, AREAS)
    assert len(national) == 217 and LEEDS not in national
    at_home = merged(merged(PLAIN, AT_HOME), placed(CAMDEN, LEEDS, "family_home"))
    assert CAMDEN not in circulation_members("circulation:london", at_home, AREAS)


@pytest.mark.parametrize(
    ("changes", "serious"),
    [
        ([HIGH], True),
        ([episode(abduction_suspected=True)], True),
        ([episode(risk=None)], False),
        ([episode(risk=None), placed(NORTH_LINCOLNSHIRE)], True),
        ([episode(risk=None), placed(LEEDS, NORTH_LINCOLNSHIRE)], True),
        ([placed(NORTH_LINCOLNSHIRE)], False),
        ([episode(risk={"level": "none_apparent"}), placed(NORTH_LINCOLNSHIRE)], False),
        ([episode(at_risk=True), child(absconder=True)], False),
    ],
)
def test_serious(changes: list[dict[str, Any]], serious: bool) -> None:
    assert standing(*changes).facts["serious"] is serious


def test_ungraded_never_fires_the_bureau_or_ceop() -> None:
    both = placed(NORTH_LINCOLNSHIRE, BROMLEY)
    assert not {"missing_persons_bureau", "ceop"} & told(both, episode(risk={"level": None}))
    assert {"missing_persons_bureau", "ceop"} <= told(both, HIGH)


def test_the_rules_of_every_pack_that_tells_a_role_are_named() -> None:
    entries = standing(placed(NORTH_LINCOLNSHIRE, BROMLEY)).entries
    assert all(entry.rules and entry.why for entry in entries)
    suppressed = standing(placed(BROMLEY), away=True).entries
    police = next(e for e in suppressed if e.recipient.role == "police")
    assert {rule.rule for rule in police.rules} == {"B-129", "B-153", "H-03"}
