"""A key-encryption key takes over from another, on one node or on two, and whatever happens on the way every data key
opens. On both kinds of key store."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection, make_url, select, text, update

from hub.edge.keks import RawKey, VaultError
from hub.service.ports import StoreUnavailable
from hub.store import keks, rotation
from hub.store.failures import KeyGone
from hub.store.key_databases import PostgresKeys, SqliteKeys
from hub.store.key_tables import data_keys
from hub.store.key_tables import nodes as key_nodes
from hub.store.keystore import HUB_SCOPE, KeyDatabase, NoSuchKey
from hub.store.keystore import metadata as key_metadata
from hub.store.postgres_engine import postgres_engine
from hub.store.rotation import CannotRetire, CannotRotate
from tests.kit.clock import START
from tests.kit.keys import K1, K2, K3, Mortal, Node, Power, key_node, ring
from tests.kit.postgres import PostgresServer

Later = timedelta


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
async def database(request: pytest.FixtureRequest) -> AsyncIterator[KeyDatabase]:
    opened: KeyDatabase
    if request.param == "sqlite":
        opened = SqliteKeys(":memory:")
    else:
        server: PostgresServer = request.getfixturevalue("server")
        url = make_url((await server.clean())[1]).set(drivername="postgresql+asyncpg")
        opened = PostgresKeys(postgres_engine(url, pool=4))
    yield opened
    await opened.aclose()


@pytest.fixture
async def memory() -> AsyncIterator[KeyDatabase]:
    opened = SqliteKeys(":memory:")
    yield opened
    await opened.aclose()


async def wrapped_by(database: KeyDatabase) -> dict[str, set[str]]:
    """The scopes by what wraps them, as the wraps themselves say."""
    rows = await database.run(lambda c: c.execute(select(data_keys.c.scope, data_keys.c.wrapped)).all())
    found: dict[str, set[str]] = {}
    for scope, wrapped in rows:
        found.setdefault(wrapped[2 : 2 + wrapped[1]].decode(), set()).add(scope)
    return found


async def opens(node: Node, keys: dict[str, bytes]) -> None:
    """Another hub, with nothing in its memory, finds every key as it was."""
    for scope, key in keys.items():
        assert await node.key(scope) == key, scope


async def born(node: Node, children: int = 3) -> dict[str, bytes]:
    scopes = [await node.fresh() for _ in range(children)]
    return {scope: await node.key(scope) for scope in scopes}


async def test_a_new_key_wraps_when_every_node_has_it_and_the_old_one_is_retired_when_nothing_needs_it(
    database: KeyDatabase,
) -> None:
    hers: dict[str, bytes] = {"k1": K1}  # the folder of the other node, which gets the key later
    one = await key_node(database, "one", ring(keys={"k1": K1, "k2": K2}, current="k1"), batch=4)
    other = await key_node(database, "other", ring(keys={"k1": K1}, sources=(Folder(hers),)), batch=4)
    keys = await born(one) | await born(other)

    asked = await rotation.propose(one.store, "k2", START)
    assert [node.id for node in asked.lacking] == ["one", "other"], "neither has said yet that it has it"
    await one.tick(Later(seconds=10))
    keys |= await born(one, 5) | await born(other, 5)
    assert set(await wrapped_by(database)) == {"k1"}, "one node could not open what the other wrote"

    hers["k2"] = K2
    await other.tick(Later(seconds=20))
    keys |= await born(one, 5) | await born(other, 5)
    await one.tick(Later(seconds=30))
    await other.tick(Later(seconds=30))
    keys |= await born(one, 5) | await born(other, 5)
    assert await wrapped_by(database) == {"k2": (await wrapped_by(database))["k2"]}
    assert one.rotation.figures() == {"data_keys_to_rewrap": 0} and one.rotation.amiss() == {}

    await rotation.retire(one.store, "k1", START + Later(seconds=40))
    await one.tick(Later(seconds=50))
    with_new_alone = await key_node(database, "third", ring(keys={"k2": K2}), Later(seconds=60))
    await opens(with_new_alone, keys)
    assert HUB_SCOPE in (await wrapped_by(database))["k2"]
    with pytest.raises(NoSuchKey, match="k2"):
        await key_node(database, "fourth", ring(keys={"k1": K1}))


class Folder:
    """A source whose keys come and go."""

    def __init__(self, keys: dict[str, bytes]) -> None:
        self.keys = keys

    async def find(self, name: str) -> RawKey | None:
        return RawKey(name, self.keys[name]) if name in self.keys else None

    async def names(self) -> list[str]:
        return list(self.keys)


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key that was not there is looked for again at once."""
    monkeypatch.setattr("hub.edge.keks.LOOK_AGAIN", 0.0)


