"""The data keys, one a child and one for the hub itself, wrapped, in a database apart.

Erasing a key erases the child everywhere, backups of the ledger too: so the keys never stand in the ledger's database.
A key is durable here before anything sealed with it is committed there. Keys for children to come are made in batches,
under the ids those children will bear, so that a new child costs no commit of its own; which child an id means is said
only by the ledger, where one of two nodes that meet a child at once wins and both use its id.
"""

import asyncio
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Collection, Coroutine
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import Any, Final, Protocol, TypeVar

from sqlalchemy import Column, Connection, Table, Text, delete, exists, insert, select
from sqlalchemy.dialects import postgresql, sqlite

from hub.core.retention import FORGOTTEN_WITHIN, Standing
from hub.service.key_ports import Wrapping
from hub.service.ports import Ids, Sealer, StoreUnavailable, Unsealable
from hub.store import keks
from hub.store.belonging import (
    ANOTHERS,
    EMPTY,
    OLDER,
    Ledger,
    NotItsKeyStore,
    holds_sealed,
    knows,
    sealed_by_the_hub,
    some_children,
)
from hub.store.failures import KeyErased, KeyGone
from hub.store.key_tables import bring_up, data_keys, metadata, serialise
from hub.store.tables import source_keys
from hub.store.types import Instant

HUB_SCOPE = "hub"
ASKED_AGAIN: Final = 60.0
"""Seconds after which a child's key in the cache is asked for again: another node may have destroyed it."""
T = TypeVar("T")

destroyed_keys = Table(
    "destroyed_keys",
    metadata,
    Column("scope", Text, primary_key=True),
    Column("at", Instant, nullable=False),
)
"""What was destroyed stays known: an erased child is told from a key that is missing, and in an old ledger too."""


class NoSuchKey(Unsealable):
    """The key-encryption key that wraps new data keys is not here."""


def probe_scope(name: str) -> str:
    """What the probe of a key-encryption key is wrapped for."""
    return f"probe of {name}"


class KeyDatabase(Protocol):
    """Where the wrapped keys are. Each ``run`` is a transaction, durable when it returns."""

    async def run(self, work: Callable[[Connection], T]) -> T: ...
    async def scrub(self) -> bool:
        """Leave nothing of deleted rows in the database's own files, as far as it can; False: to be done again."""
        ...

    async def aclose(self) -> None: ...


class Bridge(Protocol):
    """How code that runs beside the event loop (in the writer's thread, in a greenlet) waits for a coroutine."""

    def __call__(self, awaiting: Coroutine[Any, Any, T]) -> T: ...


