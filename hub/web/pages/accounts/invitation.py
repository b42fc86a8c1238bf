"""``/invitation/{token}``: by which an invited person, or one whose account is recovered, gets in.

Two steps: name and password, then the authenticator app. GET changes nothing and shows no secret, as link scanners
follow every link of a mail; the app's secret is on the answer to the first step only.
"""

import re
from io import BytesIO
from typing import Final

import segno
from aiohttp import web
from markupsafe import Markup

from hub.core.totp import app_uri, shown_secret
from hub.service.accounts.inviting import LONGEST_NAME, Followed, Inviting
from hub.service.accounts.steps import FormProblem
from hub.web.forms import Form
from hub.web.pages.accounts.signing_in import Slowed
from hub.web.pages.accounts.words import WRONG_CODE, errors_by, roles_in_words
from hub.web.pages.rendering import Pages
from hub.web.sessions import FORM, Sessions, landing

TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)


class InvitationPages:
    """Works without JavaScript. ``host``: what the app shows the account under."""

    def __init__(self, *, inviting: Inviting, sessions: Sessions, pages: Pages, slowed: Slowed, host: str) -> None:
        self._inviting = inviting
        self._sessions = sessions
        self._pages = pages
        self._slowed = slowed
        self._issuer = f"Fingerpost {host}"

    async def show(self, request: web.Request) -> web.StreamResponse:
        """Name and password, whatever was done with the link before."""
        followed = await self._followed(request)
        return self._gone() if followed is None else self._details(request, followed, None, ())

    async def take(self, request: web.Request) -> web.StreamResponse:
        """Take the one step or the other."""
        refused = self._slowed.too_many(request)
        if refused is not None:
            return refused
        followed = await self._followed(request)
        if followed is None:
            return self._gone()
        form = request[FORM]
        return await (self._take_code if form.one("step") == "code" else self._take_details)(request, followed, form)

    async def _take_details(self, request: web.Request, followed: Followed, form: Form) -> web.StreamResponse:
        outcome = await self._inviting.begin(
            request.match_info["token"], name=form.one("name"), password=form.one("password"), again=form.one("again")
        )
        match outcome:
            case None:
                return self._gone()
            case Followed():
                return self._app(request, outcome, ())
            case problems:
                return self._details(request, followed, form.one("name"), problems, 422)

    async def _take_code(self, request: web.Request, followed: Followed, form: Form) -> web.StreamResponse:
        done = await self._inviting.complete(request.match_info["token"], form.one("code"))
        if done is None:
            return self._gone()
        if isinstance(done, str):
            return self._app(request, followed, (WRONG_CODE,), 422)
        response = self._sessions.redirect(landing(done.viewer, ""))
        self._sessions.begin(response, done.token)
        return response

    async def _followed(self, request: web.Request) -> Followed | None:
        token = request.match_info["token"]
        return await self._inviting.follow(token) if TOKEN.fullmatch(token) else None

    def _gone(self) -> web.Response:
        """The same for every link that is not one: mistyped, used, replaced, too old."""
        return self._pages.message(
            404,
            "This link does not work",
            "It works once, for three days, and until there is a newer one. Check that it is complete, or ask whoever "
            "sent it for another.",
        )

    def _details(
        self,
        request: web.Request,
        followed: Followed,
        name: str | None,
        errors: tuple[FormProblem, ...],
        status: int = 200,
    ) -> web.Response:
        return self._sessions.page(
            request,
            "invitation.html",
            status=status,
            followed=followed,
            roles=roles_in_words(followed.roles),
            name=(followed.name or "" if name is None else name)[: LONGEST_NAME * 2],
            longest=LONGEST_NAME,
            errors=errors,
            errors_by=errors_by(errors, "name", "password", "again"),
        )

    def _app(
        self, request: web.Request, followed: Followed, errors: tuple[FormProblem, ...], status: int = 200
    ) -> web.Response:
        secret = followed.secret or b""
        return self._sessions.page(
            request,
            "invitation_app.html",
            status=status,
            secret=shown_secret(secret),
            picture=_picture(app_uri(secret, issuer=self._issuer, account=followed.email)),
            errors=errors,
            errors_by=errors_by(errors, "code"),
        )


def _picture(uri: str) -> Markup:
    """A QR code as SVG, drawn by attributes alone: the pages allow no inline style."""
    drawn = BytesIO()
    segno.make(uri, error="m", micro=False).save(
        drawn, kind="svg", scale=5, dark="#000", light="#fff", xmldecl=False, svgns=True, svgclass=None, lineclass=None
    )
    return Markup(drawn.getvalue().decode("ascii").strip())  # noqa: S704  # of nothing typed  # nosec B704
