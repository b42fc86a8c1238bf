"""``/sign-in/with``: signing in with the account of one's organisation, at its identity provider.

Leads to the provider and takes its answer; that is done by GET, as the provider sends the browser back by one. The
state in the address is bound to the browser's cookie, so an answer that somebody else was given opens nothing here.
Only to agree to lose one's password is a form of ours: no link may bring that about.
"""

from collections.abc import Mapping
from typing import Final

from aiohttp import web

from hub.core.oidc import Reason
from hub.service.accounts.federated import Entered, Federated, NotEntered, ToAgree
from hub.service.accounts.providers import Providers
from hub.web.pages.accounts.signing_in import Slowed
from hub.web.pages.accounts.site import Site
from hub.web.pages.rendering import Pages
from hub.web.sessions import FORM, Sessions, asked_for, landing

NO_ACCOUNT: Final = (
    "You have no account here",
    "Your organisation has said who you are, but no account here is for you. Ask an administrator of your organisation "
    "to invite the e-mail address of your work account.",
)
AGAIN: Final = (
    "You could not be signed in",
    "Your organisation’s answer came too late, was used before, was not for this browser, or could not be verified. "
    "Begin again at the page to sign in. If it stays like this, tell the people who run this hub.",
)
WORDS: Final[Mapping[Reason, tuple[str, str]]] = {
    "denied": ("You were not signed in", "Your organisation’s page for signing in was left, or let you not through."),
    "away": (
        "Your organisation does not answer",
        "Its page for signing in cannot be reached from here now. Notices go out as always. Try again in a minute.",
    ),
    "second_factor": (
        "A second step is missing",
        "Your organisation did not say that you signed in with a second step, such as a code. Set one up there, or ask "
        "the people who look after its accounts.",
    ),
    "address": NO_ACCOUNT,
    "unknown": NO_ACCOUNT,
    "other_account": NO_ACCOUNT,
    "account": ("This account cannot be used now", "Ask an administrator of your organisation."),
}


class FederatedPages:
    """All of it is open."""

    def __init__(
        self,
        *,
        federated: Federated,
        providers: Providers,
        site: Site,
        sessions: Sessions,
        pages: Pages,
        slowed: Slowed,
    ) -> None:
        self._federated = federated
        self._providers = providers
        self._site = site
        self._sessions = sessions
        self._pages = pages
        self._slowed = slowed

    async def choose(self, request: web.Request) -> web.StreamResponse:
        """The organisations that have a provider."""
        there = await self._providers.organisations()
        if not there:
            return self._sessions.nowhere()
        return self._sessions.page(
            request,
            "sign_in_with.html",
            next=asked_for(request.query.get("next", "")),
            organisations=sorted(
                ((self._site.called(code), code) for code in there), key=lambda one: one[0].casefold()
            ),
        )

    async def begin(self, request: web.Request) -> web.StreamResponse:
        """Send the browser to the provider."""
        if not _visited(request):
            return self._sessions.nowhere()
        refused = self._slowed.too_many(request)
        if refused is not None:
            return refused
        onward = asked_for(request.query.get("next", ""))
        browser, visit = self._sessions.visit(request)
        address = await self._federated.begin(request.match_info["organisation"], browser, onward)
        if address is None:
            return self._sessions.nowhere()
        if isinstance(address, NotEntered):
            return self._refused(address)
        response = web.Response(status=303, headers={"Location": address})
        visit(response)
        return response

    async def back(self, request: web.Request) -> web.StreamResponse:
        """Take the provider's answer; the session begins."""
        if not _visited(request):
            return self._sessions.nowhere()
        refused = self._slowed.too_many(request)
        if refused is not None:
            return refused
        organisation, browser = request.match_info["organisation"], self._sessions.browser(request)
        # What is there twice is nobody's to choose from (RFC 6749, 3.1).
        answer = {name: value for name, value in request.query.items() if len(request.query.getall(name)) == 1}
        done = await self._federated.finish(organisation, browser, answer)
        if done is None:
            return self._sessions.nowhere()
        if isinstance(done, ToAgree):
            return self._sessions.page(
                request,
                "sign_in_agree.html",
                code=organisation,
                called=self._site.called(organisation),
                email=done.email,
                consent=done.consent,
                next=asked_for(done.onward),
            )
        return self._came(done)

    async def agree(self, request: web.Request) -> web.StreamResponse:
        """Take what somebody agrees to; the session begins."""
        refused = self._slowed.too_many(request)
        if refused is not None:
            return refused
        organisation, form = request.match_info["organisation"], request[FORM]
        browser, onward = self._sessions.browser(request), asked_for(form.one("next"))
        done = await self._federated.agree(organisation, browser, form.one("consent"), onward)
        return self._sessions.nowhere() if done is None else self._came(done)

    def _came(self, done: Entered | NotEntered) -> web.Response:
        if isinstance(done, NotEntered):
            return self._refused(done)
        response = self._sessions.redirect(landing(done.signed.viewer, asked_for(done.onward)))
        self._sessions.begin(response, done.signed.token)
        return response

    def _refused(self, refused: NotEntered) -> web.Response:
        heading, line = WORDS.get(refused.reason, AGAIN)
        return self._pages.page("sign_in_refused.html", status=403, heading=heading, line=line)


def _visited(request: web.Request) -> bool:
    """Whether a browser was led here. A page elsewhere may give this address as a picture's, and would use up the tries
    of its reader's whole network."""
    return request.headers.get("Sec-Fetch-Dest", "document") == "document"
