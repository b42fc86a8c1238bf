"""``/audit``: the lines of the audit log, the newest first; a look at a page of it is a line of it.

Auditors see the lines of their own organisation, the operator's people all. What narrows the list down are links:
somebody's lines, those about an episode, those of an organisation.
"""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

from aiohttp import web

from hub.core.audit_actions import says
from hub.core.evidence import remarks
from hub.service.audit.ports import ListedLine, Wanted
from hub.service.audit.reading import Reading, everywhere
from hub.service.ports import Clock
from hub.web.pages.accounts.site import Site
from hub.web.sessions import VIEWER, Sessions

AUDIT: Final = "/audit"
FILTERS: Final[Mapping[str, str]] = {"actor": "Who", "episode": "Episode", "organisation": "Organisation"}
LONGEST: Final = 200


class AuditPages:
    """Guarded. For whoever may see the audit log; for anybody else there is no such page."""

    def __init__(self, *, reading: Reading, site: Site, sessions: Sessions, clock: Clock) -> None:
        self._reading = reading
        self._site = site
        self._sessions = sessions
        self._clock = clock

    def routes(self) -> list[web.RouteDef]:
        """Not asked for by HEAD: nobody has read it then."""
        return [web.get(AUDIT, self._sessions.guarded(self.show), allow_head=False)]

    async def show(self, request: web.Request) -> web.StreamResponse:
        """One page."""
        viewer = request[VIEWER]
        asked = {name: request.query[name] for name in FILTERS if request.query.get(name)}
        before = request.query.get("before") or None
        if any(len(value) > LONGEST for value in (*asked.values(), before or "")):
            return self._sessions.nowhere()
        wanted = Wanted(actor=asked.get("actor"), episode=asked.get("episode"), organisation=asked.get("organisation"))
        found = await self._reading.by(viewer, wanted, self._clock.now(), before=before)
        if found is None or (before is not None and not found.lines):
            return self._sessions.nowhere()
        lines = [self._line(one, asked) for one in found.lines]
        return self._site.page(
            request,
            "audit.html",
            lines=lines,
            everywhere=everywhere(viewer),
            filters=[
                {"what": FILTERS[name], "value": value, "without": _address(asked, {name: None})}
                for name, value in asked.items()
            ],
            newest=_address(asked, {}) if before else None,
            older=_address(asked, {"before": found.lines[-1].line.id}) if found.more else None,
        )

    def _line(self, one: ListedLine, asked: Mapping[str, str]) -> dict[str, Any]:
        line = one.line
        return {
            "number": one.number,
            "at": line.at,
            "says": says(line.action),
            "action": line.action,
            "actor": line.actor,
            "of_actor": _address(asked, {"actor": line.actor}),
            "organisation": None if line.organisation is None else self._site.called(line.organisation),
            "of_organisation": _address(asked, {"organisation": line.organisation}),
            "episode": line.episode,
            "of_episode": _address(asked, {"episode": line.episode}),
            "subject": None if line.subject == line.episode else line.subject,
            "detail": sorted(remarks(line).items()),
        }


def _address(asked: Mapping[str, str], changed: Mapping[str, str | None]) -> str:
    kept = {name: value for name, value in {**asked, **changed}.items() if value is not None}
    return f"{AUDIT}?{urlencode(kept)}" if kept else AUDIT
