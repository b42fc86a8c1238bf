"""The addresses of the conversations' pages, each behind the guard of the accounts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from hub.core.accounts import may
from hub.core.conversation import LARGEST_FILE, MOST_FILES
from hub.service.agreements.agreeing import Agreeing
from hub.service.conversations.reading import Reading
from hub.service.conversations.writing import Writing
from hub.service.ports import Ids
from hub.web.bodies import Bodies
from hub.web.forms import Uploads
from hub.web.live import Streams
from hub.web.pages.accounts.site import Site
from hub.web.pages.agreements.pages import AGREEMENTS, AgreementPages
from hub.web.pages.conversations.pages import CONVERSATIONS, ConversationPages
from hub.web.pages.desk.routes import DeskServices
from hub.web.sessions import VIEWER, Sessions

_OF = f"{CONVERSATIONS}/of/{{episode}}"
_AGREED = f"{AGREEMENTS}/of/{{episode}}"
_ONE = f"{CONVERSATIONS}/{{thread}}"
AT_ONCE: Final = 4
"""Messages with pictures that are read at one time: each is held whole."""
WITHIN: Final = 120.0
"""Seconds that one may take to arrive: from a telephone, over a poor line."""
LONGEST: Final = MOST_FILES * LARGEST_FILE + 64 * 1024
"""Bytes of a form. A picture that is a little too large is still read, so that the page can say so; a far larger one is
refused as it comes."""


def _writes(request: web.Request) -> bool:
    viewer = request[VIEWER]
    return may(viewer, "notices:answer", viewer.organisation)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationSite:
    """All pages of conversations, and of what is agreed in them."""

    pages: ConversationPages
    agreements: AgreementPages
    sessions: Sessions

    @classmethod
    def of(
        cls,
        writing: Writing,
        reading: Reading,
        desk: DeskServices,
        site: Site,
        sessions: Sessions,
        streams: Streams,
        ids: Ids,
        agreeing: Agreeing,
    ) -> "ConversationSite":
        agreements = AgreementPages(
            agreeing=agreeing,
            writing=writing,
            reading=reading,
            notices=desk.reading,
            site=site,
            sessions=sessions,
            sights=desk.sights,
            ids=ids,
        )
        pages = ConversationPages(
            writing=writing,
            reading=reading,
            notices=desk.reading,
            sights=desk.sights,
            site=site,
            sessions=sessions,
            streams=streams,
            ids=ids,
            agreements=agreements,
        )
        return cls(pages=pages, agreements=agreements, sessions=sessions)

    def routes(self) -> Sequence[web.RouteDef]:
        """Guarded, all of them. What leaves a line that somebody has read it is not asked for by HEAD: nobody has."""
        guarded = self.sessions.guarded
        files = Uploads(bodies=Bodies(at_once=AT_ONCE, within=WITHIN), limit=LONGEST, offered=_writes)
        return [
            web.get(_OF, guarded(self.pages.index)),
            web.get(f"{_OF}/new", guarded(self.pages.new)),
            web.post(f"{_OF}/new", guarded(self.pages.open, files)),
            web.get(_ONE, guarded(self.pages.one), allow_head=False),
            web.post(_ONE, guarded(self.pages.reply, files)),
            web.get(f"{_ONE}/live", guarded(self.pages.live), allow_head=False),
            web.get(f"{CONVERSATIONS}/pictures/{{file}}", guarded(self.pages.picture), allow_head=False),
            web.get(_AGREED, guarded(self.agreements.index)),
            web.get(f"{_AGREED}/new", guarded(self.agreements.new)),
            web.post(f"{_AGREED}/new", guarded(self.agreements.propose)),
            web.get(f"{AGREEMENTS}/{{agreement}}", guarded(self.agreements.one)),
            web.post(f"{AGREEMENTS}/{{agreement}}", guarded(self.agreements.answer)),
        ]
