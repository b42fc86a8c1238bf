"""Places by destination, and the breaker: who gets how many tries at once, and when none."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.port import Accepted, Deferred, Rejected, Result, Unconfirmed
from hub.core.records import ClaimedDelivery
from hub.core.verdict import Tried
from hub.edge.ids import SeededIds
from hub.service.destinations import (
    FIRST_PAUSE,
    HANGS,
    IDLE,
    LONGEST_PAUSE,
    PUT_OFF_EVERY,
    Destinations,
)
from hub.service.provider import KNOCK_AFTER, Provider
from hub.service.signs import FAILURES, OUTAGE, sign_of
from tests.kit.clock import START
from tests.kit.records import Story

HERE, THERE = b"here", b"there"
SECOND = timedelta(seconds=1)
REFUSED = Deferred(reason="connection_failed")
STORY = Story(SeededIds("destinations"), episode="ep_1", child="ch_1")


def claimed(where: bytes = HERE, **more: Any) -> ClaimedDelivery:
    decision = STORY.decision(None)
    notice = STORY.notice(decision)
    return ClaimedDelivery(
        delivery=STORY.delivery(notice, destination=where, **more),
        attempt=1,
        notice=notice,
        decision=decision.decision,
        child=STORY.child,
        doc={},
    )


def room(known: Destinations, now: datetime, where: bytes = HERE, **more: Any) -> int:
    places = known.places(now, **more)
    return places.rooms.get(where, places.untried)


def attempt(
    known: Destinations, result: Result, now: datetime, *, where: bytes = HERE, took: float = 0.0, **more: Any
) -> float | None:
    """One try that ends at ``now``."""
    one, since = claimed(where, **more), now - timedelta(seconds=took)
    known.take(one, since)
    pause = known.learn(Tried(claimed=one, node="a", finished_at=now, result=result), since)
    known.leave(one, now)
    return pause


def shut_for(known: Destinations, now: datetime) -> float:
    """Fail until it is shut."""
    for _ in range(FAILURES):
        pause = attempt(known, REFUSED, now)
        if pause is not None:
            return pause
    raise AssertionError("it is not shut")


class TestRoom:
    def test_one_that_is_not_known_gets_one_try(self) -> None:
        known = Destinations(limit=4)
        assert room(known, START) == 1
        known.take(claimed(), START)
        assert room(known, START) == 0
        assert room(known, START, THERE) == 1

    def test_each_success_makes_room_for_one_more_up_to_the_limit(self) -> None:
        known, rooms = Destinations(limit=4), []
        for _ in range(5):
            attempt(known, Accepted(), START)
            rooms.append(room(known, START))
        assert rooms == [2, 3, 4, 4, 4]
        assert room(known, START, THERE) == 1

    def test_a_failure_takes_it_back_to_one(self) -> None:
        known = Destinations(limit=4)
        for _ in range(3):
            attempt(known, Accepted(), START)
        attempt(known, REFUSED, START)
        assert room(known, START) == 1

    def test_what_is_in_flight_has_its_place(self) -> None:
        known = Destinations(limit=4)
        for _ in range(3):
            attempt(known, Accepted(), START)
        flying = [claimed() for _ in range(3)]
        for one in flying:
            known.take(one, START)
        assert room(known, START) == 1
        assert room(known, START, beside=[claimed(), claimed(THERE)]) == 0
        known.leave(flying[0], START)
        assert room(known, START) == 2

    def test_reminders_leave_a_place_and_take_none_from_first_notices(self) -> None:
        known = Destinations(limit=4)
        for _ in range(3):
            attempt(known, Accepted(), START)
        assert (room(known, START, reminders=True), room(known, START)) == (3, 4)
        for _ in range(3):
            known.take(claimed(priority="low"), START)
        assert (room(known, START, reminders=True), room(known, START)) == (0, 1)

    def test_a_reminder_on_its_way_to_one_not_known_keeps_no_first_notice_waiting(self) -> None:
        known = Destinations(limit=4)
        known.take(claimed(priority="low"), START)
        assert (room(known, START, reminders=True), room(known, START)) == (0, 1)

    def test_a_limit_of_one_is_one(self) -> None:
        known = Destinations(limit=1)
        attempt(known, Accepted(), START)
        assert (room(known, START), room(known, START, reminders=True)) == (1, 1)
        known.take(claimed(priority="low"), START)
        assert room(known, START) == 0

    def test_without_a_destination_there_is_no_limit_and_nothing_to_remember(self) -> None:
        known = Destinations(limit=1)
        for _ in range(FAILURES):
            assert attempt(known, REFUSED, START, where=b"") is None
        assert len(known) == 0
        assert known.places(START, beside=[claimed(b"")]).rooms == {}


class TestBreaker:
    def test_failures_in_a_row_shut_it_and_no_other(self) -> None:
        known = Destinations(limit=4)
        assert [attempt(known, REFUSED, START) for _ in range(FAILURES)] == [None, None, FIRST_PAUSE]
        assert (room(known, START), room(known, START, reminders=True), room(known, START, THERE)) == (0, 0, 1)
        assert known.shut(START) == 1

    def test_a_success_between_them_does_not(self) -> None:
        known = Destinations(limit=4)
        results = [REFUSED, REFUSED, Accepted(), REFUSED, REFUSED]
        assert [attempt(known, result, START) for result in results] == [None] * 5

    def test_one_that_hangs_is_not_waited_for_three_times(self) -> None:
        known = Destinations(limit=4)
        assert attempt(known, Unconfirmed(), START, took=HANGS) == FIRST_PAUSE
        known = Destinations(limit=4)
        half = [attempt(known, Unconfirmed(), START, took=HANGS / 2) for _ in range(2)]
        assert half == [None, FIRST_PAUSE]

    def test_a_slow_success_is_a_success(self) -> None:
        known = Destinations(limit=4)
        assert attempt(known, Accepted(), START, took=HANGS * 3) is None
        assert room(known, START) == 2

    def test_then_one_try_is_let_through(self) -> None:
        known = Destinations(limit=4)
        shut_for(known, START)
        back = START + timedelta(seconds=FIRST_PAUSE)
        assert room(known, back - SECOND) == 0
        assert (room(known, back), known.shut(back)) == (1, 0)
        known.take(claimed(), back)
        assert (room(known, back), room(known, back, reminders=True)) == (0, 0)

    def test_if_that_fails_it_is_shut_for_twice_as_long_up_to_ten_minutes(self) -> None:
        known, now = Destinations(limit=4), START
        pauses = [shut_for(known, now)]
        for _ in range(15):
            now += timedelta(seconds=pauses[-1])
            pause = attempt(known, REFUSED, now)
            assert pause is not None
            pauses.append(pause)
        assert pauses[:6] == [30, 60, 120, 240, 480, 600]
        assert set(pauses[6:]) == {LONGEST_PAUSE}

    def test_if_it_answers_all_is_forgotten(self) -> None:
        known = Destinations(limit=4)
        back = START + timedelta(seconds=shut_for(known, START))
        back += timedelta(seconds=attempt(known, REFUSED, back) or 0)
        attempt(known, Accepted(), back)
        assert room(known, back) == 2
        assert shut_for(known, back) == FIRST_PAUSE

    def test_a_try_that_asks_nobody_leaves_the_place_to_the_next(self) -> None:
        known = Destinations(limit=4)
        back = START + timedelta(seconds=shut_for(known, START))
        assert attempt(known, Rejected(reason="no_certificate"), back) is None
        assert room(known, back) == 1

    def test_what_was_begun_before_it_was_shut_does_not_shut_it_for_longer(self) -> None:
        known = Destinations(limit=4)
        for _ in range(3):
            attempt(known, Accepted(), START)
        pauses = [attempt(known, REFUSED, START + n * SECOND) for n in range(FAILURES + 2)]
        assert pauses == [None, None, FIRST_PAUSE, None, None]
        assert room(known, START + timedelta(seconds=2 + FIRST_PAUSE)) == 1

    def test_what_it_asks_for_itself_is_heeded_within_the_bound(self) -> None:
        known = Destinations(limit=4)
        asked = [attempt(known, Deferred(reason="rate_limited", retry_after=s), START) for s in (90, 45, 10)]
        assert asked == [None, None, 90]
        known = Destinations(limit=4)
        asked = [attempt(known, Deferred(reason="provider_unavailable", retry_after=9e9), START) for _ in range(3)]
        assert asked == [None, None, LONGEST_PAUSE]

    def test_a_clock_that_is_set_back_does_not_keep_it_shut(self) -> None:
        known = Destinations(limit=4)
        shut_for(known, START)
        assert room(known, START - timedelta(hours=1)) == 1

    def test_the_alert_speaks_for_a_try_whose_content_could_not_be_sealed(self) -> None:
        known, one = Destinations(limit=4), claimed()
        known.take(one, START)
        unsealed = Tried(
            claimed=one, node="a", finished_at=START, result=Rejected(reason="no_certificate"), alert=Unconfirmed()
        )
        assert known.learn(unsealed, START - timedelta(seconds=HANGS)) == FIRST_PAUSE
        assert known.learn(replace(unsealed, alert=Accepted()), START) is None
        known.leave(one, START)
        assert room(known, START) == 2


def told(known: Destinations, now: datetime) -> Mapping[bytes, datetime]:
    """What is put off, and that it was written down."""
    turn = known.turn(now)
    known.turned(turn, now)
    return turn.shut


class TestPuttingOff:
    def test_what_is_shut_is_named_at_once_and_then_now_and_again(self) -> None:
        known = Destinations(limit=4)
        assert told(known, START) == {}
        shut_for(known, START)
        until = START + timedelta(seconds=FIRST_PAUSE)
        assert told(known, START) == {HERE: until}
        assert told(known, START + PUT_OFF_EVERY - SECOND) == {}
        assert told(known, START + PUT_OFF_EVERY) == {HERE: until}
        assert told(known, until) == {}

    def test_until_it_is_written_down_it_is_named_again(self) -> None:
        known = Destinations(limit=4)
        shut_for(known, START)
        assert known.turn(START).shut == known.turn(START + SECOND).shut != {}

    def test_what_is_idle_is_forgotten_but_not_how_often_it_was_shut(self) -> None:
        known = Destinations(limit=4)
        attempt(known, Accepted(), START, where=THERE)
        now = START + timedelta(seconds=shut_for(known, START))
        while (pause := attempt(known, REFUSED, now)) != LONGEST_PAUSE:
            assert pause is not None
            now += timedelta(seconds=pause)
        told(known, now + timedelta(seconds=LONGEST_PAUSE))
        assert (len(known), room(known, now, THERE)) == (1, 1)
        assert attempt(known, REFUSED, now + timedelta(seconds=LONGEST_PAUSE)) == LONGEST_PAUSE
        told(known, now + 2 * timedelta(seconds=LONGEST_PAUSE) + IDLE)
        assert len(known) == 0

    def test_what_is_in_flight_is_not_forgotten(self) -> None:
        known = Destinations(limit=4)
        known.take(claimed(), START)
        told(known, START + 2 * IDLE)
        assert room(known, START + 2 * IDLE) == 0


class TestBack:
    def test_after_an_outage_what_waits_is_due_at_once(self) -> None:
        known = Destinations(limit=4)
        back = START + timedelta(seconds=shut_for(known, START))
        back += timedelta(seconds=attempt(known, REFUSED, back) or 0)
        assert known.turn(back).back == frozenset()
        attempt(known, Accepted(), back)
        turn = known.turn(back)
        assert turn.back == {HERE}
        assert known.turn(back).back == {HERE}, "until it is written down"
        known.turned(turn, back)
        assert known.turn(back).back == frozenset()

    @pytest.mark.parametrize(("asked", "back"), [(90, {HERE}), (100, set()), (9e9, set())])
    def test_what_it_asked_to_wait_for_is_not_brought_forward(self, asked: float, back: set[bytes]) -> None:
        known = Destinations(limit=4)
        attempt(known, Deferred(reason="provider_unavailable", retry_after=asked), START)
        for second in (0, 0, 30, 60):
            attempt(known, REFUSED, START + second * SECOND)
        attempt(known, Accepted(), START + 90 * SECOND)
        assert known.turn(START).back == back

    def test_what_was_shut_for_half_a_minute_was_no_outage(self) -> None:
        """Else what it always refuses would be tried over and over beside what it always takes."""
        known = Destinations(limit=4)
        attempt(known, Accepted(), START + timedelta(seconds=shut_for(known, START)))
        assert known.turn(START).back == frozenset()


def tried(result: Result, at: timedelta) -> Tried:
    return Tried(claimed=claimed(b""), node="a", finished_at=START + at, result=result)


class TestProvider:
    def test_when_it_is_back_after_an_outage_what_waits_on_its_channel_is_due_at_once(self) -> None:
        provider = Provider()
        for number in range(FAILURES):
            provider.learn(tried(REFUSED, number * OUTAGE / 2))
        assert not provider.back
        provider.learn(tried(Accepted(), OUTAGE))
        assert provider.back

    @pytest.mark.parametrize(
        "results",
        [
            [Accepted()],
            [REFUSED, REFUSED, Accepted()],
            [REFUSED, REFUSED, Rejected(reason="rejected"), REFUSED, Accepted()],
            [Deferred(reason="provider_unavailable", detail="451 4.3.0 RCPT")] * 5 + [Accepted()],
            [Deferred(reason="rejected", detail="450 4.2.1 RCPT")] * 5 + [Accepted()],
            [Unconfirmed()] * 5 + [Accepted()],
        ],
    )
    def test_what_it_says_of_one_recipient_is_no_outage(self, results: list[Result]) -> None:
        provider = Provider()
        for number, result in enumerate(results):
            provider.learn(tried(result, number * OUTAGE))
        assert not provider.back

    @pytest.mark.parametrize(("asked", "back"), [(60, True), (600, False)])
    def test_what_it_asked_to_wait_for_is_not_brought_forward(self, asked: float, back: bool) -> None:
        provider = Provider()
        provider.learn(tried(Deferred(reason="rate_limited", retry_after=asked), timedelta(0)))
        for number in range(FAILURES):
            provider.learn(tried(REFUSED, number * OUTAGE / 2))
        provider.learn(tried(Accepted(), OUTAGE))
        assert provider.back is back

    def test_a_moment_is_no_outage(self) -> None:
        provider = Provider()
        for number in range(FAILURES):
            provider.learn(tried(REFUSED, number * SECOND))
        provider.learn(tried(Accepted(), OUTAGE - SECOND))
        assert not provider.back


class TestAsking:
    """Whether the provider is there, without a try of anybody's."""

    def test_it_is_asked_after_ten_seconds_of_failures_and_not_before(self) -> None:
        provider = Provider()
        assert not provider.silent(START)
        provider.learn(tried(REFUSED, timedelta(0)))
        assert not provider.silent(START + timedelta(seconds=KNOCK_AFTER - 1))
        assert provider.silent(START + timedelta(seconds=KNOCK_AFTER))
        provider.there()
        assert provider.back
        assert not provider.silent(START + OUTAGE), "nothing was tried since"

    def test_one_that_takes_anything_is_not_asked(self) -> None:
        provider = Provider()
        provider.learn(tried(REFUSED, timedelta(0)))
        provider.learn(tried(Accepted(), SECOND))
        provider.learn(tried(REFUSED, 2 * SECOND))
        assert not provider.silent(START + timedelta(seconds=KNOCK_AFTER + 1))

    def test_one_that_opens_its_door_and_takes_nothing_is_believed_less_each_time(self) -> None:
        provider, now, waits = Provider(), timedelta(0), []
        for _ in range(5):
            provider.learn(tried(REFUSED, now))
            failed = now
            while not provider.silent(START + now):
                now += SECOND
            waits.append((now - failed).total_seconds())
            provider.there()
        assert waits == [10, 40, 160, 640, 2560]
        provider.learn(tried(Accepted(), now))
        provider.learn(tried(REFUSED, now))
        assert provider.silent(START + now + timedelta(seconds=KNOCK_AFTER))

    def test_what_it_asked_for_is_respected(self) -> None:
        provider = Provider()
        provider.learn(tried(Deferred(reason="rate_limited", retry_after=600), timedelta(0)))
        provider.learn(tried(REFUSED, SECOND))
        assert not provider.silent(START + timedelta(seconds=599))
        assert provider.silent(START + timedelta(seconds=601))

    def test_a_clock_that_was_set_back_keeps_it_from_nothing(self) -> None:
        provider = Provider()
        provider.learn(tried(REFUSED, timedelta(days=1)))
        assert provider.silent(START)
        provider.learn(tried(Deferred(reason="rate_limited", retry_after=600), timedelta(days=30)))
        assert provider.silent(START), "nor does what it asked for before"
        provider.learn(tried(Deferred(reason="rate_limited", retry_after=600), timedelta(0)))
        assert not provider.silent(START + timedelta(seconds=599)), "but what it asks for since"


