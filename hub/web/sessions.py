"""What stands between a signed-in person and every page of theirs: the session's cookie, and proof that a form is ours.

A form that acts bears a token that is derived from the cookie of the same browser, so a page elsewhere can make a
browser send the cookie but not the token. Where browsers say who made a request (Sec-Fetch-Site, Origin), another site
is refused besides. Pages are never framed and never kept (hub/web/pages/rendering.py).
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Final
from urllib.parse import quote, urlsplit

from aiohttp import web

from hub.core.accounts import Viewer, may
from hub.core.passkeys import origin_of
from hub.service.accounts.signing_in import SigningIn
from hub.service.accounts.steps import new_token
from hub.service.ports import Ids, StoreUnavailable
from hub.service.tenancy import WHOLE, scope_of, scoped
from hub.web.bodies import Bodies
from hub.web.forms import Form, FormRefused, Uploads, read_form, read_upload
from hub.web.pages.rendering import Pages
from hub.web.problems import title

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
VIEWER: Final = web.RequestKey("viewer", Viewer)
"""Who is signed in, on every page that is guarded."""
FORM: Final = web.RequestKey("form", Form)
"""What was sent to a guarded page, its token checked."""
BY_ITSELF: Final = frozenset({"text/event-stream", "text/html"})
"""What a script asks to be sent (hub/web/static/live.js); a browser that goes to a page accepts more."""
HOME: Final = "/account"
CSRF: Final = "csrf"
"""The field of a form that bears the token."""
ONLY_HERE: Final = frozenset({"127.0.0.1", "localhost", "::1"})
UNREAD: Final[Mapping[int, str]] = {
    408: "It took too long to arrive. Go back, and try again over a better connection.",
    413: "It is too large. Nothing was changed.",
}
_LOCAL: Final = re.compile(r"/(?![/\\])[!-~]{0,500}", re.ASCII)


def local_path(text: str) -> str:
    """``text`` if it is a path of this site; else the account's page. So a link to signing in leads nowhere else."""
    return text if _LOCAL.fullmatch(text) and "\\" not in text else HOME


def asked_for(text: str) -> str:
    """The page that somebody wants to come to, as :func:`local_path` has it; empty where they did not say."""
    return local_path(text) if text else ""


def landing(viewer: Viewer, asked: str) -> str:
    """Where somebody goes who has come in: where they wanted to, else to what waits for them."""
    if asked:
        return asked
    return "/notices" if may(viewer, "notices:see", viewer.organisation) else HOME


