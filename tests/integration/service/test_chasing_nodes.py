"""Several nodes on one ledger: one step is taken, whoever looks; answers, receipts and looks that cross agree."""

import asyncio
from datetime import timedelta

from adapters.port import Receipt
from hub.core.tokens import ack_token, receipt_token
from hub.service.answers import Answers, Recorded
from hub.service.receipts import Receipts
from tests.integration.service.test_chasing import MINUTE, Unmetered, chasing, ways
from tests.integration.service.test_chasing_more import send_all
from tests.integration.service.test_receipts import RAW, Counted
from tests.kit.clock import START
from tests.kit.events import found, reported
from tests.kit.node import ACK_SECRET, Hub


async def test_nodes_that_look_at_once_take_each_step_once(nodes: tuple[Hub, Hub]):
    one, other = nodes
    await one.post(reported(episode={"risk": {"level": "high"}}))
    before = {notice.id: len(await ways(one, notice)) for notice in await one.notices()}
    at = START + 15 * MINUTE
    await asyncio.gather(*(chasing(node).tick(at) for node in (one, other, one, other)))
    for notice in await one.notices():
        made = [way for way in await ways(one, notice) if way.created_at == at]
        assert len({way.purpose for way in made}) <= 1, "one rung a look"
        assert len({(way.channel, way.address) for way in made}) == len(made)
        assert len(await ways(one, notice)) - before[notice.id] == len(made)
    assert one.logged == other.logged == []


async def test_answers_receipts_and_looks_that_cross_agree(nodes: tuple[Hub, Hub]):
    one, other = nodes
    await one.post(reported(episode={"risk": {"level": "high"}}))
    notices = [notice for notice in await one.notices() if notice.chase_at is not None]
    firsts = [way[0] for notice in notices if (way := await ways(one, notice))]
    now = one.clock.now()
    await one.store.write(lambda unit: unit.claim(now, now + timedelta(minutes=5), "node", 100))
    answers = Answers(store=other.store, clock=other.clock, ids=other.ids, meter=Unmetered())
    receipts = Receipts(store=one.store, clock=one.clock, ids=one.ids, meter=Counted(), nudge=lambda: None)

    async def accept(delivery: str) -> None:
        said = await answers.acknowledge(ack_token(ACK_SECRET, delivery), name="Jo Worker", answer="accepted")
        assert isinstance(said, Recorded)

    async def arrive(delivery: str) -> None:
        token = receipt_token(ACK_SECRET, delivery)
        assert await receipts.take(Receipt(channel="email", kind="delivered", at=now, token=token), RAW)

    async with asyncio.timeout(60):
        await asyncio.gather(
            *(accept(way.id) for way in firsts),
            *(arrive(way.id) for way in firsts if way.channel == "email"),
            chasing(one).tick(START + 15 * MINUTE),
            chasing(other).tick(START + 15 * MINUTE),
        )
        await chasing(one).tick(START + 16 * MINUTE)
    told = {way.notice for way in firsts}
    assert {notice.state for notice in await one.notices() if notice.id in told} == {"acknowledged"}
    assert one.logged == other.logged == []


async def test_a_step_that_crosses_the_find_is_not_taken_after_it(nodes: tuple[Hub, Hub]):
    one, other = nodes
    await one.post(reported(episode={"risk": {"level": "high"}}))
    await send_all(one)
    await one.wait_until(START + 15 * MINUTE)
    at = one.clock.now()
    decided, go_on = asyncio.Event(), asyncio.Event()
    service = chasing(other)
    service.store = _slow_to_write(other.store, decided, go_on)
    looking = asyncio.create_task(service.tick(at))
    await decided.wait()
    finding = asyncio.create_task(one.post(found(time=at.isoformat())))
    await asyncio.wait({finding}, timeout=0.5)
    go_on.set()
    async with asyncio.timeout(60):
        await asyncio.gather(looking, finding)
    overtaken = [way for notice in await one.notices(kind="missing") for way in await ways(one, notice)]
    assert {way.state for way in overtaken} <= {"sent", "cancelled"}


def _slow_to_write(store, decided: asyncio.Event, go_on: asyncio.Event):
    class Slow:
        def __getattr__(self, name):
            return getattr(store, name)

        async def write(self, work):
            async def slowly(unit):
                chase = unit.chase

                async def held(*told):
                    decided.set()
                    await go_on.wait()
                    await chase(*told)

                unit.chase = held
                return await work(unit)

            return await store.write(slowly)

    return Slow()
