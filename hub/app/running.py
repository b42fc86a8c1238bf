"""The composition root: every part of a running hub is made here, in order, and nowhere else.

What is entered into the stack later stops earlier: no more intake, no more ticks, no more claiming; what is in flight
is finished and recorded; then the relay's connections and the store are closed. All within ``stop_within`` seconds.
"""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, Protocol

import structlog
from sqlalchemy import make_url

from adapters.https.client import Lookup, look_up
from adapters.port import Transport
from contacts.areas import Areas, load_areas
from hub.app.channels import callback_tokens, receipts_addresses, receipts_listener, transports
from hub.app.keys import acknowledgement_secret, event_digest, key_ring
from hub.app.ledger import store_of
from hub.app.mail import anchors
from hub.app.texts import texts
from hub.app.ticking import ticking
from hub.core.completeness import EVERY
from hub.core.events import EpisodeEvent, Invalid
from hub.core.retry import RetryPolicy
from hub.edge.api_tokens import TokenFile
from hub.edge.clock import SystemClock
from hub.edge.heartbeat import Heartbeat
from hub.edge.ids import SystemIds
from hub.edge.single import only_process
from hub.edge.telemetry import Metrics
from hub.service.access import Access
from hub.service.alarming import Alarming
from hub.service.answers import Answers
from hub.service.canary import Canary
from hub.service.delivery import Delivery
from hub.service.envelopes import Composer
from hub.service.health import Health
from hub.service.inbox import Inbox
from hub.service.lanes import Limits
from hub.service.live_directory import LiveDirectory
from hub.service.outbox import Outbox
from hub.service.ports import Clock, Ids, Store
from hub.service.receipts import Receipts
from hub.service.register import Registers
from hub.service.supervise import Supervisor, Tick
from hub.service.timeline import Seeing
from hub.service.watching import Watching
from hub.service.ways import Ways
from hub.settings import Settings
from hub.store import SqliteStore
from hub.web.api.callbacks import CallbacksApi
from hub.web.api.episodes import EpisodesApi
from hub.web.api.events import EventsApi
from hub.web.api.health import HealthApi
from hub.web.api.outbox import OutboxApi
from hub.web.api.register import RegisterApi
from hub.web.api.schema import SchemaApi
from hub.web.api.sources import SourceBook
from hub.web.bodies import Bodies
from hub.web.limits import Buckets
from hub.web.pages.acknowledge import AcknowledgePage
from hub.web.pages.rendering import Pages
from hub.web.pages.timeline import TimelinePages
from hub.web.ports import Intake
from hub.web.server import Parts, Server, application

WEB_SHARE: Final = 0.25
"""Of the time there is to stop: for requests in hand."""
DRAIN_SHARE: Final = 0.45
"""For deliveries in flight and their records; the rest is for closing."""
ALARMS_EVERY: Final = 5.0
"""Seconds between looks for alarms that the operator has not been told of."""


class CannotListen(Exception):
    """The address cannot be listened on: is the port taken, or does the address belong to another machine?"""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(f"cannot listen on {host} port {port}: is the port taken, or the address not this machine's?")


class Log(Protocol):
    """Content-free words (hub/edge/telemetry.py drops anything else)."""

    def info(self, event: str, **fields: Any) -> Any: ...
    def warning(self, event: str, **fields: Any) -> Any: ...
    def error(self, event: str, **fields: Any) -> Any: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Foundations:
    """What the domain's services stand on."""

    settings: Settings
    store: Store
    clock: Clock
    ids: Ids
    areas: Areas
    directory: LiveDirectory
    ack_secret: bytes = field(repr=False)
    digest: Callable[[bytes], bytes] = field(repr=False)
    channels: frozenset[str]
    """What can be sent over."""
    nudge: Callable[[], None]
    """To be called after a commit that has new deliveries."""
    log: Log


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    """The services that know what an event means."""

    parse: Callable[[bytes], EpisodeEvent | Invalid]
    intake: Intake
    tick: Callable[[datetime], Awaitable[object]]
    """Turns due clocks into decisions."""
    chase: Callable[[datetime], Awaitable[object]]
    """Takes the next step for notices that nobody has answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A hub that takes events."""

    url: str
    """Where it listens, as ``http://HOST:PORT``."""
    receipts_port: int | None
    """Where it takes receipts by e-mail."""
    store: Store
    clock: Clock
    ids: Ids
    directory: LiveDirectory
    delivery: Delivery
    health: Health
    metrics: Metrics
    supervisor: Supervisor


