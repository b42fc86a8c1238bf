"""Two nodes on one PostgreSQL: the work is shared, nothing is sent twice, crossing answers and results agree."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from hub.service.answers import Answers, Recorded
from tests.kit.clock import FakeClock
from tests.kit.delivering import Sink, Watched, World, until
from tests.kit.postgres import PostgresServer, postgres_server, postgres_store

pytestmark = pytest.mark.postgresql


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with postgres_server() as running:
        yield running


@pytest.fixture
async def nodes(server: PostgresServer) -> AsyncIterator[tuple[World, Watched]]:
    """The world on one node's store, and the other node's."""
    urls = await server.clean()
    one, other = [Watched(await postgres_store(urls, node=node)) for node in ("1", "2")]
    yield World(store=one, clock=FakeClock(), sinks={"email": Sink(), "sms": Sink("sms")}), other
    await one.aclose()
    await other.aclose()


async def test_two_nodes_share_the_work_and_send_nothing_twice(nodes: tuple[World, Watched]):
    world, other = nodes
    changes = await world.told(60)
    async with world.delivering(world.delivery(node="a")), world.delivering(world.delivery(store=other, node="b")):
        await world.passing(lambda: world.settled(changes))
    assert sorted(world.sink.accepted) == sorted(one.id for one in changes.deliveries)
    for one in changes.deliveries:
        assert len(await world.attempts(one.id)) == 1
        assert (await world.notice(one.id)).state == "notified"


async def test_answers_and_results_that_cross_leave_every_notice_acknowledged(nodes: tuple[World, Watched]):
    world, other = nodes
    changes = await world.told(8)
    service = Answers(store=other, clock=world.clock, ids=world.ids, meter=world.notes)
    world.sink.gate = asyncio.Event()

    async def accept(token: str) -> None:
        assert isinstance(await service.acknowledge(token, name="Jo Worker", answer="accepted"), Recorded)

    async with world.delivering(world.delivery()):
        await until(lambda: len(world.sink.received) == 8)
        world.sink.gate.set()
        await asyncio.gather(*(accept(one.id) for one in changes.deliveries))
        await world.passing(lambda: world.settled(changes))
    for one in changes.deliveries:
        assert (await world.notice(one.id)).state == "acknowledged"


async def test_a_double_click_on_two_nodes_is_one_answer(nodes: tuple[World, Watched]):
    world, other = nodes
    (one,) = (await world.told()).deliveries
    services = [Answers(store=s, clock=world.clock, ids=world.ids, meter=world.notes) for s in (world.store, other)]
    recorded = await asyncio.gather(
        *(service.acknowledge(one.id, name="Jo Worker", answer="accepted") for service in services * 3)
    )
    assert sorted(r.repeated for r in recorded if isinstance(r, Recorded)) == [False] + [True] * 5
