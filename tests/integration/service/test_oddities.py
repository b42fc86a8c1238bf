"""What an event says that can hardly be so comes to a human, and not only to the program that sent it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.kit.clocks import at
from tests.kit.events import found, reported, retracted, returned, updated
from tests.kit.node import REGISTERED, Hub, a_hub
from tests.kit.store import sqlite_store


@pytest.fixture
async def hub(tmp_path: Path):
    made = await a_hub(await sqlite_store(tmp_path))
    yield made
    await made.store.aclose()


@pytest.mark.parametrize(("since", "alarms"), [("2026-03-02T10:15:00Z", []), ("2027-03-02T10:00:00Z", ["since_ahead"])])
async def test_somebody_is_told_where_an_absence_begins_in_time_to_come(
    hub: Hub, since: str, alarms: list[str]
) -> None:
    """A mistyped year: it counts (readings.md C17), and its clocks would begin then (A7)."""
    taken = await hub.post(reported(episode={"since": since}), at=at("2026-03-02T10:00:00Z"))
    assert taken.status == 202
    assert [alarm.kind for alarm in await hub.alarms() if alarm.owner == "operator"] == alarms


@pytest.mark.parametrize("end", [found, returned, retracted])
async def test_somebody_is_told_where_an_end_does_not_count(hub: Hub, end: Callable[..., dict[str, Any]]) -> None:
    """A mistyped year: it is older than the report (readings.md A3), and the child may be back."""
    await hub.post(reported())
    await hub.post(end(time="2025-03-02T10:00:00Z"))
    assert [one.kind for one in await hub.alarms() if one.owner == "operator"] == ["end_passed_over"]
    assert (await hub.episode()).record.state == "open"


async def test_somebody_is_told_where_an_end_that_was_kept_does_not_count(hub: Hub) -> None:
    await hub.post(returned(time="2025-03-02T10:00:00Z"))
    await hub.post(reported())
    assert [one.kind for one in await hub.alarms() if one.owner == "operator"] == ["end_passed_over"]
    assert (await hub.episode()).record.state == "open"


async def test_an_end_that_something_newer_overtook_is_nothing_to_be_told_of(hub: Hub) -> None:
    await hub.post(reported())
    await hub.post(returned())
    await hub.post(found(time="2026-03-01T20:30:00Z"))
    assert [one.kind for one in await hub.alarms() if one.owner == "operator"] == []


async def test_somebody_is_told_where_the_report_does_not_come(hub: Hub) -> None:
    """A mistyped reference: the child is back, and nobody would hear of it."""
    await hub.post(returned(), at=at("2026-03-02T10:05:00Z"))
    await hub.tick(at("2026-03-02T10:19:00Z"))
    assert await hub.alarms() == []
    await hub.tick(at("2026-03-02T10:20:00Z"))
    await hub.tick(at("2026-03-03T10:20:00Z"))
    (alarm,) = await hub.alarms()
    assert (alarm.kind, alarm.owner, alarm.reason) == ("report_awaited", "operator", REGISTERED.id)
    await hub.post(reported(), at=at("2026-03-03T10:30:00Z"))
    assert (await hub.episode()).record.state == "returned"
    assert await hub.alarms() == []


async def test_more_that_waits_for_the_same_report_puts_nothing_off(hub: Hub) -> None:
    await hub.post(returned(), at=at("2026-03-02T10:05:00Z"))
    await hub.post(updated(time="2026-03-02T10:14:00Z"), at=at("2026-03-02T10:15:00Z"))
    await hub.tick(at("2026-03-02T10:20:00Z"))
    await hub.post(updated(id="U2", time="2026-03-02T10:14:00Z"), at=at("2026-03-02T10:25:00Z"))
    assert [alarm.kind for alarm in await hub.alarms()] == ["report_awaited"]
    await hub.tick(at("2026-03-02T11:00:00Z"))
    assert [alarm.kind for alarm in await hub.alarms()] == ["report_awaited"]
