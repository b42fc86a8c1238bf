"""An event in: every answer intake decides, and all that it means written down (events.md, Answers and Order)."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from contacts.directory import Directory
from contacts.fictional import ANY_SCHOOL, fictional_directory
from hub.core.records import Source
from hub.service.ports import StoreUnavailable
from hub.service.retention.holding import Holding
from tests.kit.clocks import at
from tests.kit.events import (
    BROMLEY,
    DROP,
    EPISODE,
    LEEDS,
    NORTH_LINCOLNSHIRE,
    away,
    duty_completed,
    found,
    raw,
    reported,
    reported_at_home,
    retracted,
    returned,
    updated,
)
from tests.kit.failing import Breaking, ledger
from tests.kit.node import REGISTERED, Hub, a_hub, body_of
from tests.kit.store import sqlite_store


async def states(hub: Hub) -> set[tuple[str, str]]:
    return {(one.kind, one.state) for one in await hub.notices()}


async def whole(hub: Hub) -> tuple[int, int, int]:
    """How many events' worth of decisions, notices and quarantined bodies there are."""
    listed = await hub.see(lambda unit: unit.episode_list())
    notices = sum([len(await hub.notices(one.ref)) for one in listed])
    return len(listed), notices, len(await hub.quarantine())


# the answers


async def test_a_report_is_answered_and_everything_it_means_is_there(hub: Hub) -> None:
    answer = await hub.post(reported())
    assert answer.status == 202
    assert answer.body["event"] == "E1"
    assert answer.body["episode"] == EPISODE
    assert answer.body["duplicate"] is False
    assert answer.body["withheld"] == 1
    assert answer.body["gaps"] == []
    notices = await hub.notices()
    assert len(notices) == answer.body["notices"] > 5
    assert {one.notice for one in await hub.deliveries()} == {one.id for one in notices}
    stored = await hub.episode()
    assert (stored.record.state, stored.record.category, stored.record.organisation) == ("open", "missing", BROMLEY)
    assert stored.doc["child"]["name"] == "Robin Example"
    assert stored.register
    assert {"renotify", "daily_contact"} <= {duty.code for duty in stored.duties}
    assert hub.nudged == 1


async def test_the_same_event_again_gets_the_first_answer(hub: Hub) -> None:
    first = await hub.post(reported())
    before = await whole(hub)
    again = await hub.post(reported())
    assert (again.status, again.body) == (200, {**first.body, "duplicate": True})
    reordered = {key: value for key, value in reversed(reported().items())}
    assert (await hub.post(raw(reordered) + b"\n")).status == 200, "equal JSON is the same event"
    await hub.post(returned())
    late = await hub.post(reported())
    assert (late.status, late.body) == (200, {**first.body, "duplicate": True})
    assert (await whole(hub))[0] == before[0]


async def test_another_event_under_the_same_id_is_a_conflict(hub: Hub) -> None:
    await hub.post(reported())
    before = await whole(hub)
    answer = await hub.post(reported(episode={"clothing": "Red coat"}))
    assert answer.status == 409
    assert await whole(hub) == before
    assert (await hub.episode()).doc["episode"]["clothing"] == "Blue coat"


async def test_an_invalid_event_is_kept_and_told_of_and_its_id_is_free(hub: Hub) -> None:
    wrong = reported(episode={"risk": {"level": "extreme"}})
    answer = await hub.post(wrong)
    assert answer.status == 422
    assert [p["path"] for p in answer.body["problems"]] == ["data.episode.risk.level"]
    (kept,) = await hub.quarantine()
    assert kept.id == answer.body["quarantine"]
    assert (kept.reason, body_of(kept)) == ("invalid", wrong)
    assert [p["path"] for p in kept.problems] == ["data.episode.risk.level"]
    (alarm,) = await hub.alarms()
    assert (alarm.kind, alarm.owner, alarm.reason) == ("quarantine", "operator", kept.id)
    assert (await hub.post(reported())).status == 202, "the corrected report may come with the same id (D6)"


