"""Other hubs in the store."""

from dataclasses import replace
from datetime import timedelta

import pytest

from hub.core.peers import Peer
from hub.service.ports import Unit, Unsealable
from tests.kit.clock import START
from tests.kit.peers import ASHBY, BORDON, Hub
from tests.kit.store import Stores, raw


def a_peer(hub: Hub = ASHBY) -> Peer:
    return Peer(
        hub=hub.said().hub,
        url=hub.url,
        state="introduced",
        document=hub.document(),
        said=hub.said(),
        put_by="Jo Worker",
        introduced_at=START,
        changed_at=START,
    )


async def put(store: Stores, *peers: Peer) -> None:
    async def work(unit: Unit) -> None:
        for one in peers:
            await unit.peers.put(one)

    await store.write(work)


async def test_a_peer_comes_back_as_it_was_put_is_replaced_and_removed(store: Stores) -> None:
    ashby = a_peer()
    await put(store, replace(a_peer(BORDON), introduced_at=START - timedelta(days=1)), ashby)
    assert await store.read(lambda unit: unit.peers.one(ashby.hub)) == ashby
    done = replace(ashby, state="confirmed", put_by="Sam", changed_at=START + timedelta(hours=1))
    await put(store, done)
    found = await store.read(lambda unit: unit.peers.all())
    assert [one.hub for one in found] == [BORDON.said().hub, ashby.hub]
    assert found[1] == done
    assert await store.read(lambda unit: unit.peers.called(ASHBY.url)) == done
    assert await store.read(lambda unit: unit.peers.called("https://ash.example")) is None
    await store.write(lambda unit: unit.peers.remove(ashby.hub))
    assert await store.read(lambda unit: unit.peers.one(ashby.hub)) is None


async def test_nobody_who_writes_to_the_database_makes_a_peer_a_confirmed_one(store: Stores) -> None:
    await put(store, a_peer())
    await raw(store, "UPDATE peers SET state = 'confirmed'")
    with pytest.raises(Unsealable):
        await store.read(lambda unit: unit.peers.one(ASHBY.said().hub))
