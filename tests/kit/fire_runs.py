"""The two runs, small in tests and long in ``make soak``: under load, and under SIGKILL."""

import asyncio
import itertools
import random
import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import aiohttp

from hub.service.lanes import AHEAD
from tests.kit.fire import Hub, Relay, Site, relay, running, site
from tests.kit.fire_posting import Posted, Poster, shared_out
from tests.kit.fire_stories import Story, story
from tests.kit.fire_verdict import Verdict, judge

CLIENTS: Final = 32
ENDED_EVERY: Final = 4
"""One story in so many goes on to its end, which overtakes what has not been sent of it."""
CONCURRENCY: Final = 16
"""Places of a lane."""
IN_HAND: Final = CONCURRENCY * (1 + AHEAD)
"""Deliveries that a hub may have sent and not written down when it dies, or is disturbed until its leases run out."""
LEASE: Final = {"lease": "6", "longest_send": "4.5", "delivery_concurrency": str(CONCURRENCY)}
"""For the kills: what a dead hub had in hand is free again after six seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What a run under load came to."""

    verdict: Verdict
    posted: Posted = field(repr=False)
    posting: float
    """Seconds from the first post to the last answer."""
    draining: float
    """Seconds from the first post until no notice was on its way any more."""
    answer_median: float
    answer_p99: float
    """Seconds a client waited for its answer."""
    ready: tuple[float, ...]
    """Seconds from each start to ready."""
    ready_cpu: tuple[float, ...]
    """Of these, seconds of processor time: what is left when nothing else runs on the machine."""
    cpu: float
    """Seconds of processor time of the hub for all of it, start and drain included."""
    stopping: float
    repeated: int
    """Events posted once more at the end, each answered with 200 and the first answer."""
    tried_again: int
    """Posts that had to be made again: 429, 5xx, lost connections."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Killed:
    """What a run under fire came to."""

    verdict: Verdict
    kills: int
    seed: int
    extra_at_most: int
    ready: tuple[float, ...]
    repeated: int
    lost_connections: int
    seconds: float


@contextmanager
def ground(folder: Path, **settings: str) -> Iterator[tuple[Relay, Site]]:
    """A relay that counts and a hub that is set up, not started."""
    with relay(folder / "relay") as mail:
        yield mail, site(folder / "site", mail, **settings)


def stories(site: Site, events: int) -> list[Story]:
    """As many stories as make at least ``events`` events."""
    now, sources = datetime.now(UTC), list(site.keys)
    told: list[Story] = []
    while sum(len(one.steps) for one in told) < events:
        number = len(told)
        length = 3 if number % ENDED_EVERY == 0 else 2
        told.append(story(number, sources[number % len(sources)], now, length=length))
    return told


async def load(mail: Relay, site: Site, events: int, *, clients: int = CLIENTS, sample: int = 5) -> Loaded:
    """Many clients at once, while deliveries run; then every event once more; then the verdict."""
    told = stories(site, events)
    async with running(site) as (hub, client):
        poster = Poster(client, site.url, site.keys)
        began = time.perf_counter()
        await asyncio.gather(*(poster.tell(own) for own in shared_out(told, clients)))
        posting = time.perf_counter() - began
        await hub.drained(client, 60 + events)
        draining = time.perf_counter() - began
        times = sorted(answers[0].seconds for answers in poster.posted.answers.values())
        cpu = hub.cpu()
        repeated = await poster.again()
        stopping = await hub.stop()
    return Loaded(
        verdict=await judge(site, mail, poster.posted, sample=sample),
        posted=poster.posted,
        posting=posting,
        draining=draining,
        answer_median=statistics.median(times),
        answer_p99=times[int(len(times) * 0.99)],
        ready=tuple(hub.starts),
        ready_cpu=tuple(hub.starts_cpu),
        cpu=cpu,
        stopping=stopping,
        repeated=repeated,
        tried_again=poster.posted.lost_connections + poster.posted.refused_for_now,
    )


async def kill(
    mail: Relay,
    site: Site,
    kills: int,
    seed: int,
    *,
    clients: int = CLIENTS,
    pause: float = 0.5,
    window: float = 2.0,
    sample: int = 5,
) -> Killed:
    """SIGKILL at random moments, the last fifth of them when all is posted and only deliveries run; then the verdict.

    ``window``: seconds after each start within which the next kill falls; ``pause``: the longest between two posts of
    one client.
    """
    chance = random.Random(seed)
    began = time.perf_counter()
    async with running(site) as (hub, client):
        poster = Poster(client, site.url, site.keys)
        enough = asyncio.Event()
        posting = [
            asyncio.create_task(poster.tell_until(enough, own, random.Random(chance.random()), pause))
            for own in endless(site, clients)
        ]
        later = kills // 5
        await _kills(hub, client, kills - later, chance, window, posting)
        enough.set()
        await asyncio.gather(*posting)
        await _kills(hub, client, later, chance, window, ())
        await hub.drained(client, 180)
        repeated = await poster.again()
        await hub.stop()
    limit = kills * IN_HAND
    # Killed again and again it is late with some, and says so.
    verdict = await judge(site, mail, poster.posted, sample=sample, extra_at_most=limit, alarmed=True)
    return Killed(
        verdict=verdict,
        kills=kills,
        seed=seed,
        extra_at_most=limit,
        ready=tuple(hub.starts),
        repeated=repeated,
        lost_connections=poster.posted.lost_connections,
        seconds=time.perf_counter() - began,
    )


def endless(site: Site, clients: int) -> list[Iterator[Story]]:
    """A supply of stories for each client."""
    now, sources = datetime.now(UTC), list(site.keys)

    def supply(client: int) -> Iterator[Story]:
        for number in itertools.count(client, clients):
            length = 3 if (number // clients + client) % ENDED_EVERY == 0 else 2
            yield story(number, sources[number % len(sources)], now, length=length)

    return [supply(client) for client in range(clients)]


async def _kills(
    hub: Hub,
    client: aiohttp.ClientSession,
    count: int,
    chance: random.Random,
    window: float,
    posting: Sequence["asyncio.Task[None]"],
) -> None:
    for _ in range(count):
        await asyncio.sleep(chance.uniform(0, window))
        for task in posting:
            if task.done():
                task.result()  # a client that failed ends the run at once
        await hub.kill()
        await hub.start(client)
