"""Holds of the police over the API: what they ask of everybody who was told; for a force, setting and lifting it."""

from collections.abc import Sequence
from typing import Annotated, Final

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from hub.core.events import Problem
from hub.core.holds import HELD_BACK, KINDS, Act
from hub.service.holds.setting import Ask, Holds, OtherwiseDone, Outcome, Settled
from hub.web.api.asked import Instant
from hub.web.api.bearers import Bearers
from hub.web.api.conversation_bodies import AuthorName, Json, OwnId
from hub.web.api.ledger import at
from hub.web.api.speaking import NOT_SENT, NOTHING, SENT_ALREADY, Speaking, author, bound
from hub.web.problems import json_response, problem

LONGEST: Final = 64 * 1024


class LiftedHold(BaseModel):
    """What a force does not ask any more."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: OwnId
    author: AuthorName
    kind: Annotated[str, Field(json_schema_extra={"enum": list(KINDS)})]


class NewHold(LiftedHold):
    """What a force asks of everybody who was told."""

    reason: str = Field("", description="For the force itself and the evidence; nobody else is ever shown it.")
    review_at: Instant | None = Field(None, description="When its desk wants to be asked whether it still holds.")


class HoldsApi:
    """/v1/episodes/{episode}/holds and /v1/episodes/{episode}/holds/lift."""

    def __init__(self, holds: Holds, speaking: Speaking) -> None:
        self._holds = holds
        self._speaking = speaking

    def routes(self, access: Bearers) -> Sequence[web.RouteDef]:
        of = "/v1/episodes/{episode}/holds"
        return [
            web.get(of, bound(access, "conversations:read", self.listed)),
            web.post(of, bound(access, "conversations:write", self.set)),
            web.post(f"{of}/lift", bound(access, "conversations:write", self.lift)),
        ]

    async def listed(self, request: web.Request) -> web.Response:
        """What stands, for everybody who takes part; to a force also what it did, and why."""
        who, episode = self._speaking.who(request), request.match_info["episode"]
        found = await self._speaking.reading.listed(who, episode)
        if found is None:
            return problem(404, NOTHING)
        seen = await self._holds.seen(who, episode)
        standing = [{"kind": one.kind, "since": at(one.since), "asked": HELD_BACK[one.kind]} for one in found.holds]
        own = None if seen is None else {"may_set": list(seen.may_set), "acts": [act_body(one) for one in seen.acts]}
        return json_response({"holds": standing, "own": own})

    async def set(self, request: web.Request) -> web.Response:
        """Ask everybody who was told to hold back."""
        given = await self._speaking.given(request, NewHold, LONGEST)
        if isinstance(given, web.Response):
            return given
        name = author(given.author)
        if isinstance(name, web.Response):
            return name
        ask = Ask(kind=given.kind, key=given.id, reason=given.reason, review_at=given.review_at, via="api")
        who = self._speaking.who(request, name)
        return _answered(name, await self._holds.set(who, request.match_info["episode"], ask))

    async def lift(self, request: web.Request) -> web.Response:
        """Ask it no longer."""
        given = await self._speaking.given(request, LiftedHold, LONGEST)
        if isinstance(given, web.Response):
            return given
        name = author(given.author)
        if isinstance(name, web.Response):
            return name
        who = self._speaking.who(request, name)
        ask = Ask(kind=given.kind, key=given.id, via="api")
        return _answered(name, await self._holds.lift(who, request.match_info["episode"], ask))


def _answered(name: str, outcome: Outcome | None) -> web.Response:
    match outcome:
        case None:
            return problem(404, NOTHING)
        case Settled(act=act, told=told, repeated=repeated) if act.name == name:
            return json_response(act_body(act) | {"told": told}, status=200 if repeated else 201)
        case Settled() | OtherwiseDone():
            return problem(409, SENT_ALREADY)
        case problems:
            return problem(422, NOT_SENT, problems=[Problem(path=one.field, message=one.message) for one in problems])


def act_body(act: Act) -> Json:
    """That a hold was set or lifted, as the force that did it reads it."""
    return {
        "id": act.id,
        "kind": act.kind,
        "deed": act.deed,
        "author": act.name,
        "at": at(act.at),
        "review_at": at(act.review_at),
        "reason": act.reason,
    }
