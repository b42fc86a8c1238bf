"""Hubs for the measurements: set up once with a burst that waits to be sent, and run as often as wanted, on copies.

Everything is as an operator has it: the running command line, its settings, SQLite with ``synchronous=FULL``. The
notices are the hub's own: homes report, four to ten are told of each, and the pure core decided who.
"""

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any, Final

from adapters.port import Envelope
from bench import sink
from bench.message import Sample
from contacts.directory import Directory
from contacts.tables import dumps
from hub.app.ledger import open_ledger
from hub.service.envelopes import Composer
from hub.service.ports import Unit
from hub.settings import load
from tests.kit.clock import FakeClock
from tests.kit.fire import SPEAKS_FOR, directory, mailbox
from tests.kit.fire_stories import story
from tests.kit.hub import SENDER, hub_environment
from tests.kit.node import a_hub
from tests.kit.pki import SERVER, Issued, curve_key, person, root, rsa_key
from tests.kit.serving import free_port
from tests.kit.store import LEASE
from tests.kit.web import source

ROOT: Final = Path(__file__).resolve().parents[1]
PATIENCE: Final = 300.0
SOURCES: Final = tuple(f"urn:fingerpost:source:bench-{number}" for number in range(8))
SIGNERS: Final = ("P-256", "RSA-2048")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sink:
    """A mail server that runs."""

    folder: Path
    port: int
    pid: int

    @property
    def count(self) -> int:
        return sink.count(self.folder)


@contextmanager
def sinking(folder: Path, *, tls: bool = False) -> Iterator[Sink]:
    """A sink for as long as the block runs."""
    folder.mkdir(parents=True)
    command = [sys.executable, str(ROOT / "bench" / "sink.py"), str(folder)]
    if tls:
        own = person(issuer=root(), purposes=SERVER, hosts=["localhost"], key=rsa_key("smtp server"))
        (folder / "chain.pem").write_bytes(own.pem + own.key_pem)
        command.append(str(folder / "chain.pem"))
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield Sink(folder=folder, port=int(process.stdout.readline()), pid=process.pid)
        finally:
            process.terminate()


