"""Nothing personal stands in clear: in the database's files, its log, its temporary files, the key store."""

import base64
import os
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Connection

from hub.core.records import AcknowledgementRecord, Changes, Source, SourceKey
from hub.edge.vault import VaultError
from hub.service.ports import Unit
from hub.store import KeyGone, SqliteStore
from hub.store.types import to_micros
from tests.kit.clock import START
from tests.kit.postgres import PostgresServer, postgres_store
from tests.kit.records import SECRETS, SOURCE, Story, moved
from tests.kit.store import LEDGER, Stores, claim, sqlite_store

BIRTHDAY = START.replace(year=2029, month=8, day=17)


def disguises(value: str) -> Iterable[bytes]:
    """How a value may stand in a file."""
    plain = value.encode()
    yield plain
    yield value.upper().encode()
    yield value.lower().encode()
    yield value.encode("utf-16-le")
    yield value.encode("utf-16-be")
    yield plain.hex().encode()
    for shift in range(3):  # base64 of a text that the value stands in the middle of
        encoded = base64.b64encode(b"x" * shift + plain)
        yield encoded[(shift and 4) : len(encoded) - 4]


async def whole_story(store: Stores, story: Story) -> None:
    """Write every personal value there is."""

    async def work(unit: Unit) -> Changes:
        changes = await story.told(unit, 2)
        adulthood = story.duty(
            "adulthood", due_at=BIRTHDAY, state="done", closed_at=BIRTHDAY, closed_by=SECRETS["removed"]
        )
        later = Changes(
            event=story.event(),
            episode=moved(changes),
            expected_version=1,
            doc=None,
            duties=(adulthood, story.duty(state="done", closed_at=START, closed_by=SECRETS["removed"])),
            register=(replace(changes.register[0], removed_at=START, removed_by=SECRETS["removed"]),),
            quarantine=(story.quarantined(),),
        )
        await unit.save(later)
        key = SourceKey(id="k1", scheme="v1", key=SECRETS["source_key"].encode(), valid_from=START)
        source = Source(id=SOURCE, uri="urn:s", name="Bromley", authorities=frozenset(), keys=(key,), created_at=START)
        await unit.put_source(source)
        await unit.put_directory(SECRETS["bundle"].encode(), START, [])
        answer = AcknowledgementRecord(
            id=story.id("ac"),
            notice=changes.notices[0].id,
            delivery=changes.deliveries[0].id,
            at=START,
            answer="redirected",
            name=SECRETS["answered"],
            redirected_to=SECRETS["redirected"],
        )
        await unit.acknowledge(answer, changes.notices[0], story.alarm("redirected"), [story.line()])
        return changes

    await store.write(work)
    await claim(store)
    # Everything is really there.
    found = await store.read(lambda unit: unit.episode(SOURCE, story.ref))
    assert found is not None and found.doc["child"]["name"] == SECRETS["child"]
    assert BIRTHDAY in {duty.due_at for duty in found.duties}


def leaks(files: Iterable[tuple[str, bytes]]) -> list[tuple[str, str]]:
    found = []
    for name, content in files:
        low = content.lower()
        for what, value in SECRETS.items():
            if any(disguise in content or disguise.lower() in low for disguise in disguises(value)):
                found.append((name, what))
    return found


def open_files() -> Iterator[tuple[str, bytes]]:
    """Temporary files have no name; the process still has them open."""
    for entry in Path("/proc/self/fd").iterdir():
        try:
            target = os.readlink(entry)
            if target.startswith("/") and not target.startswith(("/dev", "/proc", "/sys")) and Path(entry).is_file():
                yield target, entry.read_bytes()
        except OSError:
            continue


