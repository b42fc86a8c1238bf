"""The push transport against the conformance kit, with a real HTTPS server as its peer."""

import asyncio
import itertools
from collections.abc import AsyncIterator

import pytest

from adapters.https.client import Timeouts
from adapters.https.push import PushTransport
from adapters.https.seal import ContentSigner
from adapters.https.wire import TransportKey
from adapters.port import UNTOUCHED, Accepted, Deferred, Envelope, Rejected, Unconfirmed
from tests.kit.pki import curve_key
from tests.kit.receiver import Place, PushFault, push_server, receiver_key
from tests.kit.smtp import client_context
from tests.kit.transport import FREE_TEXT, NOW, Bench, SealingConformance, StatusCase, content

RECEIVER = receiver_key()
SEED = b"hub-transport-seed-of-32-bytes.."
SHARED = b"shared-with-this-receiver-only"


class TestPush(SealingConformance):
    @pytest.fixture
    async def bench(self) -> AsyncIterator[Bench]:
        async with push_server() as server:
            transport = PushTransport(
                issuer="https://hub.example",
                signer=ContentSigner(key=curve_key("hub content")),
                transport_keys=(TransportKey(scheme="v1a", key=SEED),),
                shared_secrets={server.url: (TransportKey(scheme="v1", key=SHARED),)},
                tls_context=client_context(),
                policy=server.policy,
                timeouts=Timeouts(connect=5, answer=5, body=2, total=10, close=1),
                lookup=server.lookup,
            )

            def says(status: int, **headers: str) -> object:
                fault = PushFault(status=status, headers=headers, body=f"{FREE_TEXT} Robin".encode())
                return lambda: server.fail("answer", fault)

            def fault(place: Place, one: PushFault) -> object:
                return lambda: server.fail(place, one)

            places: itertools.cycle[Place] = itertools.cycle(("lookup", "headers", "answer"))

            def case(name, arrange, result, reason=None, technical=None):  # type: ignore[no-untyped-def]  # a shorthand
                return StatusCase(name=name, arrange=arrange, result=result, reason=reason, technical=technical)

            yield Bench(
                transport=transport,
                envelope=lambda delivery: Envelope(
                    delivery=delivery,
                    reference="FP-2345-6789",
                    address=server.url,
                    body=content(),
                    certificates=(RECEIVER.document,),
                    pinned=frozenset({RECEIVER.mark}),
                ),
                cases=(
                    case("taken", lambda: None, Accepted),
                    case("taken, with something to say", says(200), Accepted),
                    case("moved", says(308, Location="https://evil.example/"), Rejected, "misconfigured", False),
                    case("not known", says(404), Rejected, "rejected", False),
                    case("signature not accepted", says(401), Rejected, "rejected", False),
                    case("gone", says(410), Rejected, "gone", False),
                    case("too much", says(413), Rejected, "too_large", False),
                    case("busy", says(503, **{"Retry-After": "30"}), Deferred, "provider_unavailable"),
                    case("too often", says(429), Deferred, "rate_limited"),
                    case("unknown", says(499), Rejected, "unknown", True),
                    case("no such name", fault("lookup", PushFault()), Deferred, "connection_failed"),
                    case("cut after content", fault("answer", PushFault(drop=True)), Unconfirmed, "provider_timeout"),
                    case("taken again", lambda: None, Accepted),
                ),
                hang=lambda: server.hang(next(places)),
                keys=lambda: [one.headers["webhook-id"] for one in server.requests],
                seen=lambda: b"\n".join(server.shown),
                contacts=lambda: len(server.lookups),
                secrets=(SEED.decode(), SHARED.decode()),
                peer_loggers=("aiohttp.access", "aiohttp.server"),
            )
            await transport.aclose()

    async def test_a_try_cut_off_before_the_content_says_so(self, bench: Bench) -> None:
        reached = bench.hang()  # the first place is the look-up of the name
        sending = asyncio.create_task(bench.transport.deliver(bench.envelope("dl-untouched"), NOW))
        await reached.wait()
        sending.cancel()
        with pytest.raises(asyncio.CancelledError, match=UNTOUCHED):
            await sending
