"""Notices at the desks of an organisation, on both databases: what a reader's sight lets through, and nothing else."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from contacts.roles import desk_of
from hub.core.desk import EVERY_DESK, Filed, Sight, sight_of
from hub.core.records import AcknowledgementRecord, CalledOff, Changes, NoticeRecord, ReceiptRecord, Received
from hub.service.desk.ports import Reader
from hub.service.ports import Unit
from hub.store import lists
from tests.kit.accounts import accounts_over
from tests.kit.clock import START, FakeClock
from tests.kit.records import SECRETS, Story
from tests.kit.store import Stores

COUNCIL, OTHER = "E09000006", "E09000007"
ALL = Sight(organisation=COUNCIL, every=True)


def sight(*desks: str, contacts: tuple[str, ...] = ()) -> Sight:
    return sight_of(COUNCIL, desks, dict.fromkeys(desks, contacts), "fallback")


async def told(store: Stores, story: Story, *notices: dict[str, Any]) -> list[NoticeRecord]:
    """One episode with these notices; ``contact`` and ``purpose`` are of their one delivery."""

    async def work(unit: Unit) -> Changes:
        await story.meet(unit)
        changes = story.report(len(notices))
        made, ways = [], []
        for given, notice, way in zip(notices, changes.notices, changes.deliveries, strict=True):
            more = dict(given)
            went = {name: more.pop(name) for name in ("contact", "purpose", "state") if name in more}
            values = {"organisation": COUNCIL, "person": None, "roles": ("responsible_authority",), **more}
            made.append(replace(notice, **values))
            ways.append(replace(way, **went))
        changes = replace(changes, notices=tuple(made), deliveries=tuple(ways))
        await unit.save(changes)
        return changes

    return list((await store.write(work)).notices)


async def listed(store: Stores, seen: Sight, which: Any = "all", **more: Any) -> list[str]:
    found = await store.read(lambda unit: unit.desk.listed(seen, which, **more))
    return [one.notice.id for one in found]


async def test_a_reader_sees_what_went_to_desks_of_theirs(store: Stores, story: Story) -> None:
    front, nurse, elsewhere, person, gap, cover, handed, circulated, drill, sandbox = await told(
        store,
        story,
        {},
        {"roles": ("designated_nurse",)},
        {"organisation": OTHER},
        {"roles": ("social_worker",), "person": SECRETS["person"]},
        {"gap_role": "iro"},
        {"roles": ("early_help",), "contact": "co_night"},
        {"roles": ("mash",), "purpose": "handover"},
        {"roles": ("circulation:london",)},
        {"roles": ("early_help",), "status": "exercise"},
        {"roles": ("early_help",), "status": "exercise", "contact": None},
    )
    assert desk_of("circulation:london") == "missing_children"
    for seen, expected in (
        (ALL, [drill, circulated, cover, gap, nurse, front]),
        (sight(), []),
        (sight("front_door"), [front]),
        (sight("designated_nurse", "missing_children"), [circulated, nurse]),
        (sight("fallback"), [gap]),
        (sight("early_help"), [drill, cover]),
        (sight("emergency_duty_team", contacts=("co_night",)), [cover]),
        (sight("mash", "social_work_team", "iro_service"), []),
        (Sight(organisation=OTHER, every=True), [elsewhere]),
        (Sight(organisation="E09000008", every=True), []),
    ):
        assert await listed(store, seen) == [one.id for one in expected], seen
    for notice in (front, nurse, elsewhere, person, gap, cover, handed, circulated, drill, sandbox):
        found = await store.read(lambda unit, id=notice.id: unit.desk.one(sight("front_door"), id))
        assert (found is not None) == (notice is front)
        by_reference = await store.read(
            lambda unit, said=notice.reference: unit.desk.referenced(sight("front_door"), said)
        )
        assert [one.notice.id for one in by_reference] == ([front.id] if notice is front else [])
    thread = await store.read(lambda unit: unit.desk.thread(sight("front_door"), story.episode))
    assert [one.notice.id for one in thread] == [front.id]


async def test_new_then_opened_then_answered(store: Stores, story: Story) -> None:
    (notice,) = await told(store, story, {})
    await stands(store, notice, "new", new=1, unanswered=1)

    async def open_it(unit: Unit) -> None:
        (way,) = await unit.deliveries(notice.id)
        receipt = ReceiptRecord(
            id="rc_1", arrived_at=START, channel="email", kind="displayed", at=START, delivery=way.id
        )
        opened = replace(notice, state="receipted")
        await unit.receive(Received(receipt=receipt, attempt=None, delivery=way.id, state=way.state, notice=opened))

    await store.write(open_it)
    await stands(store, notice, "opened", new=0, unanswered=1)
    await answer(store, story, notice, "not_ours", "receipted")
    await stands(store, notice, "declined", new=0, unanswered=0)
    await answer(store, story, notice, "accepted", "acknowledged")
    await stands(store, notice, "accepted", new=0, unanswered=0)


async def answer(store: Stores, story: Story, notice: NoticeRecord, said: Any, state: Any) -> None:
    async def work(unit: Unit) -> None:
        (way,) = await unit.deliveries(notice.id)
        record = AcknowledgementRecord(
            id=story.id("ack"), notice=notice.id, delivery=way.id, at=START, answer=said, name="Jo Example"
        )
        await unit.acknowledge(record, replace(notice, state=state), None, [])

    await store.write(work)


async def stands(store: Stores, notice: NoticeRecord, standing: str, **counts: int) -> None:
    found = await one(store, notice)
    assert found.standing == standing
    assert found.claimed is not None and found.claimed.doc["child"]["name"] == SECRETS["child"]
    for which, expected in counts.items():
        assert len(await listed(store, ALL, which)) == expected, which
        assert await store.read(lambda unit, which=which: unit.desk.count(ALL, which, 100)) == expected


async def one(store: Stores, notice: NoticeRecord) -> Filed:
    found = await store.read(lambda unit: unit.desk.one(ALL, notice.id))
    assert found is not None
    return found


async def test_who_has_taken_newer_news_on_is_not_asked_for_the_older(store: Stores, story: Story) -> None:
    later = {"created_at": START + timedelta(seconds=1)}
    older, nurse, newer, beside = await told(
        store,
        story,
        {},
        {"roles": ("designated_nurse",)},
        {"roles": ("host_authority", "responsible_authority"), **later},
        later,
    )
    await answer(store, story, newer, "accepted", "acknowledged")
    for which in ("unanswered", "new"):
        assert await listed(store, ALL, which) == [beside.id, nurse.id], "another desk, or news of the same instant"
    assert (await one(store, older)).standing == "new"


async def test_what_an_ending_made_pointless_is_over_and_the_ending_is_news(store: Stores, story: Story) -> None:
    (missing,) = await told(store, story, {})
    before = story.version

    async def find(unit: Unit) -> NoticeRecord:
        stored = await unit.episode_by_id(story.episode)
        assert stored is not None
        event = story.event()
        decision = story.decision(event.id, kind="found")
        notice = story.notice(decision, revision=2, organisation=COUNCIL, person=None, roles=("responsible_authority",))
        record = replace(stored.record, state="found", revision=2, version=before + 1)
        await unit.save(
            Changes(event=event, episode=record, expected_version=before, doc=story.doc(), decisions=(decision,),
                    notices=(notice,), deliveries=(story.delivery(notice),))
        )  # fmt: skip
        return notice

    found = await store.write(find)
    assert (await one(store, missing)).standing == "over"
    assert await listed(store, ALL, "new") == [found.id]
    assert await listed(store, ALL, current=True) == [found.id]
    assert await listed(store, ALL) == [found.id, missing.id]
    listing = await store.read(lambda unit: unit.desk.listed(ALL, "all"))
    assert [one.claimed is None for one in listing] == [False, True], "nothing of what is over is opened for a list"


async def test_what_an_operator_took_back_is_over_for_lists_too(store: Stores, story: Story) -> None:
    gone = {"state": "cancelled"}
    waiting, taken, accepted = await told(store, story, gone, gone, gone)
    await answer(store, story, accepted, "accepted", "acknowledged")
    off = CalledOff(deliveries=(), undeliverable=(taken.id,), at=START)
    await store.write(lambda unit: unit.call_off(off))
    assert [(await one(store, notice)).standing for notice in (waiting, taken, accepted)] == ["new", "over", "accepted"]
    assert await listed(store, ALL, "unanswered") == [waiting.id]
    listing = await store.read(lambda unit: unit.desk.listed(ALL, "all"))
    assert [filed.notice.id for filed in listing if filed.claimed is None] == [taken.id], "no list names the child"
    assert taken.id not in await listed(store, ALL, current=True), "and no search"

    async def other_way(unit: Unit) -> None:
        stored = await unit.episode_by_id(story.episode)
        assert stored is not None
        later = replace(stored.record, version=stored.record.version + 1)
        way = story.delivery(taken, state="failed")
        await unit.save(Changes(event=None, episode=later, expected_version=stored.record.version, deliveries=(way,)))

    await store.write(other_way)
    assert (await one(store, taken)).standing == "new", "not every way of it was taken back"


async def test_a_list_goes_on_behind_the_last_one(store: Stores, story: Story) -> None:
    notices = [one.id for one in await told(store, story, *({} for _ in range(5)))]
    assert await listed(store, ALL, limit=2) == notices[:-3:-1]
    assert await listed(store, ALL, limit=2, before=notices[-2]) == [notices[2], notices[1]]
    assert await listed(store, ALL, before=notices[0]) == []


async def test_of_long_ago_only_what_goes_on_waits(store: Stores, story: Story) -> None:
    made = [one.id for one in await told(store, story, *({"kind": "duty_due"} for _ in range(5)))]
    before, after = START - timedelta(days=1), START + timedelta(days=1)
    newest = made[::-1]
    for since in (None, before, after):
        assert await listed(store, ALL, "unanswered", since=since) == newest
        assert await listed(store, ALL, "new", limit=2, before=made[-1], since=since) == newest[1:3]
        assert await store.read(lambda unit, since=since: unit.desk.count(ALL, "new", 3, since=since)) == 3
    elsewhere = Sight(organisation=OTHER, every=True)
    assert await listed(store, elsewhere, "unanswered", since=after) == []

    async def end(unit: Unit) -> None:
        stored = await unit.episode_by_id(story.episode)
        assert stored is not None
        ended = replace(stored.record, state="returned", version=stored.record.version + 1)
        await unit.save(Changes(event=None, episode=ended, expected_version=stored.record.version))

    await store.write(end)
    assert await listed(store, ALL, "unanswered", since=before) == newest
    assert await listed(store, ALL, "unanswered", since=after) == []
    assert await store.read(lambda unit: unit.desk.count(ALL, "unanswered", 100, since=after)) == 0
    assert await listed(store, ALL) == newest, "there they are all the same"


async def test_what_goes_on_is_never_too_long_ago_to_wait(
    store: Stores, story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lists, "AT_ONCE", 2)
    roles = ("responsible_authority", "designated_nurse", "responsible_authority", *("designated_nurse",) * 4)
    made = [one.id for one in await told(store, story, *({"roles": (role,)} for role in roles))]
    mine, after = sight(desk_of("responsible_authority")), START + timedelta(days=32)
    assert await listed(store, mine, "unanswered", since=after) == [made[2], made[0]]
    assert await listed(store, mine, "unanswered", limit=1, since=after) == [made[2]]
    assert await listed(store, mine, "unanswered", before=made[2], since=after) == [made[0]]
    assert await store.read(lambda unit: unit.desk.count(mine, "unanswered", 100, since=after)) == 2
    assert await store.read(lambda unit: unit.desk.count(mine, "unanswered", 1, since=after)) == 1


async def test_the_way_that_is_shown_is_the_readers_own(store: Stores, story: Story) -> None:
    (notice,) = await told(store, story, {"contact": "co_day"})

    async def ask_the_night(unit: Unit) -> None:
        stored = await unit.episode_by_id(story.episode)
        assert stored is not None
        way = story.delivery(notice, contact="co_night", purpose="duty_team")
        handed = story.delivery(notice, contact="co_manager", purpose="handover")
        later = replace(stored.record, version=stored.record.version + 1)
        await unit.save(
            Changes(event=None, episode=later, expected_version=stored.record.version, deliveries=(way, handed))
        )

    await store.write(ask_the_night)
    for seen, contact in (
        (ALL, "co_day"),
        (sight("front_door"), "co_day"),
        (sight("emergency_duty_team", contacts=("co_night",)), "co_night"),
    ):
        found = await store.read(lambda unit, seen=seen: unit.desk.one(seen, notice.id))
        assert found is not None and found.claimed is not None and found.claimed.delivery.contact == contact
    assert await listed(store, sight("duty_manager", contacts=("co_manager",))) == []


async def test_who_reads_for_which_desks_is_kept(store: Stores) -> None:
    assert await store.read(lambda unit: unit.desk.reader("us_none")) is None
    user = (await accounts_over(store, FakeClock()).member()).viewer.user
    for desks in ({"front_door", "mash"}, {EVERY_DESK}, set[str]()):
        reader = Reader(user=user, organisation=COUNCIL, desks=frozenset(desks), given_at=START, given_by="user:us_1")
        await store.write(lambda unit, reader=reader: unit.desk.put_reader(reader))
        assert await store.read(lambda unit: unit.desk.reader(user)) == reader