class Sessions:
    """Cookies and guards. ``secret``: at least 32 bytes, what the tokens of forms are derived from."""

    def __init__(
        self,
        *,
        signing_in: SigningIn,
        pages: Pages,
        bodies: Bodies,
        ids: Ids,
        public_url: str,
        secret: bytes,
        longest: float,
    ) -> None:
        """``longest``: seconds after which every session is over, and its cookie with it."""
        parts = urlsplit(public_url)
        self._signing_in = signing_in
        self._pages = pages
        self._bodies = bodies
        self._ids = ids
        self._secret = secret
        self._longest = int(longest)
        self._origin = origin_of(public_url)
        self._base = parts.path.rstrip("/")
        self._tls = parts.scheme == "https"
        self.offered = self._tls or parts.hostname in ONLY_HERE
        """Whether anybody can sign in: over http only on the machine itself, for development."""
        self._cookie = "__Host-fingerpost" if self._tls else "fingerpost"
        self._visit = f"{self._cookie}-form"

    # guards
    def guarded(self, handler: Handler, uploads: Uploads | None = None) -> Handler:
        """For signed-in people only; everybody else is sent to sign in, and back. A POST is checked besides, and its
        form is in ``request[FORM]``; with ``uploads`` it may bring files."""

        async def check(request: web.Request) -> web.StreamResponse:
            if not self.offered:
                return self.not_offered()
            with scoped(WHOLE):
                viewer = await self.viewer(request)
            if viewer is None:
                return self.redirect(f"/sign-in?next={quote(self._here(request), safe='/')}")
            request[VIEWER] = viewer
            with scoped(scope_of(viewer)):
                return await self._formed(request, handler, uploads)

        return check

    def open(self, handler: Handler) -> Handler:
        """For everybody, as the page to sign in is; a POST is checked in the same way."""

        async def check(request: web.Request) -> web.StreamResponse:
            if not self.offered:
                return self.not_offered()
            with scoped(WHOLE):  # nobody is signed in yet: accounts are looked for among all
                return await self._formed(request, handler)

        return check

    async def _formed(
        self, request: web.Request, handler: Handler, uploads: Uploads | None = None
    ) -> web.StreamResponse:
        if request.method == "POST":
            if self._from_elsewhere(request):
                return self._not_ours()
            try:
                form = await self._form(request, uploads)
            except FormRefused as refused:
                if refused.status == 404:
                    return self.nowhere()
                why = UNREAD.get(refused.status, "Go back, and try again.")
                return self._pages.message(refused.status, "The form could not be read", why)
            if not self._token_fits(request, form.one(CSRF)):
                return self._not_ours()
            request[FORM] = form
        return await handler(request)

    async def _form(self, request: web.Request, uploads: Uploads | None) -> Form:
        """A form of ours begins with the token: of one that does not, no file is read."""
        if uploads is None or request.content_type != "multipart/form-data":
            return await read_form(request, self._bodies)
        return await read_upload(
            request, uploads, lambda name, value: name == CSRF and self._token_fits(request, value)
        )

    def _from_elsewhere(self, request: web.Request) -> bool:
        """What the browser says of who made the request; an older one may say nothing, and has its token only. An
        origin of ``null`` is what browsers send from a page that tells nobody its address, such as ours."""
        site = request.headers.get("Sec-Fetch-Site")
        if site is not None:
            return site not in ("same-origin", "none")
        return request.headers.get("Origin") not in (None, "null", self._origin)

    def _token_fits(self, request: web.Request, given: str) -> bool:
        cookie = self.browser(request)
        return bool(cookie) and hmac.compare_digest(self._token(cookie).encode(), given.encode("utf-8", "replace"))

    def browser(self, request: web.Request) -> str:
        """The cookie that the tokens of this browser's forms are derived from, and what it is asked for bound to: its
        session's, before that a visit's; empty without one."""
        return request.cookies.get(self._cookie) or request.cookies.get(self._visit) or ""

    def _token(self, cookie: str) -> str:
        mac = hmac.digest(self._secret, b"form\0" + cookie.encode("utf-8", "replace"), hashlib.sha256)
        return base64.urlsafe_b64encode(mac).rstrip(b"=").decode("ascii")

    # the session
    async def viewer(self, request: web.Request, *, seen: bool = False) -> Viewer | None:
        """Who is signed in. What a script asks for by itself is no sign that they are there: a page left open keeps no
        session alive, nor in an older browser, which says nothing of who asks. ``seen``: it is one all the same."""
        token = request.cookies.get(self._cookie)
        by_hand = request.headers.get("Sec-Fetch-Dest") != "empty" and request.headers.get("Accept") not in BY_ITSELF
        return await self._signing_in.viewer(token, seen=seen or by_hand) if token else None

    async def still(self, request: web.Request) -> Viewer | None:
        """Who is signed in by now, for a stream that has been open for a while; whoever it was where nobody can say."""
        try:
            return await self.viewer(request)
        except StoreUnavailable:
            viewer: Viewer = request[VIEWER]
            return viewer

    def token(self, request: web.Request) -> str:
        """The session's token as the browser sent it; empty without one."""
        return request.cookies.get(self._cookie, "")

    def begin(self, response: web.StreamResponse, token: str) -> None:
        """Give the browser the session's token: never to scripts, never to another site, never in clear."""
        response.set_cookie(
            self._cookie, token, max_age=self._longest, path="/", httponly=True, secure=self._tls, samesite="Lax"
        )

    def end(self, response: web.StreamResponse) -> None:
        """Have the browser forget it."""
        response.del_cookie(self._cookie, path="/", httponly=True, secure=self._tls, samesite="Lax")

    def visit(self, request: web.Request) -> tuple[str, Callable[[web.StreamResponse], None]]:
        """The cookie of this browser; where it had none, another, and what gives it to the browser with an answer."""
        cookie = self.browser(request)
        fresh = cookie or new_token(self._ids)

        def give(response: web.StreamResponse) -> None:
            if not cookie:
                response.set_cookie(self._visit, fresh, path="/", httponly=True, secure=self._tls, samesite="Lax")

        return fresh, give

    # answers
    def page(self, request: web.Request, template: str, /, *, status: int = 200, **values: object) -> web.Response:
        """A page with a form on it, or of a signed-in person: ``csrf`` and ``viewer`` are there for the template."""
        cookie, visit = self.visit(request)
        response = self._pages.page(
            template, status=status, csrf=self._token(cookie), viewer=request.get(VIEWER), **values
        )
        visit(response)
        return response

    def redirect(self, path: str) -> web.Response:
        """To a path of this site, by GET (303)."""
        return web.Response(status=303, headers={"Location": self._base + path})

    def nowhere(self) -> web.Response:
        """The same for what is not there and for what is not the viewer's to see."""
        return self._pages.message(404, title(404), "Check the address.")

    def say(self, heading: str, text: str) -> web.Response:
        """That something cannot be done now, and what to do instead."""
        return self._pages.message(403, heading, text)

    def not_offered(self) -> web.Response:
        """Passwords do not travel in clear."""
        return self._pages.message(
            403, "You cannot sign in here", "This hub has no https address. Tell the people who run it."
        )

    def _not_ours(self) -> web.Response:
        return self._pages.message(
            403,
            "This form is too old",
            "Nothing was changed. Go back, load the page again, and send the form once more. Your browser has to take "
            "cookies of this site.",
        )

    def _here(self, request: web.Request) -> str:
        """Where to go once signed in: back to the page; from a form that is no page itself, to one's own account."""
        if request.method in ("GET", "HEAD"):
            return local_path(request.path_qs)
        resource = request.match_info.route.resource
        shown = resource is not None and any(route.method == "GET" for route in resource)
        return local_path(request.rel_url.raw_path) if shown else HOME