@asynccontextmanager
async def running(
    settings: Settings,
    domain_of: Callable[[Foundations], Domain],
    *,
    demo_pages: bool = False,
    log: Log | None = None,
    metrics: Metrics | None = None,
    lookup: Lookup = look_up,
    supervisor: Supervisor | None = None,
) -> AsyncIterator[Running]:
    """A hub, from before its first request to after its last. ``demo_pages`` shows episodes without a token.

    ``lookup`` resolves the names of push addresses; ``supervisor`` stands in for one made here.

    Raises SettingsError, StoreUnavailable, SchemaTooNew, AlreadyRunning, CannotListen.
    """
    if demo_pages and not settings.loopback:
        raise ValueError("the demonstration's pages are shown without a token, so only on 127.0.0.1")
    log = log or structlog.get_logger()
    metrics = metrics or Metrics()
    clock, ids = SystemClock(), SystemIds()
    ring = key_ring(settings)
    supervisor = supervisor or Supervisor(stop_within=settings.stop_within, log=log)
    async with AsyncExitStack() as stack:
        store = await store_of(settings, ring, ids)
        await stack.enter_async_context(supervisor.closing("store", store.aclose, at_most=2.0))
        if isinstance(store, SqliteStore):
            stack.enter_context(only_process(Path(make_url(settings.database).database or "")))
            # Whoever held a lease here is dead: what it had in hand is due now, not when its lease runs out.
            await store.write(lambda unit: unit.close_all_leases(clock.now()))
        areas = load_areas()
        directory = LiveDirectory(
            store=store, areas=areas, operator_address=settings.operator_address, ids=ids, log=log
        )
        await directory.start(clock.now())
        secret = acknowledgement_secret(ring)
        inbox = Inbox(
            # Delivery is made below, as it needs the transports, one of which hands in what comes back.
            receipts=Receipts(store=store, clock=clock, ids=ids, meter=metrics, nudge=lambda: delivery.nudge()),
            store=store,
            clock=clock,
            directory=directory,
            secret=secret,
            addresses=receipts_addresses(settings),
            trust=anchors(settings),
        )
        sms = texts(settings, inbox.take_text, clock)
        ways = transports(settings, sms, lookup)
        for channel, way in ways.items():
            await stack.enter_async_context(supervisor.closing(f"transport.{channel}", way.aclose, at_most=1.0))
        delivery = _delivery(settings, store, ways, directory, secret, clock, ids, metrics, log)
        domain = domain_of(
            Foundations(
                settings=settings,
                store=store,
                clock=clock,
                ids=ids,
                areas=areas,
                directory=directory,
                ack_secret=secret,
                digest=event_digest(ring),
                channels=frozenset(ways),
                nudge=delivery.nudge,
                log=log,
            )
        )
        await stack.enter_async_context(supervisor.task("delivery", delivery.run))
        if sms is not None and sms.run is not None:
            await stack.enter_async_context(supervisor.task("sms", sms.run))
        clockwork = Tick("clockwork", domain.tick, clock=clock, supervisor=supervisor, log=log)
        chasing = Tick("chasing", domain.chase, clock=clock, supervisor=supervisor, log=log)
        refresh = Tick("directory", directory.refresh, clock=clock, supervisor=supervisor, log=log)
        alarming = Alarming(store=store, transports=ways, directory=directory, ids=ids, log=log)
        alarms = Tick("alarms", alarming.tick, clock=clock, supervisor=supervisor, log=log)
        watching = Watching(store=store, ids=ids, late=settings.overdue_after, log=log)
        watch = Tick("watching", watching.tick, clock=clock, supervisor=supervisor, log=log)
        health = Health(
            store=store,
            supervisor=supervisor,
            ticks=(clockwork, chasing, refresh, watch),
            clock=clock,
            overdue_after=settings.overdue_after,
            amiss=(
                directory.amiss,
                delivery.amiss,
                alarming.amiss,
                watching.amiss,
                *(() if sms is None else (sms.amiss,)),
            ),
            figures=(delivery.figures,),
        )
        ticks = {
            clockwork: settings.clock_tick,
            chasing: settings.clock_tick,
            refresh: settings.sources_refresh,
            alarms: ALARMS_EVERY,
            watch: min(EVERY, settings.overdue_after / 2),
        }
        canary = _canary(settings, store, ways, directory, secret, ids, delivery.nudge)
        if canary is not None:
            ticks[Tick("canary", canary.tick, clock=clock, supervisor=supervisor, log=log)] = EVERY
        if settings.heartbeat_url is not None:
            beat = Heartbeat(settings.heartbeat_url.get_secret_value(), overdue=health.overdue, log=log).beat
            ticks[Tick("heartbeat", beat, clock=clock, supervisor=supervisor, log=log)] = settings.heartbeat_every
        await stack.enter_async_context(ticking(ticks, clock, supervisor))
        answers = Answers(store=store, clock=clock, ids=ids, meter=metrics)
        late = timedelta(seconds=settings.overdue_after)
        outbox = Outbox(store=store, clock=clock, ids=ids, late=late, nudge=delivery.nudge)
        receipts_port = await _receiving(settings, inbox, stack, supervisor)
        parts = _parts(
            settings, domain, store, answers, outbox, inbox, health, clock, ids, metrics, log, demo_pages=demo_pages
        )
        server = Server(
            application(parts),
            host=settings.bind_host,
            port=settings.bind_port,
            read_timeout=settings.read_timeout,
            grace=settings.stop_within * WEB_SHARE,
        )
        await stack.enter_async_context(
            supervisor.closing("web", server.stop, at_most=settings.stop_within * WEB_SHARE + 1.0)
        )
        try:
            host, port = await server.start()
        except OSError as error:
            raise CannotListen(settings.bind_host, settings.bind_port) from error
        # The time to stop in runs from here for every stage, also when the caller leaves without asking.
        stack.callback(supervisor.request_stop)
        log.info("hub.ready", port=port)
        shown = f"[{host}]" if ":" in host else host
        yield Running(
            url=f"http://{shown}:{port}",
            receipts_port=receipts_port,
            store=store,
            clock=clock,
            ids=ids,
            directory=directory,
            delivery=delivery,
            health=health,
            metrics=metrics,
            supervisor=supervisor,
        )


