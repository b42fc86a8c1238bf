"""Everything that answers requests, made from the settings."""

from collections.abc import Callable, Sequence
from typing import Final

from hub.app.accounts import AccountServices, account_pages
from hub.app.channels import callback_tokens
from hub.app.domain import wire_rules
from hub.app.foundations import Domain, Log
from hub.app.peers import OwnHub, inbox_of
from hub.app.pickup import Pickup
from hub.app.providers import reached_of
from hub.app.tokens import bearers_of, tokens_of
from hub.core.wall import WayOut
from hub.service.answers import Answers
from hub.service.assurance.coverage import CoverageReports, PlacementReports
from hub.service.assurance.proofs import Proofs
from hub.service.audit.looks import Looks
from hub.service.audit.reading import Reading
from hub.service.bell import Bell
from hub.service.conversations.reading import Reading as Talking
from hub.service.directory.changing import Changing
from hub.service.directory.round_trip import RoundTrips
from hub.service.health import Health
from hub.service.holds.setting import Holds
from hub.service.inbox import Inbox
from hub.service.live_directory import LiveDirectory
from hub.service.peers.introducing import Introducing
from hub.service.ports import Clock, Ids, Store
from hub.service.register import Registers
from hub.service.timeline import Seeing
from hub.service.tokens.using import Usage
from hub.service.wall import Wall
from hub.settings import Settings
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
from hub.web.paces import Pace, paced
from hub.web.pages.acknowledge import AcknowledgePage
from hub.web.pages.assurance.routes import AssuranceSite
from hub.web.pages.audit.reading import AuditPages
from hub.web.pages.confirming import ConfirmPage
from hub.web.pages.conversations.routes import ConversationSite
from hub.web.pages.desk.routes import DeskServices, DeskSite
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
from hub.web.ports import Meter
from hub.web.server import Parts
from hub.web.turns import Turns

PEERS_READING: Final = 16
"""Bodies of other hubs that are read at once."""
PICKUP_RATE: Final = 0.5
PICKUP_BURST: Final = 30
"""How often one pick-up link may be used, a second and at once: a reader is slower than that."""


