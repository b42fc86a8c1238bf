"""The e-mail transport against the conformance kit, with a real SMTP server as its peer."""

import asyncio
import itertools
import re
from collections.abc import AsyncIterator

import pytest

from adapters.email.chain import Trust
from adapters.email.connection import Timeouts
from adapters.email.credentials import Credentials, Secret
from adapters.email.smime import Signer
from adapters.email.smtp import EmailTransport
from adapters.port import Accepted, Deferred, Envelope, Rejected, Unconfirmed
from tests.kit.pki import intermediate, person, root, rsa_key
from tests.kit.smtp import Fault, Place, client_context, smtp_server
from tests.kit.transport import FREE_TEXT, Bench, SealingConformance, StatusCase, content

RECIPIENT = person("jo.worker@council.example", issuer=intermediate())
HUB = person("notices@hub.example", issuer=intermediate(), key=rsa_key("hub"))


class TestEmail(SealingConformance):
    @pytest.fixture(params=[True, False], ids=["pipelined", "step by step"])
    async def bench(self, request: pytest.FixtureRequest) -> AsyncIterator[Bench]:
        async with smtp_server(login=("hub", "correct-horse-battery"), pipelining=request.param) as server:
            transport = EmailTransport(
                host=server.host,
                port=server.port,
                tls_context=client_context(),
                credentials=Credentials(username="hub", password=Secret("correct-horse-battery")),
                sender="notices@hub.example",
                mail_domain="hub.example",
                signer=Signer(certificate=HUB.certificate, key=HUB.key, chain=(intermediate().certificate,)),
                trust=Trust(anchors=(root().certificate,), intermediates=(intermediate().certificate,)),
                timeouts=Timeouts(connect=5, command=5, content=5, total=10, close=1),
            )

            def fail(place: Place, **fault: object) -> object:
                return lambda: server.fail(place, Fault(**fault))  # type: ignore[arg-type]  # passed through

            def says(place: Place, code: str) -> object:
                return fail(place, reply=f"{code} {FREE_TEXT} Robin")

            places = itertools.cycle(("mail", "rcpt", "data", "content"))

            def hang() -> asyncio.Event:
                server.reached.clear()
                server.fail(next(places), Fault(hang=True))  # type: ignore[arg-type]  # cycle widens the literal
                return server.reached

            def case(name, arrange, result, reason=None, technical=None):  # type: ignore[no-untyped-def]  # a shorthand
                return StatusCase(name=name, arrange=arrange, result=result, reason=reason, technical=technical)

            yield Bench(
                transport=transport,
                envelope=lambda delivery: Envelope(
                    delivery=delivery,
                    reference="FP-2345-6789",
                    address="jo.worker@council.example",
                    body=content(),
                    certificates=(RECIPIENT.der,),
                ),
                cases=(
                    case("taken", lambda: None, Accepted),
                    case("no such mailbox", says("rcpt", "550 5.1.1"), Rejected, "rejected", False),
                    case("grey-listed", says("rcpt", "450 4.7.1"), Deferred, "rejected"),
                    case("sender refused", says("mail", "550 5.7.1"), Rejected, "misconfigured", True),
                    case("busy", says("mail", "451 4.3.2"), Deferred, "provider_unavailable"),
                    case("no data wanted", says("data", "554 5.7.1"), Rejected, "rejected", False),
                    case("content refused", says("content", "554 5.6.0"), Rejected, "misconfigured", True),
                    case("content later", says("content", "451 4.3.0"), Deferred, "provider_unavailable"),
                    case("unknown", says("rcpt", "599 5.99.99"), Rejected, "unknown", True),
                    case("shutting down", says("rcpt", "421 4.3.2"), Deferred, "provider_unavailable"),
                    case("cut before content", fail("data", drop=True), Deferred, "connection_failed"),
                    case("cut after content", fail("content", drop=True), Unconfirmed, "provider_timeout"),
                    case("taken again", lambda: None, Accepted),
                ),
                hang=hang,
                keys=lambda: [
                    re.search(rb"^Message-ID: <(.+)@hub\.example>\r$", one.data, re.MULTILINE)[1].decode()  # type: ignore[index]  # every message has one
                    for one in server.received
                ],
                seen=lambda: b"\n".join([*server.lines, *(one.data for one in server.received)]),
                contacts=lambda: server.connections,
                secrets=("correct-horse-battery",),
                peer_loggers=("mail.",),
            )
            await transport.aclose()
