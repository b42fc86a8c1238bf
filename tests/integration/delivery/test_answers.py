"""Answers of named humans, on the real store."""

import asyncio
from dataclasses import replace

import pytest

from hub.core.records import Changes
from hub.service.answers import DOUBLE_CLICK, AnswerProblem, Answers, Recorded, Shown
from hub.service.ports import StoreUnavailable
from tests.kit.delivering import FaultyStore, World, until
from tests.kit.records import SECRETS, moved

# In the kit's rows a delivery's id is its token.


def answers(world: World) -> Answers:
    return Answers(store=world.store, clock=world.clock, ids=world.ids, meter=world.notes)


async def sent(world: World, recipients: int = 1) -> Changes:
    changes = await world.told(recipients)
    async with world.delivering(world.delivery()):
        await until(lambda: world.settled(changes))
    return changes


async def given(world: World, token: str, answer: str = "accepted", name: str = "Jo Worker", **more: str) -> Recorded:
    recorded = await answers(world).acknowledge(token, name=name, answer=answer, **more)
    assert isinstance(recorded, Recorded)
    return recorded


async def kept(world: World, token: str) -> list[tuple[str, str, str | None]]:
    notice = await world.notice(token)
    found = await world.store.read(lambda unit: unit.acknowledgements(notice.id))
    return [(one.answer, one.name, one.redirected_to) for one in found]


async def test_the_page_shows_reference_and_kind_and_changes_nothing(world: World):
    (one,) = (await sent(world)).deliveries
    notice = await world.notice(one.id)
    shown = await answers(world).look(one.id)
    assert shown == Shown(reference=notice.reference, kind="missing", state="notified")
    for _ in range(3):
        await answers(world).look(one.id)
    assert await world.notice(one.id) == notice
    assert await kept(world, one.id) == []
    assert world.notes.answers == []


async def test_accepted_acknowledges_that_notice_and_no_other(world: World):
    first, second = (await sent(world, 2)).deliveries
    recorded = await given(world, first.id)
    assert (recorded.state, recorded.answer, recorded.repeated) == ("acknowledged", "accepted", False)
    assert recorded.at == world.clock.now()
    assert (await world.notice(first.id)).state == "acknowledged"
    assert (await world.notice(second.id)).state == "notified"
    assert await kept(world, first.id) == [("accepted", "Jo Worker", None)]
    assert await kept(world, second.id) == []
    assert await world.alarms() == []
    assert world.notes.answers == ["accepted"]


async def test_not_ours_reopens_and_alarms_the_operator(world: World):
    (one,) = (await sent(world)).deliveries
    assert (await given(world, one.id, "not_ours")).state == "unresolved"
    assert await world.alarms() == [("not_ours", "operator", "missing: police")]


async def test_redirected_is_kept_as_text_and_is_a_task_for_the_directorys_owner(world: World):
    (one,) = (await sent(world)).deliveries
    recorded = await given(world, one.id, "redirected", redirected_to="other.desk@council.example")
    assert recorded.state == "unresolved"
    assert await kept(world, one.id) == [("redirected", "Jo Worker", "other.desk@council.example")]
    assert await world.alarms() == [
        ("directory_check", "E23000001", "redirected"),
        ("redirected", "operator", "missing: police"),
    ]
    async with world.delivering(world.delivery()):
        for _ in range(3):
            await world.advance(60)
            await asyncio.sleep(0.005)
    assert len(world.sink.received) == 1, "nothing is ever sent to what somebody typed"
    assert world.sink.received[0].address == SECRETS["address"]


async def test_contradictory_answers_are_all_kept_and_a_doubt_reopens(world: World):
    (one,) = (await sent(world)).deliveries
    states = [
        (await given(world, one.id, answer, name, **more)).state
        for answer, name, more in (
            ("accepted", "Jo Worker", {}),
            ("not_ours", "Al Desk", {}),
            ("redirected", "Al Desk", {"redirected_to": "somebody"}),
            ("accepted", "Jo Worker", {}),
        )
    ]
    assert states == ["acknowledged", "unresolved", "unresolved", "acknowledged"]
    assert [answer for answer, _, _ in await kept(world, one.id)] == ["accepted", "not_ours", "redirected", "accepted"]


async def test_a_double_click_is_one_answer(world: World):
    (one,) = (await sent(world)).deliveries
    first = await given(world, one.id)
    await world.advance(3)
    second = await given(world, one.id)
    assert (second.repeated, second.at, second.state) == (True, first.at, "acknowledged")
    assert len(await kept(world, one.id)) == 1
    assert world.notes.answers == ["accepted"]


async def test_two_clicks_at_the_same_time_are_one_answer(world: World):
    (one,) = (await sent(world)).deliveries
    recorded = await asyncio.gather(*(given(world, one.id) for _ in range(5)))
    assert sorted(one.repeated for one in recorded) == [False, True, True, True, True]
    assert len(await kept(world, one.id)) == 1


