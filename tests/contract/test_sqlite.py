"""What only SQLite promises: group commit, its pragmas, a full disk, a locked file, the rights of the files."""

import asyncio
import sqlite3
import stat
from pathlib import Path
from typing import Any

import pytest

from hub.edge.ids import SeededIds
from hub.service.ports import StoreUnavailable, Unit, Unsealable
from hub.store import SchemaTooNew, SqliteStore, open_store
from hub.store.key_databases import SqliteKeys
from tests.contract.test_transactions import Trouble, put, there
from tests.kit.records import Story
from tests.kit.store import LEDGER, raw, sqlite_store, vault

PRAGMAS = {
    "synchronous": 2,
    "foreign_keys": 1,
    "journal_mode": "wal",
    "secure_delete": 1,
    "temp_store": 2,
    "busy_timeout": 5000,
    "trusted_schema": 0,
}


async def on_writer(store: SqliteStore, statement: str) -> Any:
    """Ask the connection that writes, not another of the same file."""

    def ask() -> Any:
        driver: Any = store._open_connection().connection.driver_connection
        row = driver.execute(statement).fetchone()
        return row[0] if row else None

    return await store._in_writer(ask)


@pytest.mark.parametrize(("pragma", "value"), PRAGMAS.items())
async def test_the_writers_own_connection(tmp_path: Path, pragma: str, value: object) -> None:
    store = await sqlite_store(tmp_path)
    assert await on_writer(store, f"PRAGMA {pragma}") == value
    await store.aclose()


@pytest.mark.parametrize(("pragma", "value"), PRAGMAS.items())
async def test_the_key_stores_own_connection(tmp_path: Path, pragma: str, value: object) -> None:
    store = await sqlite_store(tmp_path)
    assert store._keys is not None
    found = await store._keys._database.run(lambda connection: connection.exec_driver_sql(f"PRAGMA {pragma}").scalar())
    assert found == value
    await store.aclose()


async def test_works_that_wait_together_share_a_commit(tmp_path: Path) -> None:
    store = await sqlite_store(tmp_path)
    commits = 0
    commit = store._commit

    def counting() -> None:
        nonlocal commits
        commits += 1
        commit()

    store._commit = counting  # type: ignore[method-assign]  # counted, not changed
    await asyncio.gather(*(store.write(lambda unit, n=n: put(unit, n)) for n in range(60)))
    assert commits <= 3
    assert len(await there(store)) == 60
    await store.aclose()


async def test_it_is_ready_while_others_write(tmp_path: Path) -> None:
    store = await sqlite_store(tmp_path)
    writing = [store.write(lambda unit, n=n: put(unit, n)) for n in range(20)]
    asked = [store.ready() for _ in range(20)]
    found = await asyncio.gather(*(one for pair in zip(writing, asked, strict=True) for one in pair))
    assert found[1::2] == [True] * 20
    await store.aclose()


async def test_nobody_is_answered_before_the_commit(tmp_path: Path) -> None:
    store = await sqlite_store(tmp_path)
    answered: list[int] = []
    at_commit: list[int] = []
    commit = store._commit

    def noting() -> None:
        at_commit.append(len(answered))
        commit()
        at_commit.append(len(answered))

    store._commit = noting  # type: ignore[method-assign]  # watched, not changed

    async def caller(number: int) -> None:
        answered.append(await store.write(lambda unit: put(unit, number)))

    await asyncio.gather(*(caller(n) for n in range(20)))
    assert at_commit[:2] == [0, 0]
    assert len(answered) == 20
    await store.aclose()


async def test_when_the_commit_fails_nobody_is_told_otherwise(tmp_path: Path) -> None:
    store = await sqlite_store(tmp_path)
    await store.write(lambda unit: put(unit, 100))
    commit = store._commit

    def failing() -> None:
        raise sqlite3.OperationalError("disk I/O error")

    store._commit = failing  # type: ignore[method-assign]  # a fault no file system shows on demand
    outcomes = await asyncio.gather(
        *(store.write(lambda unit, n=n: put(unit, n)) for n in range(10)), return_exceptions=True
    )
    assert {type(one) for one in outcomes} == {StoreUnavailable}
    store._commit = commit  # type: ignore[method-assign]
    assert await there(store) == {"r100"}
    await store.write(lambda unit: put(unit, 101))
    assert await there(store) == {"r100", "r101"}
    await store.aclose()


