"""Where it is serious, the police come first among what is decided at one instant for one cause (readings.md B38)."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings

from hub.simulate import simulate
from routing.decision import Decision
from routing.packs import Packs, load_packs
from routing.recipients import POLICE
from routing.rows import ThresholdRow
from tests.kit.course import Course
from tests.kit.events import BROMLEY, DROP, duty_completed, reported, updated
from tests.kit.stories import events

SERIOUS = {"risk": {"level": "high"}}
UPDATE_DUE = "2026-03-03T19:30:00Z"
NEXT_DUE = "2026-03-08T19:30:00Z"
THE_UPDATE = [("duty_overdue", ["police"]), ("message", ["parent"]), ("message", ["carer"])]


def decided(cause: str, at: str, *events: dict[str, Any], packs: Packs | None = None) -> list[tuple[str, list[str]]]:
    """Kind and roles of whom a cause tells at an instant, in order."""
    answer = simulate({"title": "Police first", "events": list(events), "until": "2026-03-15T00:00:00Z"}, packs)
    return [
        (d["kind"], d["roles"])
        for d in answer["decisions"]
        if (d["cause"], d["at"], d["outcome"]) == (cause, at, "notify")
    ]


@pytest.mark.parametrize("due", [UPDATE_DUE, NEXT_DUE])
def test_that_their_update_is_due_the_police_hear_before_whoever_waits_for_it(due: str) -> None:
    """At the second due time the first is chased no more: the police hear of it once (B8)."""
    assert decided("duty:police_update", due, reported(episode=SERIOUS)) == THE_UPDATE


def test_so_they_do_of_an_update_that_is_due_the_moment_a_late_report_comes() -> None:
    late = {**reported(episode=SERIOUS), "arrives": UPDATE_DUE}
    assert decided("duty:police_update", UPDATE_DUE, late) == THE_UPDATE


def test_an_update_given_before_it_was_due_is_not_asked_for() -> None:
    given = duty_completed("police_update", "done", time="2026-03-03T09:00:00Z", at=DROP)
    assert decided("duty:police_update", UPDATE_DUE, reported(episode=SERIOUS), given) == THE_UPDATE[1:]
    assert decided("duty:police_update", NEXT_DUE, reported(episode=SERIOUS), given) == THE_UPDATE


def test_of_the_weekly_review_the_senior_officer_hears_before_its_owner() -> None:
    bromley = reported(episode=SERIOUS, placement={"host_authority": BROMLEY})
    told = decided("duty:review_discussion", "2026-03-08T19:30:00Z", bromley)
    assert told == [
        ("message", ["police_senior_officer"]),
        ("message", ["assistant_director"]),
        ("duty_overdue", ["responsible_authority"]),
    ]


def counting(role: str) -> Packs:
    """The packs, where North Lincolnshire's count of a second time tells one more role."""

    def more(row: ThresholdRow) -> ThresholdRow:
        return row.model_copy(update={"tells": (*row.tells, role)}) if row.id == "second_missing_ever" else row

    return Packs(
        tuple(
            pack.model_copy(update={"thresholds": tuple(more(row) for row in pack.thresholds)})
            for pack in load_packs().written
        )
    )


def test_a_count_reached_along_with_the_report_is_told_to_the_police_before_the_others_hear_of_the_report() -> None:
    again = reported(episode=SERIOUS, child={"previous_episodes": 1})
    told = decided("event:E1", "2026-03-01T19:45:00Z", again, packs=counting("police_senior_officer"))
    police = [not POLICE.isdisjoint(roles) for _, roles in told]
    assert ("threshold", ["police_senior_officer"]) in told
    assert police == sorted(police, reverse=True)
    assert told[0] == ("missing", ["police"])


def test_of_the_update_that_makes_it_serious_the_police_hear_first() -> None:
    graded = updated(id="U1", time="2026-03-02T09:00:00Z", episode={**SERIOUS, "vehicle": "A red car"})
    told = decided("event:U1", "2026-03-02T09:00:00Z", reported(), graded)
    assert told[0] == ("update", ["police"])
    assert ("missing", ["missing_persons_bureau"]) in told


@given(events())
@settings(max_examples=30)
def test_whatever_happens_nobody_comes_before_the_police_where_it_is_serious(
    story: list[tuple[dict[str, Any], datetime]],
) -> None:
    course = Course()
    for event, arrives in story:
        course.post(event, at=arrives)
    course.run_until(course.now + timedelta(days=20))
    together: dict[tuple[Any, str], list[Decision]] = {}
    for decision in course.decisions:
        together.setdefault((decision.at, decision.cause), []).append(decision)
    for decisions in together.values():
        first = [d.first for d in decisions]
        assert first == sorted(first, reverse=True)
        if any(first):
            assert all(d.first for d in decisions if not POLICE.isdisjoint(d.roles))
