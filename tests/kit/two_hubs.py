"""Hubs that exchange, whole but for the loop that runs them: real stores, real sealing, real connections. Mostly two.

Ashby's children are placed in North Lincolnshire, whose desks are Bordon's: Ashby's directory leads there by push.
Between them stands a proxy that loses, repeats and holds (tests/kit/lossy.py). The clocks are moved by hand, and
Bordon's is a minute and a half ahead::

    async with two_hubs(tmp_path, seed=7) as both:
        await both.ashby.node.post(reported())
        await both.let_pass(timedelta(hours=1))
        assert (await judge(both)).amiss == []

Of three the third is Corby's, whose desks are those of the police there (``three_hubs``), or each leads to the next
(``ring_of_hubs``).
"""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from aiohttp import web
from aiohttp.test_utils import TestServer

from adapters.https.client import Timeouts
from adapters.https.guard import Policy
from adapters.https.push import PushTransport
from adapters.port import Envelope, Result
from contacts.areas import load_areas
from contacts.directory import Directory
from contacts.fictional import fictional_bundle, fictional_directory
from hub.core.peers import INBOX, WELL_KNOWN, fingerprint
from hub.core.records import ClaimedDelivery
from hub.core.retry import RetryPolicy
from hub.core.tokens import ack_token
from hub.edge.ids import SeededIds
from hub.edge.peer_documents import PeerDocuments
from hub.service.agreements.steps import Steps
from hub.service.answers import Answers, Recorded
from hub.service.chasing import Chasing
from hub.service.envelopes import Composer
from hub.service.peers.agreeing import PeerAgreements
from hub.service.peers.answering import Answering
from hub.service.peers.carrying import Carrying
from hub.service.peers.cases import Cases
from hub.service.peers.conversing import Conversing, Joining
from hub.service.peers.introducing import Introducing
from hub.service.peers.receiving import Receiving
from hub.service.peers.ways import PeerWay
from hub.service.recording import Recorder
from hub.service.sending import Flight, Sender
from hub.settings.model import Settings
from hub.web.api.peers import PeerInbox, PeersApi
from hub.web.bodies import Bodies
from hub.web.limits import Buckets
from routing.packs import Packs, load_packs
from tests.kit.agreeing import Agree
from tests.kit.clock import START, FakeClock
from tests.kit.conversing import HUMBERSIDE
from tests.kit.delivering import Notes, Sink
from tests.kit.events import BROMLEY, NORTH_LINCOLNSHIRE
from tests.kit.lossy import Fate, Lossy, lossy
from tests.kit.node import ACK_SECRET, a_hub, keyed
from tests.kit.node import Hub as Node
from tests.kit.peers import ASHBY, BORDON, CORBY
from tests.kit.peers import Hub as Known
from tests.kit.smtp import client_context
from tests.kit.store import sqlite_store

AHEAD: Final = timedelta(seconds=90)
POLICY: Final = RetryPolicy(schedule=Settings.model_fields["retry_schedule"].default, jitter=0.2)
LEASE: Final = timedelta(minutes=5)
ELSEWHERE: Final = Packs(tuple(one for one in load_packs().written if one.name != "north-lincolnshire"))
LOCAL: Final = Policy(plain_loopback=True)
QUICK: Final = Timeouts(connect=2, answer=20, body=20, total=60, close=1)


async def local(host: str, port: int) -> Sequence[str]:
    return ("127.0.0.1",)


@dataclass
class Out:
    """The way out of one hub to the others. ``forgetful``: nothing that it sends says through which hubs it came."""

    push: PushTransport
    forgetful: bool = False
    to: Counter[str] = field(default_factory=Counter)
    """How often something was sent to which address."""

    @property
    def channel(self) -> str:
        return self.push.channel

    async def deliver(self, envelope: Envelope, now: datetime) -> Result:
        self.to[envelope.address] += 1
        return await self.push.deliver(replace(envelope, via=()) if self.forgetful else envelope, now)

    async def aclose(self) -> None:
        await self.push.aclose()


