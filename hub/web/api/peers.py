"""What this hub says of itself to other hubs, public and of no person; and where what they send comes in."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from aiohttp import web

from adapters.https.wire import ISSUER_HEADER
from hub.service.peers.receiving import NotTaken, Receiving
from hub.service.ports import Clock
from hub.service.tenancy import Speaking, scoped
from hub.web.bodies import Bodies
from hub.web.bodies import Refused as BodyRefused
from hub.web.limits import Buckets
from hub.web.problems import problem, try_again

DOCUMENT_TYPE: Final = "application/jose+json"
SEALED_TYPE: Final = "application/jose"
BODY_LIMIT: Final = 26 * 1024 * 1024
"""What a hub pushes has 25 MiB at most."""
NOTHING: Final = "This hub exchanges nothing with other hubs."
CHALLENGE: Final = {"WWW-Authenticate": "Webhook-Signature"}


class PeersApi:
    """``document``: the signed introduction; None, as ``inbox``, where this hub exchanges nothing with others."""

    def __init__(
        self, *, document: Callable[[datetime], bytes] | None, clock: Clock, inbox: "PeerInbox | None" = None
    ) -> None:
        self._document = document
        self._clock = clock
        self._inbox = inbox

    async def take(self, request: web.Request) -> web.Response:
        """What another hub sends."""
        if self._inbox is None:
            return problem(404, NOTHING)
        return await self._inbox.post(request)

    async def introduction(self, request: web.Request) -> web.Response:
        """This hub's id, name, inbox and keys, signed."""
        if self._document is None:
            return problem(404, NOTHING)
        return web.Response(
            body=self._document(self._clock.now()), content_type=DOCUMENT_TYPE, headers={"Cache-Control": "no-store"}
        )


class PeerInbox:
    """POST of one sealed message. ``rates``: a bucket for each peer, once it has shown that it is one."""

    def __init__(self, *, receiving: Receiving, bodies: Bodies, rates: Buckets) -> None:
        self._receiving = receiving
        self._bodies = bodies
        self._rates = rates

    async def post(self, request: web.Request) -> web.Response:
        """2xx, with a signed acknowledgement, once it is durable."""
        if request.content_type != SEALED_TYPE:
            return problem(415, f"Send one sealed message with Content-Type: {SEALED_TYPE}.")
        try:
            body = await self._bodies.read(request, BODY_LIMIT)
        except BodyRefused as refused:
            return refused.response
        headers, issuer = tuple(request.headers.items()), request.headers.get(ISSUER_HEADER, "")
        # No hub is called what is not ASCII, and a database may not take it.
        spoken = await self._receiving.speaker(issuer if issuer.isascii() else "", headers, body)
        if isinstance(spoken, NotTaken):
            return _refused(spoken)
        wait = self._rates.take(spoken.peer.hub)
        if wait:
            return try_again(429, "This hub sends faster than it may. Send the same again later.", wait)
        with scoped(Speaking(spoken.peer.said.source)):
            answer = await self._receiving.receive(spoken, body)
        if isinstance(answer, NotTaken):
            return _refused(answer)
        return web.Response(body=answer.receipt, content_type=SEALED_TYPE)


def _refused(why: NotTaken) -> web.Response:
    return problem(why.status, why.why, quarantine=why.quarantine, headers=CHALLENGE if why.status == 401 else None)
