"""What the dead cost the living in a burst.

2,000 sealed notices by HTTPS push to 300 hosts, over TLS, of which ten are dead, five by refusing connections and five
by taking them and saying nothing; against the same without these. Other work on the machine makes the seconds longer:
each is measured in turn, more than once, and the quickest counts.
"""

import asyncio
import os
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from ipaddress import ip_network
from pathlib import Path

from aiohttp import web

from adapters.https.guard import Policy
from adapters.https.push import PushTransport
from adapters.port import Envelope
from bench.watching import rounds
from hub.core.records import Changes, ClaimedDelivery
from hub.core.retry import RetryPolicy
from hub.edge.clock import SystemClock
from hub.service.lanes import Limits
from hub.service.ports import Unit
from tests.kit.delivering import Plain, Watched, World
from tests.kit.fire import ROOT
from tests.kit.pushing import KEYS, RECEIVER, SIGNER
from tests.kit.receiver import host_certificate
from tests.kit.smtp import client_context
from tests.kit.store import sqlite_store
from tests.kit.transport import content

NOTICES, HOSTS, DEAD = 2000, 300, 10
ANSWER = 0.02
"""Seconds a living host takes to answer."""
RATIO_LIMIT = 1.5
TIMES = 3
MINUTES = 1.5
PATIENCE = 600.0


def main() -> None:
    """Measure and print."""
    print(f"load average {os.getloadavg()[0]:.1f} of {os.cpu_count()} processors")
    burst()


@dataclass(frozen=True, slots=True, kw_only=True)
class Net:
    """Where each host is: names that resolve to this machine, on a port that answers, refuses or says nothing."""

    living: int
    refusing: int
    silent: int

    def url(self, host: int, *, dead: bool) -> str:
        port = self.living
        if dead and host % (HOSTS // DEAD) == 0:
            port = self.refusing if host % 2 == 0 else self.silent
        return f"https://{name(host)}:{port}/notices"

    @property
    def policy(self) -> Policy:
        ports = frozenset({443, self.living, self.refusing, self.silent})
        return Policy(networks=(ip_network("127.0.0.0/8"),), ports=ports)


def name(host: int) -> str:
    return f"h{host}.council.example"


class Sealed(Plain):
    """Envelopes that a receiver could open."""

    def content(self, claimed: ClaimedDelivery) -> Envelope:
        return Envelope(
            delivery=claimed.delivery.id,
            reference=claimed.notice.reference,
            address=claimed.delivery.address,
            body=content(),
            certificates=(RECEIVER.document,),
            pinned=frozenset({RECEIVER.mark}),
        )


def burst() -> dict[str, float]:
    """Seconds until every notice to a living host is written down as sent, without the dead ones and with them."""
    without, beside = (min(runs) for runs in asyncio.run(_bursts()))
    found = {"without": without[0], "with": beside[0], "ratio": beside[0] / without[0]}
    print(
        f"- burst, {NOTICES} notices to {HOSTS} hosts: the living had theirs in {without[0]:.1f} s without the {DEAD} "
        f"dead and in {beside[0]:.1f} s with them: {found['ratio']:.2f} times as long (limit {RATIO_LIMIT}); of "
        f"processor time {without[1]:.1f} s and {beside[1]:.1f} s; the best of {TIMES} at most",
        flush=True,
    )
    return found


async def _bursts() -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
    without, beside = [], []
    async with _net() as net:
        for _ in rounds(TIMES, MINUTES * 60):
            without.append(await _burst(net, dead=False))
            beside.append(await _burst(net, dead=True))
    return without, beside


async def _burst(net: Net, *, dead: bool) -> tuple[float, float]:
    """Seconds, by the clock and of processor time."""
    urls = [net.url(number % HOSTS, dead=dead) for number in range(NOTICES)]
    if not dead:
        urls = [url for number, url in enumerate(urls) if number % HOSTS % (HOSTS // DEAD)]
    living = sum(f":{net.living}/" in url for url in urls)
    push = _transport(net)
    with tempfile.TemporaryDirectory(prefix="fp-burst-") as folder:
        store = await sqlite_store(Path(folder))
        world = World(store=Watched(store), clock=SystemClock(), sinks={}, envelopes=Sealed())  # type: ignore[arg-type]  # a real clock
        await _told(world, urls)
        policy = RetryPolicy(schedule=(30, 120, 600), jitter=0.2)
        delivery = world.delivery(transports={"push": push}, limits=Limits(), policy=policy)
        stop = asyncio.Event()
        began, before = time.perf_counter(), time.process_time()
        task = asyncio.create_task(delivery.run(stop))
        async with asyncio.timeout(PATIENCE):
            while world.notes.finished.count(("push", "sent")) < living:
                assert not task.done(), task
                await asyncio.sleep(0.02)
        seconds = time.perf_counter() - began, time.process_time() - before
        stop.set()
        await task
        await push.aclose()
        await store.aclose()
    return seconds


async def _told(world: World, urls: Sequence[str]) -> Changes:
    story = world.story()

    async def work(unit: Unit) -> Changes:
        await story.meet(unit)
        changes = story.report(len(urls))
        made = [
            replace(one, channel="push", address=url, destination=url.encode()[:40])
            for one, url in zip(changes.deliveries, urls, strict=True)
        ]
        changes = replace(changes, deliveries=tuple(made))
        await unit.save(changes)
        return changes

    return await world.store.write(work)


def _transport(net: Net) -> PushTransport:
    limits = Limits()

    async def lookup(host: str, port: int) -> Sequence[str]:
        return ["127.0.0.1"]

    return PushTransport(
        issuer="https://hub.example",
        signer=SIGNER,
        transport_keys=KEYS,
        tls_context=client_context(),
        policy=net.policy,
        lookup=lookup,
        connections=limits.concurrency * 8,
        connections_per_host=limits.concurrency,
    )


@asynccontextmanager
async def _net() -> AsyncIterator[Net]:
    """The living in a process of their own, so that they take no time of ours; the silent never accept."""
    with socket.socket() as silent, socket.socket() as refusing, tempfile.NamedTemporaryFile() as chain:
        silent.bind(("127.0.0.1", 0))
        silent.listen(1024)
        refusing.bind(("127.0.0.1", 0))  # not listening: whoever connects is refused
        issued = host_certificate(*(name(host) for host in range(HOSTS)))
        chain.write(issued.pem + issued.key_pem)
        chain.flush()
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        command = [sys.executable, str(Path(__file__).resolve()), chain.name]
        with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
            try:
                assert process.stdout is not None
                port = await asyncio.to_thread(process.stdout.readline)
                yield Net(living=int(port), refusing=refusing.getsockname()[1], silent=silent.getsockname()[1])
            finally:
                process.terminate()


async def _serve(chain: str) -> None:
    async def answer(request: web.Request) -> web.Response:
        await request.read()
        await asyncio.sleep(ANSWER)
        return web.Response(status=204)

    application = web.Application(client_max_size=64 * 1024 * 1024)
    application.router.add_post("/notices", answer)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(chain)
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    if sys.argv[1:]:
        asyncio.run(_serve(sys.argv[1]))
    else:
        main()
