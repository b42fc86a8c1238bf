"""Conversations in the ledger, on both databases: what was written, for whom, and for nobody else."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from hub.core.conversation import File, Message, Party, Reader, Thread
from hub.core.evidence import statements
from hub.core.parties import sending
from hub.service.audit.ports import Wanted
from hub.service.conversations.ports import Kept, Written
from hub.service.peers.ports import Carried
from hub.service.ports import StoreUnavailable, Unit, Unsealable
from hub.service.tenancy import OutOfScope, Own, scoped
from tests.contract.test_desk import COUNCIL, OTHER, told
from tests.kit.clock import START
from tests.kit.records import Story
from tests.kit.store import Stores, claim, raw

JPEG = b"\xff\xd8\xff\xe0 made up"
DOOR = Party(organisation=COUNCIL, desk="front_door", roles=("responsible_authority", "host_authority"))
NURSE = Party(organisation=OTHER, desk="designated_nurse", roles=("designated_nurse",))


def written(story: Story, *, thread: Thread | None = None, key: str = "a key", **more: Any) -> Written:
    """A message of the council's to the others; it opens a conversation, unless it is in one already."""
    made = thread or Thread(id=story.id("th"), episode=story.episode, opened_at=START, opened_by="user:us_1")
    identity = story.id("ms")
    values: dict[str, Any] = {
        "id": identity,
        "thread": made.id,
        "episode": story.episode,
        "author": "Kit Marker-Writer",
        "organisation": COUNCIL,
        "desk": "front_door",
        "actor": "user:us_1",
        "via": "page",
        "purpose": "question",
        "whereabouts": False,
        "text": "Was she marker-seen there?",
        "sent_at": START,
        "readers": (Reader(party=DOOR, because="author"), Reader(party=NURSE, because="named")),
        "files": (File(id=story.id("mf"), media_type="image/jpeg", size=len(JPEG), data=JPEG),),
    }
    message = Message(**values | more)
    line = story.line("message.sent", subject=message.id)
    return Written(message=message, child=story.child, key=key, thread=None if thread else made, audit=(line,))


async def test_what_was_written_comes_back_as_it_was(store: Stores, story: Story) -> None:
    await told(store, story, {}, {"organisation": OTHER})
    first = written(story)
    await store.write(lambda unit: unit.conversations.add(first))
    thread = await store.read(lambda unit: unit.conversations.thread(first.message.thread))
    assert thread == first.thread and thread is not None
    again = written(story, thread=thread, key="another", in_reply_to=first.message.id, files=(), text="And?", via="hub",
                    arrived_at=START)  # fmt: skip
    await store.write(lambda unit: unit.conversations.add(replace(again, signed=b"as it was signed")))
    assert await store.read(lambda unit: unit.conversations.threads(story.episode)) == [thread]
    listed = await store.read(lambda unit: unit.conversations.messages(story.episode))
    bare = tuple(replace(one, data=b"") for one in first.message.files)
    assert listed == [replace(first.message, files=bare), again.message]
    assert await store.read(lambda unit: unit.conversations.sent_as("user:us_1", "a key")) == first.message
    for actor, key in (("user:us_2", "a key"), ("user:us_1", "no key")):
        assert await store.read(lambda unit, a=actor, k=key: unit.conversations.sent_as(a, k)) is None  # type: ignore[misc]
    (file,) = first.message.files
    assert await store.read(lambda unit: unit.conversations.file(file.id)) == Kept(
        episode=story.episode, message=first.message.id, file=file
    )
    assert await store.read(lambda unit: unit.conversations.file("mf_unknown")) is None
    records = await store.read(lambda unit: unit.evidence.records(story.episode))
    kept = [one.sealed for one in records if one.kind == "message" and one.sealed is not None]
    assert [one.get("signed") for one in kept] == [None, b"as it was signed"]


async def test_what_is_written_in_a_conversation_of_another_hub_goes_to_it_and_no_other(
    store: Stores, story: Story
) -> None:
    await told(store, story, {}, {"organisation": OTHER})
    of_theirs = Thread(id=story.id("th"), episode=story.episode, opened_at=START, opened_by="peer:hub_1")
    theirs, own = replace(written(story, thread=of_theirs), thread=of_theirs), written(story, key="own")
    sender = Reader(party=sending("peer:hub_1"), because="elsewhere")
    begun = written(story, key="begun", readers=(Reader(party=DOOR, because="author"), sender))
    await raw(store, f"UPDATE episodes SET source = 'peer:hub_1' WHERE id = '{story.episode}'")
    for one in (theirs, own, begun):
        await store.write(lambda unit, one=one: unit.conversations.add(one))  # type: ignore[misc]
        await store.write(lambda unit, one=one: unit.peers.wrote(one.message))  # type: ignore[misc]
    posts = await store.write(lambda unit: unit.peers.claim_posts(START, START, 9))
    # Of two lines, which have no order between them.
    assert sorted((one.id, one.kind, one.line, one.hub) for one in posts if one.episode == story.episode) == sorted(
        [
            (theirs.message.id, "message", of_theirs.id, "hub_1"),
            (begun.message.id, "message", begun.message.thread, "hub_1"),
        ]
    )
    await store.write(lambda unit: unit.peers.settle_post(begun.message.id, "refused"))
    for thread, came_to in (
        (of_theirs.id, {theirs.message.id: "waiting"}),
        (begun.message.thread, {begun.message.id: "refused"}),
        (own.message.thread, {}),
    ):

        async def look(unit: Unit, thread: str = thread) -> Mapping[str, Carried]:
            return await unit.peers.carried(thread)

        assert await store.read(look) == came_to
    assert await store.read(lambda unit: unit.conversations.one(theirs.message.id)) == theirs.message
    assert await store.read(lambda unit: unit.conversations.one("ms_unknown")) is None