async def test_a_key_is_not_retired_while_something_needs_it(memory: KeyDatabase) -> None:
    node = await key_node(memory, "one", ring(keys={"k1": K1, "k2": K2}, current="k1"))
    await born(node, 40)
    at = START + Later(seconds=1)
    with pytest.raises(CannotRetire, match="wraps new data keys"):
        await rotation.retire(node.store, "k1", at)
    (lacking,) = (await rotation.propose(node.store, "k2", START)).lacking
    assert (lacking.id, lacking.holds) == ("one", {"k1"})
    await node.tick()
    await memory.run(lambda c: c.execute(update(data_keys).where(data_keys.c.scope == HUB_SCOPE).values(kek="k1")))
    with pytest.raises(CannotRetire, match="still wraps data keys, 1 of them"):
        await rotation.retire(node.store, "k1", at)
    await node.tick(Later(seconds=10))
    await rotation.retire(node.store, "k1", at)
    await rotation.retire(node.store, "k1", at)
    with pytest.raises(CannotRotate, match="retired"):
        await rotation.propose(node.store, "k1", at)
    with pytest.raises(LookupError):
        await rotation.retire(node.store, "k9", at)


async def test_of_two_keys_of_one_id_the_other_is_refused(memory: KeyDatabase) -> None:
    one = await key_node(memory, "one", ring(keys={"k1": K1, "k2": K2}, current="k1"))
    other = await key_node(memory, "other", ring(keys={"k1": K1, "k2": K3}, current="k1"))
    await rotation.propose(one.store, "k2", START)
    await other.tick(Later(seconds=10))
    await one.tick(Later(seconds=10))
    assert one.store.current == other.store.current == "k1", "a namesake counted as the key"
    with pytest.raises(CannotRotate, match="another key-encryption key of the id k2"):
        await rotation.propose(other.store, "k2", START)


async def silent(database: KeyDatabase, name: str) -> None:
    """The key store has not heard of this node for a while."""
    row = update(key_nodes).where(key_nodes.c.id == name)
    longer = select(key_nodes.c.seen_at).where(key_nodes.c.id == name)

    def age(connection: Connection) -> None:
        seen = connection.execute(longer).scalar_one()
        connection.execute(row.values(seen_at=seen - keks.LIVE - Later(seconds=1)))

    await database.run(age)


async def test_a_node_whose_own_clock_is_wrong_is_waited_for(database: KeyDatabase) -> None:
    one = await key_node(database, "one", ring(keys={"k1": K1, "k2": K2}, current="k1"))
    behind, ahead = -3 * keks.LIVE, 3 * keks.LIVE
    other = await key_node(database, "other", ring(keys={"k1": K1}), behind)
    assert [node.id for node in (await rotation.propose(one.store, "k2", START)).lacking] == ["one", "other"]
    for at in (Later(0), ahead):
        await other.tick(behind)
        await one.tick(at)
        assert one.store.current == "k1", "the other could not open what this one wraps"
    await key_node(database, "other", ring(keys={"k1": K1, "k2": K2}), behind)
    await one.tick()
    assert one.store.current == "k2"


async def test_a_hub_that_was_cut_off_loses_no_child_and_is_waited_for_by_nobody(memory: KeyDatabase) -> None:
    hers = {"k1": K1}
    one = await key_node(memory, "one", ring(keys={"k1": K1, "k2": K2}, current="k1"))
    other = await key_node(memory, "other", ring(keys={}, current="k1", sources=(Folder(hers),)), batch=2)
    await rotation.propose(one.store, "k2", START)
    late = keks.LIVE + Later(seconds=1)
    await silent(memory, "other")
    await one.tick(late)
    assert one.store.current == "k2"
    keys = await born(other, 6)  # it goes on with the key it has
    assert {"k1", "k2"} <= set(await wrapped_by(memory))
    await one.tick(late)
    await one.tick(late)
    assert set(await wrapped_by(memory)) == {"k2"}
    await rotation.retire(one.store, "k1", START + late)
    with pytest.raises(StoreUnavailable):  # the sender tries again, elsewhere
        await born(other, 6)
    assert set(await wrapped_by(memory)) == {"k2"}
    await other.tick(late)
    assert other.rotation.amiss() == {"key_encryption_key_missing": 1}
    hers["k2"] = K2
    keys |= await born(other, 6)
    await other.tick(late)
    assert other.rotation.amiss() == {}
    await opens(await key_node(memory, "third", ring(keys={"k2": K2}), late), keys)


