"""``/tokens``: the API tokens of an organisation: make, rotate and revoke them. A secret is shown once.

Whoever makes or rotates one has shown just now who they are; whose tokens they are not, is answered as if there were
none.
"""

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

from aiohttp import web

from contacts.roles import OPERATOR
from hub.core.accounts import Viewer, may
from hub.core.api_tokens import LONGEST_OVERLAP, Held, ended, offered
from hub.service.accounts.confirming import Confirming
from hub.service.accounts.steps import FormProblem
from hub.service.ports import Clock
from hub.service.tokens.keeping import Made, Tokens, Wanted
from hub.web.pages.accounts.confirming import confirm_first
from hub.web.pages.accounts.site import Site
from hub.web.pages.accounts.words import errors_by
from hub.web.pages.tokens.words import desk_choices, desks_words, scope_choices, scope_words
from hub.web.sessions import FORM, VIEWER, Sessions

TOKENS: Final = "/tokens"
USUAL_OVERLAP: Final = "7"
"""Days."""
_DAYS: Final = re.compile(r"[0-9]{1,3}", re.ASCII)
_AGAIN: Final = (
    "Sign in again first",
    "You sign in with the account of your organisation. Sign out, sign in again, and do this within five minutes.",
)


class TokenPages:
    """All of it is guarded."""

    def __init__(self, *, tokens: Tokens, confirming: Confirming, site: Site, sessions: Sessions, clock: Clock) -> None:
        self._tokens = tokens
        self._confirming = confirming
        self._site = site
        self._sessions = sessions
        self._clock = clock

    def routes(self) -> Sequence[web.RouteDef]:
        """Each behind the guard of the accounts."""
        guarded, one = self._sessions.guarded, f"{TOKENS}/{{token}}"
        return [
            web.get(TOKENS, guarded(self.index)),
            web.get(f"{TOKENS}/add", guarded(self.show_add)),
            web.post(f"{TOKENS}/add", guarded(self.add)),
            web.get(one, guarded(self.show)),
            web.post(f"{one}/rotate", guarded(self.rotate)),
            web.post(f"{one}/revoke", guarded(self.revoke)),
        ]

    async def index(self, request: web.Request) -> web.StreamResponse:
        """Those that the viewer looks after."""
        viewer = request[VIEWER]
        if not may(viewer, "tokens:manage", viewer.organisation):
            return self._sessions.nowhere()
        rows = [self._row(one) for one in await self._tokens.listed(viewer)]
        return self._site.page(request, "tokens.html", tokens=rows, many=viewer.organisation == OPERATOR)

    async def show_add(self, request: web.Request) -> web.StreamResponse:
        """The form for making one."""
        refused = await self._refused(request, f"{TOKENS}/add")
        return refused or await self._add(request, "", (), (), self._longest, (), 200)

    async def add(self, request: web.Request) -> web.StreamResponse:
        """Make it, and show its secret this once."""
        refused = await self._refused(request, f"{TOKENS}/add")
        if refused is not None:
            return refused
        viewer, form = request[VIEWER], request[FORM]
        name, scopes, days = form.one("name").strip(), form.all("scopes"), form.one("days").strip()
        desks = form.all("desks")
        lasts = _span(days)
        if lasts is None:
            return await self._add(request, name, scopes, desks, days, (self._wrong_days,), 422)
        wanted = Wanted(
            name=name,
            scopes=scopes,
            organisation=_own(viewer),
            desks=desks,
            # It is a program's, and what it proposes its maker does not approve themselves.
            person=viewer.user,
            ends_at=self._clock.now() + lasts,
        )
        made = await self._tokens.add(viewer, wanted)
        match made:
            case Made():
                return self._secret(request, made)
            case None:
                return self._sessions.nowhere()
            case problems:
                shown = tuple(self._wrong_days if one.field == "ends" else one for one in problems)
                return await self._add(request, name, scopes, desks, days, shown, 422)

    async def show(self, request: web.Request) -> web.StreamResponse:
        """One of them: rotating and revoking it."""
        found = await self._tokens.one(request[VIEWER], request.match_info["token"])
        return self._sessions.nowhere() if found is None else self._one(request, found, USUAL_OVERLAP, (), 200)

    async def rotate(self, request: web.Request) -> web.StreamResponse:
        """Give it a new secret, and show that this once."""
        token, viewer = request.match_info["token"], request[VIEWER]
        found = await self._tokens.one(viewer, token)
        if found is None:
            return self._sessions.nowhere()
        refused = await self._refused(request, f"{TOKENS}/{token}")
        if refused is not None:
            return refused
        days = request[FORM].one("overlap").strip()
        overlap = _span(days)
        wrong = FormProblem(
            field="overlap", message=f"Enter a number of days, {LONGEST_OVERLAP.days} at most; 0 ends the old one now"
        )
        if overlap is None:
            return self._one(request, found, days, (wrong,), 422)
        match await self._tokens.rotate(viewer, token, overlap=overlap):
            case Made() as made:
                return self._secret(request, made)
            case None:
                return self._sessions.nowhere()
            case _:
                return self._one(request, found, days, (wrong,), 422)

    async def revoke(self, request: web.Request) -> web.StreamResponse:
        """Make it worthless."""
        done = await self._tokens.revoke(request[VIEWER], request.match_info["token"])
        return self._sessions.redirect(TOKENS) if done else self._sessions.nowhere()

    async def _refused(self, request: web.Request, onward: str) -> web.StreamResponse | None:
        """The answer to whoever may not make one, or has not shown just now who they are."""
        viewer = request[VIEWER]
        if not may(viewer, "tokens:manage", viewer.organisation):
            return self._sessions.nowhere()
        match await self._confirming.proved(viewer):
            case True:
                return None
            case False:
                return confirm_first(self._sessions, onward)
            case None:
                return self._sessions.say(*_AGAIN)

    @property
    def _longest(self) -> str:
        return str(self._tokens.longest.days)

    @property
    def _wrong_days(self) -> FormProblem:
        return FormProblem(field="days", message=f"Enter a number of days from 1 to {self._longest}")

    async def _add(
        self,
        request: web.Request,
        name: str,
        scopes: Sequence[str],
        desks: Sequence[str],
        days: str,
        errors: Sequence[FormProblem],
        status: int,
    ) -> web.Response:
        viewer = request[VIEWER]
        return self._site.page(
            request,
            "token_add.html",
            status=status,
            name=name[:64],
            days=days[:3],
            choices=scope_choices(offered(viewer, _own(viewer)), scopes),
            desks=desk_choices(await self._tokens.desks(viewer), desks) if _own(viewer) else (),
            errors=errors,
            errors_by=errors_by(errors, "name", "scopes", "desks", "days"),
        )

    def _one(
        self, request: web.Request, held: Held, overlap: str, errors: Sequence[FormProblem], status: int
    ) -> web.Response:
        may_have: set[str] = set(offered(request[VIEWER], held.token.organisation))
        return self._site.page(
            request,
            "token.html",
            status=status,
            token=self._row(held),
            overlap=overlap[:3],
            rotatable=held.token.scopes <= may_have,
            errors=errors,
            errors_by=errors_by(errors, "overlap"),
        )

    def _secret(self, request: web.Request, made: Made) -> web.Response:
        return self._site.page(
            request,
            "token_secret.html",
            name=made.token.name,
            secret=made.secret,
            ends_at=made.ends_at,
            others_end=made.others_end,
        )

    def _row(self, held: Held) -> dict[str, Any]:
        token, now = held.token, self._clock.now()
        older = [one.ends_at for one in held.secrets[1:] if not ended(one, now)]
        return {
            "id": token.id,
            "name": token.name,
            "of": "This hub" if token.organisation is None else self._site.called(token.organisation),
            "scopes": scope_words(token.scopes),
            "desks": desks_words(token.desks),
            "created_at": token.created_at,
            "ends_at": held.newest.ends_at,
            "ended": ended(held.newest, now),
            "older_until": max(older, default=None),
            "used_at": held.used_at,
            "certificate": None if token.certificate is None else token.certificate.hex(),
        }


def _own(viewer: Viewer) -> str | None:
    """Whose token somebody makes: their organisation's, or the hub's own."""
    return None if viewer.organisation == OPERATOR else viewer.organisation


def _span(days: str) -> timedelta | None:
    return timedelta(days=int(days)) if _DAYS.fullmatch(days) else None
