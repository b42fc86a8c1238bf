"""What one change tells whom: updates, newly entitled, the end, parents, gaps, desks, priorities (protocols.md, Later
events). Each test names the reading that it holds the engine to."""

from collections.abc import Mapping
from typing import Any

import pytest

from contacts.areas import load_areas
from routing.decision import Decision, Recipient
from tests.kit.engine import Engine, everybody, roles
from tests.kit.events import (
    BROMLEY,
    DROP,
    LEEDS,
    NORTH_LINCOLNSHIRE,
    away,
    duty_completed,
    found,
    reported,
    reported_at_home,
    retracted,
    returned,
    updated,
)

FORCE = {code: area.force for code, area in load_areas().authorities.items()}
LANCASHIRE, CAMDEN, KENT = "E10000017", "E09000007", "E10000016"
LEEDS_CARE = {"type": "independent_foster_care", "responsible_authority": LEEDS, "host_authority": LEEDS}
SAM, PAT, CHRIS = "parent=Sam Example", "parent=Pat Example", "carer=Chris Carer"
WORKER = "social_worker=Jo Worker"
IN_LEEDS = {"police", "responsible_authority", WORKER, "iro", "school", PAT}
"""Who hears that the child of ``reported()`` is missing, placed in Leeds by Leeds."""


def parent(name: str = "Sam Example", decision: str | None = None, **more: Any) -> dict[str, Any]:
    person = {"role": "parent", "name": name, "email": "parent@family.example", **more}
    if decision:
        person["notify"] = {"decision": decision, "reason": "risk", "decided_by": "Jo Worker"}
    return person


def leeds(**changes: Any) -> dict[str, Any]:
    """A report of a child placed in Leeds by Leeds: the national pack only."""
    return reported(**{**changes, "placement": {**LEEDS_CARE, **changes.get("placement", {})}})


def started(report: Mapping[str, Any], **engine: Any) -> Engine:
    result = Engine(**engine)
    result.post(report)
    return result


def by_role(decisions: list[Decision], role: str) -> Decision:
    return next(d for d in decisions if role in d.roles)


# Updates ------------------------------------------------------------------------------------------------------------


def test_an_update_goes_to_everyone_told_who_may_see_what_changed() -> None:
    engine = started(leeds())
    assert engine.heard("E1") == {"missing": IN_LEEDS}
    engine.post(updated(id="U1", child={"medical": "Asthma"}))
    assert engine.heard("U1") == {"update": {"police", "responsible_authority", WORKER}}
    engine.post(updated(id="U2", child={"medical": "Asthma", "early_help": True}))
    assert engine.of("U2") == []
    engine.post(updated(id="U3", episode={"clothing": "Red coat"}))
    assert engine.heard("U3") == {"update": IN_LEEDS}
    assert all(d.changed == ("episode.clothing",) for d in engine.of("U3"))


def test_risk_that_becomes_high_tells_the_bureau_first_and_again_after_a_fall() -> None:  # B43
    engine = started(leeds())
    for number, level in enumerate(["high", "medium", "high"]):
        engine.post(updated(id=f"U{number}", episode={"risk": {"level": level}}))
    assert engine.heard("U0")["missing"] == {"missing_persons_bureau"}
    assert engine.heard("U1") == {
        "update": {"police", "responsible_authority", WORKER, "iro", "missing_persons_bureau"}
    }
    assert engine.heard("U2")["missing"] == {"missing_persons_bureau"}
    assert "missing_persons_bureau" not in engine.heard("U2")["update"]


def test_a_move_tells_the_new_force_and_host_and_updates_the_old() -> None:  # B26, B24
    engine = started(leeds(placement={"host_authority": LANCASHIRE}))
    engine.post(updated(placement={"host_authority": KENT, "address": "5 Example Lane"}))
    told = {(d.kind, r.role, r.organisation) for d in engine.of("U1") for r in d.recipients}
    assert {("missing", "police", FORCE[KENT]), ("missing", "host_authority", KENT)} <= told
    assert {("update", "police", FORCE[LANCASHIRE]), ("update", "host_authority", LANCASHIRE)} <= told
    assert not any(kind == "missing" and role in ("police_responsible", "iro") for kind, role, _ in told)
    standing = {(e.role, e.organisation) for e in engine.episode().register if e.removed_at is None}
    assert {("police", FORCE[KENT]), ("police", FORCE[LANCASHIRE]), ("host_authority", LANCASHIRE)} <= standing


