"""Reading episodes over the API, under a token with the scope ``episodes:read``: ids, roles, states, instants.

Nothing personal: no name, no address, no fact of the child. Those stay in the notices of those who must know.
"""

from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web

from hub.core.api_tokens import Scope, Token
from hub.service.access import Denied, Granted
from hub.service.tenancy import WHOLE, scope_of_token, scoped
from hub.service.timeline import Seeing
from hub.web.api.bearers import Bearers, denial
from hub.web.api.ledger import episode_body, timeline_body
from hub.web.problems import json_response, problem

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
BEARER: Final = web.RequestKey("bearer", str)
"""The label of the token of a request (Token.label)."""
TOKEN: Final = web.RequestKey("token", Token)
"""The token of a request, as it is on file."""


def guarded(access: Bearers, scope: Scope, handler: Handler) -> Handler:
    """``handler`` for bearers of a token with ``scope`` only (RFC 6750), and, where the path names an
    ``{organisation}``, of a token of that organisation."""

    async def check(request: web.Request) -> web.StreamResponse:
        organisation = request.match_info.get("organisation")
        with scoped(WHOLE):
            found = await access.check(request, scope, organisation)
        match found:
            case Granted(name=name):
                request[BEARER] = name
                with scoped(scope_of_token(organisation)):
                    return await handler(request)
            case Denied() as denied:
                return denial(denied, scope)

    return check


def guarded_own(access: Bearers, scope: Scope, handler: Handler) -> Handler:
    """``handler`` for bearers of a token with ``scope``, whosever it is: ``request[TOKEN]`` says whose data it opens,
    and what the handler answers is narrowed down to those."""

    async def check(request: web.Request) -> web.StreamResponse:
        with scoped(WHOLE):
            found = await access.known(request, scope)
        match found:
            case Token() as token:
                request[TOKEN] = token
                with scoped(scope_of_token(token.organisation)):
                    return await handler(request)
            case Denied() as denied:
                return denial(denied, scope)

    return check


class EpisodesApi:
    """/v1/episodes and /v1/episodes/{episode}."""

    def __init__(self, seeing: Seeing) -> None:
        self._seeing = seeing

    async def index(self, request: web.Request) -> web.Response:
        """The newest hundred."""
        return json_response({"episodes": [episode_body(record) for record in await self._seeing.episodes()]})

    async def one(self, request: web.Request) -> web.Response:
        """One episode: decisions, notices, deliveries, attempts, receipts, answers, duties."""
        timeline = await self._seeing.timeline(request.match_info["episode"])
        if timeline is None:
            return problem(404, "No episode has this id.")
        return json_response(timeline_body(timeline))
