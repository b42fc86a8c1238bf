"""The routes, and the server that is bound to them."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web
from aiohttp.typedefs import Middleware

from hub.core.api_tokens import REGISTER
from hub.core.peers import INBOX, WELL_KNOWN
from hub.service.audit.looks import Looks
from hub.service.ports import Clock
from hub.web.api.agreements import AgreementsApi
from hub.web.api.bearers import Bearers
from hub.web.api.callbacks import CallbacksApi
from hub.web.api.conversations import ConversationsApi
from hub.web.api.coverage import CoverageApi
from hub.web.api.directory import DirectoryApi
from hub.web.api.episodes import EpisodesApi, guarded, guarded_own
from hub.web.api.events import EventsApi
from hub.web.api.health import HealthApi
from hub.web.api.holds import HoldsApi
from hub.web.api.outbox import OutboxApi
from hub.web.api.peers import PeersApi
from hub.web.api.register import RegisterApi
from hub.web.api.schema import SchemaApi
from hub.web.connections import Gate
from hub.web.doors import unguarded, unknown
from hub.web.live import Streams
from hub.web.looks import noted
from hub.web.middleware import counted, headers_for, refusing
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
from hub.web.ports import Log, Meter
from hub.web.unread import answering_for_itself

BACKLOG: Final = 512
MAX_HEADERS: Final = 16_384
DELIVERY: Final = r"/v1/outbox/{delivery:(?!(?:redrive|cancel)$)[^/{}]+}"
"""Not what the outbox itself takes, as else it would say that those can be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Everything that answers requests. ``timeline`` only in the demonstration."""

    events: EventsApi
    schema: SchemaApi
    health: HealthApi
    episodes: EpisodesApi
    outbox: OutboxApi
    directory: DirectoryApi
    coverage: CoverageApi
    talks: ConversationsApi
    agreed: AgreementsApi
    held: HoldsApi
    callbacks: CallbacksApi
    peers: PeersApi
    register: RegisterApi
    acknowledge: AcknowledgePage
    verify: VerifyPage
    confirm: ConfirmPage
    pickup: PickupPage
    accounts: AccountPages
    directory_pages: DirectorySite
    assurance: AssuranceSite
    desk: DeskSite
    conversations: ConversationSite
    resolving: ResolvingPages
    holds: HoldPages
    tokens: TokenPages
    wall: WallPages
    streams: Streams
    peer_pages: PeerPages
    audit: AuditPages
    looks: Looks
    timeline: TimelinePages | None
    pages: Pages
    access: Bearers
    metrics_open: bool
    public_url: str
    clock: Clock
    meter: Meter
    log: Log
    paced: tuple[Middleware, ...] = ()
    """What slows down whoever is too fast (hub/web/paces.py)."""


def application(parts: Parts, *, whole: bool = True) -> web.Application:
    """The web of one hub. Not ``whole``: only how it is, for a node that others' requests do not go to."""
    app = web.Application(
        middlewares=[
            unknown,
            counted(parts.meter, parts.clock),
            refusing(parts.pages, parts.log),
            *parts.paced,
            noted(parts.looks),
        ],
        handler_args={"max_field_size": MAX_HEADERS, "max_line_size": MAX_HEADERS},
    )
    app.on_response_prepare.append(headers_for(parts.public_url))
    app.on_shutdown.append(parts.streams.stop)
    app.on_shutdown.append(parts.directory_pages.stop)
    app.add_routes(_health(parts))
    if whole:
        app.add_routes(_everything(parts))
    return app


def _health(parts: Parts) -> list[web.RouteDef]:
    metrics = parts.health.metrics
    open_to_all = [
        web.get("/health/live", parts.health.live),
        web.get("/health/ready", parts.health.ready),
        web.get("/health/overdue", parts.health.overdue),
    ]
    if parts.metrics_open:
        return [*unguarded([*open_to_all, web.get("/metrics", metrics)])]
    return [*unguarded(open_to_all), web.get("/metrics", guarded(parts.access, "metrics:read", metrics))]


def _everything(parts: Parts) -> list[web.RouteDef]:
    return [
        web.get("/v1/episodes", guarded(parts.access, "episodes:read", parts.episodes.index)),
        web.get("/v1/episodes/{episode}", guarded(parts.access, "episodes:read", parts.episodes.one)),
        web.get("/v1/outbox", guarded(parts.access, "episodes:read", parts.outbox.index)),
        web.get(DELIVERY, guarded(parts.access, "episodes:read", parts.outbox.one)),
        web.post("/v1/outbox/redrive", guarded(parts.access, "outbox:write", parts.outbox.redrive)),
        web.post("/v1/outbox/cancel", guarded(parts.access, "outbox:write", parts.outbox.cancel)),
        web.post("/v1/receipts/email", guarded(parts.access, "receipts:write", parts.callbacks.mail)),
        web.get("/v1/register/{organisation}", guarded(parts.access, REGISTER, parts.register.list)),
        *_directory(parts.directory, parts.coverage, parts.access),
        *parts.talks.routes(parts.access),
        *parts.agreed.routes(parts.access),
        *parts.held.routes(parts.access),
        *parts.accounts.routes(),
        *parts.directory_pages.routes(),
        *parts.assurance.routes(),
        *parts.desk.routes(),
        *parts.conversations.routes(),
        *parts.resolving.routes(),
        *parts.holds.routes(),
        *parts.tokens.routes(),
        *parts.wall.routes(),
        *parts.peer_pages.routes(),
        *parts.audit.routes(),
        *unguarded(_open_to_all(parts)),
    ]


