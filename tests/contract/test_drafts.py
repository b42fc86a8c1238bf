"""Changes to the directory in the ledger: found by organisation and entry, decided once, nothing personal in clear."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from contacts.changes import difference
from contacts.model import Bundle, Contact
from hub.core.drafts import About, Draft, Judged, Listing
from hub.core.news import News
from hub.edge.ids import SeededIds
from hub.service.ports import Unit
from tests.contract.test_secrecy import disguises
from tests.kit.clock import START
from tests.kit.store import Stores, raw, sqlite_store

BROMLEY, CAMDEN = "E09000006", "E09000007"
SEALED = {
    "proposed_name": "Marked Rowan Proposer",
    "why": "Marked reason of an override",
    "decided_name": "Marked Hazel Approver",
    "decided_why": "Marked reason of a rejection",
    "address": "marked.mailbox@bromley.example",
}
IDS = SeededIds("drafts")


def contact(id: str = "bromley-1", organisation: str = BROMLEY) -> Contact:
    return Contact(
        id=id, organisation=organisation, desk="front_door", channel="email", address=SEALED["address"],
        valid_until=START + timedelta(days=3),
    )  # fmt: skip


def about(*contacts: Contact, **changes: Any) -> About:
    found = difference(Bundle(), Bundle(contacts=contacts or (contact(),)))
    draft = Draft(
        id=IDS.new("ch", START),
        organisation=BROMLEY,
        scope=BROMLEY,
        state="waiting",
        base=3,
        entries=len(found),
        proposed_at=START,
        proposed_by="user:us_1",
        proposed_name=SEALED["proposed_name"],
        person="us_1",
        why=SEALED["why"],
    )
    return About(
        draft=replace(draft, **changes),
        judged=tuple(Judged(difference=one, reasons=("new_contact", "address")) for one in found),
        concerned=tuple(frozenset({one.after.organisation}) for one in found if isinstance(one.after, Contact)),
    )


def decided(draft: Draft, **changes: Any) -> Draft:
    return replace(
        draft,
        **{
            "state": "in_force",
            "how": "approved",
            "version": 4,
            "decided_at": START + timedelta(hours=1),
            "decided_by": "user:us_2",
            "decided_name": SEALED["decided_name"],
            "decided_why": SEALED["decided_why"],
            **changes,
        },
    )


async def add(store: Stores, *several: About) -> None:
    async def work(unit: Unit) -> None:
        for one in several:
            await unit.drafts.add(one)

    await store.write(work)


async def listed(store: Stores, **listing: Any) -> list[str]:
    found = await store.read(lambda unit: unit.drafts.listed(Listing(**listing)))
    return [one.id for one in found]


async def test_it_comes_back_as_it_was_put(store: Stores) -> None:
    one = about(contact(), contact("bromley-2"))
    await add(store, one)
    assert await store.read(lambda unit: unit.drafts.one(one.draft.id)) == one
    assert await store.read(lambda unit: unit.drafts.one("ch_nothing")) is None
    assert await store.write(lambda unit: unit.drafts.settle(decided(one.draft)))
    found = await store.read(lambda unit: unit.drafts.one(one.draft.id))
    assert found is not None
    assert found.draft == decided(one.draft)


async def test_it_is_decided_once(nodes: tuple[Stores, Stores]) -> None:
    one = about()
    await add(nodes[0], one)
    ends = [decided(one.draft, decided_by=f"user:us_{n}", version=None, state="rejected") for n in range(2, 6)]
    won = await asyncio.gather(
        *(nodes[n % 2].write(lambda unit, end=end: unit.drafts.settle(end)) for n, end in enumerate(ends))
    )
    assert sorted(won) == [False, False, False, True]
    found = await nodes[0].read(lambda unit: unit.drafts.one(one.draft.id))
    assert found is not None
    assert found.draft.decided_by == ends[won.index(True)].decided_by


async def test_found_by_state_by_organisation_and_by_entry_newest_first(store: Stores) -> None:
    first, second = about(), about(contact("bromley-2"), contact("camden-1", CAMDEN), organisation="operator")
    third = about(contact("camden-1", CAMDEN), organisation=CAMDEN, state="in_force", version=9)
    await add(store, first, second, third)
    one, two, three = sorted((first.draft.id, second.draft.id, third.draft.id))
    assert await listed(store) == [three, two, one]
    assert await listed(store, limit=2) == [three, two]
    assert await listed(store, before=two) == [one]
    assert set(await listed(store, state="waiting")) == {first.draft.id, second.draft.id}
    assert set(await listed(store, organisation=BROMLEY)) == {first.draft.id, second.draft.id}
    assert await listed(store, organisation="E09000033") == []
    assert set(await listed(store, entry=("contacts", ("camden-1",)))) == {second.draft.id, third.draft.id}
    assert await listed(store, entry=("desks", ("camden-1",))) == []
    assert await listed(store, entry=("contacts", ("camden-1",)), organisation=BROMLEY) == [], "another's entry"


async def test_those_that_have_waited_for_long_are_found_oldest_first(store: Stores) -> None:
    old, older = about(proposed_at=START - timedelta(days=1)), about(proposed_at=START - timedelta(days=2))
    await add(store, old, older, about(), about(proposed_at=START - timedelta(days=9), state="rejected"))
    found = await store.read(lambda unit: unit.drafts.waiting_since(START - timedelta(days=1)))
    assert found == [older.draft.id, old.draft.id]
    assert await store.read(lambda unit: unit.drafts.draft(old.draft.id)) == old.draft
    assert await store.read(lambda unit: unit.drafts.draft("ch_none")) is None


def news(change: str, number: int, **changes: Any) -> News:
    return replace(News(id=f"am_{number}", change=change, about="waits", due_at=START), **changes)


async def test_news_are_due_until_they_came_to_something(store: Stores) -> None:
    one = about()
    await add(store, one)
    change, minute = one.draft.id, timedelta(minutes=1)
    rows = [
        news(change, 1, user="us_1", due_at=START + minute),
        news(change, 2, about="overridden", channel="sms", address=SEALED["address"]),
        news(change, 3, user="us_1", ended_at=START, came_to="told", tries=1),
        news(change, 4, user="us_2", ended_at=START + minute, came_to="told"),
        news(change, 5, user="us_1", ended_at=START + minute, came_to="needless"),
        news(change, 6, ended_at=START - minute, came_to="told"),
    ]
    await store.write(lambda unit: unit.drafts.news.put(rows))

    async def asked(unit: Unit) -> list[Any]:
        found = unit.drafts.news
        return [
            await found.due(START, 9), await found.due(START + minute, 9), await found.due(START + minute, 1),
            await found.told("us_1"), await found.told(None),
        ]  # fmt: skip

    assert await store.read(asked) == [rows[1:2], [rows[1], rows[0]], rows[1:2], [START], [START - minute]]
    await store.write(lambda unit: unit.drafts.news.put([replace(rows[0], ended_at=START, came_to="given_up")]))
    assert await store.read(lambda unit: unit.drafts.news.due(START + minute, 9)) == rows[1:2]


async def test_every_version_and_what_made_it(store: Stores) -> None:
    one = about(state="in_force", version=2)

    async def work(unit: Unit) -> Sequence[int]:
        numbers = [await unit.put_directory(b"first", START, [])]
        numbers.append(await unit.put_directory(b"second", START + timedelta(hours=1), []))
        await unit.drafts.add(one)
        return numbers

    assert await store.read(lambda unit: unit.drafts.newest()) == 0
    assert await store.write(work) == [1, 2]
    assert await store.read(lambda unit: unit.drafts.newest()) == 2
    versions = await store.read(lambda unit: unit.drafts.versions(10))
    assert [(v.number, v.since - START, v.draft) for v in versions] == [
        (2, timedelta(hours=1), one.draft),
        (1, timedelta(0), None),
    ]
    assert [v.number for v in await store.read(lambda unit: unit.drafts.versions(10, before=2))] == [1]
    assert await store.read(lambda unit: unit.drafts.bundle(1)) == b"first"
    assert await store.read(lambda unit: unit.drafts.bundle(3)) is None


@pytest.mark.parametrize(("minutes", "number"), [(-1, None), (0, 1), (59, 1), (60, 2), (10_000, 2)])
async def test_the_version_of_an_instant(store: Stores, minutes: int, number: int | None) -> None:
    async def work(unit: Unit) -> None:
        await unit.put_directory(b"first", START, [])
        await unit.put_directory(b"second", START + timedelta(hours=1), [])

    await store.write(work)
    found = await store.read(lambda unit: unit.drafts.version_at(START + timedelta(minutes=minutes)))
    assert (found.number if found else None) == number


async def test_what_an_earlier_hub_stored_can_be_read(tmp_path: Path) -> None:
    """Its bundles are not compressed."""
    store = await sqlite_store(tmp_path)
    bundle = b'{"format": "fingerpost.directory.v1"}\n'
    await store.write(lambda unit: unit.put_directory(bundle, START, []))
    session = store._sealer
    assert store._keys is not None
    key = await asyncio.to_thread(store._keys.key, "hub")
    plain = session.seal(key, bundle, table="directories", column="bundle", row="1")
    await raw(store, f"UPDATE directories SET bundle = x'{plain.hex()}'")
    assert await store.read(lambda unit: unit.directory_bundle()) == (1, bundle)
    await store.aclose()


async def test_nothing_of_it_stands_in_clear(tmp_path: Path) -> None:
    store = await sqlite_store(tmp_path)
    one = about()
    await add(store, one)
    await store.write(lambda unit: unit.drafts.settle(decided(one.draft)))
    await store.aclose()
    for path in tmp_path.iterdir():
        content = path.read_bytes()
        for value in SEALED.values():
            assert not any(disguise in content for disguise in disguises(value)), path.name
