"""The composition root: every part of a running hub is made here, in order, and nowhere else.

What is entered into the stack later stops earlier: no more intake, no more ticks, no more claiming; what is in flight
is finished and recorded; then the relay's connections and the store are closed. All within ``stop_within`` seconds.
"""

import asyncio
import gc
import signal
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog
from sqlalchemy import make_url

from adapters.https.client import Lookup, look_up
from adapters.port import Transport
from contacts.areas import load_areas
from hub.app.accounts import account_services, limits_of
from hub.app.assurance import asking_of, certificates_of, proofs_of
from hub.app.audit import audit_of, say_started
from hub.app.channels import receipts_addresses, receipts_listener, transports
from hub.app.desk import desk_of
from hub.app.directory import directory_of, telling_of
from hub.app.foundations import Domain, Foundations, Log
from hub.app.keys import acknowledgement_secret, event_digest, forms_secret, key_ring, rotation_of
from hub.app.ledger import store_of
from hub.app.mail import Signing, anchors, signing_of
from hub.app.peers import among_peers, carrying_of, introducing_of, own_hub
from hub.app.pickup import pickup_of
from hub.app.replies import answered_by_mail
from hub.app.retention import backups_of, erasing_of
from hub.app.sending import canary_of, composer_of, delivery_of
from hub.app.texts import texts
from hub.app.ticking import ticking
from hub.app.tls import server_tls
from hub.app.tokens import bring_in_at_start, ending_of, usage_of
from hub.app.website import parts_of
from hub.core.completeness import EVERY
from hub.edge.clock import SystemClock
from hub.edge.heartbeat import Heartbeat
from hub.edge.ids import SystemIds
from hub.edge.single import only_process
from hub.edge.telemetry import Metrics
from hub.service.alarming import Alarming
from hub.service.answers import Answers
from hub.service.assurance.asking import EVERY as ASK_EVERY
from hub.service.assurance.coverage import CoverageCount
from hub.service.bell import Bell
from hub.service.delivery import Delivery
from hub.service.directory.telling import EVERY as TELL_EVERY
from hub.service.health import Health
from hub.service.inbox import Inbox
from hub.service.live_directory import LiveDirectory
from hub.service.peers.carrying import EVERY as CARRY_EVERY
from hub.service.pickup.second import SecondChannels
from hub.service.ports import Clock, Ids, Store
from hub.service.receipts import Receipts
from hub.service.rehearsal import Rehearsal
from hub.service.resolving.late import EVERY as RESOLVING_EVERY
from hub.service.retention.backups import EVERY as BACKUPS_EVERY
from hub.service.retention.erasing import EVERY as ERASE_EVERY
from hub.service.search import EVERY as SEARCH_EVERY
from hub.service.search import Indexing
from hub.service.supervise import Supervisor, Tick
from hub.service.tokens.ending import EVERY as TOKENS_EVERY
from hub.service.tokens.using import EVERY as USES_EVERY
from hub.service.watching import Watching
from hub.settings import Settings
from hub.store import SqliteStore
from hub.store.postgres import PostgresStore
from hub.store.rotation import EVERY as KEYS_EVERY
from hub.web.server import Crowd, Server, application

SWITCH_INTERVAL: Final = 0.0005
"""Seconds that a thread which computes has Python for itself while another waits."""
WEB_SHARE: Final = 0.25
"""Of the time there is to stop: for requests in hand."""
RECEIPTS_SHARE: Final = 0.1
"""For mails that are being stored; deliveries in flight have most of the rest (hub/app/sending.py)."""
ALARMS_EVERY: Final = 5.0
"""Seconds between looks for alarms that the operator has not been told of."""


