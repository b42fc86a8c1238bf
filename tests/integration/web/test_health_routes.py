"""Health: what a probe sees when the store is away, work is late, or a part is dead."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hub.edge.ids import SeededIds
from hub.web.openapi import openapi
from tests.kit.records import Story
from tests.kit.web import Web, serving


@pytest.fixture
async def web(tmp_path: Path) -> AsyncIterator[Web]:
    async with serving(tmp_path) as made:
        yield made


async def status_of(web: Web, path: str) -> tuple[int, dict[str, object]]:
    response = await web.get(path)
    return response.status, json.loads(await response.text())


async def test_all_is_well(web: Web) -> None:
    assert await status_of(web, "/health/live") == (200, {"live": True})
    assert (await status_of(web, "/health/ready"))[0] == 200
    assert await status_of(web, "/health/overdue") == (200, {"overdue": {}})


async def test_a_store_that_is_away(web: Web) -> None:
    web.store.away = True  # type: ignore[attr-defined]  # the kit's own store
    assert (await status_of(web, "/health/live"))[0] == 200
    status, body = await status_of(web, "/health/ready")
    assert (status, body["checks"]["store"]) == (503, False)  # type: ignore[index]  # an object
    assert await status_of(web, "/health/overdue") == (503, {"overdue": {"store_unavailable": 1}})
    text = await (await web.get("/metrics")).text()
    assert 'fingerpost_work{what="store_unavailable"} 1.0' in text


async def test_late_deliveries_and_clocks_are_overdue(web: Web) -> None:
    story = Story(ids=SeededIds("story"))
    await web.store.write(lambda unit: story.told(unit, 2))
    assert (await status_of(web, "/health/overdue"))[0] == 200
    await web.clock.advance(121)
    await web.tick()
    status, body = await status_of(web, "/health/overdue")
    assert (status, body) == (503, {"overdue": {"deliveries_late": 2}})
    await web.clock.advance(6 * 3600)
    await web.tick()
    status, body = await status_of(web, "/health/overdue")
    assert (status, body) == (503, {"overdue": {"deliveries_late": 2, "episodes_late": 1}})


async def test_a_clock_that_no_longer_ticks_is_overdue(web: Web) -> None:
    await web.clock.advance(121)
    status, body = await status_of(web, "/health/overdue")
    assert (status, body) == (503, {"overdue": {"clockwork_seconds_since_last": 121}})
    await web.tick()
    assert (await status_of(web, "/health/overdue"))[0] == 200


async def test_a_clock_that_no_longer_ticks_is_overdue_though_it_was_set_back(web: Web) -> None:
    await web.clock.advance(-3600)
    assert (await status_of(web, "/health/overdue"))[0] == 200
    await web.clock.advance(121)
    status, body = await status_of(web, "/health/overdue")
    assert (status, body) == (503, {"overdue": {"clockwork_seconds_since_last": 121}})


async def test_a_dead_part_is_overdue_and_not_ready(web: Web) -> None:
    web.supervisor.fail("delivery", RuntimeError("Robin"))
    status, body = await status_of(web, "/health/overdue")
    assert (status, body) == (503, {"overdue": {"task_delivery_dead": 1}})
    status, body = await status_of(web, "/health/ready")
    assert (status, body["checks"]) == (503, {"store": True, "not_stopping": False, "task_delivery": False})


async def test_the_published_contract_is_served(web: Web) -> None:
    response = await web.get("/v1/openapi.json")
    assert await response.json() == json.loads(json.dumps(openapi()))
    for path, operations in openapi()["paths"].items():
        if "{" not in path and "get" in operations:
            assert (await web.get(path)).status in (200, 401, 503), path
    schema = await web.get("/v1/schema/fingerpost.episode.reported.v1")
    assert (schema.status, schema.content_type) == (200, "application/schema+json")
    assert (await schema.json(content_type=None))["$schema"].endswith("2020-12/schema")
    missing = await web.get("/v1/schema/fingerpost.episode.lost.v1")
    assert (missing.status, missing.content_type) == (404, "application/problem+json")
