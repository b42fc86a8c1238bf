"""The hub's web on a real port, over a real store, with a clock that tests move and an intake that tests script."""

import io
import ssl
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from aiohttp import ClientResponse, ClientSession
from aiohttp.web import Application

from adapters.email.credentials import Secret
from adapters.email.verp import ReceiptsAddress
from adapters.https.guard import Policy
from contacts.areas import load_areas
from contacts.directory import Directory
from contacts.fictional import fictional_directory
from hub.app.accounts import account_pages, account_services
from hub.app.desk import desk_of
from hub.app.tokens import bearers_of, usage_of
from hub.core.accounts import AccountLimits
from hub.core.answers import Answer, accepted
from hub.core.events import EpisodeEvent, Problem, parse
from hub.core.pickup import Limits
from hub.core.records import Source, SourceKey
from hub.core.verification import Terms
from hub.core.wall import WayOut
from hub.core.webhook import SigningKey, sign
from hub.edge.identity_providers import IdentityProviders
from hub.edge.ids import SeededIds
from hub.edge.passwords import Argon2
from hub.edge.telemetry import Metrics
from hub.service.agreements.agreeing import Agreeing
from hub.service.agreements.steps import Steps
from hub.service.answers import Answers
from hub.service.assurance.coverage import CoverageReports, PlacementReports
from hub.service.assurance.proofs import Proofs
from hub.service.audit.looks import Looks
from hub.service.audit.reading import Reading as AuditReading
from hub.service.bell import Bell
from hub.service.conversations.posting import Posting
from hub.service.conversations.reading import Reading as Talking
from hub.service.conversations.writing import Writing
from hub.service.directory.round_trip import RoundTrips
from hub.service.envelopes import Composer
from hub.service.explaining import Explaining
from hub.service.health import Health
from hub.service.holds.setting import Holds
from hub.service.inbox import Inbox
from hub.service.ledger import Bookkeeper
from hub.service.outbox import Outbox
from hub.service.peers.introducing import Introducing
from hub.service.peers.ports import NotFetched
from hub.service.pickup.codes import Codes
from hub.service.pickup.link import USUAL, Keep, Links
from hub.service.pickup.viewing import Viewing
from hub.service.ports import Store, StoreUnavailable
from hub.service.receipts import Receipts
from hub.service.register import Registers
from hub.service.resolving.choosing import Choosing
from hub.service.resolving.following import Following
from hub.service.resolving.ground import Ground
from hub.service.supervise import Supervisor, Tick
from hub.service.timeline import Seeing
from hub.service.tokens.keeping import Tokens
from hub.service.wall import Wall
from hub.service.ways import Ways
from hub.web.api.agreements import AgreementsApi
from hub.web.api.callbacks import CallbacksApi
from hub.web.api.conversations import ConversationsApi
from hub.web.api.coverage import CoverageApi
from hub.web.api.directory import DirectoryApi
from hub.web.api.episodes import EpisodesApi
from hub.web.api.events import EventsApi
from hub.web.api.health import HealthApi
from hub.web.api.holds import HoldsApi
from hub.web.api.outbox import OutboxApi
from hub.web.api.peers import PeersApi
from hub.web.api.register import RegisterApi
from hub.web.api.schema import SchemaApi
from hub.web.api.sources import SourceBook
from hub.web.api.speaking import Speaking
from hub.web.bodies import Bodies
from hub.web.certificates import ClientCertificates
from hub.web.clients import Clients
from hub.web.limits import Buckets
from hub.web.live import Streams
from hub.web.pages.accounts.routes import AccountPages
from hub.web.pages.acknowledge import AcknowledgePage
from hub.web.pages.assurance.routes import AssuranceSite
from hub.web.pages.audit.reading import AuditPages
from hub.web.pages.confirming import ConfirmPage
from hub.web.pages.conversations.routes import ConversationSite
from hub.web.pages.desk.routes import DeskSite
from hub.web.pages.directory.routes import DirectorySite
from hub.web.pages.holds.pages import HoldPages
from hub.web.pages.peers.pages import PeerPages
from hub.web.pages.pickup import PickupPage
from hub.web.pages.rendering import Pages
from hub.web.pages.resolving.routes import ResolvingPages
from hub.web.pages.timeline import TimelinePages
from hub.web.pages.tokens.routes import TokenPages
from hub.web.pages.verify import VerifyPage
from hub.web.pages.wall import WallPages
from hub.web.server import Parts, Server, application
from routing.packs import load_packs
from tests.kit.accounts import QUICK
from tests.kit.changing import office
from tests.kit.clock import START, FakeClock
from tests.kit.delivering import Sink
from tests.kit.events import BROMLEY, SOURCE, wire_rules
from tests.kit.peers import ASHBY, BORDON
from tests.kit.store import sqlite_store
from tests.kit.tokens import Token, file_tokens

