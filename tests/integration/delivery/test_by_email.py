"""Delivery through the real e-mail adapter to a real SMTP server, sealed, on the real store."""

import asyncio
import email
import email.policy
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from email.message import EmailMessage

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs7

from adapters.email.chain import Trust
from adapters.email.connection import Timeouts
from adapters.email.smime import Signer
from adapters.email.smtp import EmailTransport
from adapters.port import Deferred
from contacts.directory import Directory
from contacts.model import Certificate
from hub.core.records import Changes
from hub.core.tokens import ack_token, token_digest
from hub.service.answers import Answers, Recorded
from hub.service.envelopes import Composer
from hub.service.lanes import Limits
from hub.service.sending import Flight, Sender
from tests.kit.clock import FakeClock
from tests.kit.delivering import Sink, Watched, World, until
from tests.kit.directory import small_bundle
from tests.kit.pki import NOW, intermediate, person, root, rsa_key
from tests.kit.records import SECRETS
from tests.kit.smtp import Fault, SmtpServer, client_context, smtp_server
from tests.kit.store import memory_store

ADDRESS = SECRETS["address"]
RECIPIENT = person(ADDRESS, issuer=intermediate())
HUB = person("notices@hub.example", issuer=intermediate(), key=rsa_key("hub"))
ACK_SECRET = b"k" * 32


@dataclass
class Post:
    world: World
    server: SmtpServer
    certificates: list[Certificate]

    async def told(self, recipients: int = 1) -> Changes:
        """As intake does it: the digest of each delivery's token is stored with it."""
        story = self.world.story()

        async def work(unit):
            await story.meet(unit)
            changes = story.report(recipients)
            deliveries = [
                replace(d, contact=None, token_digest=token_digest(ack_token(ACK_SECRET, d.id)))
                for d in changes.deliveries
            ]
            changes = replace(changes, deliveries=tuple(deliveries))
            await unit.save(changes)
            return changes

        return await self.world.store.write(work)

    def outer(self) -> list[EmailMessage]:
        return [email.message_from_bytes(one.data, policy=email.policy.default) for one in self.server.received]

    def opened(self, data: bytes) -> str:
        key = serialization.load_pem_private_key(RECIPIENT.key_pem, None)
        return pkcs7.pkcs7_decrypt_smime(data, RECIPIENT.certificate, key, []).decode()  # type: ignore[arg-type]  # RSA


@pytest.fixture
async def post() -> AsyncIterator[Post]:
    certificates = [Certificate(address=ADDRESS, der=RECIPIENT.der, fingerprint=RECIPIENT.fingerprint)]
    store = Watched(await memory_store())
    async with smtp_server() as server:
        transport = EmailTransport(
            host=server.host,
            port=server.port,
            tls_context=client_context(),
            sender="notices@hub.example",
            mail_domain="hub.example",
            signer=Signer(certificate=HUB.certificate, key=HUB.key),
            trust=Trust(anchors=(root().certificate,), intermediates=(intermediate().certificate,)),
            pool_size=4,
            timeouts=Timeouts(connect=5, command=5, content=5, total=15, close=1),
        )
        world = World(store=store, clock=FakeClock(NOW), sinks={"email": Sink()})
        world.sinks = {"email": transport}  # type: ignore[dict-item]  # the real one takes the sink's place
        world.envelopes = Composer(  # type: ignore[assignment]  # the real one too
            directory=lambda: Directory.of(replace(small_bundle(), certificates=tuple(certificates))),
            ack_secret=ACK_SECRET,
            public_url="https://hub.example",
            collect="Ring 01632 960000 and give the reference.",
        )
        try:
            yield Post(world=world, server=server, certificates=certificates)
        finally:
            await transport.aclose()
            await store.aclose()


