"""``/users/{user}/desks``: for which desks a recipient reads, chosen by somebody else."""

from aiohttp import web

from hub.service.accounts.people import People
from hub.service.accounts.steps import FormProblem
from hub.service.desk.readers import Readers
from hub.web.pages.accounts.site import Site
from hub.web.pages.accounts.words import errors_by
from hub.web.pages.desk.words import desk_choices
from hub.web.sessions import FORM, VIEWER, Sessions


class ReaderPages:
    """Guarded. For whoever looks after that person's account; for anybody else there is no such page."""

    def __init__(self, *, readers: Readers, people: People, site: Site, sessions: Sessions) -> None:
        self._readers = readers
        self._people = people
        self._site = site
        self._sessions = sessions

    async def show(self, request: web.Request) -> web.StreamResponse:
        """The desks, to be ticked."""
        return await self._page(request, ())

    async def give(self, request: web.Request) -> web.StreamResponse:
        """Take what was ticked."""
        user = request.match_info["user"]
        problems = await self._readers.give(request[VIEWER], user, request[FORM].all("desks"))
        if problems is None:
            return self._sessions.nowhere()
        return await self._page(request, problems) if problems else self._sessions.redirect(f"/users/{user}")

    async def _page(self, request: web.Request, errors: tuple[FormProblem, ...]) -> web.StreamResponse:
        viewer, user = request[VIEWER], request.match_info["user"]
        choice, found = await self._readers.choice(viewer, user), await self._people.one(viewer, user)
        if choice is None or found is None:
            return self._sessions.nowhere()
        return self._site.page(
            request,
            "desk_reader.html",
            status=422 if errors else 200,
            user=user,
            name=found.name or found.email,
            organisation_of=self._site.called(choice.organisation),
            choices=desk_choices(choice),
            errors=errors,
            errors_by=errors_by(errors, "desks"),
        )