def _delivery(
    settings: Settings,
    store: Store,
    ways: Mapping[str, Transport],
    directory: LiveDirectory,
    secret: bytes,
    clock: Clock,
    ids: Ids,
    metrics: Metrics,
    log: Log,
) -> Delivery:
    return Delivery(
        store=store,
        transports=ways,
        envelopes=Composer(
            directory=directory,
            ack_secret=secret,
            public_url=settings.public_url,
            collect=_collect(settings),
            replies=settings.sms_replies,
        ),
        clock=clock,
        ids=ids,
        node=settings.node or ids.new("node", clock.now()),
        policy=RetryPolicy(
            schedule=settings.retry_schedule,
            jitter=settings.retry_jitter,
            longest_retry_after=settings.retry_after_limit,
        ),
        limits=Limits(
            lease=settings.lease,
            longest_send=settings.longest_send,
            concurrency=settings.delivery_concurrency,
            reserve=settings.delivery_reserve,
            per_destination=settings.delivery_per_destination,
            poll=settings.delivery_poll,
            drain=settings.stop_within * DRAIN_SHARE,
        ),
        meter=metrics,
        log=log,
        closed=directory.close,
    )


def _collect(settings: Settings) -> str:
    """How to get at a notice that could not be sealed, for those who get the content-free alert."""
    ask = f" ({settings.operator_address})" if settings.operator_address else ""
    return (
        "A notice for you could not be encrypted, because there is no usable S/MIME certificate on file for this "
        f"address. The operator of this service{ask} has been told. Ring them or the sender, and give the reference."
    )


