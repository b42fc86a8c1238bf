"""Which store a URL means."""

from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from hub.service.ports import Ids, Sealer
from hub.store.key_databases import PostgresKeys, SqliteKeys
from hub.store.keystore import KeyDatabase
from hub.store.postgres import PostgresStore
from hub.store.postgres_engine import postgres_engine
from hub.store.sqlite import SqliteStore
from hub.store.sqlite_engine import MEMORY

KEYS_FILE = "keys.sqlite3"


class BadStoreUrl(ValueError):
    """The URL of the database or the key store in the settings is not one the hub can use."""


async def open_store(
    url: str, *, sealer: Sealer, ids: Ids, keys_url: str | None = None, without_children: bool = False, pool: int = 8
) -> SqliteStore | PostgresStore:
    """Open, migrate and start the ledger and its key store.

    ``url``: ``sqlite:///fingerpost.sqlite3``, ``sqlite:////abs/path``, ``:memory:`` (or ``sqlite://``), or
    ``postgresql://user:password@host/database``. ``keys_url`` likewise; by default ``keys.sqlite3`` beside the ledger,
    but for PostgreSQL, whose nodes must share one, it has to be given. ``without_children``: also where
    the key store knows none of the ledger's. ``pool``: connections of a PostgreSQL node.

    Raises BadStoreUrl, StoreUnavailable, SchemaTooNew, NotItsKeyStore, VaultError.
    """
    kind, place = _parsed(url, "the database URL")
    if keys_url is None:
        if kind == "postgresql":
            raise BadStoreUrl("with PostgreSQL the key store needs a URL of its own, to a database apart")
        keys_url = MEMORY if place == MEMORY else f"sqlite:///{Path(str(place)).with_name(KEYS_FILE)}"
    keys_kind, keys_place = _parsed(keys_url, "the key store's URL")
    if (kind, str(place)) == (keys_kind, str(keys_place)) and place != MEMORY:
        raise BadStoreUrl("the key store must be in a database apart from the ledger's")
    if keys_place == MEMORY and place != MEMORY:
        raise BadStoreUrl(
            "the key store's URL names no file: with the process its keys, and all they sealed, would end"
        )
    keys = _keys(keys_place)
    if isinstance(place, str):
        return await SqliteStore.open(place, sealer=sealer, ids=ids, keys=keys, without_children=without_children)
    return await PostgresStore.open(
        place, sealer=sealer, ids=ids, keys=keys, without_children=without_children, pool=pool
    )


def open_key_store(url: str) -> KeyDatabase:
    """The key store's database alone, for whoever opens no key. Raises BadStoreUrl, FileNotFoundError."""
    place = _parsed(url, "the key store's URL")[1]
    if isinstance(place, str) and not Path(place).exists():
        raise FileNotFoundError(place)
    return _keys(place)


def _keys(place: str | URL) -> KeyDatabase:
    return SqliteKeys(place) if isinstance(place, str) else PostgresKeys(postgres_engine(place, pool=2))


def _parsed(url: str, whose: str) -> tuple[str, str | URL]:
    """The kind, and the path of a file or the URL of a server. The URL itself may hold a password: never shown."""
    if url == MEMORY:
        return "sqlite", MEMORY
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise BadStoreUrl(f"{whose} is not a URL; for example sqlite:///data/fingerpost.sqlite3") from None
    kind = parsed.get_backend_name()
    if kind == "sqlite":
        return kind, parsed.database or MEMORY
    if kind == "postgresql":
        return kind, parsed.set(drivername="postgresql+asyncpg")
    raise BadStoreUrl(f"{whose} must begin with sqlite: or postgresql:, not {kind}:")
