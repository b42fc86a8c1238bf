"""One row that cannot be opened stops no other: its delivery is put off with an alarm, its clock left alone."""

from dataclasses import replace
from datetime import timedelta

from sqlalchemy import Connection, select, text

from hub.edge.ids import SeededIds
from hub.edge.telemetry import HUB_ID
from hub.service.ports import Unit
from hub.store.key_tables import data_keys
from hub.store.unreadable import PUT_OFF
from tests.kit.clock import START
from tests.kit.events import found, reported, returned, updated
from tests.kit.node import a_hub, body_of
from tests.kit.records import SOURCE, Story, ids_of
from tests.kit.store import Stores, claim


async def forget(store: Stores, child: str) -> None:
    """The child's data key is gone: erased, or not in the backup that was restored."""
    keys = store._keys
    assert keys is not None

    def erase(connection: Connection) -> None:
        connection.execute(text("DELETE FROM data_keys WHERE scope = :child"), {"child": child})

    await keys._database.run(erase)
    keys._keys.pop(child, None)


async def two_told(store: Stores) -> tuple[Story, Story]:
    ids = SeededIds("unreadable")
    gone, well = Story(ids, ref="gone", child_ref="gone"), Story(ids, ref="well", child_ref="well")
    for story in (gone, well):
        await store.write(lambda unit, story=story: story.told(unit, 2))  # type: ignore[misc]  # bound now
    await forget(store, gone.child)
    return gone, well


async def test_a_delivery_that_cannot_be_opened_stops_no_other(store: Stores) -> None:
    gone, well = await two_told(store)
    claimed = await claim(store)
    assert {one.notice.episode for one in claimed} == {well.episode}
    assert len(claimed) == 2
    alarms = await store.read(lambda unit: unit.alarms())
    assert [(a.kind, a.owner, a.episode, a.reason) for a in alarms] == [
        ("unreadable", "operator", gone.episode, "KeyGone")
    ] * 2
    assert len({a.notice for a in alarms}) == 2
    assert all(HUB_ID.fullmatch(a.id) for a in alarms)
    assert await claim(store) == [], "not looked at again at once"


async def test_it_is_tried_again_later_and_alarmed_once(store: Stores) -> None:
    gone, _ = await two_told(store)
    await claim(store)
    assert (await store.read(lambda unit: unit.counts(START, START)))["alarms_open"] == 2
    again = await claim(store, PUT_OFF)
    assert gone.episode not in {one.notice.episode for one in again}
    assert (await store.read(lambda unit: unit.counts(START, START)))["alarms_open"] == 2


async def test_a_key_that_is_put_back_lets_it_go_out_as_a_first_attempt(store: Stores) -> None:
    ids = SeededIds("unreadable")
    story = Story(ids)
    changes = await store.write(lambda unit: story.told(unit))
    keys = store._keys
    assert keys is not None
    kept = {story.child: keys.key(story.child)}
    await forget(store, story.child)
    assert await claim(store) == []
    keys._keys.update(kept)
    (claimed,) = await claim(store, PUT_OFF)
    assert ids_of([claimed]) == [changes.deliveries[0].id]
    assert claimed.attempt == 1


async def test_clocks_that_fall_due_are_named_without_opening_them(store: Stores) -> None:
    ids = SeededIds("unreadable")
    gone, well = Story(ids, ref="gone", child_ref="gone"), Story(ids, ref="well", child_ref="well")
    for story in (gone, well):

        async def work(unit: Unit, story: Story = story) -> None:
            await story.meet(unit)
            changes = story.report()
            await unit.save(replace(changes, episode=replace(changes.episode, wake_at=START)))

        await store.write(work)
    await forget(store, gone.child)
    due = await store.read(lambda unit: unit.due_episodes(START + timedelta(seconds=1), 10))
    assert set(due) == {gone.episode, well.episode}


