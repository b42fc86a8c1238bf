"""Which results are written together."""

import asyncio
from collections.abc import Sequence
from typing import Any, cast

from hub.core.records import ClaimedDelivery
from hub.core.retry import RetryPolicy
from hub.core.verdict import Tried
from hub.edge.ids import SeededIds
from hub.service.recording import ENOUGH, Recorder
from hub.service.sending import Flight
from tests.kit.clock import START, FakeClock
from tests.kit.delivering import Notes
from tests.kit.records import Story

STORY = Story(SeededIds("recording"), episode="ep_1", child="ch_1")


class Batches(Recorder):
    """Writes nothing but how many came together."""

    def __init__(self, flying: list[Flight]) -> None:
        super().__init__(
            store=cast(Any, None), clock=FakeClock(), ids=SeededIds("r"), node="a",
            policy=RetryPolicy(schedule=(30,), jitter=0.0), closed=lambda _: None, meter=Notes(), log=Notes(),
            under_way=lambda: bool(flying),
        )  # fmt: skip
        self.sizes: list[int] = []

    async def _transact(self, batch: Sequence[Tried], unused: Sequence[str], *, bare: bool) -> None:
        self.sizes.append(len(batch))


def flight() -> Flight:
    decision = STORY.decision(None)
    notice = STORY.notice(decision)
    one = ClaimedDelivery(delivery=STORY.delivery(notice), attempt=1, notice=notice,
                          decision=decision.decision, child=STORY.child, doc={})  # fmt: skip
    return Flight(claimed=one, lease_until=START, since=START)


def tried(one: Flight) -> Tried:
    return Tried(claimed=one.claimed, node="a", finished_at=START, result=None)


async def test_a_result_waits_for_those_under_way_and_not_when_it_is_the_last() -> None:
    flying = [flight(), flight(), flight()]
    recorder = Batches(flying)
    running = asyncio.create_task(recorder.run())
    for one in list(flying):
        flying.remove(one)
        recorder.add(tried(one))
        await asyncio.sleep(0)
    recorder.all_in()
    async with asyncio.timeout(5):
        await recorder.recorded.wait()
    assert recorder.sizes == [3]

    flying.append(flight())  # one hangs: the others are written all the same, soon
    recorder.recorded.clear()
    recorder.add(tried(flight()))
    async with asyncio.timeout(5):
        await recorder.recorded.wait()
    assert recorder.sizes == [3, 1]

    recorder.recorded.clear()
    for _ in range(ENOUGH):
        recorder.add(tried(flying[0]))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert recorder.sizes == [3, 1, ENOUGH], "so many wait for nobody"
    recorder.add(tried(flying[0]))
    recorder.close()
    await asyncio.wait_for(running, 5)
    assert recorder.sizes == [3, 1, ENOUGH, 1]
