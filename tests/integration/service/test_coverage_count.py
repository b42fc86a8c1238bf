"""Coverage as a metric: counted when the directory changes and as time goes on, and not at every tick."""

from dataclasses import replace
from datetime import datetime, timedelta

from contacts.areas import load_areas
from contacts.directory import Directory
from hub.edge.telemetry import Metrics
from hub.service.assurance.coverage import EVERY, CoverageCount
from tests.kit.directory import NOW, small_bundle

OFFICE_ONLY = replace(small_bundle(), contacts=tuple(c for c in small_bundle().contacts if c.hours != "night"))


def figure(metrics: Metrics, when: str, state: str) -> float | None:
    return metrics.registry.get_sample_value("fingerpost_coverage", {"when": when, "state": state})


async def test_it_follows_the_directory_and_the_hours() -> None:
    metrics, present = Metrics(), Directory.of(OFFICE_ONLY)
    count = CoverageCount(directory=lambda: present, areas=load_areas(), meter=metrics)
    evening = datetime(2026, 3, 4, 17, 28, tzinfo=NOW.tzinfo)
    assert await count.tick(evening)
    before = figure(metrics, "now", "on_duty")
    assert before and figure(metrics, "by_night", "off_duty")
    assert not await count.tick(evening + EVERY - timedelta(seconds=1))
    assert await count.tick(evening + EVERY)
    after = figure(metrics, "now", "on_duty")
    assert after is not None and after < before
    present = Directory.of(small_bundle())
    assert await count.tick(evening + EVERY + timedelta(seconds=1)), "the directory has changed"
    assert figure(metrics, "now", "on_duty") == before
    assert b"@" not in metrics.render({}, {})
