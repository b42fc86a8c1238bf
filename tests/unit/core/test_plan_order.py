"""Late, twice, out of order: what an episode makes of its events (events.md, Order; readings.md A3, A4, A10, A11, B14,
B30, B44, D4, D15), and what must hold whatever comes in whatever order."""

from typing import Any

import pytest

from hub.core.events import instant
from routing.decision import Decision
from tests.kit.engine import Engine, roles
from tests.kit.events import (
    BROMLEY,
    DROP,
    LEEDS,
    away,
    duty_completed,
    found,
    reported,
    reported_at_home,
    retracted,
    returned,
    updated,
)

CARE = {"type": "independent_foster_care", "responsible_authority": LEEDS, "host_authority": LEEDS}
LATER = "2026-03-02T12:00:00Z"


def leeds(**changes: Any) -> dict[str, Any]:
    return reported(placement=CARE, **changes)


def posted(*events: dict[str, Any], at: str | None = None) -> Engine:
    engine = Engine()
    for event in events:
        engine.post(event, at=at)
    return engine


def doc(engine: Engine) -> Any:
    return engine.episode().doc


def told_kinds(engine: Engine) -> set[str]:
    return {d.kind for _, d in engine.decisions if d.outcome == "notify"}


# Facts --------------------------------------------------------------------------------------------------------------


def test_a_late_update_fills_only_what_is_empty() -> None:  # A3
    engine = posted(leeds(episode={"clothing": "Blue coat"}), updated(time="2026-03-01T22:00:00Z"))
    late = {"clothing": "Red coat", "vehicle": "Van", "risk": {"level": "high", "at": "2026-03-01T20:30:00Z"}}
    engine.post(updated(id="U2", time="2026-03-01T20:30:00Z", episode=late), at=LATER)
    facts = doc(engine)["episode"]
    assert (facts["clothing"], facts["vehicle"]) == ("Blue coat", "Van")
    assert (facts["risk"]["level"], facts["risk"]["at"]) == ("medium", "2026-03-01T20:30:00Z")
    assert set(engine.heard("U2")["update"]) >= {"police", "iro"}  # B30: with the consequences of any update


def test_a_late_update_may_make_somebody_newly_entitled() -> None:  # B30
    engine = posted(leeds(episode={"risk": DROP}), updated(time="2026-03-01T22:00:00Z"))
    late = updated(id="U2", time="2026-03-01T20:30:00Z", episode={"risk": {"level": "high"}})
    engine.post(late, at=LATER)
    assert engine.heard("U2")["missing"] == {"missing_persons_bureau"}


@pytest.mark.parametrize(
    "given_before",
    [{"vehicle": "Van"}, {"abduction_suspected": False}, {"companions": []}],
)
def test_a_given_value_is_not_empty_even_if_false(given_before: dict[str, Any]) -> None:  # A3
    (key, value) = next(iter(given_before.items()))
    engine = posted(leeds(episode=given_before), updated(time="2026-03-01T22:00:00Z"))
    other = {"vehicle": "Bus", "abduction_suspected": True, "companions": ["Alex Friend"]}[key]
    engine.post(updated(id="U2", time="2026-03-01T20:30:00Z", episode={key: other}), at=LATER)
    assert doc(engine)["episode"][key] == value


@pytest.mark.parametrize("cleared_at", ["2026-03-01T22:00:00Z", "2026-03-01T20:45:00Z"])
def test_a_cleared_value_is_not_empty_even_if_cleared_late(cleared_at: str) -> None:  # A3
    engine = posted(leeds(), updated(time="2026-03-01T22:00:00Z"))
    engine.post(updated(id="U2", time=cleared_at, episode={"vehicle": None}, school=None), at=LATER)
    engine.post(updated(id="U3", time="2026-03-01T20:30:00Z", episode={"vehicle": "Van"}), at=LATER)
    assert "vehicle" not in doc(engine)["episode"]


