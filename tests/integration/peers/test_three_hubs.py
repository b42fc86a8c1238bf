"""Three hubs that know each other: Ashby knows the child; Bordon has the desks where the child is placed, Corby those
of the police there. What one of these two hears of the other it hears by Ashby, and nothing goes round."""

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import pytest

from hub.core.conversation import Message
from hub.core.peer_answers import answer_json
from hub.core.peer_cases import NotUnderstood
from hub.core.peer_messages import Message as Sent
from hub.core.records import AcknowledgementRecord
from hub.service.peers.conversing import Heard
from tests.integration.peers.test_conversations import (
    FRONT_DOOR,
    HOUR,
    MINUTE,
    OTHER,
    WORKER,
    changed,
    said,
    told,
    words,
)
from tests.integration.peers.test_conversations import theirs as host_wrote
from tests.kit.conversing import BROMLEY, HOST, HUMBERSIDE, MET, somebody
from tests.kit.events import reported, returned
from tests.kit.lossy import LOSSY
from tests.kit.two_hubs import Side, Three, ring_of_hubs, three_hubs
from tests.kit.two_hubs_verdict import cases, judge

POLICE: Final = (HUMBERSIDE, "missing_persons_unit")
OFFICER: Final = somebody(HUMBERSIDE, name="Pat Officer")
QUIET: Final = 30 * MINUTE


async def heard_by(three: Three, message: Message) -> list[list[str | None]]:
    """Of each hub, the organisations that it told of a message, as often as it did."""
    found = []
    for side in three.sides:
        (own,) = [one for one in await said(side) if one.id == message.id]
        found.append(sorted((who for who, _ in await told(side, own)), key=str))
    return found


async def answered(three: Three) -> None:
    """The people of each say something else of what they were told, and nobody of them accepts at once."""
    for side, answer, name in ((three.bordon, "accepted", "Noor Host"), (three.corby, "redirected", "Pat Officer")):
        for one in side.reached:
            await side.answered(one.delivery.id, answer, name)
        side.reached.clear()


async def test_each_of_three_hears_what_the_one_that_knows_the_child_tells_it_and_nothing_twice(tmp_path: Path) -> None:
    shares = {fate: 3 * share for fate, share in LOSSY.items()}
    async with three_hubs(tmp_path, seed=30, shares=shares) as three:
        ashby, bordon, corby = three.sides
        assert (await ashby.node.post(reported(id="E0"))).status == 202
        await three.let_pass(HOUR, step=QUIET)
        await answered(three)

        asked = await ashby.talk.wrote(WORKER, to=(FRONT_DOOR, POLICE))
        await three.let_pass(HOUR, step=QUIET)
        reply = await host_wrote(bordon, thread=asked.thread, in_reply_to=asked.id, text="She was, at nine.")
        await three.let_pass(HOUR, step=QUIET)
        rung = await corby.talk.wrote(OFFICER, thread=asked.thread, text="We rang the school.", purpose="information")
        await three.let_pass(HOUR, step=QUIET)

        sender = (ashby.known.said().source, "front_door")
        seen = await host_wrote(bordon, to=(sender,), purpose="sighting", whereabouts=True, text="At the pier.")
        await three.let_pass(HOUR, step=QUIET)
        gone = await corby.talk.wrote(OFFICER, thread=seen.thread, in_reply_to=seen.id, text="A car is on its way.",
                                      purpose="information")  # fmt: skip
        await three.let_pass(HOUR, step=QUIET)
        await answered(three)
        assert (await ashby.node.post(returned(id="E1", time=three.now().isoformat()))).status == 202
        await three.let_pass(24 * HOUR, step=6 * HOUR)  # until a duty is overdue, which all are told
        await three.let_pass(HOUR, step=QUIET)

        assert (await judge(three)).amiss == []
        (own,), (there,), (beyond,) = [await cases(side) for side in three.sides]
        sender_of_both = ashby.known.said().source
        assert [one.record.source for one in (own, there, beyond)] == ["so_bromley", sender_of_both, sender_of_both]
        assert {one.record.state for one in (own, there, beyond)} == {"returned"}
        for case, organisation in ((there, HOST), (beyond, HUMBERSIDE)):
            assert {one.notice.organisation for one in case.told} == {organisation}
            assert "returned" in {one.notice.kind for one in case.told}
        names = {(one.notice.organisation, name) for one in own.told for _, name, _ in one.said}
        assert {name for who, name in names if who == HOST} == {"Noor Host"}
        assert {name for who, name in names if who == HUMBERSIDE} == {"Pat Officer"}
        assert {name for who, name in names if who not in (HOST, HUMBERSIDE)} == {"Jo Nairn"}

        assert words(await said(ashby)) == words(await said(bordon)) == words(await said(corby))
        assert [one.id for one in await said(ashby)] == [one.id for one in (asked, reply, rung, seen, gone)]
        assert await heard_by(three, asked) == [[HOST, HUMBERSIDE], [HOST], [HUMBERSIDE]]
        assert await heard_by(three, reply) == [[BROMLEY, HUMBERSIDE], [], [HUMBERSIDE]]
        assert await heard_by(three, rung) == [[HOST, BROMLEY], [HOST], []]
        assert await heard_by(three, seen) == [[BROMLEY, MET, HUMBERSIDE], [], [HUMBERSIDE]]
        assert await heard_by(three, gone) == [[HOST, BROMLEY, MET], [HOST], []]
        went = [set(side.push.to) for side in three.sides]
        inboxes = [side.known.said().inbox for side in three.sides]
        assert went == [{*inboxes[1:]}, {inboxes[0]}, {inboxes[0]}], "the two send each other nothing"


