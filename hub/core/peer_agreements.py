"""A step of an agreement, as two hubs say it to each other beside the message that says it in words. Pure.

The hub that knows the child keeps its agreements. It sends each step that it has kept, and what the other sends it
judges as a form on a page of its own. A step says nothing that its message says: whose it is, when it was made, in
which conversation. So it is codes and instants, the same however often it is sent, and in any order.
"""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from hub.core.agreements import (
    FARTHEST,
    LATEST,
    MOVES,
    Agreement,
    Answer,
    Move,
    Refused,
    Said,
    Why,
    in_the_way,
    move,
    over_for,
)
from hub.core.conversation import Message, PartyKey
from hub.core.peer_cases import Instant, NotUnderstood
from hub.core.summary import EpisodeState
from hub.core.wire_json import read
from routing.decision import AgreementKind

FORMAT: Final = "fingerpost.agreement.v1"
Made = Literal["propose", "accept", "decline", "counter", "withdraw", "lapse"]
"""``lapse`` is that of the hub that keeps it: nobody answered in time."""
_AgreementId = Annotated[str, Field(pattern=r"^ag_[0-7][0-9A-HJKMNP-TV-Z]{25}$")]


class _Key(BaseModel):
    organisation_code: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9:._-]{0,63}$")]
    desk: Annotated[str, Field(max_length=64)]

    @property
    def key(self) -> PartyKey:
        return self.organisation_code, self.desk


class _Terms(BaseModel):
    id: _AgreementId
    kind: AgreementKind
    does_it: _Key
    when: Instant | None = None
    deadline: Instant
    asked: Annotated[tuple[_Key, ...], Field(min_length=1, max_length=100)]