async def test_a_child_whose_key_is_missing_is_told_of_as_a_new_one(store: Stores) -> None:
    story = Story(SeededIds("unreadable"))
    await store.write(lambda unit: story.told(unit))
    kept = store.keys.key(story.child)

    async def met() -> str:
        return await store.write(lambda unit: unit.child_id(SOURCE, story.child_ref, START))

    assert await met() == story.child
    await forget(store, story.child)
    again = await met()
    assert again != story.child and await met() == again
    assert store.keys.key(again) != kept
    alarms = await store.read(lambda unit: unit.alarms())
    assert [(a.kind, a.owner, a.episode, a.reason) for a in alarms] == [("unreadable", "operator", None, "KeyGone")]
    assert HUB_ID.fullmatch(alarms[0].id)
    await forget(store, again)
    assert await met() not in (story.child, again)
    store.keys._keys[story.child] = kept
    assert await met() == story.child, "its key is back"


async def put_back(store: Stores, child: str, wrapped: bytes) -> None:
    row = {"scope": child, "wrapped": wrapped, "kek": "k1"}
    await store.keys.database.run(lambda connection: connection.execute(data_keys.insert(), [row]))


async def wrapped(store: Stores, child: str) -> bytes:
    said = select(data_keys.c.wrapped).where(data_keys.c.scope == child)
    return await store.keys.database.run(lambda connection: connection.execute(said).scalar_one())


async def test_an_event_about_what_does_not_open_is_kept_once_and_sent_again_until_the_key_is_back(
    store: Stores,
) -> None:
    hub = await a_hub(store)
    assert (await hub.post(reported())).status == 202
    known = (await hub.episode()).record
    key = await wrapped(store, known.child)
    await forget(store, known.child)
    first, again = await hub.post(returned()), await hub.post(returned())
    assert (first.status, again.status) == (503, 503)
    (kept,) = await hub.quarantine()
    assert (kept.id, kept.reason, body_of(kept)) == (first.body["quarantine"], "unreadable", returned())
    assert again.body == first.body and HUB_ID.fullmatch(kept.id)
    assert [(one.kind, one.owner, one.episode, one.reason) for one in await hub.alarms()] == [
        ("unreadable", "operator", known.id, "KeyGone"),
        ("quarantine", "operator", None, kept.id),
    ]
    assert (await hub.post(reported(id="E9"))).status == 503, "it is known; who was to be told of it has been"
    assert len(await hub.quarantine()) == 2 and len(await hub.alarms()) == 3
    await put_back(store, known.child, key)
    assert (await hub.post(returned())).status == 202
    assert (await hub.episode()).record.state == "returned"
    assert (await hub.post(returned())).body["duplicate"] is True


async def test_a_report_does_not_wait_for_what_came_before_it_and_does_not_open(store: Stores) -> None:
    hub = await a_hub(store)
    assert (await hub.post(updated(episode={"clothing": "Red coat"}))).status == 202
    awaited = (await hub.episode()).record
    await forget(store, awaited.child)
    assert (await hub.post(found())).status == 503, "this waits for a report anyway"
    answer = await hub.post(reported())
    assert (answer.status, answer.body["notices"] > 5) == (202, True)
    known = (await hub.episode()).record
    assert known.id != awaited.id and known.state == "open"
    assert ("unreadable", awaited.id) in {(one.kind, one.episode) for one in await hub.alarms()}
    assert (await hub.post(found())).status == 202


async def test_a_report_waits_for_a_key_that_may_come_back(store: Stores) -> None:
    hub = await a_hub(store)
    await hub.post(updated(episode={"clothing": "Red coat"}))
    awaited = (await hub.episode()).record
    key = await wrapped(store, awaited.child)
    await forget(store, awaited.child)
    await put_back(store, awaited.child, bytes((key[0], key[1])) + b"k9" + key[2 + key[1] :])
    assert (await hub.post(reported())).status == 503
    (alarm, _) = await hub.alarms()
    assert (alarm.kind, alarm.episode, alarm.reason) == ("unreadable", awaited.id, "VaultError")
    await forget(store, awaited.child)
    await put_back(store, awaited.child, key)
    assert (await hub.post(reported())).status == 202
    assert (await hub.episode()).doc["episode"]["clothing"] == "Red coat"
