"""Rules of the evidence that hold in the code: who is told what, and who is not (routing/coverage_data/in_code.toml).

Each test bears the ids of the rules it shows: an event in, what follows out. Where another test of the suite shows a
rule already, in_code.toml names that one.
"""

from typing import Any

import pytest

from contacts.areas import load_areas
from hub.core.events import Invalid, parse
from routing.facts import derive
from routing.needtoknow import permitted
from routing.packs import ROLES, PackProblem, parse_pack
from tests.kit.events import (
    BROMLEY,
    DROP,
    LEEDS,
    NORTH_LINCOLNSHIRE,
    away,
    found,
    merged,
    raw,
    reported,
    reported_at_home,
    reported_in_full,
    returned,
    updated,
    wire_rules,
)
from tests.kit.rules import (
    CARE,
    CSC,
    DAY,
    ESSEX,
    HIGH,
    PAT,
    RESTRICTED,
    SAM,
    WORKER,
    YORK,
    after,
    at_home,
    desk,
    duties,
    one,
    told,
)

# What is a fact of its own --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "police",
    [
        {"reported_at": "2026-03-01T19:42:00Z", "incident_number": "HP-0042"},
        {"classification": "missing"},
        {"classification": "absent"},
        {"classification": "no_apparent_risk"},
    ],
)
def test_a_01_a_05_a_06_what_the_police_say_stands_beside_the_category(police: dict[str, str]) -> None:
    without, with_it = after(reported(), until=DAY), after(reported(episode={"police": police}), until=DAY)
    assert told(without) == told(with_it)
    assert {*duties(without)} == {*duties(with_it)}
    assert with_it.episode().doc["episode"]["category"] == "missing"
    fresh = {*one(with_it, "E1", "police").fields} - {*one(without, "E1", "police").fields}
    assert fresh == {f"episode.police.{key}" for key in police}


def test_a_17_restriction_is_said_and_never_concluded() -> None:
    hints = {"ethnicity": "Any", "preferred_language": "Welsh", "home_office_reference": "HO-7781234"}
    doc = reported(child=hints)["data"]
    assert derive(doc, load_areas(), ever_missing=True)["restricted"] is False
    assert not {role for role in told(after(reported(child=hints))) if role.startswith("home_office")}
    assert "home_office" in told(after(reported(child=RESTRICTED)))


def test_a_26_missing_with_known_whereabouts_is_refused() -> None:
    answer = parse(raw(reported(episode={"whereabouts_known": True})), wire_rules())
    assert isinstance(answer, Invalid)
    assert [problem.path for problem in answer.problems] == ["data.episode.whereabouts_known"]
    assert not isinstance(parse(raw(away(episode={"whereabouts_known": True})), wire_rules()), Invalid)


@pytest.mark.parametrize("word", ["high", "medium", "low", "none_apparent"])
def test_a_52_the_four_grades_are_words_of_the_wire(word: str) -> None:
    assert one(after(reported(episode={"risk": {"level": word}})), "E1", "police").outcome == "notify"


@pytest.mark.parametrize(("part", "key"), [("risk", "level"), ("police", "classification"), ("episode", "category")])
def test_a_52_a_83_no_other_word_is_taken(part: str, key: str) -> None:
    facts = {key: "very bad"} if part == "episode" else {part: {key: "very bad"}}
    answer = parse(raw(reported(episode=facts)), wire_rules())
    assert isinstance(answer, Invalid)
    path = f"data.episode.{key}" if part == "episode" else f"data.episode.{part}.{key}"
    assert [problem.path for problem in answer.problems] == [path]


def test_a_65_a_child_is_missing_and_an_absconder_at_once() -> None:
    engine = after(reported(child={"absconder": True}))
    police = one(engine, "E1", "police")
    assert police.kind == "missing"
    assert {"child.absconder", "episode.category"} <= {*police.fields}
    assert {"safe_and_well_check", "return_interview"} <= {*duties(after(reported(child={"absconder": True}), found()))}


# Whose protocol, whose desk -------------------------------------------------------------------------------------------


