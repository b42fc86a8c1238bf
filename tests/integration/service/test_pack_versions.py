"""Changing a pack never rewrites the past: what was decided keeps the version, rules and words of its day."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from routing.packs import Packs, load_packs, parse_pack
from tests.kit.events import found, reported, updated
from tests.kit.node import Hub

NATIONAL = (Path(__file__).parents[3] / "routing" / "protocols" / "national.toml").read_text("utf-8")


def edited() -> Packs:
    """The national pack of another year: another version, other words, IROs left alone, contact every two days."""
    text = NATIONAL.replace('version = "1"', 'version = "2027"', 1)
    assert text != NATIONAL
    pack = parse_pack("national", text)
    rows = tuple(row for row in pack.recipients if row.role != "iro")
    assert len(rows) < len(pack.recipients)
    evidence = {rule: e.model_copy(update={"quote": "the words of 2027"}) for rule, e in pack.evidence.items()}
    new = pack.model_copy(update={"recipients": rows, "evidence": evidence})
    return Packs(tuple(new if old.name == "national" else old for old in load_packs().packs))


async def test_what_was_decided_stays_as_it_was_and_what_comes_is_under_the_new(hub: Hub) -> None:
    await hub.post(reported())
    before = await hub.decisions()
    duties = (await hub.episode()).duties
    register = (await hub.episode()).register
    assert {rule.version for d in before for rule in d.rules} == {"1"}
    assert any("iro" in d.roles for d in before)

    hub.packs = edited()
    await hub.clock.advance(60)
    after = await hub.decisions()
    assert after == before
    assert (await hub.episode()).duties == duties
    assert (await hub.episode()).register == register

    await hub.post(updated(id="E2", time="2026-03-01T20:30:00Z", episode={"clothing": "red coat"}))
    later = (await hub.decisions())[len(before) :]
    assert later
    assert {rule.version for d in later for rule in d.rules if rule.pack == "national"} == {"2027"}
    assert {rule.quote for d in later for rule in d.rules if rule.pack == "national"} == {"the words of 2027"}
    assert (await hub.decisions())[: len(before)] == before


async def test_whoever_was_told_under_the_old_pack_still_hears_the_end(hub: Hub) -> None:
    await hub.post(reported())
    hub.packs = edited()
    await hub.post(found(id="E2"))
    assert any("iro" in d.roles and d.outcome in ("notify", "gap") for d in await hub.decisions(kind="found"))


async def test_an_open_duty_keeps_its_due_time_and_its_rules(hub: Hub) -> None:
    await hub.post(reported())
    [first] = await hub.duties("missing_from_care_meeting")
    hub.packs = edited()
    await hub.run_until(first.due_at + timedelta(hours=1))
    [late] = await hub.duties("missing_from_care_meeting")
    assert late == replace(first, state="overdue", detail=late.detail)
    assert {rule.version for rule in late.rules} == {"1"}


async def test_decisions_name_the_options_that_were_on(hub: Hub) -> None:
    await hub.post(reported())
    before = await hub.decisions()
    hub.packs = load_packs().switched(["national:address_visits", "national:repeat_review"])
    await hub.post(updated(id="E2", time="2026-03-01T20:30:00Z", episode={"clothing": "red coat"}))
    later = (await hub.decisions())[len(before) :]
    assert {rule.version for d in later for rule in d.rules if rule.pack == "national"} == {
        "1+address_visits+repeat_review"
    }
    assert {rule.version for d in later for rule in d.rules if rule.pack != "national"} <= {"1"}
    assert (await hub.decisions())[: len(before)] == before
    [visits] = await hub.duties("address_visits")
    assert {rule.version for rule in visits.rules} == {"1+address_visits+repeat_review"}


async def test_turned_off_what_an_option_opened_ends_with_the_next_event(hub: Hub) -> None:
    hub.packs = load_packs().switched(["national:address_visits"])
    await hub.post(reported())
    assert [d.state for d in await hub.duties("address_visits")] == ["open"]
    hub.packs = load_packs()
    await hub.post(updated(id="E2", time="2026-03-01T20:30:00Z", episode={"clothing": "red coat"}))
    assert [(d.state, d.closed_by) for d in await hub.duties("address_visits")] == [("cancelled", "event:E2")]
    assert [d.state for d in await hub.duties("daily_contact")] == ["open"]