def test_a_desk_newly_entitled_in_one_role_gets_no_update_in_another() -> None:  # C8
    engine = started(leeds(placement={"host_authority": LANCASHIRE}))
    engine.post(updated(placement={"host_authority": LEEDS}))
    police = [d for d in engine.of("U1") if d.recipients[0].organisation == FORCE[LEEDS]]
    assert [(d.kind, d.roles) for d in police] == [("missing", ("police",))]


def test_a_new_social_worker_is_newly_entitled_and_the_old_one_stays_told() -> None:  # B26
    engine = started(leeds(people=[{"role": "social_worker", "name": "Jo Worker", "email": "jo@council.example"}]))
    engine.post(updated(people=[{"role": "social_worker", "name": "Al Worker", "email": "al@council.example"}]))
    assert engine.heard("U1")["missing"] == {"social_worker=Al Worker"}
    engine.post(returned())
    assert {"social_worker=Al Worker", WORKER} <= engine.heard("R1")["returned"]


def test_away_that_becomes_missing_is_a_first_notice_to_all_and_an_update_to_the_rest() -> None:  # B48, B13
    engine = started(
        away(placement={**LEEDS_CARE, "host_authority": BROMLEY, "responsible_authority": BROMLEY}, id="E1")
    )
    assert engine.heard("E1") == {"away": {"responsible_authority", WORKER, "iro", PAT}}
    assert roles(engine.of("E1"), "suppress") == {"police"} and roles(engine.of("E1"), "withhold") == {"parent"}
    engine.post(updated(id="U1", time="2026-03-04T09:00:00Z", episode={"category": "missing"}))
    assert engine.heard("duty:away_report") == {"away": {"group_manager"}}
    assert engine.heard("U1") == {"missing": IN_LEEDS, "update": {"group_manager"}}
    assert roles(engine.of("U1"), "withhold") == {"parent"}


def test_missing_that_becomes_away_is_an_update_to_everyone_told() -> None:  # B13
    engine = started(leeds())
    engine.post(updated(episode={"category": "away"}))
    assert engine.heard("U1") == {"update": IN_LEEDS}
    assert engine.episode().doc["episode"].get("whereabouts_known") is None


def test_police_who_may_not_be_told_any_more_hear_the_update_and_are_shown_as_suppressed() -> None:  # B48, B13
    bromley = {"host_authority": BROMLEY, "responsible_authority": BROMLEY}
    engine = started(leeds(placement=bromley))
    engine.post(updated(episode={"category": "away"}))
    assert "police" in engine.heard("U1")["update"] and roles(engine.of("U1"), "suppress") == {"police"}
    engine.post(updated(id="U2", time="2026-03-01T21:00:00Z", episode={"at_risk": True}))
    assert engine.heard("U2")["concern"] == {"police"} and roles(engine.of("U2"), "suppress") == set()
    engine.post(updated(id="U3", time="2026-03-01T22:00:00Z", episode={"at_risk": False}))
    assert "police" in engine.heard("U3")["update"] and roles(engine.of("U3"), "suppress") == {"police"}
    engine.post(updated(id="U4", time="2026-03-01T23:00:00Z", child={"description": "a blue coat"}))
    assert roles(engine.of("U4"), "suppress") == set(), "only what changed"


def test_an_away_child_who_becomes_endangered_is_one_concern_then_updates() -> None:  # B15, C1
    engine = started(away(placement=LEEDS_CARE, episode={"risk": {"basis": DROP}}))
    assert "police" in engine.heard("E1")["away"]
    engine.post(updated(id="U1", episode={"at_risk": True}))
    assert engine.heard("U1")["concern"] == {"police"} and "police" not in engine.heard("U1").get("update", set())
    assert by_role(engine.of("U1"), "police").priority == "high"  # D16
    assert engine.warnings["U1"]
    engine.post(updated(id="U2", episode={"risk": {"level": "high", "basis": "Threats"}}))
    assert "concern" not in engine.heard("U2") and "police" in engine.heard("U2")["update"]


def test_after_found_updates_go_on_but_nobody_is_newly_entitled_and_after_returned_nothing_goes() -> None:  # A10
    engine = started(leeds())
    engine.post(found())
    engine.post(updated(id="U1", time="2026-03-02T09:00:00Z", episode={"risk": {"level": "high"}}))
    assert engine.heard("U1") == {"update": {"police", "responsible_authority", WORKER, "iro"}}
    engine.post(returned())
    engine.post(updated(id="U2", time="2026-03-02T11:00:00Z", episode={"clothing": "None known"}))
    assert engine.of("U2") == [] and engine.warnings["U2"]


