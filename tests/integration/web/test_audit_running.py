"""A hub as it is composed links its lines by itself, says how long the oldest has waited, and starts by their clock."""

import asyncio
from datetime import timedelta
from pathlib import Path

from hub.app.ledger import open_ledger
from hub.core.audit import Head, LinkedLine, verify_chain
from hub.core.records import AuditLine
from hub.edge.clock import SystemClock
from hub.edge.ids import SeededIds
from hub.service.audit.chaining import link_waiting
from tests.kit.events import raw, reported
from tests.kit.hub import hub_settings
from tests.kit.whole import whole


async def test_what_an_event_leaves_is_linked_by_the_hub_itself(tmp_path: Path) -> None:
    async with open_ledger(hub_settings(tmp_path, smtp_port=2525)) as before:
        at = SystemClock().now() + timedelta(hours=1)
        ahead = AuditLine(id=SeededIds("before").new("au", at), at=at, actor="hub", action="hub.stopped")
        await before.write(lambda unit: unit.add_audit([ahead]))
        await link_waiting(before)
    async with whole(tmp_path, overdue_after=1) as running:
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
        async with asyncio.timeout(20):
            while "clock_jumped" not in {one.kind for one in await store.read(lambda unit: unit.alarms())}:
                await asyncio.sleep(0.02)
