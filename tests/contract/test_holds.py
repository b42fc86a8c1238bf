"""Holds of the police in the ledger, on both databases: each deed as it was, its reason for the force alone."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from hub.core.evidence import statements
from hub.core.holds import Act
from hub.core.records import Changes
from hub.service.audit.ports import Wanted
from hub.service.holds.ports import Done
from hub.service.ports import StoreUnavailable, Unsealable
from hub.service.tenancy import OutOfScope, Own, scoped
from tests.contract.test_desk import COUNCIL, OTHER, told
from tests.kit.clock import START
from tests.kit.records import Story
from tests.kit.store import Stores, claim

FORCE = "E23000001"


def deed(story: Story, number: int = 1, *, key: str = "a key", **more: Any) -> Done:
    """The police of FORCE set a hold."""
    values: dict[str, Any] = {
        "id": story.id("ph"), "episode": story.episode, "number": number, "kind": "no_enquiries", "deed": "set",
        "organisation": FORCE, "desk": "missing_persons_unit", "role": "police", "actor": "user:us_1", "at": START,
        "review_at": START + timedelta(days=2), "name": "Jo Marker-Officer", "reason": "A marker-raid is near",
    }  # fmt: skip
    act = Act(**values | more)
    return Done(act=act, child=story.child, key=key, audit=(story.line("police_hold.set", subject=act.id),))


async def test_a_deed_comes_back_and_its_words_to_the_force_that_did_it(store: Stores, story: Story) -> None:
    await told(store, story, {}, {"organisation": FORCE})
    first = deed(story)
    second = deed(story, 2, key="another", organisation=OTHER, reason=None, review_at=None)
    await store.write(lambda unit: unit.holds.add(first))
    await store.write(lambda unit: unit.holds.add(second))
    bare = [replace(one.act, name="", reason=None) for one in (first, second)]
    assert await store.read(lambda unit: unit.holds.acts(story.episode)) == bare
    assert await store.read(lambda unit: unit.holds.acts(story.episode, words_of=FORCE)) == [first.act, bare[1]]
    assert await store.read(lambda unit: unit.holds.acts(story.episode, words_of=OTHER)) == [bare[0], second.act]
    assert await store.read(lambda unit: unit.holds.done_as("user:us_1", "a key")) == first.act
    assert await store.read(lambda unit: unit.holds.done_as("user:us_2", "a key")) is None
    for again in (deed(story, 2, key="third"), deed(story, 3)):  # its number is taken; its key is
        with pytest.raises(StoreUnavailable, match="always first"):
            await store.write(lambda unit, one=again: unit.holds.add(one))  # type: ignore[misc]
    with scoped(Own(FORCE)):
        assert await store.read(lambda unit: unit.holds.acts(story.episode)) == bare, "they were told of the episode"
        with pytest.raises(OutOfScope):
            await store.write(lambda unit: unit.holds.add(deed(story, 3, key="third")))
    with scoped(Own("E09000008")):
        assert await store.read(lambda unit: unit.holds.acts(story.episode)) == []


async def test_what_stands_is_read_with_the_episode_and_with_what_is_claimed(store: Stores, story: Story) -> None:
    await told(store, story, {})
    first, other = deed(story), deed(story, 2, key="another", kind="no_questions")
    await store.write(lambda unit: unit.holds.add(first))
    await store.write(lambda unit: unit.holds.add(other))
    (claimed,) = await claim(store)
    assert [(one.kind, one.since) for one in claimed.holds] == [("no_enquiries", START), ("no_questions", START)]
    assert all(not one.by[0].name and one.by[0].reason is None for one in claimed.holds), "and nothing that is sealed"

    async def standing(**more: Any) -> list[str]:
        stored = await store.read(lambda unit: unit.episode_by_id(story.episode))
        assert stored is not None
        record = replace(stored.record, version=stored.record.version + 1, **more)
        await store.write(
            lambda unit: unit.save(Changes(event=None, episode=record, expected_version=stored.record.version))
        )
        after = await store.read(lambda unit: unit.episode_by_id(story.episode))
        return [] if after is None else [one.kind for one in after.holds]

    assert await standing() == ["no_enquiries", "no_questions"]
    assert await standing(state="returned") == ["no_questions"]
    with scoped(Own(COUNCIL)):
        ours = await store.read(lambda unit: unit.episode_by_id(story.episode))
        assert ours is not None and [one.kind for one in ours.holds] == ["no_questions"], "for whoever was told"
    lifted = deed(story, 3, key="third", kind="no_questions", deed="lifted", reason=None, review_at=None)
    await store.write(lambda unit: unit.holds.add(lifted))
    assert await standing() == []


async def test_a_line_states_it_and_erasing_the_child_leaves_no_word_of_it(store: Stores, story: Story) -> None:
    await told(store, story, {})
    kept = deed(story)
    await store.write(lambda unit: unit.holds.add(kept))
    listed = await store.read(lambda unit: unit.trail.listed(Wanted(episode=story.episode), limit=100))
    (line,) = [one.line for one in listed if one.line.action == "police_hold.set"]
    key = f"police_hold:{kept.act.id}"
    (record,) = [one for one in await store.read(lambda unit: unit.evidence.records(story.episode)) if one.key == key]
    assert statements(line) == {key: record.statement}
    assert record.sealed == {"name": b"Jo Marker-Officer", "reason": b"A marker-raid is near"}
    assert store._keys is not None
    await store._keys.destroy([story.child], START)
    with pytest.raises(Unsealable):
        await store.read(lambda unit: unit.holds.acts(story.episode, words_of=FORCE))
    gone = [one for one in await store.read(lambda unit: unit.evidence.records(story.episode)) if one.key == key]
    assert gone[0].erased and len(await store.read(lambda unit: unit.holds.acts(story.episode))) == 1
