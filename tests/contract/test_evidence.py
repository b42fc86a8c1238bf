"""Whatever is written about an episode is stated by a line of the audit log, the same on both databases."""

from collections.abc import Mapping
from dataclasses import replace

from sqlalchemy import Connection, text

from hub.core.evidence import Stated, statements
from hub.core.records import AcknowledgementRecord, AttemptRecord, ReceiptRecord, Received
from hub.service.audit.ports import Wanted
from tests.kit.clock import START
from tests.kit.records import SECRETS, SOURCE, Story, result
from tests.kit.store import Stores, claim


async def said(store: Stores, episode: str) -> Mapping[str, str]:
    """What the lines state, the newest last."""
    listed = await store.read(lambda unit: unit.trail.listed(Wanted(episode=episode), limit=1000))
    return {key: value for one in reversed(listed) for key, value in statements(one.line).items()}


async def held(store: Stores, episode: str) -> Mapping[str, Stated]:
    return {one.key: one for one in await store.read(lambda unit: unit.evidence.records(episode))}


async def course(store: Stores, story: Story) -> None:
    """Told, sent, received and answered."""
    changes = await store.write(lambda unit: story.told(unit, 2))
    claimed = await claim(store)
    results = [replace(result(one, START), audit=(story.line("attempt.finished"),)) for one in claimed]
    await store.write(lambda unit: unit.finish(results, "node-1"))
    first = claimed[0]
    notice = changes.notices[0]
    attempt = AttemptRecord(delivery=first.delivery.id, number=1, started_at=START, node="node-1", state="delivered")
    receipt = ReceiptRecord(id=story.id("rc"), arrived_at=START, channel="email", kind="delivered",
                            delivery=first.delivery.id, attempt=1, raw=b"as it came")  # fmt: skip
    received = Received(receipt=receipt, attempt=attempt, delivery=first.delivery.id, state="sent", notice=notice,
                        audit=(story.line("receipt.stored"),))  # fmt: skip
    await store.write(lambda unit: unit.receive(received))
    answer = AcknowledgementRecord(id=story.id("ac"), notice=notice.id, delivery=first.delivery.id, at=START,
                                   answer="redirected", name=SECRETS["answered"],
                                   redirected_to=SECRETS["redirected"])  # fmt: skip
    await store.write(lambda unit: unit.acknowledge(answer, notice, None, [story.line("notice.redirected")]))


async def test_every_record_is_stated_as_it_is_and_erasing_leaves_nothing_to_guess(store: Stores, story: Story) -> None:
    await course(store, story)
    records, lines = await held(store, story.episode), await said(store, story.episode)
    assert {key: one.statement for key, one in records.items()} == lines
    kinds = ("event", "revision", "decision", "notice", "delivery", "attempt", "receipt", "acknowledgement", "duty",
             "register")  # fmt: skip
    assert {key.partition(":")[0] for key in lines} == set(kinds)
    subject = await store.read(lambda unit: unit.evidence.subject(story.episode))
    assert subject is not None and subject.ref == story.ref and store._keys is not None
    before = records
    await store._keys.destroy([subject.child], START)
    records = await held(store, story.episode)
    sealed = {key for key, one in before.items() if one.sealed}
    assert {key for key, one in records.items() if one.erased} == sealed and len(sealed) > 8
    for key, one in records.items():
        assert one.digest == lines[key].partition(".")[0], key
        assert (one.sealed is None) == one.erased and (one.salt == b"" or not one.erased)
    gone = await store.read(lambda unit: unit.evidence.subject(story.episode))
    assert gone == replace(subject, ref=None)


async def test_what_was_changed_or_belongs_to_a_lost_key_is_not_called_erased(store: Stores, story: Story) -> None:
    await course(store, story)
    keys = store._keys
    assert keys is not None
    (child,) = {one.child for one in [await store.read(lambda unit: unit.evidence.subject(story.episode))] if one}

    def lose(connection: Connection) -> None:
        connection.execute(text("DELETE FROM data_keys WHERE scope = :child"), {"child": child})

    await keys._database.run(lose)
    keys._keys.pop(child, None)
    records = await held(store, story.episode)
    lost = [one for one in records.values() if one.sealed is None]
    assert lost and not any(one.erased for one in lost)


async def test_a_child_is_found_by_what_its_source_calls_it_and_none_is_made(store: Stores, story: Story) -> None:
    await course(store, story)
    found = await store.read(lambda unit: unit.evidence.child(SOURCE, story.child_ref))
    assert found is not None
    assert await store.read(lambda unit: unit.evidence.episodes_of(found)) == [story.episode]
    for source, ref in ((SOURCE, "somebody else"), ("so_other", story.child_ref)):
        assert await store.read(lambda unit, s=source, r=ref: unit.evidence.child(s, r)) is None  # type: ignore[misc]  # bound now
    assert await store.read(lambda unit: unit.evidence.episodes_of("ch_unknown")) == []
