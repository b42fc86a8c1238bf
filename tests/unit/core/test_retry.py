"""The retry schedule, and what ends it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.port import Accepted, Deferred, Reason, Rejected, Unconfirmed
from hub.core.records import AttemptRecord
from hub.core.retry import (
    ALERT_REASONS,
    CERTIFICATE_REASONS,
    LASTING,
    OURS,
    AlertInstead,
    GiveUp,
    RetryAt,
    RetryPolicy,
    answered,
    carried,
    happening,
    maybe_sent,
    next_attempt,
    outlasted,
    spread,
)

NOW = datetime(2026, 3, 1, 19, 45, tzinfo=UTC)
POLICY = RetryPolicy(schedule=(10, 60, 600), jitter=0.2, longest_retry_after=300)
DEFERRED = Deferred(reason="provider_unavailable")


def attempt(number: int = 1, **changes: object) -> AttemptRecord:
    base = AttemptRecord(
        delivery="de_1",
        number=number,
        started_at=NOW,
        node="a",
        state="temporary_failure",
        finished_at=NOW,
        reason="provider_unavailable",
    )
    return replace(base, **changes)  # type: ignore[arg-type]  # changes are fields of the record


ABANDONED = attempt(state="technical_failure", reason="provider_timeout")
UNCONFIRMED = attempt(state="technical_failure", reason="provider_timeout", carried="content")
RELEASED = attempt(state="cancelled", reason=None)


def seconds(answer: object) -> float:
    assert isinstance(answer, RetryAt)
    return (answer.at - NOW).total_seconds()


@pytest.mark.parametrize(("failed", "pause"), [(0, 10), (1, 60), (2, 600)])
def test_the_schedule_is_followed(failed, pause):
    earlier = [attempt(n) for n in range(1, failed + 1)]
    assert seconds(next_attempt(POLICY, earlier, DEFERRED, NOW, 0.0)) == pause


def test_after_the_last_pause_no_further_try():
    earlier = [attempt(n) for n in (1, 2, 3)]
    answer = next_attempt(POLICY, earlier, DEFERRED, NOW, 0.0)
    assert answer == GiveUp(reason="provider_unavailable", because="schedule_ended")


def test_an_empty_schedule_gives_up_at_once():
    answer = next_attempt(RetryPolicy(schedule=()), [], DEFERRED, NOW, 0.0)
    assert answer == GiveUp(reason="provider_unavailable", because="schedule_ended")


@pytest.mark.parametrize("useless", [ABANDONED, RELEASED], ids=["worker died", "given back"])
def test_a_try_nobody_answered_uses_up_none_of_the_schedule(useless):
    earlier = [replace(useless, number=n) for n in range(1, 30)]
    assert seconds(next_attempt(POLICY, earlier, DEFERRED, NOW, 0.0)) == 10


def test_jitter_is_added_never_taken_off():
    assert seconds(next_attempt(POLICY, [], DEFERRED, NOW, 1.0)) == 12
    assert seconds(next_attempt(POLICY, [], DEFERRED, NOW, 0.5)) == 11


@pytest.mark.parametrize("wild", [-5.0, 7.0])
def test_jitter_outside_its_bounds_is_brought_inside(wild):
    assert 10 <= seconds(next_attempt(POLICY, [], DEFERRED, NOW, wild)) <= 12


@pytest.mark.parametrize(("asked", "pause"), [(5, 10), (45, 45), (300, 300), (86_400, 300), (0, 10), (-3, 10)])
def test_retry_after_is_heeded_up_to_its_cap(asked, pause):
    deferred = Deferred(reason="rate_limited", retry_after=asked)
    assert seconds(next_attempt(POLICY, [], deferred, NOW, 0.0)) == pause


def test_retry_after_does_not_shorten_a_longer_pause():
    deferred = Deferred(reason="rate_limited", retry_after=5)
    assert seconds(next_attempt(POLICY, [attempt(1), attempt(2)], deferred, NOW, 0.0)) == 600


def test_a_permanent_refusal_stops_at_once():
    answer = next_attempt(POLICY, [], Rejected(reason="rejected", detail="550 5.1.1"), NOW, 0.0)
    assert answer == GiveUp(reason="rejected", because="permanent")


def test_a_refusal_that_is_our_fault_is_tried_again():
    # A wrong password must not make every notice undeliverable before somebody has read the alarm.
    for reason in ("misconfigured", "tls_failed", "rejected", "provider_unavailable"):
        assert seconds(next_attempt(POLICY, [], Rejected(reason=reason, technical=True), NOW, 0.0)) == 10


def test_an_address_the_directory_has_wrong_is_not_tried_again():
    answer = next_attempt(POLICY, [], Rejected(reason="misconfigured"), NOW, 0.0)
    assert answer == GiveUp(reason="misconfigured", because="permanent")


def test_a_reason_nobody_knows_is_a_technical_failure_and_tried_again():
    unknown = Rejected(reason="unknown", detail="599")
    assert seconds(next_attempt(POLICY, [], unknown, NOW, 0.0)) == 10
    assert happening(unknown) == "failed_technically"
    assert "unknown" in OURS


@pytest.mark.parametrize("reason", sorted(ALERT_REASONS))
def test_content_that_cannot_go_out_means_an_alert_at_once(reason):
    for earlier in ([], [attempt(1), attempt(2), attempt(3)], [UNCONFIRMED]):
        assert next_attempt(POLICY, earlier, Rejected(reason=reason), NOW, 0.5) == AlertInstead(reason=reason)


def test_every_certificate_reason_of_the_port_counts_as_one():
    assert {reason for reason in get_args(Reason) if "certificate" in reason} == CERTIFICATE_REASONS


def test_what_may_have_been_sent_is_sent_once_more():
    assert seconds(next_attempt(POLICY, [], Unconfirmed(), NOW, 0.0)) == 10


def test_and_not_a_second_time():
    answer = next_attempt(POLICY, [UNCONFIRMED], Unconfirmed(), NOW, 0.0)
    assert answer == GiveUp(reason="provider_timeout", because="second_unconfirmed")


def test_but_on_and_on_where_it_is_taken_once_however_often_it_comes():
    again = Unconfirmed(repeatable=True)
    assert isinstance(next_attempt(POLICY, [UNCONFIRMED] * 2, again, NOW, 0.0), RetryAt)


@pytest.mark.parametrize("result", [Unconfirmed(repeatable=True), Deferred(reason="connection_failed", lasting=True)])
@pytest.mark.parametrize("schedule", [POLICY.schedule, ()])
def test_what_lasts_goes_on_each_hour_and_says_once_that_nobody_is_to_wait(result, schedule):
    policy = replace(POLICY, schedule=schedule)
    said = []
    for tried in range(len(schedule) + 40):
        answer = next_attempt(policy, [attempt(n) for n in range(1, tried + 1)], result, NOW, 0.0)
        assert isinstance(answer, RetryAt) and answer.reason == result.reason
        assert tried < len(schedule) or seconds(answer) == LASTING
        said += [tried] * answer.over
    assert said == [len(schedule)]


def test_a_reminder_does_not_go_on_when_its_schedule_has_ended():
    tried = [attempt(n) for n in (1, 2, 3)]
    lasting = Deferred(reason="connection_failed", lasting=True)
    answer = next_attempt(POLICY, tried, lasting, NOW, 0.0, "content", "chase")
    assert answer == GiveUp(reason="connection_failed", because="schedule_ended")


def test_nobody_waits_for_what_outlasts_its_schedule():
    failed = [attempt(n) for n in range(1, len(POLICY.schedule) + 2)]
    assert outlasted(POLICY, failed)
    assert not outlasted(POLICY, failed[1:])
    assert not outlasted(POLICY, failed, after=1), "put back, it has its schedule anew"
    assert not outlasted(POLICY, [*failed[1:], replace(ABANDONED, number=9), replace(RELEASED, number=10)])


def test_an_alert_that_may_have_been_sent_counts_too():
    assert maybe_sent(replace(UNCONFIRMED, carried="alert"))


def test_a_worker_that_died_leaves_the_one_extra_send():
    assert not maybe_sent(ABANDONED)
    assert isinstance(next_attempt(POLICY, [ABANDONED], Unconfirmed(), NOW, 0.0), RetryAt)


def test_a_plain_refusal_after_the_ambiguous_one_is_still_tried_again():
    # It says "not taken", so no further copy went out.
    assert isinstance(next_attempt(POLICY, [UNCONFIRMED], DEFERRED, NOW, 0.0), RetryAt)


def test_however_it_goes_there_is_an_end():
    earlier: list[AttemptRecord] = []
    for number in range(1, 50):
        answer = next_attempt(POLICY, earlier, Deferred(reason="rate_limited", retry_after=9), NOW, 1.0)
        earlier.append(attempt(number))
        if isinstance(answer, GiveUp):
            break
    assert len(earlier) == 4


@given(
    schedule=st.lists(st.floats(0, 1e6), max_size=12),
    failed=st.integers(0, 15),
    jitter=st.floats(0, 1),
    retry_after=st.none() | st.floats(0, 1e9),
)
def test_a_retry_is_never_before_its_pause_nor_long_after(schedule, failed, jitter, retry_after):
    policy = RetryPolicy(schedule=tuple(schedule), jitter=0.5, longest_retry_after=100)
    deferred = Deferred(reason="rate_limited", retry_after=retry_after)
    answer = next_attempt(policy, [attempt(n) for n in range(failed)], deferred, NOW, jitter)
    if failed >= len(schedule):
        assert isinstance(answer, GiveUp)
        return
    least = max(schedule[failed], min(retry_after or 0, 100))
    assert timedelta(seconds=least) - timedelta(microseconds=1) <= answer.at - NOW
    assert answer.at - NOW <= timedelta(seconds=least * 1.5) + timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (Accepted(), "accepted"),
        (Deferred(reason="rate_limited"), "deferred"),
        (Deferred(reason="misconfigured"), "failed_technically"),
        (Deferred(reason="unknown"), "failed_technically"),
        (Rejected(reason="rejected"), "rejected"),
        (Rejected(reason="too_large"), "rejected"),
        (Rejected(reason="misconfigured"), "rejected"),
        (Rejected(reason="misconfigured", technical=True), "failed_technically"),
        (Rejected(reason="rejected", technical=True), "failed_technically"),
        (Rejected(reason="no_certificate"), "rejected"),
        (Unconfirmed(), "failed_technically"),
    ],
    ids=str,
)
def test_what_a_result_means_for_its_attempt(result, expected):
    assert happening(result) == expected


def test_every_reason_of_the_port_has_a_meaning():
    for reason in get_args(Reason):
        for result in (Deferred(reason=reason), Rejected(reason=reason), Unconfirmed(reason=reason)):
            assert happening(result) in ("deferred", "rejected", "failed_technically")
            next_attempt(POLICY, [], result, NOW, 0.0)


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (attempt(state="sent", carried="content"), True),
        (attempt(state="delayed", carried="content"), True),
        (attempt(state="delivered", carried="content"), True),
        (attempt(state="permanent_failure", carried="content"), False),
        (attempt(state="permanent_failure", carried="alert"), False),
        (UNCONFIRMED, False),
    ],
    ids=["sent", "delayed", "delivered", "bounced", "alert", "unconfirmed"],
)
def test_which_attempts_carried_the_content(record, expected):
    assert carried(record, "content") is expected


def test_a_try_under_way_was_answered_by_nobody():
    assert not answered(attempt(state="sending", reason=None, finished_at=None))
    assert answered(attempt())
    assert answered(UNCONFIRMED)


@pytest.mark.parametrize(
    "wrong", [{"schedule": (10, -1)}, {"schedule": (), "jitter": 1.5}, {"schedule": (), "longest_retry_after": -1}]
)
def test_a_policy_that_cannot_be_meant_is_refused(wrong):
    with pytest.raises(ValueError, match=r"give"):
        RetryPolicy(**wrong)


def test_jitter_spreads_evenly_and_is_the_same_on_every_node():
    values = [spread(f"de_{n}", 1) for n in range(2000)]
    assert all(0 <= value < 1 for value in values)
    assert 0.45 < sum(values) / len(values) < 0.55
    assert spread("de_1", 1) == spread("de_1", 1) != spread("de_1", 2)
