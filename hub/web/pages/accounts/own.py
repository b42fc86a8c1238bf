"""``/account``: one's own account: where one is signed in, another password."""

from typing import Final

from aiohttp import web

from hub.service.accounts.passkeys import Passkeys
from hub.service.accounts.people import People
from hub.service.accounts.steps import FormProblem
from hub.web.pages.accounts.signing_in import Slowed
from hub.web.pages.accounts.site import Site
from hub.web.pages.accounts.words import errors_by, roles_in_words
from hub.web.sessions import FORM, HOME, VIEWER, Sessions

DONE: Final = {
    "password": "Your password is changed. You are signed out everywhere else.",  # words  # nosec B105
    "added": "The passkey is added. You can sign in with it from now on.",
    "removed": "The passkey is removed here. Delete it on your device too.",
}


class OwnPages:
    """All of it is guarded."""

    def __init__(
        self, *, people: People, passkeys: Passkeys | None, site: Site, sessions: Sessions, slowed: Slowed
    ) -> None:
        """``passkeys``: None where browsers make none for the hub's address."""
        self._people = people
        self._passkeys = passkeys
        self._site = site
        self._sessions = sessions
        self._slowed = slowed

    async def show(self, request: web.Request) -> web.StreamResponse:
        """Who one is here, and the browsers one is signed in with."""
        viewer, own = request[VIEWER], await self._people.has_password(request[VIEWER])
        return self._site.page(
            request,
            "account.html",
            email=await self._people.address(viewer),
            roles=roles_in_words(viewer.roles),
            sessions=await self._people.sessions(viewer),
            password=own,
            passkeys=await self._passkeys.listed(viewer) if self._passkeys is not None and own else None,
            done=DONE.get("password" if "changed" in request.query else request.query.get("passkey", ""), ""),
        )

    async def end_session(self, request: web.Request) -> web.StreamResponse:
        """End one of one's own sessions."""
        await self._people.end_session(request[VIEWER], request.match_info["session"])
        return self._sessions.redirect(HOME)

    async def end_all(self, request: web.Request) -> web.StreamResponse:
        """Sign out everywhere, here too."""
        await self._people.sign_out_everywhere(request[VIEWER])
        response = self._sessions.redirect("/sign-in")
        self._sessions.end(response)
        return response

    async def show_password(self, request: web.Request) -> web.StreamResponse:
        """The form for another password."""
        if not await self._people.has_password(request[VIEWER]):
            return self._sessions.nowhere()
        return await self._password(request, (), 200)

    async def change_password(self, request: web.Request) -> web.StreamResponse:
        """Take another password."""
        refused = self._slowed.too_many(request)
        if refused is not None:
            return refused
        form = request[FORM]
        problems = await self._people.change_password(
            request[VIEWER], current=form.one("current"), password=form.one("password"), again=form.one("again")
        )
        return await self._password(request, problems, 422) if problems else self._sessions.redirect(f"{HOME}?changed")

    async def _password(self, request: web.Request, errors: tuple[FormProblem, ...], status: int) -> web.Response:
        by_field = errors_by(errors, "current", "password", "again")
        email = await self._people.address(request[VIEWER])
        return self._site.page(
            request, "account_password.html", status=status, email=email, errors=errors, errors_by=by_field
        )
