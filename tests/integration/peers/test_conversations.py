"""What people at two hubs write to each other: the same at both, whatever the wire between them does."""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from contacts.strict_json import from_b64url
from hub.core.conversation import CAUSE, File, Message, Party, Reader
from hub.core.peer_cases import NotUnderstood
from hub.core.peer_conversations import message_files, wrote
from hub.core.peer_messages import Message as Sent
from hub.core.pictures import bare
from hub.core.records import AuditLine
from hub.service.audit.ports import Wanted
from hub.service.ports import Unit
from hub.service.tenancy import WHOLE, scoped
from tests.kit.clock import START
from tests.kit.conversing import BROMLEY, HOST, HUMBERSIDE, JPEG, MET, somebody
from tests.kit.events import reported, returned
from tests.kit.lossy import LOSSY
from tests.kit.two_hubs import Both, Side, two_hubs
from tests.kit.two_hubs_verdict import judge

FRONT_DOOR = (HOST, "front_door")
OTHER = "ms_01KABCDEFGHJKMNPQRSTVWXYZ0"
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
WORKER, THEIRS = somebody(BROMLEY), somebody(HOST, "front_door", name="Noor Host")


async def said(side: Side) -> Sequence[Message]:
    """All messages of its one episode, with what is in their pictures."""

    async def look(unit: Unit) -> Sequence[Message]:
        (episode,) = await unit.episode_list()
        listed = await unit.conversations.messages(episode.id)
        found = [await unit.conversations.one(one.id) for one in listed]
        return [one for one in found if one is not None]

    return cast(Sequence[Message], await side.node.see(look))


def words(messages: Sequence[Message]) -> list[tuple[Any, ...]]:
    return [
        (one.id, one.thread, one.in_reply_to, one.author, one.organisation, one.desk, one.purpose, one.whereabouts,
         one.text, one.sent_at, tuple(each.data for each in one.files))
        for one in messages
    ]  # fmt: skip


async def theirs(side: Side, **more: Any) -> Message:
    """What Bordon's front door writes."""
    (episode,) = await side.node.see(lambda unit: unit.episode_list())
    return await side.talk.wrote(THEIRS, episode=episode.id, **more)


async def told(side: Side, message: Message) -> list[tuple[str | None, tuple[str, ...]]]:
    """Whom a hub has told of a message, as often as it has."""

    async def look(unit: Unit) -> list[tuple[str | None, tuple[str, ...]]]:
        taken = {one.id: one.decision.cause for one in await unit.decisions(message.episode)}
        return [
            (one.organisation, one.roles)
            for one in await unit.notices(message.episode)
            if taken[one.decision] == f"{CAUSE}{message.id}"
        ]

    return cast("list[tuple[str | None, tuple[str, ...]]]", await side.node.see(look))


async def trail(side: Side) -> Sequence[AuditLine]:
    listed = await side.node.see(lambda unit: unit.trail.listed(Wanted(), limit=2000))
    return [one.line for one in listed]


async def begun(both: Both) -> Message:
    """A child is missing, and Ashby's worker asks Bordon's front door."""
    assert (await both.ashby.node.post(reported(id="E0"))).status == 202
    await both.let_pass(HOUR, step=20 * MINUTE)
    return await both.ashby.talk.wrote(WORKER, to=(FRONT_DOOR,), files=(JPEG,))


