"""procrastinate on PostgreSQL, as one of its applications."""

import asyncio
import os
from typing import Any

from procrastinate import App, PsycopgConnector

from bench.peers.sending import facts_of, send_async

app = App(connector=PsycopgConnector(conninfo=os.environ["BENCH_BROKER"]))


@app.task(name="notify", queue="notices")
async def notify(facts: dict[str, Any]) -> None:
    await send_async(facts)


async def _put(count: int) -> None:
    async with app.open_async():
        await app.schema_manager.apply_schema_async()
        await notify.batch_defer_async(*({"facts": facts_of(number)} for number in range(count)))


def put(count: int) -> None:
    """Its tables, and so many notices into the queue."""
    asyncio.run(_put(count))