@pytest.mark.parametrize(
    ("wrong", "path"),
    [
        (reported(id="E2"), "data.episode.ref"),
        (updated(child={"ref": "another"}), "data.child.ref"),
        (updated(episode={"status": "exercise"}), "data.episode.status"),
        (updated(episode={"whereabouts_known": True}), "data.episode.whereabouts_known"),
        (updated(placement={"responsible_authority": None}), "data.placement.responsible_authority"),
    ],
)
async def test_an_event_that_is_wrong_for_this_episode(hub: Hub, wrong: dict[str, Any], path: str) -> None:
    await hub.post(reported())
    before = (await hub.episode()).record
    answer = await hub.post(wrong)
    assert answer.status == 422
    assert path in [p["path"] for p in answer.body["problems"]]
    assert (await hub.episode()).record == before
    assert [body_of(kept) for kept in await hub.quarantine()] == [wrong]


def source(**changes: Any) -> Source:
    return replace(REGISTERED, **{"authorities": frozenset(), **changes})


@pytest.mark.parametrize(
    ("speaks", "status"),
    [
        (source(), 403),
        (source(authorities=frozenset({"E09000007"})), 403),
        (source(authorities=frozenset({BROMLEY})), 202),
        (source(authorities=frozenset({NORTH_LINCOLNSHIRE})), 202),
        (source(authorities=frozenset({LEEDS})), 202),
        (source(force="E23000012"), 202),
        (source(force="E23000003"), 403),
    ],
)
async def test_who_may_speak_for_whom(hub: Hub, speaks: Source, status: int) -> None:
    hub.source = speaks
    answer = await hub.post(reported(episode={"missing_from_authority": LEEDS}))
    assert answer.status == status
    if status == 403:
        assert await whole(hub) == (0, 0, 1), "nothing of it, but the body and an alarm"
        hub.source = REGISTERED
        assert (await hub.post(reported())).status == 202, "a refused event uses up no id"


async def test_events_kept_for_a_report_are_checked_with_it(hub: Hub) -> None:
    hub.source = source(authorities=frozenset({"E09000007"}))
    assert (await hub.post(returned())).status == 202
    assert (await hub.post(reported())).status == 403
    assert (await hub.episode()).record.state == "awaited"
    assert await hub.notices() == []


# two at once


async def test_the_same_event_twice_at_once(nodes: tuple[Hub, Hub]) -> None:
    one, other = nodes
    answers = await asyncio.gather(*(node.post(reported()) for node in (one, other, one, other)))
    assert sorted(a.status for a in answers) == [200, 200, 200, 202]
    assert len({(a.body["notices"], a.body["withheld"]) for a in answers}) == 1
    assert len(await one.notices(kind="missing")) == next(a.body["notices"] for a in answers)


async def test_two_events_under_one_id_at_once(nodes: tuple[Hub, Hub]) -> None:
    one, other = nodes
    answers = await asyncio.gather(one.post(reported()), other.post(reported(episode={"clothing": "Red coat"})))
    assert sorted(a.status for a in answers) == [202, 409]


async def test_two_reports_of_one_episode_at_once(nodes: tuple[Hub, Hub]) -> None:
    one, other = nodes
    answers = await asyncio.gather(one.post(reported()), other.post(reported(id="E2")))
    assert sorted(a.status for a in answers) == [202, 422]
    assert len(await one.quarantine()) == 1


async def test_many_updates_of_one_episode_at_once_all_count(nodes: tuple[Hub, Hub]) -> None:
    one, other = nodes
    await one.post(reported())
    names = ["medical", "disabilities", "ethnicity", "gender", "preferred_language", "description"]
    updates = [updated(id=f"U{n}", child={name: "Told at once"}) for n, name in enumerate(names)]
    answers = await asyncio.gather(*((one, other)[n % 2].post(event) for n, event in enumerate(updates)))
    assert {a.status for a in answers} == {202}
    stored = await other.episode()
    assert {stored.doc["child"][name] for name in names} == {"Told at once"}
    assert stored.record.revision == 7


