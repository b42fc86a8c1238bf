"""Everything the demo needs around the hub, made fresh in a temporary folder, and the real hub itself."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from aiohttp import ClientSession, ClientTimeout

from contacts.directory import Directory
from contacts.fictional import fictional_bundle
from contacts.model import Bundle, Certificate
from contacts.tables import dumps
from hub.app.domain import domain_of
from hub.app.ledger import open_ledger
from hub.app.running import Running, running
from hub.core.records import AuditLine, Source
from hub.core.webhook import SigningKey, sign, signing_key_from_text
from hub.demo.case import HOST, READERS, RESPONSIBLE, SOURCE, SOURCE_NAME, WITHHELD_PARENT, Reader
from hub.demo.mailboxes import Keyrings, Mail, Opened, PostOffice, Unopened
from hub.demo.pki import Authority, Identity
from hub.edge.clock import SystemClock
from hub.edge.ids import SystemIds
from hub.edge.source_keys import new_key
from hub.edge.telemetry import Metrics, configure_logging
from hub.edge.vault import create_key_file
from hub.service.ports import Clock, Ids, Unit
from hub.service.timeline import Seeing
from hub.settings import Settings

SENDER: Final = "notices@fingerpost.example"
AT_ONCE: Final = 4
"""Mails that are opened at the same time, each by an openssl of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """The running hub, and the made-up world's end of every wire."""

    hub: Running
    seeing: Seeing
    clock: Clock
    directory: Directory
    addresses: Mapping[str, Reader]
    """Mailbox -> whose it is."""
    mailroom: "Mailroom"
    http: ClientSession
    key: SigningKey = field(repr=False)
    log: Path
    """What the hub logged."""

    async def post(self, event: Mapping[str, Any]) -> tuple[int, Mapping[str, Any]]:
        """Post a signed event as the home's recording system would; the hub's answer."""
        body = json.dumps(event).encode()
        headers = sign(body, webhook_id=f"msg-{event['id']}", at=self.clock.now(), keys=[self.key])
        headers["Content-Type"] = "application/cloudevents+json"
        async with self.http.post(f"{self.hub.url}/v1/events", data=body, headers=headers) as response:
            return response.status, json.loads(await response.read())


class Mailroom:
    """Opens mails as they come, a few at a time. ``opened`` yields them; ``received`` counts what came in."""

    def __init__(self, keys: Keyrings, clock: Clock) -> None:
        self.opened: asyncio.Queue[Opened | Unopened] = asyncio.Queue()
        self.received = 0
        self._keys = keys
        self._clock = clock
        self._gate = asyncio.Semaphore(AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()

    def take(self, mail: Mail) -> None:
        """A mail came in."""
        self.received += 1
        task = asyncio.create_task(self._open(mail))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _open(self, mail: Mail) -> None:
        async with self._gate:
            try:
                outcome = await self._keys.open(mail, self._clock)
            except Exception as error:
                # Whatever a mail contains, it has to be accounted for.
                outcome = Unopened(mail=mail, why=f"it cannot be read ({type(error).__name__})")
            self.opened.put_nowait(outcome)


@asynccontextmanager
async def world(folder: Path, port: int) -> AsyncIterator[World]:
    """Make it, run it, stop it. ``port`` is where the hub will listen on 127.0.0.1."""
    clock, ids = SystemClock(), SystemIds()
    now = clock.now()
    authority = Authority("Made-up certificate authority of a demonstration", now)
    hub_identity = authority.mailbox(SENDER)
    bundle, addresses, identities = _people(authority, now)
    mailroom = Mailroom(Keyrings(folder / "mailboxes", identities, hub_identity, authority.root), clock)
    office = PostOffice(authority.server(), folder, clock, mailroom.take)
    settings = _settings(folder, port, await office.start(), hub_identity, authority.root)
    secret = await _furnish(settings, bundle, clock.now(), ids)
    log = folder / "hub.log"
    try:
        with _logging(log) as metrics:
            async with running(settings, domain_of, demo_pages=True, metrics=metrics) as hub, _http() as http:
                yield World(
                    hub=hub,
                    seeing=Seeing(hub.store),
                    clock=clock,
                    directory=Directory.of(bundle),
                    addresses=addresses,
                    mailroom=mailroom,
                    http=http,
                    key=signing_key_from_text(secret),
                    log=log,
                )
    finally:
        office.stop()


def _people(authority: Authority, now: datetime) -> tuple[Bundle, Mapping[str, Reader], Mapping[str, Identity]]:
    """The whole made-up directory; mailboxes with certificates for those who play a part."""
    bundle = fictional_bundle()
    directory = Directory.of(bundle)
    # Somebody else may come on duty while the demo runs.
    moments = (now, now + timedelta(minutes=10))
    addresses = {reader.address(directory, at): reader for reader in (*READERS, WITHHELD_PARENT) for at in moments}
    identities = authority.mailboxes(addresses)
    certificates = tuple(
        Certificate(address=address, der=identity.der, fingerprint=sha256(identity.der).hexdigest())
        for address, identity in identities.items()
    )
    return replace(bundle, certificates=certificates), addresses, identities


def _settings(folder: Path, port: int, smtp_port: int, hub: Identity, root: Identity) -> Settings:
    keys = folder / "hub" / "keys"
    keys.mkdir(parents=True, mode=0o700)
    create_key_file(keys / "kek-1.key")
    create_key_file(keys / "index.key")
    (keys / "signer.key").touch(mode=0o600)
    (keys / "signer.key").write_bytes(hub.key_pem)
    (keys / "signer.crt").write_bytes(hub.certificate_pem)
    anchor = folder / "root.pem"
    anchor.write_bytes(root.certificate_pem)
    return Settings(
        data_folder=folder / "hub",
        smtp_host="127.0.0.1",
        smtp_port=smtp_port,
        smtp_tls="required",
        smtp_ca_file=anchor,
        sender=SENDER,
        trust_anchor_files=(anchor,),
        bind_port=port,
        public_url=f"http://127.0.0.1:{port}",
        verify_contacts=False,
    )


async def _furnish(settings: Settings, bundle: Bundle, now: datetime, ids: Ids) -> str:
    """Put the directory and the source into the ledger, as the operator would; the source's signing secret."""
    secret, key = new_key("v1", ids, now)
    source = Source(
        id=ids.new("src", now),
        uri=SOURCE,
        name=SOURCE_NAME,
        authorities=frozenset({HOST, RESPONSIBLE}),
        keys=(key,),
        created_at=now,
    )
    line = AuditLine(id=ids.new("au", now), at=now, actor="operator", action="directory.imported")

    async def write(unit: Unit) -> None:
        await unit.put_source(source)
        await unit.put_directory(dumps(bundle), now, [line])

    async with open_ledger(settings) as store:
        await store.write(write)
    return secret


@contextmanager
def _logging(path: Path) -> Iterator[Metrics]:
    """The hub's log lines go to a file, as they would spoil the stage."""
    metrics = Metrics()
    with path.open("w", encoding="utf-8", buffering=1) as stream:
        configure_logging("info", metrics, stream)
        yield metrics


@asynccontextmanager
async def _http() -> AsyncIterator[ClientSession]:
    async with ClientSession(timeout=ClientTimeout(total=15)) as session:
        yield session


def free_port(preferred: int = 0) -> int:
    """``preferred`` if nobody listens there, else any free port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", preferred))
        except OSError:
            probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
