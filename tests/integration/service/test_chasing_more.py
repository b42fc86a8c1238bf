"""What must not happen while a notice waits for its answer: the wrong person asked, or nobody asked any more."""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from adapters.port import Content, Receipt
from contacts.directory import Directory
from hub.core.desk import sight_of
from hub.core.records import AttemptRecord, ClaimedDelivery, DeliveryRecord, DeliveryResult, NoticeRecord
from hub.core.tokens import receipt_token
from hub.service.envelopes import Composer
from hub.service.ports import Unit
from hub.service.receipts import Receipts
from hub.service.sending import NoContact
from hub.service.tenancy import Own, scoped
from tests.integration.service.test_chasing import (
    DESKS,
    MINUTE,
    PLAN,
    answer,
    chase_until,
    contact,
    notice_to,
    ways,
    with_plan,
)
from tests.integration.service.test_receipts import Counted
from tests.kit.clock import START
from tests.kit.events import BROMLEY, DROP, LEEDS, NORTH_LINCOLNSHIRE, found, reported, retracted, returned, updated
from tests.kit.node import ACK_SECRET, Hub, a_hub
from tests.kit.store import sqlite_store

HIGH: dict[str, Any] = {"risk": {"level": "high"}}
JO = {"role": "social_worker", "name": "Jo Worker", "email": "jo.worker@council.example"}
PAT = {
    "role": "parent",
    "name": "Pat Example",
    "email": "pat@family.example",
    "phone": "+447700900112",
    "notify": {"decision": "notify", "decided_by": "Jo Worker, social worker"},
}
WITHHELD = {**PAT, "notify": {"decision": "withhold", "reason": "a threat was made", "decided_by": "Jo Worker"}}
UNDECIDED = {**PAT, "notify": {"decision": "undecided"}}


@pytest.fixture
async def hub(tmp_path: Path):
    made = await a_hub(await sqlite_store(tmp_path))
    made.directory = with_plan(*PLAN, desks=DESKS)
    yield made
    await made.store.aclose()


async def send_all(hub: Hub) -> None:
    """Everything that is due goes out: what is to be attempted first, then the rest."""
    now = hub.clock.now()

    async def work(unit: Unit) -> bool:
        claimed = await unit.claim(now, now + 5 * MINUTE, "node", 1000)
        await unit.finish([_sent(one, now) for one in claimed], "node")
        return bool(claimed)

    while await hub.store.write(work):
        pass


def _sent(claimed: ClaimedDelivery, now: datetime) -> DeliveryResult:
    attempt = AttemptRecord(
        delivery=claimed.delivery.id,
        number=claimed.attempt,
        started_at=now,
        finished_at=now,
        node="node",
        state="sent",
        carried=claimed.delivery.carries,
    )
    moved = "notified" if claimed.notice.state == "pending" and claimed.delivery.carries == "content" else None
    return DeliveryResult(delivery=claimed.delivery.id, attempt=attempt, state="sent", notice_state=moved)


async def to_parent(hub: Hub, kind: str = "missing") -> NoticeRecord:
    return next(one for one in await hub.notices(kind=kind) if one.person == "Pat Example")


def purposes(taken: list[DeliveryRecord]) -> list[tuple[str, str]]:
    return [(way.purpose, way.channel) for way in taken]


@pytest.mark.parametrize("now", [WITHHELD, UNDECIDED])
@pytest.mark.parametrize("said", ["not_ours", "redirected"])
async def test_a_person_kept_back_since_is_not_chased_whatever_they_answer(hub: Hub, now: dict, said: str):
    await hub.post(reported(episode=HIGH, people=[JO, PAT]))
    await send_all(hub)
    await hub.clock.advance(60)
    await hub.post(updated(time=hub.clock.now().isoformat(), people=[JO, now]))
    notice = await to_parent(hub)
    before = purposes(await ways(hub, notice))
    await answer(hub, notice, said)
    await chase_until(hub, START + timedelta(hours=6))
    assert purposes(await ways(hub, notice)) == before


