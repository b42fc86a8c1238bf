"""Duties, clocks and the register of an episode under the real packs (protocols.md; readings.md A, B, C)."""

from datetime import datetime
from itertools import pairwise
from typing import Any

import pytest

from hub.core.ticks import next_wake
from routing.calendar import Period
from routing.packs import Packs, load_packs
from tests.kit.course import Course
from tests.kit.events import (
    BROMLEY,
    DROP,
    EPISODE,
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

ESSEX = "E10000012"
SINCE = "2026-03-01T19:30:00Z"
ARRIVED = "2026-03-01T19:45:00Z"
LEEDS_CARE = {"type": "foster_care", "responsible_authority": LEEDS, "host_authority": LEEDS}
LINCS_CARE = {
    "type": "foster_care",
    "responsible_authority": NORTH_LINCOLNSHIRE,
    "host_authority": NORTH_LINCOLNSHIRE,
}
OUTLIVES = {
    "nrm_referral",
    "parent_decision",
    "regulator_decision",
    "safe_and_well_check",
    "return_interview_offer",
    "return_interview",
    "social_worker_visit",
    "prevention_plan",
}


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def lincs_away(**changes: Any) -> dict[str, Any]:
    """Away in North Lincolnshire, where nobody knows: the limit runs."""
    whereabouts: dict[str, Any] = {"whereabouts_known": False, "since": "2026-03-01T09:00:00Z"}
    changes["episode"] = whereabouts | changes.get("episode", {})
    return away(**{"time": "2026-03-01T09:20:00Z", "placement": LINCS_CARE} | changes)


# which duties, from when, until when, whose


def test_every_duty_of_a_bromley_child_in_a_north_lincolnshire_home() -> None:
    course = Course().post(reported())
    assert {(d.code, d.due_at, d.owner) for d in course.episode.duties} == {
        ("missing_from_care_meeting", at("2026-03-04T19:30Z"), "responsible_authority"),
        ("missing_from_care_review", at("2026-04-01T18:30Z"), "responsible_authority"),
        ("daily_contact", at("2026-03-02T19:30Z"), "social_worker"),
        ("renotify", at("2026-09-01T18:45Z"), "hub"),
        ("adulthood", at("2029-08-16T23:00Z"), "responsible_authority"),
        ("regulator_decision", at("2026-03-02T19:30Z"), "carer"),
        ("mash_notice", at("2026-03-02T19:30Z"), "hub"),
        ("review_discussion", at("2026-03-08T19:30Z"), "responsible_authority"),
        ("strategy_discussion_28d", at("2026-03-29T18:30Z"), "responsible_authority"),
        ("joint_review_28d", at("2026-03-29T18:30Z"), "responsible_authority"),
        ("senior_review", at("2026-09-01T18:30Z"), "assistant_director"),
        ("police_update", at("2026-03-03T19:30Z"), "police"),
        ("risk_management_meeting", at("2026-03-03T19:30Z"), "responsible_authority"),
    }
    assert {d.opened_at for d in course.episode.duties} == {at(ARRIVED)}


def test_every_duty_of_a_bromley_child_at_home_under_a_plan() -> None:
    event = reported_at_home(
        episode={"missing_from": "external_activity", "trafficking_suspected": True},
        child={"child_protection_plan": True, "subject_to_immigration_restriction": True},
        placement={"host_authority": BROMLEY},
    )
    course = Course().post(event)
    assert {(d.code, d.due_at, d.owner) for d in course.episode.duties} == {
        ("home_office_contact", at("2026-03-08T19:30Z"), "home_office"),
        ("nrm_referral", at(SINCE), "host_authority"),
        ("renotify", at("2026-09-01T18:45Z"), "hub"),
        ("adulthood", at("2029-08-16T23:00Z"), "host_authority"),
        ("strategy_discussion", at("2026-03-02T19:30Z"), "host_authority"),
        ("mash_notice", at("2026-03-02T19:30Z"), "hub"),
        ("review_discussion", at("2026-03-08T19:30Z"), "host_authority"),
        ("strategy_discussion_28d", at("2026-03-29T18:30Z"), "host_authority"),
        ("joint_review_28d", at("2026-03-29T18:30Z"), "host_authority"),
        ("senior_review", at("2026-09-01T18:30Z"), "assistant_director"),
        ("party_return_decision", at("2026-03-02T19:30Z"), "carer"),
    }


def test_the_return_duties_of_a_looked_after_child_in_essex() -> None:
    placement = {"type": "foster_care", "responsible_authority": ESSEX, "host_authority": ESSEX}
    course = Course().post(reported(placement=placement)).post(found())
    opened = {(d.code, d.due_at, d.owner) for d in course.episode.duties if d.state == "open"}
    assert opened == {
        ("safe_and_well_check", at("2026-03-02T08:00Z"), "police"),
        ("return_interview_offer", at("2026-03-05T08:00Z"), "responsible_authority"),
        ("return_interview", at("2026-03-05T08:00Z"), "responsible_authority"),
        ("social_worker_visit", at("2026-03-05T08:00Z"), "social_worker"),
        ("prevention_plan", at("2026-03-09T08:00Z"), "social_worker"),
    }
    course.post(returned())
    assert {(d.code, d.due_at, d.owner) for d in course.episode.duties if d.unfinished} == opened, "the first counts"


def test_away_in_essex_opens_the_visits_but_no_interview() -> None:
    placement = {"type": "foster_care", "responsible_authority": ESSEX, "host_authority": ESSEX}
    course = Course().post(away(placement=placement)).post(returned())
    assert course.codes == {"safe_and_well_check", "social_worker_visit", "prevention_plan"}


def test_away_in_bromley_tells_the_group_manager_after_two_days() -> None:
    placement = {"type": "foster_care", "responsible_authority": BROMLEY, "host_authority": BROMLEY}
    course = Course().post(away(placement=placement))
    assert course.codes == {"away_report"}
    course.run_until("2026-03-04T00:00:00Z")
    assert course.told("duty:away_report") == [("group_manager", "2026-03-03T19:30Z")]
    assert course.decisions[-1].kind == "away"
    assert course.duty("away_report").closed_by == "duty:away_report"


def test_the_mash_hears_after_a_day_once() -> None:
    course = Course().post(reported()).run_until("2026-03-20T00:00:00Z")
    assert course.told("duty:mash_notice") == [("mash", "2026-03-02T19:30Z")]
    assert not [e for e in course.episode.register if e.role == "mash"], "only the roles of the list hold entries (B22)"


# the moment a clock starts (A7, A8, C3, C16)


def test_a_report_that_comes_late() -> None:
    course = Course().post(reported(), at="2026-03-06T09:00:00Z").run_until("2026-03-06T09:00:00Z")
    assert course.told("duty:mash_notice") == [("mash", "2026-03-06T09:00Z")], "the hub's own runs at once"
    assert course.duty("missing_from_care_meeting").state == "overdue"
    assert [(d.occurrence, d.due_at) for d in course.duties("daily_contact")] == [(5, at("2026-03-06T19:30Z"))]
    assert [(d.occurrence, d.due_at) for d in course.duties("police_update")] == [(2, at("2026-03-08T19:30Z"))]
    assert course.told("duty:police_update") == [], "a skipped occurrence tells nobody"
    assert course.duty("renotify").due_at == at("2026-09-06T08:00Z"), "from the arrival of the first notice"
    assert course.duty("adulthood").due_at == at("2029-08-16T23:00Z")


def test_a_later_correction_of_since_moves_nothing() -> None:
    course = Course().post(reported())
    before = course.episode.duties
    course.post(updated(episode={"since": "2026-03-01T12:00:00Z"}))
    assert course.episode.duties == before


def test_an_updates_duties_count_from_the_time_it_happened() -> None:
    course = Course().post(reported(placement=LEEDS_CARE))
    course.post(updated(child={"subject_to_immigration_restriction": True}), at="2026-03-02T09:00:00Z")
    assert course.duty("home_office_contact").due_at == at("2026-03-08T21:00Z")
    assert course.duty("home_office_contact").opened_at == at("2026-03-02T09:00Z")


def test_what_was_so_before_the_child_went_missing_starts_no_clock_before_that() -> None:  # A7
    course = Course().post(reported())
    course.post(updated(time="2026-02-10T09:00:00Z", child={"section_47_enquiry": True}), at="2026-03-01T21:00:00Z")
    assert course.duty("strategy_discussion").due_at == at("2026-03-08T19:30Z"), "not overdue since February"


def test_a_move_starts_the_new_packs_duties_and_ends_the_old_ones() -> None:
    course = Course().post(reported(placement=LEEDS_CARE))
    course.post(updated(placement={"responsible_authority": BROMLEY}))
    assert course.duty("review_discussion").due_at == at("2026-03-08T21:00Z")
    course.post(updated(id="U2", time="2026-03-02T21:00:00Z", placement={"responsible_authority": LEEDS}))
    assert (course.duty("review_discussion").state, course.duty("review_discussion").closed_by) == (
        "cancelled",
        "event:U2",
    )
    assert {d.code for d in course.episode.duties if d.state == "cancelled"} == {
        "review_discussion", "mash_notice", "strategy_discussion_28d", "joint_review_28d", "senior_review",
    }  # fmt: skip
    course.post(updated(id="U3", time="2026-03-03T21:00:00Z", placement={"responsible_authority": BROMLEY}))
    assert [(d.occurrence, d.due_at) for d in course.duties("review_discussion")] == [
        (1, at("2026-03-08T21:00Z")),
        (2, at("2026-03-10T21:00Z")),
    ]


def test_the_next_review_is_of_the_authority_that_looks_after_the_child_by_then() -> None:  # B4
    course = Course().post(reported_at_home(episode={"ref": EPISODE}, placement={"host_authority": BROMLEY}))
    course.post(updated(child={"looked_after": True}, placement={"responsible_authority": LEEDS}))
    course.run_until("2026-03-10T00:00:00Z")
    assert [d.owner for d in course.duties("review_discussion")] == ["host_authority", "responsible_authority"]


def test_a_child_who_is_eighteen_already_has_no_birthday_to_come() -> None:
    assert "adulthood" not in Course().post(reported(child={"date_of_birth": "2008-03-01"})).codes
    leap = Course().post(reported(child={"date_of_birth": "2012-02-29"}))
    assert leap.duty("adulthood").due_at == at("2030-02-28T00:00Z")


def test_a_corrected_date_of_birth_moves_the_birthday() -> None:
    course = Course().post(reported(child={"date_of_birth": "2008-03-03"})).run_until("2026-03-04T09:00:00Z")
    assert course.duty("adulthood").state == "overdue"
    course.post(updated(time="2026-03-04T09:00:00Z", child={"date_of_birth": "2010-03-03"}))
    adulthood = course.duty("adulthood")
    assert (adulthood.state, adulthood.due_at) == ("open", at("2028-03-03T00:00Z"))
    chased = course.times("duty:adulthood", "duty_overdue")
    course.run_until("2026-05-01T09:00:00Z")
    assert course.times("duty:adulthood", "duty_overdue") == chased, "nobody is chased for the wrong day any more"


def test_a_date_of_birth_corrected_to_a_childs_opens_the_birthday() -> None:
    course = Course().post(reported(child={"date_of_birth": "2001-08-17"}))
    course.post(updated(child={"date_of_birth": "2010-08-17"}))
    assert course.duty("adulthood").due_at == at("2028-08-16T23:00Z")
    course.post(updated(id="U2", time="2026-03-02T09:00:00Z", child={"date_of_birth": "2008-03-01"}))
    assert (course.duty("adulthood").state, course.duty("adulthood").closed_by) == ("cancelled", "event:U2")
    course.post(updated(id="U3", time="2026-03-02T10:00:00Z", child={"date_of_birth": "2010-08-17"}))
    assert [d.state for d in course.duties("adulthood")] == ["cancelled", "open"]
    course.post(duty_completed("adulthood", "done", id="D1", time="2026-03-02T11:00:00Z"))
    course.post(updated(id="U4", time="2026-03-02T12:00:00Z", child={"date_of_birth": "2010-08-18"}))
    assert [d.state for d in course.duties("adulthood")] == ["cancelled", "done"]


# the away limit (A1, A12, B35, C3)


def test_the_limit_makes_the_child_missing_and_what_starts_counts_from_it() -> None:
    course = Course().post(lincs_away()).run_until("2026-03-01T16:00:00Z")
    assert course.duty("away_limit").due_at == at("2026-03-01T15:00Z")
    assert ("police", "2026-03-01T15:00Z") in course.told("duty:away_limit", "missing")
    assert course.duty("police_update").due_at == at("2026-03-03T15:00Z")
    assert course.duty("renotify").due_at == at("2026-09-01T14:00Z")
    assert {e.role for e in course.episode.register} >= {"police", "responsible_authority"}


def test_an_away_report_past_its_limit_is_missing_at_once() -> None:
    course = Course().post(lincs_away(), at="2026-03-02T08:00:00Z").run_until("2026-03-02T08:00:00Z")
    assert ("police", "2026-03-02T08:00Z") in course.told("duty:away_limit", "missing")
    assert course.duty("police_update").due_at == at("2026-03-03T15:00Z"), "what starts there starts at the limit"
    assert course.duty("renotify").due_at == at("2026-09-02T07:00Z")


@pytest.mark.parametrize(
    "ending",
    [
        updated(time="2026-03-01T14:00:00Z", episode={"whereabouts_known": True}),
        updated(time="2026-03-01T14:00:00Z", episode={"category": "missing"}),
        found(time="2026-03-01T14:00:00Z", found={"at": DROP}),
        returned(time="2026-03-01T14:00:00Z", returned={"at": DROP}),
        retracted(time="2026-03-01T14:00:00Z"),
        updated(time="2026-03-01T14:00:00Z", placement={"responsible_authority": LEEDS, "host_authority": LEEDS}),
    ],
)
def test_what_ends_the_limit(ending: dict[str, Any]) -> None:
    course = Course().post(lincs_away()).post(ending).run_until("2026-03-03T00:00:00Z")
    assert course.duty("away_limit").state == "cancelled"
    assert course.told("duty:away_limit") == []


def test_it_is_not_too_late_at_the_very_instant() -> None:
    ending = updated(time="2026-03-01T15:00:00Z", episode={"whereabouts_known": True})
    course = Course().post(lincs_away()).post(ending).run_until("2026-03-03T00:00:00Z")
    assert course.told("duty:away_limit") == [], "arriving events come before clocks (B10)"


def test_the_limit_starts_anew_each_time_the_whereabouts_become_unknown() -> None:
    course = Course().post(lincs_away())
    for n, (known, time) in enumerate([(True, "10:00"), (False, "11:00"), (True, "12:00"), (False, "13:00")]):
        course.post(updated(id=f"U{n}", time=f"2026-03-01T{time}:00Z", episode={"whereabouts_known": known}))
    assert [(d.occurrence, d.state, d.due_at) for d in course.duties("away_limit")] == [
        (1, "cancelled", at("2026-03-01T15:00Z")),
        (2, "cancelled", at("2026-03-01T17:00Z")),
        (3, "open", at("2026-03-01T19:00Z")),
    ]


def test_in_the_night_the_limit_is_now() -> None:
    event = lincs_away(time="2026-03-02T02:10:00Z", episode={"since": "2026-03-02T02:00:00Z"})
    course = Course().post(event).run_until("2026-03-02T02:10:00Z")
    assert course.duty("away_limit").due_at == at("2026-03-02T02:00Z")
    assert course.episode.ever_missing


def test_no_limit_where_no_pack_sets_one() -> None:
    course = Course().post(lincs_away(placement=LEEDS_CARE)).run_until("2026-03-10T00:00:00Z")
    assert "away_limit" not in course.codes
    assert not course.episode.ever_missing


def test_found_before_the_hub_gave_up_but_told_afterwards_still_counts() -> None:
    course = Course().post(lincs_away()).run_until("2026-03-01T16:00:00Z")
    course.post(found(time="2026-03-01T14:30:00Z", found={"at": DROP}), at="2026-03-01T17:00:00Z")
    assert course.episode.state == "found"
    assert course.duty("return_interview").due_at == at("2026-03-04T14:30Z")


# categories flip (B13, B45)


def test_missing_away_and_missing_again() -> None:
    course = Course().post(reported(placement=LINCS_CARE))
    course.post(updated(episode={"category": "away"}))
    assert {d.code for d in course.episode.duties if d.unfinished} == set()
    assert next_wake(course.episode) == at("2026-09-01T18:45Z"), "entries stay until their date"
    course.post(updated(id="U2", time="2026-03-02T09:00:00Z", episode={"category": "missing"}))
    assert [(d.occurrence, d.state, d.due_at) for d in course.duties("daily_contact")] == [
        (1, "cancelled", at("2026-03-02T19:30Z")),
        (2, "open", at("2026-03-03T09:00Z")),
    ]
    live = [(e.organisation, e.role) for e in course.episode.register if e.removed_at is None]
    assert len(live) == len(set(live))
    assert {e.received_at for e in course.episode.register if e.removed_at is None} == {at("2026-03-02T09:00Z")}


def test_missing_again_a_circulation_stands_until_it_is_renewed() -> None:  # A2, H-16
    course = Course().post(reported_at_home(episode={"ref": EPISODE}, placement={"host_authority": BROMLEY}))
    course.post(duty_completed("strategy_discussion", time="2026-03-03T15:00:00Z", circulate=["london"]))
    course.post(updated(time="2026-04-01T09:00:00Z", episode={"category": "away"}))
    course.post(updated(id="U2", time="2026-04-02T09:00:00Z", episode={"category": "missing"}))
    again = at("2026-10-02T09:00Z")
    (told,) = [d for d in course.decisions if d.cause == "event:U2" and "circulation:london" in d.roles]
    assert (told.kind, told.remove_at) == ("update", again)
    course.run_until("2026-11-01T00:00:00Z")
    circulated = [e for e in course.episode.register if e.role == "circulation:london"]
    assert {(e.removed_at, e.removed_by) for e in circulated} == {(again, "duty:renotify"), (None, None)}


def test_away_while_missing_lets_entries_run_out_and_renotifies_nobody() -> None:
    course = Course().post(reported(placement=LEEDS_CARE)).post(updated(episode={"category": "away"}))
    course.run_until("2026-10-01T00:00:00Z")
    assert course.told("duty:renotify") == []
    assert {(e.removed_at, e.removed_by) for e in course.episode.register} == {
        (at("2026-09-01T18:45Z"), "duty:register_removal")
    }


# found and returned (A10, A13, C15)


def test_the_police_get_no_check_of_a_child_they_never_heard_of() -> None:
    kept_from = lincs_away(episode={"whereabouts_known": True})
    course = Course().post(kept_from).post(returned()).run_until("2026-03-20T00:00:00Z")
    assert "safe_and_well_check" not in course.codes
    assert not any("police" in d.roles and d.outcome == "notify" for d in course.decisions)
    told = Course().post(lincs_away(episode={"whereabouts_known": True, "at_risk": True})).post(returned())
    assert told.duty("safe_and_well_check").due_at == at("2026-03-03T10:00Z")


def test_a_category_that_changes_after_found_starts_nothing() -> None:
    course = Course().post(away(placement=LEEDS_CARE)).post(found())
    course.post(updated(time="2026-03-02T09:00:00Z", episode={"category": "missing"}))
    assert course.codes == {"safe_and_well_check"}


def test_the_weekly_review_goes_on_until_the_return() -> None:
    course = Course().post(reported()).post(found()).run_until("2026-03-16T00:00:00Z")
    assert course.times("duty:review_discussion", "message") == ["2026-03-08T19:30Z", "2026-03-15T19:30Z"]
    course.post(returned(time="2026-03-16T10:00:00Z", returned={"at": DROP})).run_until("2026-04-16T00:00:00Z")
    assert len(course.times("duty:review_discussion", "message")) == 2
    assert {d.state for d in course.duties("review_discussion")} == {"cancelled"}


def test_a_move_after_found_ends_the_reviews_of_the_pack_that_applies_no_more() -> None:
    course = Course().post(reported(placement={**LEEDS_CARE, "host_authority": BROMLEY})).post(found())
    course.post(updated(time="2026-03-03T09:00:00Z", placement={"host_authority": LEEDS}))
    assert course.duty("review_discussion").state == "cancelled"
    assert course.duty("return_interview").state == "open"


def test_trafficking_suspected_after_found_still_needs_a_referral() -> None:
    course = Course().post(reported()).post(found())
    course.post(updated(time="2026-03-02T09:00:00Z", episode={"trafficking_suspected": True}))
    assert course.duty("nrm_referral").due_at == at("2026-03-02T09:00Z")
    course.post(returned()).run_until("2026-03-02T11:00:00Z")
    assert course.duty("nrm_referral").state == "overdue"


# completion (B7, B11, B12, C4, C7)


def test_the_interviews_outcomes() -> None:
    def after(*completions: tuple[str, str]) -> dict[str, str]:
        course = Course().post(reported()).post(returned())
        for n, (duty, outcome) in enumerate(completions):
            course.post(duty_completed(duty, outcome, id=f"D{n}"))
        return {code: course.duty(code).state for code in ("return_interview_offer", "return_interview")}

    both = {"return_interview_offer": "done", "return_interview": "done"}
    assert after(("return_interview_offer", "declined")) == both
    for outcome in ("held", "declined", "done", "not_required"):
        assert after(("return_interview", outcome)) == both
    assert after(("return_interview_offer", "done")) == {"return_interview_offer": "done", "return_interview": "open"}


@pytest.mark.parametrize(("outcome", "state"), [("held", "done"), ("done", "done"), ("not_required", "open")])
def test_a_strategy_discussion_stands_for_the_meeting(outcome: str, state: str) -> None:
    course = Course().post(reported(placement=LINCS_CARE))
    course.post(duty_completed("strategy_discussion", outcome, time="2026-03-02T09:00:00Z", at=DROP))
    assert course.duty("risk_management_meeting").state == state
    assert bool(course.warnings) == (state == "open")


def test_the_later_discussion_does_not_stand_for_the_meeting() -> None:
    course = Course().post(reported())
    course.post(duty_completed("strategy_discussion_28d", time="2026-03-02T09:00:00Z", at=DROP))
    assert course.duty("risk_management_meeting").state == "open"
    assert course.duty("strategy_discussion_28d").state == "done"


@pytest.mark.parametrize("code", ["return_interview", "strategy_discussion", "register_removal", "away_limit"])
def test_completing_what_is_not_open_is_a_warning(code: str) -> None:
    course = Course().post(reported(placement=LEEDS_CARE))
    before = course.episode.duties
    course.post(duty_completed(code, time="2026-03-02T09:00:00Z", at=DROP))
    assert course.episode.duties == before
    assert course.warnings == ["no duty of this code is open: nothing was closed"]


def test_nobody_completes_the_six_months() -> None:
    course = Course().post(reported(placement=LEEDS_CARE))
    course.post(duty_completed("renotify", time="2026-03-02T09:00:00Z", at=DROP))
    assert course.duty("renotify").state == "open"
    assert course.warnings
    course.run_until("2026-10-01T00:00:00Z")
    assert "police" in {role for role, _ in course.told("duty:renotify", "renotification")}


def test_nobody_completes_the_away_limit() -> None:
    away = {"category": "away", "whereabouts_known": False, "since": "2026-03-01T09:00:00Z"}
    course = Course().post(reported(placement=LINCS_CARE, episode=away, time="2026-03-01T09:00:00Z"))
    course.post(duty_completed("away_limit", time="2026-03-01T10:00:00Z", at=DROP))
    assert course.duty("away_limit").state == "open"
    course.run_until("2026-03-01T15:00:00Z")
    assert course.episode.ever_missing


def test_a_late_duty_can_be_completed_and_is_chased_no_more() -> None:
    course = Course().post(reported()).post(returned()).run_until("2026-03-04T00:00:00Z")
    assert course.duty("safe_and_well_check").state == "overdue"
    course.post(duty_completed("safe_and_well_check", "done", at="2026-03-03T15:00:00Z", time="2026-03-04T09:00:00Z"))
    done = course.duty("safe_and_well_check")
    assert (done.state, done.closed_at, done.closed_by) == ("done", at("2026-03-03T15:00Z"), "event:D1")
    heard = len(course.told("duty:safe_and_well_check"))
    course.run_until("2026-06-01T00:00:00Z")
    assert len(course.told("duty:safe_and_well_check")) == heard


def test_completing_twice_warns_and_changes_nothing() -> None:
    course = Course().post(reported()).post(returned()).post(duty_completed("safe_and_well_check", "done"))
    before = course.episode.duties
    course.post(duty_completed("safe_and_well_check", "done", id="D2"))
    assert course.episode.duties == before
    assert course.warnings


def test_circulation_happens_once_while_open_and_makes_entries() -> None:
    held = duty_completed("strategy_discussion", circulate=["london"], time="2026-03-02T09:00:00Z", at=DROP)
    course = Course().post(reported()).post(held)
    assert course.told("event:D1", "missing") == [("circulation:london", "2026-03-02T09:00Z")]
    entries = [e for e in course.episode.register if e.role == "circulation:london"]
    assert len(entries) == 32
    assert BROMLEY not in {e.organisation for e in entries}
    assert {e.remove_at for e in entries} == {at("2026-09-02T08:00Z")}
    again = duty_completed(
        "strategy_discussion_28d", id="D2", circulate=["london", "national"], time="2026-03-02T10:00:00Z"
    )
    course.post(again)
    assert [role for role, _ in course.told("event:D2")] == ["circulation:national"]
    assert len([e for e in course.episode.register if e.role == "circulation:national"]) == 217


def test_no_circulation_of_a_child_who_was_found() -> None:
    course = Course().post(reported()).post(found())
    course.post(duty_completed("strategy_discussion", circulate=["london"], time="2026-03-02T09:00:00Z", at=DROP))
    assert course.told("event:D1") == []
    assert course.warnings


# a parent to be decided on (B19, C5)


def undecided(**changes: Any) -> dict[str, Any]:
    return {"role": "parent", "name": "Sam Example", "email": "sam@family.example", **changes}


def test_a_decision_about_parents_is_one_duty_while_any_is_held() -> None:
    both = [undecided(), undecided(name="Pat Example")]
    course = Course().post(reported(people=both), at="2026-03-02T09:00:00Z")
    assert course.duty("parent_decision").due_at == at("2026-03-02T10:00Z"), "from the arrival"
    told = {"decision": "notify"}
    course.post(updated(time="2026-03-02T09:10:00Z", people=[undecided(notify=told), both[1]]))
    assert course.duty("parent_decision").state == "open"
    withheld = {"decision": "withhold", "reason": "unsafe", "decided_by": "Jo Worker"}
    people = [undecided(notify=told), undecided(name="Pat Example", notify=withheld)]
    course.post(updated(id="U2", time="2026-03-02T09:20:00Z", people=people))
    done = course.duty("parent_decision")
    assert (done.state, done.closed_by) == ("done", "event:U2")
    course.post(updated(id="U3", time="2026-03-02T09:30:00Z", people=[undecided(notify={"decision": "undecided"})]))
    assert [d.state for d in course.duties("parent_decision")] == ["done", "open"]


def test_completed_while_a_parent_is_still_held_it_does_not_open_again_for_other_news() -> None:
    course = Course().post(reported(people=[undecided()]))
    course.post(duty_completed("parent_decision", "done", time="2026-03-02T09:00:00Z"))
    course.post(updated(time="2026-03-02T10:00:00Z", child={"description": "a blue coat"}))
    assert course.duty("parent_decision").state == "done", "it runs from the arrival at which a parent is held (A7)"
    course.post(updated(id="U2", time="2026-03-02T11:00:00Z", people=[undecided(notify={"decision": "notify"})]))
    course.post(updated(id="U3", time="2026-03-02T12:00:00Z", people=[undecided(notify={"decision": "undecided"})]))
    assert [d.state for d in course.duties("parent_decision")] == ["done", "open"]


def test_a_held_parent_who_was_off_the_list_is_to_be_decided_on_again() -> None:
    course = Course().post(reported(people=[undecided()]))
    course.post(updated(time="2026-03-02T09:00:00Z", people=[]))
    course.post(updated(id="U2", time="2026-03-02T10:00:00Z", people=[undecided()]))
    first, second = course.duties("parent_decision")
    assert (first.state, second.state, second.due_at) == ("done", "open", at("2026-03-02T11:00Z"))


def test_found_and_returned_do_not_end_it() -> None:
    course = Course().post(reported(people=[undecided()])).post(found()).post(returned())
    assert course.duty("parent_decision").unfinished
    course.post(updated(time="2026-03-02T11:00:00Z", people=[undecided(notify={"decision": "notify"})]))
    assert course.duty("parent_decision").state == "done"


def test_no_decision_is_asked_for_once_the_child_is_back() -> None:  # A11: recorded only
    course = Course().post(reported(people=[undecided()]))
    course.post(updated(time="2026-03-02T09:00:00Z", people=[])).post(returned(time="2026-03-03T09:00:00Z"))
    course.post(updated(id="U2", time="2026-03-04T10:00:00Z", people=[undecided()]))
    assert course.duty("parent_decision").state == "done"


def test_a_removal_from_a_register_is_a_known_duty_that_nobody_completes() -> None:  # B25, B7
    course = Course().post(reported()).post(duty_completed("register_removal", "done", time="2026-03-02T09:00:00Z"))
    assert [warning for warning in course.warnings if "no duty of this code is open" in warning]
    assert not [entry for entry in course.episode.register if entry.removed_at]


def test_nobody_decides_about_a_suspected_abductor_or_at_home() -> None:
    course = Course().post(reported(people=[undecided(suspected_abductor=True)]))
    assert "parent_decision" not in course.codes
    assert "parent_decision" not in Course().post(reported_at_home()).codes


# messages at each due time (B6)


def test_parents_and_carer_hear_at_each_police_update_done_or_not() -> None:
    course = Course().post(reported())
    course.post(duty_completed("police_update", "done", time="2026-03-03T09:00:00Z", at=DROP))
    course.run_until("2026-03-09T00:00:00Z")
    assert course.told("duty:police_update", "message") == [
        ("Pat Example", "2026-03-03T19:30Z"),
        ("Chris Carer", "2026-03-03T19:30Z"),
        ("Pat Example", "2026-03-08T19:30Z"),
        ("Chris Carer", "2026-03-08T19:30Z"),
    ], "the withheld parent never"
    assert course.times("duty:police_update", "duty_overdue") == ["2026-03-08T19:30Z"]


def test_a_carer_nobody_named_is_a_gap() -> None:
    course = Course().post(reported(people=[])).run_until("2026-03-02T19:30:00Z")
    gaps = [d for d in course.decisions if d.cause == "duty:regulator_decision" and d.outcome == "gap"]
    assert [d.roles for d in gaps if d.kind == "duty_overdue"] == [("carer",)]


# six months (A2, B10, B22 to B25)


def test_the_register_holds_the_listed_roles_once_each() -> None:
    course = Course().post(reported(episode={"risk": {"level": "high"}}))
    assert sorted((e.role, e.organisation) for e in course.episode.register) == [
        ("host_authority", NORTH_LINCOLNSHIRE),
        ("iro", BROMLEY),
        ("missing_persons_bureau", "missing-persons-bureau"),
        ("police", "E23000012"),
        ("police_responsible", "E23000001"),
        ("responsible_authority", BROMLEY),
        ("school", "school:900001"),
    ]
    assert {(e.received_at, e.remove_at) for e in course.episode.register} == {(at(ARRIVED), at("2026-09-01T18:45Z"))}


def test_each_date_renotifies_once_and_leaves_no_gap() -> None:
    course = Course().post(reported(placement=LEEDS_CARE, time="2026-08-31T09:00:00Z",
                                    episode={"since": "2026-08-31T07:00:00Z"}))  # fmt: skip
    course.run_until("2029-03-01T00:00:00Z")
    dates = ["2027-02-28T10:00Z", "2027-08-31T09:00Z", "2028-02-29T10:00Z", "2028-08-31T09:00Z", "2029-02-28T10:00Z"]
    assert course.times("duty:renotify", "renotification") == dates
    roles = [role for role, when in course.told("duty:renotify") if when == dates[0]]
    assert sorted(roles) == ["iro", "police", "responsible_authority", "school"]
    entries = [e for e in course.episode.register if e.role == "school"]
    assert [f"{e.received_at:%Y-%m-%dT%H:%MZ}" for e in entries] == ["2026-08-31T09:00Z", *dates]
    for entry, following in pairwise(entries):
        assert (entry.removed_at, entry.removed_by) == (following.received_at, "duty:renotify")
    assert entries[1].remove_at == at("2027-08-31T09:00Z"), "the next date, not six months from 28 February"
    assert {d.state for d in course.duties("renotify")[:-1]} == {"done"}


@pytest.mark.parametrize("ending", [found, returned])
@pytest.mark.parametrize("time", ["2026-08-31T18:45:00Z", "2026-09-01T18:44:59Z", "2026-09-01T18:45:00Z"])
def test_found_or_returned_before_or_at_the_date_renotifies_nobody(ending: Any, time: str) -> None:
    section = "found" if ending is found else "returned"
    course = Course().post(reported()).post(ending(time=time, **{section: {"at": DROP}}))
    course.run_until("2028-01-01T00:00:00Z")
    assert course.told("duty:renotify") == []
    assert {(e.removed_at, e.removed_by) for e in course.episode.register} == {
        (at(time), f"event:{'F1' if ending is found else 'R1'}")
    }


def test_after_a_move_the_former_desks_lapse_and_the_new_are_renewed() -> None:
    course = Course().post(reported(placement=LEEDS_CARE))
    course.post(updated(time="2026-05-01T09:00:00Z", placement={"host_authority": NORTH_LINCOLNSHIRE}))
    new = next(e for e in course.episode.register if e.organisation == NORTH_LINCOLNSHIRE)
    assert (new.received_at, new.remove_at) == (at("2026-05-01T09:00Z"), at("2026-11-01T10:00Z"))
    course.run_until("2026-12-01T00:00:00Z")
    former = [e for e in course.episode.register if (e.role, e.organisation) == ("police", "E23000010")]
    assert [(e.removed_at, e.removed_by) for e in former] == [(at("2026-09-01T18:45Z"), "duty:register_removal")]
    renewed = [e for e in course.episode.register if e.organisation == NORTH_LINCOLNSHIRE]
    assert [(e.removed_by, e.remove_at) for e in renewed] == [
        ("duty:renotify", at("2026-11-01T10:00Z")),
        (None, at("2027-03-01T19:45Z")),
    ]


def test_a_circulation_is_renewed_too() -> None:
    held = duty_completed("strategy_discussion", circulate=["london"], time="2026-03-02T09:00:00Z", at=DROP)
    course = Course().post(reported()).post(held).run_until("2026-12-01T00:00:00Z")
    assert ("circulation:london", "2026-09-01T18:45Z") in course.told("duty:renotify")
    live = [e for e in course.episode.register if e.role == "circulation:london" and e.removed_at is None]
    assert len(live) == 32
    assert {e.received_at for e in live} == {at("2026-09-01T18:45Z")}


# the hub was down


def test_a_hub_that_was_down_does_what_is_due_once_when_it_wakes() -> None:
    course = Course().post(reported()).wakes_late("2026-03-06T12:00:00Z")
    late = "2026-03-06T12:00Z"
    assert course.told("duty:mash_notice") == [("mash", late)]
    assert course.told("duty:daily_contact") == [("Jo Worker", late)], "chased once, for the newest, and not reminded"
    assert [d.state for d in course.duties("daily_contact")] == ["overdue"] * 4 + ["open"]
    assert course.duties("daily_contact")[-1].due_at == at("2026-03-06T19:30Z")
    course.run_until("2026-03-06T20:00:00Z")
    assert course.told("duty:daily_contact")[1:] == [
        ("Jo Worker", "2026-03-06T13:30Z"),
        ("Jo Worker", "2026-03-06T19:30Z"),
    ]


def test_a_hub_that_was_down_at_the_limit_makes_the_child_missing_as_of_then() -> None:
    course = Course().post(lincs_away()).wakes_late("2026-03-02T12:00:00Z")
    assert ("police", "2026-03-02T12:00Z") in course.told("duty:away_limit", "missing")
    assert course.duty("risk_management_meeting").due_at == at("2026-03-03T15:00Z")


def test_a_hub_that_was_down_for_a_year_renotifies_for_each_date_and_removes_nothing() -> None:
    course = Course().post(reported()).wakes_late("2027-04-01T00:00:00Z")
    assert len(course.duties("renotify")) == 3
    assert len(course.told("duty:renotify", "renotification")) == 2 * len(set(course.told("duty:renotify")))
    assert {e.removed_by for e in course.episode.register} == {"duty:renotify", None}
    live = [(e.organisation, e.role) for e in course.episode.register if e.removed_at is None]
    assert len(live) == len(set(live)) == len({(e.organisation, e.role) for e in course.episode.register})


# edited packs


def handed_over() -> Packs:
    """The real packs, but the six months stand in a pack of their own and come every month."""
    national, *others = load_packs().packs
    renotify = next(row for row in national.duties if row.code == "renotify")
    monthly = renotify.model_copy(update={"due": Period(months=1), "repeats": Period(months=1)})
    kept = tuple(row for row in national.duties if row.code != "renotify")
    return Packs(
        (
            national.model_copy(update={"duties": kept}),
            *others,
            national.model_copy(update={"name": "own", "recipients": (), "register_": None, "duties": (monthly,)}),
        )
    )


def test_six_months_survive_an_edited_pack() -> None:
    course = Course().post(reported()).run_until("2026-04-01T00:00:00Z")
    course.packs = handed_over()
    course.post(updated(time="2026-04-01T09:00:00Z", episode={"clothing": "Red coat"}))
    course.run_until("2026-11-15T00:00:00Z")
    dates = ["2026-09-01T18:45Z", "2026-10-01T18:45Z", "2026-11-01T19:45Z"]
    assert course.times("duty:renotify", "renotification") == dates, "what was promised stands, then as the pack says"


def test_a_pack_without_the_six_months_is_not_said_to_have_renotified() -> None:
    course = Course().post(reported()).run_until("2026-04-01T00:00:00Z")
    course.packs = Packs(handed_over().packs[:-1])
    course.run_until("2026-11-15T00:00:00Z")
    assert course.told("duty:renotify") == []
    assert course.duty("renotify").state == "cancelled"


def test_the_clock_never_sleeps_past_what_is_due() -> None:
    course = Course().post(reported())
    for _ in range(60):
        wake = next_wake(course.episode)
        assert wake is not None
        moments = [m for d in course.episode.duties for m in (d.remind_at, d.turn_at, d.chase_at) if m is not None]
        moments += [e.remove_at for e in course.episode.register if e.removed_at is None]
        assert wake == min(moments)
        course.run_until(wake)
        after = next_wake(course.episode)
        assert after is not None
        assert after > wake
