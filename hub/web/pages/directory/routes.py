"""The addresses of the directory's pages, each behind the guard of the accounts."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from contacts.certificate_files import MOST_BYTES
from hub.core.accounts import may
from hub.core.drafts import author_of
from hub.service.directory.changing import Changing
from hub.service.directory.importing import Importing
from hub.service.ports import Clock
from hub.service.supervise import Log
from hub.web.bodies import Bodies
from hub.web.forms import Uploads
from hub.web.pages.accounts.site import Site
from hub.web.pages.directory.circulations import CirculationPages
from hub.web.pages.directory.editing import EntryPages
from hub.web.pages.directory.importing import LONGEST, ImportPages
from hub.web.pages.directory.plans import PlanPages
from hub.web.pages.directory.seeing import DirectoryPages
from hub.web.sessions import VIEWER, Sessions

_OF = "/directory/of/{organisation}"
_ENTRY = f"{_OF}/{{table}}/{{key}}"
_CHANGE = "/directory/changes/{change}"
_UPLOAD = "/directory/imports/{upload}"
AT_ONCE: Final = 4
"""Files that are read at one time: each is held whole."""
WITHIN: Final = 120.0
"""Seconds that one may take to arrive: a country's over a poor line."""
SPARE: Final = 64 * 1024
"""Bytes of a form besides its file."""


def _imports(request: web.Request) -> bool:
    """Before a whole directory is read, and held: whether they have one to change."""
    return author_of(request[VIEWER]) is not None


def _changes(request: web.Request) -> bool:
    return may(request[VIEWER], "directory:change", request.match_info["organisation"])


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectorySite:
    """All pages of the directory."""

    seeing: DirectoryPages
    editing: EntryPages
    importing: ImportPages
    plans: PlanPages
    circulations: CirculationPages
    sessions: Sessions
    stop: Callable[[web.Application], Awaitable[None]]
    """Breaks off imports that are under way."""

    @classmethod
    def of(cls, changing: Changing, site: Site, sessions: Sessions, clock: Clock, log: Log) -> "DirectorySite":
        importing = Importing(changing=changing, log=log)

        async def stop(app: web.Application) -> None:
            await importing.stop()

        return cls(
            seeing=DirectoryPages(changing=changing, site=site, sessions=sessions, clock=clock),
            editing=EntryPages(changing=changing, site=site, sessions=sessions),
            importing=ImportPages(importing=importing, changing=changing, site=site, sessions=sessions),
            plans=PlanPages(changing=changing, site=site, sessions=sessions, clock=clock),
            circulations=CirculationPages(changing=changing, site=site, sessions=sessions, clock=clock),
            sessions=sessions,
            stop=stop,
        )

    def routes(self) -> Sequence[web.RouteDef]:
        """Guarded, all of them."""
        guarded = self.sessions.guarded
        bodies = Bodies(at_once=AT_ONCE, within=WITHIN)
        files = Uploads(bodies=bodies, limit=LONGEST + SPARE, offered=_imports)
        short = Uploads(bodies=bodies, limit=MOST_BYTES + SPARE, offered=_changes)
        return [
            web.get("/directory", guarded(self.seeing.index)),
            web.get("/directory/import", guarded(self.importing.show)),
            web.post("/directory/import", guarded(self.importing.take, files)),
            web.get(_UPLOAD, guarded(self.importing.one)),
            web.post(_UPLOAD, guarded(self.importing.decide)),
            web.get("/directory/export", guarded(self.importing.export)),
            web.get("/directory/changes", guarded(self.seeing.changes)),
            web.get(_CHANGE, guarded(self.seeing.change)),
            web.post(f"{_CHANGE}/{{deed}}", guarded(self.seeing.decide)),
            web.get("/directory/circulations", guarded(self.circulations.show)),
            web.get(_OF, guarded(self.seeing.organisation)),
            web.get(f"{_OF}/plans", guarded(self.plans.show)),
            web.post(f"{_OF}/plans", guarded(self.plans.move)),
            web.get(_ENTRY, guarded(self.editing.show)),
            web.post(_ENTRY, guarded(self.editing.take, short)),
            web.get(f"{_ENTRY}/history", guarded(self.seeing.history)),
        ]