class CannotListen(Exception):
    """The address cannot be listened on: is the port taken, or does the address belong to another machine?"""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(f"cannot listen on {host} port {port}: is the port taken, or the address not this machine's?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A hub that takes events."""

    url: str
    """Where it listens, as ``http://HOST:PORT`` or ``https://…``."""
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
    rehearsal: Rehearsal


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

    Raises SettingsError, StoreUnavailable, SchemaTooNew, AlreadyRunning, AssetsMissing, CannotListen.
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
        rotation = rotation_of(settings, store, clock, ids, log)
        await rotation.start(clock.now())
        await stack.enter_async_context(supervisor.closing("keys", rotation.stop, at_most=1.0))
        if isinstance(store, SqliteStore):
            stack.enter_context(only_process(Path(make_url(settings.database).database or "")))
            # Whoever held a lease here is dead: what it had in hand is due now, not when its lease runs out.
            await store.write(lambda unit: unit.close_all_leases(clock.now()))
        last = await store.read(lambda unit: unit.trail.newest())
        await bring_in_at_start(settings, store, ids, clock.now(), log)
        usage = usage_of(store, ids, metrics.token_refused)
        await stack.enter_async_context(supervisor.closing("token uses", lambda: usage.close(clock.now()), at_most=1.0))
        areas = load_areas()
        directory = LiveDirectory(
            store=store, areas=areas, operator_address=settings.operator_address, ids=ids, log=log
        )
        await directory.start(clock.now())
        secret = acknowledgement_secret(ring)
        proofs = proofs_of(settings, store, secret, clock, ids)
        inbox = Inbox(
            # Delivery is made below, as it needs the transports, one of which hands in what comes back.
            receipts=Receipts(store=store, clock=clock, ids=ids, meter=metrics, nudge=lambda: nudge(), proofs=proofs),
            store=store,
            clock=clock,
            directory=directory,
            secret=secret,
            addresses=receipts_addresses(settings),
            trust=anchors(settings),
            replied=proofs.replied,
        )
        sms = texts(settings, inbox.take_text, clock)
        signing = signing_of(settings)
        ways = among_peers(transports(settings, signing, sms, lookup), ring, store)
        await stack.enter_async_context(supervisor.closing("transports", lambda: _close(ways), at_most=1.0))
        envelopes = composer_of(settings, directory, secret)
        node = settings.node or ids.new("node", clock.now())
        delivery = delivery_of(settings, node, store, ways, directory, envelopes, clock, ids, metrics, log)
        bell = Bell()

        def heard() -> None:
            delivery.nudge()
            bell.ring()

        wakeups = store.wakeups(heard=heard, log=log) if isinstance(store, PostgresStore) else None

        def nudge() -> None:
            heard()
            if wakeups is not None:
                wakeups.tell()

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
                nudge=nudge,
                log=log,
            )
        )
        mail = ways.get("email")
        inbox = answered_by_mail(settings, signing, inbox, domain, store, directory, mail, secret, clock, ids, log)
        await say_started(settings, store, domain.packs, ids, clock.now())
        if "worker" in settings.roles:
            await stack.enter_async_context(supervisor.task("delivery", delivery.run))
        if wakeups is not None:
            await stack.enter_async_context(supervisor.task("wakeups", wakeups.run))
        if sms is not None and sms.run is not None:
            await stack.enter_async_context(supervisor.task("sms", sms.run))
        clockwork = Tick("clockwork", domain.tick, clock=clock, supervisor=supervisor, log=log)
        chasing = Tick("chasing", domain.chase, clock=clock, supervisor=supervisor, log=log)
        refresh = Tick("directory", directory.refresh, clock=clock, supervisor=supervisor, log=log)
        alarming = Alarming(store=store, transports=ways, directory=directory, ids=ids, log=log)
        alarms = Tick("alarms", alarming.tick, clock=clock, supervisor=supervisor, log=log)
        watching = Watching(store=store, ids=ids, late=settings.overdue_after, log=log, last=last)
        watch = Tick("watching", watching.tick, clock=clock, supervisor=supervisor, log=log)
        asking = asking_of(settings, store, ways, directory, proofs, secret, ids, log)
        reachable = CoverageCount(directory=directory, areas=areas, meter=metrics)
        certificates = certificates_of(settings, signing, store, directory, ids, log)
        tokens_ending = ending_of(store, mail, clock, ids, log)
        erasing = erasing_of(settings, store, store.keys, ids, log)
        backups = backups_of(settings, store, ids, log)
        audit = audit_of(settings, store, clock, ids, log, supervisor)
        health = Health(
            store=store,
            supervisor=supervisor,
            ticks=(refresh, *((clockwork, chasing, watch, audit.chain) if "clock" in settings.roles else ())),
            clock=clock,
            overdue_after=settings.overdue_after,
            amiss=(
                directory.amiss,
                delivery.amiss,
                alarming.amiss,
                watching.amiss,
                rotation.amiss,
                *audit.amiss,
                *(() if sms is None else (sms.amiss,)),
            ),
            figures=(
                rotation.figures,
                delivery.figures,
                certificates.figures,
                asking.figures,
                erasing.figures,
                tokens_ending.figures,
                audit.figures,
                *(() if wakeups is None else (wakeups.figures,)),
            ),
        )
        everywhere = {
            refresh: settings.sources_refresh,
            Tick("keys", rotation.tick, clock=clock, supervisor=supervisor, log=log): KEYS_EVERY,
            Tick("token uses", usage.tick, clock=clock, supervisor=supervisor, log=log): USES_EVERY,
        }
        if settings.heartbeat_url is not None:
            beat = Heartbeat(settings.heartbeat_url.get_secret_value(), overdue=health.overdue, log=log).beat
            everywhere[Tick("heartbeat", beat, clock=clock, supervisor=supervisor, log=log)] = settings.heartbeat_every
        clocks = {
            clockwork: settings.clock_tick,
            chasing: settings.clock_tick,
            alarms: ALARMS_EVERY,
            Tick("not ours", domain.look, clock=clock, supervisor=supervisor, log=log): RESOLVING_EVERY,
            watch: min(EVERY, settings.overdue_after / 2),
            Tick("search index", Indexing(store).tick, clock=clock, supervisor=supervisor, log=log): SEARCH_EVERY,
            Tick("coverage", reachable.tick, clock=clock, supervisor=supervisor, log=log): EVERY,
            Tick("retention", erasing.tick, clock=clock, supervisor=supervisor, log=log): ERASE_EVERY,
            Tick("certificates", certificates.tick, clock=clock, supervisor=supervisor, log=log): EVERY,
            Tick("tokens", tokens_ending.tick, clock=clock, supervisor=supervisor, log=log): TOKENS_EVERY,
            **audit.ticks,
        }
        if backups is not None:
            clocks[Tick("key backups", backups.tick, clock=clock, supervisor=supervisor, log=log)] = BACKUPS_EVERY
        second = SecondChannels(store=store, directory=directory, channels=frozenset(ways), ids=ids)
        clocks[Tick("second channels", second.tick, clock=clock, supervisor=supervisor, log=log)] = EVERY
        telling = telling_of(settings, store, directory, ways, secret, ids, log)
        clocks[Tick("directory changes", telling.tick, clock=clock, supervisor=supervisor, log=log)] = TELL_EVERY
        if settings.verify_contacts:
            clocks[Tick("verification", asking.tick, clock=clock, supervisor=supervisor, log=log)] = ASK_EVERY
        carrying = carrying_of(store, ways, secret, ids)
        if carrying is not None:
            clocks[Tick("answers to hubs", carrying.tick, clock=clock, supervisor=supervisor, log=log)] = CARRY_EVERY
        canary = canary_of(settings, store, ways, directory, secret, ids, nudge)
        if canary is not None:
            clocks[Tick("canary", canary.tick, clock=clock, supervisor=supervisor, log=log)] = EVERY
        ticks = {**everywhere, **clocks} if "clock" in settings.roles else everywhere
        await stack.enter_async_context(ticking(ticks, clock, supervisor))
        answers = Answers(store=store, clock=clock, ids=ids, meter=metrics, following=domain.following)
        pickup = pickup_of(
            settings, store, ways, directory, domain.keep, envelopes, answers, secret, clock, ids, metrics
        )
        accounts = account_services(store, clock, ids, limits_of(settings), mail, directory.called, log)
        web = "web" in settings.roles
        receipts_port = await _receiving(settings, signing, inbox, stack, supervisor) if web else None
        parts = parts_of(
            settings,
            domain,
            store,
            answers,
            pickup,
            inbox,
            health,
            clock,
            ids,
            metrics,
            log,
            accounts,
            usage=usage,
            directory=directory,
            changing=directory_of(
                store, areas, directory, ways, clock, ids, secret if settings.directory_round_trip else None
            ),
            proofs=proofs,
            desk=desk_of(store, directory, domain.keep, envelopes, answers, secret, clock, ids, metrics),
            ways_out=delivery.ways_out,
            bell=bell,
            forms_secret=forms_secret(ring),
            ack_secret=secret,
            digest=event_digest(ring),
            nudge=nudge,
            own=own_hub(settings, ring, clock.now()),
            introducing=introducing_of(settings, ring, store, clock, ids, lookup),
            demo_pages=demo_pages,
        )
        server = Server(
            application(parts, whole=web),
            host=settings.bind_host,
            port=settings.bind_port,
            read_timeout=settings.read_timeout,
            grace=settings.stop_within * WEB_SHARE,
            crowd=Crowd(
                most=settings.connections,
                of_one=settings.connections_per_address,
                trusted=settings.trusted_proxies,
            ),
            tls=server_tls(settings),
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
            url=f"{'http' if settings.tls_certificate_file is None else 'https'}://{shown}:{port}",
            receipts_port=receipts_port,
            store=store,
            clock=clock,
            ids=ids,
            directory=directory,
            delivery=delivery,
            health=health,
            metrics=metrics,
            supervisor=supervisor,
            rehearsal=Rehearsal(
                store=store,
                parse=domain.parse,
                take=domain.take,
                envelopes=envelopes,
                directory=directory,
                areas=areas,
                clock=clock,
                log=log,
            ),
        )