def test_a_19_a_20_responsible_and_host_are_two_only_out_of_area() -> None:
    apart = after(reported())
    assert desk(one(apart, "E1", "responsible_authority")) == BROMLEY
    assert desk(one(apart, "E1", "host_authority")) == NORTH_LINCOLNSHIRE
    together = after(reported(placement=CARE))
    assert desk(one(together, "E1", "responsible_authority")) == LEEDS
    assert "host_authority" not in told(together)


@pytest.mark.parametrize("event", ["missing", "away", "found"])
def test_a_47_b_136_the_hosts_protocol_and_the_responsible_ones_hold_at_once(event: str) -> None:
    """Of Bromley, in North Lincolnshire: each names duties that the other does not."""
    match event:
        case "missing":
            engine, theirs, ours = after(reported()), "risk_management_meeting", "review_discussion"
        case "away":
            engine, theirs, ours = after(away(episode={"whereabouts_known": False})), "away_limit", "away_report"
        case _:
            placement = {"type": "foster_care", "host_authority": ESSEX}
            engine = after(reported(placement=placement), found())
            theirs, ours = "social_worker_visit", "review_discussion"
    assert {theirs, ours} <= {*duties(engine)}
    alone = {"responsible_authority": LEEDS, "host_authority": LEEDS}
    assert not {theirs, ours} & {*duties(after(reported(placement=alone)))}


def test_a_79_abduction_is_as_serious_as_high_whatever_the_grade() -> None:
    engine = after(reported(episode={"abduction_suspected": True, "risk": {"level": "low"}}))
    first = engine.of("E1")[0]
    assert ("police" in first.roles, first.priority) == (True, "immediate")
    assert {d.priority for d in engine.of("E1", "notify")} == {"immediate", "high"}
    plain = after(reported(episode={"risk": {"level": "low"}}))
    assert {d.priority for d in plain.of("E1", "notify")} == {"normal"}


def test_a_49_a_90_where_the_pack_says_so_ungraded_is_as_serious_as_high() -> None:
    ungraded = {"risk": DROP}
    assert {d.priority for d in after(reported(episode=ungraded)).of("E1", "notify")} == {"high"}
    elsewhere = after(reported(episode=ungraded, placement=CARE))
    assert {d.priority for d in elsewhere.of("E1", "notify")} == {"normal"}


def test_b_05_b_06_g_07_h_14_who_is_not_a_role_is_told_nothing_and_a_row_needs_a_rule() -> None:
    assert not {role for role in ROLES if any(word in role for word in ("press", "media", "news", "reporter"))}
    text = 'name = "x"\ntitle = "X"\nversion = "1"\n[applies]\nalways = true\n[[recipients]]\nmissing = "always"\n'
    evidence = '[evidence.X-1]\nsource = "009"\nsection = "1"\nquote = "so"\n'
    with pytest.raises(PackProblem, match="'press' is not a recipient role"):
        parse_pack("x", f'{text}role = "press"\nrules = ["X-1"]\n{evidence}')
    with pytest.raises(PackProblem, match=r"recipients\[0\]\.rules"):
        parse_pack("x", f'{text}role = "police"\nrules = []\n')
    assert parse_pack("x", f'{text}role = "police"\nrules = ["X-1"]\n{evidence}').recipients


def test_g_08_nobody_is_told_without_a_rule() -> None:
    engine = after(
        reported(child={**RESTRICTED, "child_protection_plan": True}, episode=HIGH), updated(episode={"at_risk": True}),
        found(found={"safe": False}), returned(returned={"harm_suspected": True}), until="2026-04-10T00:00:00Z",
    )  # fmt: skip
    assert len(engine.decisions) > 40
    assert all(decision.rules for _, decision in engine.decisions)


def test_b_126_g_12_whoever_reported_hears_nothing_from_the_hub() -> None:
    reporter = {"role": "reporter", "name": "Ronnie Reporter", "email": "r@reporter.example", "phone": "+447700900142"}
    people = [*reported()["data"]["people"], reporter]
    engine = after(reported(people=people), updated(episode={"clothing": "Red coat"}), found(), returned())
    assert all(r.person != "Ronnie Reporter" for _, d in engine.decisions for r in d.recipients)


# The first notice -----------------------------------------------------------------------------------------------------


