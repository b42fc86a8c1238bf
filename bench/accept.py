"""Events by 32 clients at once: how many a hub takes a second, durable, beside handlers that store nothing.

The running command line on SQLite with ``synchronous=FULL``, episodes, notices, timers and audit lines included; the
mail server says nothing meanwhile, so that only accepting takes the processor. The clients are a process of their own
that sends requests made before. Then the same where an fsync takes ten milliseconds, beside a handler that commits once
for each request: the kernel holds each fsync up for so long (``strace --inject``), nothing of the programs is changed.
"""

import asyncio
import itertools
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from bench.hubs import ROOT, SOURCES, hub_folder
from bench.keeping import keep
from bench.table import Ratio, ratio
from bench.watching import family, processor, rounds
from hub.core.webhook import sign
from tests.kit.fire_stories import story
from tests.kit.web import CLOUD_EVENT, KEY

CLIENTS: Final = 32
SECONDS: Final = 5.0
ROUNDS: Final = int(os.environ.get("BENCH_ROUNDS", "3"))
MINUTES: Final = float(os.environ.get("BENCH_MINUTES", "2"))
"""For all rounds together."""
WARM: Final = 1.0
"""Of these, seconds that do not count."""
EVENTS: Final = 4000
"""Made beforehand. Who stores nothing is sent the same again when they are at an end; a hub takes fewer."""
SLOW: Final = 0.010
"""Seconds an fsync takes longer."""
PATIENCE: Final = 120.0
ORDINARY: Final = ("hub", "handler", "bare")
TITLES: Final = {
    "hub": "Fingerpost",
    "handler": "the hub's own server that stores nothing",
    "bare": "an aiohttp handler that stores nothing",
    "commit": "the same with a commit for each request",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What one server took."""

    rate: float
    """Events a second that were answered with 202."""
    processor: float
    """Seconds of the server's processor time for one, all it does meanwhile included."""


def main() -> None:
    """Measure, print, and keep."""
    load = os.getloadavg()[0]
    taken: dict[str, list[Taken]] = {}
    slow: dict[str, list[Taken]] = {}
    with tempfile.TemporaryDirectory(prefix="fp-accept-") as name, silent() as relay:
        folder = Path(name)
        for number in rounds(ROUNDS, MINUTES * 60):
            events = folder / f"events-{number}"
            events.write_bytes(b"".join(_requests()))
            for mode in ORDINARY:
                taken.setdefault(mode, []).append(measured(mode, folder / f"{mode}-{number}", relay, events))
            for mode in ("hub", "commit") if shutil.which("strace") else ():
                place = folder / f"slow-{mode}-{number}"
                slow.setdefault(mode, []).append(measured(mode, place, relay, events, slow=True))
    print(f"{f'events a second, {CLIENTS} clients':<68} {'rates':>24} {'processor ms':>14}")
    for words, found in (("", taken), (f", fsync {SLOW * 1000:.0f} ms longer", slow)):
        for mode, several in found.items():
            rates = ", ".join(f"{one.rate:.0f}" for one in several)
            spent = statistics.median(one.processor for one in several) * 1000
            print(f"  {TITLES[mode] + words:<66} {rates:>24} {spent:14.2f}")
    judged = ratios(taken, slow)
    for one in judged:
        print(one.line())
    if not slow:
        print(f"skipped: fsync {SLOW * 1000:.0f} ms longer: strace is missing (Debian: apt-get install strace)")
    fields = {mode: [asdict(one) for one in several] for mode, several in taken.items()}
    late = {mode: [asdict(one) for one in several] for mode, several in slow.items()}
    path = keep("accept", load, judged, clients=CLIENTS, taken=fields, taken_with_slow_fsync=late)
    print(f"load average {load:.1f} before and {os.getloadavg()[0]:.1f} after; kept in bench/results/{path.name}")


def ratios(taken: Mapping[str, Sequence[Taken]], slow: Mapping[str, Sequence[Taken]]) -> Sequence[Ratio]:
    """A hub beside those that do less."""
    found = []
    for mode, limit in (("handler", 0.55), ("bare", None)):
        ours, theirs = taken["hub"], taken[mode]
        title = f"accept: of {TITLES[mode]}"
        found += [
            ratio(f"{title}", [one.rate for one in ours], [one.rate for one in theirs], limit),
            ratio(f"{title}, in processor time", [one.processor for one in theirs], [one.processor for one in ours]),
        ]
    if slow:
        title = f"accept, fsync {SLOW * 1000:.0f} ms longer: of a commit for each request"
        found.append(ratio(title, [one.rate for one in slow["hub"]], [one.rate for one in slow["commit"]], 10))
    return found


def measured(mode: str, folder: Path, relay: int, events: Path, *, slow: bool = False) -> Taken:
    """One server for a few seconds."""
    environment = asyncio.run(
        hub_folder(folder, relay, rate_per_second="100000", rate_burst="1000000", address_rate="100000")
    )
    port = int(environment["FINGERPOST_BIND_PORT"])
    command = ["-m", "hub", "serve"]
    if mode != "hub":
        command = ["-m", "bench.answering", mode, str(folder), str(port)]
    with running(command, environment, folder, port, slow=slow) as process:
        before = processor(family(process.pid))
        again = "again" if mode in ("handler", "bare") else "once"
        done = subprocess.run(
            [sys.executable, str(Path(__file__).resolve()), str(events), str(port), again],
            cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True,
        )  # fmt: skip
        spent = processor(family(process.pid)) - before
    found = json.loads(done.stdout)
    assert set(found["answers"]) == {"202"}, f"{mode}: {found['answers']}"
    taken = Taken(rate=found["rate"], processor=spent / found["answers"]["202"])
    print(f"  {TITLES[mode]}{', slow fsync' if slow else ''}: {taken.rate:.0f}/s", flush=True)
    return taken


def _slowed() -> list[str]:
    calls = "fsync,fdatasync"
    late = f"inject={calls}:delay_exit={SLOW * 1_000_000:.0f}"
    return ["strace", "-f", "--seccomp-bpf", "-qq", "-o", "/dev/null", "-e", f"trace={calls}", "-e", late]


@contextmanager
def running(
    command: Sequence[str], environment: Mapping[str, str], folder: Path, port: int, *, slow: bool = False
) -> Iterator["subprocess.Popen[bytes]"]:
    """A server in a process of its own, from when it answers to the end of the block."""
    kept = {name: value for name, value in os.environ.items() if not name.upper().startswith("FINGERPOST_")}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [*(_slowed() if slow else ()), sys.executable, *command],
            cwd=folder, env={**kept, **environment, "PYTHONPATH": str(ROOT)}, stdout=log, stderr=log,
            start_new_session=True,
        )  # fmt: skip
    try:
        end = time.monotonic() + PATIENCE
        while not _answers(port):
            assert process.poll() is None and time.monotonic() < end, (folder / "log").read_text(encoding="utf-8")
            time.sleep(0.05)
        yield process
    finally:
        # The group: strace holds on to what it started. It has nothing to end in order, the folder goes.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, 9)
        process.wait()


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


