"""``/directory/coverage``: which roles can be reached now, by day and by night; of an organisation, or of all."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from aiohttp import web

from contacts.assurance import Coverage
from hub.core.accounts import may
from hub.core.naming import organisation_name
from hub.service.assurance.coverage import CoverageReports, Tally
from hub.service.ports import Clock
from hub.web.api.coverage import as_csv
from hub.web.pages.accounts.site import Site
from hub.web.pages.assurance.words import STATE_TAGS, STATE_WORDS, role_words, tasks
from hub.web.pages.directory.seeing import ANYBODY
from hub.web.sessions import VIEWER, Sessions

HERE = "/directory/coverage"


class CoveragePages:
    """All of it is guarded. No address is on these pages; an organisation that is not the viewer's is not there."""

    def __init__(self, *, reports: CoverageReports, site: Site, sessions: Sessions, clock: Clock) -> None:
        self._reports = reports
        self._site = site
        self._sessions = sessions
        self._clock = clock

    async def index(self, request: web.Request) -> web.StreamResponse:
        """All organisations, for whoever sees them; else their own. ``?show=all`` also those that lack nothing,
        ``?format=csv`` every role as CSV."""
        viewer, now = request[VIEWER], self._clock.now()
        if not may(viewer, "directory:see", ANYBODY):
            return self._sessions.redirect(f"{HERE}/of/{quote(viewer.organisation, safe='')}")
        if request.query.get("format") == "csv":
            return _download(await self._reports.everywhere(now))
        found = await self._reports.tallies(now)
        known = [one for one in found if one.known]
        every = request.query.get("show") == "all"
        return self._site.page(
            request,
            "assurance_coverage_all.html",
            now=now,
            every=every,
            shown=[self._row(one) for one in known if every or one.lacks],
            whole=sum(not one.lacks for one in known),
            roles=sum(one.roles for one in found),
            always=sum(min(one.now, one.by_day, one.by_night) for one in found),
            missing=sorted(organisation_name(one.organisation) for one in found if not one.known),
        )

    async def organisation(self, request: web.Request) -> web.StreamResponse:
        """Its roles, one by one, and what to do about them. ``?format=csv`` the same as CSV."""
        viewer, code, now = request[VIEWER], request.match_info["organisation"], self._clock.now()
        if not may(viewer, "directory:see", code):
            return self._sessions.nowhere()
        found = self._reports.of(code, now)
        directory = self._reports.directory()
        if not found and directory.organisation(code) is None:
            return self._sessions.nowhere()
        if request.query.get("format") == "csv":
            return _download(found)
        may_change = may(viewer, "directory:change", code)
        return self._site.page(
            request,
            "assurance_coverage.html",
            now=now,
            code=code,
            called=self._called(code),
            in_directory=directory.organisation(code) is not None,
            rows=[
                {
                    "role": role_words(one.role),
                    "states": [_state(one.now), _state(one.by_day), _state(one.by_night)],
                    "second_channel": one.second_channel,
                    "tasks": [
                        {"words": task.words, "path": task.path if may_change else None}
                        for task in tasks(one, directory)
                    ],
                }
                for one in found
            ],
            complete=sum(one.complete for one in found),
            always=sum(one.always for one in found),
            alone=sum(one.complete and not one.second_channel for one in found),
            sees_all=may(viewer, "directory:see", ANYBODY),
        )

    def _called(self, code: str) -> str:
        named = self._site.called(code)
        return organisation_name(code) if named == code else named

    def _row(self, one: Tally) -> dict[str, Any]:
        return {
            "tally": one,
            "called": self._called(one.organisation),
            "path": f"{HERE}/of/{quote(one.organisation, safe='')}",
        }


def _state(state: Any) -> dict[str, str]:
    return {"text": STATE_WORDS[state], "classes": STATE_TAGS[state]}


def _download(found: Sequence[Coverage]) -> web.Response:
    headers = {"Content-Disposition": 'attachment; filename="coverage.csv"'}
    return web.Response(text=as_csv(found), content_type="text/csv", charset="utf-8", headers=headers)
