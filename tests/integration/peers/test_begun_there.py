"""Conversations that people begin at the hub which was told of a child: they reach the hub that knows the child."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final, cast

import pytest

from adapters.email.reply import Answer
from adapters.email.said import Said as WrittenByMail
from adapters.https.receive import verified
from adapters.https.wire import NOTICE_TYP
from hub.core.conversation import MOST_A_DAY, Message, Party
from hub.core.parties import sending
from hub.core.peer_cases import NotUnderstood
from hub.core.peer_messages import MESSAGE
from hub.core.peer_messages import Message as Sent
from hub.core.peers import fingerprint
from hub.service.conversations.audience import Audience
from hub.service.conversations.by_mail import ByMail
from hub.service.conversations.ports import Written
from hub.service.conversations.writing import APART
from hub.service.peers.conversing import Conversing, _sender
from hub.service.ports import Store
from hub.service.replying import Reply
from hub.service.tenancy import Own, scoped
from tests.integration.peers.test_conversations import (
    FRONT_DOOR,
    HOUR,
    MINUTE,
    OTHER,
    THEIRS,
    WORKER,
    _forget,
    changed,
    said,
    told,
    trail,
    words,
)
from tests.kit.conversing import BROMLEY, HOST, HUMBERSIDE, JPEG, MET, somebody
from tests.kit.events import reported, retracted, returned
from tests.kit.failing import Crash
from tests.kit.lossy import LOSSY
from tests.kit.two_hubs import Both, Side, two_hubs
from tests.kit.two_hubs_verdict import judge

OWNER: Final = (BROMLEY, "front_door")
IRO: Final = (HOST, "iro_service")
THREAD: Final = "th_01KABCDEFGHJKMNPQRSTVWXYZ0"


async def missing(both: Both) -> str:
    """A child is missing, and Bordon's desks were told: the episode there."""
    assert (await both.ashby.node.post(reported(id="E0"))).status == 202
    await both.let_pass(HOUR, step=20 * MINUTE)
    (episode,) = await both.bordon.node.see(lambda unit: unit.episode_list())
    return cast(str, episode.id)


async def audience(side: Side, episode: str, thread: str | None = None) -> Audience:
    """What Bordon's front door is shown before it writes."""
    with scoped(Own(THEIRS.organisation)):
        found = await side.talk.writing.audience(THEIRS, episode, thread=thread)
    assert found is not None
    return found


async def begins(side: Side, episode: str, *others: tuple[str, str], **more: Any) -> Message:
    """Bordon's front door writes to the authority that sent the case."""
    to = ((await audience(side, episode)).sender or sending("nobody")).key
    return await side.talk.wrote(THEIRS, episode=episode, to=(to, *others), **more)


async def carried(side: Side, thread: str) -> Mapping[str, str]:
    return cast(Mapping[str, str], await side.node.see(lambda unit: unit.peers.carried(thread)))


def keys(message: Message) -> list[tuple[str | None, str]]:
    return [one.party.key for one in message.readers]


