"""Several processes on one PostgreSQL: each does its part, and hears at once of what another has written down."""

import asyncio
import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import make_url

from hub.settings import SettingsError
from hub.store.wakeups import Wakeups
from tests.kit.events import raw, reported_in_full
from tests.kit.hub import hub_settings
from tests.kit.postgres import PostgresServer, postgres_server
from tests.kit.web import Lines
from tests.kit.whole import whole


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with postgres_server() as running:
        yield running


@pytest.mark.postgresql
async def test_one_takes_the_events_and_another_delivers_without_having_looked(
    server: PostgresServer, tmp_path: Path
) -> None:
    ledger, keys = await server.clean()
    shared = {"database_url": ledger, "key_store_url": keys, "delivery_poll": 600, "clock_tick": 600}
    async with (
        whole(tmp_path, roles="web", **shared) as front,
        whole(tmp_path, roles="worker", **shared) as back,
    ):
        assert [(await node.get("/health/ready"))[0] for node in (front, back)] == [200, 200]
        assert {*front.hub.supervisor.alive} == {"wakeups", "ticks"}
        assert {*back.hub.supervisor.alive} == {"delivery", "wakeups", "ticks"}
        assert (await back.get("/v1/openapi.json"))[0] == 404
        assert (await front.get("/v1/openapi.json"))[0] == 200
        for node in (front, back):
            async with asyncio.timeout(10):
                while 'what="wakeups_lost"} 0.0' not in (await node.get("/metrics"))[1]:
                    await asyncio.sleep(0.05)
        assert (await front.post(raw(reported_in_full())))[0] == 202
        await back.until(lambda found: any(notice.state == "notified" for notice in found))
        assert back.relay.received
        assert not front.relay.received


@pytest.mark.postgresql
async def test_a_hint_reaches_the_others_and_a_lost_connection_is_made_again(server: PostgresServer) -> None:
    url = make_url((await server.clean())[0]).set(drivername="postgresql+asyncpg")
    heard: dict[str, int] = {"a": 0, "b": 0}
    log = Lines()

    def counting(node: str) -> Wakeups:
        def count() -> None:
            heard[node] += 1

        return Wakeups(url, heard=count, log=log)

    a, b = counting("a"), counting("b")
    stop = asyncio.Event()
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        for one in (a, b):
            group.create_task(one.run(stop))
        await asyncio.gather(a.listening.wait(), b.listening.wait())
        assert heard == {"a": 1, "b": 1}  # each looks once as it begins
        for _ in range(5):
            a.tell()
        while heard["b"] < 2:
            await asyncio.sleep(0.01)
        assert heard["a"] == 1
        await server._execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE pid <> pg_backend_pid() AND (query LIKE 'LISTEN%' OR query LIKE '%pg_notify%')",
            url.database or "",
        )
        while a.listening.is_set() or b.listening.is_set():
            await asyncio.sleep(0.01)
        await asyncio.gather(a.listening.wait(), b.listening.wait())
        assert heard["a"] == 2
        b.tell()
        while heard["a"] < 3:
            await asyncio.sleep(0.01)
        stop.set()


@pytest.mark.postgresql
async def test_a_database_that_says_nothing_any_more_does_not_hold_up_the_end(server: PostgresServer) -> None:
    url = make_url((await server.clean())[0]).set(drivername="postgresql+asyncpg")
    one = Wakeups(url, heard=lambda: None, log=Lines())
    stop = asyncio.Event()
    running = asyncio.create_task(one.run(stop))
    async with asyncio.timeout(10):
        await one.listening.wait()
    process = one._connection.get_server_pid()
    os.kill(process, signal.SIGSTOP)
    try:
        one.tell()
        await asyncio.sleep(0.05)
        stop.set()
        async with asyncio.timeout(2):
            await running
    finally:
        os.kill(process, signal.SIGCONT)


async def test_nor_does_one_that_takes_no_connection() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = make_url(f"postgresql+asyncpg://hub@127.0.0.1:{silent.getsockname()[1]}/hub")
        stop = asyncio.Event()
        running = asyncio.create_task(Wakeups(url, heard=lambda: None, log=Lines()).run(stop))
        await asyncio.sleep(0.05)
        stop.set()
        async with asyncio.timeout(2):
            await running


@pytest.mark.parametrize(
    ("roles", "database", "why"),
    [
        ("web,worker", None, "roles: on SQLite there is one process"),
        ("", "postgresql://h/d", "roles must name at least one"),
        ("web,cook", "postgresql://h/d", "Input should be 'web', 'worker' or 'clock'"),
    ],
)
def test_roles_that_cannot_be(tmp_path: Path, roles: str, database: str | None, why: str) -> None:
    given = {} if database is None else {"database_url": database, "key_store_url": "postgresql://h/k"}
    with pytest.raises(SettingsError, match=why):
        hub_settings(tmp_path, roles=roles, **given)