class KeyStore:
    """Hands out unwrapped data keys, from a bounded cache. Safe to use from several threads."""

    def __init__(
        self,
        database: KeyDatabase,
        *,
        sealer: Sealer,
        ids: Ids,
        bridge: Bridge,
        cached: int = 4096,
        batch: int = 32,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._sealer = sealer
        self._ids = ids
        self._bridge = bridge
        self._cached = cached
        self._batch = batch
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._keys: OrderedDict[str, bytes] = OrderedDict()
        self._asked: dict[str, float] = {}
        self._destroyed: OrderedDict[str, None] = OrderedDict()
        self._unused: deque[str] = deque()
        self._current = ""

    def __repr__(self) -> str:
        return f"KeyStore({len(self._keys)} cached)"

    @property
    def database(self) -> KeyDatabase:
        """Where the wrapped keys are."""
        return self._database

    @property
    def wrapping(self) -> Wrapping:
        """What wraps them."""
        return self._sealer.keks

    @property
    def current(self) -> str:
        """The id of the key-encryption key that wraps new data keys here."""
        return self._current

    async def start(self, ledger: Ledger | None = None, *, without_children: bool = False) -> None:
        """Make the tables, and the hub's own key if there is none yet; check that it opens.

        ``ledger``: what the keys are for. ``without_children``: also where none of its children has one.
        Raises NotItsKeyStore, and VaultError if the key-encryption keys configured are not those of this key store.
        """
        current, wrapped = await self._database.run(_brought_up)
        if ledger is not None:
            await self._belongs(ledger, empty=wrapped is None, without_children=without_children)
        if current is None:
            names = await self.wrapping.names()
            first = self.wrapping.preferred or next(reversed(names), None)
            if first is None:
                raise NoSuchKey("the key store is empty, and no key-encryption key is there to begin with: name one")
            probe = await self._probe(first)
            current = await self._database.run(lambda connection: keks.begin(connection, first, probe))
        if not await self.wrapping.holds(current):
            await self._probe(current)  # says why
        self._current = current
        if wrapped is None:
            made = (await self.wrapping.new_data_key(current, HUB_SCOPE))[1]
            row = {"scope": HUB_SCOPE, "wrapped": made, "created_at": None, "kek": current}
            wrapped = await self._database.run(lambda connection: _hub(connection, row))
        key = await self.wrapping.unwrap(HUB_SCOPE, wrapped)
        if ledger is not None:
            there = await ledger(sealed_by_the_hub)
            if there and not any(self._opens(key, *one) for one in there):
                raise NotItsKeyStore(ANOTHERS)
        self._remember(HUB_SCOPE, key)

    def _opens(self, key: bytes, row: str, sealed: bytes) -> bool:
        try:
            self._sealer.open(key, sealed, table=source_keys.name, column=source_keys.c.key.name, row=row)
        except Unsealable:
            return False
        return True

    async def _belongs(self, ledger: Ledger, *, empty: bool, without_children: bool) -> None:
        """Before anything is made. The ledger is asked first: another node may be making both at this moment, and what
        is in the ledger has its key in the key store already."""
        if empty:
            holds = await ledger(holds_sealed)
            if holds and await self._database.run(lambda connection: _wrapped(connection, HUB_SCOPE)) is None:
                raise NotItsKeyStore(EMPTY)
            return
        some = () if without_children else await ledger(some_children)
        if some and not knows(some, await self.standing(some)):
            raise NotItsKeyStore(OLDER)

    async def _probe(self, name: str) -> bytes:
        """Something that a key-encryption key wrapped. Raises NoSuchKey."""
        try:
            return (await self.wrapping.new_data_key(name, probe_scope(name)))[1]
        except Unsealable as error:
            raise NoSuchKey(
                f"new data keys are wrapped by the key-encryption key {name!r}, which is not here ({error})"
            ) from None

    def wrap_by(self, current: str) -> None:
        """From now on new data keys are wrapped by this one, which is here."""
        self._current = current

    def key(self, scope: str) -> bytes:
        """The data key of a child (``ch_…``) or of the hub. Raises KeyErased, KeyGone.

        A key that another node has destroyed is forgotten within ASKED_AGAIN seconds; where the key store does not
        answer, the cached one serves on, so that children are still told of, until FORGOTTEN_WITHIN is over.
        """
        with self._lock:
            if scope in self._destroyed:
                raise KeyErased(f"the data key of {scope} was destroyed")
            found, age = self._known(scope)
            if found is not None and not self._old(scope, age):
                self._keys.move_to_end(scope)
                return found
        try:
            plain, erased = self._bridge(self._loaded(scope))
        except StoreUnavailable:
            if found is None or age >= FORGOTTEN_WITHIN.total_seconds():
                raise
            return found
        if plain is None:
            self._forget([scope], destroyed=erased)
            if erased:
                raise KeyErased(f"the data key of {scope} was destroyed")
            raise KeyGone(f"no data key for {scope} in the key store")
        self._remember(scope, plain)
        return plain

    def fetch(self, scopes: Collection[str]) -> None:
        """Ask for those of these keys that :meth:`key` would ask for, all at once: each by itself is a hop to another
        thread or server, and where a KMS holds the key-encryption key a call to that. Of one that cannot be had
        :meth:`key` says why."""
        with self._lock:
            wanted = [one for one in scopes if one not in self._destroyed and self._stale(one)]
        if len(wanted) < 2:
            return
        with suppress(StoreUnavailable):
            for scope, plain in self._bridge(self._loaded_together(wanted)):
                self._remember(scope, plain)

    def _known(self, scope: str) -> tuple[bytes | None, float]:
        """The key in the cache, and for how many seconds it was not asked for."""
        found = self._keys.get(scope)
        if found is None:
            return None, 0.0
        return found, self._monotonic() - self._asked.setdefault(scope, self._monotonic())

    def _stale(self, scope: str) -> bool:
        found, age = self._known(scope)
        return found is None or self._old(scope, age)

    @staticmethod
    def _old(scope: str, age: float) -> bool:
        return scope != HUB_SCOPE and age >= ASKED_AGAIN

    async def _loaded_together(self, scopes: Collection[str]) -> list[tuple[str, bytes]]:
        """The data keys of those that have one that opens."""
        kept = await self._database.run(lambda connection: _kept_of(connection, scopes))
        opened = await asyncio.gather(
            *(self.wrapping.unwrap(scope, wrapped) for scope, wrapped in kept), return_exceptions=True
        )
        return [(scope, plain) for (scope, _), plain in zip(kept, opened, strict=True) if isinstance(plain, bytes)]

    async def _loaded(self, scope: str) -> tuple[bytes | None, bool]:
        """The data key, and whether it was destroyed."""
        wrapped, erased = await self._database.run(lambda connection: _kept(connection, scope))
        return (None if wrapped is None else await self.wrapping.unwrap(scope, wrapped)), erased

    async def destroy(self, scopes: Collection[str], now: datetime) -> None:
        """Destroy the data keys of these children, for good: durable on return, and a second time changes nothing.
        Raises ValueError for the hub's own."""
        if HUB_SCOPE in scopes:
            raise ValueError("the hub's own data key is never destroyed")
        await self._database.run(lambda connection: _destroy(connection, scopes, now))
        self._forget(scopes, destroyed=True)

    async def standing(self, scopes: Collection[str]) -> Standing:
        """Which of these have a key, and which had one until when."""
        return await self._database.run(lambda connection: _standing(connection, list(scopes)))

    async def scrub(self) -> bool:
        """Leave nothing of what was destroyed in the key store's own files; False: ask again."""
        return await self._database.scrub()

    def fresh_child(self, now: datetime) -> str:
        """An id for a child not met before; its data key is durable. One that is never used harms nobody."""
        with self._lock:
            if self._unused:
                return self._unused.popleft()
        made = self._bridge(self._made(now))
        for scope, plain in made:
            self._remember(scope, plain)
        with self._lock:
            self._unused.extend(scope for scope, _ in made)
            return self._unused.popleft()

    async def _made(self, now: datetime) -> list[tuple[str, bytes]]:
        """Data keys for children to come, by scope. Raises StoreUnavailable: another node may be able to."""
        for _ in range(2):
            current = self._current
            if await self.wrapping.holds(current):
                scopes = [self._ids.new("ch", now) for _ in range(self._batch)]
                # Together: a KMS is called over a network.
                made = await asyncio.gather(*(self.wrapping.new_data_key(current, scope) for scope in scopes))
                rows = [
                    {"scope": scope, "wrapped": wrapped, "created_at": now, "kek": current}
                    for scope, (_, wrapped) in zip(scopes, made, strict=True)
                ]
                if await self._database.run(partial(keks.add, rows=rows)):
                    return [(scope, plain) for scope, (plain, _) in zip(scopes, made, strict=True)]
            # It was retired by another node since this one looked.
            newer = await self._database.run(_current)
            if newer is None or not await self.wrapping.holds(newer):
                break
            self._current = newer
        raise StoreUnavailable("this node has not the key-encryption key that wraps new data keys")

    async def aclose(self) -> None:
        """Forget the keys and close the database."""
        with self._lock:
            self._keys.clear()
            self._asked.clear()
            self._unused.clear()
        await self._database.aclose()

    def _remember(self, scope: str, plain: bytes) -> None:
        with self._lock:
            if scope in self._destroyed:  # by another thread, since this one read it
                return
            self._keys[scope] = plain
            self._asked[scope] = self._monotonic()
            self._keys.move_to_end(scope)
            while len(self._keys) > self._cached:
                self._asked.pop(self._keys.popitem(last=False)[0], None)

    def _forget(self, scopes: Collection[str], *, destroyed: bool) -> None:
        with self._lock:
            for scope in scopes:
                self._keys.pop(scope, None)
                self._asked.pop(scope, None)
                if destroyed:
                    self._destroyed[scope] = None
            while len(self._destroyed) > self._cached:
                self._destroyed.popitem(last=False)


def _wrapped(connection: Connection, scope: str) -> bytes | None:
    return connection.execute(select(data_keys.c.wrapped).where(data_keys.c.scope == scope)).scalar()


def _kept(connection: Connection, scope: str) -> tuple[bytes | None, bool]:
    """The wrapped key, and whether it was destroyed."""
    gone = connection.execute(select(destroyed_keys.c.at).where(destroyed_keys.c.scope == scope)).first() is not None
    return (None if gone else _wrapped(connection, scope)), gone


def _kept_of(connection: Connection, scopes: Collection[str]) -> list[tuple[str, bytes]]:
    """The wrapped keys of those that have one and were not destroyed."""
    gone = exists().where(destroyed_keys.c.scope == data_keys.c.scope)
    rows = connection.execute(
        select(data_keys.c.scope, data_keys.c.wrapped).where(data_keys.c.scope.in_(scopes), ~gone)
    )
    return [(row.scope, row.wrapped) for row in rows]


def _destroy(connection: Connection, scopes: Collection[str], now: datetime) -> None:
    """The row goes and leaves its scope behind. Whoever re-wraps keys updates rows and never makes one."""
    connection.execute(delete(data_keys).where(data_keys.c.scope.in_(scopes)))
    new = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    rows = [{"scope": scope, "at": now} for scope in sorted(set(scopes))]
    if rows:  # of two nodes the first says when
        connection.execute(new(destroyed_keys).on_conflict_do_nothing(), rows)


def _standing(connection: Connection, scopes: list[str]) -> Standing:
    living = connection.execute(select(data_keys.c.scope).where(data_keys.c.scope.in_(scopes))).scalars()
    gone = connection.execute(select(destroyed_keys).where(destroyed_keys.c.scope.in_(scopes)))
    return Standing(living=frozenset(living), destroyed={row.scope: row.at for row in gone})


def _brought_up(connection: Connection) -> tuple[str | None, bytes | None]:
    """Which key-encryption key wraps, and the hub's own key as it is wrapped; None where there is none yet."""
    bring_up(connection)
    return _current(connection), _wrapped(connection, HUB_SCOPE)


def _hub(connection: Connection, row: dict[str, Any]) -> bytes:
    """Of two nodes that start at once, both use the key of the first."""
    serialise(connection)
    there = _wrapped(connection, HUB_SCOPE)
    if there is None:
        connection.execute(insert(data_keys), [row])
    return row["wrapped"] if there is None else there


def _current(connection: Connection) -> str | None:
    return next((one.id for one in keks.known(connection) if one.state == "current"), None)