async def test_what_people_begin_there_reaches_the_authority_and_comes_back(tmp_path: Path) -> None:
    shares = {fate: 3 * share for fate, share in LOSSY.items()}
    async with two_hubs(tmp_path, seed=11, shares=shares) as both:
        ashby, bordon = both.sides
        episode = await missing(both)
        shown = await audience(bordon, episode)
        assert shown.sender is not None and shown.offered[0] == shown.sender
        assert {one.organisation for one in shown.offered} == {shown.sender.organisation, HOST}, "nobody else is known"

        first = await begins(bordon, episode, files=(JPEG,))
        assert [one.because for one in first.readers] == ["author", "elsewhere"]
        await both.let_pass(HOUR, step=20 * MINUTE)
        (heard,) = await said(ashby)
        assert (keys(heard), [one.because for one in heard.readers]) == ([FRONT_DOOR, OWNER], ["author", "named"])
        assert await ashby.talk.read(WORKER, first.thread) == [first.text]
        reply = await ashby.talk.wrote(WORKER, thread=first.thread, in_reply_to=first.id, text="She was not.",
                                       purpose="information")  # fmt: skip
        await both.let_pass(HOUR, step=20 * MINUTE)
        assert await bordon.talk.read(THEIRS, first.thread) == [first.text, reply.text]
        now = await audience(bordon, episode, first.thread)
        assert {one.key for one in now.thread} == {shown.sender.key, OWNER} and now.offered == ()
        seen = await bordon.talk.wrote(THEIRS, episode=episode, thread=first.thread, text="She is at the pier.",
                                       purpose="sighting", whereabouts=True)  # fmt: skip
        await both.let_pass(HOUR, step=20 * MINUTE)
        assert (await ashby.node.post(returned(id="E1", time=both.now().isoformat()))).status == 202
        await both.let_pass(HOUR, step=20 * MINUTE)
        last = await bordon.talk.wrote(THEIRS, episode=episode, thread=first.thread, text="Good.",
                                       purpose="information")  # fmt: skip
        await both.let_pass(30 * HOUR, step=6 * HOUR)

        here, there = await said(ashby), await said(bordon)
        assert words(here) == words(there) and [one.id for one in here] == [first.id, reply.id, seen.id, last.id]
        to = [sorted(who or "" for who, _ in await told(ashby, one)) for one in here]
        assert to == [[BROMLEY], [HOST], [BROMLEY, MET, HUMBERSIDE], [BROMLEY, HUMBERSIDE]]
        assert MET not in {who for one in there for who, _ in keys(one)}, "whom else they tell is not known there"
        assert [[who for who, _ in await told(bordon, one)] for one in there] == [[], [HOST], [], []]
        assert set((await carried(bordon, first.thread)).values()) == {"sent"}
        assert (await judge(both)).amiss == []
        opened = [one for one in await trail(ashby) if one.action == "thread.opened"]
        assert [(one.subject, one.actor) for one in opened] == [(first.thread, here[0].actor)]


async def test_whom_they_tell_there_is_not_told_again(tmp_path: Path) -> None:
    async with two_hubs(tmp_path, seed=5) as both:
        ashby, bordon = both.sides
        episode = await missing(both)
        beside = await another(bordon, episode)
        first = await begins(bordon, episode, beside)
        await both.settle()
        (heard,) = await said(ashby)
        because = {one.party.key: one.because for one in heard.readers}
        assert because == {FRONT_DOOR: "author", beside: "elsewhere", OWNER: "named"}
        assert [who for who, _ in await told(ashby, heard)] == [BROMLEY]
        assert [who for who, _ in await told(bordon, first)] == [HOST]
        await proves_itself(both, heard, first)


async def proves_itself(both: Both, heard: Message, first: Message) -> None:
    """What they signed is kept, and stands in the chain; of their own there is nothing signed."""
    records = await both.ashby.node.see(lambda unit: unit.evidence.records(heard.episode))
    (kept,) = [one for one in records if one.kind == "message"]
    signed = kept.sealed["signed"]
    (peer,) = await both.ashby.node.see(lambda unit: unit.peers.all())
    payload = verified(signed, peer.said.signing(both.now()), NOTICE_TYP)
    assert payload is not None and json.loads(payload)["jti"] == first.id
    assert MESSAGE in [one["name"] for one in json.loads(payload)["attachments"]]
    lines = [one for one in await trail(both.ashby) if one.action == "message.sent"]
    assert [one.detail[kept.key] for one in lines] == [kept.statement]
    own = await both.bordon.node.see(lambda unit: unit.evidence.records(first.episode))
    assert [sorted(one.sealed) for one in own if one.kind == "message"] == [["author", "text"]]


async def another(side: Side, episode: str) -> tuple[str, str]:
    """Another desk that was told through Bordon."""
    shown = await audience(side, episode)
    found = [one.key for one in shown.offered if one.key in shown.through]
    return cast("tuple[str, str]", found[0])