async def test_both_have_the_same_conversation_and_each_is_told_once(tmp_path: Path) -> None:
    shares = {fate: 3 * share for fate, share in LOSSY.items()}
    async with two_hubs(tmp_path, seed=9, shares=shares) as both:
        ashby, bordon = both.sides
        first = await begun(both)
        await both.let_pass(HOUR, step=20 * MINUTE)
        (heard,) = await said(bordon)
        assert [one.party.key for one in heard.readers] == [one.party.key for one in first.readers]
        own = (await told(bordon, heard))[0]
        assert await bordon.talk.read(THEIRS, first.thread) == [first.text]
        for one in bordon.reached:
            await bordon.answered(one.delivery.id, "accepted")
        reply = await theirs(bordon, thread=first.thread, in_reply_to=first.id, text="She was, at nine.",
                                        purpose="information")  # fmt: skip
        seen = await theirs(bordon, thread=first.thread, text="She is at the pier.", purpose="sighting",
                                       whereabouts=True, files=(JPEG,))  # fmt: skip
        assert {one.because for one in seen.readers} == {"author", "elsewhere"}
        assert (HUMBERSIDE, "missing_persons_unit") in {one.party.key for one in seen.readers}
        await both.let_pass(2 * HOUR, step=20 * MINUTE)
        assert (await ashby.node.post(returned(id="E1", time=both.now().isoformat()))).status == 202
        last = await ashby.talk.wrote(WORKER, thread=first.thread, text="Thank you; found.", purpose="information")
        await both.let_pass(30 * HOUR, step=6 * HOUR)

        here, there = await said(ashby), await said(bordon)
        assert words(here) == words(there)
        assert [one.id for one in here] == [first.id, reply.id, seen.id, last.id]
        assert [one.via for one in here] == ["page", "hub", "hub", "page"]
        assert [one.via for one in there] == ["hub", "page", "page", "hub"]
        to = [sorted(who or "" for who, _ in await told(ashby, one)) for one in here]
        assert to == [[HOST], [BROMLEY], [BROMLEY, MET, HUMBERSIDE], [HOST, MET, HUMBERSIDE]]
        assert [await told(bordon, one) for one in there] == [[own], [], [], [own]]
        assert (await judge(both)).amiss == []
        for side in both.sides:
            lines = [one for one in await trail(side) if one.action == "message.sent"]
            assert sorted(one.subject or "" for one in lines) == [one.id for one in here]
            assert {one.detail["via"] for one in lines} == {"page", "hub"}
            apart = await side.node.see(lambda unit: unit.quarantine())
            assert {one.reason for one in apart} <= {"stale_signature"}, "nothing but what the wire held for too long"
        carried = [one for one in await trail(bordon) if one.action == "peer.answered"]
        assert {one.detail["came_to"] for one in carried} == {"sent"}
        subjects = [one.subject or "" for one in carried]
        assert sorted(one for one in subjects if one.startswith("ms_")) == [reply.id, seen.id], "nothing goes back"
        assert len(subjects) > 2


async def test_what_is_written_while_the_hubs_are_apart_comes_later_and_somebody_hears_that_it_waits(
    tmp_path: Path,
) -> None:
    async with two_hubs(tmp_path, seed=3) as both:
        first = await begun(both)
        await both.settle()
        await both.bordon.wire.shut()
        await both.ashby.wire.shut()
        await theirs(both.bordon, thread=first.thread, text="One")
        await both.ashby.talk.wrote(WORKER, thread=first.thread, text="Two")
        await theirs(both.bordon, thread=first.thread, text="Three")
        await both.let_pass(10 * MINUTE, step=2 * MINUTE)
        alarms = await both.bordon.node.see(lambda unit: unit.alarms())
        assert [one.kind for one in alarms if one.kind.startswith("peer_")] == ["peer_late"]
        for side in both.sides:
            await side.wire.open()
        await both.let_pass(4 * HOUR, step=HOUR)
        assert words(await said(both.ashby)) == words(await said(both.bordon))
        assert len(await said(both.ashby)) == 4
        assert not [one for one in await both.bordon.node.see(lambda unit: unit.alarms()) if one.kind == "peer_late"]