class Step(BaseModel):
    """What is used of ``agreement.json``; whatever else is there is left aside."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    format: Literal["fingerpost.agreement.v1"]
    move: Made
    agreement: _AgreementId
    """What is proposed, or what is answered."""
    terms: _Terms | None = None
    """What is proposed, by a proposal and a counter."""

    @model_validator(mode="after")
    def _of_a_kind(self) -> Self:
        if (self.terms is not None) != (self.move in ("propose", "counter")):
            raise ValueError("terms belong to what is proposed")
        if self.terms is not None and (self.terms.id == self.agreement) != (self.move == "propose"):
            raise ValueError("a counter is another proposal than that which it answers")
        return self

    @property
    def answer(self) -> Move | None:
        """What it says to a proposal; None where it says nothing to one."""
        return next((one for one in MOVES if one == self.move), None)

    @property
    def parties(self) -> tuple[PartyKey, ...]:
        """Whom it names."""
        return () if self.terms is None else (self.terms.does_it.key, *(one.key for one in self.terms.asked))


def proposal_step(agreement: Agreement) -> str:
    """Of what proposes it, in the place of another or not."""
    terms = {
        "id": agreement.id,
        "kind": agreement.kind,
        "does_it": _said_key(agreement.does_it),
        "when": None if agreement.when is None else agreement.when.astimezone(UTC).isoformat(),
        "deadline": agreement.deadline.astimezone(UTC).isoformat(),
        "asked": [_said_key(one) for one in agreement.asked],
    }
    made: Made = "propose" if agreement.replaces is None else "counter"
    return _json(made, agreement.replaces or agreement.id, terms)


def answer_step(agreement: str, said: Move | Literal["lapse"]) -> str:
    """Of what answers it, or says that nobody did."""
    return _json(said, agreement, None)


def _json(made: Made, agreement: str, terms: dict[str, Any] | None) -> str:
    return json.dumps({"format": FORMAT, "move": made, "agreement": agreement, "terms": terms})


def _said_key(party: PartyKey) -> dict[str, str | None]:
    return {"organisation_code": party[0], "desk": party[1]}


def step_in(data: bytes | None) -> Step | None:
    """What stands beside a message; None where there is nothing. Raises NotUnderstood."""
    if data is None:
        return None
    reading = read(data)
    try:
        return Step.model_validate(None if reading.problems else reading.value)
    except ValidationError:
        raise NotUnderstood("holds an agreement.json that cannot be read") from None


def step_of(message: Message) -> Step | None:
    """That of a message that is kept."""
    if message.purpose != "agreement" or message.step is None:
        return None
    return step_in(message.step.encode("ascii"))


def proposed_by(message: Message, step: Step) -> Agreement | None:
    """What a message proposes. Both hubs have the same."""
    terms = step.terms
    if terms is None:
        return None
    return Agreement(
        id=terms.id,
        episode=message.episode,
        thread=message.thread,
        message=message.id,
        kind=terms.kind,
        does_it=terms.does_it.key,
        when=terms.when,
        deadline=terms.deadline,
        proposer=(message.organisation, message.desk),
        asked=tuple(one.key for one in terms.asked),
        actor=message.actor,
        proposed_at=message.sent_at,
        replaces=step.agreement if step.move == "counter" else None,
    )


def answered_by(message: Message, step: Step) -> Answer | None:
    """What a message answers. Both hubs have the same."""
    if step.answer is None:
        return None
    party = (message.organisation, message.desk)
    said = MOVES[step.answer][1]
    return Answer(party=party, said=said, at=message.sent_at, actor=message.actor, message=message.id)


def fits(agreement: Agreement, answer: Answer) -> bool:
    """Whether whoever keeps it can have kept this: one answer a party, its own to give."""
    ours = [agreement.proposer] if answer.said == "withdrawn" else agreement.asked
    return answer.party in ours and all(one.party != answer.party for one in agreement.answers)


def judged(
    step: Step,
    author: PartyKey,
    *,
    about: Agreement | None,
    known: Iterable[Agreement],
    readers: Iterable[PartyKey],
    episode: EpisodeState,
    now: datetime,
) -> Said | Refused | None:
    """What another hub's people say by a step, judged as a form here: None of one that proposes and answers nothing.
    ``about``: what it answers, of the same conversation; ``known``: all of the episode; ``readers``: who reads the
    message, as everybody of an agreement has to."""
    terms, read_by, said = step.terms, frozenset(readers), None
    parties: tuple[PartyKey, ...] = (author, *(one for one in step.parties[1:]))
    if step.answer is not None:
        if about is None:
            return Refused(why="not_asked", state="open")
        said = move(about, step.answer, author, episode)
        if isinstance(said, Refused):
            return said
        parties = about.parties
    elif step.move != "propose":
        return Refused(why="not_asked", state="open")
    if not read_by.issuperset(parties):
        return Refused(why="unread", state="open")
    if terms is None:
        return said
    asked = [one.key for one in terms.asked]
    if (
        terms.does_it.key not in parties
        or author in asked
        or len(set(asked)) != len(asked)
        or (about is not None and (terms.kind != about.kind or {author, *asked} != set(parties)))
    ):
        return Refused(why="not_asked", state="open")
    if over_for(terms.kind, episode):
        return Refused(why="over", state="ended")
    if terms.deadline <= now or (terms.when is not None and terms.when <= now):
        return Refused(why="late", state="open")
    if terms.deadline > now + 2 * LATEST or (terms.when is not None and terms.when > now + 2 * FARTHEST):
        return Refused(why="not_asked", state="open")
    others = [one for one in known if about is None or one.id != about.id]
    if about is None and in_the_way(others, terms.kind, author, asked, episode):
        return Refused(why="in_the_way", state="open")
    return said


def came_to(why: str | None) -> Why | Literal["kept", "words"]:
    """What another hub said of a step; ``words`` where it knows of none, as one of the version before."""
    known: tuple[Why, ...] = ("over", "not_asked", "accepted_already", "not_the_proposer", "late", "unread",
                              "in_the_way")  # fmt: skip
    if why == "kept":
        return "kept"
    return next((one for one in known if one == why), "words")