async def test_whom_the_authority_did_not_tell_writes_and_is_written_to_apart_from_it(tmp_path: Path) -> None:
    """As it tells all who take part with it."""
    async with two_hubs(tmp_path, seed=5, own_packs=True) as both:
        bordon, episode = both.bordon, await missing(both)
        shown = await audience(bordon, episode)
        own = next(one for one in shown.offered if one != shown.sender and one.key not in shown.through)
        assert shown.sender is not None
        outcome = await bordon.talk.write(THEIRS, episode=episode, to=(shown.sender.key, own.key))
        assert outcome == (APART,)
        apart = await bordon.talk.wrote(THEIRS, episode=episode, to=(own.key,))
        strangers = somebody(HOST, own.desk, name="Ola Apart")
        with scoped(Own(HOST)):
            theirs = await bordon.talk.writing.audience(strangers, episode)
        assert theirs is not None and theirs.sender is None
        assert (await audience(bordon, episode, apart.thread)).sender is None
        await both.settle()
        assert await said(both.ashby) == [], "it stays where it was written"
        assert await carried(bordon, apart.thread) == {}


async def test_the_police_are_told_at_once_by_the_hub_that_knows_the_child(tmp_path: Path) -> None:
    async with two_hubs(tmp_path, seed=6) as both:
        episode = await missing(both)
        seen = await begins(both.bordon, episode, purpose="sighting", whereabouts=True, text="At the pier.")
        assert (HUMBERSIDE, "missing_persons_unit") in keys(seen) and await told(both.bordon, seen) == []
        await both.settle()
        (heard,) = await said(both.ashby)
        assert sorted(who or "" for who, _ in await told(both.ashby, heard)) == [BROMLEY, MET, HUMBERSIDE]
        decided = await both.ashby.node.see(lambda unit: unit.decisions(heard.episode))
        firsts = {one.decision.recipients[0].organisation for one in decided if one.decision.first}
        assert firsts == {MET, HUMBERSIDE}


async def test_a_mail_that_answers_a_notice_there_is_for_the_authority_that_sent_the_case(tmp_path: Path) -> None:
    async with two_hubs(tmp_path, seed=6) as both:
        episode, node = await missing(both), both.bordon.node
        notices = await node.see(lambda unit: unit.notices(episode))
        notice = next(one for one in notices if one.roles == ("host_authority",))
        (delivery, *_) = await node.see(lambda unit: unit.deliveries(notice.id))
        written = WrittenByMail(text="She is here.", quoted="", attached=(), left_out=(), cut_short=False)
        answer = Answer(mailbox="door@lincolnshire.example", name="Noor Host", certificate="f" * 64, said=written,
                        written_at=both.now(), digest="d" * 64, references=frozenset(), inside=b"")  # fmt: skip
        mail = ByMail(writing=both.bordon.talk.writing, store=node.store, clock=node.clock,
                      directory=lambda: node.directory)  # fmt: skip
        for _ in range(2):
            assert await mail.join(Reply(delivery=delivery, notice=notice, answer=answer)) is None
        await both.settle()
        (heard,) = await said(both.ashby)
        assert (heard.text, heard.author, heard.whereabouts) == ("She is here.", "Noor Host", True)
        assert sorted(who or "" for who, _ in await told(both.ashby, heard)) == [BROMLEY, MET, HUMBERSIDE]


async def test_one_that_began_among_themselves_reaches_the_authority_from_when_it_is_brought_in(
    tmp_path: Path,
) -> None:
    async with two_hubs(tmp_path, seed=7) as both:
        ashby, bordon = both.sides
        episode = await missing(both)
        shown, beside = await audience(bordon, episode), await another(bordon, episode)
        before = await bordon.talk.wrote(THEIRS, episode=episode, to=(beside,), text="Is she with you?")
        assert shown.sender is not None
        brought = await bordon.talk.wrote(THEIRS, episode=episode, thread=before.thread, in_reply_to=before.id,
                                          to=(shown.sender.key,), text="She is with us.")  # fmt: skip
        await both.settle()
        assert [one.text for one in await said(ashby)] == [brought.text], "nobody reads back"
        await both.let_pass(20 * MINUTE, step=20 * MINUTE)
        await ashby.talk.wrote(WORKER, thread=before.thread, text="Thank you.", purpose="information")
        await both.let_pass(HOUR, step=20 * MINUTE)
        assert [one.text for one in await said(bordon)] == ["Is she with you?", "She is with us.", "Thank you."]


