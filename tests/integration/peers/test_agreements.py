"""What people at two hubs agree on: the hub that knows the child keeps it, and the other has the same."""

import asyncio
import base64
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from adapters.port import Attachment
from hub.core.agreements import Agreement, Refused
from hub.core.conversation import Message
from hub.core.peer_agreements import answer_step, proposal_step
from hub.core.peer_cases import NotUnderstood
from hub.core.peer_conversations import message_files
from hub.core.peer_messages import AGREEMENT
from hub.core.peer_messages import Message as Sent
from hub.core.ulid import spelled
from hub.service.agreements.agreeing import Agreed, Shown
from hub.service.agreements.steps import ALARM
from hub.service.agreements.terms import Terms
from hub.service.peers.conversing import Heard
from hub.service.ports import Unit
from hub.service.tenancy import Own, scoped
from tests.integration.peers.test_conversations import FRONT_DOOR, HOUR, MINUTE, THEIRS, WORKER, said, trail, words
from tests.kit.conversing import BROMLEY, HOST
from tests.kit.events import reported
from tests.kit.lossy import LOSSY
from tests.kit.two_hubs import Both, Side, two_hubs
from tests.kit.two_hubs_verdict import judge

DAY = timedelta(days=1)
IRO = (HOST, "iro_service")
OFFICE = ("school:900001", "school_office")


async def kept(side: Side) -> Sequence[Agreement]:
    async def look(unit: Unit) -> Sequence[Agreement]:
        (episode,) = await unit.episode_list()
        return await unit.agreements.of_episode(episode.id)

    return cast(Sequence[Agreement], await side.node.see(look))


def same(some: Sequence[Agreement]) -> list[Any]:
    """But for what each hub calls those who did it."""
    return [
        replace(
            one, episode="", actor="", lapsed_at=None, answers=tuple(replace(each, actor="") for each in one.answers)
        )
        for one in some
    ]


async def shown(side: Side, agreement: str) -> Shown:
    (found,) = [one for one in await side.talk.listed(THEIRS) if one.agreement.id == agreement]
    return found


async def proposed(both: Both, **more: Any) -> Agreed:
    """A child is missing, Ashby's worker proposes something to Bordon's front door, and it is there."""
    assert (await both.ashby.node.post(reported(id="E0"))).status == 202
    await both.let_pass(HOUR, step=30 * MINUTE)
    made = await both.ashby.talk.proposed(WORKER, FRONT_DOOR, **more)
    await both.settle()
    return made


async def heard(both: Both, message: Message, step: str | None, **changed: Any) -> Heard | None:
    """What Ashby makes of a message of Bordon's, as the wire brings it."""
    attached = [*message_files(replace(message, step=None, purpose="agreement", **changed))]
    if step is not None:
        attached.append(Attachment(name=AGREEMENT, media_type="application/json", data=step.encode()))
    (peer,) = await both.ashby.node.see(lambda unit: unit.peers.all())
    claims = {"attachments": [{"name": one.name, "media_type": one.media_type, "data": _base64(one.data)}
                              for one in attached]}  # fmt: skip
    given = Sent(id=changed.get("id", message.id), said=claims, same=b"", receipt=None, via=(), signed=b"signed")
    return await both.ashby.receiving().converse(peer, given, both.now())


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