def nothing_personal(post: Post, *, but_address: bool = True) -> None:
    """In nothing the relay saw: commands, headers, sealed bodies."""
    seen = b"\n".join(post.server.lines) + b"\n".join(one.data for one in post.server.received)
    for name, value in SECRETS.items():
        if name != "address":
            assert value.encode() not in seen, name


async def test_a_notice_arrives_sealed_and_opens_to_exactly_its_fields(post: Post):
    changes = await post.told(3)
    async with post.world.delivering(post.world.delivery()):
        await until(lambda: post.world.settled(changes, "sent"))
    assert len(post.server.received) == 3
    assert {one["Message-ID"] for one in post.outer()} == {f"<{d.id}@hub.example>" for d in changes.deliveries}
    nothing_personal(post)
    for one in changes.deliveries:
        (attempt,) = await post.world.attempts(one.id)
        assert attempt.certificate == RECIPIENT.fingerprint
        assert attempt.digest is not None
    inner = post.opened(post.server.received[0].data)
    assert SECRETS["child"] in inner
    assert SECRETS["place"] not in inner, "the decision lists the name only"


async def test_the_link_in_the_mail_answers_the_notice(post: Post):
    (one,) = (changes := await post.told(1)).deliveries
    async with post.world.delivering(post.world.delivery()):
        await until(lambda: post.world.settled(changes, "sent"))
    token = ack_token(ACK_SECRET, one.id)
    assert token.encode() not in post.server.received[0].data
    service = Answers(store=post.world.store, clock=post.world.clock, ids=post.world.ids, meter=post.world.notes)
    recorded = await service.acknowledge(token, name="Jo Worker", answer="accepted")
    assert isinstance(recorded, Recorded) and recorded.state == "acknowledged"


async def test_a_connection_that_dies_after_the_content_is_followed_by_one_copy_with_the_same_message_id(post: Post):
    post.server.fail("content", Fault(drop=True))
    (one,) = (changes := await post.told(1)).deliveries
    async with post.world.delivering(post.world.delivery()):
        await post.world.passing(lambda: post.world.settled(changes, "sent"))
    assert [mail["Message-ID"] for mail in post.outer()] == [f"<{one.id}@hub.example>"] * 2
    first, second = await post.world.attempts(one.id)
    assert (first.state, first.reason, first.carried) == ("technical_failure", "provider_timeout", "content")
    assert (second.state, second.carried) == ("sent", "content")


async def test_two_such_deaths_are_the_end_and_undeliverable(post: Post):
    post.server.fail("content", Fault(drop=True), Fault(drop=True))
    (one,) = (changes := await post.told(1)).deliveries
    async with post.world.delivering(post.world.delivery()):
        await post.world.passing(lambda: post.world.settled(changes))
        await post.world.advance(3600)
    assert len(post.server.received) == 2
    assert (await post.world.notice(one.id)).state == "undeliverable"


async def test_greylisting_is_waited_out(post: Post):
    post.server.fail("rcpt", Fault(reply="450 4.7.1 Greylisted, come back later"))
    (one,) = (changes := await post.told(1)).deliveries
    async with post.world.delivering(post.world.delivery()):
        await post.world.passing(lambda: post.world.settled(changes, "sent"))
    states = [attempt.state for attempt in await post.world.attempts(one.id)]
    assert states == ["temporary_failure", "sent"]


async def test_an_unknown_mailbox_is_undeliverable_at_once(post: Post):
    post.server.fail("rcpt", Fault(reply="550 5.1.1 No such user Robin Marker-Childname"))
    (one,) = (changes := await post.told(1)).deliveries
    async with post.world.delivering(post.world.delivery()):
        await until(lambda: post.world.settled(changes))
    (attempt,) = await post.world.attempts(one.id)
    assert attempt.state == "permanent_failure"
    assert "Marker" not in repr(attempt)
    assert (await post.world.notice(one.id)).state == "undeliverable"