def test_a_default_is_empty_and_may_be_filled_late() -> None:  # A3
    engine = posted(leeds(episode={"since": DROP}), updated(time="2026-03-01T22:00:00Z"))
    assert doc(engine)["episode"]["since"] == "2026-03-01T19:45:00Z"
    engine.post(updated(id="U2", time="2026-03-01T20:30:00Z", episode={"since": "2026-03-01T19:00:00Z"}), at=LATER)
    assert doc(engine)["episode"]["since"] == "2026-03-01T19:00:00Z"


@pytest.mark.parametrize("again", ["Pat O\u2019Brien-Example", "PAT O'BRIEN EXAMPLE", "Pat O'Brien\u2011Example"])
def test_a_withheld_parent_stays_withheld_however_the_name_is_spelt(again: str) -> None:  # A5, ADR 0003
    parent = {"role": "parent", "name": "Pat O'Brien-Example", "email": "pat@family.example"}
    withheld = {**parent, "notify": {"decision": "withhold", "reason": "a threat", "decided_by": "Jo Worker"}}
    ref = {"ref": "LDS-EP-0001"}
    first = posted(reported_at_home(people=[withheld]), updated(episode=ref, people=[{**parent, "name": again}]))
    assert "missing" not in first.heard("U1")
    told = posted(reported_at_home(people=[parent]), updated(episode=ref, people=[{**withheld, "name": again}]))
    told.post(updated(id="U2", time="2026-03-01T21:30:00Z", episode={**ref, "clothing": "Red coat"}))
    assert "police" in told.heard("U2")["update"]
    assert not any("parent" in role for event in ("U1", "U2") for heard in told.heard(event).values() for role in heard)


@pytest.mark.parametrize(
    ("newer", "outcome"), [({"decision": "notify", "decided_by": "Jo Worker"}, "notify"), (DROP, "withhold")]
)
def test_a_late_update_withholds_unless_something_newer_was_said_of_the_same_person(newer: Any, outcome: str) -> None:
    parent = {"role": "parent", "name": "Pat Example", "email": "pat@family.example"}
    told = {**parent, "notify": {"decision": "notify", "decided_by": "Jo Worker"}}
    withheld = {**parent, "notify": {"decision": "withhold", "reason": "a threat", "decided_by": "Jo Worker"}}
    engine = posted(leeds(people=[told]))
    people = [parent if newer is DROP else {**parent, "notify": newer}]
    engine.post(updated(time="2026-03-01T22:00:00Z", people=people))
    engine.post(updated(id="U2", time="2026-03-01T20:30:00Z", people=[withheld]), at=LATER)
    assert engine.episode().memory.parents["Pat Example"] == outcome
    assert doc(engine)["people"][0]["notify"]["decision"] == outcome


@pytest.mark.parametrize(("at", "outcome"), [("2026-03-01T21:30:00Z", "withhold"), ("2026-03-01T20:30:00Z", "notify")])
def test_a_late_update_withholds_however_the_name_is_spelt(at: str, outcome: str) -> None:  # ADR 0003
    parent = {"role": "parent", "name": "Pat O'Brien", "email": "pat@family.example"}
    told = {**parent, "notify": {"decision": "notify", "decided_by": "Jo Worker"}}
    withheld = {**parent, "notify": {"decision": "withhold", "reason": "a threat", "decided_by": "Jo Worker"}}
    engine = posted(leeds(people=[{**parent, "name": "PAT O'BRIEN"}]))
    engine.post(updated(time="2026-03-01T21:00:00Z", people=[told]))
    engine.post(updated(id="U2", time="2026-03-01T22:00:00Z", people=[{**parent, "name": "Pat O\u2019Brien"}]))
    engine.post(updated(id="U3", time=at, people=[withheld]), at=LATER)
    assert engine.episode().memory.parents["Pat O\u2019Brien"] == outcome


def test_a_late_update_never_changes_category_or_whereabouts() -> None:  # A3
    engine = posted(leeds(), updated(time="2026-03-01T22:00:00Z"))
    engine.post(updated(id="U2", time="2026-03-01T20:30:00Z", episode={"category": "away"}), at=LATER)
    late = {"whereabouts_known": True, "vehicle": "Van"}
    engine.post(updated(id="U3", time="2026-03-01T20:30:00Z", episode=late), at=LATER)
    assert doc(engine)["episode"]["category"] == "missing"
    assert "whereabouts_known" not in doc(engine)["episode"]


