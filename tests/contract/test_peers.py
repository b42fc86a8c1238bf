"""Other hubs in the store."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from hub.core.peers import Peer
from hub.core.records import AcknowledgementRecord
from hub.service.ports import Unit, Unsealable
from tests.kit.clock import START
from tests.kit.events import reported
from tests.kit.node import a_hub
from tests.kit.peers import ASHBY, BORDON, a_peer
from tests.kit.store import Stores, raw

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
A = ASHBY.said().hub


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


async def test_what_goes_back_is_taken_in_order_put_off_and_settled(store: Stores) -> None:
    hub = await a_hub(store)
    await hub.post(reported())
    (episode,) = await store.read(lambda unit: unit.episode_list())
    first, second = (await store.read(lambda unit: unit.notices(episode.id)))[:2]
    given = [
        AcknowledgementRecord(
            id=f"ack_{number}", notice="", delivery="", at=START - number * DAY, answer="accepted", name="Jo"
        )
        for number in range(3)
    ]
    # It is another hub's, of whose clock it is not known how it was set.
    await raw(store, f"UPDATE episodes SET source = 'peer:{A}'")
    for one, notice in zip(given, (first, first, second), strict=True):
        await store.write(lambda unit, one=one, notice=notice: unit.peers.answered(one, notice))
    operators = replace(first, organisation="operator")
    await store.write(lambda unit: unit.peers.answered(replace(given[0], id="ack_9"), operators))

    async def claimed(at: datetime) -> list[str]:
        if not await store.read(lambda unit: unit.peers.posts_due(at)):
            return []
        found = await store.write(lambda unit: unit.peers.claim_posts(at, at + 5 * MINUTE, 9))
        return sorted(one.id for one in found)

    assert await claimed(START) == ["ack_0", "ack_2"]
    assert await claimed(START) == [], "what was made after it waits for the first"
    await store.write(lambda unit: unit.peers.settle_post("ack_0", "sent"))
    assert await claimed(START) == ["ack_1"]
    await store.write(lambda unit: unit.peers.put_off_posts(A, START + 2 * MINUTE))
    assert await claimed(START + MINUTE) == []
    assert await claimed(START - DAY) == ["ack_1", "ack_2"], "the clock was set back"
    await store.write(lambda unit: unit.peers.put_off_posts(A, START + 2 * MINUTE))
    found = await store.write(lambda unit: unit.peers.claim_posts(START + 2 * MINUTE, START + DAY, 9))
    assert {(one.id, one.tries, one.hub) for one in found} == {("ack_1", 2, A), ("ack_2", 2, A)}
