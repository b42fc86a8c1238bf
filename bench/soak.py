"""The long proof: a thousand events from 32 clients while deliveries run, and SIGKILL after SIGKILL.

Everything is counted at a mail server of its own, every mail is opened, and every event is posted once more at the end
(tests/kit/fire_verdict.py says what is judged). The figures go to ``results/DATE-soak.json``, and what is printed here
beside them. ``make test`` runs a small part of the same.
"""

import asyncio
import dataclasses
import json
import os
import platform
import random
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from bench.start import demo, ready
from tests.kit.fire import ROOT
from tests.kit.fire_runs import LEASE, Killed, Loaded, ground, kill, load
from tests.kit.postgres import postgres_server

R = TypeVar("R")

EVENTS = 1000
KILLS = 25
LIMIT = 1800.0
"""Seconds any one run may take."""
RESULTS = Path(__file__).resolve().parent / "results"


def soak() -> None:
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # so that what was started is ended
    began = datetime.now(UTC)
    results: dict[str, Any] = {
        "at": began.replace(microsecond=0).isoformat(),
        "commit": _commit(),
        "python": platform.python_version(),
        "processors": os.cpu_count(),
        "load_average_before": os.getloadavg(),
    }
    busy = os.getloadavg()[0]
    print(f"Commit {results['commit']}. Load average before the start: {busy:.1f} (other work makes times longer).\n")
    print("| run | events | notices | mails | sent again | superseded | lost | seconds |")
    print("|---|---|---|---|---|---|---|---|")
    results["load_sqlite"] = _said("load, SQLite", _loaded())
    results["kill_sqlite"] = _said("kill, SQLite", _killed())
    with postgres_server() as server:
        ledger, keys = asyncio.run(server.database()), asyncio.run(server.database())
        results["load_postgresql"] = _said("load, PostgreSQL", _loaded(database_url=ledger, key_store_url=keys))
        ledger, keys = asyncio.run(server.database()), asyncio.run(server.database())
        results["kill_postgresql"] = _said("kill, PostgreSQL", _killed(database_url=ledger, key_store_url=keys))
    print()
    _details(results)
    results["start"] = ready()
    results["demo"] = demo()
    results["load_average_after"] = os.getloadavg()
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{began.date().isoformat()}-soak.json"
    path.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


def _commit() -> str:
    done = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    return done.stdout.strip() or "unknown"


def _loaded(**settings: str) -> Loaded:
    return _within(lambda folder: _load(folder, settings))


async def _load(folder: Path, settings: dict[str, str]) -> Loaded:
    with ground(folder, rate_per_second="10000", rate_burst="10000", **settings) as (mail, site):
        return await load(mail, site, EVENTS, sample=50)


def _killed(**settings: str) -> Killed:
    seed = random.SystemRandom().randrange(2**32)
    print(f"kill: seed {seed}", file=sys.stderr, flush=True)
    return _within(lambda folder: _kill(folder, seed, settings))


async def _kill(folder: Path, seed: int, settings: dict[str, str]) -> Killed:
    with ground(folder, **LEASE, **settings) as (mail, site):
        return await kill(mail, site, KILLS, seed, sample=50)


def _within(run: Callable[[Path], Coroutine[Any, Any, R]]) -> R:
    with tempfile.TemporaryDirectory(prefix="fp-soak-") as folder:

        async def limited() -> R:
            async with asyncio.timeout(LIMIT):
                return await run(Path(folder))

        return asyncio.run(limited())


def _said(name: str, result: Loaded | Killed) -> dict[str, Any]:
    """One line of the table. A run that lost something does not get here: its verdict raises."""
    verdict = result.verdict
    seconds = result.draining if isinstance(result, Loaded) else result.seconds
    print(
        f"| {name} | {verdict.events} | {verdict.notices} | {verdict.mails} | {verdict.extra} "
        f"| {verdict.superseded} | 0 | {seconds:.0f} |",
        flush=True,
    )
    figures = {one.name: getattr(result, one.name) for one in dataclasses.fields(result) if one.name != "posted"}
    return figures | {"verdict": dataclasses.asdict(verdict)}


def _details(results: dict[str, Any]) -> None:
    for name in ("load_sqlite", "load_postgresql"):
        found = results[name]
        rate, mails = found["verdict"]["events"] / found["posting"], found["verdict"]["mails"] / found["draining"]
        print(
            f"- {name}: {rate:.0f} events/s taken and {mails:.0f} mails/s sent at once, {found['cpu']:.0f} s of the "
            f"hub's processor time in {found['draining']:.0f} s; answered in "
            f"{found['answer_median'] * 1000:.0f} ms (median), {found['answer_p99'] * 1000:.0f} ms (99 of 100); "
            f"{found['repeated']} posted again, each answered as the first time; stopped in {found['stopping']:.1f} s"
        )
    for name in ("kill_sqlite", "kill_postgresql"):
        found = results[name]
        print(
            f"- {name}: {found['kills']} kills (seed {found['seed']}), {found['lost_connections']} posts broken off; "
            f"{found['verdict']['extra']} mails sent again (at most {found['extra_at_most']} allowed), at most "
            f"{found['verdict']['most_copies']} of one, each with its first Message-ID; {found['repeated']} events "
            "posted again, none unknown"
        )


if __name__ == "__main__":
    soak()
