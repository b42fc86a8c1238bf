"""Stores that fail where a test wants them to: at the k-th call of a transaction, or after its commit."""

import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

from hub.service.ports import Store, StoreUnavailable, Unit
from tests.kit.store import LEDGER

T = TypeVar("T")


class Crash(Exception):
    """What ends a work in these tests."""


class Breaking:
    """A store whose units raise at their k-th call of all, counted over every write; ``never`` for None."""

    def __init__(self, store: Store, at: int | None, error: Callable[[], Exception] = Crash) -> None:
        self.store = store
        self.at = at
        self.error = error
        self.calls = 0
        self.after_commit = False
        """The commit is made, but its answer is lost."""
        self.spoilt: Callable[[str, tuple[Any, ...]], Exception | None] = lambda name, arguments: None
        """What a call of this name and these arguments raises."""

    async def write(self, work: Callable[[Unit], Awaitable[T]]) -> T:
        result = await self.store.write(lambda unit: work(_Unit(self, unit)))
        if self.after_commit:
            raise StoreUnavailable("the connection died at the commit")
        return result

    async def read(self, work: Callable[[Unit], Awaitable[T]]) -> T:
        return await self.store.read(work)

    async def ready(self) -> bool:
        return await self.store.ready()

    async def aclose(self) -> None:
        await self.store.aclose()


class _Unit:
    def __init__(self, breaking: Breaking, unit: Unit) -> None:
        self._breaking = breaking
        self._unit = unit

    def __getattr__(self, name: str) -> Any:
        method, breaking = getattr(self._unit, name), self._breaking

        async def call(*args: Any, **kwargs: Any) -> Any:
            breaking.calls += 1
            if breaking.calls == breaking.at:
                raise breaking.error()
            if (error := breaking.spoilt(name, args)) is not None:
                raise error
            return await method(*args, **kwargs)

        return call


def ledger(folder: Path, file: str = LEDGER) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table of a SQLite ledger, as it stands on the disk."""
    connection = sqlite3.connect(folder / file)
    try:
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: sorted(connection.execute(f"SELECT * FROM {name}"), key=repr) for name in names}
    finally:
        connection.close()
