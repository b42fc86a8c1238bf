"""A key-encryption key takes over from another while hubs run, and what the former wrapped is wrapped anew.

Every running hub says again and again which keys it has. The new one wraps only when all of them have it, so that none
meets a child whose key it cannot open. A hub that was cut off meanwhile goes on with the key it has, which opens
everywhere, and what it wrapped is wrapped anew by the others.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final, Protocol

from sqlalchemy import Connection

from hub.service.ports import Unsealable
from hub.store import keks
from hub.store.keks import CannotRetire, CannotRotate, Kek, KeyNode, Standing
from hub.store.key_tables import bring_up
from hub.store.keystore import KeyDatabase, KeyStore, NoSuchKey, probe_scope

EVERY: Final = 10.0
"""Seconds between two looks."""
ANNOUNCED: Final = timedelta(seconds=30)
"""How often a hub says that it runs, where nothing changes."""
COUNTED: Final = timedelta(seconds=60)
"""How often what is left is counted while there is much."""
BITE: Final = 50
BITES: Final = 20
"""Data keys that are wrapped anew in one transaction, and transactions in one look."""


class Log(Protocol):
    """Content-free words: what happened, and the ids and codes it is about."""

    def info(self, event: str, **fields: Any) -> Any: ...
    def error(self, event: str, **fields: Any) -> Any: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposed:
    """A key that is to take over. ``lacking``: the running nodes that have it not yet; none, and it wraps now."""

    id: str
    lacking: tuple[KeyNode, ...]


class Rotation:
    """One hub's part in it."""

    def __init__(self, store: KeyStore, *, node: str, log: Log) -> None:
        self._store = store
        self._node = node
        self._log = log
        self._announced: tuple[datetime, frozenset[str]] | None = None
        self._after: dict[str | None, str] = {}
        self._left = 0
        self._counted: datetime | None = None
        self._stuck = 0
        self._lacking = False

    async def start(self, now: datetime) -> None:
        """Take part. What the settings ask for is proposed, if it is here and does not wrap yet. Raises NoSuchKey where
        this hub has not the key that wraps: it could not open what the others write."""
        await self._look(now)
        if self._lacking:
            raise NoSuchKey("the key-encryption key that wraps new data keys is not here")
        wanted = self._store.wrapping.preferred
        if wanted is not None and wanted != self._store.current:
            try:
                await propose(self._store, wanted, now)
            except (CannotRotate, Unsealable) as error:
                self._log.error("keys.not_taken_over", error=type(error).__name__, kek=wanted)
            await self._look(now)

    async def tick(self, now: datetime) -> int:
        """Learn what is new, take a key over where all have it, wrap some anew; how many. Raises StoreUnavailable."""
        there = await self._look(now)
        for one in there:
            if one.state == "waiting" and not await self._database.run(partial(keks.activate, name=one.id, now=now)):
                self._log.info("keys.taken_over", kek=one.id)
                there = await self._look(now)
        if self._lacking:
            return 0
        done = await self._rewrap([None, *(one.id for one in there if one.state in ("former", "waiting"))])
        # Counting a million takes a while, in which a child who is new would wait.
        if not done or self._counted is None or not timedelta(0) <= now - self._counted < COUNTED:
            self._left, self._counted = (
                await self._database.run(partial(keks.to_rewrap, current=self._store.current)),
                now,
            )
        else:
            self._left = max(0, self._left - done)
        if done:
            self._log.info("keys.rewrapped", count=done, number=self._left)
        if self._stuck:
            self._log.error("keys.unreadable", count=self._stuck)
        return done

    async def stop(self) -> None:
        """Take part no more, so that nobody waits for this hub."""
        await self._database.run(lambda connection: keks.leave(connection, self._node))

    def figures(self) -> Mapping[str, int]:
        """For metrics: data keys that an earlier key-encryption key wraps yet."""
        return {"data_keys_to_rewrap": self._left}

    def amiss(self) -> Mapping[str, int]:
        """For health: this hub lacks the key that wraps; data keys that do not open. Empty while all is well."""
        found = {"key_encryption_key_missing": int(self._lacking), "data_keys_unreadable": self._stuck}
        return {name: count for name, count in found.items() if count}

    @property
    def _database(self) -> KeyDatabase:
        return self._store.database

    async def _look(self, now: datetime) -> Sequence[Kek]:
        """Say what is here, and take over what is true everywhere."""
        wrapping = self._store.wrapping
        there = await self._database.run(keks.known)
        wrapping.retire([one.id for one in there if one.state == "retired"])
        holds = frozenset([one.id for one in there if await self._has(one)])
        before = self._announced
        if before is None or before[1] != holds or not timedelta(0) <= now - before[0] < ANNOUNCED:
            there = await self._database.run(partial(keks.announce, node=self._node, holds=sorted(holds)))
            self._announced = (now, holds)
        current = next((one.id for one in there if one.state == "current"), None)
        self._lacking = current is None or current not in holds
        if current is not None and not self._lacking:
            self._store.wrap_by(current)
        return there

    async def _has(self, one: Kek) -> bool:
        """Whether the key of this id is here, and is the one that everybody else has."""
        return one.state != "retired" and await has(self._store, one)

    async def _rewrap(self, formers: Sequence[str | None]) -> int:
        done, stuck = 0, 0
        for former in formers:
            for _ in range(BITES):
                after = self._after.get(former, "")
                some = await self._database.run(partial(keks.bite, kek=former, after=after, limit=BITE))
                if not some:
                    self._after.pop(former, None)
                    break
                self._after[former] = some[-1][0]
                wrapped, failed = await self._anew(some)
                done, stuck = done + wrapped, stuck + failed
        self._stuck = stuck
        return done

    async def _anew(self, some: Sequence[tuple[str, bytes]]) -> tuple[int, int]:
        """Wrap these by the current key: how many were, and how many do not open."""
        current = self._store.current
        # Together: a KMS is called over a network.
        tried = await asyncio.gather(*(self._one(current, scope, wrapped) for scope, wrapped in some))
        anew = [one for one in tried if one is not None]
        return await self._database.run(partial(keks.replace, current=current, anew=anew)), len(some) - len(anew)

    async def _one(self, current: str, scope: str, wrapped: bytes) -> tuple[str, bytes, bytes] | None:
        wrapping = self._store.wrapping
        try:
            return scope, wrapped, await wrapping.wrap(current, scope, await wrapping.unwrap(scope, wrapped))
        except Unsealable:
            return None


