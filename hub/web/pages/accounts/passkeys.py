"""``/sign-in/passkey`` and ``/account/passkeys``: signing in with a passkey, and making, naming and removing one's own.

Passkeys need JavaScript (hub/web/static/passkey.js): it asks here what to ask the browser for, puts the answer into the
form and sends that. Without it the pages say so, and password and code do all that a passkey does.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import web

from hub.core.passkeys import Passkey
from hub.service.accounts.passkeys import LONGEST_NAME, Passkeys
from hub.service.accounts.people import People
from hub.service.accounts.steps import FormProblem
from hub.web.pages.accounts.confirming import confirm_first
from hub.web.pages.accounts.signing_in import SignInPages, Slowed
from hub.web.pages.accounts.site import Site
from hub.web.pages.accounts.words import WRONG_PASSKEY, errors_by
from hub.web.sessions import FORM, HOME, VIEWER, Sessions, asked_for, landing

ADD = "/account/passkeys/add"


class PasskeyPages:
    """``passkeys``: None where the hub's address is one that browsers make none for; then nothing is there."""

    def __init__(
        self,
        *,
        passkeys: Passkeys | None,
        people: People,
        sign_in: SignInPages,
        site: Site,
        sessions: Sessions,
        slowed: Slowed,
    ) -> None:
        self._passkeys = passkeys
        self._people = people
        self._sign_in = sign_in
        self._site = site
        self._sessions = sessions
        self._slowed = slowed

    # signing in
    async def sign_in_options(self, request: web.Request) -> web.StreamResponse:
        """What to ask the browser for, to sign in (JSON)."""
        browser = self._sessions.browser(request)
        return answered(self._passkeys.options(browser) if self._passkeys is not None and browser else None)

    async def sign_in(self, request: web.Request) -> web.StreamResponse:
        """Take a passkey; the session begins."""
        refused = self._slowed.too_many(request)
        if refused is not None:
            return refused
        if self._passkeys is None:
            return self._sessions.nowhere()
        form = request[FORM]
        onward = asked_for(form.one("next"))
        done = await self._passkeys.sign_in(self._sessions.browser(request), form.one("answer"))
        if done is None:
            return await self._sign_in.first(request, onward, "", (WRONG_PASSKEY,), 422)
        response = self._sessions.redirect(landing(done.viewer, onward))
        self._sessions.begin(response, done.token)
        return response

    # one's own
    async def creation_options(self, request: web.Request) -> web.StreamResponse:
        """What to ask the browser for, to make a passkey (JSON)."""
        if self._passkeys is None:
            return self._sessions.nowhere()
        return answered(await self._passkeys.creation_options(request[VIEWER], self._sessions.browser(request)))

    async def show_add(self, request: web.Request) -> web.StreamResponse:
        """The form for making one."""
        if self._passkeys is None or not await self._people.has_password(request[VIEWER]):
            return self._sessions.nowhere()
        if not await self._passkeys.proved(request[VIEWER]):
            return confirm_first(self._sessions, ADD)
        return self._add(request, "", (), 200)

    async def add(self, request: web.Request) -> web.StreamResponse:
        """Keep one that was just made."""
        refused = self._slowed.too_many(request)
        if refused is not None:
            return refused
        if self._passkeys is None:
            return self._sessions.nowhere()
        form = request[FORM]
        problems = await self._passkeys.add(
            request[VIEWER], self._sessions.browser(request), name=form.one("name"), text=form.one("answer")
        )
        if problems is None:
            return confirm_first(self._sessions, ADD)
        if problems:
            return self._add(request, form.one("name"), problems, 422)
        return self._sessions.redirect(f"{HOME}?passkey=added")

    async def show(self, request: web.Request) -> web.StreamResponse:
        """One of them: its name, and removing it."""
        found = await self._own(request)
        return self._sessions.nowhere() if found is None else self._one(request, found, found.name, (), 200)

    async def rename(self, request: web.Request) -> web.StreamResponse:
        """Call it something else."""
        found, name = await self._own(request), request[FORM].one("name")
        if found is None or self._passkeys is None:
            return self._sessions.nowhere()
        problems = await self._passkeys.rename(request[VIEWER], found.id, name)
        if problems is None:
            return self._sessions.nowhere()
        return self._one(request, found, name, problems, 422) if problems else self._sessions.redirect(HOME)

    async def remove(self, request: web.Request) -> web.StreamResponse:
        """Remove it; password and code stay."""
        found = await self._own(request)
        if found is None or self._passkeys is None:
            return self._sessions.nowhere()
        done = await self._passkeys.remove(request[VIEWER], found.id)
        if done is None:
            return self._sessions.nowhere()
        if not done:
            return confirm_first(self._sessions, f"/account/passkeys/{found.id}")
        return self._sessions.redirect(f"{HOME}?passkey=removed")

    async def _own(self, request: web.Request) -> Passkey | None:
        if self._passkeys is None:
            return None
        return await self._passkeys.one(request[VIEWER], request.match_info["passkey"])

    def _add(self, request: web.Request, name: str, errors: Sequence[FormProblem], status: int) -> web.Response:
        return self._site.page(
            request,
            "passkey_add.html",
            status=status,
            name=name[: LONGEST_NAME * 2],
            longest=LONGEST_NAME,
            errors=errors,
            errors_by=errors_by(errors, "name", "passkey"),
        )

    def _one(
        self, request: web.Request, found: Passkey, name: str, errors: Sequence[FormProblem], status: int
    ) -> web.Response:
        return self._site.page(
            request,
            "passkey.html",
            status=status,
            passkey=found,
            name=name[: LONGEST_NAME * 2],
            longest=LONGEST_NAME,
            errors=errors,
            errors_by=errors_by(errors, "name"),
        )


def answered(options: Mapping[str, Any] | None) -> web.Response:
    """What the script is told: what to ask the browser for; nothing, if somebody may not ask."""
    return web.json_response(options) if options is not None else web.json_response({}, status=403)
