"""The operator's wall: ``/wall``, its live stream ``/wall/live``, and one episode and one delivery, without content.

The stream sends the middle of the page anew whenever it has changed, as server-sent events; a browser without
JavaScript loads the page again by itself.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Final

from aiohttp import web

from contacts.roles import OPERATOR
from hub.core.accounts import may
from hub.core.naming import organisation_name
from hub.core.wall import OF_THE_DAY, UNDER_WAY, Glance
from hub.service.explaining import Explaining
from hub.service.outbox import Outbox
from hub.service.ports import Clock, StoreUnavailable, Unsealable
from hub.service.wall import Wall
from hub.web.live import Streams
from hub.web.pages.accounts.site import Site
from hub.web.pages.episode import values
from hub.web.pages.wall_delivery import DeliveryPages
from hub.web.pages.wall_words import alarm_hint, reason_hint
from hub.web.sessions import FORM, VIEWER, Sessions

STATES: Final = (*UNDER_WAY, *OF_THE_DAY)


class WallPages:
    """For whoever may see the hub (``hub:see``); for anybody else there is no such page."""

    def __init__(
        self,
        *,
        wall: Wall,
        explaining: Explaining,
        outbox: Outbox,
        sessions: Sessions,
        site: Site,
        streams: Streams,
        clock: Clock,
    ) -> None:
        self._wall = wall
        self._explaining = explaining
        self._sessions = sessions
        self._site = site
        self._clock = clock
        self._deliveries = DeliveryPages(outbox=outbox, sessions=sessions, site=site)
        self._streams = streams

    def routes(self) -> list[web.RouteDef]:
        """All of them behind the session's guard."""
        guarded = self._sessions.guarded
        return [
            web.get("/wall", guarded(self._operators(self.show))),
            web.get("/wall/live", guarded(self._operators(self.live))),
            web.get("/wall/episodes/{episode}", guarded(self._operators(self.episode))),
            web.get("/wall/deliveries/{delivery}", guarded(self._operators(self._deliveries.show))),
            web.post("/wall/deliveries/{delivery}/{deed}", guarded(self._operators(self._deliveries.act))),
            web.post("/wall/alarms/{alarm}", guarded(self._operators(self.clear))),
        ]

    def _operators(
        self, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def check(request: web.Request) -> web.StreamResponse:
            if not may(request[VIEWER], "hub:see", OPERATOR):
                return self._sessions.nowhere()
            return await handler(request)

        return check

    async def show(self, request: web.Request) -> web.Response:
        """The whole page."""
        return self._site.page(request, "wall.html", **self._values(await self._wall.look()))

    async def live(self, request: web.Request) -> web.StreamResponse:
        """A stream of the middle of the page, each time it is another one."""

        async def look() -> str | None:
            return await self._middle(request) if await self._still(request) else None

        return await self._streams.send(request, look, at_once=False)

    async def episode(self, request: web.Request) -> web.StreamResponse:
        """The course of one episode, and why: roles, organisations, times, rules; nobody's name."""
        now = self._clock.now()
        try:
            explained = await self._explaining.look(request.match_info["episode"])
        except Unsealable:
            return self._site.page(request, "wall_sealed.html", status=410)
        if explained is None:
            return self._sessions.nowhere()
        shown = values(explained, now, self._named, persons=False)
        return self._site.page(request, "wall_episode.html", **shown)

    def _named(self, organisation: str) -> str:
        """As the directory calls it, else as everybody does."""
        called = self._site.called(organisation)
        return organisation_name(organisation) if called == organisation else called

    async def clear(self, request: web.Request) -> web.StreamResponse:
        """Somebody has seen to an alarm. One that is gone already needs nothing more."""
        if request[FORM].one("seen_to") != "yes":
            return self._sessions.nowhere()
        await self._wall.clear(request[VIEWER], request.match_info["alarm"])
        return self._sessions.redirect("/wall#alarms")

    async def _still(self, request: web.Request) -> bool:
        """Whether the viewer may go on watching: whoever signs out, is disabled or has other roles sees no more."""
        try:
            viewer = await self._sessions.viewer(request, seen=True)  # a wall is watched with nobody's hand on it
        except StoreUnavailable:
            return True  # which the next look says; it shows nothing else
        return viewer is not None and may(viewer, "hub:see", OPERATOR)

    async def _middle(self, request: web.Request) -> str:
        try:
            glance: Glance | None = await self._wall.look()
        except StoreUnavailable:
            glance = None
        return self._sessions.page(request, "wall_middle.html", **self._values(glance)).text or ""

    def _values(self, glance: Glance | None) -> dict[str, Any]:
        channels = {} if glance is None else glance.figures.channels
        rows = [(name, [channels[name].get(state, 0) for state in STATES]) for name in sorted(channels)]
        return {
            "glance": glance,
            "channels": rows,
            "called": self._named,
            "alarm_hint": alarm_hint,
            "reason_hint": reason_hint,
        }