async def test_what_is_accepted_there_is_agreed_at_both_once_the_first_has_said_so(tmp_path: Path) -> None:
    shares = {fate: 3 * share for fate, share in LOSSY.items()}
    async with two_hubs(tmp_path, seed=4, shares=shares) as both:
        ashby, bordon = both.sides
        made = await proposed(both, text="You are nearer.", whereabouts=False)
        await both.let_pass(HOUR, step=30 * MINUTE)
        one = made.agreement
        before = await shown(bordon, one.id)
        assert (before.state, before.moves) == ("open", ("accept", "decline", "counter"))
        assert (before.agreement.deadline, before.agreement.does_it) == (one.deadline, one.does_it)

        done = await bordon.talk.answer(THEIRS, one.id, "accept", key="a", text="We go.", whereabouts=False)
        assert isinstance(done, Agreed) and done.away and done.state == "open"
        again = await bordon.talk.answer(THEIRS, one.id, "accept", key="a", text="We go.", whereabouts=False)
        assert (again.repeated, again.away, again.message.id) == (True, True, done.message.id)
        waiting = await shown(bordon, one.id)
        assert (waiting.state, waiting.moves, [each.came_to for each in waiting.sent]) == ("open", (), ["waiting"])
        refused = await bordon.talk.answer(THEIRS, one.id, "decline")
        assert refused == Refused(why="on_its_way", state="open")

        await both.let_pass(2 * HOUR, step=30 * MINUTE)
        after = await shown(bordon, one.id)
        assert (after.state, after.moves, [each.came_to for each in after.sent]) == ("accepted", (), ["kept"])
        assert same(await kept(ashby)) == same(await kept(bordon))
        (agreed,) = await kept(ashby)
        assert [(each.party, each.said, each.message) for each in agreed.answers] == [
            (FRONT_DOOR, "accepted", done.message.id)
        ]
        again = await bordon.talk.answer(THEIRS, one.id, "accept", key="a", text="We go.", whereabouts=False)
        assert (again.repeated, again.away, again.state) == (True, False, "accepted")
        assert words(await said(ashby)) == words(await said(bordon))
        (line,) = [each for each in await trail(ashby) if each.action == "agreement.accepted"]
        assert (line.actor, line.organisation) == (agreed.answers[0].actor, HOST) and line.actor.startswith("peer:hub_")
        actions = [each.action for each in await trail(bordon) if each.action.startswith("agreement.")]
        assert sorted(actions) == ["agreement.accepted", "agreement.proposed", "agreement.sent"]
        assert not [alarm for alarm in await ashby.node.see(lambda unit: unit.alarms()) if alarm.kind == ALARM]


async def test_who_answers_what_was_withdrawn_meanwhile_is_told_that_it_does_not_count(tmp_path: Path) -> None:
    async with two_hubs(tmp_path, seed=5) as both:
        ashby, bordon = both.sides
        made = await proposed(both)
        for side in both.sides:
            await side.wire.shut()
        late = await bordon.talk.answer(THEIRS, made.agreement.id, "accept")
        gone = await ashby.talk.answer(WORKER, made.agreement.id, "withdraw")
        assert isinstance(late, Agreed) and isinstance(gone, Agreed)
        await both.let_pass(HOUR, step=30 * MINUTE)
        assert [one.came_to for one in (await shown(bordon, made.agreement.id)).sent] == ["waiting"]
        for side in both.sides:
            await side.wire.open()
        await both.let_pass(HOUR, step=30 * MINUTE)

        now = await shown(bordon, made.agreement.id)
        assert (now.state, [(one.came_to, one.why) for one in now.sent]) == ("withdrawn", [("refused", "over")])
        assert same(await kept(ashby)) == same(await kept(bordon))
        here, there = await said(ashby), await said(bordon)
        assert words(here) == words(there)
        (told,) = [one for one in there if one.in_reply_to == late.message.id]
        assert told.text.startswith("Not counted: what Front door, ") and told.text.endswith("it was withdrawn.")
        (line,) = [each for each in await trail(ashby) if each.action == "agreement.refused"]
        assert (line.subject, line.detail["why"]) == (late.message.id, "over")
        (sent,) = [one for one in here if one.id == late.message.id]
        assert sent.step is None, "it is told on as words only"


async def test_something_else_is_proposed_there_and_withdrawn_and_proposed_again(tmp_path: Path) -> None:
    shares = {fate: 3 * share for fate, share in LOSSY.items()}
    async with two_hubs(tmp_path, seed=6, shares=shares) as both:
        ashby, bordon = both.sides
        made = await proposed(both)
        await both.let_pass(HOUR, step=30 * MINUTE)
        terms = Terms(does_it=made.agreement.proposer, when=both.now() + DAY, deadline=both.now() + 3 * DAY)
        other = await bordon.talk.answer(THEIRS, made.agreement.id, "counter", key="c", terms=terms)
        assert isinstance(other, Agreed) and other.away and other.agreement.replaces == made.agreement.id
        again = await bordon.talk.answer(THEIRS, made.agreement.id, "counter", key="c", terms=terms)
        assert again.repeated and again.away and again.agreement.id == other.agreement.id
        assert len(await kept(bordon)) == 1, "it is not there before it is kept"
        await both.let_pass(2 * HOUR, step=30 * MINUTE)
        assert [one.id for one in await kept(ashby)] == [made.agreement.id, other.agreement.id]
        assert same(await kept(ashby)) == same(await kept(bordon))
        assert (await shown(bordon, other.agreement.id)).moves == ("withdraw",)

        gone = await bordon.talk.answer(THEIRS, other.agreement.id, "withdraw")
        assert isinstance(gone, Agreed)
        await both.let_pass(2 * HOUR, step=30 * MINUTE)
        assert {one.agreement.id: one.state for one in await bordon.talk.listed(THEIRS)} == {
            made.agreement.id: "countered", other.agreement.id: "withdrawn"
        }  # fmt: skip
        new = await bordon.talk.propose(THEIRS, made.agreement.proposer, thread=made.agreement.thread, key="n")
        assert isinstance(new, Agreed) and new.away
        again = await bordon.talk.propose(THEIRS, made.agreement.proposer, thread=made.agreement.thread, key="n",
                                          deadline=new.agreement.deadline)  # fmt: skip
        assert again.repeated and again.away
        waiting = await shown(bordon, new.agreement.id)
        assert (waiting.kept, waiting.moves, [one.came_to for one in waiting.sent]) == (False, (), ["waiting"])
        await both.let_pass(2 * HOUR, step=30 * MINUTE)
        now = await shown(bordon, new.agreement.id)
        assert (now.kept, now.moves, [one.came_to for one in now.sent]) == (True, ("withdraw",), ["kept"])
        accepted = await ashby.talk.answer(WORKER, new.agreement.id, "accept")
        assert isinstance(accepted, Agreed) and accepted.state == "accepted"
        await both.let_pass(30 * HOUR, step=6 * HOUR)
        assert same(await kept(ashby)) == same(await kept(bordon)) and len(await kept(bordon)) == 3
        assert (await shown(bordon, new.agreement.id)).state == "accepted"
        assert words(await said(ashby)) == words(await said(bordon))
        assert (await judge(both)).amiss == []


