"""The ledger: SQLAlchemy Core over SQLite or PostgreSQL, personal values sealed, data keys in a database apart."""

from hub.store.belonging import NotItsKeyStore
from hub.store.failures import KeyGone, SchemaTooNew, StoreFault
from hub.store.keystore import NoSuchKey
from hub.store.opening import BadStoreUrl, open_key_store, open_store
from hub.store.postgres import PostgresStore
from hub.store.sqlite import SqliteStore

__all__ = [
    "BadStoreUrl",
    "KeyGone",
    "NoSuchKey",
    "NotItsKeyStore",
    "PostgresStore",
    "SchemaTooNew",
    "SqliteStore",
    "StoreFault",
    "open_key_store",
    "open_store",
]
