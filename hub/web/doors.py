"""Through which door a request comes in: it decides what the request may touch (hub/service/tenancy.py).

A request has no scope until a guard gives it one: that of the signed-in person (hub/web/sessions.py), of a token
(hub/web/api/episodes.py) or of a source (hub/web/api/events.py). A route that has no guard, and does not say that it
goes without, reaches nothing in the store.
"""

from collections.abc import Iterable, Sequence

from aiohttp import web
from aiohttp.typedefs import Handler

from hub.service.tenancy import NOBODY, WHOLE, scoped


@web.middleware
async def unknown(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Whoever comes in is nobody."""
    with scoped(NOBODY):
        return await handler(request)


def unguarded(routes: Iterable[web.RouteDef]) -> Sequence[web.RouteDef]:
    """Routes without a guard. What their handlers look up they find by what only one person was sent, or somebody
    proves in them (a link's token, a callback's, a signature), or it is about nobody (health, the contract)."""
    return [web.RouteDef(route.method, route.path, _whole(route.handler), route.kwargs) for route in routes]


def _whole(handler: Handler) -> Handler:
    async def within(request: web.Request) -> web.StreamResponse:
        with scoped(WHOLE):
            return await handler(request)

    return within