def test_category_changed_after_found_shows_and_tells_no_first_notice() -> None:  # C15
    engine = started(leeds(episode={"category": "away"}))
    engine.post(found())
    engine.post(updated(time="2026-03-02T09:00:00Z", episode={"category": "missing"}))
    assert set(engine.heard("U1")) == {"update"}
    assert engine.episode().doc["episode"]["category"] == "missing"
    assert not any(d.code == "daily_contact" for d in engine.episode().duties)


# Parents ------------------------------------------------------------------------------------------------------------


def test_an_undecided_parent_of_a_looked_after_child_is_held_until_decided() -> None:  # B19
    engine = started(leeds(people=[parent()]))
    assert roles(engine.of("E1"), "hold") == {"parent"}
    engine.post(updated(id="U1", episode={"clothing": "Red coat"}))
    assert roles(engine.of("U1"), "hold") == set()
    engine.post(updated(id="U2", people=[parent(decision="notify")]))
    assert engine.heard("U2") == {"missing": {SAM}}
    decision = next(d for d in engine.episode().duties if d.code == "parent_decision")
    assert (decision.state, decision.closed_by) == ("done", "event:U2")


@pytest.mark.parametrize("decision", ["withhold", "undecided"])
def test_a_parent_whose_decision_is_taken_back_hears_nothing_more(decision: str) -> None:  # C5
    engine = started(leeds(people=[parent(decision="notify")]))
    engine.post(updated(id="U1", people=[parent(decision=decision)]))
    assert roles(engine.of("U1"), "withhold" if decision == "withhold" else "hold") == {"parent"}
    engine.post(updated(id="U2", episode={"clothing": "Red coat"}))
    engine.post(found())
    engine.post(returned())
    engine.post(retracted(time="2026-03-05T10:00:00Z"))
    assert all(SAM not in names for e in ("U2", "F1", "R1", "X1") for names in engine.heard(e).values())


@pytest.mark.parametrize("how", [parent(decision="withhold"), parent(suspected_abductor=True)])
def test_a_parent_taken_out_stays_out_when_no_longer_listed(how: dict[str, Any]) -> None:  # A9
    engine = started(leeds(people=[parent(decision="notify")]))
    engine.post(updated(id="U1", people=[how]))
    engine.post(updated(id="U2", people=[]))
    engine.post(updated(id="U3", episode={"clothing": "Red coat"}))
    engine.post(returned())
    assert SAM not in engine.heard("U3")["update"] | engine.heard("R1")["returned"]


def test_a_parent_told_and_no_longer_listed_hears_the_end() -> None:  # A9
    engine = started(leeds(people=[parent(decision="notify")]))
    engine.post(updated(people=[]))
    engine.post(returned())
    assert SAM in engine.heard("R1")["returned"]


def test_a_parent_told_who_turns_out_to_have_no_responsibility_hears_the_end() -> None:  # A9, B18
    engine = started(leeds(people=[parent(decision="notify")]))
    engine.post(updated(people=[parent(parental_responsibility=False)]))
    engine.post(returned())
    assert SAM in engine.heard("R1")["returned"]


@pytest.mark.parametrize("repeated", [parent(), parent(notify={}), parent(notify={"decided_by": "Jo Worker"})])
def test_a_parent_repeated_without_a_decision_keeps_the_one_on_record(repeated: dict[str, Any]) -> None:  # A5
    engine = started(reported_at_home(people=[parent(decision="withhold")]))
    engine.post(updated(id="U1", episode={"ref": "LDS-EP-0001"}, people=[repeated]))
    engine.post(returned(episode={"ref": "LDS-EP-0001"}))
    assert roles(engine.of("E1"), "withhold") == {"parent"}
    assert SAM not in engine.heard("R1")["returned"] and engine.heard("U1") == {}
    engine.post(retracted(time="2026-03-05T10:00:00Z", episode={"ref": "LDS-EP-0001"}))
    assert SAM not in engine.heard("X1")["retraction"]


