"""``/peers``: other hubs, introduced by one of the people who run this hub and confirmed by another, by telephone.

For whoever may see the hub (``hub:see``); for anybody else there is no such page. Whoever changes anything has shown
just now who they are. A hub's fingerprint is never shown before it is confirmed: it has to be heard.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any, Final

from aiohttp import web

from contacts.roles import OPERATOR
from hub.core.accounts import may
from hub.core.peers import Introduction, Peer, State, fingerprint
from hub.service.accounts.confirming import Confirming
from hub.service.accounts.steps import FormProblem
from hub.service.peers.introducing import Introducing, Refused
from hub.web.pages.accounts.confirming import confirm_first
from hub.web.pages.accounts.site import Site
from hub.web.pages.accounts.words import errors_by
from hub.web.sessions import FORM, VIEWER, Handler, Sessions

PEERS: Final = "/peers"
NOBODY: Final = "nobody"
STATES: Final[dict[State, tuple[str, str]]] = {
    "introduced": ("Has to be confirmed", "govuk-tag--yellow"),
    "confirmed": ("Confirmed", "govuk-tag--green"),
    "suspended": ("Suspended", "govuk-tag--red"),
}
"""Words, and the class of the tag."""
DONE: Final[dict[str, str]] = {
    "introduced": "It was introduced. Nothing is taken from it, and nothing sent, until somebody else confirms it.",
    "confirmed": "It is confirmed.",
    "refreshed": "What it says of itself was fetched.",
    "suspended": "It is suspended, until somebody else confirms it anew.",
    "removed": "It was forgotten. What came from it stays.",
}
_HUB: Final = re.compile(r"hub_[0-9A-Z]{26}", re.ASCII)
_AGAIN: Final = (
    "Sign in again first",
    "You sign in with the account of your organisation. Sign out, sign in again, and do this within five minutes.",
)


class PeerPages:
    """All of it is guarded. ``own``: what this hub says of itself; None where it exchanges nothing."""

    def __init__(
        self,
        *,
        introducing: Introducing,
        own: Introduction | None,
        confirming: Confirming,
        site: Site,
        sessions: Sessions,
    ) -> None:
        self._introducing = introducing
        self._own = own
        self._confirming = confirming
        self._site = site
        self._sessions = sessions

    def routes(self) -> Sequence[web.RouteDef]:
        """Each for those who run the hub."""
        one = f"{PEERS}/{{hub}}"
        return [
            web.get(PEERS, self._operators(self.index)),
            web.post(PEERS, self._operators(self.introduce)),
            web.get(one, self._operators(self.show)),
            web.post(f"{one}/confirm", self._operators(self.confirm)),
            web.post(f"{one}/refresh", self._operators(self.refresh)),
            web.post(f"{one}/suspend", self._operators(self.suspend)),
            web.post(f"{one}/remove", self._operators(self.remove)),
        ]

    def _operators(self, handler: Handler) -> Handler:
        async def check(request: web.Request) -> web.StreamResponse:
            if not may(request[VIEWER], "hub:see", OPERATOR):
                return self._sessions.nowhere()
            if request.method == "POST":
                match await self._confirming.proved(request[VIEWER]):
                    case False:
                        hub = request.match_info.get("hub")
                        return confirm_first(self._sessions, PEERS if hub is None else f"{PEERS}/{hub}")
                    case None:
                        return self._sessions.say(*_AGAIN)
                    case True:
                        pass
            return await handler(request)

        return self._sessions.guarded(check)

    async def index(self, request: web.Request) -> web.StreamResponse:
        """Those that are known, what this one is known by, and the form that introduces another."""
        return await self._index(request, "", ())

    async def introduce(self, request: web.Request) -> web.StreamResponse:
        """Fetch what another hub says of itself."""
        url, viewer = request[FORM].one("url").strip(), request[VIEWER]
        try:
            peer = await self._introducing.introduce(url, viewer.name, actor=viewer.actor)
        except Refused as refused:
            return await self._index(request, url, (FormProblem(field="url", message=str(refused)),))
        return self._sessions.redirect(f"{PEERS}/{peer.hub}?done=introduced")

    async def show(self, request: web.Request) -> web.StreamResponse:
        """One of them."""
        return await self._one(request, {}, ())

    async def confirm(self, request: web.Request) -> web.StreamResponse:
        """By what its operator read out."""
        form, viewer = request[FORM], request[VIEWER]
        typed, organisations = form.one("fingerprint"), form.one("for").replace(",", " ").split()
        shown = {"fingerprint": typed[:200], "for": " ".join(organisations)[:2_000]}
        ours = [one for one in organisations if one != NOBODY]
        if wrong := self._wrong(organisations, ours):
            return await self._one(request, shown, (FormProblem(field="for", message=wrong),))
        return await self._step(
            request,
            "fingerprint",
            lambda hub: self._introducing.confirm(hub, typed, viewer.name, ours, actor=viewer.actor),
            "confirmed",
            shown,
        )

    async def refresh(self, request: web.Request) -> web.StreamResponse:
        """Fetch it anew, after it changed a key."""
        viewer = request[VIEWER]
        return await self._step(
            request,
            "refresh",
            lambda hub: self._introducing.refresh(hub, viewer.name, actor=viewer.actor),
            "refreshed",
        )

    async def suspend(self, request: web.Request) -> web.StreamResponse:
        """Take nothing more from it."""
        viewer = request[VIEWER]
        return await self._step(
            request,
            "suspend",
            lambda hub: self._introducing.suspend(hub, viewer.name, actor=viewer.actor),
            "suspended",
        )

    async def remove(self, request: web.Request) -> web.StreamResponse:
        """Forget it."""
        hub, viewer = _hub(request), request[VIEWER]
        try:
            if hub is None:
                return self._sessions.nowhere()
            await self._introducing.remove(hub, viewer.name, actor=viewer.actor)
        except Refused:  # somebody else has removed it
            return self._sessions.nowhere()
        return self._sessions.redirect(f"{PEERS}?done=removed")

    def _wrong(self, given: Sequence[str], codes: Sequence[str]) -> str | None:
        """What is wrong with the organisations: one that is mistyped would be one that nobody may send for."""
        if not given:
            return f"Say for which organisations it may send notices, or {NOBODY}"
        unknown = next((one for one in codes if self._site.called(one) == one), None)
        return None if unknown is None else f"The directory knows no organisation {unknown[:40]}"

    async def _step(
        self,
        request: web.Request,
        field: str,
        step: Callable[[str], Any],
        done: str,
        shown: dict[str, str] | None = None,
    ) -> web.StreamResponse:
        hub = _hub(request)
        if hub is None:
            return self._sessions.nowhere()
        try:
            await step(hub)
        except Refused as refused:
            return await self._one(request, shown or {}, (FormProblem(field=field, message=str(refused)),))
        return self._sessions.redirect(f"{PEERS}/{hub}?done={done}")

    async def _index(self, request: web.Request, url: str, errors: Sequence[FormProblem]) -> web.StreamResponse:
        return self._site.page(
            request,
            "peers.html",
            status=422 if errors else 200,
            peers=[_row(one) for one in await self._introducing.known()],
            own=self._own,
            fingerprint=None if self._own is None else fingerprint(self._own),
            url=url[:500],
            done=DONE.get(request.query.get("done", "")),
            errors=errors,
            errors_by=errors_by(errors, "url"),
        )

    async def _one(
        self, request: web.Request, typed: dict[str, str], errors: Sequence[FormProblem]
    ) -> web.StreamResponse:
        hub = _hub(request)
        peer = None if hub is None else next((one for one in await self._introducing.known() if one.hub == hub), None)
        if peer is None:
            return self._sessions.nowhere()
        return self._site.page(
            request,
            "peer.html",
            status=422 if errors else 200,
            peer=_row(peer),
            said=peer.said,
            by=peer.put_by,
            organisations=[f"{self._site.called(one)} ({one})" for one in peer.organisations],
            fingerprint=fingerprint(peer.said) if peer.state == "confirmed" else None,
            typed=typed,
            done=DONE.get(request.query.get("done", "")),
            errors=errors,
            errors_by=errors_by(errors, "fingerprint", "for", "refresh", "suspend"),
        )


def _row(peer: Peer) -> dict[str, Any]:
    words, tag = STATES[peer.state]
    return {
        "id": peer.hub,
        "name": peer.said.name,
        "state": peer.state,
        "words": words,
        "tag": tag,
        "since": peer.changed_at,
        "introduced_at": peer.introduced_at,
    }


def _hub(request: web.Request) -> str | None:
    text = request.match_info["hub"]
    return text if _HUB.fullmatch(text) else None