@contextmanager
def silent() -> Iterator[int]:
    """A relay that is there and says nothing; its port."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(1024)
        yield listening.getsockname()[1]


def _requests() -> Iterator[bytes]:
    """Reports of episodes of their own, by several sources in turn, signed; whole HTTP requests, each by its length."""
    now = datetime.now(UTC)
    for number in range(EVENTS):
        body = story(number, SOURCES[number % len(SOURCES)], now, length=1).steps[0].body
        headers = {
            "Host": "localhost",
            "Content-Type": CLOUD_EVENT,
            "Content-Length": str(len(body)),
            **sign(body, webhook_id=f"msg_{number}", at=now, keys=[KEY]),
        }
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        whole = b"POST /v1/events HTTP/1.1\r\n" + head.encode() + b"\r\n" + body
        yield len(whole).to_bytes(4, "big") + whole


async def _clients(file: Path, port: int, *, again: bool) -> None:
    """Post from the file until it ends or the time is up; print what was answered, and how often a second."""
    data, supply, at = file.read_bytes(), [], 0
    while at < len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        supply.append(data[at + 4 : at + 4 + size])
        at += 4 + size
    waiting = itertools.cycle(supply) if again else iter(supply)
    answers: dict[str, int] = {}
    began = time.perf_counter()
    counted, since = 0, began

    async def client() -> None:
        nonlocal counted, since
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for request in waiting:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
            await reader.readexactly(int(length.partition(b":")[2]))
            now, status = time.perf_counter(), head[9:12].decode()
            answers[status] = answers.get(status, 0) + 1
            if now < began + WARM:
                since = now
            else:
                counted += 1
            if now > began + SECONDS:
                break
        writer.close()

    await asyncio.gather(*(client() for _ in range(CLIENTS)))
    print(json.dumps({"rate": counted / (time.perf_counter() - since), "answers": answers}))


if __name__ == "__main__":
    if sys.argv[1:]:
        asyncio.run(_clients(Path(sys.argv[1]), int(sys.argv[2]), again=sys.argv[3] == "again"))
    else:
        main()
