"""Hubs that share one key store, each with key-encryption keys of its own."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from typing import Any, TypeVar

from sqlalchemy import Connection

from hub.edge.ids import SeededIds
from hub.edge.vault import KeyRing, Vault
from hub.service.key_ports import KeySource
from hub.store.keystore import KeyDatabase, KeyStore
from hub.store.rotation import Rotation
from tests.kit.clock import START

T = TypeVar("T")
_starts = count()
K1, K2, K3, INDEX = b"1" * 32, b"2" * 32, b"3" * 32, b"i" * 32


def ring(*, current: str | None = None, keys: Mapping[str, bytes], sources: tuple[KeySource, ...] = ()) -> KeyRing:
    """The key-encryption keys of one hub."""
    return KeyRing(current=current or next(reversed(keys), None), keys=keys, sources=sources, index_secret=INDEX)


class Shared:
    """A key database that outlives the hubs that use it."""

    def __init__(self, database: KeyDatabase) -> None:
        self.database = database

    async def run(self, work: Callable[[Connection], T]) -> T:
        return await self.database.run(work)

    async def scrub(self) -> bool:
        return True

    async def aclose(self) -> None:
        return None


class Power(Exception):
    """The machine stopped."""


class Mortal(Shared):
    """Stops at the ``at``-th transaction, once it is durable and before anybody has heard of it."""

    def __init__(self, database: KeyDatabase, at: int) -> None:
        super().__init__(database)
        self.left = at

    async def run(self, work: Callable[[Connection], T]) -> T:
        self.left -= 1
        if self.left < 0:
            raise Power
        done = await self.database.run(work)
        if self.left == 0:
            raise Power
        return done


class Said:
    """What was logged."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, dict[str, Any]]] = []

    def info(self, event: str, **fields: Any) -> None:
        self.lines.append((event, fields))

    error = info


@dataclass
class Node:
    """One running hub, as far as its keys go."""

    store: KeyStore
    rotation: Rotation

    async def fresh(self) -> str:
        """The id of a new child."""
        return await asyncio.to_thread(self.store.fresh_child, START)

    async def key(self, scope: str) -> bytes:
        """The data key of a child."""
        return await asyncio.to_thread(self.store.key, scope)

    async def tick(self, at: timedelta = timedelta(0)) -> int:
        """One look."""
        return await self.rotation.tick(START + at)


async def key_node(
    database: KeyDatabase, name: str, keys: KeyRing, at: timedelta = timedelta(0), **options: Any
) -> Node:
    """A hub that has started."""
    loop = asyncio.get_running_loop()

    def bridge(awaiting: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(awaiting, loop).result(10)

    # No two hubs make the same ids, one that starts again neither.
    store = KeyStore(database, sealer=Vault(keys), ids=SeededIds(f"{name} {next(_starts)}"), bridge=bridge, **options)
    await store.start()
    rotation = Rotation(store, node=name, log=Said())
    await rotation.start(START + at)
    return Node(store=store, rotation=rotation)