def test_a_45_a_looked_after_child_with_the_parents_is_looked_after() -> None:
    engine = after(reported(placement={**CARE, "type": "with_parents"}))
    assert {"responsible_authority", WORKER, "iro"} <= told(engine)
    assert {"missing_from_care_meeting", "daily_contact"} <= {*duties(engine)}


def test_a_46_a_care_leaver_of_nineteen_is_told_of() -> None:
    leaver = {"looked_after": False, "care_leaver": True, "date_of_birth": "2006-08-17", "legal_status": DROP}
    engine = after(reported(child=leaver))
    assert "responsible_authority" in told(engine)
    assert "adulthood" not in duties(engine)


@pytest.mark.parametrize(
    ("report", "wanted"),
    [
        (reported(episode=HIGH), CSC),
        (reported(episode=HIGH, placement=CARE), {"responsible_authority"}),
        (reported_at_home(episode=HIGH), {"host_authority"}),
    ],
    ids=["out of area", "in area", "at home"],
)
def test_b_28_b_109_b_110_h_23_high_risk_reaches_childrens_services_and_the_bureau_at_once(
    report: dict[str, Any], wanted: set[str]
) -> None:
    engine = after(report)
    assert wanted | {"missing_persons_bureau"} <= told(engine)
    assert {d.at.isoformat() for d in engine.of("E1", "notify")} == {report["time"].replace("Z", "+00:00")}
    assert ("ceop" in told(engine)) is (BROMLEY in report["data"]["placement"].values())


def test_b_46_the_police_get_the_form_with_the_first_notice() -> None:
    engine = after(reported(form={"Suicide or self-harm risk": "No"}))
    assert "form" in one(engine, "E1", "police").fields


@pytest.mark.parametrize("report", [reported(), reported(placement=CARE), at_home(), reported_at_home()])
def test_b_107_b_156_b_174_h_47_police_and_childrens_services_hear_of_every_missing_child(
    report: dict[str, Any],
) -> None:
    engine = after(report)
    assert "police" in told(engine)
    assert CSC & told(engine)


def test_b_51_b_53_childrens_services_see_what_makes_the_child_vulnerable() -> None:
    facts = {"disabilities": "Learning disability", "medical": "Self-harm in January"}
    engine = after(at_home(child=facts, episode={"sexual_exploitation_suspected": True}))
    seen = {*one(engine, "E1", "host_authority").fields}
    assert {"child.disabilities", "child.medical", "episode.sexual_exploitation_suspected"} <= seen


def test_b_71_parents_by_the_recorded_decision_and_never_against_it() -> None:
    engine = after(reported())
    assert PAT in told(engine)
    assert SAM not in told(engine)
    assert [d.recipients[0].person for d in engine.of("E1", "withhold")] == ["Sam Example"]


def test_b_80_b_83_b_87_an_activity_outside_takes_no_duty_away() -> None:
    inside, outside = after(reported()), after(reported(episode={"missing_from": "external_activity"}))
    assert WORKER in told(outside)
    assert told(inside) == told(outside)
    assert {*duties(outside)} == {*duties(inside), "party_return_decision"}


@pytest.mark.parametrize("category", ["missing", "away"])
def test_b_131_an_absconder_is_told_to_the_police_at_once_at_sixteen_too(category: str) -> None:
    child = {"absconder": True, "date_of_birth": "2009-08-17"}
    engine = after(reported(child=child, episode={"category": category}))
    assert one(engine, "E1", "police").at == one(engine, "E1", "responsible_authority").at
    other = after(reported(child={**child, "absconder": False}, episode={"category": category}))
    assert ("police" in told(other)) is (category == "missing")


def test_h_37_three_desks_of_the_home_office_each_at_its_event() -> None:
    engine = after(reported(child=RESTRICTED), found(found={"by": "authority"}))
    assert {r for r in told(engine) if r.startswith("home")} == {"home_office", "home_office_evidence"}
    assert {r for r in told(engine, "F1") if r.startswith("home")} == {
        "home_office", "home_office_evidence", "home_office_immigration_enforcement",
    }  # fmt: skip
    theirs = after(reported(child=RESTRICTED), found(found={"by": "home_office"}))
    assert "home_office_immigration_enforcement" not in told(theirs, "F1")