@pytest.mark.parametrize(
    ("result", "sign"),
    [
        (Accepted(), "answers"),
        (Unconfirmed(), "fails"),
        (Unconfirmed(reason="unknown"), "fails"),
        (Deferred(reason="connection_failed"), "fails"),
        (Deferred(reason="tls_failed"), "fails"),
        (Deferred(reason="provider_unavailable"), "fails"),
        (Deferred(reason="rate_limited"), "fails"),
        (Deferred(reason="misconfigured"), None),
        (Rejected(reason="rejected"), "answers"),
        (Rejected(reason="gone"), "answers"),
        (Rejected(reason="certificate_expired"), None),
        (Rejected(reason="too_large"), None),
        (Rejected(reason="unknown", technical=True), None),
        (None, None),
    ],
)
def test_what_a_result_says_of_the_other_end(result: Result | None, sign: str | None) -> None:
    assert sign_of(result) == sign


RESULTS = (Accepted(), REFUSED, Unconfirmed(), Rejected(reason="rejected"), Rejected(reason="no_certificate"))
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["claim", "end"]),
        st.sampled_from([HERE, THERE]),
        st.booleans(),
        st.sampled_from(RESULTS),
        st.floats(0, 700),
    ),
    max_size=60,
)


@given(limit=st.integers(1, 5), steps=STEPS)
def test_whatever_happens_the_limit_holds_and_after_the_longest_pause_each_gets_a_try(
    limit: int, steps: list[tuple[str, bytes, bool, Result, float]]
) -> None:
    known, now = Destinations(limit=limit), START
    flying: list[tuple[ClaimedDelivery, datetime]] = []
    for what, where, reminder, result, pause in steps:
        now += timedelta(seconds=pause)
        if what == "claim" and room(known, now, where, reminders=reminder) > 0:
            one = claimed(where, priority="low" if reminder else "high")
            known.take(one, now)
            flying.append((one, now))
        elif what == "end" and flying:
            one, since = flying.pop(0)
            known.learn(Tried(claimed=one, node="a", finished_at=now, result=result), since)
            known.leave(one, now)
        told(known, now)
        for place in (HERE, THERE):
            assert sum(one.delivery.destination == place for one, _ in flying) <= limit
    for one, _ in flying:
        known.leave(one, now)
    assert room(known, now + timedelta(seconds=LONGEST_PAUSE)) >= 1
    assert room(known, now + timedelta(seconds=LONGEST_PAUSE), reminders=True) >= 1
