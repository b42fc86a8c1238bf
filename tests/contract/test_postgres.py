"""What only PostgreSQL promises: retries, lost connections, several nodes."""

import asyncio
import os
import signal

import asyncpg
import pytest

from hub.edge.ids import SeededIds
from hub.service.ports import StoreUnavailable, Unit
from hub.store import StoreFault, open_store
from hub.store.postgres import PostgresStore
from tests.contract.test_transactions import put, there
from tests.kit.clock import START
from tests.kit.postgres import PostgresServer, postgres_store
from tests.kit.records import Story
from tests.kit.store import vault

pytestmark = pytest.mark.postgresql


@pytest.fixture
async def store(server: PostgresServer):  # type: ignore[no-untyped-def]  # a generator fixture
    opened = await postgres_store(await server.clean())
    yield opened
    await opened.aclose()


async def setting(store: PostgresStore, name: str) -> str:
    async with store._engine.connect() as connection:
        found = await connection.exec_driver_sql(f"SHOW {name}")
        return str(found.scalar())


async def test_a_commit_waits_for_the_disk_whatever_the_servers_default(store: PostgresStore) -> None:
    assert await setting(store, "synchronous_commit") == "on"
    assert await setting(store, "transaction_isolation") == "read committed"


async def test_a_deadlock_is_run_again(store: PostgresStore, story: Story) -> None:
    alarms = [story.alarm(str(n), owner=str(n)) for n in range(2)]
    for alarm in alarms:
        await store.write(lambda unit, alarm=alarm: unit.add_alarm(alarm, []))
    runs = [0, 0]
    both, through = asyncio.Barrier(2), asyncio.Event()

    async def work(unit: Unit, mine: int) -> None:
        runs[mine] += 1
        if runs[mine] == 2:  # else it may have its first row back before the other gets it, and both meet again
            await through.wait()
        first, second = alarms[mine], alarms[1 - mine]
        await unit.clear_alarm(first.id, START, [])
        if runs[mine] == 1:
            await both.wait()
        await unit.clear_alarm(second.id, START, [])

    async def write(mine: int) -> None:
        await store.write(lambda unit: work(unit, mine))
        through.set()

    await asyncio.gather(write(0), write(1))
    assert sum(runs) == 3
    assert await store.read(lambda unit: unit.alarms()) == []


async def test_a_connection_that_dies_is_unavailable_and_the_next_one_works(
    store: PostgresStore, server: PostgresServer
) -> None:
    async def work(unit: Unit) -> None:
        await put(unit, 1)
        admin = await asyncpg.connect(host=str(server.socket), user="postgres", database="postgres")
        await admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name = 'fingerpost' AND state = 'idle in transaction'"
        )
        await admin.close()
        await put(unit, 2)

    with pytest.raises(StoreUnavailable):
        await store.write(work)
    assert await there(store) == set()
    assert await store.write(lambda unit: put(unit, 3)) == 3
    assert await store.ready() is True


async def test_a_server_that_does_not_answer_is_unavailable(server: PostgresServer) -> None:
    store = await postgres_store(await server.clean())
    await store.write(lambda unit: put(unit, 1))
    store._work_seconds = 0.5
    os.kill(server.process.pid, signal.SIGSTOP)
    try:
        backends = _children(server.process.pid)
        for pid in backends:
            os.kill(pid, signal.SIGSTOP)
        with pytest.raises(StoreUnavailable):
            await store.write(lambda unit: put(unit, 2))
    finally:
        for pid in backends:
            os.kill(pid, signal.SIGCONT)
        os.kill(server.process.pid, signal.SIGCONT)
    store._work_seconds = 60
    assert await store.write(lambda unit: put(unit, 3)) == 3
    assert await there(store) >= {"r1", "r3"}
    await store.aclose()


def _children(pid: int) -> list[int]:
    with open(f"/proc/{pid}/task/{pid}/children") as children:
        return [int(one) for one in children.read().split()]


async def test_no_server_at_all_is_unavailable(server: PostgresServer, tmp_path: object) -> None:
    url = f"postgresql://postgres:hidden@/x?host={tmp_path}"
    with pytest.raises(StoreUnavailable) as caught:
        await open_store(url, keys_url=server.url("postgres"), sealer=vault(), ids=SeededIds("1"))
    assert "hidden" not in repr(caught.value)


async def test_a_pool_that_is_used_up_is_unavailable(store: PostgresStore) -> None:
    go, inside = asyncio.Event(), asyncio.Semaphore(0)

    async def hold(unit: Unit) -> None:
        await unit.sources()
        inside.release()
        await go.wait()

    held = [asyncio.create_task(store.write(hold)) for _ in range(4)]
    for _ in held:
        await inside.acquire()
    store._work_seconds = 0.2
    with pytest.raises(StoreUnavailable):
        await store.write(lambda unit: put(unit, 1))
    store._work_seconds = 60
    go.set()
    await asyncio.gather(*held)
    assert await store.write(lambda unit: put(unit, 2)) == 2


async def test_a_reader_may_not_write(store: PostgresStore) -> None:
    with pytest.raises((StoreFault, StoreUnavailable)):
        await store.read(lambda unit: unit.add_alarm(Story(SeededIds("a")).alarm(), []))
    assert await store.write(lambda unit: put(unit, 1)) == 1


async def test_many_nodes_hold_one_count(server: PostgresServer) -> None:
    urls = await server.clean()
    nodes = [await postgres_store(urls, node=str(n)) for n in range(3)]
    await asyncio.gather(*(nodes[n % 3].write(lambda unit, n=n: put(unit, n)) for n in range(30)))
    assert len(await there(nodes[0])) == 30
    for node in nodes:
        await node.aclose()
