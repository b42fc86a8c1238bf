"""Agreements over the API: what is proposed and agreed on an episode, proposing, and answering."""

from collections.abc import Sequence
from typing import Annotated, Final

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from hub.core.agreements import KINDS, MOVES, Agreement, AgreementState, Refused
from hub.core.conversation import PartyKey
from hub.core.events import Problem
from hub.service.agreements.agreeing import Agreeing, Outcome
from hub.service.agreements.away import SentStep
from hub.service.agreements.steps import Agreed
from hub.service.agreements.terms import Proposal, Reply, Terms
from hub.service.conversations.writing import JOINED, Conflict
from hub.web.api.asked import Instant
from hub.web.api.bearers import Bearers
from hub.web.api.conversation_bodies import THREADS, Code, Json, NamedParty, Worded
from hub.web.api.ledger import at
from hub.web.api.speaking import NOT_SENT, NOTHING, SENT_ALREADY, Speaking, bound, worded
from hub.web.problems import json_response, problem

AGREEMENTS: Final = "/v1/agreements"
LONGEST: Final = 64 * 1024
_IN_TERMS: Final = frozenset({"does_it", "when", "deadline"})


class NamedTerms(BaseModel):
    """What is proposed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    does_it: NamedParty = Field(description="Which of the desks between whom it is does it.")
    when: Instant | None = Field(None, description="When it is to be done.")
    deadline: Instant = Field(description="By when an answer is wanted: 15 minutes to 14 days from now.")


class NewAgreement(Worded):
    """Something that is proposed to other desks."""

    kind: Annotated[str, Field(json_schema_extra={"enum": list(KINDS)})]
    terms: NamedTerms
    to: list[NamedParty] = Field(max_length=100, description="Who is asked, of `readers` and `offered`.")
    thread: Code | None = Field(None, description="The conversation that it is proposed in; null opens one.")


class NewAnswer(Worded):
    """What a desk says to a proposal. ``withdraw`` is its proposer's."""

    move: Annotated[str, Field(json_schema_extra={"enum": list(MOVES)})]
    terms: NamedTerms | None = Field(None, description="With `counter`: what is proposed instead.")


class AgreementsApi:
    """/v1/episodes/{episode}/agreements and /v1/agreements/{agreement}/answers."""

    def __init__(self, agreeing: Agreeing, speaking: Speaking) -> None:
        self._agreeing = agreeing
        self._speaking = speaking

    def routes(self, access: Bearers) -> Sequence[web.RouteDef]:
        of = "/v1/episodes/{episode}/agreements"
        return [
            web.get(of, bound(access, "conversations:read", self.listed)),
            web.post(of, bound(access, "conversations:write", self.propose)),
            web.post(f"{AGREEMENTS}/{{agreement}}/answers", bound(access, "conversations:write", self.answer)),
        ]

    async def listed(self, request: web.Request) -> web.Response:
        """What is proposed and agreed in conversations of these desks, the newest first."""
        found = await self._agreeing.listed(self._speaking.who(request), request.match_info["episode"])
        if found is None:
            return problem(404, NOTHING)
        shown = [
            agreement_body(one.agreement, one.state)
            | {"moves": list(one.moves), "sent": [_sent(each) for each in one.sent]}
            for one in found
        ]
        return json_response({"agreements": shown})

    async def propose(self, request: web.Request) -> web.Response:
        """Propose something."""
        given = await self._speaking.given(request, NewAgreement, LONGEST)
        if isinstance(given, web.Response):
            return given
        name = worded(given)
        if isinstance(name, web.Response):
            return name
        proposal = Proposal(
            **given.words(), kind=given.kind, terms=_terms(given.terms), to=tuple(one.key for one in given.to),
            thread=given.thread,
        )  # fmt: skip
        outcome = await self._agreeing.propose(
            self._speaking.who(request, name), request.match_info["episode"], proposal
        )
        return await self._answered(request, name, outcome)

    async def answer(self, request: web.Request) -> web.Response:
        """Accept, decline, propose something else, or withdraw."""
        given = await self._speaking.given(request, NewAnswer, LONGEST)
        if isinstance(given, web.Response):
            return given
        name = worded(given)
        if isinstance(name, web.Response):
            return name
        reply = Reply(**given.words(), move=given.move, terms=None if given.terms is None else _terms(given.terms))
        who = self._speaking.who(request, name)
        return await self._answered(
            request, name, await self._agreeing.answer(who, request.match_info["agreement"], reply)
        )

    async def _answered(self, request: web.Request, name: str, outcome: Outcome | None) -> web.Response:
        match outcome:
            case None:
                return problem(404, NOTHING)
            case Agreed(agreement=agreement, message=message) if message.author == name:
                # Whoever takes a step in a conversation has read what told them of it.
                await self._speaking.answered(self._speaking.who(request, name), message)
                body = agreement_body(agreement, outcome.state) | {
                    "closed": list(outcome.closed),
                    "counts": not outcome.away,
                }
                return json_response(body, status=200 if outcome.repeated else 201)
            case Agreed() | Conflict():
                return problem(409, SENT_ALREADY)
            case Refused(why=why, state=state):
                return problem(409, f"This cannot be done now ({why}): the proposal is {state}.", reason=why)
            case problems if [one.message for one in problems] == [JOINED.message]:
                wrong = Problem(path="shown", message="is not all of them")
                return problem(409, f"{JOINED.message}.", problems=[wrong])
            case problems:
                return problem(
                    422, NOT_SENT, problems=[Problem(path=_path(one.field), message=one.message) for one in problems]
                )


def agreement_body(agreement: Agreement, state: AgreementState) -> Json:
    """A proposal and its answers; what was written to it stands in the messages."""
    return {
        "id": agreement.id,
        "episode": agreement.episode,
        "thread": agreement.thread,
        "message": agreement.message,
        "kind": agreement.kind,
        "state": state,
        "proposer": _party(agreement.proposer),
        "asked": [_party(one) for one in agreement.asked],
        "waits_for": [_party(one) for one in agreement.waits_for],
        "terms": {
            "does_it": _party(agreement.does_it),
            "when": at(agreement.when),
            "deadline": at(agreement.deadline),
        },
        "proposed_at": at(agreement.proposed_at),
        "replaces": agreement.replaces,
        "unanswered_in_time": at(agreement.lapsed_at),
        "answers": [
            {"party": _party(one.party), "said": one.said, "at": at(one.at), "message": one.message}
            for one in agreement.answers
        ],
        "messages": f"{THREADS}/{agreement.thread}/messages",
    }


def _sent(step: SentStep) -> Json:
    """What was said here where another hub keeps the proposal."""
    return {
        "party": _party(step.party),
        "move": step.move,
        "message": step.message,
        "at": at(step.at),
        "came_to": step.came_to,
        "why": step.why,
    }


def _party(key: PartyKey) -> Json:
    return {"organisation": key[0], "desk": key[1]}


def _terms(given: NamedTerms) -> Terms:
    return Terms(does_it=given.does_it.key, when=given.when, deadline=given.deadline)


def _path(field: str) -> str:
    if field in _IN_TERMS:
        return f"terms.{field}"
    return {"readers": "to"}.get(field, field)
