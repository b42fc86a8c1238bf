"""What organisations agree about a child, end to end: told, answered once, brought to mind, and what it closes."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from hub.core.agreements import Refused
from hub.service.agreements.agreeing import Agreed
from hub.service.agreements.steps import ALARM
from hub.service.agreements.terms import Problem, Terms
from hub.service.audit.ports import Wanted
from hub.service.conversations.writing import Conflict
from hub.service.evidence.gathering import gathered
from hub.service.evidence.words import course
from routing.packs import load_packs
from tests.kit.agreeing import Agree
from tests.kit.conversing import BROMLEY, HOST, HUMBERSIDE, SCHOOL, somebody
from tests.kit.events import reported, retracted, returned
from tests.kit.node import Hub

OURS = somebody(BROMLEY, "front_door")
THEIRS = somebody(HOST, "front_door", name="Robin Host")
POLICE = somebody(HUMBERSIDE, name="Pat Officer")
OFFICE = somebody(SCHOOL, name="Sam Secretary")
TO_OURS, TO_HOST = (BROMLEY, "front_door"), (HOST, "front_door")
TO_POLICE, TO_OFFICE = (HUMBERSIDE, "missing_persons_unit"), (SCHOOL, "school_office")
DAY = timedelta(days=1)
OPTIONS = ("north-lincolnshire:interviewer_agreed", "bromley:interviewer_named", "north-lincolnshire:return_arranged")


@pytest.fixture
async def talk(hub: Hub) -> Agree:
    hub = hub.with_packs(load_packs().switched(OPTIONS))
    assert (await hub.post(reported())).status == 202
    return Agree(hub)


async def test_who_interviews_is_agreed_and_the_duty_whose_deed_that_is_is_done(talk: Agree) -> None:
    assert (await talk.hub.post(returned())).status == 202
    (duty,) = await talk.hub.duties("interviewer_agreed")
    assert duty.state == "open"
    made = await talk.proposed(OURS, TO_HOST, text="You are nearer.", whereabouts=False)
    assert await talk.told() == [(HOST, "high")]
    assert made.message.purpose == "agreement" and made.message.text.endswith("\n\nYou are nearer.")
    assert made.message.text.startswith("Proposed: who interviews the child on the return.\nWho does it: Front door, ")
    done = await talk.answer(THEIRS, made.agreement.id, "accept")
    assert isinstance(done, Agreed) and (done.state, done.closed) == ("accepted", ("interviewer_agreed",))
    assert await talk.told() == [(HOST, "high"), (BROMLEY, "high")]
    (duty,) = await talk.hub.duties("interviewer_agreed")
    assert (duty.state, duty.closed_by) == ("done", f"agreement:{made.agreement.id}")
    (named,) = await talk.hub.duties("interviewer_named")
    assert named.state == "open", "that is the group manager's to name"
    (interview,) = await talk.hub.duties("return_interview")
    assert interview.state == "open", "it is not held yet"
    assert await talk.read(OURS, made.agreement.thread) == [made.message.text, done.message.text]
    listed = await talk.hub.see(lambda unit: unit.trail.listed(Wanted(episode=made.agreement.episode), limit=500))
    (line,) = [one.line for one in listed if one.line.action == "agreement.accepted"]
    assert (line.actor, line.organisation, line.detail["duties"]) == (THEIRS.actor, HOST, "interviewer_agreed")
    found = await talk.hub.see(lambda unit: gathered(unit, made.agreement.episode))
    assert found is not None and any("All who were asked have accepted" in one.text for one in course(found))
    assert (await talk.hub.episode()).record.wake_at != made.agreement.deadline


async def test_agreed_between_others_it_closes_nothing(talk: Agree) -> None:
    assert (await talk.hub.post(returned())).status == 202
    made = await talk.proposed(POLICE, TO_OURS, does_it=TO_OURS)
    done = await talk.answer(OURS, made.agreement.id, "accept")
    assert (done.state, done.closed) == ("accepted", ()), "the authority of where the child lives was not asked"
    (duty,) = await talk.hub.duties("interviewer_agreed")
    assert duty.state == "open"


async def test_of_two_answers_at_once_one_wins_and_the_other_hears_what_holds(talk: Agree) -> None:
    made = await talk.proposed(OURS, TO_HOST, TO_POLICE, kind="lead", does_it=TO_POLICE)
    wanted = made.agreement.id
    both = await asyncio.gather(talk.answer(THEIRS, wanted, "decline"), talk.answer(OURS, wanted, "withdraw"))
    won = [one for one in both if isinstance(one, Agreed)]
    lost = [one for one in both if isinstance(one, Refused)]
    assert len(won) == len(lost) == 1 and lost[0] == Refused(why="over", state=won[0].state)
    assert len(await talk.told()) == 2 + 2, "the proposal to two, and one answer to two"
    for who in (POLICE, THEIRS):
        assert isinstance(await talk.answer(who, wanted, "accept"), Refused)


async def test_sent_twice_it_is_one_step_and_changed_it_is_refused(talk: Agree) -> None:
    made = await talk.proposed(OURS, TO_HOST, key="form", text="Please.", whereabouts=False)
    again = await talk.propose(OURS, TO_HOST, key="form", text="Please.", whereabouts=False)
    assert again == replace(made, repeated=True)
    same = {"text": "Please.", "whereabouts": False}
    later = talk.hub.clock.now() + 2 * DAY
    for more in ({"kind": "lead"}, {"text": "Now!"}, {"does_it": TO_OURS}, {"when": later}):
        assert await talk.propose(OURS, TO_HOST, key="form", **same | more) == Conflict(), more
    assert await talk.propose(OURS, TO_HOST, key="form", **same, via="api", deadline=later) == Conflict()
    await talk.hub.clock.advance(60)
    assert await talk.propose(OURS, TO_HOST, key="form", **same) == again, "a form counts its deadline from now"
    done = await talk.answer(THEIRS, made.agreement.id, "accept", key="reply")
    await talk.hub.wait_until(talk.hub.clock.now() + 15 * DAY)
    assert (await talk.answer(THEIRS, made.agreement.id, "accept", key="reply")).message == done.message
    assert await talk.answer(THEIRS, made.agreement.id, "decline", key="reply") == Conflict()
    assert len(await talk.told()) == 2


async def test_nobody_answers_so_who_is_of_it_is_told_once_and_it_can_be_answered_all_the_same(talk: Agree) -> None:
    made = await talk.proposed(OURS, TO_HOST, TO_POLICE, kind="lead", does_it=TO_POLICE)
    await talk.answer(POLICE, made.agreement.id, "accept")
    before = await talk.told()
    await talk.hub.run_until(made.agreement.deadline - timedelta(minutes=1))
    assert await talk.told() == before
    await talk.hub.run_until(made.agreement.deadline + DAY)
    assert (await talk.told())[len(before) :] == [(BROMLEY, "high"), (HOST, "high")], "who has accepted is left alone"
    (alarm,) = [one for one in await talk.hub.alarms() if one.kind == ALARM]
    assert (alarm.owner, alarm.reason) == (BROMLEY, "lead")
    (shown,) = await talk.listed(THEIRS)
    assert shown.state == "open" and shown.agreement.lapsed_at and shown.moves == ("accept", "decline", "counter")
    assert (await talk.read(THEIRS, made.agreement.thread) or [])[-1].startswith("Not answered in time: who leads")
    assert (await talk.answer(THEIRS, made.agreement.id, "accept")).state == "accepted"
    assert not [one for one in await talk.hub.alarms() if one.kind == ALARM]


async def test_a_counter_takes_its_place_and_asks_who_proposed_first(talk: Agree) -> None:
    made = await talk.proposed(OURS, TO_HOST)
    now = talk.hub.clock.now()
    terms = Terms(does_it=TO_OURS, when=now + 2 * DAY, deadline=now + DAY)
    other = await talk.answer(THEIRS, made.agreement.id, "counter", terms=terms, key="instead")
    assert (other.agreement.proposer, other.agreement.asked) == (TO_HOST, (TO_OURS,))
    assert other.agreement.replaces == made.agreement.id and other.message.text.startswith("Proposed instead: ")
    for same, instead in ((True, terms), (False, replace(terms, does_it=TO_HOST)), (False, replace(terms, when=None))):
        sent = await talk.answer(THEIRS, made.agreement.id, "counter", terms=instead, key="instead")
        assert sent == (replace(other, repeated=True) if same else Conflict())
    assert [one.state for one in await talk.listed(OURS)] == ["open", "countered"]
    assert await talk.answer(THEIRS, made.agreement.id, "accept") == Refused(why="over", state="countered")
    assert (await talk.answer(OURS, other.agreement.id, "accept")).state == "accepted"
    await talk.hub.run_until(now + 2 * DAY)
    assert not [one for one in await talk.hub.alarms() if one.kind == ALARM]


async def test_what_was_retracted_is_not_agreed_about_and_brings_nobody_to_mind(talk: Agree) -> None:
    made = await talk.proposed(OURS, TO_HOST)
    assert (await talk.hub.post(retracted())).status == 202
    told = await talk.told()
    assert await talk.answer(THEIRS, made.agreement.id, "accept") == Refused(why="over", state="ended")
    assert isinstance(await talk.propose(OURS, TO_HOST, kind="lead"), tuple)
    await talk.hub.run_until(made.agreement.deadline + DAY)
    assert await talk.told() == told and await talk.hub.wake() is None


async def test_what_is_amiss_is_said_and_who_takes_no_part_finds_nothing(talk: Agree) -> None:
    now = talk.hub.clock.now()
    for more, field in (
        ({"kind": "weather"}, "kind"),
        ({"does_it": None}, "does_it"),
        ({"does_it": TO_OFFICE}, "does_it"),
        ({"deadline": now}, "deadline"),
        ({"when": now - DAY}, "when"),
        ({"text": "At the station."}, "whereabouts"),
        ({"text": "x" * 2_001, "whereabouts": False}, "text"),
    ):
        (problem,) = await talk.propose(OURS, TO_HOST, **more)
        assert isinstance(problem, Problem) and problem.field == field, more
    for to in ((), (("E09000007", "front_door"),), (TO_OURS,)):
        (problem,) = await talk.propose(OURS, *to)
        assert problem.field == "readers", to
    (problem,) = await talk.propose(OURS, TO_OFFICE, does_it=TO_OURS, text="She is at the station.", whereabouts=True)
    assert problem.field == "whereabouts", "a school is told no place, and could not answer"
    made = await talk.proposed(OURS, TO_HOST)
    (problem,) = await talk.propose(THEIRS, TO_OURS)
    assert problem.field == "kind", "it is proposed between them already"
    for who in (OFFICE, somebody("E09000007")):
        assert await talk.answer(who, made.agreement.id, "accept") is None
    assert await talk.answer(POLICE, made.agreement.id, "accept") is None, "it is not in a conversation of theirs"
    assert await talk.listed(OFFICE) == [] and await talk.answer(OURS, "ag_unknown", "withdraw") is None