def test_a_parent_decided_after_the_return_hears_how_things_stand_once() -> None:  # A10
    engine = started(leeds(people=[parent()]))
    engine.post(returned())
    for number in (1, 2):
        time = f"2026-03-02T1{number}:00:00Z"
        engine.post(updated(id=f"U{number}", time=time, people=[parent(decision="notify")]))
    assert engine.heard("U1") == {"returned": {SAM}} and engine.heard("U2") == {}


def test_a_suspected_abductor_is_never_told_under_any_name() -> None:  # B18, B-140
    both = [
        parent(decision="notify", suspected_abductor=True),
        {"role": "carer", "name": "Sam Example", "email": "parent@family.example"},
    ]
    engine = started(leeds(people=both, episode={"abduction_suspected": True}))
    engine.post(found())
    engine.post(returned())
    assert roles(engine.of("E1"), "withhold") == {"parent"} and roles(engine.of("F1"), "withhold") == {"carer"}
    told = {r.person for _, d in engine.decisions if d.outcome in ("notify", "gap") for r in d.recipients}
    assert "Sam Example" not in told


def test_a_carer_withheld_by_a_recorded_decision_is_not_told_of_the_find() -> None:
    carer = {**parent("Chris Carer", "withhold"), "role": "carer"}
    engine = started(leeds(people=[carer]))
    engine.post(found())
    assert CHRIS not in engine.heard("F1")["found"] and roles(engine.of("F1"), "withhold") == {"carer"}


# Found, returned, retracted -----------------------------------------------------------------------------------------


def test_the_end_reaches_everyone_told_and_the_carer() -> None:
    engine = started(leeds())
    engine.post(found())
    engine.post(returned())
    engine.post(retracted(time="2026-03-05T10:00:00Z"))
    assert engine.heard("F1") == {"found": IN_LEEDS | {CHRIS}}
    assert engine.heard("R1") == {"returned": IN_LEEDS | {CHRIS}}
    assert engine.heard("X1") == {"retraction": IN_LEEDS | {CHRIS}}
    assert [outcome.ending for outcome in engine.outcomes if outcome.ending] == ["found", "returned", "retraction"]


def test_the_police_who_brought_the_child_back_are_not_told_but_another_force_is() -> None:  # B16, H-41
    engine = started(leeds(placement={"host_authority": LANCASHIRE}))
    engine.post(returned(returned={"brought_by": "police"}))
    assert "police" not in engine.heard("R1")["returned"]
    assert "police_responsible" in engine.heard("R1")["returned"]
    assert not any("police" in d.roles for d in engine.of("R1"))


def test_all_roles_at_the_desk_that_brought_the_child_back_are_quiet() -> None:  # B16, B21
    engine = started(leeds(placement={"host_authority": "E08000034"}, episode={"missing_from_authority": "E08000034"}))
    engine.post(updated(episode={"missing_from_authority": "E08000036"}))
    engine.post(returned(returned={"brought_by": "police"}))
    assert not any("police" in role for role in engine.heard("R1")["returned"])


@pytest.mark.parametrize("fact", ["crime_alleged", "harm_suspected"])
@pytest.mark.parametrize(("brought_by", "kinds"), [("police", {"concern"}), ("self", {"returned", "concern"})])
def test_harm_at_the_return_is_a_concern_to_the_police_even_if_they_brought_the_child(
    fact: str, brought_by: str, kinds: set[str]
) -> None:  # B17, E-45
    engine = started(leeds())
    engine.post(returned(returned={"brought_by": brought_by, fact: True}))
    police = [d for d in engine.of("R1") if "police" in d.roles]
    assert {d.kind for d in police} == kinds
    assert next(d for d in police if d.kind == "concern").priority == "immediate"


def test_police_who_first_hear_of_an_away_child_at_the_return_owe_the_check() -> None:  # A13
    engine = started(away(placement={**LEEDS_CARE, "host_authority": BROMLEY}))
    engine.post(returned(returned={"harm_suspected": True}))
    assert engine.heard("R1")["concern"] == {"police"}
    assert any(d.code == "safe_and_well_check" for d in engine.episode().duties)


def test_a_return_tells_authority_worker_and_iro_even_if_nobody_was_told() -> None:  # E-02
    engine = Engine()
    engine.post(returned(), at="2026-03-02T10:00:00Z")
    engine.post(leeds(), at="2026-03-02T10:30:00Z")
    assert engine.heard("R1") == {"returned": {"responsible_authority", WORKER, "iro", CHRIS}}