async def test_a_hub_is_heard_only_for_its_own_desks_in_what_they_take_part_in(tmp_path: Path) -> None:
    async with two_hubs(tmp_path, seed=4) as both:
        first = await begun(both)
        apart = await both.ashby.talk.wrote(WORKER, to=((HUMBERSIDE, "missing_persons_unit"),))
        await both.settle()
        reply = await theirs(both.bordon, thread=first.thread, text="Yes.")
        hear = both.ashby.receiving().converse
        (peer,) = await both.ashby.node.see(lambda unit: unit.peers.all())

        async def claimed(**changes: Any) -> str | None:
            claims = changed(reply, **changes)
            id = changes.get("id", reply.id)
            sent = Sent(id=id, said=claims, same=b"", receipt=None, via=(), signed=b"")
            return await hear(peer, sent, both.now())

        strange: list[dict[str, Any]] = [
            {"id": OTHER, "thread": apart.thread},
            {"id": OTHER, "thread": "th_01KABCDEFGHJKMNPQRSTVWXYZ0"},
            {"id": OTHER, "organisation_code": BROMLEY},
            {"id": OTHER, "organisation_code": HUMBERSIDE, "desk": "missing_persons_unit"},
            {"id": OTHER, "desk": "iro_service"},
        ]
        for changes in strange:
            with pytest.raises(NotUnderstood, match="no conversation"):
                await claimed(**changes)
        assert await claimed(id=first.id) is None, "what was written here is not taken for theirs"
        hidden = await claimed(id=OTHER, readers=[])
        assert hidden is not None
        found = {one.id: one for one in await said(both.ashby)}
        assert [one.because for one in found[OTHER].readers] == ["author"], "nobody reads what they were not shown for"
        assert await claimed() == await claimed()
        assert await claimed(text="No.") is None
        await both.settle()
        assert [one.text for one in await said(both.ashby) if one.id == reply.id] == ["Yes."]
        await _forget(both.ashby)
        assert await claimed(id="ms_01KABCDEFGHJKMNPQRSTVWXYZ1", text="Late.") is not None, "taken, and nothing is kept"


async def test_an_id_that_is_anothers_is_refused_and_a_second_desk_hears_what_is_there(tmp_path: Path) -> None:
    async with two_hubs(tmp_path, seed=4) as both:
        first = await begun(both)
        await both.settle()
        bordon = both.bordon
        (peer,) = await bordon.node.see(lambda unit: unit.peers.all())
        source, receiving = peer.said.source, bordon.receiving()
        notices = await both.ashby.node.see(lambda unit: unit.notices(first.episode))
        (told_of,) = [one for one in notices if one.kind == "conversation"]
        (delivery, *_) = await both.ashby.node.see(lambda unit: unit.deliveries(told_of.id))
        event = await bordon.node.see(lambda unit: unit.event(source, delivery.id))
        assert event is not None
        claims = json.loads(from_b64url(event.body.split(b".")[1].decode()))

        async def take(number: int, *, notice: Mapping[str, Any] | None = None, **message: Any) -> str | None:
            changes = {"notice.json": notice or {}, "message.json": message}
            files = [{**one, "data": _with(one["data"], changes.get(one["name"]))} for one in claims["attachments"]]
            sent = Sent(id=f"dl_{number}", said={**claims, "attachments": files}, same=b"%d" % number, receipt=None,
                        via=(), signed=b"as it was signed")  # fmt: skip
            with scoped(WHOLE):
                return await bordon.node.store.write(lambda unit: receiving.take(unit, peer, sent, both.now()))

        elsewhere = {"episode": "ep_else", "child": "ch_else"}
        wrong: list[tuple[Mapping[str, Any] | None, dict[str, Any]]] = [
            (elsewhere, {}),
            (elsewhere, {"id": OTHER}),
            (None, {"text": "Else."}),
            (None, {"author": "Sam Else"}),
            (None, {"in_reply_to": OTHER}),
        ]
        for number, (notice, message) in enumerate(wrong):
            with pytest.raises(NotUnderstood, match="another's"):
                await take(number, notice=notice, **message)
        (heard,) = await said(bordon)
        assert len(await told(bordon, heard)) == 1
        assert len(await bordon.node.see(lambda unit: unit.episode_list())) == 1, "what is refused leaves nothing"
        for number in (10, 11):
            await take(number, notice={"roles": ["iro"], "reference": f"FP-2222-22{number}"})
        assert sorted(roles for _, roles in await told(bordon, heard)) == [("host_authority",), ("iro",)]
        await take(12, id=OTHER, sent_at=(first.sent_at - MINUTE).isoformat(), text="Before.")
        assert [one.text for one in await said(bordon)] == ["Before.", first.text]


def _with(data: str, changes: Mapping[str, Any] | None) -> str:
    if changes is None:
        return data
    return base64.b64encode(json.dumps({**json.loads(base64.b64decode(data)), **changes}).encode()).decode()


