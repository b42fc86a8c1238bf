"""A store on a vault with made-up keys."""

from datetime import datetime
from pathlib import Path

from hub.edge.ids import SeededIds
from hub.edge.vault import KeyRing, Vault
from hub.store import SqliteStore, open_store
from hub.store.postgres import PostgresStore

LEDGER = "ledger.sqlite3"


def vault(current: str = "k1") -> Vault:
    """Two key-encryption keys, always the same."""
    return Vault(KeyRing(current=current, keys={"k1": b"1" * 32, "k2": b"2" * 32}, index_secret=b"i" * 32))


async def sqlite_store(folder: Path, *, node: str = "1") -> SqliteStore:
    """A real file in ``folder``, with the key store beside it. Two nodes must not make the same ids."""
    store = await open_store(f"sqlite:///{folder / LEDGER}", sealer=vault(), ids=SeededIds(node))
    assert isinstance(store, SqliteStore)
    return store


async def memory_store() -> SqliteStore:
    """The store of simulations."""
    store = await open_store(":memory:", sealer=vault(), ids=SeededIds("store"))
    assert isinstance(store, SqliteStore)
    return store


Stores = SqliteStore | PostgresStore


def utc(text: str) -> datetime:
    """``2026-03-01T20:00:00Z`` as an instant."""
    return datetime.fromisoformat(text)