def test_merging_is_key_by_key_and_null_clears() -> None:  # B44
    engine = posted(leeds(episode={"companions": ["A", "B"]}))
    change = {"risk": {"basis": None, "assessed_by": "authority"}, "companions": ["C"], "clothing": None}
    engine.post(updated(episode=change, school={"phone": "+441632960001"}))
    facts = doc(engine)["episode"]
    assert facts["risk"] == {"level": "medium", "assessed_by": "authority"}
    assert facts["companions"] == ["C"] and "clothing" not in facts
    assert doc(engine)["school"]["urn"] == "900001"
    engine.post(updated(id="U2", school=None, episode={"since": None}))
    assert "school" not in doc(engine) and doc(engine)["episode"]["since"] == "2026-03-01T19:30:00Z"


def test_another_school_is_not_told_at_the_address_of_the_former() -> None:
    school = {"urn": "900001", "name": "Example School", "email": "office@former.example"}
    engine = posted(leeds(school=school), updated(time="2026-03-01T22:00:00Z", school={"urn": "900002"}))
    assert doc(engine)["school"] == {"urn": "900002"}
    of_the_former = {"urn": "900001", "phone": "+441632960001"}
    engine.post(updated(id="U2", time="2026-03-01T20:30:00Z", school=of_the_former), at=LATER)
    assert doc(engine)["school"] == {"urn": "900002"}, "an update that comes late is about the former"
    of_the_new = {"urn": "900002", "email": "office@school.example"}
    engine.post(updated(id="U3", time="2026-03-01T20:40:00Z", school=of_the_new), at=LATER)
    assert doc(engine)["school"] == of_the_new, "the new one's address has never been given"


def test_after_the_return_the_newer_of_two_updates_still_wins() -> None:
    engine = posted(leeds(), returned())
    engine.post(updated(id="U1", time="2026-03-02T12:00:00Z", child={"mobile": "+447700900124"}))
    engine.post(updated(id="U2", time="2026-03-02T11:00:00Z", child={"mobile": "+447700900125"}), at=LATER)
    assert doc(engine)["child"]["mobile"] == "+447700900124"


def test_at_equal_times_the_order_of_arrival_decides() -> None:
    engine = posted(*(updated(id=f"U{i}", episode={"clothing": f"Coat {i}"}) for i in (1, 2)))
    engine.post(leeds(), at=LATER)
    assert doc(engine)["episode"]["clothing"] == "Coat 2"


# State --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", [found, returned, retracted])
def test_an_end_that_comes_after_a_newer_update_counts(end: Any) -> None:  # A3
    event = end(time="2026-03-01T21:00:00Z")
    engine = posted(leeds(), updated(time="2026-03-01T21:05:00Z", episode={"clothing": "Red"}))
    engine.post(event, at=LATER)
    assert engine.episode().state == event["type"].split(".")[2]
    assert engine.of(event["id"])


@pytest.mark.parametrize("end", [found, returned, retracted])
def test_an_end_older_than_a_change_of_category_is_recorded_only(end: Any) -> None:  # A3
    engine = posted(leeds(), updated(time="2026-03-01T21:05:00Z", episode={"category": "away"}))
    event = end(time="2026-03-01T21:00:00Z")
    engine.post(event, at=LATER)
    assert engine.episode().state == "open"
    assert engine.of(event["id"]) == [] and engine.warnings[event["id"]]


def test_the_hubs_own_conversion_does_not_outdate_a_return() -> None:  # A3
    report = away(episode={"whereabouts_known": False}, placement={"type": "independent_foster_care"})
    engine = Engine()
    engine.post(report)
    engine.run("2026-03-02T06:00:00Z")
    assert doc(engine)["episode"]["category"] == "missing" and engine.heard("duty:away_limit")["missing"]
    engine.post(returned(time="2026-03-01T22:50:00Z"), at=LATER)
    assert engine.episode().state == "returned"


