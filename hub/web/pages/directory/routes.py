"""The addresses of the directory's pages, each behind the guard of the accounts."""

from collections.abc import Sequence
from dataclasses import dataclass

from aiohttp import web

from hub.service.directory.changing import Changing
from hub.service.ports import Clock
from hub.web.pages.accounts.site import Site
from hub.web.pages.directory.editing import EntryPages
from hub.web.pages.directory.seeing import DirectoryPages
from hub.web.sessions import Sessions

_OF = "/directory/of/{organisation}"
_ENTRY = f"{_OF}/{{table}}/{{key}}"
_CHANGE = "/directory/changes/{change}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectorySite:
    """All pages of the directory."""

    seeing: DirectoryPages
    editing: EntryPages
    sessions: Sessions

    @classmethod
    def of(cls, changing: Changing, site: Site, sessions: Sessions, clock: Clock) -> "DirectorySite":
        return cls(
            seeing=DirectoryPages(changing=changing, site=site, sessions=sessions, clock=clock),
            editing=EntryPages(changing=changing, site=site, sessions=sessions),
            sessions=sessions,
        )

    def routes(self) -> Sequence[web.RouteDef]:
        """Guarded, all of them."""
        guarded = self.sessions.guarded
        return [
            web.get("/directory", guarded(self.seeing.index)),
            web.get("/directory/changes", guarded(self.seeing.changes)),
            web.get(_CHANGE, guarded(self.seeing.change)),
            web.post(f"{_CHANGE}/{{deed}}", guarded(self.seeing.decide)),
            web.get(_OF, guarded(self.seeing.organisation)),
            web.get(_ENTRY, guarded(self.editing.show)),
            web.post(_ENTRY, guarded(self.editing.take)),
            web.get(f"{_ENTRY}/history", guarded(self.seeing.history)),
        ]
