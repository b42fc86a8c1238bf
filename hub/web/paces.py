"""How fast anybody may go: each client address, each token and each signed-in browser, over all routes together.

Whoever is refused is kept waiting first: a program that asks again at once would else have all of the hub's time with
being refused, and events would wait. For the same reason a few requests of one address are worked on at once.

Not here: events have the limits of their source (hub/web/api/events.py). Probes, and what mail servers and providers
hand over, are never slowed: who is refused there may not come again.
"""

import asyncio
import hashlib
import math
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from hub.service.ports import Clock
from hub.web.clients import Clients
from hub.web.limits import Buckets
from hub.web.pages.rendering import Pages
from hub.web.problems import try_again
from hub.web.turns import Crowded, Turns

FREE: Final = ("/v1/events", "/v1/callbacks/", "/v1/receipts/", "/health/")
API: Final = ("/v1/", "/metrics")
HELD: Final = 1.0
"""Seconds that a refusal is held back. The connections of one address are few (hub/web/connections.py)."""
AT_ONCE: Final = 4
WAITING: Final = 496
"""Requests of one client address that are worked on, and that wait for it: every request that is worked on at the same
time makes an event wait a little. A council's homes share an address, and all look when a child is missing: as many may
wait as may ask at once."""
PATIENCE: Final = 0.5
"""Seconds. What takes longer waits itself, for a body that comes slowly or for an identity provider, and is not in the
way of those who share its address (docs/adr/0009)."""
STREAM: Final = "text/event-stream"
LIVE: Final = "/live"
"""What the paths of streams end in."""
STATIC: Final = "/static/"
SLOW_DOWN: Final = "Too many requests. Send the same again later."


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Requests ``per_second``, and ``burst`` at once."""

    per_second: float
    burst: int


def paced(
    pages: Pages,
    clients: Clients,
    clock: Clock,
    *,
    address: Pace,
    caller: Pace,
    session: Callable[[web.Request], str],
    held: float = HELD,
) -> Middleware:
    """429 for who is faster, after ``held`` seconds. ``session``: the token of a signed-in browser, or nothing."""
    addresses, callers = (Buckets(per_second=one.per_second, burst=one.burst, clock=clock) for one in (address, caller))

    turns = Turns(at_once=AT_ONCE, waiting=WAITING, patience=PATIENCE)
    page: list[Any] = []

    def who(request: web.Request) -> str | None:
        """By a digest: what is kept opens nothing. A caller who makes up another token each time is one address."""
        given = request.headers.get("Authorization") or session(request)
        return None if not given else hashlib.sha256(given.encode("utf-8", "surrogateescape")).hexdigest()

    @web.middleware
    async def pace(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path.startswith(FREE):
            return await handler(request)
        client = clients.key(request)
        wait = addresses.take(client)
        caller_key = None if request.path.startswith(STATIC) else who(request)
        if not wait and caller_key is not None:
            wait = callers.take(caller_key)
        if not wait:
            if (
                request.path.endswith(LIVE) and request.headers.get("Accept") == STREAM
            ):  # it lasts as long as somebody looks
                return await handler(request)
            try:
                async with turns.turn(client):
                    return await handler(request)
            except Crowded:
                wait = 1.0
        with suppress(TimeoutError):
            async with asyncio.timeout(held):
                await asyncio.Event().wait()
        if request.path.startswith(API):
            return try_again(429, SLOW_DOWN, wait)
        if not page:  # rendered once: it is told to those who have no time of ours left
            page.append(pages.message(429, "Too many requests", "Wait a moment, and load the page again.").body)
        response = web.Response(status=429, body=page[0], content_type="text/html", charset="utf-8")
        response.headers["Retry-After"] = str(max(1, math.ceil(wait)))
        return response

    return pace