async def test_two_reports_of_one_child_at_once_count_each_other(nodes: tuple[Hub, Hub]) -> None:
    one, _ = nodes
    reports = [reported(id=f"E{n}", episode={"ref": f"EP-{n}"}) for n in range(2)]
    answers = await asyncio.gather(*(node.post(event) for node, event in zip(nodes, reports, strict=True)))
    assert {a.status for a in answers} == {202}
    thresholds = [len(await one.decisions(f"EP-{n}", kind="threshold")) for n in range(2)]
    assert sorted(thresholds) == [0, 2], "the second of the two is the second"
    assert sum("another episode of this child is still open" in a.body["warnings"] for a in answers) == 1


# order


async def test_a_legal_hold_set_before_the_report_came_holds_the_child_that_it_names(hub: Hub) -> None:
    """On the stand-in for the child it would keep nothing, and the child would be erased in spite of it."""
    await hub.post(found(id="E2"))
    episode = (await hub.episode()).record
    holding = Holding(store=hub.store, clock=hub.clock, ids=hub.ids)
    hold = await holding.add(episode.id, code="court", reason="Marker v. Example Council", by="operator")
    assert hold.child == episode.child
    await hub.post(reported())
    child = (await hub.episode()).record.child
    assert child != episode.child
    assert [(one.id, one.child, one.reason) for one in await holding.list()] == [(hold.id, child, hold.reason)]
    kept = await hub.see(lambda unit: unit.retention.child(child))
    assert kept is not None and kept.held
    lifted = await holding.lift(hold.id, by="operator")
    assert lifted.child == child


async def test_what_comes_before_its_report_is_kept_and_applied_with_it(hub: Hub) -> None:
    kept = await hub.post(returned(), at=at("2026-03-02T10:05:00Z"))
    assert (kept.status, kept.body["notices"]) == (202, 0)
    assert kept.body["warnings"]
    assert (await hub.episode()).record.state == "awaited"
    answer = await hub.post(reported())
    assert answer.status == 202
    stored = await hub.episode()
    assert (stored.record.state, stored.record.ended_at) == ("returned", at("2026-03-02T10:00:00Z"))
    assert {one.kind for one in await hub.notices()} == {"returned"}, "nobody hears missing after returned (A4)"
    roles = {role for one in await hub.notices() for role in one.roles}
    assert roles == {"carer", "responsible_authority", "social_worker", "iro"}
    assert await hub.see(lambda unit: unit.kept_events(stored.record.id)) == []
    assert (await hub.post(returned())).body == {**kept.body, "duplicate": True}


@pytest.mark.parametrize("first", [reported(time="2028-03-01T19:45:00Z"), updated(time="2028-03-01T20:30:00Z")])
async def test_an_event_of_a_time_to_come_makes_no_older_news_of_the_return(hub: Hub, first: dict[str, Any]) -> None:
    if "updated" in first["type"]:
        await hub.post(reported())
        first["data"]["episode"]["category"] = "away"
    answer = await hub.post(first, at=at("2026-03-01T20:30:00Z"))
    assert answer.status == 202 and any("lies in the future" in one for one in answer.body["warnings"])
    back = await hub.post(returned(), at=at("2026-03-02T10:05:00Z"))
    assert back.status == 202 and (await hub.episode()).record.state == "returned"
    assert "returned" in {one.kind for one in await hub.notices()}


async def test_a_kept_event_of_a_time_to_come_happened_when_it_arrived(hub: Hub) -> None:
    change = {"category": "away", "whereabouts_known": True}
    await hub.post(updated(time="2028-03-01T20:30:00Z", episode=change), at=at("2026-03-01T20:30:00Z"))
    await hub.post(reported(), at=at("2026-03-01T20:35:00Z"))
    await hub.post(returned(), at=at("2026-03-02T10:05:00Z"))
    assert (await hub.episode()).record.state == "returned"


async def test_kept_updates_are_revisions_of_their_own(hub: Hub) -> None:
    for n, name in enumerate(("medical", "disabilities")):
        await hub.post(updated(id=f"U{n}", child={name: "As told"}))
    await hub.post(reported())
    stored = await hub.episode()
    assert (stored.record.revision, stored.doc["child"]["disabilities"]) == (3, "As told")
    assert {(one.kind, one.revision) for one in await hub.notices()} >= {("missing", 1), ("update", 2), ("update", 3)}


