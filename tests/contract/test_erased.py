"""What is left of an erased child: nothing that any key opens, in no restored backup; and no reader falls over it."""

import inspect
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any, get_args

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from hub.core.completeness import After
from hub.core.records import Changes
from hub.core.retention import ERASED
from hub.edge.ids import SeededIds
from hub.service.ports import StoreUnavailable, Unit, Unsealable
from hub.store import SqliteStore
from hub.store.key_tables import data_keys
from hub.store.tables import metadata
from tests.contract.test_retention import UP, erase, erasing, holding, over
from tests.kit.clock import START
from tests.kit.records import SOURCE, Story, moved
from tests.kit.store import LEDGER, Stores, claim, sqlite_store

KEYS = "keys.sqlite3"


async def two(folder: Path) -> tuple[Story, Story]:
    """One whose time is up and one who stays, and the files as they were while both were there: LEDGER.old."""
    gone, well = (Story(SeededIds(name), ref=name, child_ref=name) for name in ("gone", "well"))
    store = await sqlite_store(folder)
    await over(store, gone)
    await over(store, well)
    await store.aclose()
    (folder / f"{LEDGER}.old").write_bytes((folder / LEDGER).read_bytes())
    return gone, well


async def without(folder: Path, gone: Story, well: Story) -> None:
    """Erase the one."""
    store = await sqlite_store(folder, node="erasing")
    await keep(store, well)
    await erase(store)
    await store.aclose()


async def keep(store: Stores, well: Story) -> None:
    await holding(store).add(well.child, code="court", reason="Stays", by="operator")


def wrapped(folder: Path) -> dict[str, bytes]:
    with closing(sqlite3.connect(folder / KEYS)) as connection:
        return dict(connection.execute("SELECT scope, wrapped FROM data_keys").fetchall())


async def every_key(store: SqliteStore) -> list[bytes]:
    """All data keys there are, in clear."""
    rows = await store.keys.database.run(lambda c: c.execute(data_keys.select()).all())
    return [await store.keys.wrapping.unwrap(row.scope, row.wrapped) for row in rows]


def places(row: sqlite3.Row) -> Iterator[str]:
    """Under which names the row's values may have been sealed."""
    values = dict(row)
    yield str(values.get("id"))
    if "revision" in values:
        yield f"{values.get('episode')}/{values['revision']}"
    if "code" in values:
        yield "/".join(str(values.get(name)) for name in ("episode", "code", "occurrence", "ordinal"))


def openable(ledger: Path, child: str, keys: list[bytes]) -> tuple[int, int]:
    """Of the values sealed for a child in a ledger's raw file, how many any of the keys opens, and how many not."""
    opened = closed = 0
    with closing(sqlite3.connect(ledger)) as connection:
        connection.row_factory = sqlite3.Row
        for table in metadata.tables.values():
            if "child" not in table.columns:
                continue
            for row in connection.execute(f'SELECT * FROM "{table.name}" WHERE child = ?', (child,)):
                for column in table.columns:
                    value = row[column.name]
                    if isinstance(value, bytes) and value[:1] == b"\x01" and len(value) > 28:
                        tried = ((key, place) for key in keys for place in places(row))
                        if any(_opens(key, value, f"{table.name}|{column.name}|{place}") for key, place in tried):
                            opened += 1
                        else:
                            closed += 1
    return opened, closed


def _opens(key: bytes, value: bytes, place: str) -> bool:
    try:
        AESGCM(key).decrypt(value[1:13], value[13:], place.encode())
    except InvalidTag:
        return False
    return True


async def test_an_old_ledger_beside_the_present_key_store_shows_nothing(tmp_path: Path) -> None:
    gone, well = await two(tmp_path)
    old = tmp_path / f"{LEDGER}.old"
    before = await sqlite_store(tmp_path, node="before")
    keys = await every_key(before)
    await before.aclose()
    sealed, hashes = openable(old, gone.child, keys)
    assert sealed > 15 and hashes <= 5, "the search opens whatever is sealed"
    held = wrapped(tmp_path)[gone.child]
    await without(tmp_path, gone, well)
    assert gone.child not in wrapped(tmp_path) and well.child in wrapped(tmp_path)

    # The backup of the ledger comes back.
    for path in tmp_path.glob(f"{LEDGER}-*"):
        path.unlink()
    (tmp_path / LEDGER).write_bytes(old.read_bytes())
    store = await sqlite_store(tmp_path, node="restored")
    keys = await every_key(store)
    assert openable(tmp_path / LEDGER, gone.child, keys)[0] == 0
    assert openable(tmp_path / LEDGER, well.child, keys)[0] == sealed, "all of the other is there"
    found = await store.read(lambda unit: unit.episode_by_id(gone.episode))
    assert found is not None and (found.record.erased, found.record.ref, dict(found.doc)) == (True, ERASED, {})
    # The ledger learns that it was erased, and forgets by what it would be found.
    mine = erasing(store, "restored")
    assert await mine.run(START) == 1
    assert await store.read(lambda unit: unit.episode(SOURCE, gone.ref)) is None
    assert await store.read(lambda unit: unit.episode(SOURCE, well.ref)) is not None
    await store.aclose()
    assert held not in b"".join(path.read_bytes() for path in tmp_path.iterdir() if path.name.startswith(KEYS))


