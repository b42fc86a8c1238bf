"""An exercise never leaves its sandbox (events.md, ``status``)."""

import pytest

from tests.integration.service.test_chasing import answer, notice_to
from tests.kit.events import reported, returned
from tests.kit.node import a_hub
from tests.kit.store import memory_store

SANDBOX = "exercise@hub.example"


@pytest.mark.parametrize("status", ["exercise", "test"])
async def test_an_exercise_reaches_the_sandbox_only(status: str) -> None:
    hub = await a_hub(await memory_store(), sandbox=SANDBOX)
    try:
        answer = await hub.post(reported(episode={"status": status}))
        assert answer.status == 202
        await hub.post(returned())
        deliveries = await hub.deliveries()
        assert {one.address for one in deliveries} == {SANDBOX}
        assert len(deliveries) == len(await hub.notices()) > 10
        assert {one.status for one in await hub.notices()} == {status}
    finally:
        await hub.store.aclose()


async def test_without_a_sandbox_it_reaches_nobody_and_alarms_nobody() -> None:
    hub = await a_hub(await memory_store())
    try:
        await hub.post(reported(episode={"status": "exercise"}))
        assert await hub.deliveries() == []
        assert {one.state for one in await hub.notices()} == {"unresolved"}
        assert await hub.alarms() == []
    finally:
        await hub.store.aclose()


async def test_an_actual_one_never_goes_to_the_sandbox() -> None:
    hub = await a_hub(await memory_store(), sandbox=SANDBOX)
    try:
        await hub.post(reported())
        assert SANDBOX not in {one.address for one in await hub.deliveries()}
    finally:
        await hub.store.aclose()


@pytest.mark.parametrize("said", ["not_ours", "redirected"])
async def test_what_is_answered_to_one_alarms_nobody(said: str) -> None:
    hub = await a_hub(await memory_store(), sandbox=SANDBOX)
    try:
        await hub.post(reported(episode={"status": "exercise"}))
        notice = await notice_to(hub, "responsible_authority")
        assert (await answer(hub, notice, said)).state == "unresolved"
        assert await hub.alarms() == []
    finally:
        await hub.store.aclose()
