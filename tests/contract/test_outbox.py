"""The outbox on both stores: what is found, what is put back, what is called off, and who came first."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from itertools import count
from typing import Any, Literal, TypeVar

import pytest
from sqlalchemy import Connection, text, update

from hub.core.records import AlarmRecord, CalledOff, Changes, Outgoing, Silenced, Sought, StoredEpisode
from hub.edge.ids import SeededIds
from hub.service.outbox import Outbox
from hub.service.outbox_judging import Keep
from hub.service.ports import Unit
from hub.store.outbox import found
from hub.store.sqlite import SqliteStore
from hub.store.tables import notices
from routing.decision import Decision, Recipient
from tests.contract.test_indexes import multiply, plan
from tests.kit.clock import START, FakeClock
from tests.kit.records import SECRETS, Story, moved, result
from tests.kit.store import Stores, claim

LATE = timedelta(minutes=2)
HOUR = timedelta(hours=1)
SERVICES = count()


def outbox(store: Stores, clock: FakeClock | None = None, keep: Keep = lambda decision, stored: None) -> Outbox:
    return Outbox(
        store=store,
        clock=clock or FakeClock(),
        ids=SeededIds(f"outbox-{next(SERVICES)}"),
        late=LATE,
        keep=keep,
        nudge=lambda: None,
    )


async def told(store: Stores, story: Story, recipients: int = 3, **more: Any) -> list[str]:
    """The deliveries of a report to so many desks, in the order they were made."""
    changes = await store.write(lambda unit: story.told(unit, recipients, **more))
    return sorted(one.id for one in changes.deliveries)


async def fail(
    store: Stores, *wanted: str, reason: str = "connection_failed", notice: str | None = "undeliverable"
) -> None:
    """Claim what is due, and let these fail for good; the rest is given back."""
    claimed = await claim(store)
    results = []
    for one in claimed:
        if one.delivery.id in wanted:
            ended = result(one, START, state="failed", attempt="temporary_failure", notice_state=notice)
            results.append(replace(ended, attempt=replace(ended.attempt, reason=reason, carried=None)))
    await store.write(lambda unit: unit.finish(results, "node-1"))
    rest = [one.delivery.id for one in claimed if one.delivery.id not in wanted]
    await store.write(lambda unit: unit.release(rest, "node-1", START))


async def one_of(store: Stores, delivery: str) -> Outgoing:
    (only,) = await store.read(lambda unit: unit.outgoing([delivery]))
    return only


async def ids(store: Stores, **sought: Any) -> list[str]:
    page = await outbox(store).page(Sought(**sought))
    return [one.delivery for one in page.found]


async def test_what_is_not_settled_is_listed_oldest_first_and_counted(store: Stores, story: Story) -> None:
    first, second, third = await told(store, story)
    await fail(store, second)
    claimed = await store.write(lambda unit: unit.claim(START, START + HOUR, "node-2", 1))
    leased = claimed[0].delivery.id
    due = ({first, third} - {leased}).pop()
    page = await outbox(store).page(Sought())
    assert [one.delivery for one in page.found] == [first, second, third]
    assert page.counts == {"due": 1, "leased": 1, "failed": 1, "late": 0, "stuck": 1}
    for state, one in {"due": due, "leased": leased, "failed": second}.items():
        assert await ids(store, state=state) == [one]
    shown = await one_of(store, second)
    assert (shown.state, shown.notice_state, shown.attempts, shown.attempt_state, shown.reason) == (
        "failed", "undeliverable", 1, "temporary_failure", "connection_failed",
    )  # fmt: skip
    assert (shown.organisation, shown.roles, shown.kind, shown.priority) == (
        "E23000001",
        ("police",),
        "missing",
        "high",
    )


async def test_each_filter_narrows_and_what_is_settled_is_only_found_by_its_state(store: Stores, story: Story) -> None:
    first, second, third = await told(store, story)
    await fail(store, first, reason="tls_failed")
    await fail(store, second)
    (last,) = await claim(store)
    await store.write(lambda unit: unit.finish([result(last, START)], "node-1"))
    assert await ids(store) == [first, second]
    assert await ids(store, state="sent") == [third]
    assert await ids(store, state="cancelled") == []
    assert await ids(store, reason="tls_failed") == [first]
    assert await ids(store, channel="email") == [first, second] and await ids(store, channel="sms") == []
    assert await ids(store, organisation="E23000001") == [first, second]
    assert await ids(store, organisation="E09000006") == []
    assert await ids(store, created_before=START) == []
    assert await ids(store, created_before=START + timedelta(microseconds=1)) == [first, second]
    assert await ids(store, deliveries=(third, "dl_none")) == [third], "named ones in whatever state"


async def test_pages_follow_upon_each_other_without_a_hole(store: Stores, story: Story) -> None:
    everything = await told(store, story, 7)
    service, after, seen = outbox(store), None, []
    for size in (3, 3, 1):
        page = await service.page(Sought(), after=after, limit=3)
        assert len(page.found) == size
        seen += [one.delivery for one in page.found]
        after = page.after
    assert (seen, after) == (everything, None)


async def test_late_is_what_nobody_takes_and_stuck_what_nobody_will(store: Stores, story: Story) -> None:
    first, second, _ = await told(store, story)
    await fail(store, first)
    await fail(store, second, notice="notified")
    clock = FakeClock()
    await clock.advance(LATE.total_seconds() + 1)
    page = await outbox(store, clock).page(Sought(state="late"))
    assert len(page.found) == 1 and page.found[0].state == "due"
    stuck = await outbox(store, clock).page(Sought(state="stuck"))
    assert [one.delivery for one in stuck.found] == sorted([first, page.found[0].delivery]), (
        "told otherwise is not stuck"
    )
    ended = moved(Changes(event=None, episode=story.record(), expected_version=None), state="found")
    await store.write(
        lambda unit: unit.save(Changes(event=None, episode=replace(ended, version=2), expected_version=1))
    )
    over = await outbox(store, clock).page(Sought(state="stuck"))
    assert first not in [one.delivery for one in over.found], "nobody has to know of it any more"


async def test_what_failed_long_ago_is_stuck_only_where_the_episode_goes_on(store: Stores, story: Story) -> None:
    (only,) = await told(store, story, 1)
    await fail(store, only)
    await store.write(lambda unit: unit._run(lambda session: session.connection.execute(_A_DUTY)))
    clock = FakeClock()
    await clock.advance(timedelta(days=32).total_seconds())

    async def stuck() -> tuple[list[str], int]:
        page = await outbox(store, clock).page(Sought(state="stuck"))
        return [one.delivery for one in page.found], page.counts["stuck"]

    assert await stuck() == ([only], 1)
    ended = moved(Changes(event=None, episode=story.record(), expected_version=None), state="returned")
    await store.write(lambda unit: unit.save(Changes(event=None, episode=ended, expected_version=1)))
    assert await stuck() == ([], 0)
    assert await ids(store, state="failed") == [only]


_A_DUTY = update(notices).values(kind="duty_due")
"""Which no ending makes pointless."""


async def test_a_failed_delivery_is_due_again_with_its_whole_schedule(store: Stores, story: Story) -> None:
    (only,) = await told(store, story, 1)
    await fail(store, only)
    clock = FakeClock()
    await clock.advance(600)
    done = await outbox(store, clock).redrive(Sought(deliveries=(only,)), actor="operator", why="mended", confirm=True)
    assert [(one.delivery, one.refused) for one in done.judged] == [(only, None)]
    stands = await one_of(store, only)
    assert (stands.state, stands.due_at, stands.notice_state) == ("due", clock.now(), "undeliverable")
    (again,) = await claim(store, timedelta(minutes=11))
    assert (again.delivery.id, again.attempt, again.delivery.redriven_after) == (only, 2, 1)


async def test_a_preview_writes_nothing(store: Stores, story: Story) -> None:
    first, second = await told(store, story, 2)
    await fail(store, first)
    before = await outbox(store).page(Sought())
    for act in (outbox(store).redrive, outbox(store).cancel):
        done = await act(Sought(deliveries=(first, second)), actor="operator")
        assert not done.confirmed
    assert await outbox(store).page(Sought()) == before
    assert await store.read(lambda unit: unit.alarms()) == []


async def test_doing_it_twice_changes_nothing_the_second_time(store: Stores, story: Story) -> None:
    first, second = await told(store, story, 2)
    await fail(store, first)
    for refused in (None, "due"):
        done = await outbox(store).redrive(Sought(deliveries=(first,)), actor="operator", why="asked", confirm=True)
        assert [one.refused for one in done.judged] == [refused]
    for refused in (None, "cancelled"):
        done = await outbox(store).cancel(Sought(deliveries=(second,)), actor="operator", why="duplicate", confirm=True)
        assert [one.refused for one in done.judged] == [refused]
    alarms = await store.read(lambda unit: unit.alarms())
    assert len(alarms) == 1


async def test_what_is_in_a_workers_hands_is_left_alone(store: Stores, story: Story) -> None:
    (only,) = await told(store, story, 1)
    (held,) = await claim(store)
    for act, why in ((outbox(store).redrive, "mended"), (outbox(store).cancel, "duplicate")):
        done = await act(Sought(deliveries=(only,)), actor="operator", why=why, confirm=True)
        assert [one.refused for one in done.judged] == ["leased"]
    assert await store.write(lambda unit: unit.finish([result(held, START)], "node-1")) == []
    assert (await one_of(store, only)).state == "sent"


async def test_a_claim_and_a_cancellation_at_once_have_one_winner(nodes: tuple[Stores, Stores]) -> None:
    one, other = nodes
    story = Story(SeededIds("race"))
    everything = await told(one, story, 20)

    async def cancelling() -> None:
        for delivery in everything:
            await outbox(other).cancel(Sought(deliveries=(delivery,)), actor="operator", why="other", confirm=True)

    async def claiming() -> list[str]:
        taken = []
        for _ in everything:
            taken += [got.delivery.id for got in await claim(one, limit=1)]
        return taken

    _, taken = await asyncio.gather(cancelling(), claiming())
    states = {delivery: (await one_of(one, delivery)).state for delivery in everything}
    assert states == {delivery: "leased" if delivery in taken else "cancelled" for delivery in everything}


async def test_an_ending_overtakes_what_was_put_back(store: Stores, story: Story) -> None:
    (only,) = await told(store, story, 1)
    await fail(store, only)
    await outbox(store).redrive(Sought(deliveries=(only,)), actor="operator", why="mended", confirm=True)
    ended = Changes(
        event=None,
        episode=replace(story.record(), version=2, state="found", ended_at=START),
        expected_version=1,
        supersede=True,
        supersede_kinds=("missing",),
        audit=(story.line("episode.found"),),
    )
    await store.write(lambda unit: unit.save(ended))
    assert (await one_of(store, only)).state == "cancelled"


async def test_an_ending_and_a_redrive_at_once_leave_nothing_to_send(nodes: tuple[Stores, Stores]) -> None:
    one, other = nodes
    stories = [Story(SeededIds(f"race-{n}"), ref=f"EP-{n}", child_ref=f"C-{n}") for n in range(12)]
    letters = [(await told(one, story, 1))[0] for story in stories]
    await fail(one, *letters)

    async def ending(story: Story) -> None:
        record = replace(story.record(), version=2, state="found", ended_at=START)
        ended = Changes(event=None, episode=record, expected_version=1, supersede=True, supersede_kinds=("missing",),
                        audit=(story.line("episode.found"),))  # fmt: skip
        await one.write(lambda unit: unit.save(ended))

    async def redriving(delivery: str) -> None:
        await outbox(other).redrive(Sought(deliveries=(delivery,)), actor="operator", why="mended", confirm=True)

    racing = [ending(story) for story in stories] + [redriving(letter) for letter in letters]
    await asyncio.gather(*racing)
    left = {(await one_of(one, letter)).state for letter in letters}
    assert left <= {"failed", "cancelled"}
    assert await claim(one, HOUR) == []


async def test_nothing_of_an_episode_that_is_over_is_put_back(store: Stores, story: Story) -> None:
    (only,) = await told(store, story, 1)
    await fail(store, only)
    over = Changes(event=None, episode=replace(story.record(), version=2, state="returned"), expected_version=1)
    await store.write(lambda unit: unit.save(over))
    done = await outbox(store).redrive(Sought(state="failed"), actor="operator", why="mended", confirm=True)
    assert [one.refused for one in done.judged] == ["over"]
    assert (await one_of(store, only)).state == "failed"


PARENT = (Recipient(role="parent", organisation=None, person=SECRETS["person"]),)


async def told_parent(store: Stores, story: Story) -> str:
    """The delivery of a notice to a parent."""

    async def work(unit: Unit) -> str:
        await story.meet(unit)
        made = story.report(1)
        decision = replace(made.decisions[0], decision=replace(made.decisions[0].decision, recipients=PARENT))
        notice = replace(made.notices[0], roles=("parent",), organisation=None)
        await unit.save(replace(made, decisions=(decision,), notices=(notice,)))
        return made.deliveries[0].id

    return await store.write(work)


async def test_whoever_is_withheld_since_is_not_sent_what_failed_before(store: Stores, story: Story) -> None:
    """The notice had gone out by another way, so that its own state does not say that its reader is withheld now."""
    only = await told_parent(store, story)
    await fail(store, only, notice="notified")
    withheld = story.decision(None, at=START + HOUR, outcome="withhold", recipients=PARENT)
    later = Changes(
        event=None,
        episode=replace(story.record(), version=2),
        expected_version=1,
        decisions=(withheld,),
        silenced=(Silenced(role="parent", person=SECRETS["person"], state="withheld"),),
    )
    await store.write(lambda unit: unit.save(later))
    assert (await one_of(store, only)).notice_state == "notified"
    done = await outbox(store).redrive(Sought(state="failed"), actor="operator", why="asked", confirm=True)
    assert [one.refused for one in done.judged] == ["withheld"]
    assert await claim(store, HOUR) == []


async def test_the_rules_are_asked_about_whoever_a_decision_names(store: Stores, story: Story) -> None:
    only = await told_parent(store, story)
    await fail(store, only)
    asked = []

    def keep(decision: Decision, stored: StoredEpisode) -> Literal["held"]:
        asked.append((decision.recipients, stored.record.id))
        return "held"

    done = await outbox(store, keep=keep).redrive(Sought(state="failed"), actor="operator", why="asked", confirm=True)
    assert [one.refused for one in done.judged] == ["held"]
    assert asked == [(PARENT, story.episode)]
    assert (await one_of(store, only)).state == "failed"


async def test_what_was_decided_with_the_ending_is_as_good_as_any_news(store: Stores, story: Story) -> None:
    """A child is back and tells of a crime: the return makes the first report pointless, and not this."""
    (before,) = await told(store, story, 1)
    returned, concern = (story.decision(None, number, kind=kind) for number, kind in enumerate(("returned", "concern")))
    notices = tuple(story.notice(one, revision=2) for one in (returned, concern))
    ways = tuple(story.delivery(one) for one in notices)
    ended = Changes(
        event=None, episode=replace(story.record(), version=2, state="returned", revision=2), expected_version=1,
        doc=story.doc(), decisions=(returned, concern), notices=notices, deliveries=ways,
    )  # fmt: skip
    await store.write(lambda unit: unit.save(ended))
    after = ways[1].id
    await fail(store, before, after)
    assert await ids(store, state="stuck") == [after]
    done = await outbox(store).redrive(Sought(state="failed"), actor="operator", why="mended", confirm=True)
    assert {one.delivery: one.refused for one in done.judged} == {before: "over", after: None}
    done = await outbox(store).cancel(Sought(deliveries=(before, after)), actor="operator", why="other", confirm=True)
    assert {one.delivery: one.last_way for one in done.judged} == {before: False, after: True}
    (alarm,) = await store.read(lambda unit: unit.alarms())
    assert alarm.notice == notices[1].id


async def test_the_last_way_is_not_called_off_without_an_alarm(store: Stores, story: Story) -> None:
    (only,) = await told(store, story, 1)
    clock = FakeClock()
    await clock.advance(60)
    done = await outbox(store, clock).cancel(
        Sought(deliveries=(only,)), actor="operator", why="wrong_contact", confirm=True
    )
    assert [one.last_way for one in done.judged] == [True]
    stands = await one_of(store, only)
    assert (stands.state, stands.notice_state) == ("cancelled", "undeliverable")
    (alarm,) = await store.read(lambda unit: unit.alarms())
    assert (alarm.kind, alarm.owner, alarm.notice, alarm.reason) == (
        "undeliverable", "E23000001", stands.notice, "cancelled: wrong_contact",
    )  # fmt: skip
    assert await claim(store, HOUR) == []


async def test_while_another_way_carries_it_nobody_is_alarmed(store: Stores, story: Story) -> None:
    changes = await store.write(lambda unit: story.told(unit, 1))
    (notice,), (first,) = changes.notices, changes.deliveries
    second = story.delivery(notice, channel="push", contact="co_2")
    alert = story.delivery(notice, channel="sms", contact="co_3", carries="alert")
    both = Changes(
        event=None, episode=replace(story.record(), version=2), expected_version=1, deliveries=(second, alert)
    )
    await store.write(lambda unit: unit.save(both))
    service = outbox(store)
    done = await service.cancel(Sought(deliveries=(first.id,)), actor="operator", why="duplicate", confirm=True)
    assert [one.last_way for one in done.judged] == [False]
    assert await store.read(lambda unit: unit.alarms()) == []
    assert (await one_of(store, first.id)).notice_state == "pending"
    rest = (second.id, alert.id)
    for confirm in (False, True):
        done = await service.cancel(Sought(deliveries=rest), actor="operator", why="other", confirm=confirm)
        assert {one.delivery: one.last_way for one in done.judged} == {second.id: True, alert.id: True}
    assert len(await store.read(lambda unit: unit.alarms())) == 1, "one of a kind about one notice"
    assert (await one_of(store, alert.id)).notice_state == "undeliverable"


async def test_the_chase_goes_on_at_once_where_the_last_way_is_gone(store: Stores, story: Story) -> None:
    async def report(unit: Unit) -> Changes:
        await story.meet(unit)
        made = story.report(2)
        first, second = made.notices
        chased = replace(first, chase_at=START + HOUR)  # the other is of a kind that nobody is chased for
        made = replace(made, notices=(chased, second))
        await unit.save(made)
        return made

    made = await store.write(report)
    clock = FakeClock()
    await clock.advance(30)
    await outbox(store, clock).cancel(Sought(state="due"), actor="operator", why="other", confirm=True)
    assert await store.read(lambda unit: unit.due_chases(clock.now(), 10)) == [made.notices[0].id]
    assert await store.read(lambda unit: unit.due_chases(clock.now() + 2 * HOUR, 10)) == [made.notices[0].id]


async def test_what_an_operator_does_is_a_line_each_with_who_and_why(store: Stores, story: Story) -> None:
    first, second = await told(store, story, 2)
    await fail(store, first)
    await outbox(store).redrive(Sought(state="failed"), actor="token:wallboard", why="mended", confirm=True)
    await outbox(store).cancel(Sought(deliveries=(second,)), actor="operator", why="duplicate", confirm=True)
    lines = {(row["actor"], row["action"], row["subject"]): row["detail"] for row in await audit(store)}
    redriven = lines["token:wallboard", "delivery.redriven", first]
    assert redriven == '{"attempts": "1", "reason": "connection_failed", "was": "failed", "why": "mended"}'
    assert ("operator", "delivery.cancelled", second) in lines
    notice = (await one_of(store, second)).notice
    assert ("operator", "notice.undeliverable", notice) in lines


T = TypeVar("T")


async def by_hand(store: Stores, work: Callable[[Connection], T]) -> T:
    """Something on the store's own connection."""
    if isinstance(store, SqliteStore):

        def in_transaction() -> T:
            connection = store._open_connection()
            with connection.begin():
                return work(connection)

        return await store._in_writer(in_transaction)
    async with store._engine.begin() as connection:
        return await connection.run_sync(work)


