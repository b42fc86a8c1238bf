"""Every option of the delivered packs: what it adds where it is on, and nothing else; off, it adds nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import pytest

from hub.simulate import simulate
from routing.packs import Packs, load_packs, parse_pack

LEEDS, BROMLEY, LINCS, YORK, ESSEX = "E08000035", "E09000006", "E06000013", "E06000014", "E10000012"
HARTLEPOOL = "E06000001"
START: Final = datetime.fromisoformat("2026-03-02T10:00:00+00:00")
PACKS: Final = load_packs()
NAMES: Final = [f"{pack.name}:{name}" for pack in PACKS.written for name in pack.options]
CARER: Final = {"role": "carer", "name": "Ash Carer", "email": "ash@home.example"}
REMINDERS: Final = ("duty_due", "duty_overdue")

Json = dict[str, Any]
Told = set[tuple[str, str]]
"""Role and kind."""
Due = set[tuple[str, str, str]]
"""Code, owner, and how long after the report it is due (``+2:00:00``, ``+1 day, 0:00:00``)."""


def event(kind: str, hours: float, **data: Any) -> Json:
    return {
        "specversion": "1.0", "id": f"{kind}-{hours}", "source": "urn:fingerpost:source:example",
        "type": f"fingerpost.{kind}.v1", "time": (START + timedelta(hours=hours)).isoformat(), "data": data,
    }  # fmt: skip


def update(hours: float, **data: Any) -> Json:
    return event("episode.updated", hours, **{"episode": {"ref": "X-1", **data.pop("episode", {})}, **data})


def found(hours: float = 5, **said: Any) -> Json:
    return event("episode.found", hours, episode={"ref": "X-1"}, found={"by": "authority", "safe": True, **said})


def returned(hours: float = 6, **said: Any) -> Json:
    return event("episode.returned", hours, episode={"ref": "X-1"},
                 returned={"to": "placement", "brought_by": "carer", **said})  # fmt: skip


def done(duty: str, outcome: str, hours: float = 7) -> Json:
    return event("duty.completed", hours, episode={"ref": "X-1"}, duty=duty, outcome=outcome, by="Jo Worker")


@dataclass(frozen=True, kw_only=True)
class Case:
    """One story in which an option matters: ``told`` and ``due`` is what it adds, ``spared`` what it takes away."""

    option: str
    host: str = LEEDS
    responsible: str | None = None
    placement: str = "foster_care"
    episode: Mapping[str, Any] = field(default_factory=dict)
    child: Mapping[str, Any] = field(default_factory=dict)
    then: Sequence[Json] = ()
    told: Told = field(default_factory=set)
    spared: Told = field(default_factory=set)
    due: Due = field(default_factory=set)
    until: float = 8

    def events(self) -> list[Json]:
        home = self.placement == "family_home"
        report = event(
            "episode.reported",
            0,
            episode={"ref": "X-1", "category": "missing", **self.episode},
            child={"ref": "C", "name": "Robin Example", "date_of_birth": "2011-08-17", "looked_after": not home,
                   "known_to_childrens_services": True, **self.child},
            placement={"type": self.placement, "host_authority": self.host,
                       **({} if home else {"responsible_authority": self.responsible or self.host})},
            people=[] if home else [CARER],
        )  # fmt: skip
        return [report, *self.then]


def answer(case: Case, *, on: bool) -> Json:
    scenario = {
        "title": case.option,
        "events": case.events(),
        "until": (START + timedelta(hours=case.until)).isoformat(),
    }
    said = simulate(scenario, PACKS.switched([case.option]) if on else PACKS)
    assert {a["status"] for a in said["answers"]} == {202}, said["answers"]
    return said


def told(said: Json) -> Told:
    return {
        (role, d["kind"])
        for d in said["decisions"]
        for role in d["roles"]
        if d["outcome"] == "notify" and d["kind"] not in REMINDERS
    }


def due(said: Json) -> Due:
    return {
        (d["code"], d["owner"], f"+{datetime.fromisoformat(d['due_at']) - START}")
        for d in said["duties"]
        if d["occurrence"] == 1
    }


AWAY: Final = {"category": "away"}
NOBODY_KNOWS: Final = {"category": "away", "whereabouts_known": False}
AGAIN: Final = {"previous_episodes": 1}
DAY, THREE_DAYS, WEEK = "+1 day, 0:00:00", "+3 days, 0:00:00", "+7 days, 0:00:00"
AFTER = "+3 days, 6:00:00"
"""72 hours after the return."""
DAY_AFTER, WEEK_AFTER, DAY_DONE, WEEK_DONE = (
    "+1 day, 6:00:00", "+7 days, 6:00:00", "+1 day, 7:00:00", "+7 days, 7:00:00"
)  # fmt: skip
HELD: Final = (returned(), done("return_interview", "held"))
DECLINED: Final = (returned(), done("return_interview", "declined"))
CHECKED: Final = (returned(), done("safe_and_well_check", "done"))

NATIONAL = [
    Case(option="national:senior_officer", episode={"risk": {"level": "high"}},
         told={("police_senior_officer", "missing")}, until=1),
    Case(option="national:family_support", episode={"risk": {"level": "high"}},
         due={("family_support", "responsible_authority", DAY)}),
    Case(option="national:exploitation_assessment", due={("exploitation_assessment", "responsible_authority", DAY)}),
    Case(option="national:category_review",
         episode={**AWAY, "at_risk": True, "risk": {"basis": "x"}, "police": {"classification": "absent"}},
         due={("category_review", "police", "+0:00:00")}),
    Case(option="national:category_review", host=BROMLEY,
         episode={"police": {"classification": "no_apparent_risk"}, "sexual_exploitation_suspected": True},
         due={("category_review", "police", "+0:00:00")}),
    Case(option="national:trafficking_assessment", then=[update(2, episode={"trafficking_suspected": True})],
         due={("trafficking_assessment", "responsible_authority", "+2:00:00")}),
    Case(option="national:police_circulation", child={"subject_to_immigration_restriction": True},
         due={("police_circulation", "police", "+0:00:00")}),
    Case(option="national:action_plan", due={("action_plan", "social_worker", "+0:00:00")}),
    Case(option="national:address_visits", due={("address_visits", "social_worker", DAY)}),
    Case(option="national:iro_contact", due={("iro_contact", "iro", THREE_DAYS)}),
    Case(option="national:found_plan", then=[returned()],
         due={("found_plan", "responsible_authority", THREE_DAYS),
              ("placement_review", "responsible_authority", AFTER)}),
    Case(option="national:repeat_review", child=AGAIN, due={("repeat_review", "responsible_authority", THREE_DAYS)}),
    Case(option="national:risk_assessment_update", then=[returned()],
         due={("risk_assessment_update", "social_worker", WEEK_AFTER)}),
    Case(option="national:abuse_at_return", then=[returned(harm_suspected=True)],
         told={("responsible_authority", "concern")}),
    Case(option="national:abuse_at_return", placement="family_home", then=[returned(to="home", harm_suspected=True)],
         told={("host_authority", "concern")}),
    Case(option="national:home_office_find", child={"subject_to_immigration_restriction": True},
         then=[found(by="home_office")],
         due={("destination_decision", "home_office", "+5:00:00"),
              ("home_office_follow_up", "home_office", "+1 day, 5:00:00")}),
    Case(option="national:priority_interview", child=AGAIN, then=[returned()],
         told={("responsible_authority", "threshold")}),
    Case(option="national:priority_interview", then=[returned(crime_alleged=True)],
         told={("responsible_authority", "threshold")}),
    Case(option="national:review_decision", then=[returned()], due={("review_decision", "iro", WEEK_AFTER)}),
    Case(option="national:iro_of_interview", then=HELD, told={("iro", "message")},
         due={("interview_known", "hub", "+7:00:00")}),
    Case(option="national:family_view", then=DECLINED, due={("family_view", "responsible_authority", WEEK_DONE)}),
    Case(option="national:family_view", then=[returned(), done("return_interview_offer", "declined")],
         due={("family_view", "responsible_authority", WEEK_DONE)}),
    Case(option="national:trafficking_agencies", episode={"trafficking_suspected": True},
         told={("trafficking_centre", "missing"), ("home_office", "missing")}),
    Case(option="national:authority_missing_from", episode={"missing_from_authority": YORK},
         told={("authority_missing_from", "missing")}),
]  # fmt: skip
BROMLEYS = [
    Case(option="bromley:strategy_24h_in_care", host=BROMLEY,
         due={("strategy_discussion", "responsible_authority", DAY)}),
    Case(option="bromley:away_limit", host=BROMLEY, episode=NOBODY_KNOWS, spared={("police", "concern")}, until=5,
         due={("away_limit", "hub", "+6:00:00")}),
    Case(option="bromley:away_review", host=BROMLEY, episode=AWAY, due={("away_review", "carer", DAY)}),
    Case(option="bromley:risk_reassessment", host=BROMLEY,
         due={("risk_reassessment", "responsible_authority", THREE_DAYS)}),
    Case(option="bromley:initial_assessment", host=BROMLEY, placement="family_home", child=AGAIN,
         due={("initial_assessment", "host_authority", DAY)}),
    Case(option="bromley:under_ten_assessment", host=BROMLEY, placement="family_home", then=[returned(to="home")],
         child={"date_of_birth": "2018-01-01"}, due={("under_ten_assessment", "host_authority", AFTER)}),
    Case(option="bromley:common_assessment", host=BROMLEY, placement="family_home", then=[returned(to="home")],
         child={**AGAIN, "known_to_childrens_services": False},
         due={("common_assessment", "host_authority", WEEK_AFTER)}),
    Case(option="bromley:placement_review", host=BROMLEY, then=[found()],
         due={("placement_review", "responsible_authority", "+3 days, 5:00:00")}),
    Case(option="bromley:strategy_after_return", host=BROMLEY, then=[returned()],
         due={("strategy_decision", "responsible_authority", AFTER)}),
    Case(option="bromley:recovery_order", host=BROMLEY, episode=AWAY,
         due={("recovery_order_decision", "responsible_authority", "+2 days, 0:00:00")}),
    Case(option="bromley:carer_of_activity", host=BROMLEY, episode={"missing_from": "external_activity"},
         told={("carer", "missing")}),
    Case(option="bromley:return_plan", host=BROMLEY, due={("return_plan", "responsible_authority", DAY)}),
    Case(option="bromley:care_plan_revision", host=BROMLEY, then=[returned()],
         due={("care_plan_revision", "social_worker", WEEK_AFTER)}),
    Case(option="bromley:return_transport", host=BROMLEY, then=[found()],
         due={("return_transport", "social_worker", "+11:00:00")}),
    Case(option="bromley:return_transport", host=BROMLEY, then=[returned()]),
    Case(option="bromley:residents_told", host=BROMLEY, due={("residents_told", "carer", DAY)}),
    Case(option="bromley:interviewer_named", host=BROMLEY, then=[returned()],
         due={("interviewer_named", "group_manager", DAY_AFTER)}),
    Case(option="bromley:interviewer_agreed", host=LEEDS, responsible=BROMLEY, then=[returned()],
         due={("interviewer_agreed", "responsible_authority", DAY_AFTER)}),
    Case(option="bromley:interview_shared", host=BROMLEY, then=HELD,
         due={("interview_shared", "responsible_authority", WEEK_DONE)}),
    Case(option="bromley:interview_shared", host=BROMLEY, then=DECLINED),
    Case(option="bromley:check_result", host=BROMLEY, then=CHECKED, due={("check_result", "police", DAY_DONE)}),
]  # fmt: skip
LINCOLNSHIRE = [
    Case(option="north-lincolnshire:police_reference", host=LINCS,
         due={("police_reference", "responsible_authority", "+1:00:00")}),
    Case(option="north-lincolnshire:police_reference", host=LINCS, episode={"police": {"incident_number": "HP-1"}}),
    Case(option="north-lincolnshire:police_classification", host=LINCS,
         episode={**AWAY, "at_risk": True, "risk": {"basis": "x"}},
         due={("police_classification", "police", "+1:00:00")}),
    Case(option="north-lincolnshire:police_classification", host=LINCS, episode=AWAY),
    Case(option="north-lincolnshire:away_review", host=LINCS, episode=AWAY, due={("away_review", "carer", DAY)}),
    Case(option="north-lincolnshire:supervisor_review", host=LINCS, due={("supervisor_review", "police", "+1:00:00")}),
    Case(option="north-lincolnshire:grade_review", host=LINCS, episode={"risk": {"level": "medium"}},
         due={("grade_review", "police", DAY)}),
    Case(option="north-lincolnshire:grade_review", host=LINCS, episode={"risk": {"level": "high"}}),
    Case(option="north-lincolnshire:family_contact", host=LINCS, due={("family_contact", "social_worker", DAY)}),
    Case(option="north-lincolnshire:family_contact", host=LINCS, placement="family_home",
         due={("family_contact", "missing_advocate", DAY)}),
    Case(option="north-lincolnshire:fostering_told", host=LINCS, episode=AWAY,
         told={("supervising_social_worker", "away")}),
    Case(option="north-lincolnshire:services_at_return", host=LINCS, episode=AWAY, child={"early_help": True},
         then=[found(), returned()],
         told={(role, kind) for role in ("early_help", "missing_advocate") for kind in ("found", "returned")}),
    Case(option="north-lincolnshire:plan_worker", host=LINCS,
         child={**AGAIN, "early_help": True, "child_protection_plan": True, "legal_status": "remand"},
         told={(role, "threshold") for role in ("early_help", "practice_supervisor", "social_worker",
                                                "youth_offending_service")}),
    Case(option="north-lincolnshire:review_brought_forward", host=LINCS, then=[returned()],
         due={("review_decision", "iro", WEEK_AFTER)}),
    Case(option="north-lincolnshire:missing_strategy", host=LINCS, then=[returned()],
         due={("missing_strategy", "social_worker", WEEK_AFTER)}),
    Case(option="north-lincolnshire:interview_arranged", host=LINCS, then=[returned()],
         due={("interview_arranged", "missing_advocate", AFTER)}),
    Case(option="north-lincolnshire:interviewer_agreed", host=LINCS, responsible=LEEDS, then=[returned()],
         due={("interviewer_agreed", "responsible_authority", DAY_AFTER)}),
    Case(option="north-lincolnshire:interviewer_agreed", host=LINCS, then=[returned()]),
    Case(option="north-lincolnshire:interview_briefing", host=LINCS, then=[returned()],
         due={("interview_briefing", "social_worker", DAY_AFTER)}),
    Case(option="north-lincolnshire:interview_forwarded", host=LINCS, responsible=LEEDS, then=HELD,
         due={("interview_to_police", "missing_advocate", DAY_DONE),
              ("interview_to_advocate", "responsible_authority", DAY_DONE)}),
    Case(option="north-lincolnshire:interview_signed_off", host=LINCS, then=HELD,
         due={("interview_signed_off", "practice_supervisor", WEEK_DONE)}),
    Case(option="north-lincolnshire:interview_declined", host=LINCS, then=DECLINED,
         due={("another_interviewer", "missing_advocate", WEEK_DONE),
              ("known_information_shared", "missing_advocate", WEEK_DONE)}),
    Case(option="north-lincolnshire:repeat_plan", host=LINCS, child=AGAIN, then=HELD,
         due={("repeat_plan", "responsible_authority", WEEK_DONE)}),
    Case(option="north-lincolnshire:repeat_plan", host=LINCS, then=HELD),
    Case(option="north-lincolnshire:stay_or_return", host=LINCS, episode=AWAY,
         due={("stay_or_return", "responsible_authority", "+6:00:00")}),
    Case(option="north-lincolnshire:return_arranged", host=LINCS, then=[found()],
         due={("return_arranged", "responsible_authority", "+11:00:00")}),
]  # fmt: skip
OTHERS = [
    Case(option="childrens-home:regulator", placement="childrens_home", told={("regulator", "missing")}),
    Case(option="childrens-home:wellbeing_visit", placement="childrens_home", episode=AWAY,
         due={("wellbeing_visit", "carer", DAY)}),
    Case(option="childrens-home:private_meeting", placement="childrens_home", then=[returned(harm_suspected=True)],
         due={("private_meeting", "carer", AFTER)}),
    Case(option="childrens-home:private_meeting", placement="childrens_home", then=[returned()]),
    Case(option="london:looked_after_circulation", host=BROMLEY, told={("circulation:london", "missing")}),
    Case(option="london:enquiry_circulation", host=BROMLEY, placement="family_home", child={"section_47_enquiry": True},
         told={("circulation:london", "missing")}),
    Case(option="london:suspicious_circulation", host=BROMLEY, episode={"abduction_suspected": True},
         told={("circulation:london", "missing")}),
    Case(option="north-yorkshire:search_recorded", host=YORK, due={("search_recorded", "carer", "+1:00:00")}),
    Case(option="north-yorkshire:search_recorded", host=YORK, episode={"initial_checks": ["Searched the garden"]}),
    Case(option="essex:safe_call", host=ESSEX, episode={"criminal_exploitation_suspected": True}, then=[returned()],
         due={("safe_call_offer", "responsible_authority", WEEK_AFTER)}),
    Case(option="essex:check_result", host=ESSEX, then=CHECKED, due={("check_result", "police", DAY_DONE)}),
]  # fmt: skip
CASES = [*NATIONAL, *BROMLEYS, *LINCOLNSHIRE, *OTHERS]


def test_every_option_has_a_story() -> None:
    assert {case.option for case in CASES} == set(NAMES)
    # and one in which it changes something
    assert {case.option for case in CASES if case.told or case.due} == set(NAMES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.option)
def test_on_it_adds_what_it_says_and_no_more(case: Case) -> None:
    off, on = answer(case, on=False), answer(case, on=True)
    assert told(on) - told(off) == case.told
    assert told(off) - told(on) == case.spared
    assert due(on) - due(off) == case.due
    assert due(off) - due(on) == set()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.option)
def test_where_only_another_authority_has_turned_it_on_nothing_changes(case: Case) -> None:
    switch = parse_pack(
        "switch",
        f'name = "switch"\ntitle = "What we turned on"\nversion = "1"\nturns_on = ["{case.option}"]\n'
        f'[applies]\nauthorities = ["{HARTLEPOOL}"]\n',
    )
    scenario = {"title": case.option, "events": case.events(), "until": (START + timedelta(hours=8)).isoformat()}
    assert simulate(scenario, Packs((*PACKS.written, switch))) == simulate(scenario, PACKS)
