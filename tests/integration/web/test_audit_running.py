"""A hub as it is composed links its lines by itself, and says how long the oldest has waited."""

import asyncio
from pathlib import Path

from hub.core.audit import Head, LinkedLine, verify_chain
from tests.kit.events import raw, reported
from tests.kit.whole import whole


async def test_what_an_event_leaves_is_linked_by_the_hub_itself(tmp_path: Path) -> None:
    async with whole(tmp_path) as running:
        store = running.hub.store
        assert (await running.post(raw(reported())))[0] == 202
        async with asyncio.timeout(20):
            while True:
                chain = await store.read(lambda unit: unit.trail.linked(0, 1000))
                lines = [one for one in chain if isinstance(one, LinkedLine)]
                if {"hub.started", "event.accepted", "notice.created"} <= {one.line.action for one in lines}:
                    break
                await asyncio.sleep(0.05)
        assert isinstance(verify_chain(lines), Head)
        (started,) = [one.line for one in lines if one.line.action == "hub.started"]
        assert "national:" in started.detail["packs"] and "no_heartbeat" in started.detail["risks"].split()
        counts = await running.hub.health.counts()
        assert "audit_unlinked_seconds" in counts
