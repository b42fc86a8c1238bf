"""What holds for every request: safe headers, counting, and no error that says more than it should."""

from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from hub.service.ports import Clock, StoreUnavailable
from hub.web.pages.rendering import SAFE_HEADERS, Pages
from hub.web.ports import Log, Meter
from hub.web.problems import RETRY_STORE, problem, title, try_again

METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"})
API: Final = ("/v1/", "/health/", "/metrics")
NUL: Final = "\0"
"""PostgreSQL takes it in no text, so nothing of ours has it in its address; asking for it would look like a fault."""


def headers_for(public_url: str) -> Callable[[web.Request, web.StreamResponse], Awaitable[None]]:
    """A signal that gives every response the safe headers; HSTS too where the hub is reached by https."""

    async def add(request: web.Request, response: web.StreamResponse) -> None:
        for name, value in SAFE_HEADERS.items():
            response.headers.setdefault(name, value)
        if public_url.startswith("https://"):
            response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
        response.headers["Server"] = "fingerpost"

    return add


def counted(meter: Meter, clock: Clock) -> Middleware:
    """Counts every request by its route's pattern, never by its path: a path may hold a token."""

    @web.middleware
    async def count(request: web.Request, handler: Handler) -> web.StreamResponse:
        began = clock.now()
        response = await handler(request)
        resource = request.match_info.route.resource
        route = resource.canonical if resource is not None else "none"
        method = request.method if request.method in METHODS else "other"
        seconds = max(0.0, (clock.now() - began).total_seconds())
        meter.request_answered(route, method, response.status, seconds)
        return response

    return count


def refusing(pages: Pages, log: Log) -> Middleware:
    """Turns every error into an answer: problem details for the API, a page for people, no detail of ours."""

    def refusal(request: web.Request, status: int, detail: str) -> web.Response:
        if request.path.startswith(API):
            return problem(status, detail)
        return pages.message(status, title(status), detail)

    @web.middleware
    async def refuse(request: web.Request, handler: Handler) -> web.StreamResponse:
        if NUL in request.path:
            return refusal(request, 404, "Check the address.")
        if NUL in request.query_string:
            return refusal(request, 400 if request.path.startswith(API) else 404, "Check the address.")
        try:
            return await handler(request)
        except web.HTTPMethodNotAllowed as error:
            allowed = ", ".join(sorted(error.allowed_methods))
            response = refusal(request, 405, f"Use {allowed}.")
            response.headers["Allow"] = allowed
            return response
        except web.HTTPNotFound:
            return refusal(request, 404, "Check the address.")
        except web.HTTPException as error:
            if error.status < 400:
                raise
            return refusal(request, error.status, "Check the request.")
        except StoreUnavailable:
            log.warning("store.unavailable", route=_route(request))
            if request.path.startswith(API):
                return try_again(503, "Nothing can be stored or read now. Send the same again later.", RETRY_STORE)
            response = refusal(request, 503, "Please try again in a minute.")
            response.headers["Retry-After"] = str(RETRY_STORE)
            return response
        except ConnectionError:
            # The client went away; whatever was decided is stored, and the same event again gets the same answer.
            raise
        except Exception as error:
            log.error("request.failed", route=_route(request), error=type(error).__name__)
            return refusal(request, 500, "It has been logged. Send the same again later.")

    return refuse


def _route(request: web.Request) -> str:
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else "none"
