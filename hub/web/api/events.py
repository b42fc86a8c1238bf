"""POST /v1/events: who is speaking, is it whole, is it valid; then intake. The answers are those of events.md."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hmac import compare_digest
from typing import Final, Literal

from aiohttp import web

from hub.core.answers import KEPT
from hub.core.events import EpisodeEvent, Invalid, Problem
from hub.core.records import Source
from hub.core.webhook import Refused, Verified, verify
from hub.service.ports import Clock
from hub.service.tenancy import Speaking, scoped
from hub.web.api.sources import SourceBook
from hub.web.bodies import Bodies
from hub.web.bodies import Refused as BodyRefused
from hub.web.certificates import ClientCertificates
from hub.web.limits import Buckets
from hub.web.ports import Intake, Meter
from hub.web.problems import RETRY_KEY, json_response, problem, try_again
from hub.web.replays import Replays
from hub.web.turns import Crowded, Turns

BODY_LIMIT: Final = 1_048_576
"""1 MiB (events.md, Answers)."""
MEDIA_TYPE: Final = "application/cloudevents+json"
CHALLENGE: Final = {"WWW-Authenticate": "Webhook-Signature"}
UNBOUND: Final = Problem(
    path="", message="came without the client certificate that this source is bound to: send it over that connection"
)
MISTYPED: Final = Problem(path="", message=f"came as another media type: send it with Content-Type: {MEDIA_TYPE}")
STRANGERS_PER_SECOND: Final = 5.0
STRANGERS_BURST: Final = 20
"""Requests that name no known source are tried under every key: at most this many, as that is dear."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """A body whose signature is right, and whose."""

    source: Source
    verified: Verified


class EventsApi:
    """The webhook. Nothing of a request without a right signature is kept, only counted."""

    def __init__(
        self,
        *,
        parse: Callable[[bytes], EpisodeEvent | Invalid],
        intake: Intake,
        sources: SourceBook,
        bodies: Bodies,
        rates: Buckets,
        clock: Clock,
        meter: Meter,
        tolerance: float,
        certificates: ClientCertificates,
        turns: Turns | None = None,
    ) -> None:
        self._certificates = certificates
        self._parse = parse
        self._intake = intake
        self._sources = sources
        self._bodies = bodies
        self._rates = rates
        self._turns = turns or Turns()
        self._replays = Replays(clock)
        self._strangers = Buckets(per_second=STRANGERS_PER_SECOND, burst=STRANGERS_BURST, clock=clock)
        self._clock = clock
        self._meter = meter
        self._tolerance = tolerance

    async def post(self, request: web.Request) -> web.Response:
        """One event."""
        response = await self._answer(request)
        self._meter.event_answered(response.status)
        return response

    async def _answer(self, request: web.Request) -> web.Response:
        if request.content_type != MEDIA_TYPE and "webhook-signature" not in request.headers:
            return problem(415, f"Send one event with Content-Type: {MEDIA_TYPE}.", headers={"Accept-Post": MEDIA_TYPE})
        try:
            body = await self._bodies.read(request, BODY_LIMIT)
        except BodyRefused as refused:
            return refused.response
        spoken = await self._speaker(request, body)
        if isinstance(spoken, web.Response):
            return spoken
        wait = self._rates.take(spoken.source.id)
        if wait:
            return try_again(429, "This source sends faster than it may. Send the same event again later.", wait)
        with scoped(Speaking(spoken.source.id)):
            if spoken.verified.stale:
                return await self._stale(body, spoken.source)
            if not self._bound(request, spoken.source):
                return await self._invalid(body, spoken.source, (UNBOUND,), status=401)
            if request.content_type != MEDIA_TYPE:
                return await self._invalid(body, spoken.source, (MISTYPED,), status=415)
            return await self._take(body, spoken.source)

    async def _speaker(self, request: web.Request, body: bytes) -> Spoken | web.Response:
        """The source whose key signed ``body``, or the refusal."""
        named = await self._sources.speaking(body)
        found = self._verified(request, body, named)
        if isinstance(found, Spoken):
            return found
        # A source that misspells its own name, or sends broken JSON, is still known by its key, and what it sends
        # must reach the quarantine: a badly formed report of a missing child is never thrown away.
        if "webhook-signature" in request.headers and not named:
            wait = self._strangers.take("strangers")
            if wait:
                return try_again(429, "Too many requests name no source this hub knows. Check `source`.", wait)
            found = self._verified(request, body, await self._sources.everyone())
            if isinstance(found, Spoken):
                return found
        self._meter.signature_refused(found)
        return problem(401, f"{_advice(found)} See Standard Webhooks.", headers=CHALLENGE, reason=found)

    def _verified(self, request: web.Request, body: bytes, sources: Sequence[Source]) -> Spoken | str:
        """Whose signature it is; else why not (the last reason)."""
        now = self._clock.now()
        stale: Spoken | None = None
        reason = "unknown_source"
        for source in sources:
            match verify(tuple(request.headers.items()), body, source.keys, now, self._tolerance):
                case Verified(stale=False) as verified:
                    return Spoken(source=source, verified=verified)
                case Verified() as verified:
                    stale = stale or Spoken(source=source, verified=verified)
                case Refused(reason=why):
                    reason = why
        return stale or reason

    def _bound(self, request: web.Request, source: Source) -> bool:
        """A key that was stolen is not enough where a source is bound to a certificate. What came without it is kept,
        and the operator told: behind a proxy that was set up anew it may be a report."""
        if source.certificate is None:
            return True
        return compare_digest(source.certificate, self._certificates.of(request) or b"")

    async def _stale(self, body: bytes, source: Source) -> web.Response:
        """Right but too old or too new: a slow queue must not swallow a report (readings.md D7)."""
        quarantine = await self._kept(body, source, (), "stale_signature")
        return problem(
            401,
            f"The signature is right, but its timestamp is more than {self._tolerance:g} seconds from the hub's clock. "
            "Sign again and send again; the body is kept and the operator is told.",
            headers=CHALLENGE,
            reason="stale_signature",
            quarantine=quarantine,
        )

    async def _take(self, body: bytes, source: Source) -> web.Response:
        match self._parse(body):
            case Invalid(problems=problems):
                return await self._invalid(body, source, problems)
            case EpisodeEvent() as event if event.source != source.uri:
                wrong = Problem(path="source", message="is not the source whose key signed this: send its own source")
                return await self._invalid(body, source, (wrong,), status=403)
            case EpisodeEvent() as event:
                try:
                    async with self._turns.turn(source.id):
                        answer = await self._intake.accept(event, body, source)
                except Crowded:
                    return try_again(503, "Too many events of this source wait already. Send the same again later.", 1)
                later = {"Retry-After": str(RETRY_KEY)} if answer.status == 503 else None
                return json_response(answer.body, status=answer.status, headers=later)

    async def _invalid(
        self, body: bytes, source: Source, problems: Sequence[Problem], status: int = 422
    ) -> web.Response:
        quarantine = await self._kept(body, source, problems, "invalid")
        return problem(
            status,
            KEPT,
            problems=problems,
            quarantine=quarantine,
        )

    async def _kept(
        self, body: bytes, source: Source, problems: Sequence[Problem], reason: Literal["invalid", "stale_signature"]
    ) -> str:
        """The id under which it is in quarantine: the first one's, where it came not long ago."""
        found = self._replays.known(source.id, body, reason)
        if found is None:
            found = await self._intake.refuse(body, source, problems, reason)
            self._replays.keep(source.id, body, reason, found)
        return found


def _advice(reason: str) -> str:
    if reason == "unknown_source":
        return "No source this hub knows is named in `source`, or it has been disabled (`fingerpost sources list`)."
    return "The request bears no valid signature of its source: check the secret, and that the exact bytes are signed."
