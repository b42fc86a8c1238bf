"""What one hub pushes, as another takes it: the transport as it is, over a real connection."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from adapters.https.guard import Policy
from adapters.https.push import PushTransport
from adapters.https.seal import ContentSigner
from adapters.https.wire import TransportKey
from adapters.port import Accepted, Attachment, Content, Deferred, Envelope, Rejected, Result
from hub.core.peer_messages import Message
from hub.core.peers import Introduction, Peer, State
from hub.edge.ids import SeededIds
from hub.service.peers.receiving import Receiving
from hub.service.ports import StoreUnavailable, Unit, Unsealable
from hub.web.api.peers import PeerInbox
from hub.web.bodies import Bodies
from hub.web.limits import Buckets
from tests.kit.clock import FakeClock
from tests.kit.peers import ASHBY, BORDON, Hub
from tests.kit.pki import curve_key
from tests.kit.store import Stores, memory_store

A = ASHBY.said().hub
REFERENCE = "01ARZ3NDEKTSV4RRFFQ69G5FAV"


@dataclass(slots=True)
class Inbox:
    """Bordon's, with what it has taken, by the id of each message."""

    store: Stores
    clock: FakeClock = field(default_factory=FakeClock)
    taken: dict[str, Message] = field(default_factory=dict)
    away: bool = False
    key_gone: bool = False
    url: str = ""

    async def take(self, unit: Unit, peer: Peer, said: Message, now: datetime) -> str | None:
        if self.away:
            raise StoreUnavailable("away")
        if self.key_gone:
            raise Unsealable("no data key")
        assert peer.hub == A
        return REFERENCE if self.taken.setdefault(said.id, said).same == said.same else None

    async def hear(self, peer: Peer, said: Message, now: datetime) -> str | None:
        raise AssertionError("it is no answer")

    async def know(self, state: State = "confirmed", hub: Hub = ASHBY) -> None:
        now = self.clock.now()
        peer = Peer(hub=A, url=hub.url, state=state, document=hub.document(), said=hub.said(), put_by="Jo",
                    introduced_at=now, changed_at=now)  # fmt: skip
        await self.store.write(lambda unit: unit.peers.put(peer))

    async def sent(self, delivery: str = "dv_1", text: str = "Robin Example", **changes: Any) -> Result:
        """What becomes of it on Ashby's side."""
        given: dict[str, Any] = {
            "issuer": ASHBY.url,
            "signer": ASHBY.signers[0],
            "transport_keys": (ASHBY.transport,),
            "policy": Policy(plain_loopback=True),
            **changes,
        }
        address = self.url + given.pop("aside", "")
        certificates = given.pop("certificates", BORDON.said().keys)
        at = given.pop("at", self.clock.now())
        body = Content(subject="A child is missing", text=text, html="<p>…</p>", attachments=given.pop("attach", ()))
        push = PushTransport(**given)
        try:
            pinned = BORDON.said().pinned
            envelope = Envelope(delivery=delivery, reference="FP-2345-6789", address=address, body=body,
                                receipt_token="tok", certificates=certificates, pinned=pinned)  # fmt: skip
            return await push.deliver(envelope, at)
        finally:
            await push.aclose()

    async def quarantined(self) -> list[tuple[str, str]]:
        found = await self.store.read(lambda unit: unit.quarantine())
        alarms = [one.reason for one in await self.store.read(lambda unit: unit.alarms()) if one.kind == "quarantine"]
        assert sorted(one.id for one in found) == sorted(alarms)
        assert {one.source for one in found} <= {f"peer:{A}"}
        return [(one.reason, one.problems[0]["message"]) for one in found]


@pytest.fixture
async def inbox() -> AsyncIterator[Inbox]:
    store = await memory_store()
    there = Inbox(store)
    app = web.Application(client_max_size=2**30)
    server = TestServer(app)

    async def post(request: web.Request) -> web.StreamResponse:
        own = BORDON.said()
        receiving = Receiving(
            store=store,
            own=Introduction(hub=own.hub, name=own.name, issuer=own.issuer, inbox=there.url, versions=own.versions,
                             issued=own.issued, keys=own.keys, requests=own.requests),
            opener=BORDON.opener,
            signer=BORDON.signers[0],
            take=there.take,
            hear=there.hear,
            converse=there.hear,
            clock=there.clock,
            ids=ids,
            digest=lambda data: hashlib.sha256(data).digest(),
            nudge=lambda: None,
            tolerance=300,
        )  # fmt: skip
        return await PeerInbox(receiving=receiving, bodies=bodies, rates=rates).post(request)

    ids, bodies = SeededIds("inbox"), Bodies(at_once=4, within=5)
    rates = Buckets(per_second=0.001, burst=5, clock=there.clock)
    app.router.add_post("/v1/peers/inbox", post)
    await server.start_server()
    there.url = str(server.make_url("/v1/peers/inbox"))
    yield there
    await server.close()
    await store.aclose()