@pytest.mark.parametrize(("end", "what"), [(found, "found"), (returned, "returned")])
def test_a_recovery_at_a_time_to_come_starts_its_duties_now(end: Any, what: str) -> None:
    engine = posted(leeds())
    event = end(**{what: {"at": "2028-03-02T09:30:00Z"}})
    engine.post(event)
    started = {
        duty.start for duty in engine.episode().duties if duty.code in ("return_interview", "safe_and_well_check")
    }
    assert started == {instant(event["time"])} and f"data.{what}.at lies in the future" in str(engine.warnings)
    assert engine.episode().ended_at in (None, instant(event["time"]))


def test_an_end_older_than_the_report_is_recorded_only() -> None:  # A3
    engine = posted(leeds(), returned(time="2026-03-01T19:00:00Z"))
    assert engine.episode().state == "open" and engine.warnings["R1"]


def test_a_find_older_than_the_return_moves_nothing() -> None:  # B30
    engine = posted(leeds(), returned())
    before = engine.episode()
    engine.post(found(), at=LATER)
    assert engine.of("F1") == [] and engine.episode().duties == before.duties
    assert engine.episode().state == "returned" and "found" not in doc(engine)


def test_a_second_report_is_refused_whatever_the_state() -> None:  # A11
    engine = posted(leeds(), returned(), leeds(id="E2", time="2026-03-03T10:00:00Z"))
    assert engine.refused["E2"][0][0] == "data.episode.ref" and engine.episode().state == "returned"


def test_after_the_return_only_a_retraction_applies_and_then_nothing() -> None:  # A11
    engine = posted(leeds(), returned())
    for event in (returned(id="R2", time=LATER), found(id="F2", time=LATER), updated(id="U2", time=LATER)):
        engine.post(event)
        assert engine.of(event["id"]) == [] and engine.warnings[event["id"]]
    engine.post(retracted(time="2026-03-04T10:00:00Z"))
    assert engine.episode().state == "retracted" and engine.episode().ended_at == instant("2026-03-04T10:00:00Z")
    ended = engine.episode()
    for event in (returned(id="R3", time="2026-03-05T10:00:00Z"), updated(id="U3", time="2026-03-05T10:00:00Z"),
                  found(id="F3", time="2026-03-05T10:00:00Z"), duty_completed(id="D3", time="2026-03-05T10:00:00Z"),
                  retracted(id="X3", time="2026-03-05T10:00:00Z")):  # fmt: skip
        engine.post(event)
        assert engine.of(event["id"]) == [] and engine.warnings[event["id"]] and engine.episode() == ended


# What is refused ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"child": {"ref": "BRM-C-0002"}}, "data.child.ref"),
        ({"episode": {"status": "exercise"}}, "data.episode.status"),
        ({"episode": {"whereabouts_known": True}}, "data.episode.whereabouts_known"),
        ({"placement": {"responsible_authority": None}}, "data.placement.responsible_authority"),
    ],
)
def test_an_update_that_cannot_be_applied_changes_nothing(change: dict[str, Any], path: str) -> None:  # D4, B14
    engine = posted(leeds())
    before = engine.episode()
    assert engine.post(updated(**change)) == []
    assert [p for p, _ in engine.refused["U1"]] == [path] and engine.episode() == before
    kept = posted(updated(**change))
    kept.post(leeds(), at="2026-03-01T22:00:00Z")  # D15: found invalid when the report comes
    assert kept.episode().state == "open" and [p for o in kept.outcomes for p, _ in o.problems] == [path]
    assert kept.warnings["E1"] and kept.of("U1") == []


@pytest.mark.parametrize("status", [None, "actual"])
def test_saying_again_what_the_status_is_changes_nothing(status: str | None) -> None:  # D4
    engine = posted(leeds(), updated(child={"ref": "BRM-C-0001"}, episode={"status": status}))
    assert "U1" not in engine.refused


def test_an_exercise_stays_one() -> None:  # D4
    engine = posted(leeds(episode={"status": "exercise"}), updated(episode={"status": None}))
    assert [p for p, _ in engine.refused["U1"]] == ["data.episode.status"]


# Before the report --------------------------------------------------------------------------------------------------


