"""Whatever somebody does to the raw database, past its triggers, is found and named; on both dialects."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest
import structlog

from hub.core.checkpoints import Checkpoint, sign
from hub.edge.ids import SeededIds
from hub.service.audit.checkpointing import Checkpointing
from hub.service.audit.verifying import verify
from hub.store import SqliteStore
from tests.contract.test_audit_chain import KEY, PRIVATE, lines, link_all, put
from tests.kit.clock import START
from tests.kit.store import Stores, raw

KEYS = {KEY.id: PRIVATE.public_key()}
NOW = START + timedelta(minutes=1)
TABLES = ("audit", "audit_checkpoints")


def checkpointing(store: Stores) -> Checkpointing:
    return Checkpointing(
        store=store, hub="https://hub.example", key=KEY, ids=SeededIds("checkpoints"), log=structlog.get_logger()
    )


@pytest.fixture
async def whole(store: Stores) -> AsyncIterator[Stores]:
    """Six lines, two checkpoints (at 4 and 6), and nothing in the way of whoever owns the database."""
    made = lines(6, organisation="E09000006", episode="ep_1", subject="ev_1")
    for few in (made[:4], made[4:]):
        await put(store, few)
        assert await checkpointing(store).make(NOW) is not None
    if isinstance(store, SqliteStore):
        await raw(store, *(f"DROP TRIGGER {table}_{what}" for table in TABLES for what in ("stays", "is_kept")))
        yield store
    else:
        await raw(store, *(f"ALTER TABLE {table} DISABLE TRIGGER USER" for table in TABLES))
        yield store  # and the next test has the same database
        await raw(store, *(f"ALTER TABLE {table} ENABLE TRIGGER USER" for table in TABLES))


async def found(store: Stores, elsewhere: tuple[Checkpoint, ...] = ()) -> list[tuple[str, int]]:
    verdict = await verify(store, KEYS, elsewhere)
    assert verdict.whole == (not verdict.findings)
    return [(one.what, one.number) for one in verdict.findings]


async def kept(store: Stores) -> tuple[Checkpoint, ...]:
    return tuple(await store.read(lambda unit: unit.trail.checkpoints_after(0, 100)))


COPY = (
    "INSERT INTO audit SELECT 'au_new', at, actor, action, organisation, episode, subject, detail, {}, link "
    "FROM audit WHERE number = 2"
)
DONE: list[tuple[list[str], list[tuple[str, int]]]] = [
    (["UPDATE audit SET id = 'au_other' WHERE number = 2"], [("changed", 2)]),
    (["UPDATE audit SET at = at + 1 WHERE number = 1"], [("changed", 1)]),
    (["UPDATE audit SET actor = 'operator' WHERE number = 6"], [("changed", 6)]),
    (["UPDATE audit SET action = 'event.refused' WHERE number = 2"], [("changed", 2)]),
    (["UPDATE audit SET organisation = NULL WHERE number = 2"], [("changed", 2)]),
    (["UPDATE audit SET episode = 'ep_2' WHERE number = 2"], [("changed", 2)]),
    (["UPDATE audit SET subject = '' WHERE number = 2"], [("changed", 2)]),
    (["UPDATE audit SET detail = '{}' WHERE number IN (2, 3)"], [("changed", 2), ("changed", 3)]),
    (["UPDATE audit SET detail = 'no JSON' WHERE number = 2"], [("unreadable", 2)]),
    (["UPDATE audit SET at = 9000000000000000000 WHERE number = 2"], [("unreadable", 2)]),
    (
        ["UPDATE audit SET link = (SELECT b.link FROM audit b WHERE b.number = 1) WHERE number = 2"],
        [("changed", 2), ("changed", 3)],
    ),
    (["DELETE FROM audit WHERE number = 1"], [("missing", 1)]),
    (["DELETE FROM audit WHERE number IN (2, 3)"], [("missing", 2)]),
    (["DELETE FROM audit WHERE number = 6"], [("cut_short", 6)]),
    (["DELETE FROM audit"], [("cut_short", 4), ("cut_short", 6)]),
    (
        ["DELETE FROM audit WHERE number = 2", "UPDATE audit SET number = 2 WHERE number = 3",
         "UPDATE audit SET number = 3 WHERE number = 4"],
        [("changed", 2), ("changed", 3), ("missing", 4)],
    ),
    ([COPY.format(7)], [("changed", 7)]),
    ([COPY.format(0)], [("beside", 1)]),
    (
        ["UPDATE audit SET number = 99 WHERE number = 2", "UPDATE audit SET number = 2 WHERE number = 3",
         "UPDATE audit SET number = 3 WHERE number = 99"],
        [("changed", 2), ("changed", 3), ("changed", 4)],
    ),
    (["UPDATE audit SET number = NULL, link = NULL WHERE number = 3"], [("missing", 3)]),
    (["UPDATE audit_checkpoints SET number = 5 WHERE number = 4"], [("bad_signature", 5)]),
    (["UPDATE audit_checkpoints SET hub = 'https://other.example' WHERE number = 4"], [("bad_signature", 4)]),
    (["UPDATE audit_checkpoints SET at = at + 1 WHERE number = 4"], [("bad_signature", 4)]),
    (["UPDATE audit_checkpoints SET key = 'other' WHERE number = 4"], [("unknown_key", 4)]),
]  # fmt: skip
"""What somebody does, and what is said of it."""


async def test_what_was_done_is_named(whole: Stores) -> None:
    saved = [(table, f"saved_{table}") for table in TABLES]
    await raw(whole, *(f"CREATE TABLE {copy} AS SELECT * FROM {table}" for table, copy in saved))
    elsewhere = await kept(whole)
    for statements, expected in DONE:
        assert await found(whole, elsewhere) == []
        await raw(whole, *statements)
        assert await found(whole) == expected, statements
        for table, copy in saved:
            await raw(whole, f"DELETE FROM {table}", f"INSERT INTO {table} SELECT * FROM {copy}")
    await raw(whole, *(f"DROP TABLE {copy}" for _, copy in saved))


async def test_a_number_that_is_there_twice_is_found(whole: Stores) -> None:
    if isinstance(whole, SqliteStore):
        await raw(whole, "DROP INDEX uq_audit_number", COPY.format(3))
        assert await found(whole) == [("twice", 3)]


async def test_a_cut_that_takes_the_checkpoints_along_is_found_by_the_second_place(whole: Stores) -> None:
    elsewhere = await kept(whole)
    await raw(whole, "DELETE FROM audit WHERE number > 4", "DELETE FROM audit_checkpoints WHERE number > 4")
    assert await found(whole) == []
    assert await found(whole, elsewhere) == [("cut_short", 6)]
    # And when the log has gone on since, over the place of what was cut off:
    await put(whole, lines(3, of="after"))
    await link_all(whole)
    assert await found(whole, elsewhere) == [("other_link", 6)]


async def test_a_checkpoint_that_was_taken_out_is_found_by_the_second_place(whole: Stores) -> None:
    elsewhere = await kept(whole)
    await raw(whole, "DELETE FROM audit_checkpoints WHERE number = 4")
    assert await found(whole, elsewhere) == [("lost_checkpoint", 4)]


async def test_a_chain_written_anew_does_not_come_by_what_was_signed(whole: Stores) -> None:
    """All links are right again after a change: only a signature tells."""
    elsewhere = await kept(whole)
    await raw(whole, "UPDATE audit SET actor = 'operator' WHERE number = 2",
              "UPDATE audit SET number = NULL, link = NULL")  # fmt: skip
    await link_all(whole)
    assert await found(whole, elsewhere) == [("other_link", number) for number in (4, 4, 6, 6)]


async def test_forged_and_foreign_checkpoints_are_told_apart(whole: Stores) -> None:
    first, last = await kept(whole)
    forged = replace(first, link=last.link)
    foreign = sign(first.hub, await whole.read(lambda unit: unit.trail.head()), NOW, replace(KEY, id="0" * 32))
    assert await found(whole, (forged, foreign)) == [("bad_signature", 4), ("unknown_key", 6)]


async def test_the_hub_signs_nothing_that_is_not_whole(whole: Stores) -> None:
    await put(whole, lines(2, of="more"))
    await link_all(whole)
    await raw(whole, "UPDATE audit SET actor = 'operator' WHERE number = 7")
    maker = checkpointing(whole)
    assert await maker.tick(NOW + timedelta(hours=1)) == 0
    assert await maker.make(NOW + timedelta(hours=1)) is None
    assert maker.amiss() == {"audit_broken": 7}
    assert [(one.kind, one.reason) for one in await whole.read(lambda unit: unit.alarms())] == [
        ("audit_broken", "line_7")
    ]
    assert [one.number for one in await kept(whole)] == [4, 6]


async def test_the_hub_sees_that_its_log_was_cut_before_the_last_checkpoint(whole: Stores) -> None:
    await raw(whole, "DELETE FROM audit WHERE number > 4")
    await put(whole, lines(5, of="after"))
    maker = checkpointing(whole)
    assert await maker.make(NOW) is None
    assert maker.amiss() == {"audit_broken": 6}
