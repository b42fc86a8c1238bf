"""SQLite connections as the hub wants them: durable, checked, leaving nothing readable behind."""

import os
import sqlite3
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import QueuePool, StaticPool

MEMORY = ":memory:"
_BUSY_MS = 5_000


def sqlite_engine(path: str, *, role: Literal["writer", "reader"], readers: int = 4) -> Engine:
    """An engine over one file (or memory, writer only), in SQLAlchemy's own transactions rather than the driver's.

    The writer begins with the write lock, so that it never finds out half-way that another process has it.
    """
    begin = "BEGIN IMMEDIATE" if role == "writer" else "BEGIN"
    pool: dict[str, Any] = {"poolclass": StaticPool}  # one connection, kept
    if role == "reader":
        pool = {"poolclass": QueuePool, "pool_size": readers, "max_overflow": 0}

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(
            path, timeout=_BUSY_MS / 1000, isolation_level=None, check_same_thread=False, cached_statements=256
        )
        try:
            _set_up(connection, path, role)
        except BaseException:
            connection.close()
            raise
        return connection

    engine = create_engine("sqlite://", creator=connect, hide_parameters=True, **pool)

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


def _set_up(connection: sqlite3.Connection, path: str, role: str) -> None:
    connection.execute(f"PRAGMA busy_timeout={_BUSY_MS}")
    if path != MEMORY:
        mode = connection.execute("PRAGMA journal_mode=WAL").fetchone()[0]
        if mode != "wal":
            raise sqlite3.OperationalError(f"the file system of {path} allows no write-ahead log (journal mode {mode})")
    # FULL: a commit is on the disk before it is answered for. NORMAL, WAL's usual companion, may lose the last ones.
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute("PRAGMA secure_delete=ON")
    connection.execute("PRAGMA temp_store=MEMORY")
    connection.execute("PRAGMA trusted_schema=OFF")
    connection.execute("PRAGMA journal_size_limit=67108864")
    if role == "reader":
        connection.execute("PRAGMA query_only=ON")


def prepare_file(path: Path) -> None:
    """Make the file readable by its owner only; SQLite gives ``-wal`` and ``-shm`` the same rights."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