async def test_a_kept_event_that_turns_out_invalid_is_told_of(hub: Hub) -> None:
    wrong = updated(child={"ref": "another", "medical": "Not applied"})
    assert (await hub.post(wrong)).status == 202
    answer = await hub.post(reported())
    assert answer.status == 202
    assert any("not applied" in warning for warning in answer.body["warnings"])
    assert "medical" not in (await hub.episode()).doc["child"]
    (kept,) = await hub.quarantine()
    assert (kept.reason, body_of(kept)) == ("kept_event_invalid", wrong)
    assert [alarm.owner for alarm in await hub.alarms() if alarm.kind == "quarantine"] == ["operator"]
    assert len(await hub.notices(kind="missing")) > 5


async def test_a_kept_event_that_no_rule_knows_any_more(hub: Hub) -> None:
    assert (await hub.post(duty_completed("daily_contact"))).status == 202
    newer = hub.with_packs(hub.packs)
    newer.packs = type(hub.packs)(
        tuple(
            pack.model_copy(update={"duties": tuple(d for d in pack.duties if d.code != "daily_contact")})
            for pack in hub.packs.packs
        )
    )
    answer = await newer.post(reported())
    assert answer.status == 202
    assert any("not applied" in warning for warning in answer.body["warnings"])
    assert [kept.reason for kept in await hub.quarantine()] == ["kept_event_invalid"]


# notices: what they are composed from, what overtakes them, who comes first


async def test_a_notice_bears_the_revision_it_was_decided_on(hub: Hub) -> None:
    await hub.post(reported())
    await hub.post(updated(child={"medical": "Asthma"}))
    await hub.post(updated(id="U2", time="2026-03-01T21:10:00Z", child={"medical": "Asthma"}))
    assert {(one.kind, one.revision) for one in await hub.notices()} == {("missing", 1), ("update", 2)}
    now = hub.clock.now()
    claimed = await hub.store.write(lambda unit: unit.claim(now, now, "node-1", 100))
    assert {("medical" in one.doc["child"], one.notice.kind) for one in claimed} == {
        (False, "missing"),
        (True, "update"),
    }


@pytest.mark.parametrize("ending", [found(), returned(), retracted()])
async def test_an_ending_overtakes_what_has_not_been_sent(hub: Hub, ending: dict[str, Any]) -> None:
    await hub.post(reported())
    await hub.post(updated(child={"medical": "Asthma"}))
    assert await states(hub) == {("missing", "pending"), ("update", "pending")}, "an update overtakes nothing (D8)"
    await hub.post(ending)
    kind = {"found": "found", "returned": "returned", "retracted": "retraction"}[ending["type"].split(".")[2]]
    assert await states(hub) == {("missing", "superseded"), ("update", "superseded"), (kind, "pending")}
    pending = {one.id for one in await hub.notices() if one.state == "pending"}
    assert {d.notice for d in await hub.deliveries() if d.state == "due"} == pending


async def test_reminders_are_not_overtaken_by_the_return(hub: Hub) -> None:
    await hub.post(reported())
    await hub.tick(at("2026-03-02T13:30:00Z"))
    assert ("duty_due", "pending") in await states(hub)
    await hub.post(returned())
    assert ("duty_due", "pending") in await states(hub)


async def test_the_police_are_attempted_first_when_it_is_serious(hub: Hub) -> None:
    await hub.post(reported(episode={"risk": {"level": "high"}}))
    police = {one.id for one in await hub.notices() if one.roles[0].startswith("police")}
    ranks = {(one.notice in police, one.rank) for one in await hub.deliveries()}
    assert ranks == {(True, 0), (False, 1)}
    assert len({d.group for d in await hub.deliveries()}) == 1
    now = hub.clock.now()
    claimed = await hub.store.write(lambda unit: unit.claim(now, now, "node-1", 100))
    assert {one.notice.roles for one in claimed} == {("police",), ("police_responsible",)}


async def test_otherwise_nobody_waits(hub: Hub) -> None:
    await hub.post(reported())
    assert {d.rank for d in await hub.deliveries()} == {1}


# who cannot be reached


