"""A hub under load and under fire: the real command line, a real relay, every part a process of its own.

``Site`` is a data folder as an operator makes it, with keys, sources and a directory; ``Relay`` the mail server that
counts; ``Hub`` the running ``serve``, which can be killed and started again. All on loopback, and each ends only what
it started.
"""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Final

import aiohttp

from contacts.fictional import fictional_bundle
from contacts.model import Bundle, Certificate
from contacts.tables import dumps
from hub.core.webhook import SigningKey, signing_key_from_text
from tests.kit.fire_stories import MAILBOXES
from tests.kit.pki import SERVER, Issued, person, root, rsa_key
from tests.kit.spills import spilled

ROOT: Final = Path(__file__).resolve().parents[2]
SOURCES: Final = 4
SPEAKS_FOR: Final = ("E09000006", "E08000035")
SENDER: Final = "hub@fingerpost.example"
_MARK: Final = "\x1e"
_COMMANDS: Final = f"""
import json, sys
from hub.cli import app
for command in json.loads(sys.argv[1]):
    status = app(command, standalone_mode=False)
    if status:
        sys.exit(status)
    print(end={_MARK!r}, flush=True)
"""
PATIENCE: Final = 60.0
"""Seconds anything here may take that has no limit of its own; never reached by a run that passes."""


@cache
def mailbox(address: str) -> Issued:
    """Certificate and key of a mailbox. The key is everybody's: making one takes longer than a mail."""
    return person(address, issuer=root(), key=rsa_key("mailbox"))


def directory() -> Bundle:
    """The fictional directory, with a pinned certificate for every mailbox that is written to."""
    certificates = tuple(
        Certificate(address=address, der=der, fingerprint=sha256(der).hexdigest(), pinned=True)
        for address, der in ((address, mailbox(address).der) for address in sorted(MAILBOXES))
    )
    return replace(fictional_bundle(), certificates=certificates)


@dataclass(frozen=True, slots=True, kw_only=True)
class Relay:
    """The mail server: a process that is never killed, and what it wrote down."""

    folder: Path
    port: int
    ca: Path


@contextmanager
def relay(folder: Path) -> Iterator[Relay]:
    """A relay for as long as the block runs."""
    folder.mkdir()
    own = person(issuer=root(), purposes=SERVER, hosts=["localhost"], key=rsa_key("smtp server"))
    chain, ca = folder / "chain.pem", folder / "ca.pem"
    chain.write_bytes(own.pem + own.key_pem)
    ca.write_bytes(root().pem)
    command = [sys.executable, "-m", "tests.kit.fire_sink", str(folder), str(chain)]
    with (folder / "errors").open("wb") as errors:
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=errors, env=_environment())
    try:
        assert process.stdout is not None
        port = process.stdout.readline().strip()
        assert port, (folder / "errors").read_text()
        yield Relay(folder=folder, port=int(port), ca=ca)
    finally:
        process.terminate()
        process.wait(PATIENCE)
        if process.stdout is not None:
            process.stdout.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A hub that is set up and not running."""

    folder: Path
    settings: Mapping[str, str]
    """As environment variables."""
    keys: Mapping[str, SigningKey] = field(repr=False)
    """By source."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.settings['FINGERPOST_BIND_PORT']}"

    @property
    def hub_ca(self) -> Path:
        """Of the hub's own S/MIME certificate."""
        return self.folder / "data" / "keys" / "signer-ca.crt"


def site(folder: Path, relay: Relay, **settings: str) -> Site:
    """Set a hub up by its command line. ``settings`` by their names without prefix, in lower case."""
    folder.mkdir()
    given = {
        "data_folder": str(folder / "data"),
        "smtp_host": "localhost",
        "smtp_port": str(relay.port),
        "smtp_ca_file": str(relay.ca),
        "sender": SENDER,
        "operator_address": "operator@operator.hub.example",
        "bind_port": str(free_port()),
        "log_level": "warning",
        **settings,
    }
    environment = {f"FINGERPOST_{name.upper()}": value for name, value in given.items()}
    file = folder / "directory.json"
    file.write_bytes(dumps(directory()))
    names = [f"fire-{number}" for number in range(SOURCES)]
    authorities = [word for code in SPEAKS_FOR for word in ("--authority", code)]
    _, _, *secrets = run(
        environment,
        ["keys", "init", "--signer"],
        ["directory", "import", str(file)],
        *(["sources", "add", name, *authorities] for name in names),
    )
    keys = {
        f"urn:fingerpost:source:{name}": signing_key_from_text(secret.strip())
        for name, secret in zip(names, secrets, strict=True)
    }
    return Site(folder=folder, settings=environment, keys=keys)


