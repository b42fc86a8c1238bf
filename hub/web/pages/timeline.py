"""The demonstration's read-only pages. Registered only with ``demo_pages``, which binds to 127.0.0.1."""

from aiohttp import web

from hub.core.naming import organisation_name
from hub.service.explaining import Explaining
from hub.service.ports import Clock
from hub.service.timeline import Seeing
from hub.web.pages.episode import values
from hub.web.pages.rendering import Pages


class TimelinePages:
    """``/`` (the newest episode), ``/episodes`` and ``/episodes/{episode}``."""

    def __init__(self, *, seeing: Seeing, explaining: Explaining, pages: Pages, clock: Clock) -> None:
        self._seeing = seeing
        self._explaining = explaining
        self._pages = pages
        self._clock = clock

    async def newest(self, request: web.Request) -> web.Response:
        """The timeline of the newest episode, or a word that there is none."""
        episodes = await self._seeing.episodes(1)
        if not episodes:
            return self._pages.page("episodes.html", episodes=())
        return await self._timeline(episodes[0].id)

    async def index(self, request: web.Request) -> web.Response:
        """Every episode, newest first."""
        return self._pages.page("episodes.html", episodes=await self._seeing.episodes())

    async def one(self, request: web.Request) -> web.Response:
        """The timeline of one episode."""
        return await self._timeline(request.match_info["episode"])

    async def _timeline(self, episode: str) -> web.Response:
        now = self._clock.now()
        explained = await self._explaining.look(episode)
        if explained is None:
            return self._pages.message(404, "Page not found", "There is no such episode.")
        return self._pages.page("timeline.html", **values(explained, now, organisation_name, persons=True))
