"""Several hubs on one PostgreSQL: what a sealed notice costs in processor time as worker processes are added.

The burst of ``fanout``, fewer notices, on a server with ``fsync`` on; a copy of the same database for each row. The
first process does everything, the others are workers. On two processors four send no more than two do: what is asked is
that they do not get into each other's way. So two hubs that share nothing stand beside them, each with a burst and a
database of its own at the same time: what these take more than one alone is the machine's, and no design can change it.
"""

import asyncio
import os
import shutil
import statistics
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import asyncpg
from sqlalchemy import make_url

from bench.hubs import Sink, hub_folder, reported, serving, settings_of, sinking
from bench.keeping import keep
from bench.table import ratio
from bench.watching import Run, family, rounds, watched
from tests.kit.postgres import PostgresServer, postgres_server
from tests.kit.serving import free_port

NOTICES: Final = 1000
WARM: Final = 100
PROCESSES: Final = (1, 2, 4)
ROUNDS: Final = int(os.environ.get("BENCH_ROUNDS", "2"))
MINUTES: Final = float(os.environ.get("BENCH_MINUTES", "1.5"))
APART: Final = "two that share nothing"
LIMIT: Final = 1.1
WAITING: Final = "SELECT count(*) FROM deliveries WHERE state IN ('due', 'leased')"


@dataclass(frozen=True, slots=True, kw_only=True)
class Databases:
    """A ledger and its key store, by their names."""

    server: PostgresServer
    ledger: str
    keys: str

    def settings(self) -> Mapping[str, str]:
        return {"database_url": self.server.url(self.ledger), "key_store_url": self.server.url(self.keys)}

    async def copy(self, suffix: str) -> "Databases":
        for name in (self.ledger, self.keys):
            await self._run("postgres", f"CREATE DATABASE {name}_{suffix} TEMPLATE {name}")
        return Databases(server=self.server, ledger=f"{self.ledger}_{suffix}", keys=f"{self.keys}_{suffix}")

    async def waiting(self) -> int:
        """Deliveries that are to be sent."""
        found = await self._run(self.ledger, WAITING)
        return int(found)

    async def _run(self, database: str, statement: str) -> int:
        connection = await asyncpg.connect(host=str(self.server.socket), user="postgres", database=database)
        try:
            return int(await connection.fetchval(statement) or 0)
        finally:
            await connection.close()


def main() -> None:
    """Measure, print, and keep."""
    load = os.getloadavg()[0]
    taken: dict[str, list[Run]] = {}
    with (
        tempfile.TemporaryDirectory(prefix="fp-workers-") as name,
        postgres_server(fsync="on", shared_buffers="128MB", max_connections="200") as server,
    ):
        folder = Path(name)
        databases, total = asyncio.run(_seeded(folder / "data", server))
        for number in rounds(ROUNDS, MINUTES * 60):
            for count in PROCESSES:
                run = _burst(folder, databases, total, count, f"{number}_{count}")
                taken.setdefault(str(count), []).append(run)
                print(f"  {count} processes: {run.rate:.0f}/s", flush=True)
            taken.setdefault(APART, []).append(_burst(folder, databases, total, 1, f"{number}_apart", ledgers=2))
    print(f"{'processes on PostgreSQL':<34} {'notices/s':>10} {'processor ms':>14} {'of the server ms':>18}")
    for title, runs in taken.items():
        spent = statistics.median(run.processor / run.notices for run in runs) * 1000
        served = statistics.median(run.servers / run.notices for run in runs) * 1000
        print(f"  {title:<32} {statistics.median(run.rate for run in runs):10.0f} {spent:14.2f} {served:18.2f}")
    one, two, four, apart = ([run.processor / run.notices for run in runs] for runs in taken.values())
    rates = [[run.rate for run in runs] for runs in taken.values()]
    found = [
        ratio("processor time a notice: two processes, of one", two, one, LIMIT, "at most"),
        ratio("processor time a notice: two processes, of two that share nothing", two, apart),
        ratio("processor time a notice: two that share nothing, of one", apart, one),
        ratio("processor time a notice: four processes, of one", four, one),
        ratio("notices a second: two processes, of one", rates[1], rates[0]),
    ]
    for each in found:
        print(each.line())
    path = keep("workers", load, found, taken={title: [asdict(run) for run in runs] for title, runs in taken.items()})
    print(f"load average {load:.1f} before and {os.getloadavg()[0]:.1f} after; kept in bench/results/{path.name}")


async def _seeded(folder: Path, server: PostgresServer) -> tuple[Databases, int]:
    names = [str(make_url(await server.database()).database) for _ in range(2)]
    databases = Databases(server=server, ledger=names[0], keys=names[1])
    environment = await hub_folder(folder, 25, **databases.settings())
    total = await reported(environment, NOTICES + WARM, datetime.now(UTC))
    assert await databases.waiting() == total
    return databases, total


def _burst(folder: Path, databases: Databases, total: int, count: int, name: str, *, ledgers: int = 1) -> Run:
    """So many processes on each of so many copies of the burst, all at once."""
    copies = [asyncio.run(databases.copy(f"{name}_{number}")) for number in range(ledgers)]
    with ExitStack() as stack:
        mail = stack.enter_context(sinking(folder / name / "sink"))
        pids = [
            stack.enter_context(_hub(folder / "data", folder / name / f"{place}-{number}", mail, own, number))
            for place, own in enumerate(copies)
            for number in range(count)
        ]
        return watched(
            mail,
            total=total * ledgers,
            warm=WARM * ledgers,
            senders=lambda: [one for pid in pids for one in family(pid)],
            servers=lambda: family(databases.server.process.pid),
            done=lambda: all(asyncio.run(own.waiting()) == 0 for own in copies),
        )


@contextmanager
def _hub(seeded: Path, folder: Path, mail: Sink, databases: Databases, number: int) -> Iterator[int]:
    """Its process id. The first does everything; each has the same keys."""
    shutil.copytree(seeded, folder)
    settings = {**databases.settings(), "smtp_tls": "opportunistic", "sealers": "0"}  # what is counted are the hubs
    if number:
        settings["roles"] = "worker"
    with serving(settings_of(folder, mail.port, bind_port=str(free_port()), **settings), folder) as process:
        yield process.pid


if __name__ == "__main__":
    main()