async def test_a_key_that_waits_keeps_a_node_without_it_from_nothing_and_is_given_up(memory: KeyDatabase) -> None:
    one = await key_node(memory, "one", ring(keys={"k1": K1, "k2": K2, "k3": K3}, current="k1"))
    other = await key_node(memory, "other", ring(keys={"k1": K1}))
    await rotation.propose(one.store, "k2", START)
    with pytest.raises(CannotRotate, match="k2 waits already"):
        await rotation.propose(one.store, "k3", START)
    await rotation.retire(one.store, "k2", START)
    await rotation.propose(one.store, "k3", START)
    await other.rotation.stop()
    await one.tick(Later(seconds=10))
    assert one.store.current == "k3", "a hub that stopped in order is waited for"


async def test_stopped_at_any_transaction_every_key_opens_and_the_rest_is_done_afterwards(memory: KeyDatabase) -> None:
    """The whole rotation, stopped when its first transaction is durable, then its second, and so on."""
    stopped = 0
    number = 0
    names = ["k1"]
    first = await key_node(memory, "first", ring(keys={"k1": K1}), batch=2)
    keys = await born(first, 2)
    await first.rotation.stop()
    while True:
        number += 1
        before, new = names[-1], f"k{number + 1}"
        held = {name: bytes([65 + int(name[1:])]) * 32 if name != "k1" else K1 for name in (before, new)}
        node = await key_node(memory, "node", ring(keys=held, current=before), batch=2)
        node.store._database = Mortal(memory, number)
        try:
            await rotation.propose(node.store, new, START)
            for _ in range(3):
                await node.tick()
            await born(node, 3)
            await rotation.retire(node.store, before, START)
        except Power:
            stopped += 1
        again = await key_node(memory, "node", ring(keys=held, current=new), batch=2)
        await opens(again, keys)
        for _ in range(3):
            await again.tick()
        assert again.store.current == new and set(await wrapped_by(memory)) == {new}
        await opens(again, keys)
        await rotation.retire(again.store, before, START)
        names.append(new)
        if stopped < number:
            break
    assert stopped >= 10, "every point was tried"


async def test_two_nodes_wrap_anew_at_once_and_what_is_destroyed_meanwhile_stays_so(database: KeyDatabase) -> None:
    both = {"keys": {"k1": K1, "k2": K2}, "current": "k1"}
    one, other = [await key_node(database, name, ring(**both)) for name in ("one", "other")]
    keys = await born(one, 64)
    gone = sorted(keys)[:10]
    await rotation.propose(one.store, "k2", START)
    await other.tick()

    async def destroy() -> None:
        for scope in gone:
            await database.run(lambda c, s=scope: c.execute(data_keys.delete().where(data_keys.c.scope == s)))

    await asyncio.gather(one.tick(), other.tick(), destroy())
    await asyncio.gather(one.tick(Later(seconds=10)), other.tick(Later(seconds=10)))
    assert set(await wrapped_by(database)) == {"k2"}
    third = await key_node(database, "third", ring(keys={"k2": K2}))
    await opens(third, {scope: key for scope, key in keys.items() if scope not in gone})
    for scope in gone:
        with pytest.raises(KeyGone):
            await third.key(scope)


async def test_a_data_key_that_does_not_open_holds_up_no_other(memory: KeyDatabase) -> None:
    node = await key_node(memory, "one", ring(keys={"k1": K1, "k2": K2}, current="k1"))
    keys = await born(node, 70)
    spoilt = sorted(keys)[0]
    change = update(data_keys).where(data_keys.c.scope == spoilt).values(wrapped=b"\2\2k1" + b"x" * 60)
    await memory.run(lambda c: c.execute(change))
    await rotation.propose(node.store, "k2", START)
    for _ in range(3):
        await node.tick(Later(seconds=10))
    assert node.rotation.figures() == {"data_keys_to_rewrap": 1} and node.rotation.amiss() == {
        "data_keys_unreadable": 1
    }
    assert (await wrapped_by(memory))["k1"] == {spoilt}
    with pytest.raises(CannotRetire, match="1 of them"):
        await rotation.retire(node.store, "k1", START)