SECRET = b"a secret of thirty-two bytes ok."
KEY = SigningKey(scheme="v1", key=SECRET)
TLS = ssl.create_default_context()
"""Made once: it reads every authority that the system trusts."""
CLOUD_EVENT = "application/cloudevents+json"
ACK_SECRET = b"a" * 32
FORMS_SECRET = b"f" * 32
TERMS = Terms(every=timedelta(days=90), within=timedelta(days=7), per_hour=240)
CALLBACK_TOKEN = "a token of thirty-two characters"


def fictional_called(code: str) -> str | None:
    """What the made-up directory calls an organisation."""
    found = fictional_directory().organisation(code)
    return None if found is None else found.name


class Lines:
    """A log that keeps its lines."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, dict[str, Any]]] = []

    def info(self, event: str, **fields: Any) -> None:
        self.lines.append((event, fields))

    warning = error = info

    def named(self, event: str) -> list[dict[str, Any]]:
        return [fields for name, fields in self.lines if name == event]


@dataclass
class ScriptedIntake:
    """Answers as it is told to and remembers what it was asked."""

    answer: Answer | Exception | None = None
    refusing: Exception | None = None
    accepted: list[tuple[EpisodeEvent, bytes, Source]] = field(default_factory=list)
    refused: list[tuple[bytes, Source, Sequence[Problem], str]] = field(default_factory=list)

    async def accept(self, event: EpisodeEvent, raw: bytes, source: Source) -> Answer:
        if isinstance(self.answer, Exception):
            raise self.answer
        self.accepted.append((event, raw, source))
        return self.answer or accepted(event=event.id, episode=event.ref, notices=3, withheld=1, gaps=[], warnings=[])

    async def refuse(
        self,
        raw: bytes,
        source: Source,
        problems: Sequence[Problem],
        reason: Literal["invalid", "stale_signature"],
    ) -> str:
        if self.refusing is not None:
            raise self.refusing
        self.refused.append((raw, source, problems, reason))
        return f"qu_{len(self.refused)}"


def source(uri: str = SOURCE, *, keys: Iterable[SourceKey] | None = None, **changes: Any) -> Source:
    """A registered source with one v1 key that never ends."""
    own = SourceKey(id="sk_1", scheme="v1", key=SECRET, valid_from=START - timedelta(days=30))
    made = Source(
        id=f"src_{uri.rpartition(':')[2]}",
        uri=uri,
        name="Bromley care",
        authorities=frozenset({BROMLEY}),
        keys=tuple(keys) if keys is not None else (own,),
        created_at=START - timedelta(days=30),
    )
    return replace(made, **changes)


@dataclass
class Web:
    """A web that listens."""

    url: str
    port: int
    clock: FakeClock
    intake: ScriptedIntake
    store: Store
    metrics: Metrics
    supervisor: Supervisor
    tick: Tick
    log: Lines
    session: ClientSession
    accounts: AccountPages
    app: Application
    bell: Bell
    sinks: Mapping[str, Sink] = field(default_factory=dict)
    """What codes go over."""

    def headers(
        self, body: bytes, *, keys: Sequence[SigningKey] = (KEY,), at: datetime | None = None, id: str = "msg_1"
    ) -> dict[str, str]:
        """The headers of a rightly signed event."""
        signed = sign(body, webhook_id=id, at=at or self.clock.now(), keys=keys)
        return {**signed, "Content-Type": CLOUD_EVENT}

    async def post(self, body: bytes, **signing: Any) -> ClientResponse:
        """Post one signed event and read the answer."""
        return await self.send(body, self.headers(body, **signing))

    async def send(self, body: Any, headers: Mapping[str, str]) -> ClientResponse:
        data = io.BytesIO(body) if isinstance(body, bytes) else body
        async with self.session.post(f"{self.url}/v1/events", data=data, headers=headers) as response:
            await response.read()
            return response

    async def get(self, path: str, **options: Any) -> ClientResponse:
        async with self.session.get(f"{self.url}{path}", allow_redirects=False, **options) as response:
            await response.read()
            return response


class BrokenStore:
    """A store that is away whenever it is told so."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.away = False

    async def write(self, work: Any) -> Any:
        self._check()
        return await self._store.write(work)

    async def read(self, work: Any) -> Any:
        self._check()
        return await self._store.read(work)

    async def ready(self) -> bool:
        return not self.away and await self._store.ready()

    async def aclose(self) -> None:
        await self._store.aclose()

    def _check(self) -> None:
        if self.away:
            raise StoreUnavailable("away")