async def test_it_goes_when_the_way_is_open_again_and_each_in_its_order(tmp_path: Path) -> None:
    async with two_hubs(tmp_path, seed=8) as both:
        ashby, bordon = both.sides
        episode = await missing(both)
        await ashby.wire.shut()
        first = await begins(bordon, episode, text="One")
        second = await bordon.talk.wrote(THEIRS, episode=episode, thread=first.thread, text="Two")
        await both.let_pass(10 * MINUTE, step=5 * MINUTE)
        assert set((await carried(bordon, first.thread)).values()) == {"waiting"}
        alarms = [one.kind for one in await bordon.node.see(lambda unit: unit.alarms())]
        assert "peer_late" in alarms
        (peer,) = await ashby.node.see(lambda unit: unit.peers.all())
        introducing = await suspended(ashby, peer.hub)
        await ashby.wire.open()
        await both.let_pass(12 * MINUTE, step=6 * MINUTE)
        assert await said(ashby) == [], "a hub that is suspended is not heard"
        assert set((await carried(bordon, first.thread)).values()) == {"waiting"}
        await introducing.confirm(peer.hub, fingerprint(bordon.known.said()), "Sam Ashby", (HOST,))
        await both.let_pass(12 * MINUTE, step=6 * MINUTE)
        assert [one.id for one in await said(ashby)] == [first.id, second.id]
        assert "peer_late" not in [one.kind for one in await bordon.node.see(lambda unit: unit.alarms())]


async def suspended(side: Side, hub: str) -> Any:
    introducing = side.introducing()
    await introducing.suspend(hub, "Jo Ashby")
    return introducing


class _Heard:
    """What Ashby is told by Bordon's hub, whatever that is."""

    def __init__(self, both: Both, first: Message, episode: str) -> None:
        self.both, self.first, self.episode = both, first, episode
        self.hear: Conversing = cast(Conversing, both.ashby.receiving().converse)

    async def __call__(self, **changes: Any) -> str | None:
        (peer,) = await self.both.ashby.node.see(lambda unit: unit.peers.all())
        document = {"episode": self.episode, **changes}
        sent = Sent(id=document.get("id", self.first.id), said=changed(self.first, **document), same=b"", receipt=None,
                    via=(), signed=b"as it was signed")  # fmt: skip
        return await self.hear(peer, sent, self.both.now())


async def told_at_ashby(both: Both) -> tuple[_Heard, Message]:
    """Nothing has come yet of what Bordon has written."""
    episode = await missing(both)
    await both.ashby.wire.shut()
    first = await begins(both.bordon, episode)
    (own,) = await both.ashby.node.see(lambda unit: unit.episode_list())
    return _Heard(both, first, own.id), first


async def test_a_hub_begins_nothing_but_for_desks_told_through_it_on_their_episode(tmp_path: Path) -> None:
    async with two_hubs(tmp_path, seed=4) as both:
        heard, _ = await told_at_ashby(both)
        assert (await both.ashby.node.post(_another())).status == 202
        apart = await both.ashby.talk.wrote(WORKER, episode=heard.episode, to=((HUMBERSIDE, "missing_persons_unit"),))
        other = next(one.id for one in await both.ashby.node.see(lambda unit: unit.episode_list())
                     if one.id != heard.episode)  # fmt: skip
        strange: Sequence[dict[str, Any]] = [
            {"episode": None},  # as a hub of the version before says it, and hears it
            {"episode": "ep_01KABCDEFGHJKMNPQRSTVWXYZ0"},
            {"episode": other},
            {"organisation_code": BROMLEY},
            {"organisation_code": HUMBERSIDE, "desk": "missing_persons_unit", "roles": ["police"]},
            {"desk": "quality_assurance"},
            {"thread": apart.thread},
            {"thread": apart.thread, "episode": other},
            {"purpose": "police_hold", "roles": ["police"]},
        ]
        for changes in strange:
            with pytest.raises(NotUnderstood, match="no conversation"):
                await heard(**changes)
        assert await heard(id=apart.id) is None, "an id that is in use here"
        with pytest.raises(NotUnderstood, match="where an organisation"):
            await heard(readers=[{"organisation_code": "peer:hub_1", "desk": "front_door", "roles": ["iro"],
                                  "told": True}])  # fmt: skip
        assert [one.id for one in await said_of(both.ashby, heard.episode)] == [apart.id]
        # Whom it says it has told is believed of desks that were told through it, and of no others.
        police = {"organisation_code": HUMBERSIDE, "desk": "missing_persons_unit", "roles": ["police"], "told": True}
        assert await heard(readers=[police], purpose="sighting", whereabouts=True) is not None
        (taken,) = [one for one in await said_of(both.ashby, heard.episode) if one.id == heard.first.id]
        assert {one.because for one in taken.readers if one.party.organisation == HUMBERSIDE} == {"whereabouts"}


