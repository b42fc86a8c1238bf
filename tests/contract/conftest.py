"""Every test of the contract runs on SQLite and on a real PostgreSQL."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from hub.edge.ids import SeededIds
from tests.kit.postgres import PostgresServer, postgres_server, postgres_store
from tests.kit.records import Story
from tests.kit.store import Stores, memory_store, sqlite_store


@pytest.fixture(scope="session")
def server() -> Iterator[PostgresServer]:
    with postgres_server() as running:
        yield running


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Stores]:
    opened: Stores
    if request.param == "sqlite":
        opened = await sqlite_store(tmp_path)
    else:
        opened = await postgres_store(await request.getfixturevalue("server").clean())
    yield opened
    await opened.aclose()


@pytest.fixture
async def memory() -> AsyncIterator[Stores]:
    opened = await memory_store()
    yield opened
    await opened.aclose()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
async def nodes(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[tuple[Stores, Stores]]:
    """Two nodes on one ledger and one key store."""
    make: Callable[[str], Awaitable[Stores]]
    if request.param == "sqlite":

        async def make(node: str) -> Stores:
            return await sqlite_store(tmp_path, node=node)
    else:
        server: PostgresServer = request.getfixturevalue("server")
        urls = await server.clean()

        async def make(node: str) -> Stores:
            return await postgres_store(urls, node=node)

    one, other = await make("1"), await make("2")
    yield one, other
    await one.aclose()
    await other.aclose()


@pytest.fixture
def story() -> Story:
    return Story(SeededIds("story"))
