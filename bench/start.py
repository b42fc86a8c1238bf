"""How soon ``serve`` takes events, what memory it has with nothing to do, and how long the demo takes to its last line;
each beside its limit.

Other work on the machine makes the seconds longer; of the processor's, less so.
"""

import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.keeping import keep
from bench.table import Ratio
from tests.kit.fire import ROOT, running
from tests.kit.fire_runs import ground

STARTS = 5
READY_LIMIT, DEMO_LIMIT = 2.0, 30.0
MEMORY_LIMIT = 150 * 1024 * 1024
SETTLED = 2.0
"""Seconds after which an idle hub has all it ever has."""
PATIENCE = 300.0


def main() -> None:
    """Measure and print."""
    ready()
    demo()


def ready() -> dict[str, list[float]]:
    """Starts of a hub that is set up and has nothing to do, by the clock and in processor time."""
    load = os.getloadavg()[0]
    found = asyncio.run(_starts())
    print(
        f"- serve ready in {statistics.median(found['seconds']):.2f} s (limit {READY_LIMIT:.0f} s), of processor time "
        f"{statistics.median(found['processor_seconds']):.2f} s; medians of {STARTS}",
        flush=True,
    )
    memory = Ratio(
        name="memory of an idle hub: of the limit of 150 MiB",
        values=tuple(one / MEMORY_LIMIT for one in found["memory"]), limit=1, side="at most",
    )  # fmt: skip
    print(f"- an idle hub has {statistics.median(found['memory']) / 1024**2:.1f} MiB of memory (limit 150 MiB)")
    keep("start", load, [memory], **found)
    return found


async def _starts() -> dict[str, list[float]]:
    found: dict[str, list[float]] = {"seconds": [], "processor_seconds": [], "memory": []}
    with tempfile.TemporaryDirectory(prefix="fp-start-") as folder, ground(Path(folder)) as (_, site):
        for _ in range(STARTS):
            async with running(site) as (hub, _):
                found["seconds"] += hub.starts
                found["processor_seconds"] += hub.starts_cpu
                await asyncio.sleep(SETTLED)
                found["memory"].append(hub.memory())
                await hub.stop()
    return found


def demo() -> dict[str, float]:
    """What ``make demo ARGS=--once`` runs when everything is set up."""
    before, began = os.times(), time.perf_counter()
    command = [sys.executable, "-m", "hub", "demo", "--once"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE)
    seconds, after = time.perf_counter() - began, os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    print(
        f"- the demo, set up: {seconds:.1f} s to the last line (limit {DEMO_LIMIT:.0f} s), of processor time "
        f"{cpu:.1f} s; it ended with {done.returncode}",
        flush=True,
    )
    return {"seconds": seconds, "processor_seconds": cpu, "status": done.returncode}


if __name__ == "__main__":
    main()
