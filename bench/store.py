"""What the ledger costs: reports saved by 32 writers at once, and by one, against raw commits of the same bytes.

Only the ratios say something: the absolute numbers are the machine's.
"""

import asyncio
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from hub.core.records import ClaimedDelivery, DeliveryResult
from hub.edge.ids import SystemIds
from hub.edge.vault import KeyRing, Vault
from hub.service.ports import Unit
from hub.store import open_store
from hub.store.sqlite import SqliteStore
from tests.kit.clock import START
from tests.kit.records import Story, result
from tests.kit.store import LEASE

SAVES = 600
CLIENTS = 32
RECIPIENTS = 4


def raw_commits(folder: Path, size: int) -> float:
    """Commits a second of one row of ``size`` bytes, each by itself, as durable as ours."""
    connection = sqlite3.connect(folder / "raw.sqlite3", isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE raw (body BLOB)")
    start = time.perf_counter()
    for _ in range(SAVES):
        connection.execute("INSERT INTO raw VALUES (zeroblob(?))", (size,))
    connection.close()
    return SAVES / (time.perf_counter() - start)


async def saves(store: SqliteStore, ids: SystemIds, clients: int, run: str) -> float:
    """Reports a second, each with ``RECIPIENTS`` notices."""
    stories = (Story(ids, ref=f"{run}-{n}", child_ref=f"{run}-{n}") for n in range(SAVES))

    async def client(mine: Iterator[Story]) -> None:
        for story in mine:

            async def work(unit: Unit, story: Story = story) -> None:
                await story.told(unit, RECIPIENTS)

            await store.write(work)

    start = time.perf_counter()
    await asyncio.gather(*(client(stories) for _ in range(clients)))
    return SAVES / (time.perf_counter() - start)


async def deliveries(store: SqliteStore) -> float:
    """Deliveries a second, claimed and finished a hundred at a time."""
    done, start = 0, time.perf_counter()

    async def claim(unit: Unit) -> list[ClaimedDelivery]:
        return list(await unit.claim(START, START + LEASE, "bench", 100, channels=("email",)))

    while claims := await store.write(claim):
        results = [result(one, START) for one in claims]

        async def finish(unit: Unit, results: list[DeliveryResult] = results) -> None:
            await unit.finish(results, "bench")

        await store.write(finish)
        done += len(claims)
    return done / (time.perf_counter() - start)


async def measure(folder: Path) -> None:
    ids = SystemIds()
    vault = Vault(KeyRing(current="k1", keys={"k1": b"1" * 32}, index_secret=b"i" * 32))
    store = await open_store(f"sqlite:///{folder / 'ledger.sqlite3'}", sealer=vault, ids=ids)
    assert isinstance(store, SqliteStore)
    before = (folder / "ledger.sqlite3-wal").stat().st_size
    together = await saves(store, ids, CLIENTS, "together")
    alone = await saves(store, ids, 1, "alone")
    carried = await deliveries(store)
    await store.aclose()
    size = max(1, ((folder / "ledger.sqlite3").stat().st_size - before) // (2 * SAVES))
    raw = raw_commits(folder, size)
    print(f"raw commits, one row of {size} bytes each       {raw:8.0f}/s   1.00")
    print(f"reports saved, {CLIENTS} at once                    {together:8.0f}/s   {together / raw:.2f}")
    print(f"reports saved, one after the other          {alone:8.0f}/s   {alone / raw:.2f}")
    print(f"deliveries claimed and finished             {carried:8.0f}/s   {carried / raw:.2f}")


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(measure(Path(folder)))


if __name__ == "__main__":
    main()