@pytest.mark.parametrize(
    ("by", "told"),
    [("police", True), ("authority", True), ("carer", True), ("parent", True), ("self", True), ("home_office", False),
     ("other", False)],
)  # fmt: skip
def test_immigration_enforcement_hears_of_a_find_and_then_of_the_return(by: str, told: bool) -> None:  # E-06, B47
    engine = started(leeds(child={"subject_to_immigration_restriction": True}))
    engine.post(found(found={"by": by}))
    engine.post(returned(returned={"brought_by": "other"}))
    ice = "home_office_immigration_enforcement"
    assert (ice in engine.heard("F1")["found"], ice in engine.heard("R1")["returned"]) == (told, told)
    quiet = started(away(placement=LEEDS_CARE, child={"subject_to_immigration_restriction": True}))
    quiet.post(found(found={"by": by}))
    assert ice not in quiet.heard("F1")["found"]  # A14: missing episodes only


# Found, and not safe ------------------------------------------------------------------------------------------------


def test_an_unsafe_find_is_told_to_the_family_in_person() -> None:  # D2
    engine = started(leeds())
    engine.post(found(found={"safe": False}))
    assert engine.heard("F1") == {"found": IN_LEEDS - {PAT}}
    assert {d.recipients[0].person for d in engine.of("F1", "hold")} == {"Pat Example", "Chris Carer"}
    authority = by_role(engine.of("F1"), "responsible_authority")
    assert authority.priority == "immediate" and set(authority.in_person) == {"Pat Example", "Chris Carer"}
    engine.post(updated(time="2026-03-02T09:00:00Z", episode={"clothing": "Red coat"}))
    assert PAT not in engine.heard("U1")["update"]
    engine.post(found(id="F2", time="2026-03-02T09:30:00Z"))
    assert {PAT, CHRIS} <= engine.heard("F2")["found"]


def test_the_return_after_an_unsafe_find_is_told_as_usual_and_so_is_a_late_duty() -> None:  # D2
    engine = started(leeds())
    engine.post(found(found={"safe": False}))
    engine.post(returned())
    assert {PAT, CHRIS} <= engine.heard("R1")["returned"]
    engine.run("2026-03-06T12:00:00Z")
    assert CHRIS in engine.heard("duty:return_interview")["duty_overdue"]


def test_somebody_is_told_to_tell_the_family_even_where_no_authority_was_told_before() -> None:  # D2
    home = reported_at_home(episode={"category": "away"})
    engine = started(home)
    assert engine.heard("E1") == {"away": {"police", SAM}}
    engine.post(found(episode={"ref": "LDS-EP-0001"}, found={"safe": False}))
    assert engine.heard("F1") == {"found": {"police", "host_authority"}}
    assert by_role(engine.of("F1"), "host_authority").in_person == ("Sam Example",)


def test_one_desk_for_two_authority_roles_hears_who_is_waiting() -> None:  # D2, B21
    leaver = {"ref": "LDS-EP-0001"}, {"care_leaver": True}, {"responsible_authority": LEEDS}
    engine = started(reported_at_home(episode=leaver[0], child=leaver[1], placement=leaver[2]))
    engine.post(found(episode=leaver[0], found={"safe": False}))
    desk = by_role(engine.of("F1"), "host_authority")
    assert set(desk.roles) == {"responsible_authority", "host_authority"}
    assert desk.in_person == ("Sam Example",) and desk.priority == "immediate"


def test_a_parent_decided_while_an_unsafe_find_stands_waits_and_hears_the_return() -> None:  # A10, D2
    engine = started(leeds(people=[parent()]))
    engine.post(found(found={"safe": False}))
    for number in (1, 2):
        engine.post(updated(id=f"U{number}", time="2026-03-02T09:00:00Z", people=[parent(decision="notify")]))
    assert engine.heard("U1") == {} and roles(engine.of("U1"), "hold") == {"parent"} and engine.of("U2") == []
    engine.post(returned())
    assert SAM in engine.heard("R1")["returned"]


# Gaps, desks, order, priorities -------------------------------------------------------------------------------------


def without(*gone: str) -> Any:
    def reach(recipient: Recipient, person: Mapping[str, Any] | None) -> str:
        return "no_contact" if recipient.role in gone else everybody(recipient, person)

    return reach


