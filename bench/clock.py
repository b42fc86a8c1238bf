"""What the clock costs with a thousand open duties and with a million: one idle tick, and a restart.

Ratios within one run; a tick with a million must cost at most twice what one with a thousand does.
"""

import asyncio
import os
import sqlite3
import statistics
import tempfile
import time
from datetime import timedelta
from pathlib import Path

from bench.keeping import keep
from bench.table import ratio
from tests.kit.clock import START
from tests.kit.events import reported
from tests.kit.node import a_hub
from tests.kit.store import LEDGER, sqlite_store

DUTIES = (1_000, 1_000_000)
TICKS = 300
LIMIT = 2.0


def main() -> None:
    """Measure and print."""
    load = os.getloadavg()[0]
    print(f"{'open duties':>12} {'idle tick':>12} {'restart':>12}")
    found = []
    for duties in DUTIES:
        with tempfile.TemporaryDirectory(prefix="fp-clock-") as folder:
            found.append(asyncio.run(measured(Path(folder), duties)))
        print(f"{duties:12,} {found[-1][0] * 1000:9.3f} ms {found[-1][1]:10.2f} s", flush=True)
    few, many = found
    judged = [
        ratio("one idle tick, 1,000,000 open duties: of 1,000", many[0:1], few[0:1], LIMIT, "at most"),
        ratio("restart, 1,000,000 open duties: of 1,000", many[1:2], few[1:2], LIMIT, "at most"),
    ]
    for one in judged:
        print(one.line())
    keep("clock", load, judged, duties=DUTIES, tick_seconds=[few[0], many[0]], restart_seconds=[few[1], many[1]])


async def measured(folder: Path, wanted: int) -> tuple[float, float]:
    """Seconds of an idle tick (median) and of a restart, beside ``wanted`` open duties."""
    hub = await a_hub(await sqlite_store(folder))
    await hub.post(reported())
    await hub.store.aclose()
    multiply(folder / LEDGER, wanted)
    began = time.perf_counter()
    hub = hub.on(await sqlite_store(folder, node="2"), node="2")
    restart = time.perf_counter() - began
    try:
        ticks = []
        for number in range(TICKS):
            began = time.perf_counter()
            assert await hub.clockwork.tick(START + timedelta(microseconds=number)) == 0
            ticks.append(time.perf_counter() - began)
        return statistics.median(ticks), restart
    finally:
        await hub.store.aclose()


def multiply(ledger: Path, wanted: int) -> None:
    """Copies of the one episode there is, with its duties, under ids of their own, until there are enough duties."""
    connection = sqlite3.connect(ledger)
    each = connection.execute("SELECT count(*) FROM duties WHERE state = 'open'").fetchone()[0]
    connection.execute("CREATE TEMP TABLE copies (n INTEGER PRIMARY KEY)")
    connection.executemany("INSERT INTO copies VALUES (?)", ((n,) for n in range(wanted // each)))
    for table, fresh in (
        ("episodes", {"id": "e.id || '-' || n", "lookup": "randomblob(32)", "wake_at": "e.wake_at + 1000000 * n"}),
        ("duties", {"episode": "e.episode || '-' || n"}),
    ):
        columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
        values = ", ".join(fresh.get(column, f"e.{column}") for column in columns)
        connection.execute(f"INSERT INTO {table} ({', '.join(columns)}) SELECT {values} FROM {table} e, copies")
    connection.commit()
    connection.close()