async def _receiving(settings: Settings, inbox: Inbox, stack: AsyncExitStack, supervisor: Supervisor) -> int | None:
    """Take receipts by e-mail until the stack is left; the port. Raises SettingsError, CannotListen."""
    listener = receipts_listener(settings, inbox.take_mail)
    if listener is None or settings.receipts_port is None:
        return None
    within = settings.stop_within * WEB_SHARE
    await stack.enter_async_context(supervisor.closing("receipts", lambda: listener.stop(within), at_most=within + 0.5))
    try:
        return await listener.start(settings.receipts_host, settings.receipts_port)
    except OSError as error:
        raise CannotListen(settings.receipts_host, settings.receipts_port) from error


def _canary(
    settings: Settings,
    store: Store,
    ways: Mapping[str, Transport],
    directory: LiveDirectory,
    secret: bytes,
    ids: Ids,
    nudge: Callable[[], None],
) -> Canary | None:
    addresses = settings.canaries
    if not addresses:
        return None
    return Canary(
        store=store,
        ways=Ways(ids=ids, directory=directory, secret=secret, channels=frozenset(ways)),
        ids=ids,
        every=timedelta(seconds=settings.canary_every),
        addresses=addresses,
        receipts=settings.canary_receipts,
        nudge=nudge,
    )


def _parts(
    settings: Settings,
    domain: Domain,
    store: Store,
    answers: Answers,
    outbox: Outbox,
    inbox: Inbox,
    health: Health,
    clock: Clock,
    ids: Ids,
    metrics: Metrics,
    log: Log,
    *,
    demo_pages: bool,
) -> Parts:
    pages = Pages(public_url=settings.public_url)
    seeing = Seeing(store)
    bodies = Bodies(at_once=settings.connections_reading, within=settings.read_timeout)
    return Parts(
        events=EventsApi(
            parse=domain.parse,
            intake=domain.intake,
            sources=SourceBook(store, clock, refresh=settings.sources_refresh),
            bodies=bodies,
            rates=Buckets(per_second=settings.rate_per_second, burst=settings.rate_burst, clock=clock),
            clock=clock,
            meter=metrics,
            tolerance=settings.signature_tolerance,
        ),
        schema=SchemaApi(),
        health=HealthApi(health, metrics),
        episodes=EpisodesApi(seeing),
        outbox=OutboxApi(outbox, bodies, clock),
        callbacks=CallbacksApi(inbox=inbox, tokens=callback_tokens(settings), bodies=bodies, clock=clock),
        register=RegisterApi(Registers(store, clock, ids)),
        acknowledge=AcknowledgePage(answers=answers, pages=pages, bodies=bodies),
        timeline=TimelinePages(seeing, pages) if demo_pages else None,
        pages=pages,
        access=Access(TokenFile(settings.api_tokens)),
        metrics_open=settings.metrics_open,
        public_url=settings.public_url,
        clock=clock,
        meter=metrics,
        log=log,
    )


async def serve(settings: Settings, domain_of: Callable[[Foundations], Domain], *, metrics: Metrics) -> int:
    """Run until SIGTERM, SIGINT or the death of a part; the process' exit status."""
    log = structlog.get_logger()
    supervisor = Supervisor(stop_within=settings.stop_within, log=log)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, _on_signal, supervisor, log, number.name)
    async with running(settings, domain_of, log=log, metrics=metrics, supervisor=supervisor):
        await supervisor.stopped()
        log.info("hub.stopping", status=supervisor.status)
    log.info("hub.stopped", status=supervisor.status)
    return supervisor.status


def _on_signal(supervisor: Supervisor, log: Log, name: str) -> None:
    log.info("hub.signalled", signal=name)
    supervisor.request_stop()
