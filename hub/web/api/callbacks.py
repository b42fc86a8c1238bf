"""``/v1/receipts/email`` and ``/v1/callbacks/…``: what mail servers and providers hand over.

204 only when it is stored; until then whoever sent it keeps it and sends it again.
"""

from collections.abc import Callable, Sequence
from typing import Final, Protocol

from aiohttp import web

from adapters.email.credentials import Secret
from adapters.sms.govuk_callbacks import LARGEST, Unauthorised, delivery_receipt, received_text
from adapters.sms.inbound import Inbound
from hub.service.ports import Clock
from hub.web.bodies import Bodies
from hub.web.bodies import Refused as BodyRefused
from hub.web.problems import problem

MAIL_LIMIT: Final = 40 * 1024 * 1024
"""Bytes: a bounce may return a whole notice."""
RECIPIENT: Final = "Fingerpost-Recipient"
LONGEST_ADDRESS: Final = 320


class Inbox(Protocol):
    """Stores what comes back. Both raise StoreUnavailable."""

    async def take_mail(self, raw: bytes, recipient: str) -> None: ...
    async def take_text(self, inbound: Inbound, raw: bytes) -> None: ...


class CallbacksApi:
    """``tokens``: what GOV.UK Notify may say it is by; none, and nothing is taken from it."""

    def __init__(self, *, inbox: Inbox, tokens: Sequence[Secret], bodies: Bodies, clock: Clock) -> None:
        self._inbox = inbox
        self._tokens = tuple(tokens)
        self._bodies = bodies
        self._clock = clock

    async def mail(self, request: web.Request) -> web.Response:
        """One mail, as it came to the address in ``Fingerpost-Recipient``."""
        recipient = request.headers.get(RECIPIENT, "").strip()
        if "@" not in recipient or len(recipient) > LONGEST_ADDRESS:
            return problem(400, f"Send the address that the mail came to (RCPT TO) as {RECIPIENT}.")
        try:
            raw = await self._bodies.read(request, MAIL_LIMIT)
        except BodyRefused as refused:
            return refused.response
        await self._inbox.take_mail(raw, recipient)
        return web.Response(status=204)

    async def notify_receipt(self, request: web.Request) -> web.Response:
        """What became of one text message."""
        return await self._notify(
            request, lambda body, said: delivery_receipt(body, said, self._tokens, self._clock.now())
        )

    async def notify_text(self, request: web.Request) -> web.Response:
        """A text message that somebody sent."""
        return await self._notify(
            request, lambda body, said: received_text(body, said, self._tokens, self._clock.now())
        )

    async def _notify(
        self, request: web.Request, read: Callable[[bytes, str | None], Inbound | Unauthorised]
    ) -> web.Response:
        try:
            body = await self._bodies.read(request, LARGEST)
        except BodyRefused as refused:
            return refused.response
        found = read(body, request.headers.get("Authorization"))
        if isinstance(found, Unauthorised):
            return problem(401, "Send the bearer token of this callback.", headers={"WWW-Authenticate": "Bearer"})
        await self._inbox.take_text(found, body)
        return web.Response(status=204)
