"""The tokens of API requests, as they come over the wire: from which address, and with which client certificate.

Tokens that are none count against the address they come from. Once it has shown too many, only those that were good a
while ago are looked up for it: a guesser asks nothing of the store, and whoever shares the address goes on working.
"""

import math
from collections.abc import Callable
from typing import Final

from aiohttp import web

from hub.core.api_tokens import Scope, Token
from hub.service.access import Access, Denied, Granted, bearer
from hub.web.clients import Clients
from hub.web.limits import Buckets
from hub.web.problems import problem

AT_ONCE: Final = 30
"""Tokens that are none which one address may show at once."""
Certificate = Callable[[web.Request], bytes | None]
"""SHA-256 of the client certificate that stands behind a request, if there is one that counts."""
_NO_TOKEN: Final = frozenset({"unknown", "revoked", "expired", "certificate"})


class Bearers:
    """``failures``: what the tries of one address are taken from."""

    def __init__(self, access: Access, *, failures: Buckets, clients: Clients, certificate: Certificate) -> None:
        self._access = access
        self._failures = failures
        self._clients = clients
        self._certificate = certificate

    async def check(self, request: web.Request, scope: Scope, organisation: str | None) -> Granted | Denied:
        """May the bearer do this, with the data of ``organisation``? Raises StoreUnavailable."""
        client = self._clients.key(request)
        found = await self._access.check(
            bearer(request.headers.get("Authorization")),
            scope,
            organisation,
            certificate=self._certificate(request),
            slow=lambda: self._failures.wait(client) > 0,
        )
        self._count(client, found)
        return found

    async def known(self, request: web.Request, scope: Scope) -> Token | Denied:
        """The bearer's token, if it has the scope. Raises StoreUnavailable."""
        client = self._clients.key(request)
        found = await self._access.known(
            bearer(request.headers.get("Authorization")),
            scope,
            certificate=self._certificate(request),
            slow=lambda: self._failures.wait(client) > 0,
        )
        self._count(client, found)
        return found

    def _count(self, client: str, found: Token | Granted | Denied) -> None:
        if isinstance(found, Denied) and found.reason in _NO_TOKEN:
            self._failures.take(client)


def denial(denied: Denied, scope: Scope) -> web.Response:
    """The answer to whoever may not (RFC 6750, 3). A token that was revoked is answered as one that never was."""
    match denied.reason:
        case "scope":
            challenge = f'Bearer error="insufficient_scope", scope="{scope}"'
            return problem(403, f"This token lacks the scope {scope}.", headers={"WWW-Authenticate": challenge})
        case "organisation":
            return problem(403, "This token does not speak for this organisation.")
        case "slow":
            return problem(
                429,
                "Too many tokens that are none came from this address. Send a right one later.",
                headers={"Retry-After": str(math.ceil(RETRY))},
            )
        case "missing":
            return _unauthorised(f"Send `Authorization: Bearer TOKEN` with a token of the scope {scope}.", "Bearer")
        case "expired":
            return _unauthorised("This token has ended. Have it rotated.", 'Bearer error="invalid_token"')
        case "certificate":
            return _unauthorised(
                "This token opens something only with its client certificate.", 'Bearer error="invalid_token"'
            )
        case "unknown" | "revoked":
            return _unauthorised(
                f"This is no token of this hub. Send one of the scope {scope} (`fingerpost tokens add`).",
                'Bearer error="invalid_token"',
            )


RETRY: Final = 60.0
"""Seconds after which somebody who was slowed down should try again."""


def _unauthorised(detail: str, challenge: str) -> web.Response:
    return problem(401, detail, headers={"WWW-Authenticate": challenge})
