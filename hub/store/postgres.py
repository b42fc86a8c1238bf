"""The ledger in PostgreSQL, for several nodes: a pool, one transaction a work."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import URL, Connection
from sqlalchemy.util import await_only

from hub.service.ports import Ids, Sealer, StoreUnavailable, Unit
from hub.service.supervise import Log
from hub.service.tenancy import Scope, transaction_scope
from hub.store import schema
from hub.store.failures import told_again, translated
from hub.store.keystore import KeyDatabase, KeyStore
from hub.store.postgres_engine import connected, postgres_engine
from hub.store.session import Session
from hub.store.unit import probe, run_work
from hub.store.wakeups import Wakeups

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

T = TypeVar("T")

_RUNS = 8
"""How often a work is run that lost a race, was the victim of a deadlock, or met a serialization failure."""


class PostgresStore:
    """Implements ``hub.service.ports.Store``. Make it with ``open``."""

    def __init__(self, engine: "AsyncEngine", *, sealer: Sealer, keys: KeyStore, work_seconds: float) -> None:
        self._engine = engine
        self._sealer = sealer
        self._keys = keys
        self._work_seconds = work_seconds
        self._closed = False

    @classmethod
    async def open(
        cls,
        url: URL,
        *,
        sealer: Sealer,
        ids: Ids,
        keys: KeyDatabase,
        without_children: bool = False,
        pool: int = 8,
        work_seconds: float = 10.0,
    ) -> "PostgresStore":
        """Connect, migrate (one node at a time). ``without_children``: as :meth:`KeyStore.start` has it.

        Raises StoreUnavailable, SchemaTooNew, NotItsKeyStore, VaultError.
        """
        key_store = KeyStore(keys, sealer=sealer, ids=ids, bridge=_from_greenlet)
        store = cls(postgres_engine(url, pool=pool), sealer=sealer, keys=key_store, work_seconds=work_seconds)
        try:
            await key_store.start(store._as_it_is, without_children=without_children)
            async with connected(store._engine) as connection, connection.begin():
                await connection.run_sync(schema.bring_up)
        except BaseException as error:
            await store.aclose()
            if isinstance(error, Exception):
                told = translated(error)
                if told is error:
                    raise
                raise told from error
            raise
        return store

    async def _as_it_is(self, work: Callable[[Connection], T]) -> T:
        async with connected(self._engine) as connection, connection.begin():
            return await connection.run_sync(work)

    @property
    def keys(self) -> KeyStore:
        """The data keys."""
        return self._keys

    async def write(self, work: Callable[[Unit], Awaitable[T]]) -> T:
        """See ``hub.service.ports.Store``."""
        return await self._transact(work, read_only=False)

    async def read(self, work: Callable[[Unit], Awaitable[T]]) -> T:
        """Run ``work`` on one snapshot; what it writes is refused."""
        return await self._transact(work, read_only=True)

    async def _transact(self, work: Callable[[Unit], Awaitable[T]], *, read_only: bool) -> T:
        scope = transaction_scope()
        for run in range(1, _RUNS + 1):
            if self._closed:
                raise StoreUnavailable("the store is closed")
            try:
                async with asyncio.timeout(self._work_seconds), connected(self._engine) as connection:
                    return await self._once(connection, scope, work, read_only=read_only)
            except Exception as error:
                if run < _RUNS and told_again(error):
                    continue
                told = translated(error)
                if told is error:
                    raise
                raise told from error
        raise AssertionError("unreachable: the last run returns or raises")

    async def _once(
        self, connection: "AsyncConnection", scope: Scope, work: Callable[[Unit], Awaitable[T]], *, read_only: bool
    ) -> T:
        if read_only:
            connection = await connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)

        async def runner(statements: Callable[[Session], Any]) -> Any:
            def there(plain: Connection) -> Any:
                session = Session.within(scope, plain, sealer=self._sealer, keys=self._keys, read_only=read_only)
                return statements(session)

            return await connection.run_sync(there)

        async with connection.begin():
            return await run_work(work, runner)

    def wakeups(self, *, heard: Callable[[], None], log: Log) -> Wakeups:
        """How this node tells others of what is due, and hears of it."""
        return Wakeups(self._engine.url, heard=heard, log=log)

    async def ready(self) -> bool:
        """Whether it can be written to now, and has this version's tables."""
        try:
            return await self.write(probe)
        except Exception as error:
            if isinstance(translated(error), StoreUnavailable):
                return False
            raise

    async def aclose(self) -> None:
        """Close the pools; works under way are cut off by their connections' end."""
        if self._closed:
            return
        self._closed = True
        await self._engine.dispose()
        await self._keys.aclose()


def _from_greenlet(awaiting: Coroutine[Any, Any, T]) -> T:
    """Wait inside ``run_sync`` for a coroutine."""
    return await_only(awaiting)
