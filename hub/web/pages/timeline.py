"""The demonstration's read-only pages. Registered only with ``demo_pages``, which binds to 127.0.0.1."""

from itertools import groupby

from aiohttp import web

from hub.service.timeline import Seeing
from hub.web.pages.rendering import Pages

OUTCOMES = {
    "notify": "told",
    "withhold": "not told: withheld by a recorded decision",
    "hold": "not told yet: waiting for a decision",
    "gap": "nobody to tell: a gap",
    "suppress": "not told: the protocol says so",
}


class TimelinePages:
    """``/`` (the newest episode), ``/episodes`` and ``/episodes/{episode}``."""

    def __init__(self, seeing: Seeing, pages: Pages) -> None:
        self._seeing = seeing
        self._pages = pages

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
        timeline = await self._seeing.timeline(episode)
        if timeline is None:
            return self._pages.message(404, "Page not found", "There is no such episode.")
        groups = [
            (at, tuple(items)) for at, items in groupby(timeline.decided, key=lambda item: item.record.decision.at)
        ]
        return self._pages.page("timeline.html", timeline=timeline, groups=groups, outcomes=OUTCOMES)
