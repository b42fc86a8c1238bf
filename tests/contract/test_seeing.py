"""Answers, alarms, quarantine, counts, the directory."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from hub.core.records import AcknowledgementRecord, NoticeState
from hub.edge.ids import SeededIds
from tests.kit.clock import START
from tests.kit.records import SECRETS, Story, moved, result
from tests.kit.store import LEASE, Stores, claim


def answer(story: Story, notice: str, delivery: str, **more: object) -> AcknowledgementRecord:
    values = {
        "id": story.id("ac"),
        "notice": notice,
        "delivery": delivery,
        "at": START,
        "answer": "accepted",
        "name": SECRETS["answered"],
    }
    return AcknowledgementRecord(**values | more)  # type: ignore[arg-type]  # each test names fields


async def test_a_token_finds_its_delivery_and_notice(store: Stores, story: Story) -> None:
    changes = await store.write(lambda unit: story.told(unit, 2))
    found = await store.read(lambda unit: unit.delivery_by_token(changes.deliveries[1].token_digest))
    assert found == (changes.deliveries[1], changes.notices[1])


async def test_an_accepted_notice_is_sent_no_more_and_no_other_is_touched(store: Stores, story: Story) -> None:
    changes = await store.write(lambda unit: story.told(unit, 2))
    mine, other = changes.notices
    record = answer(story, mine.id, changes.deliveries[0].id)
    acknowledged = replace(mine, state="acknowledged", state_at=START)
    await store.write(lambda unit: unit.acknowledge(record, acknowledged, None, [story.line("notice.acknowledged")]))
    assert await store.read(lambda unit: unit.acknowledgements(mine.id)) == [record]
    assert await store.read(lambda unit: unit.acknowledgements(other.id)) == []
    assert await store.read(lambda unit: unit.notices(story.episode)) == [acknowledged, other]
    assert [one.notice for one in await claim(store)] == [other]
    assert (await store.read(lambda unit: unit.deliveries(mine.id)))[0].state == "cancelled"


async def test_accepted_while_a_worker_has_it_in_hand(store: Stores, story: Story) -> None:
    changes = await store.write(lambda unit: story.told(unit))
    (claimed,) = await claim(store)
    record = answer(story, claimed.notice.id, claimed.delivery.id)
    done = replace(changes.notices[0], state="acknowledged")
    await store.write(lambda unit: unit.acknowledge(record, done, None, []))
    again = result(claimed, START, state="due", attempt="temporary_failure", due_at=START)
    await store.write(lambda unit: unit.finish([again], "node-1"))
    assert await claim(store, 2 * LEASE) == []


async def test_not_ours_reopens_and_alarms_and_every_answer_stays(store: Stores, story: Story) -> None:
    changes = await store.write(lambda unit: story.told(unit))
    (mine,), (delivery,) = changes.notices, changes.deliveries
    first = answer(story, mine.id, delivery.id, answer="redirected", redirected_to=SECRETS["redirected"])
    second = answer(story, mine.id, delivery.id, answer="not_ours", at=START + timedelta(seconds=1))
    reopened = replace(mine, state="unresolved")
    alarm = story.alarm("redirected", notice=mine.id)
    await store.write(lambda unit: unit.acknowledge(first, reopened, alarm, []))
    await store.write(lambda unit: unit.acknowledge(second, reopened, None, []))
    assert await store.read(lambda unit: unit.acknowledgements(mine.id)) == [first, second]
    assert await store.read(lambda unit: unit.alarms()) == [alarm]
    assert len(await claim(store)) == 1


@pytest.mark.parametrize("state", ["superseded", "acknowledged", "withheld", "held"])
async def test_some_notices_are_never_claimed(store: Stores, story: Story, state: NoticeState) -> None:
    await store.write(story.meet)
    changes = story.report()
    notice = replace(changes.notices[0], state=state)
    await store.write(lambda unit: unit.save(replace(changes, notices=(notice,))))
    assert await claim(store) == []


async def test_alarms_are_raised_once_and_cleared_once(store: Stores, story: Story) -> None:
    changes = await store.write(lambda unit: story.told(unit, 2))
    first = story.alarm("undeliverable", notice=changes.notices[0].id)
    same = replace(first, id="al_2", reason="another reason", raised_at=START + timedelta(hours=1))
    different = [
        replace(first, id="al_3", kind="gap"),
        replace(first, id="al_4", notice=changes.notices[1].id),
        replace(first, id="al_5", owner="E09000006"),
        replace(first, id="al_6", notice=None),
        replace(first, id="al_7", notice=None, reason="no_desk"),
        replace(first, id="al_8", notice=None, episode=None),
    ]
    for alarm in (first, same, *different, *different):
        await store.write(lambda unit, alarm=alarm: unit.add_alarm(alarm, [story.line("alarm.raised")]))
    assert await store.read(lambda unit: unit.alarms()) == [first, *different]
    cleared = START + timedelta(hours=2)
    await store.write(lambda unit: unit.clear_alarm(first.id, cleared, [story.line("alarm.cleared")]))
    await store.write(lambda unit: unit.clear_alarm(first.id, cleared + LEASE, [story.line("alarm.cleared")]))
    await store.write(lambda unit: unit.clear_alarm("al_none", cleared, []))
    assert await store.read(lambda unit: unit.alarms()) == different
    everyone = await store.read(lambda unit: unit.alarms(open_only=False))
    assert replace(first, cleared_at=cleared) in everyone
    await store.write(lambda unit: unit.add_alarm(same, []))
    assert same in await store.read(lambda unit: unit.alarms())


async def test_each_contact_of_a_notice_has_an_alarm_of_its_own(store: Stores, story: Story) -> None:
    changes = await store.write(lambda unit: story.told(unit))
    notice = changes.notices[0].id
    made = [story.alarm("contact_failed", notice=notice, contact=contact) for contact in ("co|1", "co_2", None)]
    for alarm in (*made, *(replace(one, id=story.id("al")) for one in made)):
        await store.write(lambda unit, alarm=alarm: unit.add_alarm(alarm, []))
    found = await store.read(lambda unit: unit.alarms())
    assert sorted(found, key=lambda one: one.id) == sorted(made, key=lambda one: one.id)


async def test_an_alarm_in_a_change_is_raised_once(store: Stores, story: Story) -> None:
    await store.write(story.meet)
    changes = story.report()
    alarm = story.alarm()
    changes = replace(changes, alarms=(alarm, replace(alarm, id="al_again")))
    await store.write(lambda unit: unit.save(changes))
    assert await store.read(lambda unit: unit.alarms()) == [alarm]


async def test_quarantine_keeps_the_body_and_every_problem(store: Stores, story: Story) -> None:
    record = story.quarantined()
    resolved = story.quarantined(reason="stale_signature", problems=(), resolved_at=START)
    alarm = story.alarm("quarantine")
    await store.write(lambda unit: unit.add_quarantine(record, alarm, [story.line("event.quarantined")]))
    await store.write(lambda unit: unit.add_quarantine(resolved, alarm, [story.line("event.quarantined")]))
    assert await store.read(lambda unit: unit.quarantine()) == [record]
    assert await store.read(lambda unit: unit.quarantine(unresolved_only=False)) == [record, resolved]
    assert await store.read(lambda unit: unit.alarms()) == [alarm]


async def test_a_kept_event_that_turns_out_invalid_is_quarantined_with_the_change(store: Stores, story: Story) -> None:
    await store.write(story.meet)
    record = story.quarantined(reason="kept_event_invalid")
    await store.write(lambda unit: unit.save(replace(story.report(), quarantine=(record,))))
    assert await store.read(lambda unit: unit.quarantine()) == [record]


async def test_counts(store: Stores, story: Story) -> None:
    nothing = await store.read(lambda unit: unit.counts(START, START))
    assert set(nothing.values()) == {0}
    changes = await store.write(lambda unit: story.told(unit, 4))
    await claim(store, limit=1)
    await store.write(lambda unit: unit.add_quarantine(story.quarantined(), story.alarm("quarantine"), []))
    late = START + timedelta(seconds=1)
    counted = await store.read(lambda unit: unit.counts(START + LEASE, late))
    expected = {
        "deliveries_due": 3,
        "deliveries_late": 3,
        "leases_expired": 1,
        "episodes_late": 0,
        "alarms_open": 1,
        "quarantine_open": 1,
        "notices_pending": 4,
        "episodes_open": 1,
    }
    assert counted == nothing | expected
    assert (await store.read(lambda unit: unit.counts(START, START)))["deliveries_late"] == 0
    tomorrow = START + timedelta(days=1)
    assert (await store.read(lambda unit: unit.counts(tomorrow, tomorrow)))["episodes_late"] == 1
    gone = moved(changes, state="returned", wake_at=None)
    await store.write(
        lambda unit: unit.save(
            replace(
                story.report(),
                event=None,
                doc=None,
                decisions=(),
                notices=(),
                deliveries=(),
                register=(),
                audit=(),
                episode=gone,
                expected_version=1,
            )
        )
    )
    counted = await store.read(lambda unit: unit.counts(tomorrow, tomorrow))
    assert (counted["episodes_late"], counted["episodes_open"]) == (0, 0)


async def test_the_newest_directory_counts(store: Stores, story: Story) -> None:
    assert await store.write(lambda unit: unit.put_directory(b"one", START, [story.line("directory.imported")])) == 1
    bundle = SECRETS["bundle"].encode() + bytes(range(256))
    assert await store.write(lambda unit: unit.put_directory(bundle, START, [])) == 2
    assert await store.read(lambda unit: unit.directory_bundle()) == (2, bundle)


async def test_two_directories_at_once_get_two_numbers(nodes: tuple[Stores, Stores]) -> None:
    numbers = await asyncio.gather(
        *(nodes[n % 2].write(lambda unit, n=n: unit.put_directory(b"%d" % n, START, [])) for n in range(6))
    )
    assert sorted(numbers) == [1, 2, 3, 4, 5, 6]


async def test_a_line_of_the_audit_log_by_itself_is_kept_once(store: Stores, story: Story) -> None:
    line = story.line("register.read")
    await store.write(lambda unit: unit.add_audit([line]))
    with pytest.raises(Exception, match=r"always first|refused|cannot take"):
        await store.write(lambda unit: unit.add_audit([line]))
    with pytest.raises(Exception, match="cannot take"):
        await store.read(lambda unit: unit.add_audit([story.line("register.read")]))


async def test_audit_lines_with_the_same_id_are_refused(store: Stores, story: Story) -> None:
    line = story.line()
    other = Story(SeededIds("x"))
    await store.write(lambda unit: unit.add_alarm(story.alarm(), [line]))
    with pytest.raises(Exception, match=r"always first|refused|cannot take"):
        await store.write(lambda unit: unit.add_alarm(other.alarm("other"), [line]))
    assert len(await store.read(lambda unit: unit.alarms())) == 1