def test_a_gap_stands_in_place_of_the_notice_counts_as_told_and_makes_no_entry() -> None:  # B20
    engine = started(leeds(), reach=without("iro", "police"))
    assert roles(engine.of("E1"), "gap") == {"iro", "police"}
    assert all(d.gap == "no_contact" for d in engine.of("E1", "gap"))
    assert {e.role for e in engine.episode().register} == {"responsible_authority", "school"}
    engine.post(updated(episode={"clothing": "Red coat"}))
    engine.post(returned())
    assert roles(engine.of("U1"), "gap") == roles(engine.of("R1"), "gap") == {"iro", "police"}
    assert any(d.code == "safe_and_well_check" for d in engine.episode().duties)


def test_a_parent_without_address_is_a_gap_and_a_worker_without_one_is_the_desk() -> None:  # B20
    people = [parent(decision="notify", email=None), {"role": "social_worker", "name": "Jo Worker"}]
    engine = started(leeds(people=people))
    assert by_role(engine.of("E1"), "parent").outcome == "gap"
    assert by_role(engine.of("E1"), "social_worker").recipients[0].organisation == LEEDS


def test_a_care_leaver_without_responsible_authority_is_a_gap() -> None:  # C12
    engine = started(reported_at_home(child={"care_leaver": True}))
    assert roles(engine.of("E1"), "gap") == {"responsible_authority"}


def test_the_notice_of_a_gap_shows_no_more_than_the_fallback_desk_may_see() -> None:  # D11
    engine = started(leeds(), reach=without("school"))
    fields = by_role(engine.of("E1"), "school").fields
    assert "child.name" in fields and "child.medication_needed" not in fields and "episode.risk.level" not in fields


def test_police_roles_of_one_force_and_authority_roles_of_one_council_share_a_notice() -> None:  # B21
    engine = started(
        reported_at_home(
            child={"care_leaver": True},
            placement={"responsible_authority": LEEDS},
            episode={"missing_from_authority": "E08000034"},
        )
    )
    named = {frozenset(d.roles) for d in engine.of("E1", "notify")}
    assert {
        frozenset({"police", "police_missing_from"}),
        frozenset({"responsible_authority", "host_authority"}),
    } <= named


@pytest.mark.parametrize(
    ("episode", "police", "others"),
    [
        ({}, "normal", "normal"),
        ({"risk": {"level": "high"}}, "high", "high"),
        ({"abduction_suspected": True}, "immediate", "high"),
    ],
)
def test_priorities(episode: dict[str, Any], police: str, others: str) -> None:  # B36
    engine = started(leeds(episode=episode))
    engine.post(found())
    for event in ("E1", "F1"):
        assert by_role(engine.of(event), "police").priority == police
        assert {d.priority for d in engine.of(event) if "police" not in d.roles} == {others}
    engine.run("2026-03-09T00:00:00Z")
    assert {d.priority for _, d in engine.decisions if d.kind in ("duty_due", "duty_overdue")} == {"low"}


def test_police_come_first_if_it_is_serious() -> None:  # B-01, B38
    engine = started(leeds(placement={"host_authority": LANCASHIRE}, episode={"risk": {"level": "high"}}))
    assert [d.roles for d in engine.of("E1")][:2] == [("police",), ("police_responsible",)]
    assert [d.first for d in engine.of("E1")][:3] == [True, True, False]
    assert not any(d.first for d in started(leeds()).of("E1"))


def test_no_exact_place_for_others_where_trafficking_is_suspected() -> None:  # B29
    engine = started(leeds(episode={"trafficking_suspected": True}))
    assert "episode.last_seen.place" in by_role(engine.of("E1"), "police").fields
    assert "episode.last_seen.place" not in by_role(engine.of("E1"), "iro").fields
    engine.post(updated(episode={"last_seen": {"place": "Another Street"}}))
    assert engine.heard("U1") == {"update": {"police", "responsible_authority", WORKER}}


# Circulation and thresholds -----------------------------------------------------------------------------------------


def test_a_strategy_discussion_circulates_once_and_only_while_the_child_is_out() -> None:  # B12, B23, C4
    engine = started(leeds())
    engine.post(duty_completed("strategy_discussion", circulate=["london"], time="2026-03-01T22:00:00Z"))
    (decision,) = engine.of("D1")
    assert (decision.kind, decision.roles, len(decision.members)) == ("missing", ("circulation:london",), 33)
    assert sum(e.role == "circulation:london" for e in engine.episode().register) == 33
    engine.post(duty_completed("strategy_discussion_28d", id="D2", circulate=["london"], time="2026-03-01T23:00:00Z"))
    assert engine.of("D2") == []
    engine.post(found())
    assert "circulation:london" in engine.heard("F1")["found"]
    engine.post(duty_completed("strategy_discussion", id="D3", circulate=["national"], time="2026-03-02T09:00:00Z"))
    assert engine.of("D3") == [] and engine.warnings["D3"]


