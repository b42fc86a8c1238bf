"""``/directory/coverage``: which roles can be reached now, by day and by night; of an organisation, or of all."""

from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import quote

from aiohttp import web

from contacts.assurance import Coverage
from contacts.directory import Directory
from hub.core.accounts import may
from hub.core.naming import organisation_name
from hub.service.assurance.coverage import CoverageReports, PlacementReports, Tally
from hub.service.ports import Clock
from hub.web.api.coverage import as_csv
from hub.web.pages.accounts.site import Site
from hub.web.pages.assurance.words import STATE_TAGS, STATE_WORDS, role_words, tasks
from hub.web.pages.directory.seeing import ANYBODY
from hub.web.pages.directory.words import Wrong
from hub.web.sessions import FORM, VIEWER, Sessions

HERE = "/directory/coverage"
LONGEST: Final = 2 * 1024 * 1024
"""Bytes of a list of placements."""
MOST_PROBLEMS: Final = 50


class CoveragePages:
    """All of it is guarded. No address is on these pages; an organisation that is not the viewer's is not there."""

    def __init__(
        self,
        *,
        reports: CoverageReports,
        placements: PlacementReports,
        site: Site,
        sessions: Sessions,
        clock: Clock,
    ) -> None:
        self._reports = reports
        self._placements = placements
        self._site = site
        self._sessions = sessions
        self._clock = clock

    async def index(self, request: web.Request) -> web.StreamResponse:
        """All organisations, for whoever sees them; else their own. ``?show=all`` also those that lack nothing,
        ``?format=csv`` every role as CSV."""
        return await self._index(request, ())

    async def placements(self, request: web.Request) -> web.StreamResponse:
        """What a list of placements needs, and whether it is there. For whoever sees all organisations: it says how
        those of others are reached. Nothing of the list is kept, and no child of it is on the page."""
        if not may(request[VIEWER], "directory:see", ANYBODY):
            return self._sessions.nowhere()
        file, now = request[FORM].file("file"), self._clock.now()
        if not file:
            return await self._index(request, (Wrong(field="file", message="Choose a list of placements"),))
        found = await self._placements.of(file, now)
        if found.problems:
            wrongs = tuple(
                Wrong(field="file", message=f"{one.path}: {one.message}" if one.path else f"The file {one.message}")
                for one in found.problems[:MOST_PROBLEMS]
            )
            return await self._index(request, wrongs)
        directory = self._reports.directory()
        return self._site.page(
            request,
            "assurance_placements.html",
            now=now,
            placements=found.placements,
            lacking=sum(not one.always for one, _ in found.rows),
            rows=[{**self._role(one, directory, may_change=True), "called": self._called(one.organisation), "number": n}
                  for one, n in found.rows],
        )  # fmt: skip

    async def _index(self, request: web.Request, errors: tuple[Wrong, ...]) -> web.StreamResponse:
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
            status=422 if errors else 200,
            errors=errors,
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
            rows=[self._role(one, directory, may_change=may_change) for one in found],
            complete=sum(one.complete for one in found),
            always=sum(one.always for one in found),
            alone=sum(one.complete and not one.second_channel for one in found),
            sees_all=may(viewer, "directory:see", ANYBODY),
        )

    @staticmethod
    def _role(one: Coverage, directory: Directory, *, may_change: bool) -> dict[str, Any]:
        return {
            "role": role_words(one.role),
            "states": [_state(one.now), _state(one.by_day), _state(one.by_night)],
            "second_channel": one.second_channel,
            "tasks": [
                {"words": task.words, "path": task.path if may_change else None} for task in tasks(one, directory)
            ],
        }

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
