"""The service, on its store and over restarts, does what the pure core does: nothing is lost between two events.

And the core driven by hand does what ``fingerpost simulate`` says, in the order in which it says it.
"""

import asyncio
import tempfile
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import example, given, settings

from hub.core.events import instant, instant_text
from hub.simulate import simulate
from tests.kit.clock import FakeClock
from tests.kit.course import Course
from tests.kit.events import BROMLEY, EPISODE, NORTH_LINCOLNSHIRE, reported, retracted, updated
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
        if arrives > hub.clock.now():  # else it comes before the clocks of the instant at which it arrives (B10)
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


def alone(story: Story) -> Course:
    """The story through the pure core alone."""
    course = Course()
    for event, arrives in story:
        course.post(event, at=arrives)
    return course.run_until(course.now + LATER)


def left(course: Course) -> dict[str, Any]:
    """What it comes to, as :func:`lived` gives it."""
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


def ordered(course: Course) -> list[tuple[Any, ...]]:
    """Its decisions as they were taken, one after the other, with what ``simulate`` shows of each."""
    return [
        (instant_text(d.at), d.cause, d.outcome, d.kind, d.priority, list(d.roles), d.recipients[0].organisation,
         d.recipients[0].person, list(d.fields), d.why)
        for d in course.decisions
    ]  # fmt: skip


def simulated(story: Story) -> list[tuple[Any, ...]]:
    """The same out of ``fingerpost simulate``."""
    said = simulate(
        {
            "title": "A story",
            "events": [{**event, "arrives": arrives.isoformat()} for event, arrives in story],
            "until": (story[-1][1] + LATER).isoformat(),
        }
    )
    assert {answer["status"] for answer in said["answers"]} == {202}
    keys = ("at", "cause", "outcome", "kind", "priority", "roles", "organisation", "person", "fields", "why")
    return [tuple(decision[key] for key in keys) for decision in said["decisions"]]


def at_one_instant(late: timedelta, *following: dict[str, Any], **placement: str) -> Story:
    """A report that comes so late, and what arrives at the very same microsecond."""
    since = "2026-03-01T19:30:00Z"
    report = reported(id="E0", time=since, people=[], episode={"since": since}, placement=placement)
    arrives = instant(since) + late
    return [(event, arrives) for event in (report, *following)]


def after(late: timedelta, story: Story, event: dict[str, Any]) -> Story:
    return [*story, (event, story[-1][1] + late)]


A_TICK = timedelta(microseconds=1)
FALSE_ALARM = retracted(id="X0", time="2026-03-01T20:00:00Z")
NO_LONGER = updated(
    id="U0", time="2026-03-01T20:00:00Z", episode={"category": "away", "whereabouts_known": True}
)  # fmt: skip
TELL_SAM = updated(
    id="U0",
    time="2026-03-01T20:00:00Z",
    people=[{"role": "parent", "name": "Sam Example", "email": "sam@family.example",
             "notify": {"decision": "notify"}}],
)  # fmt: skip


@given(events())
# What the report opens late is due before that instant, at it, or both: all of it comes after what arrives with it.
@example(at_one_instant(timedelta(days=1) + A_TICK, NO_LONGER, host_authority=BROMLEY))
@example(at_one_instant(timedelta(days=1) + A_TICK, FALSE_ALARM, host_authority=BROMLEY))
@example(at_one_instant(timedelta(days=2), TELL_SAM, host_authority=NORTH_LINCOLNSHIRE))
@example(after(A_TICK, at_one_instant(timedelta(days=2), TELL_SAM, host_authority=BROMLEY), FALSE_ALARM))
@settings(max_examples=12)
def test_the_service_and_the_core_agree(story: Story) -> None:
    with tempfile.TemporaryDirectory() as folder:
        through_the_service = asyncio.run(lived(story, Path(folder)))
    course = alone(story)
    for part, expected in left(course).items():
        assert through_the_service[part] == expected, part
    assert ordered(course) == simulated(story)