def parts_of(
    settings: Settings,
    domain: Domain,
    store: Store,
    answers: Answers,
    pickup: Pickup,
    inbox: Inbox,
    health: Health,
    clock: Clock,
    ids: Ids,
    meter: Meter,
    log: Log,
    accounts: AccountServices,
    *,
    usage: Usage,
    directory: LiveDirectory,
    changing: Changing,
    proofs: Proofs,
    desk: DeskServices,
    ways_out: Callable[[], Sequence[WayOut]],
    bell: Bell,
    forms_secret: bytes,
    ack_secret: bytes,
    digest: Callable[[bytes], bytes],
    nudge: Callable[[], None],
    own: OwnHub | None,
    introducing: Introducing,
    demo_pages: bool,
) -> Parts:
    """Raises SettingsError if the token of a callback cannot be read."""
    pages = Pages(public_url=settings.public_url)
    seeing = Seeing(store)
    # Whoever holds up the forms, which need no signature, holds up no case system.
    bodies, forms = (
        Bodies(
            at_once=settings.connections_reading,
            within=settings.read_timeout,
            together=settings.bodies_together,
            clients=Clients(settings.trusted_proxies),
        )
        for _ in ("programs", "people")
    )
    people = account_pages(
        accounts,
        pages,
        forms,
        clock,
        ids,
        public_url=settings.public_url,
        secret=forms_secret,
        per_minute=settings.sign_in_rate,
        trusted=settings.trusted_proxies,
        reached=reached_of(settings, clock),
    )
    streams = Streams(clock=clock, bell=bell)
    talking = Talking(store=store, clock=clock, ids=ids)
    holding = Holds(store=store, posting=domain.writing.posting, clock=clock, nudge=domain.writing.nudge)
    speaking = Speaking(reading=talking, notices=desk.reading, sights=desk.sights, bodies=bodies)
    wall = Wall(store=store, health=health, outbox=domain.outbox, ways=ways_out, clock=clock, ids=ids)
    return Parts(
        events=EventsApi(
            parse=domain.parse,
            intake=domain.intake,
            sources=SourceBook(store, clock, refresh=settings.sources_refresh),
            bodies=bodies,
            rates=Buckets(per_second=settings.rate_per_second, burst=settings.rate_burst, clock=clock),
            turns=Turns(at_once=settings.events_at_once),
            clock=clock,
            meter=meter,
            tolerance=settings.signature_tolerance,
            certificates=ClientCertificates(settings.client_certificate_from),
        ),
        schema=SchemaApi(),
        health=HealthApi(health, meter),
        episodes=EpisodesApi(seeing),
        outbox=OutboxApi(domain.outbox, bodies, clock),
        directory=DirectoryApi(changing, bodies, clock),
        callbacks=CallbacksApi(inbox=inbox, tokens=callback_tokens(settings), bodies=bodies, clock=clock),
        peers=PeersApi(
            document=None if own is None else own.document,
            clock=clock,
            inbox=None
            if own is None
            else inbox_of(
                own,
                store=store,
                book=domain.book,
                answers=answers,
                posting=domain.writing.posting,
                areas=changing.areas,
                directory=directory,
                secret=ack_secret,
                digest=digest,
                # What hubs send is large, and one that is slow holds up no case system.
                bodies=Bodies(
                    at_once=PEERS_READING,
                    within=settings.read_timeout,
                    together=settings.bodies_together,
                    clients=Clients(settings.trusted_proxies),
                ),
                rates=Buckets(per_second=settings.rate_per_second, burst=settings.rate_burst, clock=clock),
                tolerance=settings.signature_tolerance,
                clock=clock,
                ids=ids,
                nudge=nudge,
            ),
        ),
        register=RegisterApi(Registers(store, clock, ids)),
        coverage=CoverageApi(directory, changing.areas, clock),
        talks=ConversationsApi(domain.writing, speaking),
        agreed=AgreementsApi(domain.agreeing, speaking),
        held=HoldsApi(holding, speaking),
        acknowledge=AcknowledgePage(answers=answers, pages=pages, bodies=forms),
        verify=VerifyPage(proofs=proofs, pages=pages),
        confirm=ConfirmPage(
            trips=RoundTrips(
                store=store, changing=changing, clock=clock, ids=ids, allowed=settings.directory_round_trip
            ),
            pages=pages,
            bodies=forms,
        ),
        pickup=PickupPage(
            codes=pickup.codes,
            viewing=pickup.viewing,
            pages=pages,
            bodies=forms,
            rates=Buckets(per_second=PICKUP_RATE, burst=PICKUP_BURST, clock=clock),
            public_url=settings.public_url,
        ),
        accounts=people,
        directory_pages=DirectorySite.of(changing, people.site, people.sessions, clock, log),
        assurance=AssuranceSite.of(
            CoverageReports(directory=directory, areas=changing.areas),
            PlacementReports(
                packs=domain.packs,
                rules=wire_rules(domain.packs, changing.areas),
                areas=changing.areas,
                directory=directory,
            ),
            proofs,
            people.site,
            people.sessions,
            clock,
            asks=settings.verify_contacts,
        ),
        desk=DeskSite.of(desk, accounts.people, people.site, people.sessions, streams),
        conversations=ConversationSite.of(
            domain.writing, talking, desk, people.site, people.sessions, streams, ids, domain.agreeing
        ),
        resolving=ResolvingPages(
            choosing=domain.choosing, sights=desk.sights, site=people.site, sessions=people.sessions, clock=clock
        ),
        holds=HoldPages(
            holds=holding,
            sights=desk.sights,
            site=people.site,
            sessions=people.sessions,
            ids=ids,
        ),
        tokens=TokenPages(
            tokens=tokens_of(settings, store, clock, ids),
            confirming=accounts.confirming,
            site=people.site,
            sessions=people.sessions,
            clock=clock,
        ),
        looks=Looks(store=store, clock=clock, ids=ids),
        audit=AuditPages(
            reading=Reading(store=store, ids=ids), site=people.site, sessions=people.sessions, clock=clock
        ),
        wall=WallPages(
            wall=wall,
            explaining=domain.explaining,
            outbox=domain.outbox,
            sessions=people.sessions,
            site=people.site,
            streams=streams,
            clock=clock,
        ),
        streams=streams,
        peer_pages=PeerPages(
            introducing=introducing,
            own=None if own is None else own.said,
            confirming=accounts.confirming,
            site=people.site,
            sessions=people.sessions,
        ),
        timeline=TimelinePages(seeing=seeing, explaining=domain.explaining, pages=pages, clock=clock)
        if demo_pages
        else None,
        pages=pages,
        access=bearers_of(
            store,
            clock,
            usage,
            ClientCertificates(settings.client_certificate_from),
            per_minute=settings.api_token_failures,
            clients=Clients(settings.trusted_proxies),
        ),
        metrics_open=settings.metrics_open,
        public_url=settings.public_url,
        clock=clock,
        meter=meter,
        log=log,
        paced=(
            paced(
                pages,
                Clients(settings.trusted_proxies),
                clock,
                address=Pace(per_second=settings.address_rate, burst=settings.address_burst),
                caller=Pace(per_second=settings.caller_rate, burst=settings.caller_burst),
                session=people.sessions.token,
            ),
        ),
    )
