"""One event has a child with a photo circulated to every authority in the country, through the whole hub.

A strategy discussion decides it, so the event before it, with the photo, is over when it comes. From its post by HTTP
to when the ledger says of every notice that it was sent: how long, at what processor time, and for how long the event
loop was held, beside the floor of that very message (bench/floor.py, all but its words). The hub runs in this process,
as it is composed for ``serve``, so that its loop can be watched; its mail server is a process of its own.

How long the loop is held is said twice: as the time from one turn of it to the next, in which other work on the machine
counts too, and as the processor time of the loop's own thread in it, which is what the hub does to itself.
"""

import asyncio
import base64
import gc
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import aiohttp

from bench.floor import measured
from bench.hubs import SIGNERS, SOURCES, hub_folder, ledger, none_waits, outcomes, signing, sinking
from bench.message import Sample
from contacts.fictional import fictional_bundle
from contacts.model import Bundle, Certificate
from contacts.tables import dumps
from hub.app.domain import domain_of
from hub.app.running import SWITCH_INTERVAL, Running, running
from hub.core.webhook import sign
from hub.settings import load
from tests.kit.events import duty_completed, reported
from tests.kit.fire import mailbox
from tests.kit.web import CLOUD_EVENT, KEY

PHOTO: Final = 400_000
SEALERS: Final = (0, 1)
RATIO_LIMIT: Final = 1.5
HELD_LIMIT: Final = 0.020
PATIENCE: Final = 120.0
DESKS: Final = frozenset({"missing_children", "social_work_team", "front_door", "missing_persons_unit"})
"""Those whose mailboxes have a certificate."""


@dataclass(slots=True)
class Held:
    """Seconds between turns of the event loop."""

    by_clock: list[float] = field(default_factory=list)
    of_processor: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    notices: int
    seconds: float
    processor: float
    held: Held


def main() -> None:
    """Measure and print."""
    sys.setswitchinterval(SWITCH_INTERVAL)
    print(f"load average {os.getloadavg()[0]:.1f} of {os.cpu_count()} processors")
    with tempfile.TemporaryDirectory(prefix="fp-circulation-") as name:
        for signer in SIGNERS:
            for sealers in SEALERS:
                show(Path(name) / f"{signer}-{sealers}", signer, sealers)


def show(folder: Path, signer: str, sealers: int) -> None:
    """One circulation."""
    with sinking(folder / "sink") as mail:
        run = asyncio.run(circulated(folder / "hub", mail.port, signer, sealers))
        floor = floor_of(mail.port, folder, signer)
    each, spent = run.seconds / run.notices, run.processor / run.notices
    clock, own = sorted(run.held.by_clock), sorted(run.held.of_processor)
    print(
        f"- {run.notices} with a photo of {PHOTO // 1000} KB, {signer}, {sealers} sealers: {run.seconds:.2f} s, "
        f"{each * 1000:.1f} ms each ({spent * 1000:.1f} of this process's processor time); the floor is "
        f"{floor * 1000:.1f} ms each: {each / floor:.2f} times (limit {RATIO_LIMIT})\n"
        f"  the loop was held for {own[-1] * 1000:.1f} ms of its own at most, {_p99(own) * 1000:.1f} at p99 (limit "
        f"{HELD_LIMIT * 1000:.0f}); by the clock {clock[-1] * 1000:.1f} and {_p99(clock) * 1000:.1f}",
        flush=True,
    )


def _p99(times: list[float]) -> float:
    return statistics.quantiles(times, n=100)[98]