@pytest.mark.parametrize(
    ("certificates", "reason"),
    [
        ([], "no_certificate"),
        ([person(ADDRESS, issuer=intermediate(), end=NOW - timedelta(days=1))], "certificate_expired"),
        ([person(ADDRESS, issuer=None)], "certificate_untrusted"),
        ([person("other@council.example", issuer=intermediate())], "certificate_name_mismatch"),
    ],
    ids=["none", "expired", "untrusted", "another's"],
)
async def test_without_a_usable_certificate_nothing_readable_leaves(post: Post, certificates, reason):
    post.certificates[:] = [Certificate(address=ADDRESS, der=c.der, fingerprint=c.fingerprint) for c in certificates]
    (one,) = (changes := await post.told(1)).deliveries
    async with post.world.delivering(post.world.delivery()):
        await until(lambda: post.world.settled(changes))
    (mail,) = post.outer()
    assert mail["Message-ID"] == f"<{one.id}.alert@hub.example>"
    assert "Ring 01632 960000" in mail.get_content()
    nothing_personal(post)
    assert ack_token(ACK_SECRET, one.id) not in mail.as_string()
    (attempt,) = await post.world.attempts(one.id)
    assert (attempt.reason, attempt.carried) == (reason, "alert")
    assert (await post.world.notice(one.id)).state == "pending"
    assert [(kind, why) for kind, _, why in await post.world.alarms()] == [("no_certificate", reason)] * 2


async def test_a_pinned_certificate_needs_no_chain(post: Post):
    own = person(ADDRESS, issuer=None)
    post.certificates[:] = [Certificate(address=ADDRESS, der=own.der, fingerprint=own.fingerprint, pinned=True)]
    changes = await post.told(1)
    async with post.world.delivering(post.world.delivery()):
        await until(lambda: post.world.settled(changes, "sent"))
    (attempt,) = await post.world.attempts(changes.deliveries[0].id)
    assert attempt.certificate == own.fingerprint


async def test_what_only_waited_for_a_connection_was_not_sent_and_stays_due_at_a_stop(post: Post):
    """A relay that hangs holds every connection; the others behind them have handed nothing over."""
    post.server.fail("content", *[Fault(hang=True)] * 4)
    changes = await post.told(6)
    limits = Limits(lease=300, longest_send=100, concurrency=8, reserve=2, poll=1, drain=1)
    async with post.world.delivering(post.world.delivery(limits=limits)):
        await until(lambda: not post.server.faults["content"])
    ends = [await post.world.attempts(one.id) for one in changes.deliveries]
    assert sorted(attempt.state for (attempt,) in ends) == ["cancelled"] * 2 + ["technical_failure"] * 4
    assert await post.world.settled(changes, "due")


async def test_what_only_waited_for_a_connection_until_it_was_cut_off_may_be_tried_as_often_as_ever(post: Post):
    post.server.fail("content", *[Fault(hang=True)] * 4)
    clock, store = post.world.clock, post.world.store
    await post.told(6)
    end = clock.now() + timedelta(seconds=300)
    claims = await store.write(lambda unit: unit.claim(clock.now(), end, "a", 6, channels=("email",)))
    flights = [Flight(claimed=one, lease_until=end, since=clock.now()) for one in claims]

    def sender(longest_send: float) -> Sender:
        return Sender(
            transports=post.world.sinks,
            envelopes=post.world.envelopes,
            clock=clock,
            node="a",
            longest_send=longest_send,
        )

    holding = [asyncio.create_task(sender(100).send(one)) for one in flights[:4]]
    await until(lambda: "content" in post.server.faults and not post.server.faults["content"])
    for waiting in flights[4:]:
        tried = await sender(0.05).send(waiting)
        assert tried is not None
        assert tried.result == Deferred(reason="provider_unavailable", detail="no answer in time")
    for task in holding:
        task.cancel()
    await asyncio.wait(holding)
    assert all(one.at_provider for one in flights[:4]), "their content was out"