async def test_a_destroyed_key_is_in_none_of_the_key_stores_files(tmp_path: Path) -> None:
    gone, well = await two(tmp_path)
    kept = wrapped(tmp_path)
    store = await sqlite_store(tmp_path, node="2")

    def raw() -> bytes:
        return b"".join(path.read_bytes() for path in tmp_path.iterdir() if path.name.startswith(KEYS))

    assert kept[gone.child] in raw() and kept[well.child] in raw()
    await keep(store, well)
    await erase(store)
    assert kept[gone.child] not in raw(), "while the store is open"
    assert kept[well.child] in raw()
    await store.aclose()
    assert kept[gone.child] not in raw()


async def test_a_key_store_restored_from_a_backup_is_erased_again(tmp_path: Path) -> None:
    gone, well = await two(tmp_path)
    backup = (tmp_path / KEYS).read_bytes()
    await without(tmp_path, gone, well)
    for path in tmp_path.glob(f"{KEYS}*"):
        path.unlink()
    (tmp_path / KEYS).write_bytes(backup)
    store = await sqlite_store(tmp_path, node="restored")
    assert gone.child in (await store.keys.standing([gone.child])).living
    assert await erasing(store, "restored").run(UP + timedelta(days=9)) == 1
    assert gone.child not in (await store.keys.standing([gone.child])).living
    await store.aclose()


STRICT = {"tracked", "pickups.held", "pickups.sent", "desk.one"}
"""Asked by those who are to send or show something: they are told that it does not open."""


def methods(unit: Unit) -> Iterator[tuple[str, Any]]:
    """All that a transaction can be asked, by name."""
    for name in dir(unit):
        if name.startswith("_"):
            continue
        part = getattr(unit, name)
        if inspect.iscoroutinefunction(part):
            yield name, part
        elif not callable(part):
            for inner in dir(part):
                if not inner.startswith("_") and inspect.iscoroutinefunction(getattr(part, inner)):
                    yield f"{name}.{inner}", getattr(part, inner)


def arguments(method: Any, known: dict[str, Any]) -> dict[str, Any] | None:
    """Something for each parameter; None for a method that takes what only its caller can make."""
    given: dict[str, Any] = {}
    for name, parameter in inspect.signature(method, eval_str=True).parameters.items():
        asked = parameter.annotation
        if parameter.default is not inspect.Parameter.empty or parameter.kind is parameter.VAR_POSITIONAL:
            continue
        if name in known and (not isinstance(asked, type) or isinstance(known[name], asked)):
            given[name] = known[name]
        elif (simple := {str: "x", int: 1, bool: False, bytes: b"x"}.get(asked)) is not None:
            given[name] = simple
        elif type(None) in get_args(asked):
            given[name] = None
        else:
            return None
    return given


async def test_every_reader_meets_an_erased_child_and_goes_on(store: Stores, story: Story) -> None:
    changes = await over(store, story)
    late = story.decision(None, kind="returned")
    owed = story.notice(late, chase_at=START, state="notified")
    await store.write(
        lambda unit: unit.save(
            Changes(
                event=None,
                episode=moved(changes),
                expected_version=changes.episode.version,
                decisions=(late,),
                notices=(owed,),
            )
        )
    )
    await erase(store)
    notices = await store.read(lambda unit: unit.notices(story.episode))
    deliveries = [one.id for notice in notices for one in await _deliveries(store, notice.id)]
    at = UP + timedelta(days=9)
    known = {
        "episode": story.episode, "notice": notices[0].id, "delivery": deliveries[0], "deliveries": deliveries,
        "wanted": deliveries, "child": story.child, "now": at, "late": at, "since": START, "at": at, "until": at,
        "source": SOURCE, "ref": story.ref, "after": "", "limit": 100, "before": at, "today": "", "day": "",
        "organisation": "E09000006", "channel": "email", "contact": "co_1",
    }  # fmt: skip
    asked, refused = set(), set()

    async def names(unit: Unit) -> list[str]:
        return [name for name, _ in methods(unit)]

    for name in await store.read(names):

        async def ask(unit: Unit, name: str = name) -> None:
            method = dict(methods(unit))[name]
            given = arguments(method, known)
            if given is not None:
                await method(**given)
                asked.add(name)

        try:
            await store.read(ask)
        except Unsealable:
            refused.add(name)
        except (StoreUnavailable, PermissionError):
            pass  # it writes, and may not here
    assert refused <= STRICT
    must = {"episode_by_id", "decisions", "notices", "deliveries", "carriage", "happened", "acknowledgements",
            "receipts", "outgoing", "episode_list", "register_of", "due_episodes", "due_chases", "counts",
            "retention.child", "retention.holds", "delivery_by_id", "wall_figures", "attempts"}  # fmt: skip
    assert must <= asked, must - asked

    # Nothing of it is due, and so nobody is alarmed.
    assert await claim(store, at - START) == []
    looked = await store.read(lambda unit: unit.incomplete(at, at, After()))
    assert [one for one in looked.lacking if one.episode == story.episode] == []
    assert await store.read(lambda unit: unit.due_episodes(at, 10)) == []
    assert await store.read(lambda unit: unit.due_chases(at, 10)) == []
    assert [one for one in await store.read(lambda unit: unit.alarms()) if one.episode == story.episode] == []
    taken = await store.read(lambda unit: unit.decisions(story.episode))
    assert [(one.decision.outcome, one.decision.roles, one.decision.why) for one in taken[:1]] == [
        ("notify", ("police",), ERASED)
    ]
    assert {one.person for one in notices} == {ERASED}


async def _deliveries(store: Stores, notice: str) -> Any:
    return await store.read(lambda unit: unit.deliveries(notice))
