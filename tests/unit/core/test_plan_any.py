"""Whatever is reported, in whatever order, at whatever hour: what must hold of duties, clocks and the register."""

from datetime import datetime, timedelta
from typing import Any

from hypothesis import assume, given, settings

from hub.core.ticks import next_wake
from tests.kit.course import Course
from tests.kit.stories import events

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


def check(course: Course) -> None:
    """What holds of an episode at any moment when its clocks have run."""
    episode = course.episode
    wake = next_wake(episode)
    assert wake is None or wake > course.now
    identities = [(d.code, d.occurrence) for d in episode.duties]
    assert len(identities) == len(set(identities))
    for duty in episode.duties:
        assert (duty.closed_at is None) == (duty.state in ("open", "overdue")) == (duty.closed_by is None)
        assert duty.state != "open" or duty.due_at > course.now, "an open duty is not late"
        assert not (duty.remind_at or duty.chase_at) or duty.unfinished
        if episode.state == "retracted":
            assert duty.state in ("done", "cancelled")
        if episode.state == "returned":
            assert duty.state in ("done", "cancelled") or duty.code in OUTLIVES
    open_now = [d.code for d in episode.duties if d.state == "open"]
    assert len(open_now) == len(set(open_now)), "one open occurrence of a duty at a time"
    live = [(e.organisation, e.role) for e in episode.register if e.removed_at is None]
    assert len(live) == len(set(live))
    if not episode.out or episode.state == "found":
        assert live == []
    assert all(e.remove_at >= e.received_at for e in episode.register)


@given(events())
@settings(max_examples=30)
def test_what_holds_at_any_moment(story: list[tuple[dict[str, Any], datetime]]) -> None:
    course = Course()
    for event, arrives in story:
        course.post(event, at=arrives)
        course.run_until(arrives)
        check(course)
    course.run_until(course.now + timedelta(days=10))
    check(course)


@given(events())
@settings(max_examples=10)
def test_a_re_notification_is_sent_once_a_date_and_only_while_missing(
    story: list[tuple[dict[str, Any], datetime]],
) -> None:
    course = Course()
    for event, arrives in story:
        course.post(event, at=arrives)
    course.run_until(course.now + timedelta(days=190))
    sent = [d for d in course.decisions if d.kind == "renotification" and d.outcome == "notify"]
    seen = [(d.at, recipient) for d in sent for recipient in d.recipients]
    assert len(seen) == len(set(seen))
    ran = [d for d in course.duties("renotify") if d.closed_by == "duty:renotify"]
    assert {d.at for d in sent} == {d.due_at for d in ran}, "each at its date"
    ended = [d.at for d in course.decisions if d.kind in ("found", "returned", "retraction")]
    assert all(d.at < min(ended) for d in sent if ended)


@given(events())
@settings(max_examples=20)
def test_clocks_that_tick_late_end_where_clocks_on_time_end(story: list[tuple[dict[str, Any], datetime]]) -> None:
    """Ten days of ticks at their time, or one tick after ten days, between which nothing arrives."""
    on_time, late = Course(), Course()
    for event, arrives in story:
        on_time.post(event, at=arrives)
        late.post(event, at=arrives)
    # what the away limit opens late skips what is past by then (A8): another test
    assume(not any(d.code == "away_limit" and d.unfinished for d in late.episode.duties))
    end = on_time.now + timedelta(days=10)
    on_time.run_until(end)
    late.wakes_late(end)

    def left(course: Course) -> set[tuple[Any, ...]]:
        return {(d.code, d.occurrence, d.due_at, d.state) for d in course.episode.duties}

    assert left(late) == left(on_time)
    heard = {(d.kind, d.duty or d.cause) for d in on_time.decisions if d.outcome == "notify" and d.kind != "duty_due"}
    assert {
        (d.kind, d.duty or d.cause) for d in late.decisions if d.outcome == "notify" and d.kind != "duty_due"
    } == heard
