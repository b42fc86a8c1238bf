"""Which schema the ledger has. Alembic is loaded only where something is to be migrated: it is a third of a start."""

import importlib
from typing import Final

from sqlalchemy import Connection, inspect, text

HEAD: Final = "0019"
"""The newest revision in migrations/; a test compares the two."""


def is_current(connection: Connection) -> bool:
    """Whether the database has this version's tables."""
    if not inspect(connection).has_table("alembic_version"):
        return False
    return list(connection.execute(text("SELECT version_num FROM alembic_version")).scalars()) == [HEAD]


def bring_up(connection: Connection) -> None:
    """Run the migrations that are missing, inside the caller's transaction. Raises SchemaTooNew."""
    if not is_current(connection):
        importlib.import_module("hub.store.migrate").migrate(connection)
