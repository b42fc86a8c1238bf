"""The police ask everybody who was told to hold back: each hears it at once, nobody why, and the clocks wait."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from contacts.fictional import fictional_directory
from hub.core.conversation import Message
from hub.core.holds import MOST_A_DAY, REVIEW, SAID
from hub.notices.document import render_text
from hub.service.audit.ports import Wanted
from hub.service.conversations.posting import Posting
from hub.service.conversations.seats import Who
from hub.service.envelopes import Composer
from hub.service.evidence.gathering import gathered
from hub.service.evidence.words import course
from hub.service.holds.setting import Ask, HoldProblem, Holds, OtherwiseDone, Outcome, Seen, Settled
from hub.service.tenancy import Own, scoped
from hub.service.timeline import timeline_of
from routing.decision import Recipient
from tests.kit.clock import START
from tests.kit.conversing import BROMLEY, HOST, HUMBERSIDE, MET, SCHOOL, Talk, somebody
from tests.kit.events import found, reported, retracted, returned
from tests.kit.node import ACK_SECRET, Hub

POLICE = somebody(HUMBERSIDE, name="Pat Officer")
YARD = somebody(MET, name="Max Officer")
DOOR = somebody(BROMLEY, "front_door")
OFFICE = somebody(SCHOOL, name="Sam Secretary")
WHY = "Surveillance at the flat until Friday"


class Asking(Talk):
    """The police at work on the one episode."""

    @property
    def holds(self) -> Holds:
        return Holds(store=self.hub.store, posting=self.writing.posting, clock=self.hub.clock, nudge=self.hub._nudge)

    async def set(self, who: Who = POLICE, kind: str = "no_enquiries", **more: Any) -> Outcome | None:
        return await self.do(who, "set", kind, **more)

    async def lift(self, who: Who = POLICE, kind: str = "no_enquiries", **more: Any) -> Outcome | None:
        return await self.do(who, "lift", kind, **more)

    async def do(self, who: Who, deed: str, kind: str, **more: Any) -> Outcome | None:
        self.sent += 1
        ask = Ask(**{"kind": kind, "key": f"hold {self.sent}", **more})
        episode = await self.episode()
        with scoped(Own(who.organisation)):
            return await (self.holds.set if deed == "set" else self.holds.lift)(who, episode, ask)

    async def seen(self, who: Who) -> Seen | None:
        episode = await self.episode()
        with scoped(Own(who.organisation)):
            return await self.holds.seen(who, episode)

    async def standing(self) -> list[str]:
        return [one.kind for one in (await self.hub.episode()).holds]

    async def heard(self) -> list[tuple[str | None, str]]:
        """Which organisations were told of holds, and how fast."""
        return sorted((one.organisation or "", one.priority) for one in await self.hub.notices(kind="conversation"))

    async def chased(self, code: str) -> list[str]:
        kinds = ("duty_due", "duty_overdue")
        return [one.kind for one in await self.hub.decisions() if one.kind in kinds and one.duty == code]


@pytest.fixture
async def asking(hub: Hub) -> Asking:
    assert (await hub.post(reported())).status == 202
    return Asking(hub)


def settled(outcome: Outcome | None) -> Settled:
    assert isinstance(outcome, Settled), outcome
    return outcome


async def test_all_who_were_told_hear_it_at_once_each_alone_and_nobody_why(asking: Asking) -> None:
    before = {one.organisation for one in await asking.hub.notices() if one.person is None}
    done = settled(await asking.set(reason=WHY))
    heard = await asking.heard()
    assert {one for one, _ in heard} == before - {HUMBERSIDE} and {MET, BROMLEY, SCHOOL} <= before
    assert {fast for _, fast in heard} == {"immediate"} and done.told == len(heard) and asking.hub.nudged
    persons = [one for one in await asking.hub.notices(kind="conversation") if one.person is not None]
    assert not persons, "no parent, told or withheld"
    episode = await asking.episode()
    messages = await asking.hub.see(lambda unit: unit.conversations.messages(episode))
    assert {one.text for one in messages} == {SAID["no_enquiries"]["set"]} and WHY not in str(messages)
    assert {one.purpose for one in messages} == {"police_hold"} and len({one.thread for one in messages}) == done.told
    with scoped(Own(SCHOOL)):
        listed = await asking.reading.listed(OFFICE, episode)
    assert listed is not None and len(listed.summaries) == 1
    others = {one.organisation for one in listed.summaries[0].parties}
    assert others == {SCHOOL, HUMBERSIDE}, "who else was told is not shown"
    settled(await asking.lift())
    assert await asking.read(OFFICE, listed.summaries[0].thread.id) == list(SAID["no_enquiries"].values())
    assert len(await asking.heard()) == 2 * done.told and await asking.standing() == []
    audit = await asking.hub.see(lambda unit: unit.trail.listed(Wanted(episode=episode), limit=500))
    said = {one.line.action: one.line.detail["told"] for one in audit if one.line.action.startswith("police_hold")}
    assert said == {"police_hold.set": str(done.told), "police_hold.lifted": str(done.told)}
    assert WHY not in str(audit), "it is sealed"


async def test_the_force_reads_its_reason_and_so_does_the_evidence(asking: Asking) -> None:
    done = settled(await asking.set(reason=WHY))
    ours, theirs = [await asking.seen(who) for who in (POLICE, YARD)]
    assert ours is not None and theirs is not None
    assert (
        ours.acts == (replace(done.act),)
        and ours.acts[0].reason == WHY
        and ours.may_set == ("no_enquiries", "no_questions")
    )
    assert theirs.acts == () and theirs.may_set, "another force sees that it stands, and may set its own"
    episode = await asking.episode()
    with scoped(Own(SCHOOL)):
        listed = await asking.reading.listed(OFFICE, episode)
    assert listed is not None and [one.kind for one in listed.holds] == ["no_enquiries"]
    for holds in (theirs.holds, listed.holds):
        by = holds[0].by[0]
        assert (by.reason, by.name) == (None, "")
    for who in (OFFICE, DOOR, somebody("E09000008")):
        assert await asking.seen(who) is None
    bundle = await asking.hub.see(lambda unit: gathered(unit, episode))
    assert bundle is not None
    told = [one.text for one in course(bundle) if WHY in one.text]
    assert len(told) == 1 and "Pat Officer" in told[0] and "make no enquiries" in told[0]


async def test_only_a_police_desk_that_was_told_sets_one_and_only_what_there_can_be(asking: Asking) -> None:
    for who in (DOOR, OFFICE, somebody(HOST), somebody("E23000032", name="Kim Officer"), replace(POLICE, name=" ")):
        assert await asking.set(who) is None and await asking.lift(who) is None
    now = asking.hub.clock.now()
    wrong = await asking.set(kind="no_photos", reason="a\x00b", review_at=now)
    assert isinstance(wrong, list) and [one.field for one in wrong] == ["reason", "review_at", "kind"]
    assert "reason" in wrong[0].message
    late = await asking.set(review_at=now + timedelta(days=400))
    assert late == [HoldProblem(field="review_at", message="The date must be in the future, within a year")]
    assert isinstance(await asking.lift(), list), "there is none"
    assert await asking.standing() == [] and await asking.heard() == []
    await asking.hub.post(returned())
    assert isinstance(await asking.set(), list)
    settled(await asking.set(kind="no_questions"))
    await asking.hub.post(retracted(time="2026-03-02T11:00:00Z"))
    assert await asking.standing() == [] and isinstance(await asking.lift(kind="no_questions"), list)
    over = await asking.set(kind="no_questions")
    assert isinstance(over, list) and over[0].message.startswith("The report was retracted"), over


async def test_sent_twice_it_is_one_and_set_by_two_forces_it_stands_until_both_lift_it(asking: Asking) -> None:
    first = settled(await asking.set(key="same"))
    again = settled(await asking.set(key="same"))
    assert again.repeated and again.act.id == first.act.id
    assert isinstance(await asking.set(key="same", kind="no_questions"), OtherwiseDone)
    for more in ({"reason": WHY}, {"review_at": START + timedelta(days=2)}):
        assert isinstance(await asking.set(key="same", **more), OtherwiseDone), "nobody would be asked on that day"
    told = len(await asking.heard())
    one, two = await asyncio.gather(asking.set(YARD), asking.set(YARD, kind="no_questions"))
    assert settled(one).told == 0 and settled(two).told == first.told, "they were told of it already"
    assert {by.organisation for by in (await asking.hub.episode()).holds[0].by} == {HUMBERSIDE, MET}
    assert settled(await asking.lift()).told == 0 and await asking.standing() == ["no_enquiries", "no_questions"]
    assert isinstance(await asking.lift(), list), "not twice"
    assert settled(await asking.lift(YARD)).told == first.told and await asking.standing() == ["no_questions"]
    assert len(await asking.heard()) == told + 2 * first.told


async def test_who_sets_and_lifts_on_and_on_is_told_to_ring_and_may_always_lift(asking: Asking) -> None:
    for _ in range(MOST_A_DAY):
        settled(await asking.set())
    heard = len(await asking.heard())
    over = await asking.set(reason="Another reason")
    assert isinstance(over, list) and "Ring whoever has to know" in over[0].message
    assert len(await asking.heard()) == heard and settled(await asking.set(key="hold 1")).repeated
    assert settled(await asking.lift()).told > 0


async def test_what_it_covers_waits_and_goes_on_when_it_is_lifted_and_no_due_time_moves(asking: Asking) -> None:
    hub = asking.hub
    settled(await asking.set(kind="no_questions"))
    assert (await hub.post(returned())).status == 202
    (interview,) = await hub.duties("return_interview")
    await hub.run_until(interview.due_at + timedelta(days=3))
    assert await asking.chased("return_interview") == []
    (waiting,) = await hub.duties("return_interview")
    assert (waiting.state, waiting.due_at) == ("open", interview.due_at)
    offers = await asking.chased("return_interview_offer")
    assert "duty_overdue" in offers, "an offer asks the child nothing"
    settled(await asking.lift(kind="no_questions"))
    await hub.run_until(hub.clock.now())
    assert await asking.chased("return_interview") == ["duty_overdue"] * len(
        [one for one in await hub.decisions(kind="duty_overdue") if one.duty == "return_interview"]
    )
    (late,) = await hub.duties("return_interview")
    assert (late.state, late.due_at) == ("overdue", interview.due_at), "due when the law says, and late at once"
    assert [one.kind for one in await hub.decisions(kind="returned")], "that the child is back is never held"


async def test_enquiries_repeat_unchased_until_the_child_is_back(asking: Asking) -> None:
    hub = asking.hub
    settled(await asking.set())
    await hub.run_until(START + timedelta(days=3, hours=1))
    daily = await hub.duties("daily_contact")
    seen = await hub.see(lambda unit: timeline_of(unit, daily[0].episode))
    assert seen is not None and {one.code for one in seen.ahead if seen.paused(one)} == {"daily_contact"}
    assert len(daily) >= 3 and {one.state for one in daily} == {"open"} and await asking.chased("daily_contact") == []
    missed = await hub.decisions(kind="duty_overdue")
    assert missed, "what is not covered is chased as ever"
    await hub.post(found(time=f"{hub.clock.now():%Y-%m-%dT%H:%M:%SZ}"))
    assert await asking.standing() == ["no_enquiries"]


async def test_the_force_is_asked_on_its_day_and_a_hold_never_ends_by_itself(asking: Asking) -> None:
    hub = asking.hub
    at = START + timedelta(days=2)
    settled(await asking.set(YARD, review_at=at))
    await hub.run_until(at + timedelta(hours=1))
    (asked,) = [one for one in await hub.decisions(kind="duty_due") if one.duty == REVIEW]
    assert (asked.at, asked.recipients) == (at, (Recipient(role="police_responsible", organisation=MET),))
    await hub.run_until(at + timedelta(days=2, hours=1))
    late = [one.at for one in await hub.decisions(kind="duty_overdue") if one.duty == REVIEW]
    assert late == [at + timedelta(days=1), at + timedelta(days=2)] and await asking.standing() == ["no_enquiries"]
    settled(await asking.set(YARD, review_at=hub.clock.now() + timedelta(days=9)))
    first, second = await hub.duties(REVIEW)
    assert (first.state, second.state) == ("done", "open")
    later = f"{hub.clock.now():%Y-%m-%dT%H:%M:%SZ}"
    assert (await hub.post(returned(time=later))).status == 202
    await hub.run_until(second.due_at + timedelta(days=2))
    _, second = await hub.duties(REVIEW)
    assert second.state == "cancelled" and len([one for one in await hub.decisions() if one.duty == REVIEW]) == 3


class Dying:
    """Tells one, and dies with the second."""

    def __init__(self, real: Posting) -> None:
        self.real, self.ids, self.posts = real, real.ids, 0

    async def post(self, *args: Any) -> Message:
        self.posts += 1
        if self.posts == 2:
            raise RuntimeError("the process dies here")
        return await self.real.post(*args)


async def test_a_crash_between_the_deed_and_what_tells_of_it_leaves_neither(asking: Asking) -> None:
    dying: Any = Dying(asking.writing.posting)
    episode = await asking.episode()
    with scoped(Own(HUMBERSIDE)), pytest.raises(RuntimeError):
        await replace(asking.holds, posting=dying).set(POLICE, episode, Ask(kind="no_enquiries", key="same"))
    assert await asking.standing() == [] and await asking.heard() == []
    done = settled(await asking.set(key="same"))
    assert not done.repeated and len(await asking.heard()) == done.told > 0


async def test_each_notice_says_so_while_it_stands_but_to_no_parent(asking: Asking) -> None:
    hub = asking.hub
    await hub.wait_until(START + timedelta(minutes=1))
    settled(await asking.set(reason=WHY))
    composer = Composer(directory=fictional_directory, ack_secret=ACK_SECRET, public_url="https://hub.example",
                        collect="x")  # fmt: skip

    async def texts(kind: str) -> dict[str, str]:
        """What they are sent, or read on the page to collect it from."""
        now = hub.clock.now()
        claimed = await hub.store.write(lambda unit: unit.claim(now, now + timedelta(minutes=5), "node", 500))
        return {
            " ".join(one.notice.roles): render_text(composer.shown(one, one.doc).document)
            if one.delivery.carries == "alert"
            else composer.content(one).body.text  # type: ignore[union-attr]
            for one in claimed
            if one.notice.kind == kind
        }

    said = await texts("missing")
    settled(await asking.set(kind="no_questions"))
    assert (await hub.post(returned())).status == 202
    back = await texts("returned")
    assert {"parent", "school"} <= said.keys() and {"parent", "school", "carer"} <= back.keys()
    for roles, text in said.items():
        assert ("make no enquiries" in text) == (roles != "parent"), roles
        assert WHY not in text
    for roles, text in back.items():
        assert ("do not question the child" in text) == (roles != "parent"), roles
        assert "make no enquiries" not in text, "there are none left to make"