async def audit(store: Stores) -> list[dict[str, Any]]:
    statement = text("SELECT actor, action, subject, detail FROM audit ORDER BY id")
    return await by_hand(store, lambda on: [dict(row) for row in on.execute(statement).mappings()])


@pytest.mark.parametrize("deed", ["redrive", "cancel"])
async def test_neither_is_done_without_a_reason_or_to_everything_by_mistake(store: Stores, deed: str) -> None:
    act = getattr(outbox(store), deed)
    with pytest.raises(ValueError, match="reasons"):
        await act(Sought(state="failed"), actor="operator", confirm=True)
    with pytest.raises(ValueError, match="narrow"):
        await act(Sought(), actor="operator", why="other", confirm=True)


async def test_one_that_does_not_exist_is_said_to_be_unknown(store: Stores) -> None:
    done = await outbox(store).redrive(Sought(deliveries=("dl_none",)), actor="operator", why="other", confirm=True)
    assert [(one.delivery, one.refused) for one in done.judged] == [("dl_none", "unknown")]
    assert await outbox(store).one("dl_none") is None


async def test_more_than_one_transaction_holds_are_done_all_the_same(
    store: Stores, story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.service.outbox.TOGETHER", 3)
    monkeypatch.setattr("hub.service.outbox.MOST", 8)
    everything = await told(store, story, 10)
    await fail(store, *everything)
    first = await outbox(store).redrive(Sought(state="failed"), actor="operator", why="mended", confirm=True)
    assert (len(first.judged), first.more) == (8, True)
    second = await outbox(store).redrive(Sought(state="failed"), actor="operator", why="mended", confirm=True)
    assert (len(second.judged), second.more) == (2, False)
    assert sorted(one.delivery.id for one in await claim(store)) == everything


async def test_a_later_notice_to_the_same_address_is_a_caution(store: Stores, story: Story) -> None:
    changes = await store.write(lambda unit: story.told(unit, 1, group="g"))
    (first,) = changes.deliveries
    line = sha256(b"line").digest()
    later = replace(story, now=START + timedelta(minutes=1))
    update = later.decision(None, kind="update")
    second = later.notice(update, kind="update")
    way = later.delivery(second, line=line)
    more = Changes(event=None, episode=replace(story.record(), version=2), expected_version=1, decisions=(update,),
                   notices=(second,), deliveries=(way,))  # fmt: skip
    await store.write(lambda unit: unit.save(more))
    statement = text("UPDATE deliveries SET line = :line WHERE id = :id").bindparams(line=line, id=first.id)
    await by_hand(store, lambda on: on.execute(statement).close())
    await fail(store, first.id)
    assert (await outbox(store).one(first.id)).cautions == ()
    claimed = await claim(store, HOUR)
    await store.write(lambda unit: unit.finish([result(one, START + HOUR) for one in claimed], "node-1"))
    assert (await outbox(store).one(first.id)).cautions == ("newer_sent",)


async def test_alarms_of_a_notice_are_cleared_by_kind(store: Stores, story: Story) -> None:
    changes = await store.write(lambda unit: story.told(unit, 2))
    mine, other = (one.id for one in changes.notices)

    def alarm(kind: str, notice: str) -> AlarmRecord:
        return story.alarm(kind, notice=notice)

    raised = [alarm("undeliverable", mine), alarm("no_certificate", mine), alarm("undeliverable", other)]
    for one in raised:
        await store.write(lambda unit, one=one: unit.add_alarm(one, []))
    cleared = await store.write(lambda unit: unit.clear_alarms_of(mine, ("undeliverable", "contact_failed"), START))
    assert cleared == [raised[0].id]
    assert {one.id for one in await store.read(lambda unit: unit.alarms())} == {raised[1].id, raised[2].id}


async def test_calling_off_leaves_what_was_sent_meanwhile(store: Stores, story: Story) -> None:
    """The statement itself does not touch what is neither due nor failed."""
    (only,) = await told(store, story, 1)
    (held,) = await claim(store)
    await store.write(lambda unit: unit.finish([result(held, START)], "node-1"))
    await store.write(lambda unit: unit.call_off(CalledOff(deliveries=(only,), at=START)))
    await store.write(lambda unit: unit.put_back([only], START, []))
    assert (await one_of(store, only)).state == "sent"


async def test_the_dead_letters_are_found_by_their_index(store: Stores, story: Story) -> None:
    await told(store, story, 1)
    question = found(Sought(state="failed"), START, START).limit(100)

    def explained(on: Connection) -> str:
        multiply(on)
        return "\n".join(plan(on, question))

    assert "ix_deliveries_failed" in await by_hand(store, explained)
