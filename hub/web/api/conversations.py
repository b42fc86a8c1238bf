"""Conversations over the API: what a page shows to somebody at a desk, for a case system that works for that desk.

What is not its desks' to see is answered as if it were not there.
"""

from collections.abc import Sequence
from typing import Final

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from hub.core.conversation import LARGEST_FILE, MOST_FILES, TextProblem
from hub.core.events import Problem
from hub.service.conversations.writing import JOINED, Conflict, Draft, Sent, Writing
from hub.web.api.asked import valid
from hub.web.api.bearers import Bearers
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
from hub.web.api.episodes import Handler
from hub.web.api.speaking import NOT_SENT, NOTHING, SENT_ALREADY, Speaking, author, bound
from hub.web.problems import json_response, problem

LONGEST: Final = MOST_FILES * LARGEST_FILE * 4 // 3 + 256 * 1024
"""Bytes of a message with its pictures in base64. One picture that is a little too large is named, not cut off."""
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

    def __init__(self, writing: Writing, speaking: Speaking) -> None:
        self._writing = writing
        self._speaking = speaking
        self._reading = speaking.reading

    def routes(self, access: Bearers) -> Sequence[web.RouteDef]:
        """Reading a message leaves a line that somebody has: it is not asked for by HEAD."""
        of, one = "/v1/episodes/{episode}", f"{THREADS}/{{thread}}"

        def reads(handler: Handler) -> Handler:
            return bound(access, "conversations:read", handler)

        def writes(handler: Handler) -> Handler:
            return bound(access, "conversations:write", handler)

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
        found = await self._reading.listed(self._speaking.who(request), request.match_info["episode"])
        if found is None:
            return problem(404, NOTHING)
        return json_response({"threads": [summary_body(one, found.status) for one in found.summaries]})

    async def one(self, request: web.Request) -> web.Response:
        """One of them, likewise."""
        who, thread = self._speaking.who(request), request.match_info["thread"]
        episode = await self._reading.episode_of(thread)
        found = None if episode is None else await self._reading.listed(who, episode)
        for summary in () if found is None else found.summaries:
            if found is not None and summary.thread.id == thread:
                return json_response(summary_body(summary, found.status))
        return problem(404, NOTHING)

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
        found = await self._reading.read(self._speaking.who(request), thread, after=asked.after, limit=asked.limit)
        if found is None:
            return problem(404, NOTHING)
        return json_response(page_body(found, await self._reading.states(found)))

    async def picture(self, request: web.Request) -> web.Response:
        """A picture of a message; recorded as read."""
        given = request.match_info
        number = int(given["number"]) if given["number"] in {str(one) for one in range(1, MOST_FILES + 1)} else 0
        found = await self._reading.numbered(self._speaking.who(request), given["thread"], given["message"], number)
        if found is None:
            return problem(404, NOTHING)
        return web.Response(body=found.data, content_type=found.media_type)

    async def open(self, request: web.Request) -> web.Response:
        """Open a conversation with its first message."""
        given = await self._speaking.given(request, NewThread, LONGEST)
        if isinstance(given, web.Response):
            return given
        return await self._send(request, request.match_info["episode"], given, _draft(given))

    async def reply(self, request: web.Request) -> web.Response:
        """Write in one. What told these desks of it has thereby been answered, by the author."""
        given = await self._speaking.given(request, NewMessage, LONGEST)
        if isinstance(given, web.Response):
            return given
        thread = request.match_info["thread"]
        shown = frozenset(one.key for one in given.shown)
        draft = _draft(given, thread=thread, shown=shown, in_reply_to=given.in_reply_to)
        return await self._send(request, await self._reading.episode_of(thread), given, draft)

    async def _send(self, request: web.Request, episode: str | None, given: NewThread, draft: Draft) -> web.Response:
        name = author(given.author)
        if isinstance(name, web.Response):
            return name
        who = self._speaking.who(request, name)
        outcome = None if episode is None else await self._writing.write(who, episode, draft)
        match outcome:
            case None:
                return problem(404, NOTHING)
            case Sent(message=message, repeated=repeated) if message.author == name:
                if draft.thread is not None:
                    await self._speaking.answered(who, message)
                status, headers = (200, {}) if repeated else (201, {"Location": f"{THREADS}/{message.thread}"})
                mine = [one.party for one in message.readers if one.because == "author"]
                return json_response(message_body(message, mine, {}), status=status, headers=headers)
            case Sent() | Conflict():
                return problem(409, SENT_ALREADY)
            case problems if tuple(problems) == (JOINED,):
                return problem(
                    409, f"{JOINED.message}.", problems=[Problem(path="shown", message="is not all of them")]
                )
            case problems:
                return problem(422, NOT_SENT, problems=_listed(problems))

    async def _readers(self, request: web.Request, episode: str | None, thread: str | None) -> web.Response:
        asked = valid(ReadersQuestion, dict(request.query))
        if isinstance(asked, web.Response):
            return asked
        who = self._speaking.who(request)
        audience = (
            None if episode is None else await self._writing.audience(who, episode, thread=thread, desk=asked.desk)
        )
        return problem(404, NOTHING) if audience is None else json_response(audience_body(audience))


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