async def test_a_gap_goes_to_the_fallback_desk_with_an_alarm(hub: Hub) -> None:
    hub.directory = fictional_directory(unreachable_roles=["iro"])
    answer = await hub.post(reported())
    assert answer.body["gaps"] == ["iro"]
    (gap,) = [one for one in await hub.notices() if one.gap_role]
    assert (gap.gap_role, gap.roles, gap.organisation, gap.state) == (
        "iro", ("responsible_authority",), BROMLEY, "pending",
    )  # fmt: skip
    (delivery,) = await hub.see(lambda unit: unit.deliveries(gap.id))
    assert delivery.address == "fallback@e09000006.council.example"
    assert [(a.kind, a.owner, a.notice) for a in await hub.alarms()] == [("gap", BROMLEY, gap.id)]
    assert len(await hub.notices()) == answer.body["notices"] + 1, "and everybody else is told"


async def test_without_a_fallback_desk_the_operator_hears(hub: Hub) -> None:
    hub.directory = fictional_directory(unreachable_organisations=[BROMLEY])
    answer = await hub.post(reported())
    assert set(answer.body["gaps"]) >= {"responsible_authority", "iro"}
    gaps = [one for one in await hub.notices() if one.gap_role]
    assert {(one.roles, one.organisation, one.state) for one in gaps} == {(("operator",), "operator", "pending")}
    assert {one.gap_role for one in gaps} == set(answer.body["gaps"])


async def test_with_nobody_at_all_it_is_still_written_down(hub: Hub) -> None:
    hub.channels = ()
    answer = await hub.post(reported())
    assert answer.status == 202
    assert {one.state for one in await hub.notices()} == {"unresolved"}
    assert await hub.deliveries() == []
    assert len(await hub.alarms()) == len(await hub.notices()), "each has an alarm with an owner"
    assert {(a.kind, a.owner) for a in await hub.alarms()} == {("no_channel", BROMLEY)}


async def test_a_carer_with_a_phone_only_where_no_texts_go_out(hub: Hub) -> None:
    hub.channels = ("email",)
    await hub.post(reported())
    await hub.post(found())
    (carer,) = [one for one in await hub.notices() if "carer" in one.roles]
    assert (carer.person, carer.state) == ("Chris Carer", "unresolved")
    assert [(a.kind, a.owner, a.notice) for a in await hub.alarms()] == [("no_channel", BROMLEY, carer.id)]
    with_texts = replace(hub, channels=("email", "sms"))
    await with_texts.post(returned())
    (told,) = [one for one in await hub.notices(kind="returned") if "carer" in one.roles]
    (delivery,) = await hub.see(lambda unit: unit.deliveries(told.id))
    assert (delivery.channel, delivery.address) == ("sms", "+447700900100")


async def test_a_withheld_parent_gets_a_decision_and_no_notice(hub: Hub) -> None:
    await hub.post(reported())
    withheld = [d for d in await hub.decisions() if d.outcome == "withhold"]
    assert [d.recipients[0].person for d in withheld] == ["Sam Example"]
    assert "Sam Example" not in {one.person for one in await hub.notices()}
    assert "sam@family.example" not in {one.address for one in await hub.deliveries()}


async def test_an_away_child_kept_from_the_police(hub: Hub) -> None:
    answer = await hub.post(away())
    assert answer.status == 202
    assert [d.roles for d in await hub.decisions() if d.outcome == "suppress"] == [("police",)]
    assert not [one for one in await hub.notices() if "police" in one.roles]


# the store


async def test_a_store_that_is_away_is_never_a_202(tmp_path: Path) -> None:
    store = await sqlite_store(tmp_path)
    hub = await a_hub(store)
    before = ledger(tmp_path)
    hub.store = Breaking(store, 2, lambda: StoreUnavailable("away"))
    with pytest.raises(StoreUnavailable):
        await hub.post(reported())
    assert hub.nudged == 0, "nothing to deliver"
    assert ledger(tmp_path) == before
    hub.store = store
    assert (await hub.post(reported())).status == 202
    await store.aclose()


