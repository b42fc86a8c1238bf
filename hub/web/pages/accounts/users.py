"""``/users``: the people of an organisation: invite them, disable them, start their recovery.

Whoever is not the viewer's to see is answered as if they were not there.
"""

import re
from collections.abc import Collection
from urllib.parse import urlencode

from aiohttp import web

from contacts.roles import OPERATOR
from hub.core.accounts import may
from hub.service.accounts.inviting import Invited, Inviting
from hub.service.accounts.people import Listed, People
from hub.service.accounts.steps import FormProblem
from hub.web.pages.accounts.signing_in import SHOWN_AGAIN
from hub.web.pages.accounts.site import Site
from hub.web.pages.accounts.words import STATE_TAGS, STATE_WORDS, errors_by, role_choices, roles_in_words
from hub.web.sessions import FORM, VIEWER, Sessions


class UserPages:
    """All of it is guarded. ``public_url``: what the links that are made begin with."""

    def __init__(self, *, inviting: Inviting, people: People, site: Site, sessions: Sessions, public_url: str) -> None:
        self._inviting = inviting
        self._people = people
        self._site = site
        self._sessions = sessions
        self._public_url = public_url

    async def index(self, request: web.Request) -> web.StreamResponse:
        """Everybody whom the viewer may see."""
        viewer = request[VIEWER]
        asked, number = request.query.get("organisation", "").strip(), _number(request.query.get("page", ""))
        page = await self._people.page(viewer, asked or None, number)
        if page is None or (number > 1 and not page.users):
            return self._sessions.nowhere()
        return self._site.page(
            request,
            "users.html",
            users=[self._row(one) for one in page.users],
            asked=asked,
            earlier=_address(asked, number - 1) if number > 1 else None,
            later=_address(asked, number + 1) if page.more else None,
            many=viewer.organisation == OPERATOR,
            may_invite=may(viewer, "users:manage", viewer.organisation),
        )

    async def one(self, request: web.Request) -> web.StreamResponse:
        """One of them, and what can be done."""
        found = await self._people.one(request[VIEWER], request.match_info["user"])
        return self._sessions.nowhere() if found is None else self._one(request, found, found.roles, (), 200)

    async def give_roles(self, request: web.Request) -> web.StreamResponse:
        """Give them other roles."""
        viewer, user = request[VIEWER], request.match_info["user"]
        roles = request[FORM].all("roles")
        problems = await self._people.give_roles(viewer, user, roles)
        found = await self._people.one(viewer, user)
        if problems is None or found is None:
            return self._sessions.nowhere()
        return (
            self._one(request, found, roles, problems, 422) if problems else self._sessions.redirect(f"/users/{user}")
        )

    async def show_invite(self, request: web.Request) -> web.StreamResponse:
        """The form for inviting somebody."""
        viewer = request[VIEWER]
        if not may(viewer, "users:manage", viewer.organisation):
            return self._sessions.nowhere()
        return self._form(request, "", viewer.organisation, (), (), 200)

    async def invite(self, request: web.Request) -> web.StreamResponse:
        """Invite them, and show the link this once."""
        viewer, form = request[VIEWER], request[FORM]
        email, roles = form.one("email").strip(), form.all("roles")
        organisation = form.one("organisation").strip() or viewer.organisation
        outcome = await self._inviting.invite(viewer, email=email, organisation=organisation, roles=roles)
        match outcome:
            case None:
                return self._sessions.nowhere()
            case Invited():
                return self._link(request, outcome, email, recovery=False, reads="recipient" in roles)
            case problems:
                return self._form(request, email, organisation, roles, problems, 422)

    async def recover(self, request: web.Request) -> web.StreamResponse:
        """Start a recovery, and show its link this once."""
        viewer, user = request[VIEWER], request.match_info["user"]
        made = await self._people.recover(viewer, user)
        found = await self._people.one(viewer, user)
        if made is None or found is None:
            return self._sessions.nowhere()
        return self._link(request, made, found.email, recovery=True)

    async def disable(self, request: web.Request) -> web.StreamResponse:
        """Close an account."""
        user = request.match_info["user"]
        done = await self._people.disable(request[VIEWER], user)
        return self._sessions.redirect(f"/users/{user}") if done else self._sessions.nowhere()

    def _one(
        self,
        request: web.Request,
        user: Listed,
        chosen: Collection[str],
        errors: tuple[FormProblem, ...],
        status: int,
    ) -> web.Response:
        return self._site.page(
            request,
            "user.html",
            status=status,
            user=user,
            row=self._row(user),
            choices=role_choices(request[VIEWER], user.organisation, chosen),
            errors=errors,
            errors_by=errors_by(errors, "roles"),
        )

    def _link(
        self, request: web.Request, made: Invited, email: str, *, recovery: bool, reads: bool = False
    ) -> web.Response:
        return self._site.page(
            request,
            "user_link.html",
            link=f"{self._public_url}/invitation/{made.token}",
            email=email,
            until=made.expires_at,
            recovery=recovery,
            reader=made.user if reads else None,
        )

    def _form(
        self,
        request: web.Request,
        email: str,
        organisation: str,
        roles: tuple[str, ...],
        errors: tuple[FormProblem, ...],
        status: int,
    ) -> web.Response:
        viewer = request[VIEWER]
        return self._site.page(
            request,
            "user_invite.html",
            status=status,
            email=email[:SHOWN_AGAIN],
            of=organisation[:64],
            many=viewer.organisation == OPERATOR,
            # The operator may name any organisation, and has not yet where the form is shown.
            choices=role_choices(viewer, OPERATOR if viewer.organisation == OPERATOR else organisation, roles),
            errors=errors,
            errors_by=errors_by(errors, "email", "organisation", "roles"),
        )

    def _row(self, user: Listed) -> dict[str, object]:
        return {
            "id": user.id,
            "name": user.name or "Not given yet",
            "email": user.email,
            "organisation": self._site.called(user.organisation),
            "roles": roles_in_words(user.roles),
            "state": "Locked" if user.locked else STATE_WORDS[user.state],
            "tag": "govuk-tag--red" if user.locked else STATE_TAGS[user.state],
            "signed_in_at": user.signed_in_at,
        }


def _number(text: str) -> int:
    """The number of a page; the first for what is none."""
    return int(text) if re.fullmatch(r"[1-9][0-9]{0,5}", text, re.ASCII) else 1


def _address(asked: str, number: int) -> str:
    return "/users?" + urlencode({"organisation": asked, "page": number} if asked else {"page": number})