async def test_the_same_answer_later_or_by_another_name_is_another_answer(world: World):
    (one,) = (await sent(world)).deliveries
    await given(world, one.id)
    await given(world, one.id, name="Al Desk")
    await world.advance(DOUBLE_CLICK.total_seconds() + 1)
    await given(world, one.id, name="Al Desk")
    assert len(await kept(world, one.id)) == 3


async def test_an_answer_before_anything_was_sent_counts(world: World):
    (one,) = (await world.told()).deliveries
    assert (await given(world, one.id)).state == "acknowledged"
    async with world.delivering(world.delivery()):
        await world.advance(5)
    assert world.sink.received == []


async def test_an_answer_to_a_superseded_notice_is_recorded_and_changes_no_state(world: World):
    changes = await world.told()
    (one,) = changes.deliveries
    story = world.story()
    story.episode = changes.episode.id
    found = Changes(
        event=story.event(type="fingerpost.episode.found.v1"),
        episode=moved(changes, state="found"),
        expected_version=changes.episode.version,
        supersede=True,
        supersede_kinds=("missing",),
    )
    await world.store.write(lambda unit: unit.save(found))
    assert (await given(world, one.id)).state == "superseded"
    assert (await given(world, one.id, "not_ours", "Al Desk")).state == "superseded"
    assert len(await kept(world, one.id)) == 2
    assert ("not_ours", "operator", "missing: police") in await world.alarms()


@pytest.mark.parametrize("token", ["", "x", "a" * 43, "a" * 5000, "../a", "\x00", "\ud800", "'; drop table notices"])
async def test_an_unknown_token_is_nothing_whatever_else_is_given(world: World, token):
    await sent(world)
    service = answers(world)
    assert await service.look(token) is None
    assert await service.acknowledge(token, name="Jo Worker", answer="accepted") is None
    assert await service.acknowledge(token, name="", answer="nonsense") is None


async def test_a_token_is_not_found_by_its_digest_or_the_deliverys_notice(world: World):
    (one,) = (await sent(world)).deliveries
    for guess in (one.notice, one.token_digest.hex(), one.id.lower(), one.id + " "):
        assert await answers(world).look(guess) is None


async def test_what_is_wrong_with_the_form_is_said_and_nothing_recorded(world: World):
    (one,) = (await sent(world)).deliveries
    outcome = await answers(world).acknowledge(one.id, name=" ", answer="redirected", redirected_to=None)
    assert isinstance(outcome, tuple)
    assert all(isinstance(problem, AnswerProblem) for problem in outcome)
    assert [problem.field for problem in outcome] == ["name", "redirected_to"]
    assert await kept(world, one.id) == []
    assert (await world.notice(one.id)).state == "notified"


async def test_a_store_that_is_away_is_said_not_swallowed(world: World):
    (one,) = (await sent(world)).deliveries
    store = FaultyStore(world.store)
    store.away = True
    service = Answers(store=store, clock=world.clock, ids=world.ids, meter=world.notes)
    with pytest.raises(StoreUnavailable):
        await service.acknowledge(one.id, name="Jo Worker", answer="accepted")
    assert world.notes.answers == []


async def test_an_answer_of_which_nobody_knows_whether_it_was_kept_may_be_given_again(world: World):
    (one,) = (await sent(world)).deliveries
    store = FaultyStore(world.store)
    store.doubtful = 1
    service = Answers(store=store, clock=world.clock, ids=world.ids, meter=world.notes)
    with pytest.raises(StoreUnavailable):
        await service.acknowledge(one.id, name="Jo Worker", answer="accepted")
    assert (await given(world, one.id)).repeated
    assert len(await kept(world, one.id)) == 1


async def test_nothing_typed_shows_in_alarms_logs_or_reprs(world: World):
    (one,) = (await sent(world)).deliveries
    recorded = await given(world, one.id, "redirected", "Marker Answerer", redirected_to="Marker Target")
    alarms = await world.store.read(lambda unit: unit.alarms())
    notice = await world.notice(one.id)
    records = await world.store.read(lambda unit: unit.acknowledgements(notice.id))
    said = repr((recorded, alarms, records, world.notes.lines, world.notes.answers))
    assert "Marker" not in said.replace(SECRETS["person"], "")


async def test_an_answer_by_any_of_the_notices_deliveries_counts(world: World):
    story = world.story()

    async def work(unit):
        await story.meet(unit)
        changes = story.report(1)
        (first,) = changes.deliveries
        second = replace(story.delivery(changes.notices[0]), channel="sms")
        await unit.save(replace(changes, deliveries=(first, second)))
        return first.id, second.id

    first, second = await world.store.write(work)
    await given(world, second)
    assert (await world.notice(first)).state == "acknowledged"