def signing(name: str) -> Issued:
    """The hub's own certificate and key, by the name of its kind."""
    return person(SENDER, issuer=root(), key=curve_key("hub") if name == "P-256" else rsa_key("hub"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Seeded:
    """A data folder with a burst in it that nobody has begun to send."""

    folder: Path
    notices: int
    sample: Sample

    def copy(self, folder: Path, sink: Sink, *, signer: str, tls: bool = False, **settings: str) -> Mapping[str, str]:
        """Another hub with the same burst; its environment."""
        shutil.copytree(self.folder, folder)
        own = signing(signer)
        (folder / "own.key").write_bytes(own.key_pem)
        (folder / "own.crt").write_bytes(own.pem)
        given = {
            "signer_key_file": str(folder / "own.key"),
            "signer_certificate_file": str(folder / "own.crt"),
            "smtp_tls": "implicit" if tls else "opportunistic",
            **settings,
        }
        return settings_of(folder, sink.port, **given)


async def hub_folder(folder: Path, smtp_port: int, **settings: str) -> Mapping[str, str]:
    """A hub that is set up with sources and a directory and has nothing to do yet; its environment. It has begun its
    search index, as a hub does when it is first started: what is told of later is in it at once."""
    folder.mkdir(parents=True)
    environment = settings_of(folder, smtp_port, **settings)

    async def furnish(unit: Unit) -> None:
        await unit.put_directory(dumps(directory()), datetime.now(UTC), [])
        for uri in SOURCES:
            await unit.put_source(source(uri, authorities=frozenset(SPEAKS_FOR)))

    async with open_ledger(load(environment=environment)) as store:
        await store.write(furnish)
        found = await store.write(lambda unit: unit.search.bring_in(1, datetime.now(UTC)))
        assert found == "whole", found
    return environment


async def seed(folder: Path, notices: int) -> Seeded:
    """Reports until so many deliveries by e-mail wait; each was taken by the real intake into a real ledger."""
    now = datetime.now(UTC)
    await reported(await hub_folder(folder, 25), notices, now)
    with ledger(folder) as there:
        # Exactly so many: what is over was told already, as far as this hub knows.
        there.execute(
            "UPDATE deliveries SET state = 'cancelled' WHERE id IN "
            "(SELECT id FROM deliveries WHERE state = 'due' ORDER BY id DESC LIMIT max(0, "
            "(SELECT count(*) FROM deliveries WHERE state = 'due') - ?))",
            (notices,),
        )
        there.commit()
        (waiting,) = there.execute("SELECT count(*) FROM deliveries WHERE state = 'due'").fetchone()
    assert waiting == notices, f"{waiting} deliveries wait instead of {notices}"
    return Seeded(folder=folder, notices=notices, sample=await _sample(folder, now))


async def reported(environment: Mapping[str, str], notices: int, now: datetime) -> int:
    """Post reports to a hub that does not run until at least so many deliveries wait; how many do."""
    waiting = 0
    async with open_ledger(load(environment=environment)) as store:
        hub = await a_hub(
            store,
            clock=FakeClock(now),
            source=source(SOURCES[0], authorities=frozenset(SPEAKS_FOR)),
            directory=Directory.of(directory()),
            channels=("email",),
        )
        for number in count():
            if waiting >= notices:
                break
            one = story(number, SOURCES[0], now, length=1)
            answer = await hub.post(one.steps[0].body)
            assert answer.status == 202, answer.status
            waiting += len(one.steps[0].told)
    return waiting


async def _sample(folder: Path, now: datetime) -> Sample:
    """One of the notices, whole, for whoever sends the same without a hub; claimed in a copy, where nobody sends it."""
    known = Directory.of(directory())
    composer = Composer(directory=lambda: known, ack_secret=b"s" * 32, public_url="http://hub.example", collect="")
    with tempfile.TemporaryDirectory(prefix="fp-sample-") as name:
        shutil.copytree(folder, Path(name) / "data")
        async with open_ledger(load(environment=settings_of(Path(name) / "data", 25))) as store:
            claimed = await store.write(lambda unit: unit.claim(now, now + LEASE, "sample", 10, channels=("email",)))
            made = sorted(((composer.content(one), one) for one in claimed), key=lambda made: _length(made[0]))
    envelope, one = made[len(made) // 2]
    return Sample.of(envelope, one.doc, mailbox(envelope.address).pem)


def _length(envelope: Envelope) -> int:
    return len(envelope.body.text)


def settings_of(folder: Path, smtp_port: int, **settings: str) -> Mapping[str, str]:
    """Of a hub in ``folder``, as environment variables; its keys are made on the first call."""
    port = str(free_port())
    given: dict[str, Any] = {
        "bind_port": port,
        "public_url": f"http://127.0.0.1:{port}",
        "log_level": "warning",
        "verify_contacts": "false",  # by day it would send mails that nobody counts on
        **settings,
    }
    return hub_environment(folder, smtp_port=smtp_port, **given)


@contextmanager
def ledger(folder: Path) -> Iterator[sqlite3.Connection]:
    """A hub's, to look into."""
    with closing(sqlite3.connect(folder / "fingerpost.sqlite3")) as connection:
        yield connection


@contextmanager
def serving(environment: Mapping[str, str], folder: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """``fingerpost serve``, for as long as the block runs."""
    kept = {name: value for name, value in os.environ.items() if not name.upper().startswith("FINGERPOST_")}
    with (folder / "serve.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "hub", "serve"],
            cwd=folder, env={**kept, **environment, "PYTHONPATH": str(ROOT)}, stdout=log, stderr=log,
        )  # fmt: skip
    try:
        yield process
    except Exception as error:
        error.add_note((folder / "serve.log").read_text(encoding="utf-8")[-2000:])
        raise
    finally:
        process.terminate()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def all_sent(folder: Path) -> Callable[[], bool]:
    """Whether the ledger says of every delivery that it was sent, as another process may read it: committed. What is
    due later, as reminders are, does not count."""

    def asked() -> bool:
        with ledger(folder) as there:
            return none_waits(there)

    return asked


def none_waits(there: sqlite3.Connection) -> bool:
    """Whether each has gone out, or never will."""
    waiting = "SELECT 1 FROM deliveries WHERE state = 'leased' OR (state = 'due' AND due_at <= ?) LIMIT 1"
    return there.execute(waiting, [time.time_ns() // 1000]).fetchone() is None


def outcomes(folder: Path) -> Mapping[str, int]:
    """Deliveries by state."""
    with ledger(folder) as there:
        return dict(there.execute("SELECT state, count(*) FROM deliveries GROUP BY state").fetchall())
