"""Who speaks by a token that is for conversations: which desks see what is asked for, and which human is named.

A token is bound to an organisation and to desks of it. It is no person: what is written names the human who wrote it,
and the record says by which token.
"""

from dataclasses import dataclass
from typing import Final, TypeVar

from aiohttp import web
from pydantic import BaseModel

from hub.core.api_tokens import Scope
from hub.core.conversation import Message
from hub.core.events import Problem
from hub.core.lines import one_line
from hub.service.access import Denied
from hub.service.conversations.reading import Reading
from hub.service.conversations.seats import Who
from hub.service.desk.reading import Reading as Notices
from hub.service.desk.sights import Sights
from hub.web.api.asked import valid
from hub.web.api.bearers import Bearers, denial
from hub.web.api.conversation_bodies import Worded
from hub.web.api.episodes import TOKEN, Handler, guarded_own
from hub.web.bodies import Bodies, Refused
from hub.web.problems import problem

M = TypeVar("M", bound=BaseModel)
NOTHING: Final = "There is no such thing for the desks of this token."
NOT_SENT: Final = "Nothing was sent. Correct what is listed."
SENT_ALREADY: Final = "Something else was sent under this id already. Send it under another."


@dataclass(frozen=True, slots=True, kw_only=True)
class Speaking:
    """``notices``: the desk's, by which a reply is an answer."""

    reading: Reading
    notices: Notices
    sights: Sights
    bodies: Bodies

    def who(self, request: web.Request, name: str = "") -> Who:
        """What the bearer sees; ``name``: of the human who writes."""
        token = request[TOKEN]
        sight = self.sights.of_desks(token.organisation or "", token.desks)
        return Who(sight=sight, actor=f"token:{token.label}", name=name)

    async def given(self, request: web.Request, model: type[M], longest: int) -> M | web.Response:
        """The body."""
        try:
            return valid(model, await self.bodies.read(request, longest))
        except Refused as refused:
            return refused.response

    async def answered(self, who: Who, reply: Message) -> None:
        """Told of messages, they have answered them: nobody has to be asked again whether they have them."""
        for told in await self.reading.unanswered(who, reply):
            await self.notices.answer_as(who.sight, told, name=who.name, by=who.actor, answer="accepted")


def author(given: str) -> str | web.Response:
    """A human's name on one line."""
    name = one_line(given)
    if name and any(one.isalpha() for one in name):
        return name
    wrong = Problem(path="author", message="is the name of a human, as plain text on one line")
    return problem(422, NOT_SENT, problems=[wrong])


def worded(given: Worded) -> str | web.Response:
    """Who takes a step, if nothing is wrong with what they add."""
    wrong = given.wrong()
    return author(given.author) if wrong is None else problem(422, NOT_SENT, problems=[wrong])


def bound(access: Bearers, scope: Scope, handler: Handler) -> Handler:
    """For bearers of a token of an organisation: nobody else takes part."""

    async def of_one(request: web.Request) -> web.StreamResponse:
        if request[TOKEN].organisation is None:
            return denial(Denied(reason="organisation"), scope)
        return await handler(request)

    return guarded_own(access, scope, of_one)