async def test_a_commit_whose_answer_was_lost_is_found_again(hub: Hub) -> None:
    real, hub.store = hub.store, Breaking(hub.store, None)
    hub.store.after_commit = True
    with pytest.raises(StoreUnavailable):
        await hub.post(reported())
    hub.store = real
    answer = await hub.post(reported())
    assert (answer.status, answer.body["duplicate"]) == (200, True)
    assert len(await hub.notices(kind="missing")) == answer.body["notices"]


STORIES: dict[str, tuple[list[dict[str, Any]], dict[str, Any]]] = {
    "report": ([], reported()),
    "report with kept events": ([updated(child={"medical": "Asthma"}), found()], reported()),
    "report with a kept event that is invalid": ([updated(child={"ref": "another"})], reported()),
    "update": ([reported()], updated(child={"medical": "Asthma"})),
    "returned": ([reported()], returned()),
    "not valid": ([], reported(episode={"risk": {"level": "extreme"}})),
    "wrong for this episode": ([reported()], reported(id="E2")),
    "at home": ([], reported_at_home()),
}


@pytest.mark.parametrize("name", STORIES)
async def test_a_crash_at_any_await_leaves_nothing_or_everything(tmp_path: Path, name: str) -> None:
    before, event = STORIES[name]
    store = await sqlite_store(tmp_path)
    hub = await a_hub(store)
    for one in before:
        await hub.post(one)
    start = ledger(tmp_path)
    k = 0
    while True:
        k += 1
        breaking = Breaking(store, k)
        hub.store = breaking
        try:
            answer = await hub.post(event)
        except Exception:
            assert breaking.calls == k
            assert ledger(tmp_path) == start, f"something is left after a crash at call {k}"
        else:
            break
    assert k > 1
    assert breaking.calls == k - 1, "every call was tried"
    assert ledger(tmp_path) != start
    hub.store = store
    again = await hub.post(event)
    assert again.status == (200 if answer.status == 202 else answer.status)
    await store.aclose()


async def test_what_the_audit_says_of_a_report(hub: Hub, tmp_path: Path) -> None:
    await hub.post(updated(child={"medical": "Asthma"}))
    await hub.post(reported())
    await hub.post(reported(episode={"risk": {"level": "extreme"}}, id="E2"))
    stored, notices = await hub.episode(), await hub.notices()
    rows = ledger(tmp_path)["audit"]
    text = repr(rows)
    for action in ("event.kept", "event.accepted", "event.applied", "event.quarantined"):
        assert text.count(f"'{action}'") == 1, action
    assert text.count("'notice.created'") == len(notices)
    assert text.count("'decision.notify'") + text.count("'decision.withhold'") == len(await hub.decisions())
    assert text.count(f"'source:{hub.source.id}'") == 4
    assert stored.record.id in text
    for personal in ("Robin", "Sam Example", "Pat Example", "BRM-EP", "BRM-C", "Example Street", "family.example"):
        assert personal not in text


async def test_a_school_that_an_update_gives_is_told_at_the_address_given_and_the_former_one_is_a_gap(hub: Hub):
    known = hub.directory.bundle
    hub.directory = Directory.of(
        replace(
            known,
            organisations=[one for one in known.organisations if one.code != ANY_SCHOOL],
            desks=[one for one in known.desks if one.organisation != ANY_SCHOOL],
            contacts=[one for one in known.contacts if one.organisation != ANY_SCHOOL],
            hours=[one for one in known.hours if one.organisation != ANY_SCHOOL],
        )
    )
    await hub.post(reported(school=DROP))
    for number in (1, 2):
        school = {"urn": f"70000{number}", "name": "New School", "email": f"office{number}@school.example"}
        await hub.clock.advance(60)
        await hub.post(updated(id=f"U{number}", time=hub.clock.now().isoformat(), school=school))
    await hub.clock.advance(60)
    await hub.post(returned(time=hub.clock.now().isoformat()))
    found = await hub.notices()
    assert [n.organisation for n in found if "school" in n.roles and n.kind == "missing"] == [
        "school:700001",
        "school:700002",
    ]
    assert [n.organisation for n in found if "school" in n.roles and n.kind == "returned"] == ["school:700002"]
    assert [n.kind for n in found if n.gap_role == "school"] == ["returned"]