async def test_the_desk_that_stands_in_is_not_pressed_to_tell_a_parent_who_is_withheld_since(hub: Hub):
    unreachable = {key: value for key, value in PAT.items() if key not in ("email", "phone")}
    withheld = {key: value for key, value in WITHHELD.items() if key not in ("email", "phone")}
    await hub.post(reported(episode=HIGH, people=[JO, unreachable]))
    (gap,) = [one for one in await hub.notices(kind="missing") if one.gap_role == "parent"]
    await hub.clock.advance(60)
    await hub.post(updated(time=hub.clock.now().isoformat(), people=[JO, withheld]))
    (after,) = [one for one in await hub.notices(kind="missing") if one.id == gap.id]
    assert (after.state, after.chase_at) == ("withheld", None)
    await chase_until(hub, START + timedelta(hours=6))
    assert {way.state for way in await ways(hub, gap)} == {"cancelled"}


@pytest.mark.parametrize(("now", "state"), [(WITHHELD, "withheld"), (UNDECIDED, "held")])
async def test_a_parent_kept_back_after_the_return_is_sent_nothing_more(hub: Hub, now: dict, state: str):
    await hub.post(reported(episode=HIGH, people=[JO, PAT]))
    await hub.clock.advance(60)
    await hub.post(returned(time=hub.clock.now().isoformat()))
    await hub.clock.advance(60)
    await hub.post(updated(time=hub.clock.now().isoformat(), people=[JO, now]))
    notice = await to_parent(hub, "returned")
    assert (notice.state, notice.chase_at) == (state, None)
    assert {way.state for way in await ways(hub, notice)} == {"cancelled"}


@pytest.mark.parametrize("between", [WITHHELD, UNDECIDED])
async def test_a_parent_kept_back_after_the_return_hears_of_it_once_they_may_be_told_again(hub: Hub, between: dict):
    await hub.post(reported(episode=HIGH, people=[JO, PAT]))
    await send_all(hub)
    await hub.clock.advance(60)
    await hub.post(returned(time=hub.clock.now().isoformat()))
    for number, parent in enumerate((between, PAT, PAT)):
        await hub.clock.advance(60)
        await hub.post(updated(id=f"U{number}", time=hub.clock.now().isoformat(), people=[JO, parent]))
    told = [one for one in await hub.notices(kind="returned") if one.person == "Pat Example"]
    assert sorted(one.state for one in told) == sorted(["pending", "withheld" if between is WITHHELD else "held"])


@pytest.mark.parametrize(("now", "state"), [(WITHHELD, "withheld"), (UNDECIDED, "held")])
async def test_a_parent_kept_back_after_the_retraction_is_not_sent_even_that(hub: Hub, now: dict, state: str):
    await hub.post(reported(episode=HIGH, people=[JO, PAT]))
    await send_all(hub)
    await hub.clock.advance(60)
    await hub.post(retracted(time=hub.clock.now().isoformat()))
    await hub.clock.advance(60)
    await hub.post(updated(time=hub.clock.now().isoformat(), episode={"clothing": "Red coat"}, people=[JO, now]))
    notice = await to_parent(hub, "retraction")
    assert (notice.state, notice.chase_at) == (state, None)
    assert {way.state for way in await ways(hub, notice)} == {"cancelled"}
    assert {way.state for way in await ways(hub, await notice_to(hub, "responsible_authority", "retraction"))} == {
        "due"
    }


@pytest.mark.parametrize("late", [WITHHELD, {**PAT, "suspected_abductor": True}])
async def test_a_parent_withheld_by_an_update_that_was_overtaken_is_sent_nothing_more(hub: Hub, late: dict):
    await hub.post(reported(episode=HIGH, people=[JO, PAT]))
    await hub.clock.advance(600)
    now = hub.clock.now()
    await hub.post(updated(id="U1", time=now.isoformat(), episode={"clothing": "Red coat"}))
    await hub.post(updated(id="U2", time=(now - MINUTE).isoformat(), people=[JO, late]))
    for kind in ("missing", "update"):
        notice = await to_parent(hub, kind)
        assert (notice.state, notice.chase_at) == ("withheld", None)
        assert {way.state for way in await ways(hub, notice)} == {"cancelled"}
    await hub.clock.advance(60)
    await hub.post(returned(time=hub.clock.now().isoformat()))
    assert "Pat Example" not in {one.person for one in await hub.notices(kind="returned")}


