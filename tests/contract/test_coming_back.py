"""What an answer proves, where nothing more goes to, and what a text message is found by: on both stores."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from hub.core.records import AuditLine, ClosedEndpoint, DeliveryRecord, NoticeRecord, ReceiptRecord
from hub.service.ports import Unit
from tests.kit.clock import START
from tests.kit.records import Story, result
from tests.kit.store import LEDGER, Stores, claim, sqlite_store

ADDRESS = "https://push.council.example/a-secret-path"
CLOSED = ClosedEndpoint(
    contact="bromley-push", channel="push", organisation="E09000006", address=ADDRESS, closed_at=START
)
SECOND = timedelta(seconds=1)


def opened(story: Story) -> tuple[AuditLine]:
    return (story.line("endpoint.opened"),)


async def closed(store: Stores) -> Sequence[ClosedEndpoint]:
    return await store.read(lambda unit: unit.closed_endpoints())


async def test_a_result_closes_the_endpoint_and_appends_what_its_answer_proved(store: Stores, story: Story) -> None:
    await store.write(lambda unit: story.told(unit))
    (claimed,) = await claim(store)
    receipt = ReceiptRecord(
        id=story.id("rc"),
        arrived_at=START,
        channel="push",
        kind="answered",
        at=START,
        delivery=claimed.delivery.id,
        attempt=1,
        code="signed",
        raw=b"as it came",
    )
    row = result(claimed, START + SECOND, receipt=receipt, closed=CLOSED)
    assert await store.write(lambda unit: unit.finish([row], "node-1")) == []
    assert await closed(store) == [CLOSED]
    assert await store.read(lambda unit: unit.receipts(claimed.delivery.id)) == [receipt]


async def test_a_worker_that_lost_its_lease_closes_nothing(store: Stores, story: Story) -> None:
    await store.write(lambda unit: story.told(unit))
    (claimed,) = await claim(store)
    row = result(claimed, START + SECOND, closed=CLOSED)
    assert await store.write(lambda unit: unit.finish([row], "another")) == [claimed.delivery.id]
    assert await closed(store) == []


async def test_an_endpoint_is_opened_once_and_the_newest_address_of_a_contact_counts(
    store: Stores, story: Story
) -> None:
    await store.write(lambda unit: story.told(unit))
    (claimed,) = await claim(store)
    moved = replace(CLOSED, address="https://push.council.example/new", closed_at=START + SECOND)
    for one in (CLOSED, moved):
        row = result(claimed, START, state="due", closed=one)
        await store.write(lambda unit, row=row: unit.finish([row], "node-1"))  # type: ignore[misc]  # bound now
        (claimed,) = await claim(store, SECOND) or [claimed]
    assert await closed(store) == [moved]
    assert await store.write(lambda unit: unit.open_endpoint("bromley-push", opened(story)))
    assert not await store.write(lambda unit: unit.open_endpoint("bromley-push", opened(story)))
    assert await closed(store) == []


async def test_the_address_stands_in_clear_nowhere(tmp_path: Path, story: Story) -> None:
    store = await sqlite_store(tmp_path)
    await store.write(lambda unit: story.told(unit))
    (claimed,) = await claim(store)
    row = result(claimed, START, closed=CLOSED)
    await store.write(lambda unit: unit.finish([row], "node-1"))
    await store.aclose()
    written = b"".join(path.read_bytes() for path in tmp_path.glob(f"{LEDGER}*"))
    assert b"bromley-push" in written
    assert b"a-secret-path" not in written


async def test_a_text_message_is_found_by_its_digest_the_newest_of_two(store: Stores, story: Story) -> None:
    digest = b"d" * 16

    async def look(digest: bytes) -> tuple[DeliveryRecord, NoticeRecord] | None:
        return await store.read(lambda unit: unit.delivery_by_reply(digest))

    async def both(unit: Unit) -> tuple[str, str]:
        await story.meet(unit)
        changes = story.report(1)
        later = replace(story.delivery(changes.notices[0]), created_at=START + SECOND, reply_digest=digest)
        first = replace(changes.deliveries[0], reply_digest=digest)
        await unit.save(replace(changes, deliveries=(first, later)))
        return later.id, changes.notices[0].id

    newest = await store.write(both)
    found = await look(digest)
    assert found is not None
    assert (found[0].id, found[1].id) == newest
    assert found[0].reply_digest == digest
    assert await look(b"e" * 16) is None
