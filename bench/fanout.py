"""A burst of 2,000 sealed notices by e-mail: a hub's, beside the floor under it and what others would use instead.

``make bench ARGS=fanout``; docs/performance.md says what each row is. Everybody sends the same message to the same
sink, in turn, round by round; what counts are the ratios within a round. ``BENCH_ONLY=ours`` leaves the others out;
``BENCH_ROUNDS``, ``BENCH_MINUTES`` and ``BENCH_NOTICES`` make it longer or shorter. Of another number of notices, or
without the others, nothing is kept.
"""

import asyncio
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

from bench.chart import drawn
from bench.floor import Floor
from bench.hubs import ROOT, SIGNERS, Seeded, all_sent, outcomes, seed, serving, signing, sinking
from bench.keeping import keep
from bench.peers.running import PEERS, Peer, burst
from bench.table import HEAD, Ratio, Row, line, ratio
from bench.watching import Run, family, rounds, watched

STANDARD: Final = 2000
NOTICES: Final = int(os.environ.get("BENCH_NOTICES", STANDARD))
WARM: Final = NOTICES // 10
"""Sent before, and not counted: starting is not what is measured."""
ROUNDS: Final = int(os.environ.get("BENCH_ROUNDS", "3"))
MINUTES: Final = float(os.environ.get("BENCH_MINUTES", "6"))
"""For all rounds together."""
OURS: Final = "Fingerpost"
ALONE: Final = ", in one process"
"""Without processes to seal, which else are started when there are that many."""
LIMITS: Final = (
    ("Celery + Redis, as written", "P-256", 5.0),
    ("Celery + Redis, as written", "RSA-2048", 3.0),
    ("procrastinate + PostgreSQL, as written", "P-256", 6.0),
    ("Apprise", "", 30.0),
)
"""Of whom ours has to send how many times as many."""
DURABLE: Final = "yes: SQLite, synchronous=FULL"


@dataclass(kw_only=True)
class Taken:
    """What was measured so far."""

    runs: dict[tuple[str, str], list[Run]] = field(default_factory=dict)
    """By who sends and with which signer."""
    floors: dict[str, list[Floor]] = field(default_factory=dict)
    durable: dict[str, str] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)

    def add(self, name: str, signer: str, run: Run, durable: str) -> None:
        self.runs.setdefault((name, signer), []).append(run)
        self.durable[name] = durable
        spent = f"{run.processor / run.notices * 1000:.2f} ms of processor time each"
        print(f"  {name}, {signer or 'not sealed'}: {run.rate:.0f}/s, {spent}", flush=True)

    def leave_out(self, name: str, why: str) -> None:
        """Nothing that was measured of it counts."""
        self.runs = {key: runs for key, runs in self.runs.items() if key[0] != name}
        self.skipped.append(f"{name}: {why}")
        print(f"  {name}: left out: {why}", flush=True)


def main() -> None:
    """Measure, print, and keep."""
    load = os.getloadavg()[0]
    taken = Taken()
    peers = [] if os.environ.get("BENCH_ONLY") == "ours" else [one for one in PEERS if not one.missing]
    taken.skipped += [one.missing for one in PEERS if one.missing]
    with tempfile.TemporaryDirectory(prefix="fp-fanout-") as name:
        folder = Path(name)
        seeded = asyncio.run(seed(folder / "seeded", NOTICES + WARM))
        for number in rounds(ROUNDS, MINUTES * 60):
            print(f"round {number + 1} of {ROUNDS}", flush=True)
            place = folder / str(number)
            for signer in SIGNERS:
                floor(place, seeded, signer, taken)
                hub(place, seeded, signer, taken, alone=True)
                hub(place, seeded, signer, taken)
            hub(place, seeded, "P-256", taken, tls=True)
            peers = [peer for peer in peers if other(place, seeded, peer, taken)]
            shutil.rmtree(place)
    show(taken)
    print(f"load average {load:.1f} before and {os.getloadavg()[0]:.1f} after, {os.cpu_count()} processors")
    if NOTICES == STANDARD and peers:
        kept(taken, load)


def hub(folder: Path, seeded: Seeded, signer: str, taken: Taken, *, tls: bool = False, alone: bool = False) -> None:
    """One burst by ``fingerpost serve`` with its default settings but for these."""
    own = folder / f"hub-{signer}{'-tls' if tls else ''}{'-alone' if alone else ''}"
    with sinking(own / "sink", tls=tls) as mail:
        environment = seeded.copy(own / "data", mail, signer=signer, tls=tls, sealers="0" if alone else "auto")
        with serving(environment, own / "data") as process:
            run = watched(
                mail,
                total=seeded.notices,
                warm=WARM,
                senders=lambda: family(process.pid),
                done=all_sent(own / "data"),
                alive=lambda: process.poll() is None,
            )
    found = outcomes(own / "data")
    assert found.get("sent") == seeded.notices, f"not all were sent: {found}"
    assert b"application/pkcs7-mime" in (own / "sink" / "mail-1").read_bytes(), "it is not sealed"
    taken.add(f"{OURS}{', over TLS' if tls else ''}{ALONE if alone else ''}", signer, run, DURABLE)


