"""Conversations over the API: what a page shows to somebody at a desk, for a case system that works for that desk.

A token is bound to an organisation and to desks of it. It is no person: each message names the human who wrote it, and
the record says by which token. What is not its desks' to see is answered as if it were not there.
"""

from collections.abc import Sequence
from typing import Final, TypeVar

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from hub.core.api_tokens import Scope
from hub.core.conversation import LARGEST_FILE, MOST_FILES, TextProblem
from hub.core.events import Problem
from hub.core.lines import one_line
from hub.service.access import Denied
from hub.service.conversations.reading import Reading
from hub.service.conversations.seats import Who
from hub.service.conversations.writing import JOINED, Conflict, Draft, Sent, Writing
from hub.service.desk.reading import Reading as Notices
from hub.service.desk.sights import Sights
from hub.web.api.asked import valid
from hub.web.api.bearers import Bearers, denial
from hub.web.api.conversation_bodies import (
    MOST,
    THREADS,
    Code,
    NewMessage,
    NewThread,
    audience_body,
    message_body,
    page_body,
    summary_body,
)
from hub.web.api.episodes import TOKEN, Handler, guarded_own
from hub.web.bodies import Bodies, Refused
from hub.web.problems import json_response, problem

M = TypeVar("M", bound=NewThread)
LONGEST: Final = MOST_FILES * LARGEST_FILE * 4 // 3 + 256 * 1024
"""Bytes of a message with its pictures in base64. One picture that is a little too large is named, not cut off."""
_NOTHING: Final = "There is no such episode, conversation or message for the desks of this token."
_NOT_SENT: Final = "The message was not sent. Correct what is listed."
_FIELDS: Final = {"files": "pictures", "readers": "to"}


class ReadersQuestion(BaseModel):
    """The query of who would read what is written."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    desk: Code | None = Field(None, description="For which desk of yours it would be written.")


class MessagesQuestion(BaseModel):
    """The query of a page of messages."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    after: Code | None = Field(None, description="The last page's `after`, or the id of any message: what follows it.")
    limit: int = Field(100, ge=1, le=MOST, description="How many on one page.")


