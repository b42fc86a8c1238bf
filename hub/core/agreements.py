"""What people of several organisations agree about an episode: a typed proposal, and its answers. Pure.

Each step is a message of its thread besides (ADR 0030, ADR 0034). How a proposal stands follows from its answers, which
are only ever added; that its deadline is past ends it as little as a late answer to a notice does.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal, get_args

from hub.core.conversation import PartyKey
from hub.core.summary import EpisodeState
from routing.decision import AgreementKind

Move = Literal["accept", "decline", "counter", "withdraw"]
Said = Literal["accepted", "declined", "countered", "withdrawn"]
AgreementState = Literal["open", "accepted", "declined", "countered", "withdrawn", "ended"]
"""``countered``: another proposal has taken its place; ``ended``: by the episode itself."""
Seat = Literal["proposer", "asked", "accepted", "nobody"]
Why = Literal[
    "over", "not_asked", "accepted_already", "not_the_proposer", "late", "unread", "in_the_way", "on_its_way"
]  # fmt: skip
"""Why a move cannot be made. Of those made at another hub: what is proposed was past when it came (``late``), somebody
of the agreement may not read the message (``unread``), the same is proposed between them already (``in_the_way``); at
that hub itself: what the party said before has not come back yet (``on_its_way``)."""

KINDS: Final[tuple[AgreementKind, ...]] = get_args(AgreementKind)
CAUSE: Final = "agreement:"
"""Begins the cause of what an accepted one closes; its id follows."""
SOONEST: Final = timedelta(minutes=15)
LATEST: Final = timedelta(days=14)
"""How soon, and how late, an answer may be wanted."""
FARTHEST: Final = timedelta(days=183)
"""How far ahead what is proposed may lie."""

MOVES: Final[Mapping[Move, tuple[Seat, Said]]] = {
    "accept": ("asked", "accepted"),
    "decline": ("asked", "declined"),
    "counter": ("asked", "countered"),
    "withdraw": ("proposer", "withdrawn"),
}
"""Who may make each move while a proposal is open, and what it is from then on said to be by them."""
ENDED_BY: Final[Mapping[AgreementKind, frozenset[EpisodeState]]] = {
    "return_interview": frozenset({"retracted"}),
    "lead": frozenset({"retracted"}),
    "collection": frozenset({"retracted", "returned"}),
}
"""What the episode comes to that leaves nothing to agree about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a party answered; of its proposer, that it was withdrawn. One a party, never changed."""

    party: PartyKey
    said: Said
    at: datetime
    actor: str
    """Account or token, as in the audit log."""
    message: str
    """The message that says so, with the name of who wrote it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """A proposal. Never changed but for :attr:`lapsed_at`, which is set once."""

    id: str
    episode: str
    thread: str
    message: str
    """The message that proposes it."""
    kind: AgreementKind
    does_it: PartyKey
    """Which of the parties does it."""
    when: datetime | None = None
    """When it is to be done."""
    deadline: datetime
    """When an answer is wanted."""
    proposer: PartyKey
    asked: tuple[PartyKey, ...]
    actor: str
    proposed_at: datetime
    replaces: str | None = None
    """The proposal that it counters."""
    answers: tuple[Answer, ...] = ()
    lapsed_at: datetime | None = None
    """When its deadline was found to be past, and somebody was told."""

    @property
    def parties(self) -> tuple[PartyKey, ...]:
        """Between whom it is, its proposer first."""
        return (self.proposer, *self.asked)

    @property
    def waits_for(self) -> tuple[PartyKey, ...]:
        """Who has not answered."""
        answered = {one.party for one in self.answers}
        return tuple(one for one in self.asked if one not in answered)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A move that cannot be made. ``state``: what holds now."""

    why: Why
    state: AgreementState


def state_of(agreement: Agreement, episode: EpisodeState) -> AgreementState:
    """How it stands: the first answer that ends it counts, else that all have accepted."""
    for one in agreement.answers:
        if one.said != "accepted":
            return one.said
    if not agreement.waits_for:
        return "accepted"
    return "ended" if over_for(agreement.kind, episode) else "open"


def seat_of(agreement: Agreement, party: PartyKey) -> Seat:
    """What a party is in it."""
    if party == agreement.proposer:
        return "proposer"
    if party not in agreement.asked:
        return "nobody"
    return "asked" if party in agreement.waits_for else "accepted"


def move(agreement: Agreement, made: Move, party: PartyKey, episode: EpisodeState) -> Said | Refused:
    """What a party says by a move, or why it cannot make it."""
    state, seat = state_of(agreement, episode), seat_of(agreement, party)
    wanted, said = MOVES[made]
    if seat == "nobody":
        return Refused(why="not_asked", state=state)
    if state != "open":
        return Refused(why="over", state=state)
    if seat == wanted:
        return said
    if wanted == "proposer":
        return Refused(why="not_the_proposer", state=state)
    return Refused(why="accepted_already" if seat == "accepted" else "not_asked", state=state)


def over_for(kind: AgreementKind, episode: EpisodeState) -> bool:
    """Whether nothing of this kind is to be agreed any more."""
    return episode in ENDED_BY[kind]


def lapses(agreement: Agreement, episode: EpisodeState, now: datetime) -> bool:
    """Whether somebody has to be told now that nobody answered in time."""
    return agreement.lapsed_at is None and agreement.deadline <= now and state_of(agreement, episode) == "open"


def in_the_way(
    known: Iterable[Agreement],
    kind: AgreementKind,
    proposer: PartyKey,
    asked: Iterable[PartyKey],
    episode: EpisodeState,
) -> Agreement | None:
    """An open one of the same kind between the proposer and one of these: it is answered first, or two that were
    proposed at once would both come to hold. Of one that is not the proposer's nothing is given away."""
    others = frozenset(asked)
    ours = (one for one in known if one.kind == kind and proposer in one.parties and others.intersection(one.parties))
    return next((one for one in ours if state_of(one, episode) == "open"), None)


def wrong_times(now: datetime, deadline: datetime, when: datetime | None) -> tuple[tuple[str, str], ...]:
    """What is wrong with the instants of a proposal: (``deadline`` or ``when``, in words)."""
    found = []
    if not now + SOONEST - timedelta(minutes=1) <= deadline <= now + LATEST:
        found.append(("deadline", "Ask for an answer in 15 minutes at the earliest, and in 14 days at the latest"))
    if when is not None and not now < when <= now + FARTHEST:
        found.append(("when", "Give a time in the future, within six months"))
    return tuple(found)