def _another() -> dict[str, Any]:
    """Another child, placed where Bordon's desks are not told."""
    return reported(id="E9", episode={"ref": "EP-9"}, child={"ref": "C-9"}, placement={"host_authority": BROMLEY})


async def said_of(side: Side, episode: str) -> Sequence[Message]:
    return cast(Sequence[Message], await side.node.see(lambda unit: unit.conversations.messages(episode)))


async def test_a_reply_before_the_opening_and_both_twice_and_at_once_are_one_conversation(tmp_path: Path) -> None:
    async with two_hubs(tmp_path, seed=4) as both:
        heard, first = await told_at_ashby(both)
        later = {"id": OTHER, "text": "And?", "in_reply_to": first.id}
        answers = [await heard(**later), *await asyncio.gather(heard(), heard(), heard(**later))]
        assert None not in answers and len(set(answers)) == 2
        assert len(await told(both.ashby, replace(first, episode=heard.episode))) == 1
        assert await heard(text="Another.") is None
        there = await said_of(both.ashby, heard.episode)
        assert sorted(one.id for one in there) == sorted((first.id, OTHER))
        assert {keys(one)[1] for one in there} == {OWNER}, "the authority reads both"
        assert len(await both.ashby.node.see(lambda unit: unit.conversations.threads(heard.episode))) == 1


class _Failing:
    """A unit, and all parts of it, that ends at its ``at``-th call."""

    def __init__(self, inner: Any, calls: list[str], at: int) -> None:
        self._inner, self._calls, self._at = inner, calls, at

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if not callable(found):
            return _Failing(found, self._calls, self._at)

        async def call(*args: Any, **more: Any) -> Any:
            self._calls.append(name)
            if len(self._calls) == self._at:
                raise Crash
            return await found(*args, **more)

        return call


@dataclass
class _Broken:
    """A store of such units."""

    store: Store
    calls: list[str]
    at: int

    async def write(self, work: Callable[[Any], Awaitable[Any]]) -> Any:
        return await self.store.write(lambda unit: work(_Failing(unit, self.calls, self.at)))


async def test_wherever_it_ends_in_between_it_is_opened_once_when_it_comes_again(tmp_path: Path) -> None:
    async with two_hubs(tmp_path, seed=4) as both:
        heard, first = await told_at_ashby(both)
        whole, crashes = heard.hear, 0
        while True:
            calls: list[str] = []
            heard.hear = replace(whole, store=cast(Store, _Broken(whole.store, calls, crashes + 1)))
            try:
                await heard()
                break
            except Crash:
                crashes += 1
                assert await said_of(both.ashby, heard.episode) == []
        assert "save" in calls and crashes == len(calls) > 10
        heard.hear = whole
        assert await heard() is not None
        assert [one.id for one in await said_of(both.ashby, heard.episode)] == [first.id]
        assert len(await told(both.ashby, replace(first, episode=heard.episode))) == 1