MESSAGE = Message(
    id="ms_01KABCDEFGHJKMNPQRSTVWXYZ2", thread="th_01KABCDEFGHJKMNPQRSTVWXYZ2", episode="ep_1", author="Noor Host",
    organisation=HOST, desk="front_door", actor="user:noor", via="page", purpose="question", whereabouts=False,
    text="Was she there?", sent_at=START,
    readers=(
        Reader(party=Party(organisation=HOST, desk="front_door", roles=("host_authority",)), because="author"),
        Reader(party=Party(organisation=BROMLEY, desk="front_door", roles=("responsible_authority",)),
               because="elsewhere"),
    ),
    files=(File(id="mf_1", media_type="image/jpeg", size=len(JPEG), data=bare(JPEG) or b""),),
)  # fmt: skip


def test_what_is_said_of_a_message_is_the_message() -> None:
    given = wrote(changed(MESSAGE), START)
    assert given.same(MESSAGE)
    assert (given.author, given.told) == (MESSAGE.readers[0].party, frozenset())
    assert given.readers == (MESSAGE.readers[1].party,)


@pytest.mark.parametrize(
    "changes",
    [
        {"format": "fingerpost.message.v2"},
        {"id": "ms_1"},
        {"id": "ms_7ZZZZZZZZZZZZZZZZZZZZZZZZZ"},
        {"thread": "ms_01KABCDEFGHJKMNPQRSTVWXYZ2"},
        {"text": ""},
        {"text": "x" * 4_001},
        {"text": "Robin \u202e"},
        {"text": "\ud800"},
        {"author": ""},
        {"author": "Robin\nX"},
        {"author": "R" * 121},
        {"desk": "throne"},
        {"roles": ["king"]},
        {"purpose": "order"},
        {"purpose": "sighting"},
        {"purpose": "police_hold"},
        {"whereabouts": None},
        {"sent_at": (START + 25 * HOUR).isoformat()},
        {"sent_at": "0001-01-01T00:00:00+14:00"},
        {"sent_at": "0001-01-01T00:00:00Z"},
        {"sent_at": "2026-01-01T00:00:00"},
        {"readers": [{"organisation_code": "../x", "desk": "front_door", "roles": ["iro"], "told": True}]},
        {"readers": [{"organisation_code": HOST, "desk": "front_door", "roles": ["king"], "told": True}]},
        {"pictures": ["picture-2.jpg"]},
        {"pictures": ["message.json"]},
        {"pictures": ["picture-1.jpg"] * 4},
    ],
    ids=ascii,
)
def test_what_no_page_here_would_take_no_hub_may_send(changes: Mapping[str, Any]) -> None:
    with pytest.raises(NotUnderstood) as caught:
        wrote(changed(MESSAGE, **changes), START)
    assert "Robin" not in str(caught.value)


def test_where_a_picture_was_taken_comes_from_no_hub_but_with_whereabouts() -> None:
    placed = JPEG[:2] + b"\xff\xe1\x00\x06GPS!" + JPEG[2:]
    with_place = replace(MESSAGE, files=(replace(MESSAGE.files[0], data=placed),))
    with pytest.raises(NotUnderstood, match="camera"):
        wrote(changed(with_place), START)
    assert wrote(changed(with_place, whereabouts=True), START).pictures == (placed,)


def changed(message: Message, **changes: Any) -> Mapping[str, Any]:
    """As it is sent, with something else in it."""
    own, *pictures = message_files(message)
    document = json.dumps({**json.loads(own.data), **changes}).encode()
    files = [replace(own, data=document), *pictures]
    return {"attachments": [{"name": one.name, "data": base64.b64encode(one.data).decode()} for one in files]}


async def _forget(side: Side) -> None:
    store: Any = side.node.store
    episodes = await side.node.see(lambda unit: unit.episode_list())
    found = [await side.node.see(lambda unit, one=one: unit.retention.child_of(one.id)) for one in episodes]
    await store._keys.destroy([one for one in found if one is not None], side.node.clock.now())
