"""Opening what is kept: the vault over the key files, and the store under it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy import make_url

from hub.app.keys import key_ring
from hub.edge.ids import SystemIds
from hub.edge.vault import KeyRing, Vault
from hub.service.ports import Ids, StoreUnavailable
from hub.settings import Settings, wrong
from hub.store import BadStoreUrl, PostgresStore, SqliteStore, open_store


async def store_of(
    settings: Settings, ring: KeyRing, ids: Ids, *, without_children: bool = False
) -> SqliteStore | PostgresStore:
    """Open the ledger and the key store, migrating them. ``without_children``: also where the key store knows none of
    the ledger's. Raises SettingsError, StoreUnavailable, SchemaTooNew, NotItsKeyStore."""
    try:
        if settings.database_url is None or settings.key_store_url is None:
            settings.data_folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return await open_store(
            settings.database,
            sealer=Vault(ring),
            ids=ids,
            keys_url=settings.key_store,
            without_children=without_children,
        )
    except BadStoreUrl as error:
        raise wrong("DATABASE_URL", str(error)) from None
    except OSError as error:
        raise StoreUnavailable(f"a folder or file of the store cannot be made: {error.strerror}") from error


def has_ledger(settings: Settings) -> bool:
    """Whether there is one: a server's is taken to be there, a file is looked for and not made."""
    if settings.database_url is not None:
        return True
    return Path(make_url(settings.database).database or "").exists()


@asynccontextmanager
async def open_ledger(
    settings: Settings, *, without_children: bool = False
) -> AsyncIterator[SqliteStore | PostgresStore]:
    """The store for one command, beside a running hub too."""
    store = await store_of(settings, key_ring(settings), SystemIds(), without_children=without_children)
    try:
        yield store
    finally:
        await store.aclose()