async def test_of_a_child_who_was_erased_nothing_is_kept_and_of_one_who_is_back_it_is(tmp_path: Path) -> None:
    async with two_hubs(tmp_path, seed=4) as both:
        heard, first = await told_at_ashby(both)
        assert (await both.ashby.node.post(retracted(id="E1", time=both.now().isoformat()))).status == 202
        assert await heard() is not None, "an episode that is over may still be spoken of"
        await _forget(both.ashby)
        assert await heard(id=OTHER, thread=THREAD, text="Late.") is not None
        threads = await both.ashby.node.see(lambda unit: unit.conversations.threads(heard.episode))
        assert [one.id for one in threads] == [first.thread]
        await _forget(both.bordon)
        await both.ashby.wire.open()
        await both.let_pass(10 * MINUTE, step=5 * MINUTE)
        assert await carried(both.bordon, first.thread) == {first.id: "moot"}, "nor is anything left that could be sent"


async def test_more_than_an_organisation_writes_in_a_day_is_refused_and_its_author_sees_it(tmp_path: Path) -> None:
    async with two_hubs(tmp_path, seed=4) as both:
        heard, first = await told_at_ashby(both)
        store: Any = both.ashby.node.store
        await heard()
        # As many as there may be, however long ago their hub says they were written.
        await store.write(lambda unit: _many(unit, first, heard.episode))
        with pytest.raises(NotUnderstood, match="within a day"):
            await heard(id=OTHER, text="One more.", sent_at=(first.sent_at - 40 * HOUR).isoformat())
        with pytest.raises(NotUnderstood, match="within a day"):
            await heard(id=OTHER, text="One more.", purpose="agreement")
        episode = (await said(both.bordon))[0].episode
        more = await both.bordon.talk.wrote(THEIRS, episode=episode, thread=first.thread, text="Two")
        await both.ashby.wire.open()
        await both.let_pass(12 * MINUTE, step=6 * MINUTE)
        assert await carried(both.bordon, first.thread) == {first.id: "sent", more.id: "refused"}
        assert "peer_refused" in [one.kind for one in await both.bordon.node.see(lambda unit: unit.alarms())]
        kept = await both.ashby.node.see(lambda unit: unit.quarantine())
        assert [one.reason for one in kept] == ["invalid"], "and a human at the other hub has it"
        for side in both.sides:
            await side.node.clock.advance(25 * 3600)
        assert await heard(id=OTHER, text="One more.") is not None


async def _many(unit: Any, first: Message, episode: str) -> None:
    child = await unit.retention.child_of(episode)
    (like,) = [one for one in await unit.conversations.messages(episode) if one.id == first.id]
    for number in range(MOST_A_DAY - 1):
        one = replace(
            like, id=f"ms_01KABCDEFGHJKMNPQRSTV{number:05}", sent_at=first.sent_at - timedelta(days=2), files=()
        )
        await unit.conversations.add(Written(message=one, child=child, key=one.id))


PARTIES: Final = {
    "door": Party(organisation=BROMLEY, desk="front_door", roles=("responsible_authority",)),
    "team": Party(organisation=BROMLEY, desk="social_work_team", roles=("social_worker",)),
    "police": Party(organisation=HUMBERSIDE, desk="missing_persons_unit", roles=("police",)),
    "school": Party(organisation="school:900001", desk="school_office", roles=("school",)),
    "host": Party(organisation=HOST, desk="front_door", roles=("host_authority",)),
}


@pytest.mark.parametrize(
    ("told", "looked_after", "meant"),
    [
        (("police", "team", "door", "school"), True, {"door"}),
        (("police", "team", "school"), True, {"team"}),
        (("police", "school"), True, {"police"}),
        (("police", "host", "school"), False, {"police"}),
        (("school",), True, set()),
    ],
)
def test_who_is_meant_by_the_authority_that_sent_a_case(
    told: Sequence[str], looked_after: bool, meant: set[str]
) -> None:
    """Of a child who is not looked after it is told in the name of where it lives: here at the other hub itself."""
    doc = {"child": {"looked_after": looked_after},
           "placement": {"responsible_authority": BROMLEY, "host_authority": HOST} if looked_after
           else {"host_authority": HOST}}  # fmt: skip
    found = Audience(author=PARTIES["host"], mine=(), thread=(), offered=tuple(PARTIES[one] for one in told),
                     police=(), may_know=frozenset())  # fmt: skip
    stored: Any = SimpleNamespace(doc=doc)
    assert _sender(stored, found, {PARTIES["host"].key}) == {PARTIES[one].key for one in meant}
