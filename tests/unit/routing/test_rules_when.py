"""Rules of the evidence that hold in the code: what goes on until when, and who hears the end (test_rules_who.py)."""

from typing import Any

import pytest

from tests.kit.engine import Engine
from tests.kit.events import (
    BROMLEY,
    EPISODE,
    LEEDS,
    NORTH_LINCOLNSHIRE,
    away,
    duty_completed,
    found,
    reported,
    reported_at_home,
    returned,
    updated,
)
from tests.kit.rules import DAY, HOME, KENT, PAT, RESTRICTED, SAM, WORKER, after, at_home, desk, due, duties, told

# How long an episode goes on ------------------------------------------------------------------------------------------


def test_d_59_h_17_neither_age_nor_time_nor_an_empty_register_ends_an_episode() -> None:
    child = {"date_of_birth": "2008-10-17"}
    engine = after(reported(child=child), updated(placement={"host_authority": LEEDS}), until="2027-01-01T00:00:00Z")
    assert engine.episode().state == "open"
    left = [e for e in engine.episode().register if e.role == "host_authority" and e.organisation == NORTH_LINCOLNSHIRE]
    assert left
    assert all(e.removed_by == "duty:register_removal" for e in left)
    assert duties(engine)["adulthood"].state == "overdue"
    assert [d for d in engine.episode().duties if d.code == "renotify"][-1].state == "open"


def test_h_24_h_25_found_ends_the_search_and_returned_the_reviews() -> None:
    engine = after(reported(), found())
    assert engine.episode().state == "found"
    state = {code: duty.state for code, duty in duties(engine).items()}
    searching = ("daily_contact", "missing_from_care_meeting", "police_update", "strategy_discussion_28d", "renotify")
    assert {state[code] for code in searching} == {"cancelled"}
    assert {state[code] for code in ("safe_and_well_check", "return_interview", "review_discussion")} == {"open"}
    engine.post(returned())
    assert engine.episode().state == "returned"
    assert duties(engine)["review_discussion"].state == "cancelled"
    assert duties(engine)["return_interview"].state == "open"


# Updates, and the end -------------------------------------------------------------------------------------------------


def test_a_85_however_short_it_was_everybody_told_hears_the_end_and_the_check_is_due() -> None:
    back = returned(time="2026-03-01T19:46:00Z", returned={"at": "2026-03-01T19:46:00Z"})
    engine = after(reported(time="2026-03-01T19:45:00Z", episode={"since": "2026-03-01T19:45:00Z"}), back)
    assert told(engine) <= told(engine, "R1")
    assert {"safe_and_well_check", "return_interview_offer"} <= {*duties(engine)}


@pytest.mark.parametrize(
    ("rule", "reader", "facts"),
    [
        ("B-36", "police", {"child": {"home_office_reference": "HO-7781234"}}),
        ("B-36", "home_office", {"episode": {"police": {"incident_number": "HP-0042"}}}),
        ("B-73", WORKER, {"episode": {"circumstances": "Seen at the station"}}),
        ("B-82", "police_missing_from", {"episode": {"circumstances": "Seen at the station"}}),
        ("B-82", "police", {"episode": {"circumstances": "Seen at the station"}}),
        ("B-82", "school", {"child": {"description": "Hair now short"}}),
        ("B-158", "police", {"episode": {"intentions": "Spoke of the seaside"}}),
        ("B-177", "responsible_authority", {"episode": {"circumstances": "Seen at the station"}}),
    ],
)
def test_updates_reach_those_whom_a_rule_names(rule: str, reader: str, facts: dict[str, Any]) -> None:
    engine = after(reported(child=RESTRICTED, episode={"missing_from_authority": KENT}), updated(**facts))
    assert reader in told(engine, "U1", "update"), rule


@pytest.mark.parametrize(
    ("rule", "event", "readers"),
    [
        ("B-39", returned(), {WORKER, PAT}),
        ("B-40", returned(), {PAT}),
        ("E-03", found(), {"home_office_evidence"}),
        ("E-20", found(), {"school"}),
        ("E-34", returned(), {"police", WORKER}),
        ("E-40", found(), {"responsible_authority"}),
    ],
)
def test_the_end_reaches_those_whom_a_rule_names(rule: str, event: dict[str, Any], readers: set[str]) -> None:
    engine = after(reported(child=RESTRICTED), event)
    assert readers <= told(engine, event["id"]), rule
    assert SAM not in told(engine, event["id"])


def test_c_78_when_the_child_came_back_is_kept_with_the_episode() -> None:
    back = returned(time="2026-03-02T10:30:00Z", returned={"at": "2026-03-02T10:00:00Z"})
    ended = after(reported(), back).episode().ended_at
    assert ended is not None
    assert ended.isoformat() == "2026-03-02T10:00:00+00:00"


def test_e_19_the_social_worker_hears_that_an_away_child_is_back() -> None:
    assert WORKER in told(after(away(), returned()), "R1", "returned")


def test_e_53_an_absconder_who_is_traced_gets_the_same_notices_check_and_interview() -> None:
    plain, theirs = after(reported(), found()), after(reported(child={"absconder": True}), found())
    assert told(plain, "F1") == told(theirs, "F1")
    opened = {"safe_and_well_check", "return_interview_offer", "return_interview"}
    assert opened <= {*duties(theirs)}


@pytest.mark.parametrize(("report", "ref"), [(reported(), EPISODE), (reported_at_home(), HOME)])
def test_e_11_e_58_every_missing_child_is_offered_an_interview_by_the_authority_that_answers_for_it(
    report: dict[str, Any], ref: str
) -> None:
    engine = after(report, found(episode={"ref": ref}))
    owner = "responsible_authority" if ref == EPISODE else "host_authority"
    assert {duties(engine, ref)[code].owner for code in ("return_interview", "return_interview_offer")} == {owner}
    assert "host_authority" in told(engine, "F1")