@pytest.mark.parametrize("role", ["parent", "social_worker"])
async def test_what_has_not_gone_out_to_a_persons_former_address_goes_to_the_new_one(hub: Hub, role: str):
    was = PAT if role == "parent" else JO
    others = [JO] if role == "parent" else [PAT]
    await hub.post(reported(episode=HIGH, people=[*others, was]))
    await hub.clock.advance(60)
    corrected = {**was, "email": "right@family.example"}
    await hub.post(updated(time=hub.clock.now().isoformat(), people=[*others, corrected]))
    notice = next(one for one in await hub.notices(kind="missing") if one.person == was["name"])
    await chase_until(hub, hub.clock.now() + timedelta(seconds=1))
    waiting = {way.address: way.state for way in await ways(hub, notice) if way.channel == "email"}
    assert waiting == {was["email"]: "cancelled", "right@family.example": "due"}


async def test_a_concern_at_the_return_is_chased(hub: Hub):
    await hub.post(reported(episode=HIGH))
    await send_all(hub)
    await hub.clock.advance(60)
    at = hub.clock.now()
    await hub.post(returned(time=at.isoformat(), returned={"at": at.isoformat(), "crime_alleged": True}))
    concern = await notice_to(hub, "police", "concern")
    assert concern.priority == "immediate"
    await chase_until(hub, at + timedelta(hours=1))
    after = await notice_to(hub, "police", "concern")
    assert after.state == "overdue" or len(await ways(hub, concern)) > 1


async def test_a_concern_at_the_return_is_chased_though_nobody_had_to_hear_of_the_return_itself(hub: Hub):
    away = {"category": "away", "whereabouts_known": True, "at_risk": True}
    at_home = {"type": "family_home", "responsible_authority": DROP, "host_authority": LEEDS}
    child = {"looked_after": False, "legal_status": None}
    await hub.post(reported(episode=away, child=child, placement=at_home, people=[WITHHELD], school=None))
    await send_all(hub)
    await hub.clock.advance(60)
    back = {"at": hub.clock.now().isoformat(), "brought_by": "police", "crime_alleged": True}
    await hub.post(returned(time=hub.clock.now().isoformat(), returned=back))
    assert await hub.notices(kind="returned") == []
    before, crime = await hub.notices(kind="concern")
    assert (before.chase_at, crime.priority) == (None, "immediate")
    await send_all(hub)
    await chase_until(hub, START + timedelta(hours=1))
    assert len(await ways(hub, before)) == 1 and len(await ways(hub, crime)) > 1
    with scoped(Own(str(crime.organisation))):
        sight = sight_of(str(crime.organisation), ("*",), {}, "fallback")
        waiting = await hub.see(lambda unit: unit.desk.listed(sight, "unanswered"))
    assert [one.notice.id for one in waiting] == [crime.id]


async def test_news_after_the_find_is_chased(hub: Hub):
    await hub.post(reported(episode=HIGH))
    await hub.clock.advance(60)
    await hub.post(found(time=hub.clock.now().isoformat()))
    await hub.clock.advance(60)
    await hub.post(updated(time=hub.clock.now().isoformat(), episode={"circumstances": "In hospital"}))
    update = await notice_to(hub, "responsible_authority", "update")
    await chase_until(hub, START + timedelta(hours=1))
    assert len(await ways(hub, update)) > 1


async def test_what_was_overtaken_is_not_chased_whatever_is_answered(hub: Hub):
    await hub.post(reported(episode=HIGH))
    await send_all(hub)
    await hub.clock.advance(60)
    await hub.post(found(time=hub.clock.now().isoformat()))
    missing = await notice_to(hub, "responsible_authority")
    await answer(hub, missing, "not_ours")
    await chase_until(hub, START + timedelta(hours=6))
    assert [way.purpose for way in await ways(hub, missing)] == ["notice"]


