"""GOV.UK Notify against the conformance kit, through its own client and over https."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable

import pytest

from adapters.email.credentials import Secret
from adapters.port import Accepted, Deferred, Envelope, Rejected, Unconfirmed
from adapters.sms.govuk_notify import GovukNotify
from tests.kit.govuk_notify import KEY, SECRET, TEMPLATE, Fault, Place, notify_server
from tests.kit.transport import FREE_TEXT, AlertConformance, Bench, StatusCase, alert

NUMBER = "+447700900123"


class TestGovukNotify(AlertConformance):
    @pytest.fixture
    async def bench(self) -> AsyncIterator[Bench]:
        async with notify_server() as server:
            transport = GovukNotify(
                api_key=Secret(KEY),
                template_id=TEMPLATE,
                base_url=server.url,
                ca_file=server.ca_file,
                timeout=5,
                total=8,
            )

            def fail(place: Place, **fault: object) -> Callable[[], None]:
                return lambda: server.fail(place, Fault(**fault))  # type: ignore[arg-type]  # passed through

            def says(status: int, error: str, message: str = "", place: Place = "send") -> Callable[[], None]:
                return fail(place, status=status, error=error, message=f"{message}{FREE_TEXT} {NUMBER}")

            places = itertools.cycle(("send", "sent", "lookup"))

            def hang() -> asyncio.Event:
                server.reached.clear()
                server.fail(next(places), Fault(hang=True))  # type: ignore[arg-type]  # cycle widens the literal
                return server.reached

            def case(name, arrange, result, reason=None, technical=None):  # type: ignore[no-untyped-def]  # a shorthand
                return StatusCase(name=name, arrange=arrange, result=result, reason=reason, technical=technical)

            yield Bench(
                transport=transport,
                envelope=lambda delivery: Envelope(
                    delivery=delivery, reference="FP-2345-6789", address=NUMBER, body=alert()
                ),
                cases=(
                    case("taken", lambda: None, Accepted),
                    case("no number", says(400, "ValidationError", "phone_number "), Rejected, "rejected", False),
                    case(
                        "bad field", says(400, "ValidationError", "personalisation "), Rejected, "misconfigured", True
                    ),
                    case("trial mode", says(400, "BadRequestError"), Rejected, "misconfigured", True),
                    case("wrong key", says(403, "AuthError"), Rejected, "misconfigured", True),
                    case("nothing there", says(404, "NoResultFound"), Rejected, "misconfigured", True),
                    case("too fast", says(429, "RateLimitError"), Deferred, "rate_limited"),
                    case("day is full", says(429, "TooManyRequestsError"), Rejected, "rate_limited", True),
                    case("fault", says(500, "Exception"), Deferred, "provider_unavailable"),
                    case("gateway", says(502, ""), Unconfirmed, "provider_timeout"),
                    case("down", says(503, ""), Deferred, "provider_unavailable"),
                    case("gateway waited", says(504, ""), Unconfirmed, "provider_timeout"),
                    case("unknown", says(418, FREE_TEXT), Rejected, "unknown", True),
                    case("lookup refused", says(403, "AuthError", place="lookup"), Rejected, "misconfigured", True),
                    case("lookup fault", says(500, "Exception", place="lookup"), Deferred, "provider_unavailable"),
                    case("lookup gateway", says(504, "", place="lookup"), Deferred, "provider_unavailable"),
                    case("lookup cut", fail("lookup", drop=True), Deferred, "connection_failed"),
                    case("lookup garbage", fail("lookup", raw=b"<html>"), Deferred, "provider_unavailable"),
                    case("lookup of another shape", fail("lookup", raw=b"[]"), Deferred, "provider_unavailable"),
                    case("cut before it is kept", fail("send", drop=True), Unconfirmed, "provider_timeout"),
                    case("cut after it is kept", fail("sent", drop=True), Unconfirmed, "provider_timeout"),
                    case("garbage for an answer", fail("sent", raw=b"<html>"), Unconfirmed, "unknown"),
                    case("an answer without an id", fail("sent", raw=b"{}"), Unconfirmed, "unknown"),
                    case("taken again", lambda: None, Accepted),
                ),
                hang=hang,
                keys=lambda: server.keys,
                seen=lambda: b"\n".join(server.requests),
                contacts=lambda: len(server.requests),
                secrets=(KEY, SECRET),
                peer_loggers=("aiohttp.",),
            )
            await transport.aclose()