async def test_nowhere_in_the_files_of_sqlite(tmp_path: Path, story: Story) -> None:
    store = await sqlite_store(tmp_path)
    await whole_story(store, story)
    names = {path.name for path in tmp_path.iterdir()}
    assert {LEDGER, f"{LEDGER}-wal", f"{LEDGER}-shm", "keys.sqlite3", "keys.sqlite3-wal"} <= names
    files = [(path.name, path.read_bytes()) for path in tmp_path.iterdir()]
    assert sum(len(content) for _, content in files) > 100_000
    assert leaks(files) == []
    assert leaks(open_files()) == []
    await store.aclose()
    assert leaks((path.name, path.read_bytes()) for path in tmp_path.iterdir()) == []


def test_the_search_would_find_them() -> None:
    for what, value in SECRETS.items():
        for disguise in (
            value.encode(),
            b"{..." + base64.b64encode(f"ab{value}yz".encode()),
            value.encode("utf-16-be"),
            value.encode("utf-16-le"),
            f"\\x{value.encode().hex()}".encode(),
        ):
            assert ("f", what) in leaks([("f", b"\0" * 5 + disguise)])


async def test_a_birthday_is_no_due_time(tmp_path: Path, story: Story) -> None:
    store = await sqlite_store(tmp_path)
    await whole_story(store, story)
    in_sqlite = to_micros(BIRTHDAY).to_bytes(8)
    micros = in_sqlite.lstrip(b"\0")
    for path in tmp_path.iterdir():
        content = path.read_bytes()
        assert micros not in content and str(to_micros(BIRTHDAY)).encode() not in content, path.name
    # The same search finds an instant that does stand in clear.
    opened = to_micros(START).to_bytes(8).lstrip(b"\0")
    assert opened in (tmp_path / f"{LEDGER}-wal").read_bytes()
    await store.aclose()


@pytest.mark.postgresql
async def test_nowhere_in_a_dump_of_postgresql_or_its_log(server: PostgresServer, story: Story) -> None:
    urls = await server.clean()
    store = await postgres_store(urls)
    await whole_story(store, story)
    with pytest.raises(Exception, match=r"."):
        await store.write(lambda unit: unit.save(story.report()))
    await store.aclose()
    dumps = [(name, server.dump(url)) for name, url in zip(("ledger", "keys"), urls, strict=True)]
    assert all(len(content) > 500 for _, content in dumps)
    assert leaks([*dumps, ("log", server.log.read_bytes())]) == []


async def test_without_the_childs_key_nothing_of_it_opens(tmp_path: Path, story: Story) -> None:
    store = await sqlite_store(tmp_path)
    await whole_story(store, story)
    await store.aclose()
    erased = await sqlite_store(tmp_path, node="2")
    await _forget(erased, story.child)
    with pytest.raises(KeyGone, match=story.child):
        await erased.read(lambda unit: unit.episode(SOURCE, story.ref))
    # The event's identity stays known for ever: its content does not open, but it is not new either.
    with pytest.raises(KeyGone):
        await erased.read(lambda unit: unit.event(SOURCE, f"{SECRETS['sender_id']}-{story.ref}-1"))
    assert await erased.read(lambda unit: unit.event(SOURCE, "never sent")) is None
    await erased.aclose()


async def _forget(store: SqliteStore, scope: str) -> None:
    assert store._keys is not None

    def erase(connection: Connection) -> None:
        connection.exec_driver_sql("DELETE FROM data_keys WHERE scope = ?", (scope,))

    await store._keys._database.run(erase)


async def test_a_sealed_value_moved_to_another_row_does_not_open(tmp_path: Path, story: Story) -> None:
    store = await sqlite_store(tmp_path)
    await store.write(lambda unit: story.told(unit, 2))

    def swap() -> None:
        connection = store._open_connection()
        with connection.begin():
            rows = connection.exec_driver_sql("SELECT id, person FROM notices ORDER BY id").all()
            for mine, other in ((0, 1), (1, 0)):
                connection.exec_driver_sql(
                    "UPDATE notices SET person = ? WHERE id = ?", (rows[other][1], rows[mine][0])
                )

    await store._in_writer(swap)
    with pytest.raises(VaultError, match=r"notices\.person of nt_"):
        await store.read(lambda unit: unit.notices(story.episode))
    await store.aclose()
