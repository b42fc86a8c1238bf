"""Which schema the ledger has. Alembic is loaded only where something is to be migrated: it is a third of a start.

Hubs are upgraded one after another while the others go on, so for a while the tables are newer than some hubs. Hence a
schema is changed in two steps: a version that *expands* (new tables, new columns that may be left out) and can live
with what hubs of the one before it write; and a later one that *contracts*, once none of those runs any more, and says
so by raising OLDEST.
"""

import importlib
from typing import Final

from sqlalchemy import Connection, inspect, text

HEAD: Final = "0035"
"""The newest revision in migrations/; a test compares the two."""
OLDEST: Final = "0020"
"""Of the hubs that may go on beside this version: their HEAD is this or a later one."""


def is_current(connection: Connection) -> bool:
    """Whether the database has this version's tables, or newer ones that say that this version may go on."""
    present = _present(connection)
    if present is None or present <= HEAD:
        return present == HEAD
    # Revisions are numbers of four digits. One that is newer has the table that says how old a hub may be.
    return any(oldest <= HEAD for oldest in connection.execute(text("SELECT revision FROM schema_oldest")).scalars())


def bring_up(connection: Connection) -> None:
    """Run the migrations that are missing, inside the caller's transaction. Raises SchemaTooNew."""
    if is_current(connection):
        return
    migrating = importlib.import_module("hub.store.migrate")
    migrating.alone(connection)
    if is_current(connection):  # another node was first, and may be of a newer version
        return
    migrating.migrate(connection)
    connection.execute(text("DELETE FROM schema_oldest"))
    connection.execute(text("INSERT INTO schema_oldest (id, revision) VALUES (1, :oldest)"), {"oldest": OLDEST})


def _present(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
