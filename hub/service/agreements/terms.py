"""What somebody proposes or answers, as a form or a program sends it, and what is wrong with it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal, TypeAlias

from hub.core.agreements import KINDS, MOVES, Move, wrong_times
from hub.core.conversation import PartyKey, TextProblem, Via, plain_text
from routing.decision import AgreementKind

LONGEST_WORDS: Final = 2_000
"""What somebody may add: with what is made of the terms, it is within the longest message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What is proposed; None, where nothing was chosen."""

    does_it: PartyKey | None
    when: datetime | None = None
    deadline: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What goes with any step."""

    key: str = field(repr=False)
    """What the form or program calls it: sent again under it, it is the same step."""
    text: str = field(default="", repr=False)
    """What somebody adds."""
    whereabouts: bool | None = None
    """Whether that touches where the child is, was or may be. Needed where there is a text."""
    desk: str | None = None
    """For which desk of theirs they write, where there are several."""
    shown: frozenset[PartyKey] | None = None
    """Whom they were shown as those who read it; None where nobody could be shown anything."""
    via: Via = "page"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal(Words):
    """``to``: who is asked."""

    kind: str
    terms: Terms
    to: tuple[PartyKey, ...]
    thread: str | None = None
    """None opens a conversation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply(Words):
    """``move``: see ``hub.core.agreements.Move``; ``terms``: what is proposed instead, by a counter."""

    move: str
    terms: Terms | None = None


Field = Literal["kind", "does_it", "when", "deadline", "readers", "text", "whereabouts", "move"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What is wrong with one field; repeats nothing of it."""

    field: Field
    message: str


Problems: TypeAlias = tuple[Problem, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """In normal form."""

    text: str = field(repr=False)
    touches: bool
    kind: AgreementKind | None = None
    move: Move | None = None
    does_it: PartyKey | None = None
    when: datetime | None = None
    deadline: datetime | None = None


def check(given: Proposal | Reply, now: datetime) -> Checked | Problems:
    """What was chosen in normal form, or everything that is wrong with it but for who is of it."""
    problems: list[Problem] = []
    kind = move = None
    terms = given.terms
    if isinstance(given, Proposal):
        kind = next((one for one in KINDS if one == given.kind), None)
        if kind is None:
            problems.append(Problem(field="kind", message="Choose what the proposal is about"))
    else:
        move = next((one for one in MOVES if one == given.move), None)
        if move is None:
            problems.append(Problem(field="move", message="Choose an answer"))
        terms = given.terms if move == "counter" else None
    if isinstance(given, Proposal) or move == "counter":
        problems += _of_terms(terms, now)
    text = plain_text(given.text) if given.text.strip() else ""
    if isinstance(text, TextProblem):
        problems.append(Problem(field="text", message=text.message))
    elif len(text) > LONGEST_WORDS:
        problems.append(Problem(field="text", message=f"Add {LONGEST_WORDS:,} characters or fewer"))
    elif text and given.whereabouts is None and given.via == "page":
        problems.append(
            Problem(field="whereabouts", message="Say whether what you add is about where the child is, was or may be")
        )
    if problems or isinstance(text, TextProblem):
        return tuple(problems)
    return Checked(
        text=text,
        touches=bool(text) and given.whereabouts is not False,
        kind=kind,
        move=move,
        does_it=None if terms is None else terms.does_it,
        when=None if terms is None else terms.when,
        deadline=None if terms is None else terms.deadline,
    )


def _of_terms(terms: Terms | None, now: datetime) -> Iterator[Problem]:
    if terms is None or terms.does_it is None:
        yield Problem(field="does_it", message="Choose who does it")
    if terms is None or terms.deadline is None:
        yield Problem(field="deadline", message="Choose by when you want an answer")
        return
    for name, message in wrong_times(now, terms.deadline, terms.when):
        yield Problem(field="deadline" if name == "deadline" else "when", message=message)
