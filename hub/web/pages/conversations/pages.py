"""``/conversations``: what was written about an absence, and writing, in the writer's own name.

The form says by name who will read what is written, whether it touches whereabouts or not, so nobody sends anything to
somebody they did not know of. It works without script, and sent twice it is one message.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from aiohttp import web

from hub.core.accounts import Viewer, may
from hub.core.conversation import LONGEST_TEXT, MOST_FILES, TextProblem
from hub.core.parties import is_police
from hub.notices.sections import STATUS_BANNERS
from hub.service.conversations.audience import Audience
from hub.service.conversations.reading import Reading
from hub.service.conversations.seats import Who
from hub.service.conversations.writing import Conflict, Draft, Sent, Writing
from hub.service.desk.reading import Reading as Notices
from hub.service.desk.sights import Sights
from hub.service.ports import Ids
from hub.web.forms import Form
from hub.web.live import Streams
from hub.web.pages.accounts.site import Site
from hub.web.pages.agreements.pages import AgreementPages
from hub.web.pages.conversations.fields import identity, key_of
from hub.web.pages.conversations.words import (
    WHEREABOUTS,
    audience_view,
    message_view,
    party_key,
    purposes,
    summary_view,
    whereabouts,
)
from hub.web.pages.holds.words import held_view
from hub.web.sessions import FORM, VIEWER, Sessions

CONVERSATIONS: Final = "/conversations"
FIELDS: Final = ("text", "files", "purpose", "whereabouts", "readers")
_SENT_ALREADY: Final = TextProblem(
    field="text", message="Something else was sent from this form already. Read the conversation, then send this"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Typed:
    """What stands in the form."""

    key: str = field(repr=False)
    text: str = field(default="", repr=False)
    purpose: str = ""
    whereabouts: str = ""
    to: tuple[str, ...] = ()
    shown: tuple[str, ...] = ()
    desk: str | None = None
    files: tuple[bytes, ...] = field(default=(), repr=False)

    def draft(self, thread: str | None) -> Draft:
        return Draft(
            text=self.text,
            purpose=self.purpose,
            whereabouts=WHEREABOUTS[self.whereabouts][1] if self.whereabouts in WHEREABOUTS else None,
            key=self.key,
            thread=thread,
            to=tuple(party_key(one) for one in self.to),
            shown=frozenset(party_key(one) for one in self.shown),
            desk=self.desk,
            files=self.files,
        )


class ConversationPages:
    """All of it is guarded. What is not the viewer's to see is answered as if it were not there."""

    def __init__(
        self,
        *,
        writing: Writing,
        reading: Reading,
        notices: Notices,
        sights: Sights,
        site: Site,
        sessions: Sessions,
        streams: Streams,
        ids: Ids,
        agreements: AgreementPages,
    ) -> None:
        """``notices``: the desk's, by which a reply is an answer. ``agreements``: what stands to be answered."""
        self._writing = writing
        self._reading = reading
        self._notices = notices
        self._sights = sights
        self._site = site
        self._sessions = sessions
        self._streams = streams
        self._ids = ids
        self._agreements = agreements

    async def index(self, request: web.Request) -> web.StreamResponse:
        """The conversations on one absence."""
        who, episode = await self._who(request), identity(request, "episode")
        found = None if who is None or episode is None else await self._reading.listed(who, episode)
        if found is None:
            return self._sessions.nowhere()
        called = self._site.called
        return self._site.page(
            request,
            "conversations.html",
            episode=episode,
            rows=[summary_view(one, found.mine, called) for one in found.summaries],
            holds=held_view(found.holds),
            banner=STATUS_BANNERS.get(found.status),
            police=any(is_police(one) for one in found.mine),
            may_write=self._may_write(request),
        )

    async def new(self, request: web.Request) -> web.StreamResponse:
        """The form that opens one."""
        return await self._new(request, self._fresh(), ())

    async def open(self, request: web.Request) -> web.StreamResponse:
        """Open a conversation."""
        typed = _typed(request[FORM])
        return await self._send(request, identity(request, "episode"), None, typed)

    async def one(self, request: web.Request) -> web.StreamResponse:
        """One conversation. That it was read is recorded."""
        return await self._one(request, self._fresh(), ())

    async def live(self, request: web.Request) -> web.StreamResponse:
        """A stream that says when there is a newer message, and nothing of it."""
        thread = identity(request, "thread")

        async def look() -> str | None:
            viewer = await self._sessions.still(request)
            who = None if viewer is None else await self._whose(viewer)
            return None if who is None or thread is None else await self._reading.mark(who, thread)

        if await look() is None:
            return self._sessions.nowhere()
        return await self._streams.send(request, look)

    async def reply(self, request: web.Request) -> web.StreamResponse:
        """Write in it."""
        typed, thread = _typed(request[FORM]), identity(request, "thread")
        episode = None if thread is None else await self._reading.episode_of(thread)
        return await self._send(request, episode, thread, typed)

    async def picture(self, request: web.Request) -> web.StreamResponse:
        """A picture of a message."""
        who, file = await self._who(request), identity(request, "file")
        found = None if who is None or file is None else await self._reading.picture(who, file)
        if found is None:
            return self._sessions.nowhere()
        return web.Response(body=found.data, content_type=found.media_type)

    async def _send(
        self, request: web.Request, episode: str | None, thread: str | None, typed: _Typed
    ) -> web.StreamResponse:
        who = await self._who(request)
        if who is None or episode is None or not typed.key or not self._may_write(request):
            return self._sessions.nowhere()
        problems: Sequence[TextProblem]
        match await self._writing.write(who, episode, typed.draft(thread)):
            case None:
                return self._sessions.nowhere()
            case Sent(message=message):
                # Told of messages, they have answered them: nobody has to be asked again whether they have them.
                for told in () if thread is None else await self._reading.unanswered(who, message):
                    await self._notices.answer(request[VIEWER], told, answer="accepted")
                return self._sessions.redirect(f"{CONVERSATIONS}/{message.thread}?sent")
            case Conflict():
                typed, problems = replace(typed, key=self._ids.token()), (_SENT_ALREADY,)
            case found:
                problems = found
        if thread is None:
            return await self._new(request, typed, problems)
        return await self._one(request, typed, problems)

    async def _new(self, request: web.Request, typed: _Typed, problems: Sequence[TextProblem]) -> web.StreamResponse:
        who, episode = await self._who(request), identity(request, "episode")
        if who is None or episode is None or not self._may_write(request):
            return self._sessions.nowhere()
        audience = await self._writing.audience(who, episode, desk=typed.desk)
        if audience is None:
            return self._sessions.nowhere()
        return self._site.page(
            request,
            "conversation_new.html",
            status=422 if problems else 200,
            episode=episode,
            holds=held_view(audience.holds),
            banner=STATUS_BANNERS.get(audience.status),
            **self._form(typed, problems, audience),
        )

    async def _one(self, request: web.Request, typed: _Typed, problems: Sequence[TextProblem]) -> web.StreamResponse:
        who, thread = await self._who(request), identity(request, "thread")
        found = None if who is None or thread is None else await self._reading.read(who, thread)
        if who is None or found is None:
            return self._sessions.nowhere()
        called, episode = self._site.called, found.thread.episode
        own = [one for one in found.messages if "sent" in request.query and one.actor == who.actor]
        values: dict[str, object] = {}
        if self._may_write(request):
            audience = await self._writing.audience(who, episode, thread=found.thread.id, desk=typed.desk)
            if audience is not None:
                values = self._form(typed, problems, audience)
                values["proposals"] = await self._agreements.open_in(who, found.thread)
        return self._site.page(
            request,
            "conversation.html",
            status=422 if problems else 200,
            thread=found.thread.id,
            episode=episode,
            messages=[message_view(one, found.mine, called, found.carried.get(one.id)) for one in found.messages],
            mark=found.mark,
            holds=held_view(found.holds),
            banner=STATUS_BANNERS.get(found.status),
            sent=message_view(own[-1], found.mine, called)["to"] if own and not problems else (),
            may_write=bool(values),
            **{"errors": (), **values},
        )

    def _form(self, typed: _Typed, problems: Sequence[TextProblem], audience: Audience) -> dict[str, object]:
        return {
            "key": typed.key,
            "text": typed.text[: LONGEST_TEXT * 2],
            "purposes": purposes(typed.purpose),
            "whereabouts": whereabouts(typed.whereabouts),
            "audience": audience_view(audience, self._site.called, typed.to),
            "longest": LONGEST_TEXT,
            "pictures": range(1, MOST_FILES + 1),
            "errors": tuple(problems),
            "errors_by": {name: " ".join(one.message for one in problems if one.field == name) for name in FIELDS},
        }

    def _fresh(self) -> _Typed:
        return _Typed(key=self._ids.token())

    async def _who(self, request: web.Request) -> Who | None:
        return await self._whose(request[VIEWER])

    async def _whose(self, viewer: Viewer) -> Who | None:
        sight = await self._sights.of(viewer)
        return None if sight is None else Who(sight=sight, actor=viewer.actor, name=viewer.name)

    @staticmethod
    def _may_write(request: web.Request) -> bool:
        viewer = request[VIEWER]
        return may(viewer, "notices:answer", viewer.organisation)


def _typed(form: Form) -> _Typed:
    return _Typed(
        key=key_of(form.one("key")),
        text=form.one("text"),
        purpose=form.one("purpose"),
        whereabouts=form.one("whereabouts"),
        to=form.all("to"),
        shown=form.all("shown"),
        desk=form.one("desk") or None,
        files=tuple(data for number in range(1, MOST_FILES + 1) if (data := form.file(f"picture-{number}"))),
    )
