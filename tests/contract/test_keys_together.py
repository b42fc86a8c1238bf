"""The keys of several children, asked for at once: what comes of it is what comes of asking for each. That PostgreSQL
answers the question is seen by every claim there."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import TypeVar

import pytest
from sqlalchemy import Connection, delete, update

from hub.edge.keks import VaultError
from hub.service.ports import StoreUnavailable
from hub.store.failures import KeyErased, KeyGone
from hub.store.key_databases import SqliteKeys
from hub.store.key_tables import data_keys
from hub.store.keystore import ASKED_AGAIN, HUB_SCOPE
from tests.kit.clock import START
from tests.kit.keys import K1, Node, Shared, key_node, ring

T = TypeVar("T")


class Counted(Shared):
    """Says how often it was asked, and can be away."""

    asked = 0
    away = False

    async def run(self, work: Callable[[Connection], T]) -> T:
        self.asked += 1
        if self.away:
            raise StoreUnavailable("the key store cannot take this now")
        return await super().run(work)


@pytest.fixture
async def database() -> AsyncIterator[Counted]:
    opened = SqliteKeys(":memory:")
    yield Counted(opened)
    await opened.aclose()


async def children(database: Counted, count: int) -> dict[str, bytes]:
    """Keys that another node made."""
    maker = await key_node(database, "maker", ring(keys={"k1": K1}))
    scopes = [await maker.fresh() for _ in range(count)]
    return {scope: await maker.key(scope) for scope in scopes}


async def fetch(node: Node, *scopes: str) -> None:
    await asyncio.to_thread(node.store.fetch, scopes)


async def test_all_come_with_one_question_and_are_asked_for_again_after_a_while(database: Counted) -> None:
    keys = await children(database, 5)
    now = 1000.0
    node = await key_node(database, "one", ring(keys={"k1": K1}), monotonic=lambda: now)
    for _ in range(2):
        before = database.asked
        await fetch(node, HUB_SCOPE, *keys)
        await fetch(node, HUB_SCOPE, *keys)
        assert {scope: await node.key(scope) for scope in keys} == keys
        assert database.asked == before + 1
        now += ASKED_AGAIN


async def test_one_that_cannot_be_had_keeps_no_other_from_coming_and_says_why(database: Counted) -> None:
    keys = await children(database, 5)
    erased, lost, spoilt, *well = keys
    node = await key_node(database, "one", ring(keys={"k1": K1}))
    await (await key_node(database, "two", ring(keys={"k1": K1}))).store.destroy([erased], START)
    await database.run(lambda c: c.execute(delete(data_keys).where(data_keys.c.scope == lost)))
    change = update(data_keys).where(data_keys.c.scope == spoilt).values(wrapped=b"\2\2k1" + b"x" * 60)
    await database.run(lambda c: c.execute(change))
    await fetch(node, *keys)
    before = database.asked
    assert [await node.key(scope) for scope in well] == [keys[scope] for scope in well]
    assert database.asked == before
    for scope, error in ((erased, KeyErased), (lost, KeyGone), (spoilt, VaultError)):
        with pytest.raises(error):
            await node.key(scope)


async def test_a_key_that_was_destroyed_is_not_brought_back_by_a_row_that_was(database: Counted) -> None:
    keys = await children(database, 3)
    node = await key_node(database, "one", ring(keys={"k1": K1}))
    gone = next(iter(keys))
    rows = await database.run(lambda c: c.execute(data_keys.select().where(data_keys.c.scope == gone)).mappings().all())
    await (await key_node(database, "two", ring(keys={"k1": K1}))).store.destroy([gone], START)
    await database.run(lambda c: c.execute(data_keys.insert(), [dict(row) for row in rows]))  # as from a backup
    await fetch(node, *keys)
    with pytest.raises(KeyErased):
        await node.key(gone)


async def test_one_that_another_node_destroys_meanwhile_is_forgotten_as_soon_as_by_itself(database: Counted) -> None:
    keys = await children(database, 3)
    now = 1000.0
    node = await key_node(database, "one", ring(keys={"k1": K1}), monotonic=lambda: now)
    await fetch(node, *keys)
    gone = next(iter(keys))
    await (await key_node(database, "two", ring(keys={"k1": K1}))).store.destroy([gone], START)
    now += ASKED_AGAIN
    await fetch(node, *keys)
    with pytest.raises(KeyErased):
        await node.key(gone)


async def test_while_the_key_store_is_away_what_is_known_serves_on(database: Counted) -> None:
    keys = await children(database, 3)
    now = 1000.0
    node = await key_node(database, "one", ring(keys={"k1": K1}), monotonic=lambda: now)
    await fetch(node, *list(keys)[:2])
    now += ASKED_AGAIN
    database.away = True
    await fetch(node, *keys)
    known, also, never = keys
    assert [await node.key(known), await node.key(also)] == [keys[known], keys[also]]
    with pytest.raises(StoreUnavailable):
        await node.key(never)