def test_what_comes_before_the_report_is_kept_and_tells_nobody() -> None:
    engine = posted(updated(episode={"clothing": "Red coat"}))
    assert engine.episode().state == "awaited" and engine.decisions == [] and engine.warnings["U1"]
    engine.post(leeds(), at="2026-03-01T22:00:00Z")
    assert engine.heard("E1")["missing"] and engine.heard("U1")["update"]
    assert doc(engine)["episode"]["clothing"] == "Red coat"


def test_a_kept_find_alone_comes_after_the_first_notices() -> None:  # A4
    engine = posted(found())
    engine.post(leeds(), at=LATER)
    assert [d.kind for _, d in engine.decisions] == sorted((d.kind for _, d in engine.decisions), reverse=True)
    assert set(engine.heard("E1")) == {"missing"} and set(engine.heard("F1")) == {"found"}


def test_a_kept_return_means_that_nobody_hears_missing() -> None:  # A4
    events = [updated(episode={"risk": {"level": "high"}}), found(), returned()]
    engine = posted(*events[::-1], at="2026-03-02T11:00:00Z")
    engine.post(leeds(child={"subject_to_immigration_restriction": True}), at=LATER)
    assert told_kinds(engine) == {"found", "returned"}
    ice, carer = "home_office_immigration_enforcement", "carer=Chris Carer"
    assert engine.heard("F1") == {"found": {ice, carer}}  # E-06: the police found the child, the carer brought it back
    assert engine.heard("R1") == {"returned": {ice, carer, "responsible_authority", "social_worker=Jo Worker", "iro"}}
    assert engine.episode().register == ()
    assert {d.code for d in engine.episode().duties} == {
        "safe_and_well_check", "return_interview", "return_interview_offer",
    }  # fmt: skip
    assert {d.due_at for d in engine.episode().duties} == {
        instant("2026-03-03T08:00:00Z"), instant("2026-03-05T08:00:00Z"),
    }  # fmt: skip
    engine.post(updated(id="U9", time="2026-03-03T00:00:00Z", episode={"clothing": "None known"}))
    assert engine.of("U9") == []  # nor a parent who might have been told all along


def test_a_kept_return_loses_no_count() -> None:  # B5
    engine = Engine()
    home = {"type": "family_home", "host_authority": BROMLEY}
    ref = {"ref": "LDS-EP-0001"}
    engine.post(found(episode=ref), at=LATER)
    engine.post(returned(episode=ref), at=LATER)
    child = {"date_of_birth": "2018-01-01", "previous_episodes": 2}
    engine.post(reported_at_home(placement=home, child=child), at="2026-03-02T13:00:00Z")
    assert engine.heard("E1") == {"threshold": {"host_authority"}}
    assert engine.heard("F1") == {"threshold": {"mash", "mase_panel"}, "found": {"host_authority"}}
    assert engine.heard("R1") == {"returned": {"host_authority", "mash", "mase_panel"}}


def test_a_kept_retraction_tells_nobody_and_starts_nothing() -> None:  # A4
    events = [updated(time="2026-03-01T20:00:00Z"), found(time="2026-03-01T20:10:00Z"),
              returned(time="2026-03-01T20:20:00Z"), retracted()]  # fmt: skip
    engine = posted(*events[::-1], at=LATER)
    engine.post(leeds(episode={"trafficking_suspected": True}), at=LATER)
    assert engine.decisions == [] and engine.episode().duties == () and engine.episode().state == "retracted"


def test_a_kept_end_older_than_the_report_does_not_count() -> None:  # A3
    engine = posted(returned(time="2026-03-01T19:00:00Z"), at="2026-03-01T19:40:00Z")
    engine.post(leeds())
    assert engine.episode().state == "open" and engine.heard("E1")["missing"]


def test_withheld_rows_come_once() -> None:  # B19
    engine = posted(leeds(), updated(), found(), returned())
    assert [cause for cause in ("E1", "U1", "F1", "R1") if roles(engine.of(cause), "withhold")] == ["E1"]


def test_a_decision_is_a_value() -> None:
    first, second = (posted(leeds(), found(), returned()).decisions for _ in range(2))
    assert first == second and all(isinstance(d, Decision) for _, d in first)