async def test_a_savepoint_that_does_not_end_takes_nobodys_work_along_unsaid(tmp_path: Path) -> None:
    store = await sqlite_store(tmp_path)
    release, runs = store._release, 0

    def failing() -> None:
        nonlocal runs
        runs += 1
        if runs == 1:
            raise sqlite3.OperationalError("disk I/O error")
        release()

    store._release = failing  # type: ignore[method-assign]  # as a disk does
    told = await asyncio.gather(
        *(store.write(lambda unit, n=n: put(unit, n)) for n in range(3)), return_exceptions=True
    )
    assert any(isinstance(one, Exception) for one in told)
    assert await there(store) == {f"r{one}" for one in told if isinstance(one, int)}
    await store.write(lambda unit: put(unit, 9))
    assert "r9" in await there(store)
    await store.aclose()


async def test_too_many_waiting_are_refused_at_once(tmp_path: Path) -> None:
    store = await SqliteStore.open(
        str(tmp_path / LEDGER), sealer=vault(), ids=SeededIds("1"), keys=(await _keys(tmp_path)), queue=4
    )
    go, begun = asyncio.Event(), asyncio.Event()

    async def hold(unit: Unit) -> None:
        begun.set()
        await go.wait()

    held = asyncio.create_task(store.write(hold))
    await begun.wait()
    waiting = [asyncio.create_task(store.write(lambda unit, n=n: put(unit, n))) for n in range(4)]
    await asyncio.sleep(0)
    with pytest.raises(StoreUnavailable, match="too many"):
        await store.write(lambda unit: put(unit, 9))
    go.set()
    await held
    assert await asyncio.gather(*waiting) == [0, 1, 2, 3]
    assert len(await there(store)) == 4
    await store.aclose()


async def _keys(folder: Path) -> Any:
    return SqliteKeys(str(folder / "keys.sqlite3"))


async def test_a_full_disk_loses_nothing_that_was_answered(tmp_path: Path) -> None:
    store = await sqlite_store(tmp_path)
    await store.write(lambda unit: put(unit, 0))
    pages = await on_writer(store, "PRAGMA page_count")
    await on_writer(store, f"PRAGMA max_page_count={pages + 40}")
    acknowledged: set[str] = set()
    refused = 0

    async def client(numbers: range) -> None:
        nonlocal refused
        for number in numbers:
            try:
                acknowledged.add(f"r{await store.write(lambda unit, n=number: put(unit, n))}")
            except StoreUnavailable:
                refused += 1

    await asyncio.gather(*(client(range(1 + 50 * n, 51 + 50 * n)) for n in range(8)))
    assert refused and acknowledged
    assert await store.ready() in (True, False)
    assert await there_all(store) == acknowledged | {"r0"}
    await on_writer(store, f"PRAGMA max_page_count={pages + 100_000}")
    await store.write(lambda unit: put(unit, 1000))
    await store.aclose()
    again = await sqlite_store(tmp_path, node="2")
    assert await there_all(again) == acknowledged | {"r0", "r1000"}
    assert await on_writer(again, "PRAGMA integrity_check") == "ok"
    await again.aclose()


async def there_all(store: SqliteStore) -> set[str]:
    return {one.ref for one in await store.read(lambda unit: unit.episode_list(10_000))}


async def test_a_file_another_process_holds_is_unavailable(tmp_path: Path) -> None:
    store = await sqlite_store(tmp_path)
    await on_writer(store, "PRAGMA busy_timeout=50")
    other = sqlite3.connect(tmp_path / LEDGER, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match="SQLITE_BUSY"):
        await store.write(lambda unit: put(unit, 1))
    assert await store.ready() is False
    assert await there(store) == set()  # reading goes on
    other.execute("ROLLBACK")
    other.close()
    assert await store.write(lambda unit: put(unit, 1)) == 1
    await store.aclose()


async def test_a_file_that_cannot_be_written_is_unavailable(tmp_path: Path) -> None:
    store = await sqlite_store(tmp_path)
    await on_writer(store, "PRAGMA query_only=ON")
    with pytest.raises(StoreUnavailable, match="SQLITE_READONLY"):
        await store.write(lambda unit: put(unit, 1))
    assert await store.ready() is False
    await on_writer(store, "PRAGMA query_only=OFF")
    assert await store.ready() is True
    await store.aclose()


async def test_no_database_at_all_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / LEDGER).write_bytes(b"this is a letter, not a database" * 100)
    with pytest.raises(StoreUnavailable, match="SQLITE_NOTADB"):
        await sqlite_store(tmp_path)


async def test_a_database_from_a_later_version_is_refused(tmp_path: Path) -> None:
    await (await sqlite_store(tmp_path)).aclose()
    with sqlite3.connect(tmp_path / LEDGER) as later:
        later.execute("UPDATE alembic_version SET version_num = '9999'")
        later.execute("UPDATE schema_oldest SET revision = '9999'")
    later.close()
    with pytest.raises(SchemaTooNew, match="9999"):
        await sqlite_store(tmp_path)


