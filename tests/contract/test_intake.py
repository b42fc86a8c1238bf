"""What a change writes is read back as it was, found again by hash, and refused to whoever comes second."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from hub.core.records import Changes, Source, SourceKey
from hub.edge.ids import SeededIds
from hub.service.ports import LostRace, StoreUnavailable, Unit
from routing.decision import Recipient
from tests.kit.clock import START
from tests.kit.records import SECRETS, SOURCE, Story, moved
from tests.kit.store import Stores


async def test_a_report_is_read_back_as_it_was_written(store: Stores, story: Story) -> None:
    changes = await store.write(lambda unit: story.told(unit, 3))
    found = await store.read(lambda unit: unit.episode(SOURCE, story.ref))
    assert found is not None
    assert found.record == changes.episode
    assert found.doc == story.doc()
    assert found.duties == changes.duties
    assert found.register == changes.register
    assert await store.read(lambda unit: unit.episode_by_id(story.episode)) == found
    assert changes.event is not None
    assert await store.read(lambda unit: unit.event(SOURCE, changes.event.sender_id)) == changes.event
    assert await store.read(lambda unit: unit.decisions(story.episode)) == list(changes.decisions)
    assert await store.read(lambda unit: unit.notices(story.episode)) == list(changes.notices)
    for notice, delivery in zip(changes.notices, changes.deliveries, strict=True):
        assert await store.read(lambda unit, wanted=notice.id: unit.deliveries(wanted)) == [delivery]


async def test_what_is_not_there_is_none(store: Stores) -> None:
    async def look(unit: Unit) -> list[object]:
        return [
            await unit.source("urn:nobody"),
            await unit.event(SOURCE, "none"),
            await unit.episode(SOURCE, "none"),
            await unit.episode_by_id("ep_none"),
            await unit.delivery_by_token(b"none"),
            await unit.directory_bundle(),
            await unit.next_wake(),
        ]

    assert await store.read(look) == [None] * 7


async def test_every_field_of_a_decision_comes_back(store: Stores, story: Story) -> None:
    await store.write(story.meet)
    changes = story.report()
    assert changes.event is not None
    whole = story.decision(
        changes.event.id,
        1,
        outcome="gap",
        kind="renotification",
        recipients=(Recipient(role="iro", organisation="E09000006"), Recipient(role="parent", person="Sam Example")),
        changed=("child.medical",),
        duty="renotify",
        due_at=START + timedelta(days=1, microseconds=7),
        remove_at=START + timedelta(days=184),
        members=("E09000001", "E09000002"),
        gap="no_desk",
        first=True,
    )
    await store.write(lambda unit: unit.save(replace(changes, decisions=(*changes.decisions, whole))))
    assert (await store.read(lambda unit: unit.decisions(story.episode)))[1] == whole


async def test_a_child_has_one_id_for_ever(store: Stores, story: Story) -> None:
    first = await store.write(lambda unit: unit.child_id(SOURCE, "c1", START))
    assert await store.write(lambda unit: unit.child_id(SOURCE, "c1", START)) == first
    assert first.startswith("ch_")
    others = [
        await store.write(lambda unit: unit.child_id(SOURCE, "c2", START)),
        await store.write(lambda unit: unit.child_id("so_other", "c1", START)),
        await store.write(lambda unit: unit.child_id(f"{SOURCE}c", "1", START)),
    ]
    assert len({first, *others}) == 4


async def test_two_nodes_that_meet_a_child_at_once_use_one_key(nodes: tuple[Stores, Stores]) -> None:
    one, other = nodes
    for number in range(10):
        ref = f"c{number}"
        first, second = await asyncio.gather(
            one.write(lambda unit, ref=ref: unit.child_id(SOURCE, ref, START)),
            other.write(lambda unit, ref=ref: unit.child_id(SOURCE, ref, START)),
        )
        assert first == second


async def test_what_one_node_seals_another_opens(nodes: tuple[Stores, Stores], story: Story) -> None:
    one, other = nodes
    await one.write(lambda unit: story.told(unit))
    found = await other.read(lambda unit: unit.episode(SOURCE, story.ref))
    assert found is not None and found.doc == story.doc()
    await one.write(lambda unit: unit.put_directory(b"bundle", START, []))
    assert await other.read(lambda unit: unit.directory_bundle()) == (1, b"bundle")


async def test_an_older_version_loses_the_race(store: Stores, story: Story) -> None:
    changes = await store.write(lambda unit: story.told(unit))
    newer = Changes(event=None, episode=moved(changes, state="found"), expected_version=1)
    await store.write(lambda unit: unit.save(newer))
    runs = 0

    async def late(unit: Unit) -> None:
        nonlocal runs
        runs += 1
        await unit.save(replace(newer, episode=replace(newer.episode, state="returned")))

    with pytest.raises(StoreUnavailable):
        await store.write(late)
    assert runs > 1
    found = await store.read(lambda unit: unit.episode_by_id(story.episode))
    assert found is not None and found.record.state == "found"


async def test_who_lost_the_race_is_run_again_and_wins(store: Stores, story: Story) -> None:
    changes = await store.write(lambda unit: story.told(unit))
    seen: list[int] = []

    async def work(unit: Unit) -> None:
        stored = await unit.episode_by_id(story.episode)
        assert stored is not None
        seen.append(stored.record.version)
        if len(seen) == 1:
            raise LostRace
        record = replace(stored.record, version=stored.record.version + 1, state="found")
        await unit.save(Changes(event=None, episode=record, expected_version=stored.record.version))

    await store.write(work)
    assert seen == [changes.episode.version] * 2


async def test_counting_at_once_loses_no_count(nodes: tuple[Stores, Stores], story: Story) -> None:
    await nodes[0].write(lambda unit: story.told(unit))

    async def work(unit: Unit) -> None:
        stored = await unit.episode_by_id(story.episode)
        assert stored is not None
        version = stored.record.version
        record = replace(stored.record, version=version + 1)
        await unit.save(Changes(event=None, episode=record, expected_version=version))

    await asyncio.gather(*(nodes[number % 2].write(work) for number in range(6)))
    found = await nodes[0].read(lambda unit: unit.episode_by_id(story.episode))
    assert found is not None and found.record.version == 7


async def test_locked_works_run_one_after_the_other(nodes: tuple[Stores, Stores], story: Story) -> None:
    inside, most = 0, 0

    async def work(unit: Unit) -> None:
        nonlocal inside, most
        await unit.lock("b", "a")
        inside += 1
        most = max(most, inside)
        await unit.episode_by_id("ep_none")
        inside -= 1

    await asyncio.gather(*(nodes[number % 2].write(work) for number in range(12)))
    # On SQLite the second node's transaction waits in its own thread for the write lock.
    assert most == 1


async def test_the_same_event_twice_at_once_is_accepted_once(nodes: tuple[Stores, Stores]) -> None:
    accepted: list[str] = []

    async def accept(node: Stores, name: str) -> None:
        async def work(unit: Unit) -> bool:
            mine = Story(SeededIds(name))
            if await unit.event(SOURCE, f"{SECRETS['sender_id']}-{mine.ref}-1") is not None:
                return False
            await mine.told(unit)
            return True

        if await node.write(work):
            accepted.append(name)

    await asyncio.gather(*(accept(nodes[number % 2], f"n{number}") for number in range(6)))
    assert len(accepted) == 1
    assert len(await nodes[0].read(lambda unit: unit.episode_list())) == 1


async def test_a_reference_drawn_twice_is_drawn_again(store: Stores, story: Story) -> None:
    first = await store.write(lambda unit: story.told(unit))
    second = Story(SeededIds("second"), ref="other")
    runs = 0

    async def work(unit: Unit) -> Changes:
        nonlocal runs
        runs += 1
        again = Story(SeededIds(f"second-{runs}"), ref="other")
        await again.meet(unit)
        changes = again.report()
        if runs == 1:
            same = replace(changes.notices[0], reference=first.notices[0].reference)
            changes = replace(changes, notices=(same,))
        await unit.save(changes)
        return changes

    saved = await store.write(work)
    assert runs == 2
    assert saved.notices[0].reference != first.notices[0].reference
    assert await store.read(lambda unit: unit.episode(SOURCE, second.ref)) is not None


async def test_kept_events_wait_in_order_and_are_applied(store: Stores, story: Story) -> None:
    async def keep(unit: Unit) -> list[str]:
        story.child = await unit.child_id(SOURCE, "unknown:BRM-EP-MARKER-REF", START)
        episode = story.record(state="awaited", category=None, since=None, revision=0, wake_at=None)
        late = story.event(applied=False, arrived_at=START + timedelta(minutes=5))
        await unit.save(Changes(event=late, episode=episode, expected_version=None))
        early = story.event(applied=False, arrived_at=START)
        again = replace(episode, version=2)
        await unit.save(Changes(event=early, episode=again, expected_version=1))
        return [early.id, late.id]

    expected = await store.write(keep)
    kept = await store.read(lambda unit: unit.kept_events(story.episode))
    assert [one.id for one in kept] == expected
    stored = await store.read(lambda unit: unit.episode_by_id(story.episode))
    assert stored is not None and stored.doc == {}
    assert await store.read(lambda unit: unit.episodes_of_child(story.child, excluding="")) == []

    async def report(unit: Unit) -> None:
        story.child = await unit.child_id(SOURCE, "BRM-C-0001", START)
        story.version = 2
        await unit.save(replace(story.report(), expected_version=2, applied_events=tuple(expected)))

    await store.write(report)
    assert await store.read(lambda unit: unit.kept_events(story.episode)) == []
    event = await store.read(lambda unit: unit.event(SOURCE, kept[0].sender_id))
    assert event == replace(kept[0], applied=True)
    found = await store.read(lambda unit: unit.episode_by_id(story.episode))
    assert found is not None and found.doc == story.doc() and found.record.ref == story.ref


async def test_duties_change_and_a_birthday_stays_sealed(store: Stores, story: Story) -> None:
    changes = await store.write(lambda unit: story.told(unit))
    adulthood = story.duty("adulthood", due_at=START + timedelta(days=200), detail={"birthday": START, "n": [1, START]})
    closed = story.duty(state="done", closed_at=START, closed_by="event:marker-closing-event")
    by_duty = story.duty("renotify", state="cancelled", closed_at=START, closed_by="duty:away_limit")
    again = story.duty(occurrence=2, ordinal=1)
    await store.write(
        lambda unit: unit.save(
            Changes(
                event=None,
                episode=moved(changes),
                expected_version=1,
                duties=(adulthood, closed, by_duty, again),
                register=(replace(changes.register[0], removed_at=START, removed_by=SECRETS["removed"]),),
            )
        )
    )
    found = await store.read(lambda unit: unit.episode_by_id(story.episode))
    assert found is not None
    duties = {(one.code, one.occurrence, one.ordinal): one for one in found.duties}
    expected = [replace(adulthood, detail={"birthday": START, "n": [1, START]}), closed, by_duty, again]
    assert duties == {(one.code, one.occurrence, one.ordinal): one for one in expected}
    assert found.register[0].removed_by == SECRETS["removed"]
    done = replace(adulthood, state="done", closed_at=START + timedelta(days=200), closed_by="duty:adulthood")
    later = Changes(event=None, episode=replace(moved(changes), version=3), expected_version=2, duties=(done,))
    await store.write(lambda unit: unit.save(later))
    found = await store.read(lambda unit: unit.episode_by_id(story.episode))
    assert found is not None and done in found.duties


async def test_facts_of_every_revision_are_kept(store: Stores, story: Story) -> None:
    changes = await store.write(lambda unit: story.told(unit))
    doc = {**story.doc(), "form": {"$at": 5, "räumt": "ünïcode ☂"}}
    update = Changes(event=None, episode=moved(changes, revision=2), expected_version=1, doc=doc)
    await store.write(lambda unit: unit.save(update))
    found = await store.read(lambda unit: unit.episode_by_id(story.episode))
    assert found is not None and found.doc == doc


async def test_a_version_that_does_not_rise_is_a_defect(store: Stores, story: Story) -> None:
    changes = await store.write(lambda unit: story.told(unit))
    with pytest.raises(ValueError, match="must be above"):
        await store.write(
            lambda unit: unit.save(
                Changes(event=None, episode=changes.episode, expected_version=changes.episode.version)
            )
        )


async def test_earlier_episodes_of_the_child(store: Stores, story: Story) -> None:
    await store.write(lambda unit: story.told(unit))
    ids = SeededIds("later")
    later = Story(ids, ref="second", now=START + timedelta(days=3))
    other = Story(ids, ref="third", child_ref="another")
    await store.write(lambda unit: later.told(unit))
    await store.write(lambda unit: other.told(unit))
    found = await store.read(lambda unit: unit.episodes_of_child(later.child, excluding=later.episode))
    assert [(one.id, one.state, one.ever_missing, one.since) for one in found] == [(story.episode, "open", True, START)]
    both = await store.read(lambda unit: unit.episodes_of_child(later.child, excluding=""))
    assert [one.id for one in both] == [story.episode, later.episode]


async def test_due_episodes_earliest_first_and_the_next_wake(store: Stores) -> None:
    ids = SeededIds("due")
    stories = [Story(ids, ref=f"r{n}", child_ref=f"c{n}") for n in range(4)]
    wakes = [START + timedelta(hours=3), START + timedelta(hours=1), None, START + timedelta(hours=2)]
    for one, wake in zip(stories, wakes, strict=True):

        async def work(unit: Unit, one: Story = one, wake: object = wake) -> None:
            await one.meet(unit)
            changes = one.report()
            await unit.save(replace(changes, deliveries=(), episode=replace(changes.episode, wake_at=wake)))

        await store.write(work)
    due = await store.read(lambda unit: unit.due_episodes(START + timedelta(hours=2), 10))
    assert due == [stories[1].episode, stories[3].episode]
    assert len(await store.read(lambda unit: unit.due_episodes(START + timedelta(hours=9), 2))) == 2
    assert await store.read(lambda unit: unit.next_wake()) == START + timedelta(hours=1)
    sooner = Story(ids, ref="r9", child_ref="c9")
    await store.write(lambda unit: sooner.told(unit))
    assert await store.read(lambda unit: unit.next_wake()) == START
    newest = await store.read(lambda unit: unit.episode_list(2))
    assert [one.id for one in newest] == [sooner.episode, stories[3].episode]


async def test_sources_and_their_keys(store: Stores) -> None:
    key = SourceKey(id="k1", scheme="v1", key=SECRETS["source_key"].encode(), valid_from=START)
    other = SourceKey(id="k2", scheme="v1a", key=b"p" * 32, valid_from=START, valid_until=START + timedelta(days=1))
    source = Source(
        id="so_1",
        uri="urn:fingerpost:source:bromley-care",
        name="Bromley care",
        authorities=frozenset({"E09000006", "E09000001"}),
        keys=(key, other),
        created_at=START,
    )
    force = replace(
        source, id="so_2", uri="urn:police", force="E23000001", keys=(), created_at=START + timedelta(days=1)
    )
    await store.write(lambda unit: unit.put_source(source))
    await store.write(lambda unit: unit.put_source(force))
    assert await store.read(lambda unit: unit.source(source.uri)) == source
    assert await store.read(lambda unit: unit.sources()) == [source, force]
    changed = replace(source, name="Renamed", keys=(other,), disabled_at=START)
    await store.write(lambda unit: unit.put_source(changed))
    assert await store.read(lambda unit: unit.sources()) == [changed, force]