async def test_nobody_answers_in_time_and_a_late_answer_counts(tmp_path: Path) -> None:
    async with two_hubs(tmp_path, seed=7) as both:
        ashby, bordon = both.sides
        made = await proposed(both, deadline=both.now() + 3 * HOUR)
        await both.let_pass(5 * HOUR, step=HOUR)
        assert [one.kind for one in await ashby.node.see(lambda unit: unit.alarms()) if one.kind == ALARM] == [ALARM]
        assert not [one for one in await bordon.node.see(lambda unit: unit.alarms()) if one.kind == ALARM]
        (late,) = await kept(bordon)
        assert late.lapsed_at is not None and (await shown(bordon, late.id)).moves
        assert isinstance(await bordon.talk.answer(THEIRS, made.agreement.id, "decline"), Agreed)
        await both.settle()
        assert [one.said for one in (await kept(ashby))[0].answers] == ["declined"]
        assert same(await kept(ashby)) == same(await kept(bordon))
        assert not [one for one in await ashby.node.see(lambda unit: unit.alarms()) if one.kind == ALARM]


async def test_the_answer_before_its_proposal_and_each_of_them_twice(tmp_path: Path) -> None:
    async with two_hubs(tmp_path, seed=8) as both:
        ashby, bordon = both.sides
        assert (await ashby.node.post(reported(id="E0"))).status == 202
        await both.let_pass(HOUR, step=30 * MINUTE)
        opened = await ashby.talk.wrote(WORKER, to=(FRONT_DOOR,))
        await both.settle()
        bordon.wire.shares = {"held": 1.0}
        await ashby.talk.proposed(WORKER, FRONT_DOOR, thread=opened.thread)
        await ashby.turn()
        bordon.wire.shares = {}
        (made,) = await kept(ashby)
        assert isinstance(await ashby.talk.answer(WORKER, made.id, "withdraw"), Agreed)
        await ashby.turn()
        await bordon.turn()
        await both.let_pass(HOUR, step=30 * MINUTE)
        assert same(await kept(ashby)) == same(await kept(bordon))
        assert [one.state for one in await bordon.talk.listed(THEIRS)] == ["withdrawn"]


async def test_what_comes_again_has_the_same_answer_and_is_counted_once(tmp_path: Path) -> None:
    async with two_hubs(tmp_path, seed=9) as both:
        ashby, bordon = both.sides
        made = await proposed(both)
        done = await bordon.talk.answer(THEIRS, made.agreement.id, "accept")
        step = answer_step(made.agreement.id, "accept")
        answers = await asyncio.gather(*(heard(both, done.message, step) for _ in range(3)))
        assert {one.agreement for one in answers if one} == {"kept"} and len(
            {one.reference for one in answers if one}
        ) == 1
        number = len(await said(ashby))
        await both.settle()
        assert len(await said(ashby)) == number and [one.said for one in (await kept(ashby))[0].answers] == ["accepted"]
        late = {"id": spelled("ms", 7)}
        for _ in range(2):
            refused = await heard(both, done.message, answer_step(made.agreement.id, "decline"), **late)
            assert refused is not None and refused.agreement == "over"
        assert len(await said(ashby)) == number + 2, "what was said, once, and that it does not count"