async def test_the_front_door_does_not_answer_for_whom_nobody_can_reach(hub: Hub):
    hub.directory = hub.directory.without(["police"])
    await hub.post(reported(episode=HIGH))
    (gap,) = [one for one in await hub.notices(kind="missing") if one.gap_role == "police"]
    own = next(one for one in await hub.notices(kind="missing") if one.organisation == BROMLEY and not one.gap_role
               and "responsible_authority" in one.roles)  # fmt: skip
    assert gap.organisation == own.organisation
    await answer(hub, own)
    await chase_until(hub, START + timedelta(hours=2))
    (after,) = [one for one in await hub.notices() if one.id == gap.id]
    assert len(await ways(hub, gap)) > 1 or after.state == "overdue"


async def test_to_accept_the_return_is_not_to_accept_the_concern_that_came_with_it(hub: Hub):
    await hub.post(reported(episode=HIGH))
    await send_all(hub)
    await hub.clock.advance(60)
    at = hub.clock.now()
    await hub.post(returned(time=at.isoformat(), returned={"at": at.isoformat(), "crime_alleged": True}))
    await answer(hub, await notice_to(hub, "police", "returned"))
    assert (await notice_to(hub, "police", "concern")).chase_at is not None


async def test_who_takes_an_acceptance_back_is_chased_for_all_that_it_had_ended(hub: Hub):
    await hub.post(reported(episode=HIGH))
    await hub.clock.advance(60)
    await hub.post(updated(time=hub.clock.now().isoformat(), episode={"clothing": "A red coat"}))
    update = await notice_to(hub, "responsible_authority", "update")
    await answer(hub, update)
    assert (await notice_to(hub, "responsible_authority")).chase_at is None
    await hub.clock.advance(300)
    await answer(hub, update, "not_ours")
    await chase_until(hub, START + timedelta(hours=2))
    missing = await notice_to(hub, "responsible_authority")
    assert [way.purpose for way in await ways(hub, missing)][-1] == "handover"


async def test_a_way_that_an_acceptance_called_back_is_taken_when_it_is_declined_after_all(hub: Hub):
    await hub.post(reported(episode=HIGH))
    notice = await notice_to(hub, "responsible_authority")
    await chase_until(hub, START + 15 * MINUTE)  # the second contact's turn; the mail server is away
    await answer(hub, notice)
    assert [way.state for way in await ways(hub, notice)] == ["cancelled", "cancelled"]
    await hub.clock.advance(300)
    await answer(hub, notice, "not_ours")
    await chase_until(hub, hub.clock.now() + MINUTE)
    assert [(way.contact, way.state) for way in await ways(hub, notice)][2:] == [("first", "due")]


async def test_an_acceptance_that_was_taken_back_does_not_keep_the_operator_from_knowing(hub: Hub):
    await hub.post(reported(episode=HIGH))
    notice = await notice_to(hub, "responsible_authority")
    await answer(hub, notice)
    await hub.clock.advance(300)
    await answer(hub, notice, "not_ours")
    await chase_until(hub, START + timedelta(hours=3))
    assert "unanswered" in {one.kind for one in await hub.alarms() if one.notice == notice.id}


async def test_the_alarm_that_nobody_answers_is_over_once_somebody_does(hub: Hub):
    await hub.post(reported(episode=HIGH))
    notice = await notice_to(hub, "responsible_authority")
    await chase_until(hub, START + timedelta(hours=2))
    assert "unanswered" in {one.kind for one in await hub.alarms() if one.notice == notice.id}
    await answer(hub, notice)
    assert "unanswered" not in {one.kind for one in await hub.alarms() if one.notice == notice.id}


async def test_a_silent_episode_is_brought_to_a_desks_mind_once_however_many_notices_it_accepted(hub: Hub):
    await hub.post(reported(episode=HIGH))
    await hub.clock.advance(60)
    await hub.post(updated(time=hub.clock.now().isoformat(), episode={"clothing": "A red coat"}))
    await hub.clock.advance(60)
    for kind in ("update", "missing"):  # as they stand in a mailbox: the newest on top
        await answer(hub, await notice_to(hub, "responsible_authority", kind))
    await chase_until(hub, START + timedelta(days=2))
    reminders = [
        way
        for notice in await hub.notices()
        if notice.organisation == BROMLEY and "responsible_authority" in notice.roles and notice.gap_role is None
        for way in await ways(hub, notice)
        if way.purpose == "silent"
    ]
    assert len(reminders) == 1


