"""How much a lane claims, and how what was claimed takes turns at the processor."""

import asyncio
from datetime import timedelta

import pytest

from adapters.port import Accepted, Deferred, Result
from hub.core.records import ClaimedDelivery
from hub.core.verdict import Tried
from hub.edge.ids import SeededIds
from hub.service.lanes import AHEAD, AT_ONCE, PATIENCE, Lane, Limits
from hub.service.pace import Pace
from hub.service.sending import Flight
from tests.kit.clock import START
from tests.kit.records import Story

STORY = Story(SeededIds("lanes"), episode="ep_1", child="ch_1")
LIMITS = Limits(concurrency=4, reserve=1)


def flight() -> Flight:
    decision = STORY.decision(None)
    notice = STORY.notice(decision)
    one = ClaimedDelivery(delivery=STORY.delivery(notice, destination=b"here"), attempt=1, notice=notice,
                          decision=decision.decision, child=STORY.child, doc={})  # fmt: skip
    return Flight(claimed=one, lease_until=START + timedelta(minutes=5), since=START)


def landed(lane: Lane, took: timedelta, result: Result | None = None) -> None:
    one = flight()
    lane.take(one)
    lane.learn(one, Tried(claimed=one.claimed, node="a", finished_at=START + took, result=result or Accepted()))
    lane.leave(one, START + took)


def test_a_lane_that_is_quick_claims_more_at_a_time_until_a_flight_is_not() -> None:
    lane = Lane(channel="email", limits=LIMITS)
    assert lane.free(START) == LIMITS.concurrency
    for _ in range((1 + AHEAD) * LIMITS.concurrency):
        landed(lane, AT_ONCE)
    assert lane.free(START) == LIMITS.concurrency * (1 + AHEAD), "and no more than that"
    assert lane.free_for_reminders(START) == LIMITS.concurrency - LIMITS.reserve, "reminders have no part in it"
    landed(lane, AT_ONCE + timedelta(milliseconds=1))
    assert lane.free(START) == LIMITS.concurrency * (1 + AHEAD // 2)
    landed(lane, AT_ONCE, Deferred(reason="connection_failed"))
    assert lane.free(START) == LIMITS.concurrency


def test_a_lane_in_which_one_hangs_claims_no_more_than_usual() -> None:
    lane = Lane(channel="email", limits=LIMITS)
    for _ in range(LIMITS.concurrency):
        landed(lane, AT_ONCE)
    lane.take(flight())
    assert lane.free(START) == 2 * LIMITS.concurrency - 1
    assert lane.free(START + PATIENCE) == LIMITS.concurrency - 1


@pytest.mark.parametrize("hanging", range(LIMITS.concurrency))
@pytest.mark.parametrize("quick", [0, 1])
def test_whatever_hangs_beside_it_what_is_left_of_a_lane_is_worth_a_claim(hanging: int, quick: int) -> None:
    """Not only at the next look, a second later."""
    lane = Lane(channel="email", limits=LIMITS)
    for _ in range(quick):
        landed(lane, AT_ONCE)
    for _ in range(hanging):
        lane.take(flight())
    assert lane.worth_a_claim(START + PATIENCE)
    lane.hungry = False
    assert not lane.worth_a_claim(START + PATIENCE)


def test_nobody_waits_for_a_full_lane_to_ask_in_which_one_hangs() -> None:
    lane = Lane(channel="email", limits=LIMITS)
    assert not lane.asks_soon(START)
    landed(lane, AT_ONCE)
    assert not lane.asks_soon(START), "it has nothing in hand that could end"
    while lane.free(START):
        lane.take(flight())
    assert lane.asks_soon(START)
    assert not lane.asks_soon(START + PATIENCE)


def test_only_where_a_notice_is_out_within_milliseconds() -> None:
    for channel in ("sms", "push"):
        lane = Lane(channel=channel, limits=LIMITS)
        before = lane.free(START)
        landed(lane, AT_ONCE)
        assert lane.free(START) == before


async def test_one_at_a_time_in_their_order_and_between_two_whatever_else_is_ready() -> None:
    pace = Pace()
    seen: list[str] = []

    async def composes(name: str) -> None:
        await pace.turn()
        seen.append(name)

    async def answers() -> None:
        for number in range(3):
            seen.append(f"answer {number}")
            await asyncio.sleep(0)

    tasks = [asyncio.create_task(composes(name)) for name in "abcd"]
    tasks.append(asyncio.create_task(answers()))
    await asyncio.sleep(0)
    tasks[1].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert [name for name in seen if len(name) == 1] == ["a", "c", "d"]
    a, c, d = (seen.index(name) for name in "acd")
    assert any(name.startswith("answer") for name in seen[a:c]), seen
    await asyncio.sleep(0)
    await asyncio.wait_for(composes("later"), 1)
    assert c < d and seen[-1] == "later"