async def test_a_step_that_is_not_theirs_to_make_is_words_and_counts_nothing(tmp_path: Path) -> None:
    async with two_hubs(tmp_path, seed=3) as both:
        made = (await proposed(both)).agreement
        wrote = await both.bordon.talk.wrote(THEIRS, thread=made.thread, text="Well.", purpose="information")
        new = replace(made, id=spelled("ag", 9), proposer=FRONT_DOOR, asked=(made.proposer,))
        steps = [
            ("of none that is known", answer_step(spelled("ag", 5), "accept"), "not_asked"),
            ("another's to withdraw", answer_step(made.id, "withdraw"), "not_the_proposer"),
            ("under an id in use", proposal_step(replace(new, id=made.id)), "not_asked"),
            (
                "of somebody else's doing",
                proposal_step(replace(new, kind="lead", does_it=IRO)),
                "not_asked",
            ),
            ("of the past", proposal_step(replace(new, kind="lead", deadline=both.now() - MINUTE)), "late"),
            (
                "of a time far away",
                proposal_step(replace(new, kind="lead", deadline=both.now() + 99 * DAY)),
                "not_asked",
            ),
            ("the hub's own to say", answer_step(made.id, "lapse"), "not_asked"),
            ("proposed already", proposal_step(new), "in_the_way"),
            ("asked of themselves", proposal_step(replace(new, kind="lead", asked=(FRONT_DOOR,))), "not_asked"),
            ("asked of who does not read it", proposal_step(replace(new, kind="lead", asked=(OFFICE,))), "unread"),
            ("other terms' kind", proposal_step(replace(new, kind="lead", replaces=made.id)), "not_asked"),
        ]
        for number, (what, step, why) in enumerate(steps):
            again = {"id": spelled("ms", 100 + number)}
            came = await heard(both, wrote, step, **again)
            assert came is not None and came.agreement == why, what
            assert came == await heard(both, wrote, step, **again), what
        assert same(await kept(both.ashby)) == same([made])
        told = [one.in_reply_to for one in await said(both.ashby) if one.text.startswith("Not counted: ")]
        assert sorted(told) == [spelled("ms", 100 + number) for number in range(len(steps))]
        for broken in ("{}", "[]", "no", answer_step(made.id, "accept").replace("ag_", "xx_"),
                       proposal_step(new).replace("front_door", "back_door")):  # fmt: skip
            with pytest.raises(NotUnderstood):
                await heard(both, wrote, broken, id=spelled("ms", 200))


async def test_what_is_proposed_in_a_conversation_that_began_there(tmp_path: Path) -> None:
    async with two_hubs(tmp_path, seed=13) as both:
        ashby, bordon = both.sides
        assert (await ashby.node.post(reported(id="E0"))).status == 202
        await both.let_pass(HOUR, step=30 * MINUTE)
        episode = await bordon.talk.episode()
        with scoped(Own(HOST)):
            audience = await bordon.talk.writing.audience(THEIRS, episode)
        assert audience is not None and audience.sender is not None
        first = await bordon.talk.wrote(THEIRS, to=(audience.sender.key,))
        await both.settle()
        await ashby.talk.wrote(WORKER, thread=first.thread, text="Yes.", purpose="information")
        await both.settle()
        await bordon.wire.shut()
        await ashby.wire.shut()
        new = await bordon.talk.propose(THEIRS, (BROMLEY, "front_door"), thread=first.thread, kind="lead")
        rival = await ashby.talk.proposed(WORKER, FRONT_DOOR, thread=first.thread, kind="lead")
        assert isinstance(new, Agreed) and new.away
        for side in both.sides:
            await side.wire.open()
        await both.let_pass(HOUR, step=30 * MINUTE)
        assert same(await kept(ashby)) == same(await kept(bordon)) == same([rival.agreement])
        lost = await shown(bordon, new.agreement.id)
        assert (lost.kept, lost.moves, [one.why for one in lost.sent]) == (False, (), ["in_the_way"])
        assert isinstance(await bordon.talk.answer(THEIRS, rival.agreement.id, "decline"), Agreed)
        await both.settle()
        again = await bordon.talk.propose(THEIRS, (BROMLEY, "front_door"), thread=first.thread, kind="lead")
        await both.settle()
        assert isinstance(await ashby.talk.answer(WORKER, again.agreement.id, "accept"), Agreed)
        await both.settle()
        assert (await shown(bordon, again.agreement.id)).state == "accepted"
        assert same(await kept(ashby)) == same(await kept(bordon))