async def test_a_wrap_put_under_another_child_does_not_open(memory: KeyDatabase) -> None:
    node = await key_node(memory, "one", ring(keys={"k1": K1}))
    mine, yours = list(await born(node, 2))
    rows = dict(await memory.run(lambda c: c.execute(select(data_keys.c.scope, data_keys.c.wrapped)).all()))
    for scope, wrapped in ((mine, rows[yours]), (yours, rows[mine]), (HUB_SCOPE, rows[mine])):
        move = update(data_keys).where(data_keys.c.scope == scope).values(wrapped=wrapped)
        await memory.run(lambda c, move=move: c.execute(move))
    with pytest.raises(VaultError, match="another scope"):  # the hub's own is asked for at the start
        await key_node(memory, "two", ring(keys={"k1": K1}))
    put_back = update(data_keys).where(data_keys.c.scope == HUB_SCOPE).values(wrapped=rows[HUB_SCOPE])
    await memory.run(lambda c: c.execute(put_back))
    again = await key_node(memory, "two", ring(keys={"k1": K1}))
    for scope in (mine, yours):
        with pytest.raises(VaultError, match="another scope"):
            await again.key(scope)


async def test_the_key_store_of_an_older_version_comes_along(database: KeyDatabase) -> None:
    """Without the column, with wraps that do not name their scope, by two keys of which one is asked for."""

    def old(name: str, kek: bytes, key: bytes) -> bytes:
        header = bytes((1, len(name))) + name.encode()
        return header + b"n" * 12 + AESGCM(kek).encrypt(b"n" * 12, key, b"data key|" + header)

    keys = {f"ch_{number:03}": bytes([number]) * 32 for number in range(60)}
    blob = "BYTEA" if isinstance(database, PostgresKeys) else "BLOB"

    def as_it_was(connection: object) -> None:
        run = connection.execute  # type: ignore[attr-defined]
        key_metadata.drop_all(connection)  # type: ignore[arg-type]
        run(text(f"CREATE TABLE data_keys (scope TEXT PRIMARY KEY, wrapped {blob} NOT NULL, created_at BIGINT)"))
        rows = [{"s": HUB_SCOPE, "w": old("k2", K2, b"h" * 32)}]
        rows += [
            {"s": s, "w": old("k1" if n % 2 else "k2", K1 if n % 2 else K2, k)} for n, (s, k) in enumerate(keys.items())
        ]
        run(text("INSERT INTO data_keys (scope, wrapped) VALUES (:s, :w)"), rows)

    await database.run(as_it_was)
    node = await key_node(database, "one", ring(keys={"k1": K1, "k2": K2}))
    await opens(node, keys)
    with pytest.raises(CannotRetire, match="wraps new data keys"):
        await rotation.retire(node.store, "k2", START)
    await node.tick()
    assert set(await wrapped_by(database)) == {"k2"}
    assert (await rotation.status(database)).wraps == {"k2": 61}
    await opens(await key_node(database, "two", ring(keys={"k2": K2})), keys)


class Kms:
    """Wraps and unwraps and never hands its key out; where it lives, a call takes a while."""

    def __init__(self) -> None:
        self._key = RawKey("inside", b"s" * 32)
        self.calls: list[str] = []

    async def find(self, name: str) -> "Kms | None":
        return self if name == "projects/1/keys/fingerpost" else None

    async def names(self) -> list[str]:
        return []

    async def wrap(self, plain: bytes) -> bytes:
        self.calls.append("wrap")
        await asyncio.to_thread(lambda: None)
        return b"kms:" + await self._key.wrap(plain)

    async def unwrap(self, wrapped: bytes) -> bytes:
        self.calls.append("unwrap")
        await asyncio.to_thread(lambda: None)
        return await self._key.unwrap(wrapped.removeprefix(b"kms:"))


async def test_a_kms_that_never_hands_out_its_key_takes_over_from_a_file_and_back(database: KeyDatabase) -> None:
    name, kms = "projects/1/keys/fingerpost", Kms()
    node = await key_node(database, "one", ring(keys={"k1": K1}, sources=(kms,)))
    keys = await born(node, 3)
    await rotation.propose(node.store, name, START)
    await node.tick()
    await node.tick()
    keys |= await born(node, 33)
    assert set(await wrapped_by(database)) == {name} and kms.calls.count("wrap") >= 60
    await opens(await key_node(database, "two", ring(keys={}, sources=(kms,), current=name)), keys)
    await rotation.propose(node.store, "k1", START)
    for node_again in (node, await key_node(database, "two", ring(keys={"k1": K1}, sources=(kms,)))):
        await node_again.tick()
    await node.tick()
    await opens(await key_node(database, "three", ring(keys={"k1": K1})), keys)
