"""The data keys, one a child and one for the hub itself, wrapped, in a database apart.

Erasing a key erases the child everywhere, backups of the ledger too: so the keys never stand in the ledger's database.
A key is durable here before anything sealed with it is committed there. Keys for children to come are made in batches,
under the ids those children will bear, so that a new child costs no commit of its own; which child an id means is said
only by the ledger, where one of two nodes that meet a child at once wins and both use its id.
"""

import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Coroutine
from datetime import datetime
from typing import Any, Protocol, TypeVar

from sqlalchemy import Column, Connection, Index, LargeBinary, MetaData, Table, Text, insert, select, text

from hub.service.ports import Ids, Sealer
from hub.store.failures import KeyGone
from hub.store.types import Instant

HUB_SCOPE = "hub"
T = TypeVar("T")

metadata = MetaData()
data_keys = Table(
    "data_keys",
    metadata,
    Column("scope", Text, primary_key=True),
    Column("wrapped", LargeBinary, nullable=False),
    Column("created_at", Instant),
)
Index("ix_data_keys_created_at", data_keys.c.created_at)


class KeyDatabase(Protocol):
    """Where the wrapped keys are. Each ``run`` is a transaction, durable when it returns."""

    async def run(self, work: Callable[[Connection], T]) -> T: ...
    async def aclose(self) -> None: ...


class Bridge(Protocol):
    """How code that runs beside the event loop (in the writer's thread, in a greenlet) waits for a coroutine."""

    def __call__(self, awaiting: Coroutine[Any, Any, T]) -> T: ...


class KeyStore:
    """Hands out unwrapped data keys, from a bounded cache. Safe to use from several threads."""

    def __init__(
        self, database: KeyDatabase, *, sealer: Sealer, ids: Ids, bridge: Bridge, cached: int = 4096, batch: int = 32
    ) -> None:
        self._database = database
        self._sealer = sealer
        self._ids = ids
        self._bridge = bridge
        self._cached = cached
        self._batch = batch
        self._lock = threading.Lock()
        self._keys: OrderedDict[str, bytes] = OrderedDict()
        self._unused: deque[str] = deque()

    def __repr__(self) -> str:
        return f"KeyStore({len(self._keys)} cached)"

    async def start(self) -> None:
        """Make the table, and the hub's own key if there is none yet; check that it opens.

        Raises VaultError if the key-encryption keys configured are not those of this key store.
        """

        def prepare(connection: Connection) -> bytes:
            _serialise(connection)
            metadata.create_all(connection)
            wrapped = _wrapped(connection, HUB_SCOPE)
            if wrapped is None:
                wrapped = self._sealer.new_data_key()[1]
                connection.execute(insert(data_keys), [{"scope": HUB_SCOPE, "wrapped": wrapped, "created_at": None}])
            return wrapped

        self._remember(HUB_SCOPE, self._sealer.unwrap(await self._database.run(prepare)))

    def key(self, scope: str) -> bytes:
        """The data key of a child (``ch_…``) or of the hub. Raises KeyGone."""
        with self._lock:
            found = self._keys.get(scope)
            if found is not None:
                self._keys.move_to_end(scope)
                return found
        wrapped = self._bridge(self._database.run(lambda connection: _wrapped(connection, scope)))
        if wrapped is None:
            raise KeyGone(f"no data key for {scope} in the key store")
        plain = self._sealer.unwrap(wrapped)
        self._remember(scope, plain)
        return plain

    def fresh_child(self, now: datetime) -> str:
        """An id for a child not met before; its data key is durable. One that is never used harms nobody."""
        with self._lock:
            if self._unused:
                return self._unused.popleft()
        made = [(self._ids.new("ch", now), *self._sealer.new_data_key()) for _ in range(self._batch)]
        rows = [{"scope": scope, "wrapped": wrapped, "created_at": now} for scope, _, wrapped in made]
        self._bridge(self._database.run(lambda connection: _add(connection, rows)))
        for scope, plain, _ in made:
            self._remember(scope, plain)
        with self._lock:
            self._unused.extend(scope for scope, _, _ in made)
            return self._unused.popleft()

    async def aclose(self) -> None:
        """Forget the keys and close the database."""
        with self._lock:
            self._keys.clear()
            self._unused.clear()
        await self._database.aclose()

    def _remember(self, scope: str, plain: bytes) -> None:
        with self._lock:
            self._keys[scope] = plain
            self._keys.move_to_end(scope)
            while len(self._keys) > self._cached:
                self._keys.popitem(last=False)


def _wrapped(connection: Connection, scope: str) -> bytes | None:
    return connection.execute(select(data_keys.c.wrapped).where(data_keys.c.scope == scope)).scalar()


def _add(connection: Connection, rows: list[dict[str, Any]]) -> None:
    connection.execute(insert(data_keys), rows)


def _serialise(connection: Connection) -> None:
    """Two nodes that start at once do this one after the other; SQLite has one writer anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(5065470123771)"))
