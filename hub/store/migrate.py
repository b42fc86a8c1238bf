"""Bring a ledger's database to this version's tables, at start, from the migrations in the package."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, text

from hub.store.failures import SchemaTooNew

_LOCK = 5065470123770
"""The advisory lock two starting nodes meet at; on SQLite the caller's BEGIN IMMEDIATE does that."""


def _config(connection: Connection) -> Config:
    config = Config(attributes={"connection": connection})
    # ConfigParser reads a per cent sign in the path as the start of an interpolation.
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def alone(connection: Connection) -> None:
    """Wait until no other node migrates; from then on none does until the end of the caller's transaction."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})


def migrate(connection: Connection) -> None:
    """Run what is missing, inside the caller's transaction. Raises SchemaTooNew for a database from the future."""
    alone(connection)
    config = _config(connection)
    scripts = ScriptDirectory.from_config(config)
    present = MigrationContext.configure(connection).get_current_revision()
    if present == scripts.get_current_head():
        return
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        known = {script.revision for script in scripts.walk_revisions()}
        if present is not None and present not in known:
            raise SchemaTooNew(f"the database is at revision {present}, which this version does not know") from error
        raise