@dataclass
class Side:
    """One hub, with the proxy before its own inbox. ``whose``: the organisation whose desks it tells."""

    known: Known
    whose: str
    node: Node
    wire: Lossy
    push: Out
    sink: Sink = field(default_factory=Sink)
    """Its own desks' mailboxes."""
    reached: list[ClaimedDelivery] = field(default_factory=list)
    """What has come to those mailboxes, to be answered."""
    prompt: Callable[[ClaimedDelivery], bool] = lambda one: False
    """Whose readers accept at once."""
    notes: Notes = field(default_factory=Notes)

    def __post_init__(self) -> None:
        node = self.node
        self.composer = Composer(
            directory=lambda: node.directory, ack_secret=ACK_SECRET, public_url=self.known.url, collect="Ring."
        )
        self.way = PeerWay(push=self.push, store=node.store, own=self.known.said().hub)
        self.sender = Sender(
            transports={"push": self.way, "email": self.sink},
            envelopes=self.composer,
            clock=node.clock,
            node=self.known.name,
            longest_send=100,
        )
        self.recorder = Recorder(store=node.store, clock=node.clock, ids=node.ids, node=self.known.name, policy=POLICY,
                                 closed=lambda endpoint: None, meter=self.notes, log=self.notes)  # fmt: skip
        self.chasing = Chasing(store=node.store, packs=node.packs, areas=node.intake.areas, ways=node.ways,
                               ids=node.ids, nudge=lambda: None,
                               log=lambda notice, error: node.logged.append((notice, error)))  # fmt: skip
        self.answers = Answers(store=node.store, clock=node.clock, ids=node.ids, meter=self.notes)
        self.carrying = Carrying(store=node.store, way=self.way, ids=node.ids, secret=ACK_SECRET)
        self.clockwork = node.clockwork
        self.talk = Agree(node)

    def receiving(self) -> Receiving:
        node = self.node
        return Receiving(
            store=node.store,
            own=self.known.said(),
            opener=self.known.opener,
            signer=self.known.signers[0],
            take=Cases(
                book=node.book,
                ids=node.ids,
                ours=lambda peer: peer.organisations,
                digest=keyed,
                join=Joining(posting=self.talk.writing.posting),
            ),
            converse=Conversing(
                store=node.store,
                posting=self.talk.writing.posting,
                agreements=PeerAgreements(steps=Steps.of(node.book, node.intake.areas, lambda: node.directory)),
                areas=node.intake.areas,
                directory=lambda: node.directory,
                digest=keyed,
            ),
            hear=Answering(
                store=node.store,
                answers=self.answers,
                directory=lambda: node.directory,
                secret=ACK_SECRET,
                digest=keyed,
                ids=node.ids,
            ),
            clock=node.clock,
            ids=node.ids,
            digest=keyed,
            nudge=lambda: None,
            tolerance=300,
        )

    def routes(self) -> web.Application:
        clock = self.node.clock
        inbox = PeerInbox(receiving=self.receiving(), bodies=Bodies(at_once=4, within=5),
                          rates=Buckets(per_second=100, burst=1000, clock=clock))  # fmt: skip
        api = PeersApi(document=self.known.document, clock=clock)
        app = web.Application(client_max_size=2**30)
        app.add_routes([web.get(WELL_KNOWN, api.introduction), web.post(INBOX, inbox.post)])
        return app

    async def turn(self) -> int:
        """All that is due now; how much was done."""
        now = self.node.clock.now()
        done = await self.clockwork.tick(now) + await self.chasing.tick(now)
        claimed = await self.node.store.write(lambda unit: unit.claim(now, now + LEASE, self.known.name, 200))
        for one in claimed:
            tried = await self.sender.send(Flight(claimed=one, lease_until=now + LEASE, since=now))
            assert tried is not None
            self.recorder.add(tried)
        while self.recorder.unrecorded:
            assert await self.recorder.flush()
        for one in claimed:
            if self.prompt(one):
                await self.answered(one.delivery.id, "accepted")
            elif one.delivery.id in self.sink.accepted and one.delivery.purpose != "handover":
                self.reached.append(one)
        done += await self.carrying.tick(now)
        return done + len(claimed) + await self.wire.release()

    def introducing(self) -> Introducing:
        fetch = PeerDocuments(tls_context=client_context(), policy=LOCAL, lookup=local)
        return Introducing(store=self.node.store, fetch=fetch, own=self.known.said().hub, clock=self.node.clock,
                           ids=self.node.ids)  # fmt: skip

    async def introduced(self, other: "Side", organisations: tuple[str, ...]) -> None:
        """One of its people brings the other here, another compares what was read out by telephone, and says for whom
        it may send."""
        introducing = self.introducing()
        peer = await introducing.introduce(other.known.url, "Jo Ashby")
        await introducing.confirm(peer.hub, fingerprint(other.known.said()), "Sam Bordon", organisations)

    async def answered(self, delivery: str, answer: str, name: str = "Jo Nairn") -> Recorded:
        """A human of its own desks answers what came to their mailbox."""
        found = await self.answers.acknowledge(
            ack_token(ACK_SECRET, delivery), name=name, answer=answer,
            redirected_to="the night desk" if answer == "redirected" else None,
        )  # fmt: skip
        assert isinstance(found, Recorded)
        return found