async def circulated(folder: Path, port: int, signer: str, sealers: int) -> Run:
    """A hub from its start to when all are told."""
    own = signing(signer)
    folder.parent.mkdir(parents=True, exist_ok=True)
    environment = dict(await hub_folder(folder, port, sealers=str(sealers), smtp_tls="opportunistic"))
    (folder / "own.key").write_bytes(own.key_pem)
    (folder / "own.crt").write_bytes(own.pem)
    environment |= {
        "FINGERPOST_SIGNER_KEY_FILE": str(folder / "own.key"),
        "FINGERPOST_SIGNER_CERTIFICATE_FILE": str(folder / "own.crt"),
    }
    settings = load(environment=environment)
    async with running(settings, domain_of) as hub, aiohttp.ClientSession() as session:
        now = hub.clock.now()
        known = dumps(directory())
        await hub.store.write(lambda unit: unit.put_directory(known, now, []))
        await hub.directory.refresh(now)
        since = now - timedelta(hours=1)
        await post(hub, session, of(reported(child={"photo": photo()}), "1", since))
        before = await settled(folder)
        gc.collect()
        gc.freeze()
        await asyncio.sleep(2)  # sealers are ready, and what goes on after a report is over
        with watching() as held:
            began, spent = time.perf_counter(), time.process_time()
            discussed = duty_completed("strategy_discussion", circulate=["national"])
            await post(hub, session, of(discussed, "2", since + timedelta(minutes=30)))
            notices = await settled(folder) - before
            return Run(
                notices=notices, seconds=time.perf_counter() - began, processor=time.process_time() - spent, held=held
            )


def directory() -> Bundle:
    """The fictional directory with a certificate for every address."""
    bundle = fictional_bundle()
    addresses = sorted({one.address for one in bundle.contacts if one.desk in DESKS and one.channel == "email"})
    made = ((address, mailbox(address).der) for address in addresses)
    certificates = tuple(
        Certificate(address=address, der=der, fingerprint=sha256(der).hexdigest(), pinned=True) for address, der in made
    )
    return replace(bundle, certificates=certificates)


def photo() -> dict[str, str]:
    """Begins as a picture does."""
    data = b"\xff\xd8\xff" + os.urandom(PHOTO)
    return {"media_type": "image/jpeg", "data_base64": base64.b64encode(data).decode()}


def of(event: dict[str, Any], identity: str, at: datetime) -> bytes:
    return json.dumps(event | {"id": identity, "source": SOURCES[0], "time": at.isoformat()}).encode()


async def post(hub: Running, session: aiohttp.ClientSession, body: bytes) -> None:
    headers = {**sign(body, webhook_id="w", at=hub.clock.now(), keys=[KEY]), "Content-Type": CLOUD_EVENT}
    async with session.post(f"{hub.url}/v1/events", data=body, headers=headers) as answer:
        assert answer.status == 202, await answer.text()


async def settled(folder: Path) -> int:
    """How many were sent, once none waits. The ledger is opened once: for each look it takes a sixth of its time."""
    with ledger(folder) as there:
        async with asyncio.timeout(PATIENCE):
            while not none_waits(there):
                await asyncio.sleep(0.02)
    return outcomes(folder)["sent"]


@contextmanager
def watching() -> Iterator[Held]:
    """A turn of its own every millisecond."""
    loop = asyncio.get_running_loop()
    held = Held()
    last = [loop.time(), time.thread_time()]

    def look() -> None:
        nonlocal handle
        now = [loop.time(), time.thread_time()]
        held.by_clock.append(max(0.0, now[0] - last[0] - 0.001))
        held.of_processor.append(now[1] - last[1])
        last[:] = now
        handle = loop.call_later(0.001, look)

    handle = loop.call_soon(look)
    try:
        yield held
    finally:
        handle.cancel()


def floor_of(port: int, folder: Path, signer: str) -> float:
    """Seconds of what has to be done for each: signature, envelope, mail, and two commits shared by a hundred."""
    own = signing(signer)
    document = base64.b64encode(os.urandom(PHOTO)).decode() + "x" * 5_000
    reader = mailbox("reader@council.example").pem.decode("ascii")
    sample = Sample(
        subject="", text="", html="", document=document, facts={}, address="", reference="", certificate=reader
    )
    found = measured(sample, port, folder, own.key_pem, own.pem)
    return found.total.seconds - found.render.seconds


if __name__ == "__main__":
    main()
