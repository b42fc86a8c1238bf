"""Two hubs on a PostgreSQL that is restarted, cut off and failed over to its replica, and a hub that stands still.

One hub's clock is five seconds ahead and the other's five behind (where Debian's ``faketime`` is there). Case systems
post to both all the while; the same mail server counts, and the same verdict is given, as for the other long runs.
"""

import asyncio
import os
import random
import signal
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path

import aiohttp

from tests.kit.fire import ROOT, Hub, Site, free_port, relay, site
from tests.kit.fire_posting import Posted, Poster
from tests.kit.fire_runs import CONCURRENCY, IN_HAND, endless
from tests.kit.fire_verdict import judge
from tests.kit.replicas import Pair, replicated
from tests.kit.spills import spilled

CLIENTS = 12
STILL = 60.0
"""Seconds that one of the hubs is stopped for: two leases."""
LEASE = {"lease": "30", "longest_send": "20", "delivery_concurrency": str(CONCURRENCY)}
"""Longer than the hubs' clocks are apart, as else each takes the other's leases for over; by default it is 300."""
BETWEEN = 6.0
LIBRARY = Path("/usr/lib") / f"{os.uname().machine}-linux-gnu" / "faketime" / "libfaketimeMT.so.1"


def soak() -> None:
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    print(f"Commit {commit.stdout.strip() or 'unknown'}. Load average before the start: {os.getloadavg()[0]:.1f}.\n")
    with tempfile.TemporaryDirectory(prefix="fp-failover-") as folder:
        asyncio.run(_soak(Path(folder)))


async def _soak(folder: Path) -> None:
    skewed = LIBRARY.exists()
    async with replicated("ledger", "keys") as pair:
        with relay(folder / "relay") as mail:
            shared = {"database_url": pair.url("ledger"), "key_store_url": pair.url("keys"), **LEASE}
            one = await asyncio.to_thread(site, folder / "site", mail, **shared)
            two = replace(one, settings={**one.settings, "FINGERPOST_BIND_PORT": str(free_port())})
            began = time.perf_counter()
            async with _both(one, two, skewed=skewed) as (hubs, client):
                posters = [Poster(client, at.url, at.keys) for at in (one, two)]
                await _posted(pair, hubs, posters, one)
                for hub in hubs:
                    await hub.drained(client, 240)
                    figures = await hub.work(client)
                    assert not figures["wakeups_lost"], "it does not listen any more"
                repeated = sum([await poster.again() for poster in posters])
                for hub in hubs:
                    await hub.stop()
            verdict = await judge(
                one, mail, _together(posters), sample=20, extra_at_most=len(STEPS) * len(hubs) * IN_HAND, alarmed=True
            )
    lost = sum(poster.posted.lost_connections + poster.posted.refused_for_now for poster in posters)
    print(f"- {verdict.not_sealed} content-free mails: about what was done to them, or whether an address works")
    print(f"- clocks five seconds apart from the right time: {'yes' if skewed else 'not tried, no faketime here'}")
    print(f"- what was done to them: {', '.join(STEPS)}")
    print(
        f"- {verdict.events} events, {verdict.notices} notices, {verdict.mails} mails in "
        f"{time.perf_counter() - began:.0f} s; 0 lost; {verdict.extra} sent again, at most {verdict.most_copies} of "
        f"one, each with its first Message-ID; {lost} posts made again; {repeated} events posted once more, all known"
    )


async def _posted(pair: Pair, hubs: list[Hub], posters: list[Poster], at: Site) -> None:
    chance, enough = random.Random(7), asyncio.Event()
    supplies = endless(at, CLIENTS)
    async with asyncio.TaskGroup() as group:
        for number, supply in enumerate(supplies):
            poster = posters[number % len(posters)]
            group.create_task(poster.tell_until(enough, supply, random.Random(chance.random()), 2.0))
        await asyncio.sleep(BETWEEN)
        for step in STEPS.values():
            await step(pair, hubs)
            await asyncio.sleep(BETWEEN)
        enough.set()


async def _cut(pair: Pair, hubs: list[Hub]) -> None:
    for _ in range(5):
        await pair.cut()
        await asyncio.sleep(0.5)


async def _restart(pair: Pair, hubs: list[Hub]) -> None:
    await pair.restart()


async def _still(pair: Pair, hubs: list[Hub]) -> None:
    hubs[1].tell(signal.SIGSTOP)
    await asyncio.sleep(STILL)
    hubs[1].tell(signal.SIGCONT)


async def _fail_over(pair: Pair, hubs: list[Hub]) -> None:
    await pair.fail_over()


STEPS: Mapping[str, Callable[[Pair, list[Hub]], Awaitable[None]]] = {
    "every connection to PostgreSQL cut five times": _cut,
    "PostgreSQL killed and started again": _restart,
    f"a hub stopped for {STILL:.0f} s and resumed": _still,
    "PostgreSQL killed, its replica promoted": _fail_over,
    "every connection cut again": _cut,
}


@asynccontextmanager
async def _both(one: Site, two: Site, *, skewed: bool) -> AsyncIterator[tuple[list[Hub], aiohttp.ClientSession]]:
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), timeout=aiohttp.ClientTimeout(total=30))
        )
        hubs = [Hub(at) for at in (one, two)]
        for hub, seconds in zip(hubs, ("+5s", "-5s"), strict=True):
            stack.callback(hub.close)
            with _clock(seconds if skewed else None):
                await hub.start(client)
        yield hubs, client
        assert spilled(hubs[0].log) is None, spilled(hubs[0].log)


@contextmanager
def _clock(ahead: str | None) -> Iterator[None]:
    """Whatever is started meanwhile goes by a clock that is so far off."""
    given = (
        {} if ahead is None else {"LD_PRELOAD": str(LIBRARY), "FAKETIME": ahead, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    )
    os.environ.update(given)
    try:
        yield
    finally:
        for name in given:
            del os.environ[name]


def _together(posters: list[Poster]) -> Posted:
    whole = Posted()
    for poster in posters:
        whole.answers |= poster.posted.answers
        whole.stories += poster.posted.stories
    return whole


if __name__ == "__main__":
    soak()