@dataclass
class Both:
    """Ashby's first."""

    sides: tuple[Side, ...]

    @property
    def ashby(self) -> Side:
        return self.sides[0]

    @property
    def bordon(self) -> Side:
        return self.sides[1]

    def now(self) -> datetime:
        return self.ashby.node.clock.now()

    async def settle(self) -> None:
        """Until none has anything to do at this moment."""
        while sum([await side.turn() for side in self.sides]):
            pass

    async def let_pass(self, time: timedelta, *, step: timedelta = timedelta(minutes=5)) -> None:
        """Time goes on for all, a step at a time."""
        end = self.now() + time
        await self.settle()
        while self.now() < end:
            seconds = min(step, end - self.now()).total_seconds()
            for side in self.sides:
                await side.node.clock.advance(seconds)
            await self.settle()

    async def out(self, time: timedelta, *, step: timedelta = timedelta(minutes=30)) -> None:
        """None reaches another."""
        for side in self.sides:
            await side.wire.shut()
        await self.let_pass(time, step=step)
        for side in self.sides:
            await side.wire.open()


class Three(Both):
    """And one besides."""

    @property
    def corby(self) -> Side:
        return self.sides[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What one hub is set up with. ``leads``: by organisation, the hub that its directory leads to. ``hears``: for whom
    each of the others may send to it."""

    known: Known
    whose: str
    leads: Mapping[str, Known]
    hears: tuple[str, ...]
    packs: Packs = field(default_factory=load_packs)


def leading(inboxes: Mapping[str, str]) -> Directory:
    """What is for these organisations goes to these inboxes. It knows no councils but the two."""
    whole = fictional_bundle()
    unknown = load_areas().authorities.keys() - {BROMLEY, NORTH_LINCOLNSHIRE}
    contacts = tuple(
        replace(one, channel="push", address=inboxes[one.organisation]) if one.organisation in inboxes else one
        for one in whole.contacts
        if one.organisation not in unknown
    )
    return Directory.of(
        replace(
            whole,
            organisations=tuple(one for one in whole.organisations if one.code not in unknown),
            desks=tuple(one for one in whole.desks if one.organisation not in unknown),
            contacts=contacts,
        )
    )


@asynccontextmanager
async def two_hubs(
    folder: Path, *, seed: int, shares: Mapping[Fate, float] | None = None, own_packs: bool = False
) -> AsyncIterator[Both]:
    """Introduced and confirmed to each other, with nothing to do yet. ``shares``: what the proxies do how often. All
    whom Ashby tells by itself accept at once. ``own_packs``: only Bordon has the protocol of North Lincolnshire, which
    tells two desks there that the packs of Ashby know nothing of."""
    hears = (NORTH_LINCOLNSHIRE,)
    ashby = Place(known=ASHBY, whose=BROMLEY, leads={NORTH_LINCOLNSHIRE: BORDON}, hears=hears,
                  packs=ELSEWHERE if own_packs else load_packs())  # fmt: skip
    bordon = Place(known=BORDON, whose=NORTH_LINCOLNSHIRE, leads={}, hears=hears)
    async with _hubs(folder, seed, shares, ashby, bordon) as sides:
        yield Both(sides)


@asynccontextmanager
async def three_hubs(folder: Path, *, seed: int, shares: Mapping[Fate, float] | None = None) -> AsyncIterator[Three]:
    """As two hubs, and a third whose desks are those of the police where Ashby's children are placed. Each leads to
    both others and was confirmed by them."""
    ashby = Place(known=ASHBY, whose=BROMLEY, leads={NORTH_LINCOLNSHIRE: BORDON, HUMBERSIDE: CORBY}, hears=(BROMLEY,))
    bordon = Place(known=BORDON, whose=NORTH_LINCOLNSHIRE, leads={BROMLEY: ASHBY, HUMBERSIDE: CORBY},
                   hears=(NORTH_LINCOLNSHIRE,))  # fmt: skip
    corby = Place(known=CORBY, whose=HUMBERSIDE, leads={BROMLEY: ASHBY, NORTH_LINCOLNSHIRE: BORDON},
                  hears=(HUMBERSIDE,))  # fmt: skip
    async with _hubs(folder, seed, shares, ashby, bordon, corby) as sides:
        yield Three(sides)


@asynccontextmanager
async def ring_of_hubs(folder: Path) -> AsyncIterator[Three]:
    """As no directories should be: what is for North Lincolnshire leads from each hub to the next, and round."""
    ring = (ASHBY, BORDON, CORBY)
    places = [
        Place(known=one, whose=NORTH_LINCOLNSHIRE, leads={NORTH_LINCOLNSHIRE: following}, hears=(NORTH_LINCOLNSHIRE,))
        for one, following in zip(ring, (*ring[1:], ring[0]), strict=True)
    ]
    async with _hubs(folder, 1, None, *places) as sides:
        yield Three(sides)


@asynccontextmanager
async def _hubs(
    folder: Path, seed: int, shares: Mapping[Fate, float] | None, *places: Place
) -> AsyncIterator[tuple[Side, ...]]:
    async with AsyncExitStack() as stack:
        sides: list[Side] = []
        clocks = [FakeClock(START + n * AHEAD) for n in range(len(places))]
        wires = [await stack.enter_async_context(lossy(seed + n, clock, {})) for n, clock in enumerate(clocks)]
        known = {one.known.name: replace(one.known, at=wire.url) for one, wire in zip(places, wires, strict=True)}
        for place, wire, clock in zip(places, wires, clocks, strict=True):
            own = known[place.known.name]
            inboxes = {organisation: known[to.name].said().inbox for organisation, to in place.leads.items()}
            store = await sqlite_store(folder / own.name, node=own.name)
            stack.push_async_callback(store.aclose)
            directory = leading(inboxes) if inboxes else fictional_directory()
            made = await a_hub(store, clock=clock, directory=directory, packs=place.packs, channels=("email", "push"))
            node = replace(made, ids=SeededIds(own.name))
            push = PushTransport(issuer=own.url, signer=own.signers[0], transport_keys=(own.transport,), policy=LOCAL,
                                 tls_context=client_context(),
                                 timeouts=QUICK, lookup=local)  # fmt: skip
            stack.push_async_callback(push.aclose)
            side = Side(known=own, whose=place.whose, node=node, wire=wire, push=Out(push))
            server = TestServer(side.routes())
            await server.start_server()
            stack.push_async_callback(server.close)
            wire.upstream = ("127.0.0.1", server.port or 0)
            sides.append(side)
        sides[0].prompt = lambda one: one.notice.organisation not in places[0].leads
        for place, side in zip(places, sides, strict=True):
            for other in sides:
                if other is not side:
                    await side.introduced(other, place.hears)
        for wire in wires:
            wire.shares = shares or {}
        yield tuple(sides)
