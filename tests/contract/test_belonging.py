"""A key store that has none of the keys of its ledger: nothing is made, and the hub does not start."""

import asyncio
import sqlite3
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, delete, func, select

from hub.core.records import SourceKey
from hub.edge.ids import SeededIds
from hub.store import NotItsKeyStore, belonging
from hub.store.key_tables import data_keys
from hub.store.keystore import HUB_SCOPE, KeyStore, destroyed_keys
from hub.store.keystore import metadata as key_metadata
from tests.kit.clock import START
from tests.kit.keys import Shared
from tests.kit.node import REGISTERED
from tests.kit.records import Story
from tests.kit.store import LEDGER, Stores, raw, sqlite_store, vault


def emptied(connection: Connection) -> None:
    for table in key_metadata.sorted_tables:
        connection.execute(delete(table))


def left(connection: Connection) -> int:
    return sum(
        connection.execute(select(func.count()).select_from(one)).scalar_one() for one in key_metadata.tables.values()
    )


async def started(store: Stores, *, without_children: bool = False) -> KeyStore:
    """Another hub on the same ledger and key store."""
    found = KeyStore(Shared(store.keys.database), sealer=vault(), ids=SeededIds("another"), bridge=store.keys._bridge)
    await found.start(store._as_it_is, without_children=without_children)
    return found


async def test_beside_a_full_ledger_an_empty_key_store_makes_no_key(store: Stores, story: Story) -> None:
    database = store.keys.database
    await database.run(emptied)
    await started(store)  # of a ledger without anything: the first start
    await database.run(emptied)
    await store.write(lambda unit: unit.add_audit([story.line("source.added")]))
    with pytest.raises(NotItsKeyStore, match="volume") as refused:
        await started(store)
    assert await database.run(left) == 0, "a key was made"
    for named in ("FINGERPOST_KEY_STORE_URL", "fingerpost keys backup", "FINGERPOST_DATABASE_URL"):
        assert named in str(refused.value)
    with pytest.raises(NotItsKeyStore, match="volume"):
        await started(store, without_children=True)


async def test_nor_one_that_knows_none_of_the_children(store: Stores, story: Story) -> None:
    await store.write(story.meet)
    other = Story(SeededIds("other"), child_ref="other")
    await store.write(other.meet)
    await started(store)
    database = store.keys.database
    theirs = delete(data_keys).where(data_keys.c.scope != HUB_SCOPE)
    await database.run(lambda connection: connection.execute(theirs))
    with pytest.raises(NotItsKeyStore, match="another ledger's"):
        await started(store)
    await started(store, without_children=True)
    gone = {"scope": other.child, "at": START}
    await database.run(lambda connection: connection.execute(destroyed_keys.insert(), [gone]))
    await started(store)  # an old backup: it knows one, and that is alarmed about child by child


async def test_one_that_knows_the_newest_is_the_ledgers(
    store: Stores, story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(belonging, "LOOKED_AT", 1)
    await store.write(story.meet)
    newer = Story(SeededIds("newer"), child_ref="newer")
    await store.write(newer.meet)
    first, last = sorted((story.child, newer.child))
    for lost, refused in ((first, False), (last, True)):
        theirs = delete(data_keys).where(data_keys.c.scope == lost)
        await store.keys.database.run(lambda connection, theirs=theirs: connection.execute(theirs))
        with pytest.raises(NotItsKeyStore) if refused else nullcontext():
            await started(store)


async def test_nor_one_whose_own_key_opens_no_source(store: Stores) -> None:
    def other_key(connection: Connection) -> None:
        connection.execute(delete(data_keys).where(data_keys.c.scope == HUB_SCOPE))

    keys = tuple(SourceKey(id=name, scheme="v1", key=b"k" * 32, valid_from=START) for name in ("sk_1", "sk_2"))
    await store.write(lambda unit: unit.put_source(replace(REGISTERED, keys=keys)))
    await started(store)
    await raw(store, "UPDATE source_keys SET key = substr(key, 2) WHERE id = 'sk_2'")
    await started(store)  # one that is damaged stops no hub
    await store.keys.database.run(other_key)
    await KeyStore(Shared(store.keys.database), sealer=vault(), ids=SeededIds("other hub"), bridge=_no).start()
    for without_children in (False, True):
        with pytest.raises(NotItsKeyStore, match="another hub's"):
            await started(store, without_children=without_children)


def _no(awaiting: Any) -> Any:
    raise AssertionError("nothing waits here")


async def test_the_ledger_is_asked_while_somebody_writes(tmp_path: Path, story: Story) -> None:
    store = await sqlite_store(tmp_path)
    await store.write(story.meet)
    other = sqlite3.connect(tmp_path / LEDGER, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    async with asyncio.timeout(2):  # a writer would wait for 5 seconds, and give up
        await started(store)
    other.close()
    await store.aclose()


async def test_a_volume_that_is_not_mounted(tmp_path: Path, story: Story) -> None:
    store = await sqlite_store(tmp_path)
    await store.write(story.meet)
    await store.aclose()
    mounted = tmp_path / "keys.sqlite3"
    elsewhere = mounted.rename(tmp_path / "volume.sqlite3")
    before = (tmp_path / LEDGER).read_bytes()
    for _ in range(2):
        with pytest.raises(NotItsKeyStore, match="mounted"):
            await sqlite_store(tmp_path)
    assert (tmp_path / LEDGER).read_bytes() == before
    elsewhere.rename(mounted)
    again = await sqlite_store(tmp_path)
    assert (await again.keys.standing([story.child])).living == {story.child}
    await again.aclose()