def _home(number: int, since: str, **changes: Any) -> dict[str, Any]:
    episode = {"ref": f"BRM-{number}", "since": since, **changes.pop("episode", {})}
    return reported_at_home(
        id=f"E{number}", time=since, episode=episode, placement={"host_authority": BROMLEY}, **changes
    )


def _series(engine: Engine, *days: str, **changes: Any) -> None:
    for number, day in enumerate(days, start=1):
        engine.post(_home(number, f"2026-03-{day}T10:00:00Z", **changes))
        engine.post(
            returned(id=f"R{number}", time=f"2026-03-{day}T12:00:00Z", episode={"ref": f"BRM-{number}"},
                     returned={"at": DROP})
        )  # fmt: skip


@pytest.mark.parametrize(
    ("days", "at_report", "at_return"),
    [
        (["01", "08", "15", "28", "29", "31"], [4, 5, 6], [2, 3, 4, 5, 6]),
        (["01", "08", "15", "29"], [], [2, 3, 4]),  # 28 days after the 1st to the hour: that one is out
    ],
)
def test_the_fourth_in_28_days_and_every_one_after_it(
    days: list[str], at_report: list[int], at_return: list[int]
) -> None:  # B1, B2
    engine = Engine()
    _series(engine, *days)
    numbers = range(1, len(days) + 1)
    assert [n for n in numbers if engine.heard(f"E{n}").get("threshold") == {"host_authority"}] == at_report
    assert [n for n in numbers if engine.heard(f"R{n}").get("threshold") == {"mash", "mase_panel"}] == at_return


def test_exercises_and_retracted_episodes_do_not_count() -> None:  # B2
    engine = Engine()
    engine.post(_home(1, "2026-03-01T10:00:00Z", episode={"status": "exercise"}))
    engine.post(_home(2, "2026-03-02T10:00:00Z"))
    engine.post(retracted(id="X2", time="2026-03-02T11:00:00Z", episode={"ref": "BRM-2"}))
    engine.post(_home(3, "2026-03-03T10:00:00Z"))
    engine.post(returned(id="R3", time="2026-03-03T12:00:00Z", episode={"ref": "BRM-3"}))
    assert "threshold" not in engine.heard("R3")


def test_two_thresholds_of_one_event_for_one_role_are_one_notice_and_the_told_hear_the_end() -> None:  # C9, A9
    engine = Engine()
    _series(engine, "01", "02", "03", "04", child={"date_of_birth": "2018-01-01"})
    (decision,) = [d for d in engine.of("E4") if d.kind == "threshold"]
    assert {r.rule for r in decision.rules} == {"B-50", "B-48", "B-49"}
    engine.post(retracted(id="X4", time="2026-03-05T10:00:00Z", episode={"ref": "BRM-4"}))
    assert {"mash", "mase_panel"} <= engine.heard("X4")["retraction"]


def test_an_episode_that_was_missing_counts_as_missing() -> None:  # D17
    engine = Engine()
    engine.post(_home(1, "2026-03-01T10:00:00Z", episode={"category": "away"}))
    engine.post(updated(id="U1", time="2026-03-01T11:00:00Z", episode={"ref": "BRM-1", "category": "missing"}))
    engine.post(updated(id="U2", time="2026-03-01T12:00:00Z", episode={"ref": "BRM-1", "category": "away"}))
    engine.post(_home(2, "2026-03-02T10:00:00Z"))
    engine.post(returned(id="R2", time="2026-03-02T12:00:00Z", episode={"ref": "BRM-2"}))
    assert "threshold" in engine.heard("R2")
    assert any("still open" in warning for warning in engine.warnings["E2"])  # B42


def test_north_lincolnshire_tells_the_second_at_the_report() -> None:
    engine = Engine()
    place = {"host_authority": NORTH_LINCOLNSHIRE}
    engine.post(reported_at_home(id="E1", episode={"ref": "N-1"}, placement=place, child={"previous_episodes": 1}))
    assert engine.heard("E1")["threshold"] == {"host_authority", "missing_advocate"}
