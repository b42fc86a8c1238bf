"""How a channel's other end is, as the wall shows it."""

from dataclasses import replace
from datetime import timedelta

from adapters.port import Accepted, Deferred, Rejected, Result
from hub.core.records import ClaimedDelivery
from hub.core.verdict import Tried
from hub.core.wall import WayOut
from hub.edge.ids import SeededIds
from hub.service.lanes import Lane, Limits
from hub.service.sending import Flight
from hub.service.signs import FAILURES
from tests.kit.clock import START
from tests.kit.records import Story

STORY = Story(SeededIds("ways"), episode="ep_1", child="ch_1")
AWAY = Deferred(reason="connection_failed")
MINUTE = timedelta(minutes=1)


def flight(where: bytes = b"") -> Flight:
    decision = STORY.decision(None)
    notice = STORY.notice(decision)
    one = ClaimedDelivery(delivery=STORY.delivery(notice, destination=where), attempt=1, notice=notice,
                          decision=decision.decision, child=STORY.child, doc={})  # fmt: skip
    return Flight(claimed=one, lease_until=START + 5 * MINUTE, since=START)


def learned(lane: Lane, result: Result, *, at: timedelta = MINUTE, where: bytes = b"") -> WayOut:
    one = flight(where)
    lane.take(one)
    lane.learn(one, Tried(claimed=one.claimed, node="a", finished_at=START + at, result=result))
    lane.leave(one, START + at)
    return lane.way_out(START + at, set_up=True)


def test_nobody_has_tried_yet() -> None:
    lane = Lane(channel="email", limits=Limits())
    assert lane.way_out(START, set_up=False) == WayOut(channel="email", set_up=False)
    lane.take(flight())
    assert lane.way_out(START, set_up=True).in_hand == 1


def test_a_provider_that_does_not_answer_and_does_again() -> None:
    lane = Lane(channel="email", limits=Limits())
    assert learned(lane, Accepted()).answered_at == START + MINUTE
    away = learned(lane, AWAY, at=2 * MINUTE)
    assert (away.failing_since, away.answered_at) == (START + 2 * MINUTE, START + MINUTE)
    assert learned(lane, AWAY, at=3 * MINUTE).failing_since == START + 2 * MINUTE
    back = learned(lane, Rejected(reason="rejected"), at=4 * MINUTE)
    assert (back.failing_since, back.answered_at) == (None, START + 4 * MINUTE), "who refuses somebody is there"
    assert learned(lane, Rejected(reason="no_certificate"), at=5 * MINUTE) == replace(back)


def test_of_systems_that_the_hub_calls_itself_those_that_are_left_alone_are_counted() -> None:
    lane = Lane(channel="push", limits=Limits())
    for number in range(FAILURES):
        way = learned(lane, AWAY, at=number * MINUTE, where=b"here")
    assert (way.shut, way.failing_since) == (1, None)
