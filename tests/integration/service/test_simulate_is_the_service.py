"""What ``simulate`` answers is what the service would do: every scenario through both, row by row.

The simulation runs the core without a store. Here the same events go through intake and clockwork on a real SQLite
store, so that nothing which loading, saving or ticking gets wrong can hide behind a simulation that is right.
"""

import json
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from contacts.areas import load_areas
from contacts.fictional import fictional_directory
from hub.core.events import instant, instant_text
from hub.service.ledger import BIRTHDAY_DUTIES
from hub.simulate import simulate
from tests.kit.clock import FakeClock
from tests.kit.node import REGISTERED, Hub, a_hub
from tests.kit.store import memory_store

FILES = sorted((Path(__file__).parents[2] / "data" / "scenarios").glob("*.json"))
Json = dict[str, Any]


def arrival(event: Json) -> datetime:
    return instant(event.get("arrives") or event["time"])


async def served(scenario: Json) -> Hub:
    """The scenario through the service."""
    source = replace(REGISTERED, uri=scenario["events"][0]["source"], authorities=frozenset(load_areas().everywhere()))
    gone = scenario.get("unreachable") or []
    directory = fictional_directory(
        unreachable_roles=[one["role"] for one in gone if "role" in one],
        unreachable_organisations=[one["organisation"] for one in gone if "organisation" in one],
    )
    hub = await a_hub(
        await memory_store(), clock=FakeClock(arrival(scenario["events"][0])), source=source, directory=directory
    )
    for event in scenario["events"]:
        at = max(arrival(event), hub.clock.now())
        if at > hub.clock.now():  # else it comes before the clocks of the instant at which it arrives (B10)
            while (wake := await hub.wake()) is not None and wake < at:
                await hub.tick(max(wake, hub.clock.now()))
        await hub.post(event, at=at)
    await hub.run_until(max(instant(scenario["until"]), hub.clock.now()))
    return hub


async def told(hub: Hub, refs: list[str]) -> list[Json]:
    rows = []
    for ref in refs:
        for decision in await hub.decisions(ref):
            rows.append(
                {
                    "at": instant_text(decision.at), "cause": decision.cause, "episode": ref,
                    "outcome": decision.outcome, "kind": decision.kind, "priority": decision.priority,
                    "roles": list(decision.roles), "person": decision.recipients[0].person,
                    "organisation": decision.recipients[0].organisation, "fields": list(decision.fields),
                }
            )  # fmt: skip
    return rows


def table(rows: list[Json], *keys: str) -> list[str]:
    return sorted(json.dumps({key: row[key] for key in keys}, sort_keys=True) for row in rows)


def hidden(row: Json) -> bool:
    """Of a birthday's duty the clock is told only roughly when to look, so its reminders come at midnights."""
    return str(row["cause"]).removeprefix("duty:") in BIRTHDAY_DUTIES


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
async def test_the_service_does_what_the_simulation_says(file: Path) -> None:
    scenario = json.loads(file.read_text("utf-8"))["scenario"]
    said = simulate(scenario)
    refs = [episode["ref"] for episode in said["episodes"]]
    hub = await served(scenario)
    try:
        keys = ("at", "cause", "episode", "outcome", "kind", "priority", "roles", "person", "organisation", "fields")
        done = await told(hub, refs)
        assert table([d for d in done if not hidden(d)], *keys) == table(
            [d for d in said["decisions"] if not hidden(d)], *keys
        )
        stored = {ref: await hub.episode(ref) for ref in refs}
        assert {ref: one.record.state for ref, one in stored.items()} == {
            e["ref"]: e["state"] for e in said["episodes"]
        }
        duties = [
            {
                "episode": ref, "code": d.code, "occurrence": d.occurrence, "state": d.state, "owner": d.owner,
                "due_at": instant_text(d.due_at), "closed_by": d.closed_by,
            }
            for ref, one in stored.items()
            for d in one.duties
        ]  # fmt: skip
        keys = ("episode", "code", "occurrence", "state", "owner", "due_at", "closed_by")
        assert table(duties, *keys) == table(said["duties"], *keys)
        register = [
            {
                "episode": ref, "organisation": r.organisation, "role": r.role,
                "received_at": instant_text(r.received_at), "remove_at": instant_text(r.remove_at),
                "removed_by": r.removed_by,
            }
            for ref, one in stored.items()
            for r in one.register
        ]  # fmt: skip
        keys = ("episode", "organisation", "role", "received_at", "remove_at", "removed_by")
        assert table(register, *keys) == table(said["register"], *keys)
        assert hub.logged == []
    finally:
        await hub.store.aclose()