def other(folder: Path, seeded: Seeded, peer: Peer, taken: Taken) -> bool:
    """One burst by somebody else with each signer. Whoever fails is left out from then on, and the output says so."""
    try:
        for signer in peer.signers:
            own = folder / f"{peer.module}-{peer.way}-{peer.late}-{signer}"
            taken.add(peer.name, signer, burst(peer, own, seeded, signer, WARM), peer.durable)
    except (AssertionError, OSError, RuntimeError, TimeoutError, subprocess.SubprocessError) as error:
        taken.leave_out(peer.name, f"{type(error).__name__}: {' '.join(str(error).split())[:200]}")
        return False
    return True


def floor(folder: Path, seeded: Seeded, signer: str, taken: Taken) -> None:
    """Each step alone."""
    own = folder / f"floor-{signer}"
    own.mkdir(parents=True)
    issued = signing(signer)
    (own / "key").write_bytes(issued.key_pem)
    (own / "certificate").write_bytes(issued.pem)
    seeded.sample.save(own / "sample.json")
    with sinking(own / "sink") as mail:
        files = [str(own / "sample.json"), str(mail.port), str(own), str(own / "key"), str(own / "certificate")]
        done = subprocess.run(
            [sys.executable, "-m", "bench.floor", *files], cwd=ROOT, capture_output=True, text=True, check=True
        )
    found = Floor.of(json.loads(done.stdout))
    taken.floors.setdefault(signer, []).append(found)
    print(f"  floor, {signer}: {1 / found.total.seconds:.0f}/s", flush=True)


def rows(taken: Taken) -> Sequence[Row]:
    """The quickest first."""
    found = [
        Row(
            name=name,
            signer=signer,
            durable=taken.durable[name],
            rates=tuple(run.rate for run in runs),
            processor=tuple(run.processor / run.notices for run in runs),
            servers=tuple(run.servers / run.notices for run in runs) if any(run.servers for run in runs) else (),
            notices=runs[0].notices,
        )
        for (name, signer), runs in taken.runs.items()
    ]
    return sorted(found, key=lambda row: -row.rate.median)


def ratios(taken: Taken) -> Sequence[Ratio]:
    """Ours beside the floor and the others, with what is asked for."""
    found = []
    for signer in SIGNERS:
        floors, ours = taken.floors[signer], taken.runs[(f"{OURS}{ALONE}", signer)]
        found += [
            ratio(
                f"{signer}: of the floor, by the clock",
                [run.rate for run in ours],
                [1 / one.total.seconds for one in floors],
                0.7,
            ),
            ratio(
                f"{signer}: of the floor, in processor time",
                [one.total.processor for one in floors],
                [run.processor / run.notices for run in ours],
            ),
        ]
    both, alone = taken.runs[(OURS, "P-256")], taken.runs[(f"{OURS}{ALONE}", "P-256")]
    found.append(ratio("P-256: of one process", [run.rate for run in both], [run.rate for run in alone], 1.3))
    for name, signer, limit in LIMITS:
        found += _beside(taken, name, signer, limit)
    given = [name for name, signer in taken.runs if name.endswith("our composer")]
    if given:
        best = max(given, key=lambda name: statistics.median(run.rate for run in taken.runs[(name, "P-256")]))
        found += _beside(taken, best, "P-256", 2)
    return found


def _beside(taken: Taken, name: str, signer: str, limit: float) -> Sequence[Ratio]:
    theirs = taken.runs.get((name, signer))
    if not theirs:
        return ()
    ours = taken.runs[(OURS, signer or "P-256")]
    title = f"{signer or 'P-256, theirs not sealed'}: {name}"
    return (
        ratio(f"{title}, by the clock", [run.rate for run in ours], [run.rate for run in theirs], limit),
        ratio(
            f"{title}, in processor time",
            [run.processor / run.notices for run in theirs],
            [run.processor / run.notices for run in ours],
        ),
    )


def show(taken: Taken) -> None:
    """The tables."""
    print(f"\n{HEAD}")
    for row in rows(taken):
        print(line(row))
    print(f"\n{'the floor, ms a notice (quickest round)':<44}" + "".join(f"{signer:>12}" for signer in SIGNERS))
    for part in (*Floor.__dataclass_fields__, "total"):
        costs = [min(getattr(one, part).seconds for one in taken.floors[signer]) * 1000 for signer in SIGNERS]
        print(f"  {part.replace('_', ' '):<42}" + "".join(f"{cost:12.3f}" for cost in costs))
    print(f"\n{'ours, so many times':<68} {'median':>7}  (lowest to highest round)")
    for one in ratios(taken):
        print(one.line())
    for words in taken.skipped:
        print(f"skipped: {words}")


def kept(taken: Taken, load: float) -> None:
    """As JSON and as a picture."""
    path = keep(
        "fanout", load, ratios(taken),
        notices=NOTICES, warm_up=WARM, rows=[asdict(row) for row in rows(taken)],
        floors={signer: [asdict(one) for one in floors] for signer, floors in taken.floors.items()},
        skipped=taken.skipped,
    )  # fmt: skip
    path.with_suffix(".svg").write_text(drawn(path), encoding="utf-8")
    print(f"kept in bench/results/{path.name} and {path.with_suffix('.svg').name}")


if __name__ == "__main__":
    main()