async def test_a_notice_is_taken_once_and_its_receipt_proves_who_took_it(inbox: Inbox) -> None:
    await inbox.know()
    for _ in range(2):
        result = await inbox.sent()
        assert isinstance(result, Accepted)
        assert result.receipt is not None
        assert (result.receipt.code, result.receipt.token, result.provider_reference) == ("signed", "tok", REFERENCE)
    assert [one.said["text"] for one in inbox.taken.values()] == ["Robin Example"]
    assert await inbox.sent(text="Somebody else") == Rejected(reason="rejected", detail="409")
    assert await inbox.quarantined() == []


async def test_a_large_one_is_opened_beside_the_others(inbox: Inbox) -> None:
    await inbox.know()
    photo = Attachment(name="photo.jpg", media_type="image/jpeg", data=b"\xff" * 300_000)
    assert isinstance(await inbox.sent(attach=(photo,)), Accepted)


async def test_nothing_is_taken_from_a_hub_that_is_not_confirmed(inbox: Inbox) -> None:
    assert await inbox.sent() == Rejected(reason="rejected", detail="401")
    states: tuple[State, ...] = ("introduced", "suspended")
    for state in states:
        await inbox.know(state)
        assert await inbox.sent() == Rejected(reason="rejected", detail="403")
    await inbox.know()
    stolen = TransportKey(scheme="v1a", key=b"s" * 32)
    assert await inbox.sent(transport_keys=(stolen,)) == Rejected(reason="rejected", detail="401")
    assert await inbox.sent(issuer=BORDON.url) == Rejected(reason="rejected", detail="401")
    assert (inbox.taken, await inbox.quarantined()) == ({}, [])


@pytest.mark.parametrize(
    "named", [b"X-Fingerpost-Issuer: \xff", b"X-Fingerpost-Issuer: https://ashby.example\r\nwebhook-id: \xff"]
)
async def test_whoever_names_no_hub_is_turned_away_whatever_bytes_they_send(inbox: Inbox, named: bytes) -> None:
    await inbox.know()
    reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(inbox.url).port)
    writer.write(b"POST /v1/peers/inbox HTTP/1.1\r\nHost: b\r\nContent-Type: application/jose\r\nContent-Length: 1\r\n"
                 b"webhook-timestamp: 1\r\nwebhook-signature: v1a,x\r\n" + named + b"\r\n\r\nx")  # fmt: skip
    assert (await reader.readline()).startswith(b"HTTP/1.1 401 ")
    writer.close()


async def test_what_a_peer_sends_that_cannot_be_read_is_kept_and_the_operator_told(inbox: Inbox) -> None:
    await inbox.know()
    refused = Rejected(reason="rejected", detail="422")
    for _ in range(2):  # kept once, however often it comes
        assert await inbox.sent("dv_1", signer=ContentSigner(key=curve_key("nobody's"))) == refused
    other = Hub(name="other", number=9)
    marks = {"certificates": other.said().keys}
    assert await inbox.sent("dv_2", **marks) == Rejected(reason="certificate_untrusted")
    assert await inbox.sent("dv_3", aside="?aside") == refused
    stale = inbox.clock.now()
    await inbox.clock.advance(301)
    assert await inbox.sent("dv_4", at=stale) == Rejected(reason="rejected", detail="401")
    assert sorted(await inbox.quarantined()) == [
        ("invalid", "aud is not this hub's inbox: it was sealed for somebody else"),
        ("invalid", "bears no valid signature of that hub inside: did its keys change?"),
        ("stale_signature", "bears a right signature that is not of now: is a clock wrong, or a queue slow?"),
    ]
    assert inbox.taken == {}


async def test_a_peer_that_sends_too_much_is_told_to_wait_before_anything_of_it_is_kept(inbox: Inbox) -> None:
    await inbox.know()
    stale = inbox.clock.now()
    await inbox.clock.advance(301)
    sent = [await inbox.sent(f"dv_{number}", at=stale) for number in range(6)]
    assert isinstance(sent[5], Deferred)
    assert sent[5].reason == "rate_limited"
    assert len(await inbox.quarantined()) == 5


async def test_what_cannot_be_stored_is_not_acknowledged(inbox: Inbox) -> None:
    await inbox.know()
    inbox.away = True
    assert isinstance(await inbox.sent(), Deferred)
    inbox.away = False
    assert isinstance(await inbox.sent(), Accepted)


async def test_what_is_about_a_child_whose_key_is_missing_is_kept_and_asked_for_again(inbox: Inbox) -> None:
    await inbox.know()
    inbox.key_gone = True
    for _ in range(2):
        assert isinstance(await inbox.sent(), Deferred)
    assert await inbox.quarantined() == [
        ("unreadable", "is about what cannot be opened here (Unsealable): send it again")
    ]
    inbox.key_gone = False
    assert isinstance(await inbox.sent(), Accepted)
