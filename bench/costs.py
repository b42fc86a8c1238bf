"""Where the time goes, from an event in to a mail out: each step alone, in one process, beside what it is made of.

The times are this machine's, and other work on it makes them longer; the ratios, within one run, say more. Accepting
one event after another pays for a commit each; 32 at once share commits.
"""

import asyncio
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from adapters.email.chain import Trust
from adapters.email.prepare import Letterhead, Message, prepare
from adapters.email.smime import Signer
from contacts.areas import load_areas
from contacts.directory import Directory
from hub.core.course import Context, Refused
from hub.core.episode import Episode
from hub.core.events import canonical, parse
from hub.core.plan import react
from hub.core.records import SourceKey
from hub.core.webhook import SigningKey, sign, verify
from hub.service.envelopes import Composer
from hub.service.ledger import reach
from tests.kit.clock import START
from tests.kit.events import parsed, raw, reported
from tests.kit.fire import SENDER, directory
from tests.kit.node import REGISTERED, Hub, a_hub
from tests.kit.pki import person, root, rsa_key
from tests.kit.store import claim, sqlite_store

EVENTS = 320
CLIENTS = 32
TIMES = 200
LINE = "{:<58} {:>9.3f} ms {:>8.2f}"


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_measure(Path(folder)))


async def _measure(folder: Path) -> None:
    store = await sqlite_store(folder)
    try:
        hub = await a_hub(store, directory=Directory.of(directory()), channels=("email",))
        commit = _raw_commit(folder)
        _head("accept an event that tells ten", "commits")
        _line("one raw SQLite commit, synchronous=FULL", commit, commit)
        alone = await _accept(hub, "alone", 1)
        _line("accept, one after another: a commit for each", alone, commit)
        before = time.process_time()
        together = await _accept(hub, "together", CLIENTS)
        working = (time.process_time() - before) / EVENTS
        _line(f"accept, {CLIENTS} at once: commits shared", together, commit)
        _line("the same, of processor time (parsing included)", working, commit)
        print(f"{'shared commits take so many times as much in':<58} {alone / together:>21.2f}\n")
        _pure(hub, working)
        await _mail(hub)
    finally:
        await store.aclose()


def _event(name: str) -> dict[str, Any]:
    return reported(id=name, episode={"ref": name}, child={"ref": name})


async def _accept(hub: Hub, run: str, clients: int) -> float:
    """Seconds an event, over all."""
    intake = hub.intake
    events = [(parsed(event), raw(event)) for event in (_event(f"{run}-{n}") for n in range(EVENTS))]
    supply = iter(events)

    async def client(mine: Iterator[Any]) -> None:
        for event, body in mine:
            answer = await intake.accept(event, body, REGISTERED)
            assert answer.status == 202, answer.status

    began = time.perf_counter()
    await asyncio.gather(*(client(supply) for _ in range(clients)))
    return (time.perf_counter() - began) / EVENTS


def _raw_commit(folder: Path) -> float:
    connection = sqlite3.connect(folder / "raw.sqlite3", isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE raw (body BLOB)")
    seconds = _median(lambda: connection.execute("INSERT INTO raw VALUES (zeroblob(20000))"), time.perf_counter)
    connection.close()
    return seconds


def _pure(hub: Hub, accept: float) -> None:
    """The parts of accepting that touch no store, as shares of its processor time."""
    event = _event("pure")
    body, rules, whole = raw(event), hub.rules, parsed(event)
    secret = SourceKey(id="k", scheme="v1", key=b"k" * 32, valid_from=START)
    headers = sign(body, webhook_id="w", at=START, keys=[SigningKey(scheme="v1", key=b"k" * 32)])
    context = Context(
        packs=hub.packs,
        areas=load_areas(),
        reach=reach(hub.directory, START, whole.data),
        now=START,
        check=lambda merged: [],
    )
    empty = Episode(ref=whole.ref)
    assert not isinstance(react(empty, whole, context), Refused)
    steps: Mapping[str, Callable[[], object]] = {
        "verify the signature": lambda: verify(headers, body, [secret], START),
        "parse and check": lambda: parse(body, rules),
        "canonical bytes": lambda: canonical(body),
        "decide: react()": lambda: react(empty, whole, context),
    }
    _head("its pure parts", "of accept")
    for name, step in steps.items():
        _line(name, _median(step), accept)
    print()


async def _mail(hub: Hub) -> None:
    """One mail, from the claimed delivery to the bytes for DATA."""
    claimed = (await claim(hub.store, limit=1))[0]  # type: ignore[arg-type]  # a real store
    composer = Composer(
        directory=lambda: hub.directory, ack_secret=b"s" * 32, public_url="http://hub.example", collect=""
    )
    own = person(SENDER, issuer=root(), key=rsa_key("hub"))
    signer = Signer(certificate=own.certificate, key=own.key)
    head = Letterhead(sender=SENDER, mail_domain="hub.example", return_path=SENDER, size_limit=10_000_000)
    envelope = composer.content(claimed)
    assert isinstance(prepare(envelope, START, head, signer, Trust()), Message)
    key = rsa_key("hub")
    signature = _median(lambda: key.sign(b"x", padding.PKCS1v15(), hashes.SHA256()))
    compose = _median(lambda: composer.content(claimed))
    seal = _median(lambda: prepare(envelope, START, head, signer, Trust()))
    photo = replace(envelope.body, attachments=())  # type: ignore[type-var]  # it is Content
    bare = _median(lambda: prepare(replace(envelope, body=photo), START, head, signer, Trust()))
    _head("one mail", "signatures")
    _line("one RSA-2048 signature", signature, signature)
    _line("compose: need to know, text, HTML, notice.json", compose, signature)
    _line("seal: MIME, certificate check, sign, encrypt", seal, signature)
    _line("the same without attachments", bare, signature)


def _median(step: Callable[[], object], clock: Callable[[], float] = time.thread_time) -> float:
    """Of processor time, so that other work on the machine does not count."""
    times = []
    for _ in range(TIMES):
        began = clock()
        step()
        times.append(clock() - began)
    return statistics.median(times)


def _head(title: str, unit: str) -> None:
    print(f"{title:<58} {'median':>12} {unit:>10}")


def _line(name: str, seconds: float, base: float) -> None:
    print(LINE.format(name, seconds * 1000, seconds / base))


if __name__ == "__main__":
    main()
