"""A reader of the SQLite ledger: one connection in one thread, so that nothing of it ever overlaps."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from sqlalchemy import Connection, Engine

T = TypeVar("T")


class Reader:
    """Lent to one caller at a time. What a cancelled caller left running ends before anything else runs."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store-reader")
        self._connection: Connection | None = None

    async def run(self, work: Callable[[Connection], T]) -> T:
        """Run ``work`` on this reader's snapshot, which begins with the first work after ``end``."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._on_snapshot, work)

    def _on_snapshot(self, work: Callable[[Connection], T]) -> T:
        if self._connection is None:
            self._connection = self._engine.connect()
        if not self._connection.in_transaction():
            self._connection.begin()
        return work(self._connection)

    def end(self, *, failed: bool = False) -> None:
        """Let go of the snapshot; does not wait. After a work that ``failed`` the connection is given up too: its
        error holds on to what was being read, and while a statement is open SQLite keeps the snapshot, whoever rolls
        back, so that the next work would read what was."""
        self._thread.submit(self._end, failed)

    def _end(self, failed: bool = False) -> None:
        connection, self._connection = self._connection, None
        if connection is None:
            return
        if failed:
            connection.invalidate()
        connection.close()

    async def aclose(self) -> None:
        """Wait for what runs and close."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._end)
        self._thread.shutdown()