async def test_a_mailbox_that_two_contacts_share_gets_a_notice_once(hub: Hub):
    shared = [contact("first"), contact("second"), contact("third", order=1)]
    shared[1] = replace(shared[1], address=shared[0].address.upper())
    shared[2] = replace(shared[2], address=shared[0].address)
    hub.directory = with_plan(*shared)
    await hub.post(reported(episode=HIGH))
    notice = await notice_to(hub, "responsible_authority")
    assert [way.contact for way in await ways(hub, notice)] == ["first"]


async def test_a_contact_that_has_no_address_any_more_is_no_rung(hub: Hub):
    await hub.post(reported(episode=HIGH, people=[JO, PAT]))
    await hub.clock.advance(60)
    await hub.post(updated(time=hub.clock.now().isoformat(), people=[JO]))
    await chase_until(hub, START + timedelta(hours=2))
    notice = await to_parent(hub)
    assert notice.state == "overdue"
    assert hub.logged == []


def composer(hub: Hub) -> Composer:
    return Composer(
        directory=lambda: hub.directory, ack_secret=ACK_SECRET, public_url="https://hub.example", collect="Ring us."
    )


async def claimed(hub: Hub, wanted: DeliveryRecord) -> ClaimedDelivery:
    """The delivery in a worker's hands, now."""
    now = hub.clock.now()
    for _ in range(5):
        found = await hub.store.write(lambda unit: unit.claim(now, now + 5 * MINUTE, "node", 1000))
        for one in found:
            if one.delivery.id == wanted.id:
                return one
    raise AssertionError("it cannot be claimed")


async def handed_over(hub: Hub, notice: NoticeRecord) -> DeliveryRecord:
    await send_all(hub)
    for _ in range(8):
        await chase_until(hub, hub.clock.now() + 15 * MINUTE)
        found = [way for way in await ways(hub, notice) if way.purpose == "handover"]
        if found:
            return found[0]
        await send_all(hub)
    raise AssertionError("nobody was asked to ring")


async def test_the_manager_is_told_by_name_which_parent_to_ring_and_nothing_about_the_child(hub: Hub):
    other = {**WITHHELD, "name": "Sam Example", "email": "sam@family.example"}
    await hub.post(reported(episode=HIGH, people=[JO, PAT, other]))
    one = await claimed(hub, await handed_over(hub, await to_parent(hub)))
    body = composer(hub).content(one).body
    assert isinstance(body, Content)
    assert "Pat Example" in body.text and "Pat Example" not in body.subject
    assert "Sam" not in body.text and "Robin" not in body.text and "/a/" not in body.text


async def test_the_manager_is_told_to_ring_whom_nobody_could_tell_not_their_own_council(hub: Hub):
    hub.directory = hub.directory.without(["police"])
    await hub.post(reported(episode=HIGH))
    (gap,) = [one for one in await hub.notices(kind="missing") if one.gap_role == "police"]
    one = await claimed(hub, await handed_over(hub, gap))
    body = composer(hub).content(one).body
    assert isinstance(body, Content)
    police = next(who.organisation for who in one.decision.recipients)
    number = hub.directory.phone(police, "missing_persons_unit")
    assert number is not None and number in body.text
    assert "responsible authority" not in body.text


async def test_the_manager_of_who_is_responsible_now_is_asked_to_ring(hub: Hub):
    await hub.post(reported(episode=HIGH, placement={"responsible_authority": LEEDS}))
    leeds = next(one for one in await hub.notices(kind="missing") if "iro" in one.roles)
    await hub.clock.advance(60)
    await hub.post(updated(time=hub.clock.now().isoformat(), placement={"responsible_authority": BROMLEY}))
    way = await handed_over(hub, leeds)
    assert way.contact == "manager"
    assert composer(hub).content(await claimed(hub, way)).address == "manager@bromley.example"


