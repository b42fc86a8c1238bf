"""Until a named human answers: what follows a notice that nobody has accepted, on the real store."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from contacts.areas import load_areas
from contacts.directory import Directory
from contacts.fictional import fictional_directory
from contacts.model import Bundle, Contact, Desk, Hours
from hub.core.records import DeliveryRecord, NoticeRecord
from hub.core.tokens import ack_token
from hub.service.answers import Answers, Recorded
from hub.service.chasing import Chasing
from tests.kit.clock import START
from tests.kit.events import BROMLEY, found, reported, updated
from tests.kit.node import ACK_SECRET, Hub, a_hub
from tests.kit.store import sqlite_store

MINUTE = timedelta(minutes=1)


class Unmetered:
    def acknowledged(self, answer: str) -> None:
        pass


def chasing(hub: Hub) -> Chasing:
    return Chasing(
        store=hub.store,
        packs=hub.packs,
        areas=load_areas(),
        ways=hub.ways,
        ids=hub.ids,
        nudge=lambda: None,
        log=lambda notice, error: hub.logged.append((notice, error)),
    )


async def chase_until(hub: Hub, until: datetime, service: Chasing | None = None) -> None:
    """Every look at the very moment it is due."""
    service = service or chasing(hub)
    for _ in range(2_000):
        due = await hub.store.read(lambda unit: unit.due_chases(until, 1))
        if not due:
            await hub.wait_until(until)
            return
        tracked = await hub.store.read(lambda unit, one=due[0]: unit.tracked(one))
        await hub.wait_until(tracked.notice.chase_at)
        await service.tick(hub.clock.now())
    raise AssertionError("the chase does not come to rest")


async def notice_to(hub: Hub, role: str, kind: str = "missing") -> NoticeRecord:
    return next(one for one in await hub.notices() if role in one.roles and one.kind == kind)


async def ways(hub: Hub, notice: NoticeRecord) -> Sequence[DeliveryRecord]:
    found = await hub.store.read(lambda unit: unit.deliveries(notice.id))
    return sorted(found, key=lambda one: (one.created_at, one.id))


async def answer(hub: Hub, notice: NoticeRecord, answered: str = "accepted") -> Recorded:
    service = Answers(store=hub.store, clock=hub.clock, ids=hub.ids, meter=Unmetered())
    token = ack_token(ACK_SECRET, (await ways(hub, notice))[0].id)
    recorded = await service.acknowledge(token, name="Jo Worker", answer=answered, redirected_to="The other desk")
    assert isinstance(recorded, Recorded)
    return recorded


def with_plan(*contacts: Contact, desks: Sequence[Desk] = (), hours: Sequence[Hours] = ()) -> Directory:
    """The fictional directory, in which the front door of Bromley has these contacts instead of its own."""
    bundle = fictional_directory().bundle
    changed = {(desk.organisation, desk.function) for desk in desks}
    replaced = {(one.organisation, one.desk) for one in contacts}
    return Directory.of(
        Bundle(
            organisations=bundle.organisations,
            desks=(*(d for d in bundle.desks if (d.organisation, d.function) not in changed), *desks),
            contacts=(*(c for c in bundle.contacts if (c.organisation, c.desk) not in replaced), *contacts),
            hours=(*bundle.hours, *hours),
            certificates=bundle.certificates,
        )
    )


def contact(id: str, desk: str = "front_door", channel: str = "email", order: int = 0, **more) -> Contact:
    address = "+447700900123" if channel == "sms" else f"{id}@bromley.example"
    return Contact(id=id, organisation=BROMLEY, desk=desk, channel=channel, address=address, order=order, **more)


PLAN = (
    contact("first"),
    contact("second", order=1),
    contact("deputy", "mash"),
    contact("night", "emergency_duty_team"),
    contact("manager", "duty_manager"),
)
DESKS = (
    Desk(organisation=BROMLEY, function="front_door", deputy="mash"),
    Desk(organisation=BROMLEY, function="mash"),
    Desk(organisation=BROMLEY, function="emergency_duty_team"),
    Desk(organisation=BROMLEY, function="duty_manager"),
)


@pytest.fixture
async def hub(tmp_path: Path):
    made = await a_hub(await sqlite_store(tmp_path))
    made.directory = with_plan(*PLAN, desks=DESKS)
    yield made
    await made.store.aclose()


async def test_a_serious_notice_climbs_every_rung_a_quarter_of_an_hour_apart(hub: Hub):
    await hub.post(reported(episode={"risk": {"level": "high"}}))
    notice = await notice_to(hub, "responsible_authority")
    assert notice.urgent and notice.chase_at == START + 15 * MINUTE
    await chase_until(hub, START + 75 * MINUTE)
    taken = [(w.purpose, w.contact, (w.created_at - START) // MINUTE) for w in await ways(hub, notice)]
    assert taken == [
        ("notice", "first", 0),
        ("chase", "second", 15),
        ("deputy", "deputy", 30),
        ("duty_team", "night", 45),
        ("handover", "manager", 60),
    ]
    assert (await notice_to(hub, "responsible_authority")).state == "overdue"
    alarms = [one for one in await hub.alarms() if one.notice == notice.id]
    assert [(one.kind, one.owner) for one in alarms] == [("unanswered", "operator")]


async def test_after_the_last_rung_the_desk_is_asked_again_less_and_less_often_and_then_no_more(hub: Hub):
    await hub.post(reported(episode={"risk": {"level": "high"}}))
    notice = await notice_to(hub, "responsible_authority")
    await chase_until(hub, START + timedelta(days=40))
    again = [w.created_at for w in await ways(hub, notice) if w.contact == "first"][1:]
    pauses = [later - earlier for earlier, later in pairwise(again)]
    assert len(again) == 12
    assert pauses == sorted(pauses) and pauses[-1] == timedelta(days=1)
    assert (await notice_to(hub, "responsible_authority")).chase_at is None
    assert len([one for one in await hub.alarms() if one.notice == notice.id]) == 1


async def test_what_is_not_serious_waits_an_hour(hub: Hub):
    await hub.post(reported(episode={"risk": {"level": "low"}}))
    notice = await notice_to(hub, "responsible_authority")
    assert not notice.urgent and notice.chase_at == START + 60 * MINUTE
    await chase_until(hub, START + 119 * MINUTE)
    assert [w.contact for w in await ways(hub, notice)] == ["first", "second"]


async def test_the_first_notice_of_the_police_presses_whatever_the_risk(hub: Hub):
    await hub.post(reported(episode={"risk": {"level": "low"}}))
    police = next(one for one in await hub.notices() if one.roles[0].startswith("police") and one.kind == "missing")
    assert police.urgent and police.chase_at == START + 15 * MINUTE


async def test_an_answer_ends_the_chase_of_that_recipient_and_of_no_other(hub: Hub):
    await hub.post(reported(episode={"risk": {"level": "high"}}))
    notice = await notice_to(hub, "responsible_authority")
    await answer(hub, notice)
    await chase_until(hub, START + 120 * MINUTE)
    assert [w.purpose for w in await ways(hub, notice)] == ["notice"]
    others = [one for one in await hub.notices() if one.id != notice.id and one.organisation != notice.organisation]
    chased = [one for one in others if len(await ways(hub, one)) > 1 or one.state in ("overdue", "unresolved")]
    assert others and len(chased) == len([one for one in others if one.kind == "missing"])


async def test_who_took_the_case_on_is_not_asked_again_about_its_earlier_news(hub: Hub):
    await hub.post(reported(episode={"risk": {"level": "high"}}))
    await hub.clock.advance(5 * 60)
    await hub.post(updated(time=hub.clock.now().isoformat(), episode={"clothing": "A red coat"}))
    late = await notice_to(hub, "responsible_authority", "update")
    await answer(hub, late)
    await chase_until(hub, START + 120 * MINUTE)
    first = await notice_to(hub, "responsible_authority")
    assert [w.purpose for w in await ways(hub, first)] == ["notice"]
    assert first.state == "pending", "an answer to another notice is never inferred"
    assert first.chase_at is None


async def test_not_ours_goes_on_at_once(hub: Hub):
    await hub.post(reported(episode={"risk": {"level": "high"}}))
    notice = await notice_to(hub, "responsible_authority")
    await hub.clock.advance(60)
    await answer(hub, notice, "not_ours")
    await chase_until(hub, START + 2 * MINUTE)
    assert [w.contact for w in await ways(hub, notice)] == ["first", "second"]


async def test_an_answer_that_comes_while_the_look_is_due_wins(hub: Hub):
    await hub.post(reported(episode={"risk": {"level": "high"}}))
    notice = await notice_to(hub, "responsible_authority")
    await hub.wait_until(START + 15 * MINUTE)
    await answer(hub, notice)
    await chasing(hub).tick(hub.clock.now())
    assert [w.purpose for w in await ways(hub, notice)] == ["notice"]


async def test_two_nodes_that_look_at_once_take_one_step(hub: Hub):
    await hub.post(reported(episode={"risk": {"level": "high"}}))
    notice = await notice_to(hub, "responsible_authority")
    at = START + 15 * MINUTE
    one, other = chasing(hub), chasing(hub)
    assert await one.tick(at) > 0
    assert await other.tick(at) == 0
    assert [w.contact for w in await ways(hub, notice)] == ["first", "second"]


async def test_a_restart_after_a_night_takes_one_step_at_a_time(hub: Hub):
    await hub.post(reported(episode={"risk": {"level": "high"}}))
    notice = await notice_to(hub, "responsible_authority")
    await chasing(hub).tick(START + timedelta(hours=9))
    assert [w.contact for w in await ways(hub, notice)] == ["first", "second"]


async def test_nobody_is_chased_for_what_is_over(hub: Hub):
    await hub.post(reported(episode={"risk": {"level": "high"}}))
    await hub.clock.advance(60)
    await hub.post(found(time=hub.clock.now().isoformat()))
    await chase_until(hub, START + timedelta(hours=6))
    missing = await notice_to(hub, "responsible_authority")
    assert [w.purpose for w in await ways(hub, missing)] == ["notice"]
    over = await notice_to(hub, "responsible_authority", "found")
    assert len(await ways(hub, over)) > 1, "that the child was found is a notice that somebody has to answer, too"


async def test_an_accepted_serious_episode_that_goes_silent_is_brought_to_mind_once(hub: Hub):
    await hub.post(reported(episode={"risk": {"level": "high"}}))
    notice = await notice_to(hub, "responsible_authority")
    await hub.clock.advance(60)
    await answer(hub, notice)
    await chase_until(hub, START + timedelta(hours=4))
    assert [w.purpose for w in await ways(hub, notice)] == ["notice"]
    await chase_until(hub, START + timedelta(days=30))
    assert [(w.purpose, w.created_at) for w in await ways(hub, notice)][1:] == [
        ("silent", START + timedelta(hours=4, minutes=1))
    ]
    assert (await notice_to(hub, "responsible_authority")).state == "acknowledged"


async def test_news_puts_the_silence_off(hub: Hub):
    await hub.post(reported(episode={"risk": {"level": "high"}}))
    notice = await notice_to(hub, "responsible_authority")
    await answer(hub, notice)
    await hub.wait_until(START + timedelta(hours=3))
    await hub.post(updated(time=hub.clock.now().isoformat()))
    await chase_until(hub, START + timedelta(hours=6))
    assert [w.purpose for w in await ways(hub, notice)] == ["notice"]
    await chase_until(hub, START + timedelta(hours=7))
    assert [w.purpose for w in await ways(hub, notice)] == ["notice", "silent"]


async def test_a_rota_with_nobody_on_it_is_an_alarm_and_not_a_skip(hub: Hub):
    never = Hours(name="christmas", times="fri 03:00-03:01")
    hub.directory = with_plan(
        contact("first", hours="christmas"),
        contact("night", "emergency_duty_team", hours="christmas"),
        desks=(Desk(organisation=BROMLEY, function="front_door"),),
        hours=(never,),
    )
    await hub.post(reported(episode={"risk": {"level": "high"}}))
    notice = await notice_to(hub, "responsible_authority")
    assert [w.contact for w in await ways(hub, notice)] == ["first"]
    assert ("nobody_on_duty", BROMLEY) in [(a.kind, a.owner) for a in await hub.alarms() if a.notice == notice.id]


async def test_a_mobile_for_what_presses_hides_neither_the_duty_team_nor_the_office(hub: Hub):
    office = contact("office", hours="office")
    mobile = contact("mobile", channel="sms", least_priority="high")
    hours = (Hours(name="office", times="mon-fri 08:30-17:30"), Hours(name="never", times="fri 03:00-03:01"))
    hub.directory = with_plan(office, mobile, contact("night", "emergency_duty_team"), desks=DESKS, hours=hours)
    await hub.post(reported())
    notice = await notice_to(hub, "responsible_authority")
    assert notice.priority == "normal" and [w.contact for w in await ways(hub, notice)] == ["night"]
    asleep = contact("night", "emergency_duty_team", hours="never")
    hub.directory = with_plan(office, mobile, asleep, desks=DESKS, hours=hours)
    await hub.post(reported(id="E2", episode={"ref": "EP-2"}, child={"ref": "C-2"}))
    other = next(one for one in await hub.notices("EP-2") if "responsible_authority" in one.roles)
    assert [w.contact for w in await ways(hub, other)] == ["office"]
    assert ("nobody_on_duty", BROMLEY) in [(a.kind, a.owner) for a in await hub.alarms() if a.notice == other.id]


async def test_a_contact_that_the_directory_gets_because_of_the_alarm_is_told(hub: Hub):
    nobody = with_plan(contact("system", channel="push"), desks=DESKS)
    hub.directory = Directory.of(
        replace(
            nobody.bundle, contacts=[c for c in nobody.bundle.contacts if c.id == "system" or c.organisation != BROMLEY]
        )
    )
    await hub.post(reported(episode={"risk": {"level": "high"}}))
    notice = await notice_to(hub, "responsible_authority")
    await chase_until(hub, START + timedelta(days=2))
    assert await ways(hub, notice) == []
    assert {"no_channel", "unanswered"} <= {a.kind for a in await hub.alarms() if a.notice == notice.id}
    hub.directory = with_plan(contact("new"), desks=DESKS)
    await chase_until(hub, START + timedelta(days=3))
    assert next(w.contact for w in await ways(hub, notice)) == "new"


async def test_a_serious_notice_goes_on_two_channels_and_the_alert_carries_no_content(hub: Hub):
    hub.directory = with_plan(contact("first"), contact("mobile", channel="sms", order=3))
    await hub.post(reported(episode={"risk": {"level": "high"}}))
    notice = await notice_to(hub, "responsible_authority")
    assert [(w.contact, w.carries, w.purpose) for w in await ways(hub, notice)] == [
        ("first", "content", "notice"),
        ("mobile", "alert", "notice"),
    ]


async def test_an_exercise_reaches_only_contacts_that_take_part(hub: Hub):
    hub.directory = with_plan(contact("first"), contact("training", order=1, exercises=True), *PLAN[2:], desks=DESKS)
    await hub.post(reported(episode={"risk": {"level": "high"}, "status": "exercise"}))
    await chase_until(hub, START + timedelta(days=3))
    notices = await hub.notices()
    assert {w.contact for one in notices for w in await ways(hub, one)} == {"training"}
    assert await hub.alarms() == []


async def test_a_notice_that_cannot_be_worked_on_stops_no_other(hub: Hub):
    await hub.post(reported(episode={"risk": {"level": "high"}}))
    broken, *rest = [one.id for one in await hub.notices() if one.chase_at is not None]
    service = chasing(hub)
    real = hub.store.write

    async def failing(work):
        async def guarded(unit):
            lock = unit.lock

            async def watched(*keys):
                if f"notice:{broken}" in keys:
                    raise ValueError("of a made-up kind")
                await lock(*keys)

            unit.lock = watched
            return await work(unit)

        return await real(guarded)

    service.store = replaced_write(hub.store, failing)
    await service.tick(START + 20 * MINUTE)
    left = await hub.store.read(lambda unit: unit.due_chases(START + 20 * MINUTE, 100))
    assert set(left) <= {broken, *(one for one in rest if one == broken)}
    assert hub.logged == [(broken, "ValueError")]
    assert "chase_failed" in {one.kind for one in await hub.alarms()}
    service.store = hub.store
    assert await service.tick(START + 20 * MINUTE) == 0, "left alone for a while"
    assert await service.tick(START + 17 * MINUTE) > 0, "but no longer because the clock was set back"


def replaced_write(store, write):
    class Replaced:
        def __getattr__(self, name):
            return write if name == "write" else getattr(store, name)

    return Replaced()