@asynccontextmanager
async def serving(
    folder: Path,
    *,
    sources: Iterable[Source] | None = None,
    tokens: Sequence[Token] = (),
    public_url: str = "http://127.0.0.1:8080",
    demo_pages: bool = False,
    metrics_open: bool = True,
    rate: float = 1000.0,
    burst: int = 1000,
    read_timeout: float = 10.0,
    at_once: int = 64,
    grace: float = 1.0,
    tolerance: float = 300.0,
    directory: Callable[[], Directory] = fictional_directory,
    ways_out: Sequence[WayOut] = (WayOut(channel="email", set_up=True),),
    keep: Keep = lambda decision, stored: None,
    limits: Limits = USUAL,
    round_trips: bool = True,
    port: int = 0,
    certificates_from: Sequence[str] = (),
) -> AsyncIterator[Web]:
    """The whole web over a SQLite file in ``folder``. ``keep``: whom must not be told now; ``port``: where a browser
    has to find the hub under its very ``public_url``; 0 picks a free one."""
    clock, ids, metrics, log, intake = FakeClock(), SeededIds("web"), Metrics(), Lines(), ScriptedIntake()
    store = BrokenStore(await sqlite_store(folder))
    for one in sources if sources is not None else (source(),):
        await store.write(lambda unit, one=one: unit.put_source(one))
    await file_tokens(store, tokens)
    supervisor = Supervisor(stop_within=5, log=log)

    async def nothing(now: datetime) -> None:
        return None

    tick = Tick("clockwork", nothing, clock=clock, supervisor=supervisor, log=log)
    health = Health(store=store, supervisor=supervisor, ticks=(tick,), clock=clock, overdue_after=120)
    pages, seeing = Pages(public_url=public_url), Seeing(store)
    explaining = Explaining(store=store, packs=load_packs(), areas=load_areas())
    bodies, forms = (Bodies(at_once=at_once, within=read_timeout) for _ in ("programs", "people"))
    rules = wire_rules()
    sinks = {channel: Sink(channel) for channel in ("email", "sms")}
    ways = Ways(ids=ids, directory=directory, secret=ACK_SECRET, channels=frozenset(sinks))
    ground = Ground(
        packs=load_packs(),
        areas=load_areas(),
        directory=directory,
        posting=Posting(ways=ways, packs=load_packs(), directory=directory, ids=ids),
        ids=ids,
        nudge=lambda: None,
    )
    answers = Answers(store=store, clock=clock, ids=ids, meter=metrics, following=Following(ground=ground))
    composer = Composer(directory=directory, ack_secret=ACK_SECRET, public_url=public_url, collect="Ring us.")
    links = Links(directory=directory, channels=frozenset(sinks), keep=keep, limits=limits)
    more: dict[str, Any] = {
        "store": store, "links": links, "envelopes": composer, "secret": ACK_SECRET, "clock": clock, "ids": ids
    }  # fmt: skip
    services = account_services(
        store, clock, ids, AccountLimits(), None, fictional_called, log, passwords=Argon2(QUICK)
    )
    accounts = account_pages(
        services,
        pages,
        forms,
        clock,
        ids,
        public_url=public_url,
        secret=FORMS_SECRET,
        per_minute=10,
        trusted=("127.0.0.0/8",),
        reached=IdentityProviders(clock=clock, policy=Policy(plain_loopback=True), tls=TLS),
    )
    proofs = Proofs(store=store, clock=clock, ids=ids, terms=TERMS, secret=ACK_SECRET)
    outbox = Outbox(
        store=store, clock=clock, ids=ids, late=timedelta(seconds=120), keep=lambda *_: None, nudge=lambda: None
    )

    async def fetched(url: str) -> bytes:
        if not url.startswith(BORDON.url):
            raise NotFetched("TimeoutError")
        return BORDON.document(clock.now())

    bell = Bell()
    streams = Streams(clock=clock, bell=bell)
    desk = desk_of(store, directory, keep, composer, answers, ACK_SECRET, clock, ids, metrics)
    writing = Writing(
        store=store,
        ways=Ways(ids=ids, directory=directory, secret=ACK_SECRET, channels=frozenset(sinks)),
        packs=load_packs(),
        areas=load_areas(),
        directory=directory,
        clock=clock,
        ids=ids,
        nudge=bell.ring,
    )
    book = Bookkeeper(ids=ids, ways=writing.ways, packs=writing.packs)
    agreeing = Agreeing(writing=writing, steps=Steps.of(book, writing.areas, directory))
    talking = Talking(store=store, clock=clock, ids=ids)
    holding = Holds(store=store, posting=writing.posting, clock=clock, nudge=bell.ring)
    speaking = Speaking(reading=talking, notices=desk.reading, sights=desk.sights, bodies=forms)
    parts = Parts(
        events=EventsApi(
            parse=lambda raw: parse(raw, rules),
            intake=intake,
            sources=SourceBook(store, clock, refresh=5),
            bodies=bodies,
            rates=Buckets(per_second=rate, burst=burst, clock=clock),
            clock=clock,
            meter=metrics,
            tolerance=tolerance,
            certificates=ClientCertificates(certificates_from),
        ),
        schema=SchemaApi(),
        health=HealthApi(health, metrics),
        episodes=EpisodesApi(seeing),
        outbox=OutboxApi(outbox, bodies, clock),
        directory=DirectoryApi(office(store, clock=clock).changing, bodies, clock),
        talks=ConversationsApi(writing, speaking),
        agreed=AgreementsApi(agreeing, speaking),
        held=HoldsApi(holding, speaking),
        coverage=CoverageApi(directory, load_areas(), clock),
        callbacks=CallbacksApi(
            inbox=Inbox(
                receipts=Receipts(store=store, clock=clock, ids=ids, meter=metrics, nudge=lambda: None),
                store=store,
                clock=clock,
                directory=fictional_directory,
                secret=ACK_SECRET,
                addresses=(ReceiptsAddress.of_template("r+{token}@hub.example"),),
            ),
            tokens=(Secret(CALLBACK_TOKEN),),
            bodies=bodies,
            clock=clock,
        ),
        peers=PeersApi(document=ASHBY.document, clock=clock),
        register=RegisterApi(Registers(store, clock, ids)),
        acknowledge=AcknowledgePage(answers=answers, pages=pages, bodies=forms),
        verify=VerifyPage(proofs=proofs, pages=pages),
        confirm=ConfirmPage(
            trips=RoundTrips(
                store=store,
                changing=office(store, clock=clock, node="trips").changing,
                clock=clock,
                ids=ids,
                allowed=round_trips,
            ),
            pages=pages,
            bodies=forms,
        ),
        pickup=PickupPage(
            codes=Codes(transports=sinks, **more),
            viewing=Viewing(answers=answers, meter=metrics, **more),
            pages=pages,
            bodies=forms,
            rates=Buckets(per_second=0.5, burst=30, clock=clock),
            public_url=public_url,
        ),
        accounts=accounts,
        directory_pages=DirectorySite.of(
            office(store, clock=clock, node="pages").changing, accounts.site, accounts.sessions, clock, log
        ),
        assurance=AssuranceSite.of(
            CoverageReports(directory=directory, areas=load_areas()),
            PlacementReports(packs=load_packs(), rules=rules, areas=load_areas(), directory=directory),
            proofs,
            accounts.site,
            accounts.sessions,
            clock,
            asks=True,
        ),
        desk=DeskSite.of(desk, services.people, accounts.site, accounts.sessions, streams),
        resolving=ResolvingPages(
            choosing=Choosing(store=store, ground=ground, book=book, clock=clock),
            sights=desk.sights,
            site=accounts.site,
            sessions=accounts.sessions,
            clock=clock,
        ),
        conversations=ConversationSite.of(
            writing,
            talking,
            desk,
            accounts.site,
            accounts.sessions,
            streams,
            ids,
            agreeing,
        ),
        holds=HoldPages(
            holds=holding,
            sights=desk.sights,
            site=accounts.site,
            sessions=accounts.sessions,
            ids=ids,
        ),
        tokens=TokenPages(
            tokens=Tokens(store=store, clock=clock, ids=ids, longest=timedelta(days=365)),
            confirming=services.confirming,
            site=accounts.site,
            sessions=accounts.sessions,
            clock=clock,
        ),
        looks=Looks(store=store, clock=clock, ids=ids),
        audit=AuditPages(
            reading=AuditReading(store=store, ids=ids), site=accounts.site, sessions=accounts.sessions, clock=clock
        ),
        wall=WallPages(
            wall=Wall(store=store, health=health, outbox=outbox, ways=lambda: ways_out, clock=clock, ids=ids),
            explaining=explaining,
            outbox=outbox,
            sessions=accounts.sessions,
            site=accounts.site,
            streams=streams,
            clock=clock,
        ),
        streams=streams,
        peer_pages=PeerPages(
            introducing=Introducing(store=store, fetch=fetched, own=ASHBY.said().hub, clock=clock, ids=ids),
            own=ASHBY.said(),
            confirming=services.confirming,
            site=accounts.site,
            sessions=accounts.sessions,
        ),
        timeline=TimelinePages(seeing=seeing, explaining=explaining, pages=pages, clock=clock) if demo_pages else None,
        pages=pages,
        access=bearers_of(
            store,
            clock,
            usage_of(store, ids, metrics.token_refused),
            ClientCertificates(certificates_from),
            per_minute=10,
            clients=Clients(("127.0.0.0/8",)),
        ),
        metrics_open=metrics_open,
        public_url=public_url,
        clock=clock,
        meter=metrics,
        log=log,
    )
    app = application(parts)
    server = Server(app, host="127.0.0.1", port=port, read_timeout=read_timeout, grace=grace)
    host, port = await server.start()
    try:
        async with ClientSession() as session:
            yield Web(
                url=f"http://{host}:{port}",
                port=port,
                clock=clock,
                intake=intake,
                store=store,
                metrics=metrics,
                supervisor=supervisor,
                tick=tick,
                log=log,
                session=session,
                accounts=accounts,
                app=app,
                bell=bell,
                sinks=sinks,
            )
    finally:
        await server.stop()
        await store.aclose()