async def test_an_exercise_stays_with_who_takes_part_even_if_they_are_replaced_on_the_way(hub: Hub):
    training = contact("training", exercises=True)
    hub.directory = with_plan(contact("real"), training, *PLAN[2:], desks=DESKS)
    await hub.post(reported(episode={**HIGH, "status": "exercise"}))
    notice = await notice_to(hub, "responsible_authority")
    (way,) = await ways(hub, notice)
    one = await claimed(hub, way)
    assert composer(hub).content(one).address == training.address
    for contacts in ((contact("real"),), (contact("real"), replace(training, exercises=False))):
        hub.directory = with_plan(*contacts)
        with pytest.raises(NoContact):
            composer(hub).content(one)


async def test_what_waited_goes_to_who_is_in_force_when_it_goes_out(hub: Hub):
    """A relay that is away over the night on which a desk moves must not have it go to the former mailbox."""
    moves = START + timedelta(hours=4)
    hub.directory = with_plan(contact("old", valid_until=moves), contact("new", valid_from=moves), desks=DESKS)
    await hub.post(reported())
    (way,) = await ways(hub, await notice_to(hub, "responsible_authority"))
    assert way.contact == "old"
    await hub.clock.advance(5 * 3600)
    one = await claimed(hub, way)
    assert one.delivery.due_at < moves and composer(hub).content(one).address == "new@bromley.example"


@pytest.mark.parametrize("table", ["organisations", "desks"])
async def test_what_waited_goes_to_no_desk_that_is_closed_since(hub: Hub, table: str):
    await hub.post(reported())
    (way,) = await ways(hub, await notice_to(hub, "responsible_authority"))
    one = await claimed(hub, way)
    entries = getattr(hub.directory.bundle, table)
    closed = tuple(
        replace(each, valid_until=START)
        if BROMLEY in (getattr(each, "code", ""), getattr(each, "organisation", ""))
        else each
        for each in entries
    )
    hub.directory = Directory.of(replace(hub.directory.bundle, **{table: closed}))
    with pytest.raises(NoContact):
        composer(hub).content(one)


async def test_a_school_that_the_child_has_left_is_not_chased_at_the_new_one(hub: Hub):
    hub.directory = without_schools(hub.directory)
    await hub.post(reported(episode=HIGH, school={"urn": "900001", "email": "office@school.example"}))
    notice = await notice_to(hub, "school")
    await hub.clock.advance(60)
    new = {"urn": "900002", "name": "Other School", "email": "office@other.example", "phone": "+447700900150"}
    await hub.post(updated(time=hub.clock.now().isoformat(), school=new))
    await chase_until(hub, START + timedelta(hours=2))
    own = [way.address for way in await ways(hub, notice) if way.purpose != "handover"]
    assert own == ["office@school.example"]


def without_schools(directory: Directory) -> Directory:
    bundle = directory.bundle
    return Directory.of(replace(bundle, contacts=tuple(one for one in bundle.contacts if one.desk != "school_office")))


async def test_a_gap_that_a_desk_accepted_is_not_watched_as_if_the_desk_looked_for_the_child(hub: Hub):
    hub.directory = hub.directory.without(["police"])
    await hub.post(reported(episode=HIGH))
    (gap,) = [one for one in await hub.notices(kind="missing") if one.gap_role == "police"]
    await answer(hub, gap)
    await chase_until(hub, START + timedelta(days=2))
    assert "silent" not in {way.purpose for way in await ways(hub, gap)}


async def test_that_the_manager_was_asked_to_ring_does_not_count_as_having_told_the_desk(hub: Hub):
    await hub.post(reported(episode=HIGH))
    notice = await notice_to(hub, "responsible_authority")
    await handed_over(hub, notice)
    await send_all(hub)
    service = Receipts(store=hub.store, clock=hub.clock, ids=hub.ids, meter=Counted(), nudge=lambda: None)
    for way in await ways(hub, notice):
        if way.purpose == "handover":
            continue
        token = receipt_token(ACK_SECRET, way.id)
        bounced = Receipt(channel="email", kind="bounced", at=hub.clock.now(), token=token, reason="rejected")
        assert await service.take(bounced, b"raw")
    assert (await notice_to(hub, "responsible_authority")).state == "undeliverable"