# Clocks ---------------------------------------------------------------------------------------------------------------


def test_b_168_what_the_police_record_ends_nobodys_duty() -> None:
    police = {"reported_at": "2026-03-01T20:00:00Z", "incident_number": "HP-0042", "classification": "missing"}
    engine = after(reported(), updated(episode={"police": police}))
    assert {duty.state for duty in engine.episode().duties} == {"open"}
    assert [*duties(engine)] == [*duties(after(reported()))]


def test_e_42_a_safe_and_well_check_is_no_interview() -> None:
    engine = after(reported(), returned(), duty_completed("safe_and_well_check", "done"))
    state = {code: duty.state for code, duty in duties(engine).items()}
    assert state["safe_and_well_check"] == "done"
    assert (state["return_interview"], state["return_interview_offer"]) == ("open", "open")


def test_e_59_to_decline_ends_the_offer() -> None:
    engine = after(reported(), returned(), duty_completed("return_interview_offer", "declined"))
    assert {duties(engine)[code].state for code in ("return_interview", "return_interview_offer")} == {"done"}


def test_h_07_three_first_meetings_each_with_its_clock_and_one_that_stands_for_another() -> None:
    north = {"placement": {"host_authority": NORTH_LINCOLNSHIRE, "responsible_authority": BROMLEY}}
    engine = after(reported(**north, child={"child_protection_plan": True}))
    assert due(engine, "strategy_discussion") == ["03-08T19:30"]
    assert due(engine, "risk_management_meeting") == ["03-03T19:30"]
    assert due(engine, "missing_from_care_meeting") == ["03-04T19:30"]
    engine.post(duty_completed("strategy_discussion", "held", time="2026-03-02T09:00:00Z"))
    assert duties(engine)["risk_management_meeting"].state == "done"
    assert duties(engine)["missing_from_care_meeting"].state == "open"


def test_h_09_h_10_h_11_every_interval_is_a_clock_of_its_own_from_the_start() -> None:
    engine = after(reported(), until="2026-03-20T00:00:00Z")
    assert due(engine, "review_discussion") == ["03-08T19:30", "03-15T19:30", "03-22T19:30"]
    assert due(engine, "police_update") == ["03-03T19:30", "03-08T19:30", "03-13T19:30", "03-18T19:30", "03-23T19:30"]
    assert due(engine, "missing_from_care_review") == ["04-01T18:30"]
    assert due(engine, "strategy_discussion_28d") == due(engine, "joint_review_28d") == ["03-29T18:30"]


def test_h_12_at_twenty_four_hours_both_the_discussion_is_due_and_the_mash_hears() -> None:
    engine = after(at_home(), until=DAY)
    assert due(engine, "strategy_discussion", HOME) == ["03-02T19:30"]
    assert [f"{d.at:%m-%dT%H:%M}" for d in engine.of("duty:mash_notice", "notify")] == ["03-02T19:30"]


def test_h_30_each_count_is_a_count_of_its_own() -> None:
    """Three away and one missing, in twenty-eight days."""
    engine = Engine()
    for number, category in enumerate(["away", "missing", "away", "away"]):
        when = f"2026-03-0{number + 1}T10:00:00Z"
        facts = {"ref": f"E{number}", "category": category, "since": when}
        engine.post(reported(id=f"E{number}", time=when, episode=facts))
        back = f"2026-03-0{number + 1}T12:00:00Z"
        engine.post(returned(id=f"R{number}", time=back, episode={"ref": f"E{number}"}, returned={"at": back}))
    assert [d for _, d in engine.decisions if d.kind == "threshold"] == []
    when = "2026-03-05T10:00:00Z"
    engine.post(reported(id="E4", time=when, episode={"ref": "E4", "category": "away", "since": when}))
    assert [d.roles for d in engine.of("E4") if d.kind == "threshold"] == [("responsible_authority",)]


def test_d_14_d_17_each_entry_runs_from_its_own_receipt() -> None:
    engine = after(reported(), updated(placement={"host_authority": LEEDS}, time="2026-04-01T09:00:00Z"))
    entries = {(e.role, e.organisation): e for e in engine.episode().register}
    old, new = entries["host_authority", NORTH_LINCOLNSHIRE], entries["host_authority", LEEDS]
    assert (f"{old.remove_at:%m-%d}", f"{new.remove_at:%m-%d}") == ("09-01", "10-01")
    engine.run("2026-09-01T23:00:00Z")
    after_half_a_year = [e for e in engine.episode().register if e.role == "host_authority"]
    gone = next(e for e in after_half_a_year if e.organisation == NORTH_LINCOLNSHIRE)
    assert gone.removed_by == "duty:register_removal"
    assert [e.removed_at for e in after_half_a_year if e.organisation == LEEDS][-1] is None


def test_f_03_h_16_the_second_notice_is_made_anew_and_leaves_no_gap() -> None:
    other = {"urn": "900002", "name": "Another School"}
    engine = after(reported(), updated(school=other), until="2026-09-02T00:00:00Z")
    schools = [desk(d) for d in engine.of("duty:renotify", "notify") if "school" in d.roles]
    assert schools == ["school:900002"]
    held = [e for e in engine.episode().register if e.role == "responsible_authority"]
    assert [e.removed_by for e in held] == ["duty:renotify", None]
    assert held[0].removed_at == held[1].received_at <= held[0].remove_at