def run(environment: Mapping[str, str], *commands: Sequence[str]) -> list[str]:
    """Commands of ``fingerpost``, in one process as starting one takes a second; what each printed."""
    done = subprocess.run(
        [sys.executable, "-c", _COMMANDS, json.dumps(commands)],
        cwd=ROOT,
        env=_environment() | environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split(_MARK)[:-1]


class Hub:
    """``fingerpost serve`` at a site, through all its deaths."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.starts: list[float] = []
        """Seconds from each start to the first good answer of /health/ready."""
        self.starts_cpu: list[float] = []
        """Seconds of processor time that each start took."""
        self._process: subprocess.Popen[bytes] | None = None
        self._log = site.folder / "serve.log"

    @property
    def log(self) -> str:
        """What it said on standard error, over all starts."""
        return self._log.read_text(encoding="utf-8")

    async def start(self, client: aiohttp.ClientSession) -> None:
        """Start it and wait until it takes events."""
        assert self._process is None, "it runs already"
        began = time.perf_counter()
        environment = _environment() | self.site.settings
        with self._log.open("ab") as log:
            command = [sys.executable, "-m", "hub", "serve"]
            self._process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
        async with asyncio.timeout(PATIENCE):
            while not await self._ready(client):
                assert self._process.poll() is None, f"serve ended with {self._process.returncode}: {self.log[-2000:]}"
                await asyncio.sleep(0.01)
        self.starts.append(time.perf_counter() - began)
        self.starts_cpu.append(self.cpu())

    def cpu(self) -> float:
        """Seconds of processor time since it was started, all its threads (proc(5), stat: utime and stime)."""
        assert self._process is not None, "it does not run"
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self) -> int:
        """Bytes of physical memory that it has now (proc(5), status: VmRSS)."""
        assert self._process is not None, "it does not run"
        lines = Path(f"/proc/{self._process.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS:"))

    async def _ready(self, client: aiohttp.ClientSession) -> bool:
        try:
            async with client.get(f"{self.site.url}/health/ready") as answer:
                return answer.status == 200
        except (aiohttp.ClientError, TimeoutError):
            return False

    async def kill(self) -> None:
        """SIGKILL: no chance to write anything down."""
        await self._end(signal.SIGKILL, -signal.SIGKILL)

    async def stop(self) -> float:
        """SIGTERM; it has to end in order, with status 0. Returns the seconds it took."""
        began = time.perf_counter()
        await self._end(signal.SIGTERM, 0)
        return time.perf_counter() - began

    def tell(self, number: signal.Signals) -> None:
        """Say something to it that does not end it."""
        assert self._process is not None, "it does not run"
        self._process.send_signal(number)

    async def _end(self, number: signal.Signals, expected: int) -> None:
        process, self._process = self._process, None
        assert process is not None, "it does not run"
        process.send_signal(number)
        status = await asyncio.to_thread(process.wait, PATIENCE)
        assert status == expected, f"serve ended with {status}: {self.log[-2000:]}"

    async def work(self, client: aiohttp.ClientSession) -> Mapping[str, int]:
        """Rows by what they wait for, from /metrics."""
        async with client.get(f"{self.site.url}/metrics") as answer:
            text = await answer.text()
        lines = (line for line in text.splitlines() if line.startswith("fingerpost_work{"))
        return {line.split('"')[1]: int(float(line.split()[-1])) for line in lines}

    async def drained(self, client: aiohttp.ClientSession, seconds: float) -> None:
        """Wait until no notice is on its way any more."""
        async with asyncio.timeout(seconds):
            while (await self.work(client))["notices_pending"]:
                await asyncio.sleep(0.2)

    def close(self) -> None:
        """Kill it if a test failed with it running."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(PATIENCE)
            self._process = None


@asynccontextmanager
async def running(site: Site) -> AsyncIterator[tuple[Hub, aiohttp.ClientSession]]:
    """A hub that takes events, and a client to speak to it with."""
    hub = Hub(site)
    connector = aiohttp.TCPConnector(limit=0, force_close=False)
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=30)) as client:
        try:
            await hub.start(client)
            yield hub, client
            assert spilled(hub.log) is None, spilled(hub.log)
        finally:
            hub.close()


def _environment() -> dict[str, str]:
    """Ours without any setting of the hub; nothing depends on being started in some folder."""
    kept = {name: value for name, value in os.environ.items() if not name.upper().startswith("FINGERPOST_")}
    return kept | {"PYTHONPATH": str(ROOT), "COLUMNS": "200"}


def free_port() -> int:
    """Of this machine."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
