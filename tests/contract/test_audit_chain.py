"""The chain over all nodes: every line gets one place in it, whoever links and whenever its transaction ends."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hub.core.audit import GENESIS, Head, LinkedLine, Unreadable, verify_chain
from hub.core.checkpoints import Checkpoint, CheckpointKey, key_id, sign
from hub.core.records import AuditLine
from hub.edge.ids import SeededIds
from hub.service.audit.ports import Span, Wanted
from hub.service.audit.verifying import verify
from hub.service.ports import Unit
from hub.store.types import to_micros
from tests.kit.clock import START
from tests.kit.store import Stores, raw

PRIVATE = Ed25519PrivateKey.from_private_bytes(b"a" * 32)
KEY = CheckpointKey(id=key_id(PRIVATE.public_key()), private=PRIVATE)


def lines(count: int, *, of: str = "", **changes: object) -> list[AuditLine]:
    """So many, a second apart."""
    ids = SeededIds(f"lines{of}")
    return [
        AuditLine(
            id=ids.new("au", START + timedelta(seconds=number)),
            at=START + timedelta(seconds=number),
            actor="hub",
            action="event.accepted",
            detail={"status": "202"},
            **changes,  # type: ignore[arg-type]  # each test names fields
        )
        for number in range(count)
    ]


async def put(store: Stores, made: Sequence[AuditLine]) -> None:
    await store.write(lambda unit: unit.add_audit(made))


async def link_all(store: Stores, bite: int = 4) -> int:
    count = 0
    while linked := await store.write(lambda unit: unit.trail.link(bite)):
        count += linked
    return count


async def test_lines_are_linked_in_bites_and_once(store: Stores) -> None:
    made = lines(10)
    assert await store.read(lambda unit: unit.trail.unlinked_since()) is None
    assert await store.read(lambda unit: unit.trail.head()) == Head()
    await put(store, made)
    assert await store.read(lambda unit: unit.trail.unlinked_since()) == made[0].at
    assert await link_all(store) == 10
    assert await store.write(lambda unit: unit.trail.link(4)) == 0
    found = await store.read(lambda unit: unit.trail.linked(0, 100))
    assert [one.line for one in found] == made
    assert verify_chain(found) == await store.read(lambda unit: unit.trail.head())
    assert await store.read(lambda unit: unit.trail.linked(8, 1)) == found[8:9]
    assert await store.read(lambda unit: unit.trail.unlinked_since()) is None


async def test_a_line_that_commits_after_its_successors_were_linked_is_linked_too(store: Stores) -> None:
    late, *others = lines(5)
    await put(store, others)
    await link_all(store)
    await put(store, [late])
    assert await link_all(store) == 1
    found = await store.read(lambda unit: unit.trail.linked(0, 100))
    assert [one.line for one in found] == [*others, late]
    assert isinstance(verify_chain(found), Head)


async def test_two_chainers_at_once_make_one_chain(nodes: tuple[Stores, Stores]) -> None:
    for part in range(3):
        await put(nodes[0], lines(20, of=str(part)))
    counts = await asyncio.gather(*(link_all(store) for store in nodes))
    assert sum(counts) == 60
    found = await nodes[0].read(lambda unit: unit.trail.linked(0, 100))
    assert verify_chain(found) == Head(number=60, link=found[-1].link)


async def test_a_chainer_that_dies_in_its_bite_has_done_nothing(store: Stores) -> None:
    await put(store, lines(3))

    async def dies(unit: Unit) -> None:
        await unit.trail.link(2)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await store.write(dies)
    assert await store.read(lambda unit: unit.trail.head()) == Head()
    assert await link_all(store) == 3


async def test_what_cannot_be_digested_is_never_written(store: Stores) -> None:
    detail: dict[str, Any] = {"half": "\ud800", "large": 2**60}
    await put(store, [replace(one, detail=detail, episode="ep_1\0") for one in lines(1)])
    assert await link_all(store) == 1
    [found] = await store.read(lambda unit: unit.trail.linked(0, 100))
    assert isinstance(found, LinkedLine)
    assert (found.line.detail, found.line.episode) == ({"half": "\ufffd", "large": str(2**60)}, "ep_1\ufffd")


async def test_a_row_that_is_no_line_stops_no_chainer_and_has_its_place(store: Stores) -> None:
    made = lines(4, episode="ep_1")
    await put(store, made[:1])
    odd = zip(made[1:3], (r'{"half": "\ud800"}', "no JSON"), strict=True)
    columns = "INSERT INTO audit (id, at, actor, action, episode, detail)"
    await raw(
        store, *(f"{columns} VALUES ('{one.id}', {to_micros(one.at)}, 'x', 'y', 'ep_1', '{said}')" for one, said in odd)
    )
    await put(store, made[3:])
    assert await link_all(store, bite=2) == 4
    assert await store.read(lambda unit: unit.trail.unlinked_since()) is None
    found = await store.read(lambda unit: unit.trail.linked(0, 100))
    assert [isinstance(one, Unreadable) for one in found] == [False, True, True, False]
    assert verify_chain(found) == await store.read(lambda unit: unit.trail.head())
    verdict = await verify(store, {})
    assert (verdict.whole, verdict.odd) == (True, 2)
    shown = await store.read(lambda unit: unit.trail.lines("ep_1"))
    assert [one.line for one in shown] == [made[0], made[3]]
    listed = await store.read(lambda unit: unit.trail.listed(Wanted(episode="ep_1")))
    assert [one.line.action for one in listed] == ["event.accepted", "unreadable", "unreadable", "event.accepted"]


async def test_a_stretch_is_shown_without_its_lines(store: Stores) -> None:
    mine = lines(2, of="mine", episode="ep_mine")
    await put(store, lines(3))
    await put(store, mine)
    await link_all(store)
    shown = await store.read(lambda unit: unit.trail.lines("ep_mine"))
    assert [one.line for one in shown] == mine
    whole = await store.read(lambda unit: unit.trail.linked(0, 100))
    span = await store.read(lambda unit: unit.trail.span(2, 4))
    assert span == [Span(number=one.number, link=one.link, digest=one.digest) for one in whole[1:4]]


async def test_lines_are_listed_newest_first_by_whom_and_about_what(store: Stores) -> None:
    one, other = lines(4, of="a", organisation="E09000006"), lines(4, of="b", episode="ep_1")
    await put(store, [*one, *other])

    async def listed(wanted: Wanted, before: str | None = None) -> list[AuditLine]:
        found = await store.read(lambda unit: unit.trail.listed(wanted, before=before, limit=3))
        return [each.line for each in found]

    assert await listed(Wanted(organisation="E09000006")) == one[:0:-1]
    assert await listed(Wanted(organisation="E09000006"), before=one[1].id) == one[:1]
    assert await listed(Wanted(episode="ep_1", since=other[2].at)) == [other[3], other[2]]
    assert await listed(Wanted(actor="nobody")) == []
    assert await listed(Wanted(), before="au_unknown") == []
    walked: list[AuditLine] = []
    while more := await listed(Wanted(), walked[-1].id if walked else None):
        walked += more
    assert walked == sorted([*one, *other], key=lambda line: (line.at, line.id), reverse=True)


async def test_the_database_refuses_what_the_hub_never_does(store: Stores) -> None:
    await put(store, lines(2))
    await store.write(lambda unit: unit.trail.link(1))
    made = await checkpointed(store, 1)
    before = await store.read(lambda unit: unit.trail.listed(Wanted()))
    for statement in (
        "UPDATE audit SET actor = 'other'",
        "UPDATE audit SET number = 7, link = NULL WHERE number IS NULL",
        "UPDATE audit SET number = NULL, link = NULL WHERE number = 1",
        "UPDATE audit SET number = 9, link = link WHERE number = 1",
        "DELETE FROM audit",
        "DELETE FROM audit_checkpoints",
        "UPDATE audit_checkpoints SET number = 3",
    ):
        with pytest.raises(Exception, match=r"only added to|CONSTRAINT_TRIGGER"):
            await raw(store, statement)
    assert await store.read(lambda unit: unit.trail.listed(Wanted())) == before
    assert await store.read(lambda unit: unit.trail.checkpoint()) == made


async def checkpointed(store: Stores, number: int) -> Checkpoint:
    made = sign("https://hub.example", Head(number=number, link=GENESIS), START, KEY)
    assert await store.write(lambda unit: unit.trail.add_checkpoint(made))
    return made


async def test_checkpoints_are_found_by_number_and_made_once(store: Stores) -> None:
    assert await store.read(lambda unit: unit.trail.checkpoint()) is None
    made = [await checkpointed(store, number) for number in (10, 20, 30)]
    assert await store.read(lambda unit: unit.trail.checkpoint()) == made[2]
    again = sign("https://hub.example", Head(number=20, link=b"x" * 32), START, KEY)
    assert not await store.write(lambda unit: unit.trail.add_checkpoint(again))
    around = [await store.read(lambda unit, n=n: unit.trail.checkpoints(n)) for n in (5, 15, 20, 31)]
    assert around == [made[:1], made[:2], made[1:2], made[2:]]
    assert await store.read(lambda unit: unit.trail.checkpoints_after(10, 1)) == made[1:2]


async def test_each_place_is_remembered_apart(store: Stores) -> None:
    await store.write(lambda unit: unit.trail.now_sent_to("one", 5))
    await store.write(lambda unit: unit.trail.now_sent_to("one", 7))
    assert await store.read(lambda unit: unit.trail.sent_to("one")) == 7
    assert await store.read(lambda unit: unit.trail.sent_to("other")) == 0