async def has(store: KeyStore, one: Kek) -> bool:
    """Whether the key of this id is here and opens its probe; one that an older version made has none to open."""
    if one.probe is None:
        return await store.wrapping.holds(one.id)
    try:
        await store.wrapping.unwrap(probe_scope(one.id), one.probe)
    except Unsealable:
        return False
    return True


async def propose(store: KeyStore, name: str, now: datetime) -> Proposed:
    """Have a key that is here take over, at once where every running node has it. Raises CannotRotate,
    StoreUnavailable, and Unsealable if it is not here."""
    probe = (await store.wrapping.new_data_key(name, probe_scope(name)))[1]
    before = {one.id: one for one in await store.database.run(keks.known)}.get(name)
    if before is not None and not await has(store, before):
        raise CannotRotate(f"There is another key-encryption key of the id {name}.")
    await store.database.run(lambda connection: keks.propose(connection, name, probe, now))
    return Proposed(id=name, lacking=await store.database.run(lambda connection: keks.activate(connection, name, now)))


async def status(database: KeyDatabase) -> Standing:
    """What wraps what, and which nodes run. Raises StoreUnavailable."""

    def look(connection: Connection) -> Standing:
        bring_up(connection)
        return keks.standing(connection)

    return await database.run(look)


async def retire(store: KeyStore, name: str, now: datetime) -> None:
    """Never use a key again. Raises CannotRetire with what needs it yet, LookupError, StoreUnavailable."""
    await store.database.run(lambda connection: keks.retire(connection, name, now))


__all__ = ["CannotRetire", "CannotRotate", "KeyStore", "Proposed", "Rotation", "has", "propose", "retire", "status"]
