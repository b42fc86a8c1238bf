"""Whether a hub's memory stays as it is while events come in: what it has resident, after every few thousand of them.

Whole episodes (a report, an update, the child is back) by several clients, into the running command line on SQLite, and
all mail of it goes out: each look is taken when nothing waits any more, or after two minutes. ``BENCH_EVENTS`` bounds
it: events are counted, not seconds.
"""

import asyncio
import os
import resource
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Final

import aiohttp

from bench.accept import running
from bench.hubs import SOURCES, all_sent, hub_folder, sinking
from bench.keeping import keep
from bench.table import ratio
from bench.watching import family
from hub.core.webhook import sign
from tests.kit.fire_stories import Story, story
from tests.kit.web import CLOUD_EVENT, KEY

EVENTS: Final = int(os.environ.get("BENCH_EVENTS", "30000"))
WARM: Final = EVENTS // 3
"""Until then what is kept for a while fills up: data keys of so many children, statements, connections."""
EVERY: Final = 3000
PATIENCE: Final = 120.0
"""Seconds for the mail of so many events to go out."""
CLIENTS: Final = 16
LIMIT: Final = 1.1
PAGE: Final = resource.getpagesize()


def soak() -> None:
    """Measure, print, and keep."""
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="fp-memory-") as name, sinking(Path(name) / "sink") as mail:
        folder = Path(name) / "hub"
        settings = {"rate_per_second": "100000", "rate_burst": "1000000", "address_rate": "100000"}
        settings |= {"smtp_tls": "opportunistic", "sealers": "1"}  # that comes and goes where it is left to the hub
        environment = asyncio.run(hub_folder(folder, mail.port, **settings))
        with running(["-m", "hub", "serve"], environment, folder, int(environment["FINGERPOST_BIND_PORT"])) as process:
            found = asyncio.run(_posted(environment["FINGERPOST_PUBLIC_URL"], process.pid, all_sent(folder)))
    before = [size for events, size in found.items() if events <= WARM][-1]
    after = [size for events, size in found.items() if events > WARM]
    one = ratio(f"memory after {EVENTS:,} events: of that after {WARM:,}", [after[-1]], [before], LIMIT, "at most")
    print(f"- most after the warm-up: {max(after) / 1024**2:.1f} MiB\n- {one.line().strip()}")
    path = keep("memory", load, [one], resident={str(events): size for events, size in found.items()})
    print(f"- load average {load:.1f} before and {os.getloadavg()[0]:.1f} after; kept in bench/results/{path.name}")


async def _posted(url: str, pid: int, finished: Callable[[], bool]) -> Mapping[int, int]:
    """Bytes resident, of the hub and what it started, by how many events it had taken."""
    found, taken = {0: _resident(pid)}, 0

    async def client(session: aiohttp.ClientSession, some: Iterator[Story]) -> None:
        nonlocal taken
        for one in some:
            for step in one.steps:
                signed = sign(step.body, webhook_id=f"{one.source}-{taken}", at=datetime.now(UTC), keys=[KEY])
                headers = {"Content-Type": CLOUD_EVENT, **signed}
                async with session.post(f"{url}/v1/events", data=step.body, headers=headers) as answer:
                    assert answer.status == 202, await answer.text()
                taken += 1

    async with aiohttp.ClientSession() as session:
        waiting = _stories(datetime.now(UTC))
        while some := list(islice(waiting, EVERY // 3)):
            shared = iter(some)
            await asyncio.gather(*(client(session, shared) for _ in range(CLIENTS)))
            end = time.monotonic() + PATIENCE
            while not finished() and time.monotonic() < end:
                await asyncio.sleep(0.1)
            found[taken] = _resident(pid)
            print(f"- {taken:,} events: {found[taken] / 1024**2:.1f} MiB", flush=True)
    return found


def _stories(now: datetime) -> Iterator[Story]:
    number = count = 0
    while count < EVENTS:
        one = story(number, SOURCES[number % len(SOURCES)], now)
        yield one
        number, count = number + 1, count + len(one.steps)


def _resident(pid: int) -> int:
    """proc(5), statm: the second field."""
    return sum(int(Path(f"/proc/{one}/statm").read_text(encoding="ascii").split()[1]) * PAGE for one in family(pid))


if __name__ == "__main__":
    soak()
