"""An event in: every answer intake decides, and all that it means written in one transaction, or nothing of it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.kit.events import reported
from tests.kit.node import Hub, a_hub
from tests.kit.store import sqlite_store


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Hub]:
    store = await sqlite_store(tmp_path)
    yield await a_hub(store)
    await store.aclose()


async def test_a_report_is_answered_and_everything_it_means_is_there(hub: Hub) -> None:
    answer = await hub.post(reported())
    assert answer.status == 202
    assert answer.body["event"] == "E1"
    assert answer.body["duplicate"] is False
    assert answer.body["withheld"] == 1
    assert answer.body["gaps"] == []
    notices = await hub.notices()
    assert len(notices) == answer.body["notices"] > 5
    assert {one.notice for one in await hub.deliveries()} == {one.id for one in notices}
    stored = await hub.episode()
    assert stored.record.state == "open"
    assert stored.doc["child"]["name"] == "Robin Example"
    assert stored.register
    assert {"renotify", "daily_contact"} <= {duty.code for duty in stored.duties}
    assert hub.nudged == 1
