"""``fingerpost serve`` as a process of its own, over a folder a test can search, with a relay in the test's own loop.

Everything is set up through the ledger, not the command line, as starting a command takes a second. All that the
process says goes to files, and it works in a folder of its own, so that whatever it drops anywhere is found.
"""

import asyncio
import io
import json
import os
import signal
import socket
import sqlite3
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, TypeVar

from aiohttp import ClientError, ClientSession
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs7

from contacts.fictional import fictional_bundle
from contacts.model import Certificate
from contacts.tables import dumps
from hub.app.ledger import open_ledger
from hub.core.records import DeliveryRecord, NoticeRecord
from hub.core.webhook import sign
from hub.service.ports import Unit
from hub.settings import load
from tests.kit.events import raw
from tests.kit.hub import hub_environment
from tests.kit.pki import Issued, person, root, rsa_key
from tests.kit.smtp import Received
from tests.kit.spills import spilled
from tests.kit.web import CLOUD_EVENT, KEY, source

T = TypeVar("T")
ROOT: Final = Path(__file__).parents[2]
PATIENCE: Final = 120.0
"""Seconds a wait may take; never reached by a test that passes."""
BRISK: Final = {"retry_schedule": "1,1,1,1,1,1,1,1,1,1", "retry_jitter": "0", "delivery_poll": "0.2"}
"""Settings of a hub that tries again at once."""


@cache
def mailbox(address: str) -> Issued:
    """Certificate and key of a mailbox; the key is everybody's, as making one takes longer than a mail."""
    return person(address, issuer=root(), key=rsa_key("mailboxes"))


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A hub that is set up and does not run."""

    folder: Path
    environment: Mapping[str, str]

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def temporary(self) -> Path:
        """Its TMPDIR."""
        return self.folder / "temporary"

    @property
    def working(self) -> Path:
        """The folder it is started in."""
        return self.folder / "working"

    async def read(self, work: Any) -> Any:
        """What ``work`` reads from the ledger, beside a running hub too."""
        async with open_ledger(load(environment=self.environment)) as store:
            return await store.read(work)

    async def told(self) -> list[tuple[NoticeRecord, DeliveryRecord]]:
        """Every notice with each of its deliveries."""

        async def work(unit: Unit) -> list[tuple[NoticeRecord, DeliveryRecord]]:
            return [
                (notice, delivery)
                for episode in await unit.episode_list()
                for notice in await unit.notices(episode.id)
                for delivery in await unit.deliveries(notice.id)
            ]

        found: list[tuple[NoticeRecord, DeliveryRecord]] = await self.read(work)
        return found


async def site(folder: Path, relay_port: int, *, certified: Collection[str] | None, **settings: str) -> Site:
    """Set up keys, one source (tests.kit.web) and the fictional directory.

    ``certified``: who has a certificate; ``@domain``: everybody there. None: no directory, and a quick start.
    """
    for name in ("data", "temporary", "working"):
        (folder / name).mkdir(parents=True)
    port = str(free_port())
    given = {"bind_port": port, "public_url": f"http://127.0.0.1:{port}", "log_level": "debug", **settings}
    environment = hub_environment(folder / "data", smtp_port=relay_port, **given)
    furniture = None if certified is None else _directory(certified)
    now = datetime.now(UTC)

    async def furnish(unit: Unit) -> None:
        await unit.put_source(source())
        if furniture is not None:
            await unit.put_directory(furniture, now, [])

    async with open_ledger(load(environment=environment)) as store:
        await store.write(furnish)
    return Site(folder=folder, environment=environment)


def _directory(certified: Collection[str]) -> bytes:
    bundle = fictional_bundle()
    addresses = {contact.address for contact in bundle.contacts} | set(certified)
    certificates = tuple(
        Certificate(address=address, der=der, fingerprint=sha256(der).hexdigest(), pinned=True)
        for address, der in (
            (address, mailbox(address).der)
            for address in sorted(addresses)
            if not address.startswith("@") and not {address, address[address.index("@") :]}.isdisjoint(certified)
        )
    )
    return dumps(replace(bundle, certificates=certificates))


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """An HTTP answer, whole."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def body(self) -> Any:
        return json.loads(self.content)