def _open_to_all(parts: Parts) -> list[web.RouteDef]:
    routes = [
        web.post("/v1/events", parts.events.post),
        web.get("/v1/schema/{type}", parts.schema.schema),
        web.get("/v1/openapi.json", parts.schema.openapi),
        web.post("/v1/callbacks/govuk-notify/receipts", parts.callbacks.notify_receipt),
        web.post("/v1/callbacks/govuk-notify/texts", parts.callbacks.notify_text),
        web.get(WELL_KNOWN, parts.peers.introduction),
        web.post(INBOX, parts.peers.take),
        web.get("/a/{token}", parts.acknowledge.show),
        web.post("/a/{token}", parts.acknowledge.record),
        web.get("/v/{token}", parts.verify.show),
        web.post("/v/{token}", parts.verify.confirm),
        *parts.confirm.routes(),
        *parts.pickup.routes(),
        web.get("/static/{name:.+}", parts.pages.statics.serve),
    ]
    if parts.timeline is None:
        routes.append(web.get("/", parts.accounts.front))
    else:
        routes += [
            web.get("/", parts.timeline.newest),
            web.get("/episodes", parts.timeline.index),
            web.get("/episodes/{episode}", parts.timeline.one),
        ]
    return routes


def _directory(api: DirectoryApi, coverage: CoverageApi, access: Bearers) -> tuple[web.RouteDef, ...]:
    change = "/v1/directory/changes/{change}"
    return (
        web.get("/v1/directory", guarded_own(access, "directory:read", api.export)),
        web.post("/v1/directory", guarded_own(access, "directory:write", api.replace)),
        web.get("/v1/directory/coverage", guarded_own(access, "directory:read", coverage.report)),
        web.get("/v1/directory/changes", guarded_own(access, "directory:read", api.listed)),
        web.post("/v1/directory/changes", guarded_own(access, "directory:write", api.change)),
        web.get(change, guarded_own(access, "directory:read", api.one)),
        web.post(f"{change}/withdraw", guarded_own(access, "directory:write", api.withdraw)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowd:
    """How many connections there may be, of which ``of_one`` address that is in none of the ``trusted`` networks."""

    most: int = 800
    of_one: int = 200
    trusted: tuple[str, ...] = ()


_USUAL: Final = Crowd()


class _Runner(web.AppRunner):
    """Behind a gate."""

    def __init__(self, app: web.Application, crowd: Crowd, **options: Any) -> None:
        super().__init__(app, **options)
        self._crowd = crowd
        self._gate: Gate | None = None

    @property
    def server(self) -> Any:
        """What makes the protocol of a connection."""
        inner = super().server
        if inner is None:
            return None
        if self._gate is None:
            crowd, made = self._crowd, lambda: answering_for_itself(inner())
            self._gate = Gate(made, most=crowd.most, of_one=crowd.of_one, trusted=crowd.trusted)
        return self._gate


class Server:
    """Listens. No access log: paths hold tokens; metrics count requests by route instead."""

    def __init__(
        self,
        app: web.Application,
        *,
        host: str,
        port: int,
        read_timeout: float,
        grace: float,
        crowd: Crowd = _USUAL,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """``grace``: seconds that requests in hand have to be answered once the hub stops. ``tls``: None where a proxy
        in front speaks it."""
        options: Mapping[str, Any] = {
            "access_log": None,
            # Also the longest wait for a request's head, so that a dripping client holds nothing.
            "keepalive_timeout": read_timeout,
            "lingering_time": 2.0,
            "auto_decompress": False,
        }
        self._runner = _Runner(app, crowd, handle_signals=False, shutdown_timeout=grace, **options)
        self._host = host
        self._port = port
        self._tls = tls

    async def start(self) -> tuple[str, int]:
        """Begin to take requests; the address and port that were bound. Raises OSError if they are taken."""
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._host, self._port, backlog=BACKLOG, ssl_context=self._tls)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        return host, port

    async def stop(self) -> None:
        """Take no more requests, and let those in hand be answered."""
        await self._runner.cleanup()
