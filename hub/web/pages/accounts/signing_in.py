"""``/sign-in`` and ``/sign-in/code``: a password, then a code of the authenticator app; ``/sign-out``.

Whatever is wrong with the first step, the answer is the same (hub/service/accounts/signing_in.py).
"""

import math
from typing import Literal
from urllib.parse import quote

from aiohttp import web

from hub.service.accounts.providers import Providers
from hub.service.accounts.signing_in import SigningIn
from hub.service.accounts.steps import FormProblem
from hub.web.clients import Clients
from hub.web.limits import Buckets
from hub.web.pages.accounts.words import FAILED, WRONG_CODE, errors_by
from hub.web.pages.rendering import Pages
from hub.web.sessions import FORM, Sessions, asked_for, landing

SHOWN_AGAIN = 254
"""Characters of an address that come back into the form."""
CODE = "/sign-in/code"


class Slowed:
    """How many tries one client address has, over all pages that take a secret, and how many all have together: a
    password takes half a tenth of a second of a processor, which a thousand addresses would have none left of."""

    def __init__(self, buckets: Buckets, clients: Clients, pages: Pages, *, everybody: Buckets) -> None:
        self._buckets = buckets
        self._everybody = everybody
        self._clients = clients
        self._pages = pages

    def too_many(self, request: web.Request) -> web.Response | None:
        """An answer, if this try is one too many."""
        wait = self._buckets.take(self._clients.key(request)) or self._everybody.take("everybody")
        if not wait:
            return None
        response = self._pages.message(
            429, "Too many tries", "There were too many tries from your network. Wait a minute, and try again."
        )
        response.headers["Retry-After"] = str(max(1, math.ceil(wait)))
        return response


class SignInPages:
    """Works without JavaScript. ``passkeys``: whether browsers make any for the hub's address."""

    def __init__(
        self, *, signing_in: SigningIn, sessions: Sessions, slowed: Slowed, passkeys: bool, providers: Providers
    ) -> None:
        self._signing_in = signing_in
        self._sessions = sessions
        self._slowed = slowed
        self._passkeys = passkeys
        self._providers = providers

    async def show(self, request: web.Request) -> web.StreamResponse:
        """The first step; whoever is signed in already goes where they wanted to."""
        onward = asked_for(request.query.get("next", ""))
        viewer = await self._sessions.viewer(request)
        if viewer is not None:
            return self._sessions.redirect(landing(viewer, onward))
        return await self.first(request, onward, "", ())

    async def password(self, request: web.Request) -> web.StreamResponse:
        """Take address and password."""
        refused = self._slowed.too_many(request)
        if refused is not None:
            return refused
        form = request[FORM]
        onward = asked_for(form.one("next"))
        token = await self._signing_in.password(form.one("email"), form.one("password"))
        if token is None:
            return await self.first(request, onward, form.one("email"), (FAILED,), 422)
        response = self._second_step(onward)
        self._sessions.begin(response, token)
        return response

    async def show_code(self, request: web.Request) -> web.StreamResponse:
        """The second step, for whoever has taken the first."""
        onward = asked_for(request.query.get("next", ""))
        if not await self._signing_in.halfway(self._sessions.token(request)):
            return self._sessions.redirect("/sign-in")
        return self._second(request, onward, ())

    async def code(self, request: web.Request) -> web.StreamResponse:
        """Take a code; the session begins, under a token of its own."""
        refused = self._slowed.too_many(request)
        if refused is not None:
            return refused
        form = request[FORM]
        onward = asked_for(form.one("next"))
        done = await self._signing_in.code(self._sessions.token(request), form.one("code"))
        if done is None:
            return await self.first(request, onward, "", (FAILED,), 422)
        if isinstance(done, str):
            return self._second(request, onward, (WRONG_CODE,), 422)
        response = self._sessions.redirect(landing(done.viewer, onward))
        self._sessions.begin(response, done.token)
        return response

    async def out(self, request: web.Request) -> web.StreamResponse:
        """End this session."""
        await self._signing_in.sign_out(self._sessions.token(request))
        response = self._sessions.redirect("/sign-in")
        self._sessions.end(response)
        return response

    def _second_step(self, onward: str) -> web.Response:
        return self._sessions.redirect(f"{CODE}?next={quote(onward, safe='/')}" if onward else CODE)

    async def first(
        self, request: web.Request, onward: str, email: str, errors: tuple[FormProblem, ...], status: int = 200
    ) -> web.Response:
        """The page for the first step, and for whatever else opens a session."""
        return self._sessions.page(
            request,
            "sign_in.html",
            status=status,
            next=onward,
            email=email.strip()[:SHOWN_AGAIN],
            passkeys=self._passkeys,
            federated=bool(await self._providers.organisations()),
            errors=errors,
            errors_by=errors_by(errors, "email"),
        )

    def _second(
        self, request: web.Request, onward: str, errors: tuple[FormProblem, ...], status: Literal[200, 422] = 200
    ) -> web.Response:
        return self._sessions.page(
            request, "sign_in_code.html", status=status, next=onward, errors=errors, errors_by=errors_by(errors, "code")
        )
