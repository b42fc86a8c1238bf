"""The ledger in one SQLite file: one writer with group commit, readers beside it on snapshots.

Works that wait together share a transaction and so one sync of the disk; each has a savepoint of its own, and its
caller hears of success only after the commit. Everything of the writer runs in one thread on one connection.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Generic, TypeVar

from sqlalchemy import Connection

from hub.service.ports import Ids, Sealer, StoreUnavailable, Unit
from hub.service.tenancy import Scope, transaction_scope
from hub.store import schema
from hub.store.failures import told_again, translated
from hub.store.keystore import KeyDatabase, KeyStore
from hub.store.session import Session
from hub.store.sqlite_engine import MEMORY, prepare_file, sqlite_engine
from hub.store.sqlite_reader import Reader
from hub.store.tables import metadata
from hub.store.unit import probe, run_work

T = TypeVar("T")

_GROUP = 64
"""Works that may share a commit: enough to make the sync cheap, few enough that the first is not kept waiting."""
_RUNS = 5
"""How often a work that lost a race is run."""
_BRIDGE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class _Job(Generic[T]):
    work: Callable[[Unit], Awaitable[T]]
    done: "asyncio.Future[T]"
    scope: Scope


@dataclass(frozen=True, slots=True)
class _Ended:
    """How one work of a group ended, told to its caller only after the commit."""

    job: _Job[Any]
    result: Any = None
    error: BaseException | None = None


class _GroupLost(Exception):
    """SQLite rolled the whole transaction back, not just the work that failed."""


class SqliteStore:
    """Implements ``hub.service.ports.Store`` over a file, or over memory for simulation. Make it with ``open``."""

    def __init__(self, path: str, *, sealer: Sealer, queue: int, work_seconds: float, readers: int) -> None:
        self._path = path
        self._sealer = sealer
        self._work_seconds = work_seconds
        self._queue: asyncio.Queue[_Job[Any] | None] = asyncio.Queue(queue)
        self._writing = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store-writer")
        self._writer_engine = sqlite_engine(path, role="writer")
        self._reader_engine = None if path == MEMORY else sqlite_engine(path, role="reader", readers=readers)
        self._every_reader = [Reader(self._reader_engine) for _ in range(readers) if self._reader_engine is not None]
        self._readers: asyncio.Queue[Reader] = asyncio.Queue()
        for reader in self._every_reader:
            self._readers.put_nowait(reader)
        self._connection: Connection | None = None
        self._keys: KeyStore | None = None
        self._writer: asyncio.Task[None] | None = None
        self._ahead: list[Callable[[], None]] = []
        self._half = False
        """What goes ahead of a work has failed: whose savepoint the innermost is, is not known."""
        self._closed = False

    @classmethod
    async def open(
        cls,
        path: str,
        *,
        sealer: Sealer,
        ids: Ids,
        keys: KeyDatabase,
        without_children: bool = False,
        queue: int = 1024,
        work_seconds: float = 10.0,
        readers: int = 4,
    ) -> "SqliteStore":
        """Open, migrate, start the writer. ``path`` may be ``:memory:``; ``without_children``: as
        :meth:`KeyStore.start` has it; ``queue`` bounds the works that may wait.

        Raises StoreUnavailable, SchemaTooNew, NotItsKeyStore, VaultError.
        """
        if path != MEMORY:
            prepare_file(Path(path))
        store = cls(path, sealer=sealer, queue=queue, work_seconds=work_seconds, readers=readers)
        loop = asyncio.get_running_loop()
        store._keys = KeyStore(keys, sealer=sealer, ids=ids, bridge=partial(_from_thread, loop))
        try:
            await store._keys.start(store._as_it_is, without_children=without_children)
            await store._in_writer(store._prepare)
        except BaseException:
            await store.aclose()
            raise
        store._writer = loop.create_task(store._write_for_ever(), name="store-writer")
        return store

    async def _as_it_is(self, work: Callable[[Connection], T]) -> T:
        # By a reader where there is one: a command beside a busy hub waits long enough for the writer's lock once.
        engine = self._reader_engine or self._writer_engine

        def there() -> T:
            with engine.begin() as connection:
                return work(connection)

        return await self._in_writer(there)

    def _prepare(self) -> None:
        self._connection = self._writer_engine.connect()
        with self._connection.begin():
            if self._path == MEMORY:
                metadata.create_all(self._connection)
            else:
                schema.bring_up(self._connection)

    @property
    def keys(self) -> KeyStore:
        """The data keys."""
        if self._keys is None:
            raise StoreUnavailable("the store is closed")
        return self._keys

    async def write(self, work: Callable[[Unit], Awaitable[T]]) -> T:
        """See ``hub.service.ports.Store``. A caller that is cancelled while it waits may still find its work done."""
        if self._closed or self._writer is None or self._writer.done():
            raise StoreUnavailable("the store is closed")
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        try:
            self._queue.put_nowait(_Job(work, done, transaction_scope()))
        except asyncio.QueueFull:
            raise StoreUnavailable("too many writes are waiting") from None
        return await done

    async def read(self, work: Callable[[Unit], Awaitable[T]]) -> T:
        """Run ``work`` on a snapshot; what it writes is refused. In memory there is only the writer's connection."""
        if self._reader_engine is None:
            return await self.write(work)
        if self._closed:
            raise StoreUnavailable("the store is closed")
        scope = transaction_scope()
        reader = await self._readers.get()
        failed = True
        try:
            result = await run_work(work, partial(self._on_reader, reader, scope))
            failed = False
            return result
        except Exception as error:
            told = translated(error)
            if told is error:
                raise
            raise told from error
        finally:
            reader.end(failed=failed)
            self._readers.put_nowait(reader)

    async def ready(self) -> bool:
        """Whether it can be written to now, and has this version's tables."""
        try:
            return await self.write(probe) or self._path == MEMORY
        except StoreUnavailable:
            return False

    async def aclose(self) -> None:
        """Take no more, finish what waits, close the file and the key store."""
        first, self._closed = not self._closed, True
        if not first:
            return
        if self._writer is not None and not self._writer.done():
            put = asyncio.ensure_future(self._queue.put(None))
            await asyncio.wait({self._writer})
            put.cancel()
        await self._in_writer(self._close_writer)
        for reader in self._every_reader:
            await reader.aclose()
        if self._reader_engine is not None:
            self._reader_engine.dispose()
        if self._keys is not None:
            await self._keys.aclose()
        self._writing.shutdown()

    def _close_writer(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._writer_engine.dispose()

    # the writer's task

    async def _write_for_ever(self) -> None:
        try:
            while (job := await self._queue.get()) is not None:
                if not await self._group(job):
                    return
        finally:
            while not self._queue.empty():  # nobody is left waiting for a writer that is gone
                if (left := self._queue.get_nowait()) is not None:
                    _tell(_Ended(left, error=StoreUnavailable("the store is closed")))

    async def _group(self, first: _Job[Any]) -> bool:
        """One transaction; False when the store is being closed. Whatever happens, every job of it is answered."""
        ended: list[_Ended] = []
        job: _Job[Any] | None = first
        going_on = True
        try:
            self._ahead, self._half = [self._begin], False
            while job is not None:
                if not job.done.cancelled():
                    ended.append(await self._one(job))
                job = None
                if len(ended) < _GROUP and not self._queue.empty():
                    job = self._queue.get_nowait()
                    going_on = job is not None
            await self._in_writer(self._commit)
        except BaseException as error:
            lost = [one.job for one in ended] + ([job] if job is not None else [])
            await self._abandon(lost, error)
            if not isinstance(error, Exception):
                raise
        else:
            for one in ended:
                _tell(one)
        return going_on

    async def _one(self, job: _Job[Any]) -> _Ended:
        """Run one work in its savepoint, again if it lost a race."""
        for run in range(1, _RUNS + 1):
            self._ahead.append(self._savepoint)
            try:
                async with asyncio.timeout(self._work_seconds):
                    result = await run_work(job.work, partial(self._on_writer, job.scope))
            except BaseException as error:
                current = asyncio.current_task()
                if current is not None and current.cancelling():
                    raise  # the writer itself is being stopped, not the work
                try:
                    await self._in_writer(self._undo)
                except _GroupLost:
                    if isinstance(error, Exception):
                        raise error from None  # says more of why
                    raise
                if run < _RUNS and told_again(error):
                    continue
                return _Ended(job, error=translated(error))
            self._ahead.append(self._release)
            return _Ended(job, result=result)
        raise AssertionError("unreachable: the last run returns")

    async def _abandon(self, jobs: list[_Job[Any]], error: BaseException) -> None:
        """Nothing of the group was committed: roll back, and say so to each."""
        failure = translated(error)
        if not isinstance(failure, StoreUnavailable):
            failure = StoreUnavailable("the transaction was lost")
        for job in jobs:
            _tell(_Ended(job, error=failure))
        # A connection that cannot even roll back is replaced when the next group begins.
        self._ahead = []
        with suppress(Exception):
            await self._in_writer(self._rollback)

    # in the writer's thread

    def _open_connection(self) -> Connection:
        if self._connection is None:
            raise StoreUnavailable("the store is closed")
        return self._connection

    def _begin(self) -> None:
        if self._connection is None:
            self._connection = self._writer_engine.connect()
        self._connection.begin()

    def _savepoint(self) -> None:
        self._open_connection().exec_driver_sql("SAVEPOINT work")

    def _release(self) -> None:
        self._open_connection().exec_driver_sql("RELEASE work")

    def _undo(self) -> None:
        connection = self._open_connection()
        driver: Any = connection.connection.dbapi_connection
        # After a full disk or an I/O error SQLite has rolled everything back by itself.
        if self._half or not driver.in_transaction:
            raise _GroupLost
        connection.exec_driver_sql("ROLLBACK TO work")
        connection.exec_driver_sql("RELEASE work")

    def _commit(self) -> None:
        self._open_connection().commit()

    def _rollback(self) -> None:
        connection = self._open_connection()
        try:
            connection.rollback()
        except Exception:
            if self._path != MEMORY:  # closing rolls back whatever there is
                self._connection = None
                connection.invalidate()
                connection.close()
            raise

    # where things run

    async def _in_writer(self, work: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._writing, self._after_all, work)
        except Exception as error:
            told = translated(error)
            if told is error:
                raise
            raise told from error

    def _after_all(self, work: Callable[[], T]) -> T:
        """In the writer's thread: what goes before, then the work. To hop there and back takes longer than most of what
        is done there, so what begins a transaction goes along with its first statement, and what ends a savepoint with
        whatever comes next."""
        ahead, self._ahead = self._ahead, []
        if ahead:
            self._half = True
            for step in ahead:
                step()
            self._half = False
        return work()

    async def _on_writer(self, scope: Scope, work: Callable[[Session], T]) -> T:
        def here() -> T:
            return work(self._session(scope, self._open_connection()))

        return await asyncio.get_running_loop().run_in_executor(self._writing, self._after_all, here)

    async def _on_reader(self, reader: Reader, scope: Scope, work: Callable[[Session], T]) -> T:
        return await reader.run(lambda connection: work(self._session(scope, connection, read_only=True)))

    def _session(self, scope: Scope, connection: Connection, *, read_only: bool = False) -> Session:
        if self._keys is None:
            raise StoreUnavailable("the store is closed")
        return Session.within(scope, connection, sealer=self._sealer, keys=self._keys, read_only=read_only)


def _from_thread(loop: asyncio.AbstractEventLoop, awaiting: Coroutine[Any, Any, T]) -> T:
    """Wait in a store's thread for a coroutine on the loop."""
    future = asyncio.run_coroutine_threadsafe(awaiting, loop)
    try:
        return future.result(_BRIDGE_SECONDS)
    except TimeoutError:
        future.cancel()
        raise StoreUnavailable("the key store does not answer") from None


def _tell(ended: _Ended) -> None:
    if ended.job.done.done():
        return  # its caller was cancelled meanwhile
    if ended.error is not None:
        ended.job.done.set_exception(ended.error)
    else:
        ended.job.done.set_result(ended.result)