async def test_the_files_are_the_owners_alone(tmp_path: Path) -> None:
    store = await open_store(f"sqlite:///{tmp_path / 'data' / LEDGER}", sealer=vault(), ids=SeededIds("1"))
    await store.write(lambda unit: put(unit, 1))
    found = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "data").iterdir()}
    assert {LEDGER, f"{LEDGER}-wal", f"{LEDGER}-shm", "keys.sqlite3", "keys.sqlite3-wal"} <= found.keys()
    assert set(found.values()) == {0o600}
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700
    await store.aclose()


async def test_two_nodes_may_start_at_once(tmp_path: Path) -> None:
    one, other = await asyncio.gather(sqlite_store(tmp_path), sqlite_store(tmp_path, node="2"))
    await asyncio.gather(one.write(lambda unit: put(unit, 1)), other.write(lambda unit: put(unit, 2)))
    assert await there(one) == await there(other) == {"r1", "r2"}
    await one.aclose()
    await other.aclose()


async def test_closing_finishes_what_waits(tmp_path: Path) -> None:
    store = await sqlite_store(tmp_path)
    tasks = [asyncio.create_task(store.write(lambda unit, n=n: put(unit, n))) for n in range(30)]
    await asyncio.sleep(0)
    await store.aclose()
    assert await asyncio.gather(*tasks) == list(range(30))
    again = await sqlite_store(tmp_path, node="2")
    assert len(await there(again)) == 30
    await again.aclose()


async def test_a_work_that_raises_cancelled_does_not_stop_the_writer(tmp_path: Path) -> None:
    store = await sqlite_store(tmp_path)

    async def work(unit: Unit) -> None:
        raise asyncio.CancelledError

    with pytest.raises(StoreUnavailable):
        await store.write(work)

    async def fails(unit: Unit) -> None:
        raise Trouble

    with pytest.raises(Trouble):
        await store.write(fails)
    assert await store.write(lambda unit: put(unit, 1)) == 1
    await store.aclose()


async def test_a_connection_that_cannot_roll_back_is_replaced(tmp_path: Path) -> None:
    store = await sqlite_store(tmp_path)
    await store.write(lambda unit: put(unit, 1))

    async def broken(unit: Unit) -> None:
        await put(unit, 2)
        store._open_connection().connection.driver_connection.close()  # type: ignore[union-attr]  # out of order

    with pytest.raises(StoreUnavailable):
        await store.write(broken)
    assert await store.write(lambda unit: put(unit, 3)) == 3
    assert await there(store) == {"r1", "r3"}
    await store.aclose()


async def test_readers_that_are_cancelled_do_not_use_up_the_connections(tmp_path: Path) -> None:
    store = await sqlite_store(tmp_path)
    await asyncio.gather(*(store.write(lambda unit, n=n: put(unit, n)) for n in range(5)))
    for turn in range(30):
        readers = [asyncio.create_task(there(store)) for _ in range(6)]
        for _ in range(turn % 7):
            await asyncio.sleep(0)
        for reader in readers:
            reader.cancel()
        await asyncio.gather(*readers, return_exceptions=True)
    assert len(await there(store)) == 5
    # None of them still holds an old snapshot.
    await store.write(lambda unit: put(unit, 6))
    assert [len(one) for one in await asyncio.gather(*(there(store) for _ in range(8)))] == [6] * 8
    await store.aclose()


async def test_when_the_writer_is_stopped_nobody_is_left_waiting(tmp_path: Path) -> None:
    store = await sqlite_store(tmp_path)
    begun = asyncio.Event()

    async def hold(unit: Unit) -> None:
        begun.set()
        await asyncio.Event().wait()

    waiting = [asyncio.create_task(store.write(hold))]
    await begun.wait()
    waiting += [asyncio.create_task(store.write(lambda unit, n=n: put(unit, n))) for n in range(5)]
    await asyncio.sleep(0)
    assert store._writer is not None
    store._writer.cancel()
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    assert {type(one) for one in outcomes} == {StoreUnavailable}
    assert await store.ready() is False
    await store.aclose()


async def test_a_read_that_failed_leaves_no_reader_with_what_was(tmp_path: Path) -> None:
    """Its error is still there, and with it the statement that was half read."""
    store, story = await sqlite_store(tmp_path), Story(SeededIds("story"))
    told = await store.write(lambda unit: story.told(unit, 3))
    await raw(store, f"UPDATE notices SET person = roles WHERE id = '{told.notices[0].id}'")
    kept: list[Unsealable] = []
    for _ in range(8):
        with pytest.raises(Unsealable) as caught:
            await store.read(lambda unit: unit.notices(story.episode))
        kept.append(caught.value)
    alarm = story.alarm()
    await store.write(lambda unit: unit.add_alarm(alarm, []))
    seen = [len(await store.read(lambda unit: unit.alarms())) for _ in range(8)]
    assert seen == [1] * 8 and len(kept) == 8
    await store.aclose()
