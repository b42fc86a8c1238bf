"""The two places a key store can be in."""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy import Connection, Engine, text

from hub.service.ports import StoreUnavailable
from hub.store.failures import failure_of
from hub.store.postgres_engine import connected
from hub.store.sqlite_engine import MEMORY, prepare_file, sqlite_engine

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

T = TypeVar("T")


class SqliteKeys:
    """A file of its own; one thread, one connection, ``synchronous=FULL``."""

    def __init__(self, path: str) -> None:
        if path != MEMORY:
            prepare_file(Path(path))
        self._engine: Engine = sqlite_engine(path, role="writer")
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="keys")

    async def run(self, work: Callable[[Connection], T]) -> T:
        """Run ``work`` in a transaction. Raises StoreUnavailable."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._transaction, work)

    async def scrub(self) -> bool:
        """Empty the write-ahead log into the file, where ``secure_delete`` has overwritten what was deleted. False
        while another process reads. Raises StoreUnavailable."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._checkpoint)

    def _checkpoint(self) -> bool:
        connection = self._engine.raw_connection()
        try:
            busy: int = connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        except sqlite3.Error as error:
            raise _translated(error) from error
        finally:
            connection.close()
        return not busy

    def _transaction(self, work: Callable[[Connection], T]) -> T:
        try:
            with self._engine.begin() as connection:
                return work(connection)
        except Exception as error:
            told = _translated(error)
            if told is error:
                raise
            raise told from error

    async def aclose(self) -> None:
        """Close the file."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._engine.dispose)
        self._thread.shutdown()


class PostgresKeys:
    """A database of its own, on a server and in backups apart from the ledger's."""

    def __init__(self, engine: "AsyncEngine") -> None:
        self._engine = engine

    async def run(self, work: Callable[[Connection], T]) -> T:
        """Run ``work`` in a transaction. Raises StoreUnavailable."""
        try:
            async with connected(self._engine) as connection, connection.begin():
                return await connection.run_sync(work)
        except Exception as error:
            told = _translated(error)
            if told is error:
                raise
            raise told from error

    async def scrub(self) -> bool:
        """Let the space of deleted rows be written over. What the server's own files and its write-ahead log still hold
        until then is a key wrapped by a key-encryption key that is not there. Raises StoreUnavailable."""
        try:
            async with connected(self._engine) as connection:
                outside = await connection.execution_options(isolation_level="AUTOCOMMIT")
                await outside.execute(text("VACUUM data_keys"))
        except Exception as error:
            told = _translated(error)
            if told is error:
                raise
            raise told from error
        return True

    async def aclose(self) -> None:
        """Close the pool."""
        await self._engine.dispose()


def _translated(error: Exception) -> Exception:
    failure = failure_of(error)
    if failure is None:
        return error
    return StoreUnavailable(f"the key store cannot take this now ({failure.code})")
