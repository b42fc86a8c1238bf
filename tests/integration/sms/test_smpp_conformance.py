"""SMPP against the conformance kit, with an SMSC that others wrote as its peer."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable

import pytest

from adapters.email.credentials import Secret
from adapters.port import Accepted, Deferred, Envelope, Rejected, Unconfirmed
from adapters.sms.inbound import Inbound
from adapters.sms.smpp import Account, SmppTransport
from adapters.sms.smpp_session import Smsc
from tests.kit.smsc import Place, smsc
from tests.kit.transport import NOW, AlertConformance, Bench, StatusCase, alert

NUMBER = "+447700900123"
PASSWORD = "s3cr-3t!"


class TestSmpp(AlertConformance):
    @pytest.fixture
    async def bench(self) -> AsyncIterator[Bench]:
        async with smsc() as server:
            server.call("account", account={"system_id": "hub", "password": PASSWORD})
            where = Smsc(
                host="127.0.0.1",
                port=server.port,
                tls=None,
                system_id="hub",
                password=Secret(PASSWORD),
                connect=5,
                answer=5,
                close=1,
            )

            async def inbox(_: Inbound, raw: bytes) -> None:
                raise AssertionError("nothing was sent back")

            transport = SmppTransport(
                smsc=where, account=Account(source="+447700900999"), inbox=inbox, now=lambda: NOW, total=10
            )

            def fail(place: Place, **fault: object) -> Callable[[], None]:
                return lambda: server.fail(place, **fault)

            def unbound() -> None:
                """As after the connection broke: the next delivery has to bind."""
                if transport._session is not None:
                    transport._session.give_up()

            def first(**fault: object) -> Callable[[], None]:
                def arrange() -> None:
                    unbound()
                    server.fail("bind", **fault)

                return arrange

            places = itertools.cycle(("bind", "submit", "taken"))

            def hang() -> asyncio.Event:
                place = next(places)
                if place == "bind":
                    unbound()
                return server.hang(place)  # type: ignore[arg-type]  # cycle widens the literal

            def case(name, arrange, result, reason=None, technical=None):  # type: ignore[no-untyped-def]  # a shorthand
                return StatusCase(name=name, arrange=arrange, result=result, reason=reason, technical=technical)

            yield Bench(
                transport=transport,
                envelope=lambda delivery: Envelope(
                    delivery=delivery, reference="FP-2345-6789", address=NUMBER, body=alert()
                ),
                cases=(
                    case("taken", lambda: None, Accepted),
                    case("too fast", fail("submit", status=0x58), Deferred, "rate_limited"),
                    case("queue full", fail("submit", status=0x14), Deferred, "rate_limited"),
                    case("system error", fail("submit", status=0x08), Deferred, "provider_unavailable"),
                    case("no such number", fail("submit", status=0x0B), Rejected, "rejected", False),
                    case("wrong sender", fail("submit", status=0x0A), Rejected, "misconfigured", True),
                    case("parameter refused", fail("submit", status=0xC1), Rejected, "misconfigured", True),
                    case("a vendor's own", fail("submit", status=0x401), Rejected, "unknown", True),
                    case("not understood", fail("submit", nack=0x03), Rejected, "misconfigured", True),
                    case("not bound any more", fail("submit", status=0x04), Deferred, "provider_unavailable"),
                    case("cut after writing", fail("submit", drop=True), Unconfirmed, "provider_timeout"),
                    case("cut after taking", fail("taken", drop=True), Unconfirmed, "provider_timeout"),
                    case("garbage for an answer", fail("submit", raw="00000001"), Unconfirmed, "provider_timeout"),
                    case("wrong password", first(status=0x0E), Rejected, "misconfigured", True),
                    case("bound elsewhere", first(status=0x05), Deferred, "provider_unavailable"),
                    case("cut at the bind", first(drop=True), Deferred, "connection_failed"),
                    case("taken again", lambda: None, Accepted),
                ),
                hang=hang,
                keys=lambda: [one["key"] for one in server.submits],
                seen=lambda: server.bytes_seen,
                contacts=lambda: server.connections + len(server.submits),
                secrets=(PASSWORD,),
            )
            await transport.aclose()