# Away -----------------------------------------------------------------------------------------------------------------


def test_a_14_a_78_b_09_away_and_in_danger_is_a_concern_and_starts_no_clock_of_a_missing_child() -> None:
    engine = after(away(episode={"at_risk": True}), until=DAY)
    assert one(engine, "E1", "police").kind == "concern"
    assert {k for k in engine.heard("E1")} == {"concern", "away"}
    missing_only = {
        "daily_contact",
        "missing_from_care_meeting",
        "renotify",
        "police_update",
        "strategy_discussion_28d",
    }
    assert not missing_only & {*duties(engine)}


def test_b_154_a_concern_without_reasons_is_answered_with_a_warning() -> None:
    bare, reasoned = {"at_risk": True, "risk": {"basis": DROP}}, {"at_risk": True, "risk": {"basis": "With strangers"}}
    assert any("give the reasons" in w for w in after(away(episode=bare)).warnings["E1"])
    assert not any("give the reasons" in w for w in after(away(episode=reasoned)).warnings["E1"])


def test_a_27_away_may_become_missing_at_any_time_and_has_clocks_of_its_own() -> None:
    engine = after(away(episode={"whereabouts_known": False}))
    assert {"away_limit", "away_report"} <= {*duties(engine)}
    engine.post(updated(episode={"category": "missing"}))
    assert "police" in told(engine, "U1", "missing")
    assert {duties(engine)[code].state for code in ("away_limit", "away_report")} == {"cancelled"}


def test_a_80_each_new_fact_asks_again_who_is_told_and_what_runs() -> None:
    engine = after(away(placement={"host_authority": YORK}))
    assert "police" not in told(engine)
    engine.post(updated(child={"absconder": True}))
    assert told(engine, "U1", "away") == {"police"}
    engine.post(updated(id="U2", episode={"at_risk": True}, time="2026-03-01T21:15:00Z"))
    assert told(engine, "U2", "concern") == {"police"}
    assert "daily_contact" not in duties(engine)
    engine.post(updated(id="U3", episode={"category": "missing"}, time="2026-03-01T21:30:00Z"))
    assert "school" in told(engine, "U3", "missing")
    assert "daily_contact" in duties(engine)


def test_a_75_c_75_away_where_the_host_keeps_it_from_the_police_is_no_report_and_says_why() -> None:
    engine = after(away(placement={"host_authority": YORK, "responsible_authority": LEEDS, "type": "foster_care"}))
    [kept] = engine.of("E1", "suppress")
    assert kept.roles == ("police",)
    assert {(r.pack, r.rule) for r in kept.rules} == {("north-yorkshire", r) for r in ("B-129", "B-153", "H-03")}
    assert kept.why.startswith("north-yorkshire does not tell the police that a child is away, unless endangered")


# What may be seen -----------------------------------------------------------------------------------------------------


def test_b_31_g_05_no_place_for_whoever_is_not_on_the_list_where_trafficking_is_suspected() -> None:
    doc = merged(reported_in_full()["data"], {"episode": {"trafficking_suspected": True}})
    places = {"episode.last_seen.place", "placement.address", "placement.host_authority"}
    allowed = {role for role in ROLES if places & permitted(role, doc)}
    assert allowed == {"police", "police_missing_from", "police_responsible", "responsible_authority", "host_authority",
                       "social_worker", "home_office"}  # fmt: skip


def test_b_175_what_the_child_is_known_as_is_asked_before_anybody_is_told() -> None:
    in_the_north = {**CARE, "host_authority": NORTH_LINCOLNSHIRE, "responsible_authority": DROP}
    child = {"looked_after": False, "legal_status": DROP}
    open_case = after(reported(placement=in_the_north, child={**child, "early_help": True}))
    assert {"practice_supervisor", "early_help", "missing_advocate"} <= told(open_case)
    unknown = after(reported(placement=in_the_north, child={**child, "known_to_childrens_services": False}))
    assert {"practice_supervisor", "early_help", "missing_advocate"} & told(unknown) == {"missing_advocate"}
