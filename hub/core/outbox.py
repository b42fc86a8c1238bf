"""What an operator may do about a delivery: put it back, call it off; and what happens to it otherwise. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from hub.core.records import AttemptRecord, DecisionRecord, NoticeState, Outgoing
from hub.core.retry import carried, maybe_sent
from hub.core.states import NEVER_SENT, may_go_out
from routing.decision import Decision

UNTOLD: Final[frozenset[NoticeState]] = frozenset({"pending", "unresolved", "undeliverable", "overdue"})
"""Nobody who has to know is known to know."""
LOST_FOR: Final = timedelta(days=31)
"""So long what failed is stuck where its episode is over: who was to be told that a child is back, and has not heard of
it for a month, is found by asking for what failed."""
Refusal = Literal[
    "unknown",
    "due",
    "leased",
    "sent",
    "cancelled",
    "superseded",
    "acknowledged",
    "withheld",
    "held",
    "over",
    "unreadable",
]
"""Why a delivery is left as it is. ``unknown``: there is none; ``due`` to ``cancelled``: that is its state (or, for
``sent``, an attempt that was recorded late did go out); ``superseded`` to ``held``: that of its notice, or of its
person now; ``over``: the episode has ended and the notice says nothing any more; ``unreadable``: it does not open."""
Caution = Literal["maybe_sent", "newer_sent", "closed"]
"""What to know before a delivery is put back. ``maybe_sent``: an attempt may have gone out unseen, so it may come
twice, under the same id; ``newer_sent``: a later notice has gone out to the same address; ``closed``: the address of
its contact said that it is gone, and nothing goes there before somebody opens it again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Next:
    """What happens to a delivery if nobody does anything, and when. ``try``: it is sent, as soon after ``at`` as there
    is a free place; ``result``: it is being sent, and until then says what it came to; ``look``: nothing by this way,
    but the notice is looked at again; ``nothing``."""

    does: Literal["try", "result", "look", "nothing"]
    at: datetime | None = None


def next_of(one: Outgoing) -> Next:
    """What happens to it next."""
    match one.state:
        case "due" if may_go_out(one.notice_state, one.purpose):
            return Next(does="try", at=one.due_at)
        case "leased":
            return Next(does="result", at=one.lease_until)
        case _:
            return Next(does="nothing") if one.chase_at is None else Next(does="look", at=one.chase_at)


def why_not_redriven(
    one: Outgoing,
    attempts: Sequence[AttemptRecord],
    *,
    ended: bool = False,
    kept: Literal["withheld", "held"] | None = None,
) -> Refusal | None:
    """Why it may not be put back, or None. ``ended``: the episode has ended since in a way that makes it pointless;
    ``kept``: whom it tells must not be told now."""
    if one.state != "failed":
        return one.state
    if ended:
        return "over"
    match one.notice_state:
        case "superseded" | "withheld" | "held" as silent:
            return silent
        case "acknowledged" if not may_go_out("acknowledged", one.purpose):
            return "acknowledged"
    if kept is not None:
        return kept
    return "sent" if any(carried(attempt, one.carries) for attempt in attempts) else None


def why_not_cancelled(one: Outgoing) -> Refusal | None:
    """Why it may not be called off, or None. What a worker has in hand may be out already."""
    match one.state:
        case "due" | "failed":
            return None
        case "leased" | "sent" | "cancelled" as state:
            return state


def cautions(attempts: Sequence[AttemptRecord], *, newer: bool, closed: bool = False) -> tuple[Caution, ...]:
    """What to know before it is put back."""
    found: list[Caution] = []
    if any(maybe_sent(attempt) for attempt in attempts):
        found.append("maybe_sent")
    if newer:
        found.append("newer_sent")
    if closed:
        found.append("closed")
    return tuple(found)


def kept_back(decision: Decision, taken: Sequence[DecisionRecord]) -> Literal["withheld", "held"] | None:
    """Whether the newest word about whom a decision tells keeps it from them; of a gap, from whom a desk stands in for.
    A notice that had been sent by another way before keeps its state, so the state alone does not say. ``taken``: all
    decisions of the episode, in order."""
    about = {(one.role, one.person) for one in decision.recipients if one.person is not None}
    state: Literal["withheld", "held"] | None = None
    for record in taken:
        if not any((one.role, one.person) in about for one in record.decision.recipients):
            continue
        match record.decision.outcome:
            case "withhold":
                state = "withheld"
            case "hold":
                state = "held"
            case "notify":
                state = None
            case "gap" | "suppress":
                pass
    return state


def open_still(one: Outgoing, *, ended: bool = False) -> bool:
    """Whether somebody has yet to be told, or to answer: then its last way is not called off without an alarm."""
    return one.notice_state not in NEVER_SENT and not ended
