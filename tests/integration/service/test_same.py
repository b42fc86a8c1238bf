"""The service, on its store and over restarts, does what the pure core does: nothing is lost between two events."""

import asyncio
import tempfile
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import given, settings

from tests.kit.clock import FakeClock
from tests.kit.course import Course
from tests.kit.events import EPISODE
from tests.kit.node import REGISTERED, Hub, a_hub
from tests.kit.store import sqlite_store
from tests.kit.stories import events

Story = list[tuple[dict[str, Any], datetime]]
LATER = timedelta(days=4)
EVERYWHERE = replace(
    REGISTERED,
    authorities=frozenset({"E09000006", "E06000013", "E08000035", "E10000012", "E06000065", "E09000007"}),
)


async def lived(story: Story, folder: Path) -> dict[str, Any]:
    """The story through the service, started again before every event."""
    hub: Hub | None = None
    for n, (event, arrives) in enumerate(story):
        store = await sqlite_store(folder, node=f"n{n}")
        hub = hub.on(store, node=f"n{n}") if hub else await a_hub(store, clock=FakeClock(arrives))
        hub.source = EVERYWHERE
        await hub.run_until(arrives - timedelta(microseconds=1))
        assert (await hub.post(event, at=arrives)).status == 202
        if n < len(story) - 1:
            await store.aclose()
    assert hub is not None
    await hub.run_until(hub.clock.now() + LATER)
    stored = await hub.episode(EPISODE)
    decisions = await hub.decisions(EPISODE)
    assert hub.logged == []
    await hub.store.aclose()
    return {
        "state": stored.record.state,
        "facts": stored.doc,
        "duties": {(d.code, d.occurrence, d.due_at, d.state, d.closed_by) for d in stored.duties
                   if d.code != "adulthood"},
        "register": sorted((e.organisation, e.role, e.received_at, e.remove_at, e.removed_by or "")
                           for e in stored.register),
        "decisions": sorted(repr((d.at, d.cause, d.outcome, d.kind, d.priority, d.recipients, d.fields, d.why))
                            for d in decisions if d.cause != "duty:adulthood"),
    }  # fmt: skip


def told(story: Story) -> dict[str, Any]:
    """The story through the pure core alone."""
    course = Course()
    for event, arrives in story:
        course.post(event, at=arrives)
    course.run_until(course.now + LATER)
    episode = course.episode
    return {
        "state": episode.state,
        "facts": episode.doc,
        "duties": {(d.code, d.occurrence, d.due_at, d.state, d.closed_by) for d in episode.duties
                   if d.code != "adulthood"},
        "register": sorted((e.organisation, e.role, e.received_at, e.remove_at, e.removed_by or "")
                           for e in episode.register),
        "decisions": sorted(repr((d.at, d.cause, d.outcome, d.kind, d.priority, d.recipients, d.fields, d.why))
                            for d in course.decisions if d.cause != "duty:adulthood"),
    }  # fmt: skip


@given(events())
@settings(max_examples=12)
def test_the_service_and_the_core_agree(story: Story) -> None:
    with tempfile.TemporaryDirectory() as folder:
        through_the_service = asyncio.run(lived(story, Path(folder)))
    alone = told(story)
    for part, expected in alone.items():
        assert through_the_service[part] == expected, part