@dataclass(slots=True, kw_only=True)
class Served:
    """A hub that runs."""

    site: Site
    process: Process
    session: ClientSession = field(repr=False)
    sent: int = 0

    @property
    def url(self) -> str:
        return self.site.environment["FINGERPOST_PUBLIC_URL"]

    async def post(self, event: Mapping[str, Any] | bytes, **headers: str) -> Answered:
        """Signed as it should be, unless ``headers`` say otherwise (``content_type=…``)."""
        body = event if isinstance(event, bytes) else raw(event)
        self.sent += 1
        signed = sign(body, webhook_id=f"msg_{self.sent}", at=datetime.now(UTC), keys=[KEY])
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.ask("POST", "/v1/events", body, {**signed, "content-type": CLOUD_EVENT, **given})

    async def ask(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answered:
        """Any request."""
        data = io.BytesIO(body) if body is not None else None
        async with self.session.request(method, f"{self.url}{path}", data=data, headers=headers or {}) as response:
            return Answered(status=response.status, headers=dict(response.headers), content=await response.read())

    async def drained(self) -> None:
        """Wait until no delivery is to be tried any more. Asks the ledger, as /metrics may be a second old."""
        ledger = self.site.data / "fingerpost.sqlite3"
        async with asyncio.timeout(PATIENCE):
            with closing(sqlite3.connect(f"file:{ledger}?mode=ro", uri=True)) as connection:
                waiting = "SELECT count(*) FROM deliveries WHERE state IN ('due', 'leased')"
                while connection.execute(waiting).fetchone()[0]:
                    await asyncio.sleep(0.05)

    async def stop(self) -> None:
        """SIGTERM; it has to end in order."""
        self.process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(self.process.wait(), PATIENCE) == 0, said(self.site)

    async def kill(self) -> None:
        """SIGKILL."""
        self.process.kill()
        await asyncio.wait_for(self.process.wait(), PATIENCE)


def said(site: Site) -> str:
    """All that every process of this site said so far."""
    return "".join((site.folder / name).read_text() for name in ("stdout", "stderr") if (site.folder / name).exists())


async def start(site: Site, *, wrapped_in: Sequence[str] = ()) -> Process:
    """Start ``serve`` and do not wait."""
    kept = {name: value for name, value in os.environ.items() if not name.upper().startswith("FINGERPOST_")}
    environment = {**kept, **site.environment, "PYTHONPATH": str(ROOT), "TMPDIR": str(site.temporary), "COLUMNS": "200"}
    with (site.folder / "stdout").open("ab") as out, (site.folder / "stderr").open("ab") as err:
        return await asyncio.create_subprocess_exec(
            *wrapped_in, sys.executable, "-m", "hub", "serve", env=environment, cwd=site.working, stdout=out, stderr=err
        )  # fmt: skip


@asynccontextmanager
async def serving(site: Site, *, wrapped_in: Sequence[str] = ()) -> AsyncIterator[Served]:
    """A hub that takes events, killed at the end if it still runs. ``wrapped_in``: a command to start it with."""
    process = await start(site, wrapped_in=wrapped_in)
    try:
        async with ClientSession() as session:
            hub = Served(site=site, process=process, session=session)
            async with asyncio.timeout(PATIENCE):
                while not await _ready(hub):
                    assert process.returncode is None, said(site)
                    await asyncio.sleep(0.02)
            yield hub
            if process.returncode is None:
                assert spilled((await hub.ask("GET", "/metrics")).content.decode()) is None
        assert spilled(said(site)) is None, spilled(said(site))
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _ready(hub: Served) -> bool:
    try:
        return (await hub.ask("GET", "/health/ready")).status == 200
    except ClientError:
        return False


def opened(mail: Received) -> EmailMessage:
    """What is inside the encryption: the signed entity."""
    (address,) = mail.recipients
    return _opened(mail.data, address)


@cache
def _opened(mail: bytes, address: str) -> EmailMessage:
    own = mailbox(address)
    assert isinstance(own.key, rsa.RSAPrivateKey)
    sealed = message_from_bytes(mail, policy=policy.default).get_content()
    assert isinstance(sealed, bytes)
    entity = message_from_bytes(
        pkcs7.pkcs7_decrypt_der(sealed, own.certificate, own.key, []), _class=EmailMessage, policy=policy.default
    )
    assert entity.get_content_type() == "multipart/signed"
    return entity


def document(entity: EmailMessage) -> dict[str, Any]:
    """The notice as a program reads it."""
    (content,) = [part.get_content() for part in entity.walk() if part.get_filename() == "notice.json"]
    told: dict[str, Any] = json.loads(content)
    return told
