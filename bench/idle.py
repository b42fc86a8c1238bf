"""How soon the first recipient has it when nothing else is going on, beside the least that has to be done for it.

From the moment a case system posts its event to the mail server's 250 for the first notice of it, by the running
command line, over TLS, on a connection that is kept. Right after each, the bare path in this process: one signature and
envelope over bytes that are ready, the round trips of one mail over TLS, and one commit of 20 KB; no request, no
decision, no rows.
"""

import asyncio
import os
import smtplib
import socket
import sqlite3
import statistics
import tempfile
import time
import urllib.request
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.ciphers import algorithms
from cryptography.hazmat.primitives.serialization import pkcs7

from bench import sink
from bench.hubs import SOURCES, Seeded, Sink, all_sent, hub_folder, seed, serving, signing, sinking
from bench.keeping import keep
from bench.table import Ratio, ratio
from hub.core.webhook import sign
from tests.kit.fire_stories import story
from tests.kit.smtp import client_context
from tests.kit.web import CLOUD_EVENT, KEY

EVENTS: Final = int(os.environ.get("BENCH_EVENTS", "200"))
WARM: Final = 10
BLOCKS: Final = 4
"""For the spread."""
LIMIT: Final = 4.0
PAUSE: Final = 0.05
"""Seconds between the last mail of one event and the next event."""
PATIENCE: Final = 120.0


def main() -> None:
    """Measure, print, and keep."""
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="fp-idle-") as name:
        folder = Path(name)
        seeded = asyncio.run(seed(folder / "seeded", 10))
        with sinking(folder / "sink", tls=True) as mail, sinking(folder / "bare", tls=True) as other:
            ours, bare = _measured(folder, seeded, mail, other)
    print(f"{'seconds from post to the first 250, ' + str(len(ours)) + ' events':<60} {'p50 ms':>8} {'p99 ms':>8}")
    for title, times in (("Fingerpost", ours), ("bare: sign, envelope, SMTP, one commit", bare)):
        print(f"  {title:<58} {_at(times, 0.5) * 1000:8.2f} {_at(times, 0.99) * 1000:8.2f}")
    found = ratios(ours, bare)
    for one in found:
        print(one.line())
    path = keep("idle", load, found, events=len(ours), seconds={"ours": ours, "bare": bare})
    print(f"load average {load:.1f} before and {os.getloadavg()[0]:.1f} after; kept in bench/results/{path.name}")


def ratios(ours: Sequence[float], bare: Sequence[float]) -> Sequence[Ratio]:
    """The slowest hundredth beside the slowest hundredth, and the middle beside the middle, block by block."""
    size = len(ours) // BLOCKS
    blocks = [slice(size * number, size * (number + 1)) for number in range(BLOCKS)]
    middles, others = ([statistics.median(times[one]) for one in blocks] for times in (ours, bare))
    return (
        ratio("idle, p99: of the bare path", (_at(ours, 0.99),), (_at(bare, 0.99),), LIMIT, "at most"),
        ratio("idle, p50: of the bare path", middles, others),
    )


def _measured(folder: Path, seeded: Seeded, mail: Sink, other: Sink) -> tuple[list[float], list[float]]:
    """One event after another, each followed by the bare path once."""
    ours, bare = [], []
    environment = asyncio.run(hub_folder(folder / "hub", mail.port, smtp_tls="implicit", rate_burst="100000"))
    step = _bare(folder, seeded, other)
    with serving(environment, folder / "hub"):
        url = environment["FINGERPOST_PUBLIC_URL"]
        _wait(lambda: _ready(url))
        finished = all_sent(folder / "hub")
        for number in range(WARM + EVENTS):
            before = mail.count
            posted = _post(url, number)
            _wait(lambda before=before: mail.count > before)  # type: ignore[misc]  # bound now
            _wait(finished)
            ours.append(sink.arrivals(mail.folder)[before][0] - posted)
            time.sleep(PAUSE)
            began = time.perf_counter()
            step()
            bare.append(time.perf_counter() - began)
    return ours[WARM:], bare[WARM:]


def _post(url: str, number: int) -> float:
    """One report; the instant it was sent off."""
    now = datetime.now(UTC)
    body = story(number, SOURCES[number % len(SOURCES)], now, length=1).steps[0].body
    headers = {**sign(body, webhook_id=f"msg_{number}", at=now, keys=[KEY]), "Content-Type": CLOUD_EVENT}
    request = urllib.request.Request(f"{url}/v1/events", data=body, headers=headers)
    posted = time.time()
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        assert answer.status == 202, answer.status
    return posted


def _bare(folder: Path, seeded: Seeded, other: Sink) -> Callable[[], None]:
    """What has to be done for one notice at least, on a connection that is kept."""
    sample, own = seeded.sample, signing("P-256")
    payload = "\r\n".join((*sample.rendered(sample.facts), sample.document)).encode()
    reader = x509.load_pem_x509_certificate(sample.certificate.encode())
    connection = sqlite3.connect(folder / "bare.sqlite3", isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE events (body BLOB)")
    server = smtplib.SMTP_SSL("localhost", other.port, context=client_context())
    assert server.sock is not None
    server.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # as asyncio does; else it waits for 40 ms
    binary = pkcs7.PKCS7Options.Binary

    def step() -> None:
        connection.execute("INSERT INTO events VALUES (zeroblob(20000))")
        builder = pkcs7.PKCS7SignatureBuilder().set_data(payload).add_signer(own.certificate, own.key, hashes.SHA256())
        signed = builder.sign(serialization.Encoding.DER, [binary, pkcs7.PKCS7Options.DetachedSignature])
        sealing = pkcs7.PKCS7EnvelopeBuilder().set_data(payload + signed).add_recipient(reader)
        sealed = sealing.set_content_encryption_algorithm(algorithms.AES256).encrypt(
            serialization.Encoding.SMIME, [binary]
        )
        server.sendmail("hub@hub.example", [sample.address], sealed)

    return step


def _ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/health/ready", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _wait(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it takes too long"
        time.sleep(0.005)


def _at(times: Sequence[float], share: float) -> float:
    return sorted(times)[min(int(len(times) * share), len(times) - 1)]


if __name__ == "__main__":
    main()
