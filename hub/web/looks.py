"""Which addresses are looks that leave a line in the audit log, all in one table.

The line is written before the answer leaves: if it cannot be, nothing is shown. What leaves a line of its own, with
what was read, is not here; a test holds that every address that answers GET is in one list or another.
"""

from collections.abc import Mapping
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from hub.service.audit.looks import Looked, Looks
from hub.web.api.episodes import BEARER, TOKEN
from hub.web.pages.agreements.pages import AGREEMENTS
from hub.web.pages.conversations.pages import CONVERSATIONS
from hub.web.pages.holds.pages import OF
from hub.web.pages.peers.pages import PEERS
from hub.web.pages.resolving.routes import RESOLVING
from hub.web.pages.tokens.routes import TOKENS
from hub.web.sessions import VIEWER

SEEN: Final[Mapping[str, str]] = {
    "/v1/episodes": "episodes.listed",
    "/v1/episodes/{episode}": "episode.viewed",
    "/v1/episodes/{episode}/agreements": "agreements.listed",
    "/v1/episodes/{episode}/threads": "conversations.listed",
    "/v1/episodes/{episode}/holds": "police_holds.viewed",
    "/v1/episodes/{episode}/readers": "conversations.listed",
    "/v1/threads/{thread}": "conversations.listed",
    "/v1/threads/{thread}/readers": "conversations.listed",
    "/v1/outbox": "outbox.listed",
    "/v1/outbox/{delivery}": "delivery.viewed",
    "/v1/directory": "directory.exported",
    "/v1/directory/changes": "directory.viewed",
    "/v1/directory/changes/{change}": "directory.viewed",
    "/v1/directory/coverage": "coverage.viewed",
    "/wall": "wall.viewed",
    "/wall/episodes/{episode}": "episode.viewed",
    "/wall/deliveries/{delivery}": "delivery.viewed",
    f"{CONVERSATIONS}/of/{{episode}}": "conversations.listed",
    f"{CONVERSATIONS}/of/{{episode}}/new": "conversations.listed",
    f"{AGREEMENTS}/of/{{episode}}": "agreements.listed",
    f"{AGREEMENTS}/of/{{episode}}/new": "conversations.listed",
    f"{AGREEMENTS}/{{agreement}}": "agreements.listed",
    RESOLVING: "resolutions.listed",
    f"{RESOLVING}/{{resolution}}": "resolution.viewed",
    OF: "police_holds.viewed",
    "/directory": "directory.viewed",
    "/directory/export": "directory.exported",
    "/directory/changes": "directory.viewed",
    "/directory/changes/{change}": "directory.viewed",
    "/directory/circulations": "directory.viewed",
    "/directory/imports/{upload}": "directory.viewed",
    "/directory/of/{organisation}": "directory.viewed",
    "/directory/of/{organisation}/plans": "directory.viewed",
    "/directory/of/{organisation}/{table}/{key}": "directory.viewed",
    "/directory/of/{organisation}/{table}/{key}/history": "directory.viewed",
    "/directory/coverage": "coverage.viewed",
    "/directory/coverage/of/{organisation}": "coverage.viewed",
    "/directory/proofs": "coverage.viewed",
    "/users": "users.viewed",
    "/users/{user}": "users.viewed",
    "/users/{user}/desks": "users.viewed",
    PEERS: "peers.viewed",
    f"{PEERS}/{{hub}}": "peers.viewed",
    TOKENS: "tokens.viewed",
    f"{TOKENS}/{{token}}": "tokens.viewed",
}


_CAME_BACK: Final = frozenset({409, 422})


def noted(looks: Looks) -> Middleware:
    """Writes down each look that was answered."""

    @web.middleware
    async def note(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        page = _shown(request, response)
        action = SEEN.get(page)
        if action is not None:
            actor, organisation = _who(request)
            await looks.note(
                Looked(
                    actor=actor,
                    organisation=organisation,
                    action=action,
                    route=page,
                    subjects={key: value for key, value in request.match_info.items() if f"{{{key}}}" in page},
                )
            )
        return response

    return note


def _shown(request: web.Request, response: web.StreamResponse) -> str:
    """The address of the page that this shows; empty where it shows none. A form that comes back with what is wrong
    with it shows the page that it stands on."""
    resource = request.match_info.route.resource
    if resource is None:
        return ""
    address = resource.canonical
    if request.method == "GET":
        return address if response.status == 200 else ""
    if request.method != "POST" or response.status not in _CAME_BACK or response.content_type != "text/html":
        return ""
    above = address.rpartition("/")[0]
    return above if address not in SEEN and "{" in above else address


def _who(request: web.Request) -> tuple[str, str | None]:
    if VIEWER in request:
        viewer = request[VIEWER]
        return viewer.actor, viewer.organisation
    if TOKEN in request:
        token = request[TOKEN]
        return f"token:{token.label}", token.organisation
    return f"token:{request[BEARER]}", None
