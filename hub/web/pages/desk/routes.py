"""The addresses of the desk's pages, each behind the guard of the accounts."""

from collections.abc import Sequence
from dataclasses import dataclass

from aiohttp import web

from hub.service.accounts.people import People
from hub.service.desk.lists import Lists
from hub.service.desk.readers import Readers
from hub.service.desk.reading import Reading
from hub.service.desk.sights import Sights
from hub.service.register import Registers
from hub.web.live import Streams
from hub.web.pages.accounts.site import Site
from hub.web.pages.desk.notices import NOTICES, NoticePages
from hub.web.pages.desk.readers import ReaderPages
from hub.web.pages.desk.register import REGISTER, RegisterPages
from hub.web.sessions import Sessions

_NOTICE = f"{NOTICES}/{{notice}}"
_READER = "/users/{user}/desks"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskServices:
    """What the pages of the desk ask."""

    sights: Sights
    lists: Lists
    reading: Reading
    readers: Readers
    registers: Registers


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskSite:
    """All pages of the desk."""

    notices: NoticePages
    register: RegisterPages
    readers: ReaderPages
    sessions: Sessions

    @classmethod
    def of(cls, services: DeskServices, people: People, site: Site, sessions: Sessions, streams: Streams) -> "DeskSite":
        return cls(
            notices=NoticePages(
                lists=services.lists, reading=services.reading, site=site, sessions=sessions, streams=streams
            ),
            register=RegisterPages(registers=services.registers, sights=services.sights, site=site, sessions=sessions),
            readers=ReaderPages(readers=services.readers, people=people, site=site, sessions=sessions),
            sessions=sessions,
        )

    def routes(self) -> Sequence[web.RouteDef]:
        """Guarded, all of them. What leaves a line that somebody has read it is not asked for by HEAD: nobody has."""
        guarded = self.sessions.guarded
        return [
            web.get(NOTICES, guarded(self.notices.index), allow_head=False),
            web.get(f"{NOTICES}/live", guarded(self.notices.live), allow_head=False),
            web.get(f"{NOTICES}/search", guarded(self.notices.show_search)),
            web.post(f"{NOTICES}/search", guarded(self.notices.search)),
            web.get(_NOTICE, guarded(self.notices.one), allow_head=False),
            web.post(_NOTICE, guarded(self.notices.answer)),
            web.get(f"{_NOTICE}/photo", guarded(self.notices.photo), allow_head=False),
            web.get(REGISTER, guarded(self.register.show), allow_head=False),
            web.get(_READER, guarded(self.readers.show)),
            web.post(_READER, guarded(self.readers.give)),
        ]
