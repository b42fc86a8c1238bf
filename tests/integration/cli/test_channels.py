"""``fingerpost channels``, typed beside a ledger whose hub was told that an address is gone."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from hub.app.ledger import open_ledger
from hub.core.records import AlarmRecord, ClosedEndpoint
from hub.edge.ids import SeededIds
from hub.service.ports import Unit
from hub.settings import load
from tests.kit.clock import START
from tests.kit.commands import run
from tests.kit.hub import hub_environment
from tests.kit.records import Story, result
from tests.kit.store import LEASE

ADDRESS = "https://push.council.example/a-secret-path"


async def see(environment: Mapping[str, str], work: Any, *, write: bool = False) -> Any:
    async with open_ledger(load(environment=environment)) as store:
        return await (store.write(work) if write else store.read(work))


@pytest.fixture
async def environment(tmp_path: Path) -> Mapping[str, str]:
    made = hub_environment(tmp_path, smtp_port=2525)
    story = Story(SeededIds("story"))

    async def furnish(unit: Unit) -> None:
        await story.told(unit)
        (claimed,) = await unit.claim(START, START + LEASE, "node-1", 10)
        closed = ClosedEndpoint(
            contact="bromley-push", channel="push", organisation="E09000006", address=ADDRESS, closed_at=START
        )
        alarms = tuple(
            AlarmRecord(id=story.id("al"), kind="endpoint_gone", owner=owner, reason=contact, raised_at=START)
            for owner in ("E09000006", "operator")
            for contact in ("bromley-push", "another-push")
        )
        await unit.finish([result(claimed, START, closed=closed, alarms=alarms)], "node-1")

    await see(made, furnish, write=True)
    return made


async def test_what_is_closed_is_listed_without_its_address(environment: Mapping[str, str]) -> None:
    status, out, _ = run(environment, "channels", "list")
    assert (status, "bromley-push" in out, "2026-03-01 20:00" in out) == (0, True, True)
    _, as_json, _ = run(environment, "channels", "list", "--json")
    assert json.loads(as_json) == [
        {
            "contact": "bromley-push",
            "channel": "push",
            "organisation": "E09000006",
            "closed_at": "2026-03-01T20:00:00+00:00",
        }
    ]
    assert "secret-path" not in out + as_json


async def test_it_is_enabled_once_its_alarms_cleared_and_the_log_says_so(environment: Mapping[str, str]) -> None:
    assert run(environment, "channels", "enable", "bromley-push")[0] == 0
    assert await see(environment, lambda unit: unit.closed_endpoints()) == []
    alarms = await see(environment, lambda unit: unit.alarms())
    assert [one.reason for one in alarms] == ["another-push", "another-push"]
    status, _, err = run(environment, "channels", "enable", "bromley-push")
    assert (status, "is not closed" in err) == (1, True)