async def test_of_two_that_send_the_same_at_once_one_is_kept(store: Stores, story: Story) -> None:
    await told(store, story, {})
    await store.write(lambda unit: unit.conversations.add(written(story)))

    async def second(unit: Unit) -> str:
        if (known := await unit.conversations.sent_as("user:us_1", "a key")) is not None:
            return known.id
        await unit.conversations.add(written(story))
        return "added"

    assert (await store.write(second)).startswith("ms")
    with pytest.raises(StoreUnavailable, match="always first"):  # as this one never looks
        await store.write(lambda unit: unit.conversations.add(written(story)))
    assert len(await store.read(lambda unit: unit.conversations.messages(story.episode))) == 1


async def test_only_whom_it_is_for_finds_it(store: Stores, story: Story) -> None:
    await told(store, story, {}, {"organisation": OTHER}, {"organisation": "E09000008"})
    kept = written(story)
    await store.write(lambda unit: unit.conversations.add(kept))
    (file,) = kept.message.files
    for organisation, sees in ((COUNCIL, True), (OTHER, True), ("E09000008", False)):
        with scoped(Own(organisation)):
            found = [
                await store.read(lambda unit: unit.conversations.thread(kept.message.thread)),
                *await store.read(lambda unit: unit.conversations.threads(story.episode)),
                *await store.read(lambda unit: unit.conversations.messages(story.episode)),
                await store.read(lambda unit: unit.conversations.file(file.id)),
                await store.read(lambda unit: unit.conversations.sent_as("user:us_1", "a key")),
            ]
            assert [one is not None for one in found] == ([True] * 5 if sees else [False] * 3), organisation
            own = [one.party for one in kept.message.readers if one.party.organisation == organisation]
            read = kept.message.thread
            number = await store.read(lambda unit, own=own, read=read: unit.conversations.number(read, own))
            assert number == (1 if sees else 0)
            if sees:
                assert found[2].readers == kept.message.readers, "they see who reads it with them"
    with scoped(Own(COUNCIL)), pytest.raises(OutOfScope):
        await store.write(lambda unit: unit.conversations.add(written(story, key="another")))


async def test_a_delivery_that_carries_it_is_claimed_with_it_and_its_pictures(store: Stores, story: Story) -> None:
    (first,) = await told(store, story, {})
    kept = written(story)

    async def work(unit: Unit) -> None:
        await unit.conversations.add(kept)
        stored = await unit.episode_by_id(story.episode)
        assert stored is not None
        decision = story.decision(None, kind="conversation", cause=f"message:{kept.message.id}")
        notice = story.notice(decision, organisation=COUNCIL, person=None, roles=("responsible_authority",))
        await unit.save(
            replace(
                story.report(0),
                event=None,
                doc=None,
                duties=(),
                register=(),
                episode=replace(stored.record, version=stored.record.version + 1),
                expected_version=stored.record.version,
                decisions=(decision,),
                notices=(notice,),
                deliveries=(story.delivery(notice),),
            )
        )

    await store.write(work)
    claimed = {one.notice.kind: one for one in await claim(store)}
    assert claimed["conversation"].message == kept.message
    assert claimed["missing"].message is None and claimed["missing"].notice.id == first.id


async def test_lines_state_all_of_it_and_erasing_the_child_leaves_nothing_of_it(store: Stores, story: Story) -> None:
    await told(store, story, {})
    kept = written(story)
    await store.write(lambda unit: unit.conversations.add(kept))
    listed = await store.read(lambda unit: unit.trail.listed(Wanted(episode=story.episode), limit=100))
    (line,) = [one.line for one in listed if one.line.action == "message.sent"]
    held = {one.key: one for one in await store.read(lambda unit: unit.evidence.records(story.episode))}
    ours = {key: one for key, one in held.items() if key.startswith(("thread:", "message"))}
    assert {key.partition(":")[0] for key in ours} == {"thread", "message", "message_reader", "message_file"}
    assert statements(line) == {key: one.statement for key, one in ours.items()} and len(ours) == 5
    assert ours[f"message:{kept.message.id}"].sealed == {
        "author": kept.message.author.encode(), "text": kept.message.text.encode()
    }  # fmt: skip
    assert store._keys is not None
    await store._keys.destroy([story.child], START)
    for work in (
        lambda unit: unit.conversations.messages(story.episode),
        lambda unit: unit.conversations.file(kept.message.files[0].id),
    ):
        with pytest.raises(Unsealable):
            await store.read(work)
    gone = {one.key: one for one in await store.read(lambda unit: unit.evidence.records(story.episode))}
    assert {key for key in ours if gone[key].erased} == {key for key, one in ours.items() if one.sealed}
