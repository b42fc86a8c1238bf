"""``/account/confirm``: showing again who one is, by password and code or by a passkey; then it goes on from there."""

from urllib.parse import quote

from aiohttp import web

from hub.service.accounts.confirming import Confirming
from hub.service.accounts.passkeys import Passkeys
from hub.service.accounts.people import People
from hub.service.accounts.steps import FormProblem
from hub.web.pages.accounts.signing_in import Slowed
from hub.web.pages.accounts.site import Site
from hub.web.pages.accounts.words import WRONG_CONFIRMATION, WRONG_PASSKEY, errors_by
from hub.web.sessions import FORM, VIEWER, Sessions, local_path

CONFIRM = "/account/confirm"


def confirm_first(sessions: Sessions, onward: str) -> web.Response:
    """To the page where one shows who one is, and from there to ``onward``."""
    return sessions.redirect(f"{CONFIRM}?next={quote(onward, safe='/')}")


class ConfirmPages:
    """All of it is guarded. ``passkeys``: as in PasskeyPages."""

    def __init__(
        self,
        *,
        confirming: Confirming,
        people: People,
        passkeys: Passkeys | None,
        site: Site,
        sessions: Sessions,
        slowed: Slowed,
    ) -> None:
        self._confirming = confirming
        self._people = people
        self._passkeys = passkeys
        self._site = site
        self._sessions = sessions
        self._slowed = slowed

    async def show(self, request: web.Request) -> web.StreamResponse:
        """The form for password and code, and the button for a passkey."""
        if not await self._people.has_password(request[VIEWER]):
            return self._sessions.nowhere()
        return await self._page(request, local_path(request.query.get("next", "")), (), 200)

    async def confirm(self, request: web.Request) -> web.StreamResponse:
        """Take password and code."""
        refused = self._slowed.too_many(request)
        if refused is not None:
            return refused
        form = request[FORM]
        onward = local_path(form.one("next"))
        if await self._confirming.confirm(request[VIEWER], form.one("password"), form.one("code")):
            return self._sessions.redirect(onward)
        return await self._page(request, onward, (WRONG_CONFIRMATION,), 422)

    async def options(self, request: web.Request) -> web.StreamResponse:
        """What to ask the browser for (JSON)."""
        if self._passkeys is None:
            return self._sessions.nowhere()
        browser = self._sessions.browser(request)
        return web.json_response(await self._passkeys.confirm_options(request[VIEWER], browser))

    async def passkey(self, request: web.Request) -> web.StreamResponse:
        """Take one of the viewer's own."""
        refused = self._slowed.too_many(request)
        if refused is not None:
            return refused
        if self._passkeys is None:
            return self._sessions.nowhere()
        form, browser = request[FORM], self._sessions.browser(request)
        onward = local_path(form.one("next"))
        if await self._passkeys.confirm(request[VIEWER], browser, form.one("answer")):
            return self._sessions.redirect(onward)
        return await self._page(request, onward, (WRONG_PASSKEY,), 422)

    async def _page(
        self, request: web.Request, onward: str, errors: tuple[FormProblem, ...], status: int
    ) -> web.Response:
        own = await self._passkeys.listed(request[VIEWER]) if self._passkeys is not None else ()
        return self._site.page(
            request,
            "confirm.html",
            status=status,
            next=onward,
            email=await self._people.address(request[VIEWER]),
            passkeys=bool(own),
            errors=errors,
            errors_by=errors_by(errors, "password"),
        )