class ConversationsApi:
    """/v1/episodes/{episode}/threads, /v1/threads/{thread} and what is below them."""

    def __init__(self, *, writing: Writing, reading: Reading, notices: Notices, sights: Sights, bodies: Bodies) -> None:
        """``notices``: the desk's, by which a reply is an answer."""
        self._writing = writing
        self._reading = reading
        self._notices = notices
        self._sights = sights
        self._bodies = bodies

    def routes(self, access: Bearers) -> Sequence[web.RouteDef]:
        """Reading a message leaves a line that somebody has: it is not asked for by HEAD."""
        of, one = "/v1/episodes/{episode}", f"{THREADS}/{{thread}}"

        def reads(handler: Handler) -> Handler:
            return _bound(access, "conversations:read", handler)

        def writes(handler: Handler) -> Handler:
            return _bound(access, "conversations:write", handler)

        return [
            web.get(f"{of}/threads", reads(self.listed)),
            web.post(f"{of}/threads", writes(self.open)),
            web.get(f"{of}/readers", reads(self.readers_of_new)),
            web.get(one, reads(self.one)),
            web.get(f"{one}/readers", reads(self.readers)),
            web.get(f"{one}/messages", reads(self.messages), allow_head=False),
            web.post(f"{one}/messages", writes(self.reply)),
            web.get(f"{one}/messages/{{message}}/pictures/{{number}}", reads(self.picture), allow_head=False),
        ]

    async def listed(self, request: web.Request) -> web.Response:
        """The conversations on one episode, the newest first, without what was written."""
        found = await self._reading.listed(self._who(request), request.match_info["episode"])
        if found is None:
            return problem(404, _NOTHING)
        return json_response({"threads": [summary_body(one) for one in found.summaries]})

    async def one(self, request: web.Request) -> web.Response:
        """One of them, likewise."""
        who, thread = self._who(request), request.match_info["thread"]
        episode = await self._reading.episode_of(thread)
        found = None if episode is None else await self._reading.listed(who, episode)
        for summary in () if found is None else found.summaries:
            if summary.thread.id == thread:
                return json_response(summary_body(summary))
        return problem(404, _NOTHING)

    async def readers_of_new(self, request: web.Request) -> web.Response:
        """Who may be written to in a conversation that is opened now."""
        return await self._readers(request, request.match_info["episode"], None)

    async def readers(self, request: web.Request) -> web.Response:
        """Who would read what is written in this one now."""
        thread = request.match_info["thread"]
        return await self._readers(request, await self._reading.episode_of(thread), thread)

    async def messages(self, request: web.Request) -> web.Response:
        """What was written, as it was sent; recorded as read."""
        asked = valid(MessagesQuestion, dict(request.query))
        if isinstance(asked, web.Response):
            return asked
        thread = request.match_info["thread"]
        found = await self._reading.read(self._who(request), thread, after=asked.after, limit=asked.limit)
        if found is None:
            return problem(404, _NOTHING)
        return json_response(page_body(found, await self._reading.states(found)))

    async def picture(self, request: web.Request) -> web.Response:
        """A picture of a message; recorded as read."""
        given = request.match_info
        number = int(given["number"]) if given["number"] in {str(one) for one in range(1, MOST_FILES + 1)} else 0
        found = await self._reading.numbered(self._who(request), given["thread"], given["message"], number)
        if found is None:
            return problem(404, _NOTHING)
        return web.Response(body=found.data, content_type=found.media_type)

    async def open(self, request: web.Request) -> web.Response:
        """Open a conversation with its first message."""
        given = await self._given(request, NewThread)
        if isinstance(given, web.Response):
            return given
        return await self._send(request, request.match_info["episode"], given, _draft(given))

    async def reply(self, request: web.Request) -> web.Response:
        """Write in one. What told these desks of it has thereby been answered, by the author."""
        given = await self._given(request, NewMessage)
        if isinstance(given, web.Response):
            return given
        thread = request.match_info["thread"]
        shown = frozenset(one.key for one in given.shown)
        draft = _draft(given, thread=thread, shown=shown, in_reply_to=given.in_reply_to)
        return await self._send(request, await self._reading.episode_of(thread), given, draft)

    async def _given(self, request: web.Request, model: type[M]) -> M | web.Response:
        try:
            raw = await self._bodies.read(request, LONGEST)
        except Refused as refused:
            return refused.response
        return valid(model, raw)

    async def _send(self, request: web.Request, episode: str | None, given: NewThread, draft: Draft) -> web.Response:
        name = one_line(given.author)
        if not name or not any(one.isalpha() for one in name):
            wrong = Problem(path="author", message="is the name of a human, as plain text on one line")
            return problem(422, _NOT_SENT, problems=[wrong])
        who = self._who(request, name)
        outcome = None if episode is None else await self._writing.write(who, episode, draft)
        match outcome:
            case None:
                return problem(404, _NOTHING)
            case Sent(message=message, repeated=repeated) if message.author == name:
                if draft.thread is not None:
                    await self._answered(who, draft.thread)
                status, headers = (200, {}) if repeated else (201, {"Location": f"{THREADS}/{message.thread}"})
                mine = [one.party for one in message.readers if one.because == "author"]
                return json_response(message_body(message, mine, {}), status=status, headers=headers)
            case Sent() | Conflict():
                return problem(409, "Something else was sent under this id already. Send it under another.")
            case problems if tuple(problems) == (JOINED,):
                return problem(
                    409, f"{JOINED.message}.", problems=[Problem(path="shown", message="is not all of them")]
                )
            case problems:
                return problem(422, _NOT_SENT, problems=_listed(problems))

    async def _answered(self, who: Who, thread: str) -> None:
        """Told of messages, they have answered them: nobody has to be asked again whether they have them."""
        for told in await self._reading.unanswered(who, thread):
            await self._notices.answer_as(who.sight, told, name=who.name, by=who.actor, answer="accepted")

    async def _readers(self, request: web.Request, episode: str | None, thread: str | None) -> web.Response:
        asked = valid(ReadersQuestion, dict(request.query))
        if isinstance(asked, web.Response):
            return asked
        who = self._who(request)
        audience = (
            None if episode is None else await self._writing.audience(who, episode, thread=thread, desk=asked.desk)
        )
        return problem(404, _NOTHING) if audience is None else json_response(audience_body(audience))

    def _who(self, request: web.Request, name: str = "") -> Who:
        token = request[TOKEN]
        sight = self._sights.of_desks(token.organisation or "", token.desks)
        return Who(sight=sight, actor=f"token:{token.label}", name=name)


def _bound(access: Bearers, scope: Scope, handler: Handler) -> Handler:
    """For bearers of a token of an organisation: nobody else takes part."""

    async def of_one(request: web.Request) -> web.StreamResponse:
        if request[TOKEN].organisation is None:
            return denial(Denied(reason="organisation"), scope)
        return await handler(request)

    return guarded_own(access, scope, of_one)


def _draft(
    given: NewThread,
    *,
    thread: str | None = None,
    shown: frozenset[tuple[str | None, str]] | None = None,
    in_reply_to: str | None = None,
) -> Draft:
    return Draft(
        text=given.text,
        purpose=given.purpose,
        whereabouts=given.whereabouts,
        key=given.id,
        thread=thread,
        in_reply_to=in_reply_to,
        to=tuple(one.key for one in given.to),
        shown=shown,
        desk=given.desk,
        files=tuple(given.pictures),
        via="api",
    )


def _listed(problems: Sequence[TextProblem]) -> list[Problem]:
    return [Problem(path=_FIELDS.get(one.field, one.field), message=one.message) for one in problems]