async def _close(ways: Mapping[str, Transport]) -> None:
    """All at once: the time is theirs together."""
    await asyncio.gather(*(way.aclose() for way in ways.values()))


async def _receiving(
    settings: Settings, signing: Signing, inbox: Inbox, stack: AsyncExitStack, supervisor: Supervisor
) -> int | None:
    """Take receipts by e-mail until the stack is left; the port. Raises SettingsError, CannotListen."""
    listener = receipts_listener(settings, signing, inbox.take_mail)
    if listener is None or settings.receipts_port is None:
        return None
    within = settings.stop_within * RECEIPTS_SHARE
    await stack.enter_async_context(supervisor.closing("receipts", lambda: listener.stop(within), at_most=within + 0.5))
    try:
        return await listener.start(settings.receipts_host, settings.receipts_port)
    except OSError as error:
        raise CannotListen(settings.receipts_host, settings.receipts_port) from error


async def serve(settings: Settings, domain_of: Callable[[Foundations], Domain], *, metrics: Metrics) -> int:
    """Run until SIGTERM, SIGINT or the death of a part; the process' exit status."""
    log = structlog.get_logger()
    supervisor = Supervisor(stop_within=settings.stop_within, log=log)
    # An event goes through the store's threads some twenty times on its way, and may wait so long each time for what
    # another thread computes: by default 5 ms.
    sys.setswitchinterval(SWITCH_INTERVAL)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, _on_signal, supervisor, log, number.name)
    async with running(settings, domain_of, log=log, metrics=metrics, supervisor=supervisor) as hub:
        await supervisor.unless_stopped(hub.rehearsal.once())
        # What a running hub is made of stays: looked through again with each full collection, it would keep an event
        # waiting for 150 ms now and then.
        gc.collect()
        gc.freeze()
        await supervisor.stopped()
        log.info("hub.stopping", status=supervisor.status)
    log.info("hub.stopped", status=supervisor.status)
    return supervisor.status


def _on_signal(supervisor: Supervisor, log: Log, name: str) -> None:
    log.info("hub.signalled", signal=name)
    supervisor.request_stop()
