"""A node, or two, on a real file; and on a real PostgreSQL where the two could differ."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from tests.kit.node import Hub, a_hub
from tests.kit.postgres import PostgresServer, postgres_server, postgres_store
from tests.kit.store import Stores, sqlite_store

BOTH = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)]


@pytest.fixture(scope="session")
def server() -> Iterator[PostgresServer]:
    with postgres_server() as running:
        yield running


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Hub]:
    store = await sqlite_store(tmp_path)
    yield await a_hub(store)
    await store.aclose()


@pytest.fixture(params=BOTH)
async def nodes(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[tuple[Hub, Hub]]:
    """Two nodes on one ledger, with one clock."""
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
    first = await a_hub(one)
    yield first, first.on(other, node="2")
    await one.aclose()
    await other.aclose()