async def test_no_hub_speaks_for_desks_that_were_told_through_another(tmp_path: Path) -> None:
    async with three_hubs(tmp_path, seed=31) as three:
        ashby, bordon, corby = three.sides
        assert (await ashby.node.post(reported(id="E0"))).status == 202
        await three.settle()
        asked = await ashby.talk.wrote(WORKER, to=(FRONT_DOOR, POLICE))
        await three.settle()
        reply = await host_wrote(bordon, thread=asked.thread, text="She was.")
        known = {one.hub: one for one in await ashby.node.see(lambda unit: unit.peers.all())}
        receiving, now = ashby.receiving(), three.now()
        (notice,) = [one for one in await ashby.node.notices(kind="missing") if one.organisation == HUMBERSIDE]
        deliveries = await ashby.node.see(lambda unit: unit.deliveries(notice.id))
        sent = next(one for one in deliveries if one.channel == "push")
        given = AcknowledgementRecord(
            id="ack_1", notice="x", delivery="x", at=now, answer="accepted", name="Pat Officer"
        )
        answer = answer_json(given, message=sent.id, reference=notice.reference, organisation=HUMBERSIDE)
        says = {"attachments": [{"name": answer.name, "data": base64.b64encode(answer.data).decode()}]}
        desk = {"organisation_code": HUMBERSIDE, "desk": POLICE[1], "roles": ["police"]}

        async def answers(side: Side) -> str | None:
            message = Sent(id="ack_1", said=says, same=b"", receipt=None, via=(), signed=b"as it was signed")
            return await receiving.hear(known[side.known.said().hub], message, now)

        async def writes(side: Side) -> Heard | None:
            claims = changed(reply, id=OTHER, in_reply_to=asked.id, **desk)
            message = Sent(id=OTHER, said=claims, same=b"", receipt=None, via=(), signed=b"as it was signed")
            return await receiving.converse(known[side.known.said().hub], message, now)

        with pytest.raises(NotUnderstood, match="nothing that this hub has sent"):
            await answers(bordon)
        with pytest.raises(NotUnderstood, match="no conversation"):
            await writes(bordon)
        assert await answers(corby) is not None
        assert await writes(corby) is not None, "of the same, who was told may say it"


@asynccontextmanager
async def _ring(
    folder: Path, monkeypatch: pytest.MonkeyPatch, *, by_origin: bool, by_via: bool
) -> AsyncIterator[Three]:
    """With both locks, or without one of them at all three."""
    if not by_origin:
        monkeypatch.setattr("hub.service.envelopes.came_from", lambda doc: None)
    async with ring_of_hubs(folder) as three:
        for side in three.sides:
            side.push.forgetful = not by_via
        yield three


@pytest.mark.parametrize(
    ("by_origin", "by_via", "came"),
    [(True, True, [1, 1, 0]), (True, False, [1, 1, 0]), (False, True, [1, 1, 1])],
    ids=["both", "that it came from a hub", "via"],
)
async def test_each_lock_alone_keeps_a_case_from_going_round(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by_origin: bool, by_via: bool, came: list[int]
) -> None:
    async with _ring(tmp_path, monkeypatch, by_origin=by_origin, by_via=by_via) as three:
        await three.ashby.node.post(reported(id="E0"))
        for side in 4 * three.sides:  # not until all is quiet: without the lock that never is
            await side.turn()
        found = [await cases(side) for side in three.sides]
        assert [len(each) for each in found] == came
        last, case = three.sides[sum(came) - 1], found[sum(came) - 1][0]
        states = {one.notice.state for one in case.told if one.notice.organisation == HOST}
        assert states == {"undeliverable"}, "where it stops nobody takes it for told"
        assert {one.kind for one in await last.node.alarms()} >= {"undeliverable", "unanswered"}


async def test_without_either_it_goes_round(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that the test above can fail."""
    async with _ring(tmp_path, monkeypatch, by_origin=False, by_via=False) as three:
        await three.ashby.node.post(reported(id="E0"))
        for side in three.sides:
            await side.turn()
        assert [len(await cases(side)) for side in three.sides] == [2, 1, 1]
