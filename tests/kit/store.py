"""A store on a vault with made-up keys."""

from datetime import timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine.default import DefaultDialect

from hub.core.records import ClaimedDelivery
from hub.edge.ids import SeededIds
from hub.edge.vault import KeyRing, Vault
from hub.service.ports import Unit
from hub.store import SqliteStore, open_store
from hub.store.postgres import PostgresStore
from hub.store.schema import bring_up
from hub.store.sqlite_engine import sqlite_engine
from tests.kit.clock import START

LEDGER = "ledger.sqlite3"
LEASE = timedelta(seconds=60)


# A statement is compiled once for each dialect, and an engine has one of its own: for the engines of each test all of
# them would be compiled anew, which takes a third of its time. Those of one kind compile alike.
DefaultDialect.__eq__ = lambda self, other: type(self) is type(other)  # type: ignore[method-assign]
DefaultDialect.__hash__ = lambda self: hash(type(self))  # type: ignore[method-assign]
_COMPILED: dict[Any, Any] = {}


@event.listens_for(Engine, "engine_connect")
def _compiled_before(connection: Connection) -> None:
    connection.execution_options(compiled_cache=_COMPILED)


def vault(current: str = "k1") -> Vault:
    """Two key-encryption keys, always the same."""
    return Vault(KeyRing(current=current, keys={"k1": b"1" * 32, "k2": b"2" * 32}, index_secret=b"i" * 32))


async def sqlite_store(folder: Path, *, node: str = "1") -> SqliteStore:
    """A real file in ``folder``, with the key store beside it. Two nodes must not make the same ids."""
    if not (folder / LEDGER).exists():
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in (await _made()).items():
            (folder / name).write_bytes(content)
    return await _opened(folder, node)


async def _opened(folder: Path, node: str) -> SqliteStore:
    store = await open_store(f"sqlite:///{folder / LEDGER}", sealer=vault(), ids=SeededIds(node))
    assert isinstance(store, SqliteStore)
    return store


_MADE: dict[str, bytes] = {}


async def _made() -> dict[str, bytes]:
    """The files of an empty store, by name: every migration, run once in a process and not in each of its tests."""
    if not _MADE:
        with TemporaryDirectory() as folder:
            await (await _opened(Path(folder), "1")).aclose()
            _MADE.update((path.name, path.read_bytes()) for path in Path(folder).iterdir())
        assert not [name for name in _MADE if name.endswith(("-wal", "-shm"))], "it was not closed whole"
    return _MADE


@cache
def empty_ledger() -> bytes:
    """The file of a ledger that nothing was written to yet: as above, for hubs that open it themselves."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / LEDGER
        engine = sqlite_engine(str(path), role="writer")
        with engine.begin() as connection:
            bring_up(connection)
        engine.dispose()
        return path.read_bytes()


async def memory_store() -> SqliteStore:
    """The store of simulations."""
    store = await open_store(":memory:", sealer=vault(), ids=SeededIds("store"))
    assert isinstance(store, SqliteStore)
    return store


Stores = SqliteStore | PostgresStore


async def claim(
    store: Stores,
    at: timedelta = timedelta(0),
    *,
    node: str = "node-1",
    limit: int = 100,
    channels: tuple[str, ...] | None = None,
    priorities: tuple[str, ...] | None = None,
) -> list[ClaimedDelivery]:
    """Claim what is due ``at`` after the start, for a minute."""
    now = START + at

    async def work(unit: Unit) -> list[ClaimedDelivery]:
        return list(await unit.claim(now, now + LEASE, node, limit, channels=channels, priorities=priorities))

    return await store.write(work)


async def raw(store: Stores, *statements: str) -> None:
    """Run statements on the bare database, past everything that watches over it; in one transaction."""
    if isinstance(store, SqliteStore):

        def there() -> None:
            connection = store._open_connection()
            with connection.begin():
                for statement in statements:
                    connection.exec_driver_sql(statement)

        await store._in_writer(there)
        return
    async with store._engine.begin() as connection:
        for statement in statements:
            await connection.exec_driver_sql(statement)