async def test_a_receipt_outlives_the_lease_of_the_try_that_it_is_about(hub: Hub):
    await hub.post(reported(episode=HIGH))
    now = hub.clock.now()
    (one, *_) = await hub.store.write(lambda unit: unit.claim(now, now + 5 * MINUTE, "node", 1))
    service = Receipts(store=hub.store, clock=hub.clock, ids=hub.ids, meter=Counted(), nudge=lambda: None)
    token = receipt_token(ACK_SECRET, one.delivery.id)
    said = Receipt(channel=one.delivery.channel, kind="delivered", at=now, token=token)
    assert await service.take(said, b"raw")
    await hub.clock.advance(600)
    at = hub.clock.now()
    await hub.store.write(lambda unit: unit.claim(at, at + 5 * MINUTE, "other", 1))
    first = (await hub.see(lambda unit: unit.attempts(one.delivery.id)))[0]
    assert (first.state, first.finished_at) == ("delivered", at)


async def test_to_accept_what_came_before_is_not_to_accept_what_came_after_a_clock_was_set_back(hub: Hub):
    await hub.clock.advance(600)
    await hub.post(reported(episode=HIGH))
    await hub.clock.advance(-300)
    await hub.post(updated(time="2026-03-01T19:50:00Z", episode={"clothing": "A red coat"}))
    missing, update = [await notice_to(hub, "responsible_authority", kind) for kind in ("missing", "update")]
    assert update.created_at < missing.created_at
    await answer(hub, missing)
    assert (await notice_to(hub, "responsible_authority", "update")).chase_at == update.chase_at is not None
    await answer(hub, update)
    assert (await notice_to(hub, "responsible_authority")).chase_at is None, "the newest is watched"


async def test_a_concern_that_was_accepted_is_watched_although_less_urgent_news_is_accepted_since(hub: Hub):
    away = {"category": "away", "whereabouts_known": True, "at_risk": True, "risk": {"level": "medium"}}
    await hub.post(reported(episode=away))
    await answer(hub, await notice_to(hub, "police", "concern"))
    await hub.clock.advance(60)
    await hub.post(updated(time=hub.clock.now().isoformat(), episode={"clothing": "A red coat"}))
    update = await notice_to(hub, "police", "update")
    await answer(hub, update)
    assert not update.urgent, "nothing would be reminded of by itself"
    await chase_until(hub, START + timedelta(days=2))
    concern = await notice_to(hub, "police", "concern")
    assert [way.purpose for way in await ways(hub, concern)] == ["notice", "silent"]


async def test_a_desk_that_was_off_the_directory_for_an_hour_is_asked_again(hub: Hub):
    await hub.post(reported(episode=HIGH))
    await send_all(hub)
    before = hub.directory
    gone = [one for one in before.bundle.contacts if one.organisation != NORTH_LINCOLNSHIRE]
    hub.directory = Directory.of(replace(before.bundle, contacts=tuple(gone)))
    await chase_until(hub, START + timedelta(hours=1))
    notice = await notice_to(hub, "host_authority")
    assert (notice.state, purposes(await ways(hub, notice))[-1][0]) == ("overdue", "handover")
    hub.directory = before
    await chase_until(hub, START + timedelta(hours=9))
    back = [way.purpose for way in await ways(hub, notice)][2:]
    assert back == ["duty_team", "chase"]


async def test_a_desk_that_was_off_the_directory_when_all_was_silent_is_reminded_once_it_is_back(hub: Hub):
    await hub.post(reported(episode=HIGH))
    notice = await notice_to(hub, "host_authority")
    await answer(hub, notice)
    before = hub.directory
    gone = [one for one in before.bundle.contacts if one.organisation != NORTH_LINCOLNSHIRE]
    hub.directory = Directory.of(replace(before.bundle, contacts=tuple(gone)))
    await chase_until(hub, START + timedelta(hours=5))
    hub.directory = before
    await chase_until(hub, START + timedelta(days=2))
    assert [way.purpose for way in await ways(hub, notice)] == ["notice", "silent"]


async def test_nobody_is_left_to_remind_without_end(hub: Hub):
    await hub.post(reported(episode=HIGH))
    await answer(hub, await notice_to(hub, "host_authority"))
    hub.directory = hub.directory.without(organisations=[NORTH_LINCOLNSHIRE])
    await chase_until(hub, START + timedelta(days=20))
    assert (await notice_to(hub, "host_authority")).chase_at is None
