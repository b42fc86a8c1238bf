"""Rules of the evidence about what is kept: every absence on record, whoever was told (routing/coverage_data)."""

from pathlib import Path
from typing import Any

import pytest

from hub.core.records import DecisionRecord
from tests.kit.events import BROMLEY, NORTH_LINCOLNSHIRE, away, reported, updated
from tests.kit.failing import ledger
from tests.kit.node import Hub

IN_THE_NORTH = {"host_authority": NORTH_LINCOLNSHIRE}
FOSTER = {"type": "foster_care"}
AT = 1
"""The column of an audit line with its instant, in microseconds."""


@pytest.mark.parametrize(
    ("rule", "event", "police"),
    [
        ("F-12", reported(), True),
        ("F-17", reported(), True),
        ("F-17", away(), False),
        ("F-19", away(placement=IN_THE_NORTH), False),
        ("F-29", away(placement=IN_THE_NORTH), False),
        ("F-44", away(placement={"host_authority": "E06000065"}), False),
        ("F-46", reported(placement=FOSTER), True),
        ("F-46", away(placement=FOSTER), False),
    ],
)
async def test_every_absence_is_on_record_whether_the_police_are_told_or_not(
    hub: Hub, tmp_path: Path, rule: str, event: dict[str, Any], police: bool
) -> None:
    await hub.post(event)
    stored = await hub.episode()
    assert stored.record.category == event["data"]["episode"]["category"]
    told = {role for d in await hub.decisions() if d.outcome == "notify" for role in d.roles}
    assert ("police" in told) is police, rule
    lines = [line for line in ledger(tmp_path)["audit"] if stored.record.id in line]
    actions = [part for line in lines for part in line]
    assert actions.count("event.accepted") == 1
    assert actions.count("decision.suppress") == (0 if police else 1)
    [at] = {line[AT] for line in lines}
    assert at == int(hub.clock.now().timestamp() * 1_000_000)


async def test_f_16_the_newest_facts_stand_and_the_older_ones_are_kept(hub: Hub, tmp_path: Path) -> None:
    await hub.post(reported(form={"Summary of risk": "First assessment"}))
    await hub.post(updated(form={"Summary of risk": "Second assessment"}))
    stored = await hub.episode()
    assert stored.doc["form"] == {"Summary of risk": "Second assessment"}
    assert stored.record.revision == 2
    assert len({row[:2] for row in ledger(tmp_path)["revisions"]}) == 2


async def test_f_28_every_decision_has_its_instant_from_the_report_on_without_any_risk_too(hub: Hub) -> None:
    await hub.post(away(episode={"risk": {"level": "none_apparent"}}))
    decisions = await hub.decisions()
    assert decisions
    assert {d.at for d in decisions} == {hub.clock.now()}


async def test_f_42_the_polices_own_reference_is_kept(hub: Hub) -> None:
    await hub.post(reported())
    await hub.post(updated(episode={"police": {"incident_number": "HP-0042"}}))
    assert (await hub.episode()).doc["episode"]["police"]["incident_number"] == "HP-0042"


async def test_g_14_who_was_told_what_and_why_can_be_read_back(hub: Hub) -> None:
    await hub.post(reported())
    identity = (await hub.episode()).record.id
    kept: list[DecisionRecord] = [*await hub.see(lambda unit: unit.decisions(identity))]
    [school] = [one.decision for one in kept if one.decision.roles == ("school",)]
    assert school.why == "national tells the school of a missing child (has school)"
    assert {"child.name", "child.medication_needed", "episode.since"} <= {*school.fields}
    assert [(rule.pack, rule.rule) for rule in school.rules] == [("national", "B-58")]
    [withheld] = [one.decision for one in kept if one.decision.outcome == "withhold"]
    assert (withheld.recipients[0].person, withheld.fields) == ("Sam Example", ())


async def test_b_89_a_circulation_goes_out_as_mail_to_each_member_but_the_sender(hub: Hub) -> None:
    await hub.post(reported(child={"child_protection_plan": True}))
    notices = [n for n in await hub.notices() if "circulation:london" in n.roles]
    assert len(notices) == 32
    assert BROMLEY not in {notice.organisation for notice in notices}
    mine = {notice.id for notice in notices}
    ways = [one.channel for one in await hub.deliveries() if one.notice in mine]
    assert ways.count("email") == 32
