"""The page on which an address agrees to a change of the directory, or objects: ``/c/{token}``.

GET and HEAD change nothing, as link scanners follow every link of a mail. The token (256 bits) is the whole authority;
there is no session, so a CSRF token would protect nothing (see acknowledge.py).
"""

from aiohttp import web

from hub.service.directory.round_trip import RoundTrips
from hub.service.directory.versions import DirectoryUnreadable
from hub.web.bodies import Bodies
from hub.web.forms import FormRefused, read_form
from hub.web.pages.acknowledge import TOKEN
from hub.web.pages.rendering import Pages


class ConfirmPage:
    """Shows and takes the answer. Works without JavaScript."""

    def __init__(self, *, trips: RoundTrips, pages: Pages, bodies: Bodies) -> None:
        self._trips = trips
        self._pages = pages
        self._bodies = bodies

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/c/{token}", self.show), web.post("/c/{token}", self.take)]

    async def show(self, request: web.Request) -> web.Response:
        """The question. Changes nothing, however often it is fetched."""
        token = request.match_info["token"]
        question = await self._trips.look(token) if TOKEN.fullmatch(token) else None
        if question is None:
            return self._nowhere()
        return self._pages.page("change_confirm.html", question=question)

    async def take(self, request: web.Request) -> web.Response:
        """A button was pressed."""
        token = request.match_info["token"]
        if not TOKEN.fullmatch(token):
            return self._nowhere()
        try:
            form = await read_form(request, self._bodies)
        except FormRefused as refused:
            return self._pages.message(refused.status, "The form could not be read", "Go back, and try again.")
        if form.one("answer") == "no":
            if not await self._trips.refuse(token):
                return self._nowhere()
            return self._pages.message(
                200,
                "The change was stopped",
                "Nothing was changed, and the administrators of your organisation know it.",
            )
        try:
            came_to = await self._trips.confirm(token) if form.one("answer") == "yes" else None
        except DirectoryUnreadable:
            came_to = "stuck"
        if came_to == "in_force":
            return self._pages.message(
                200, "The address was changed", "Both addresses have agreed. Nothing else to do."
            )
        if came_to == "confirmed":
            return self._pages.message(
                200, "Thank you", "The other address was asked as well. The change is made when it has agreed, too."
            )
        if came_to == "stuck":
            return self._pages.message(
                409, "The change cannot be made", "The directory has changed meanwhile. It has to be proposed anew."
            )
        return self._nowhere()

    def _nowhere(self) -> web.Response:
        return self._pages.message(
            404,
            "There is nothing to decide",
            "Check the link. If it is complete, the change was decided about already.",
        )
