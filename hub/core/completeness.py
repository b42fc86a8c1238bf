"""What must hold of the ledger at any moment, so that nothing is lost and nothing silent. Pure.

Every notice is in a state that the table knows, and is final, or somebody or something brings it on: a next look
(``chase_at``), a delivery that is due or in hand, an alarm that somebody has, an answer by which its reader has taken
the case on. And what was to happen by now has happened. The store looks for what breaks this
(hub/store/completeness.py), hub/service/watching.py says so.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal, get_args

from contacts.roles import desk_of
from hub.core.escalation import NEVER_CHASED
from hub.core.records import MessageStatus, NoticeRecord
from hub.core.states import NEVER_SENT, NOTICE
from routing.decision import Kind

Lack = Literal[
    "no_state",
    "no_next_step",
    "look_late",
    "nobody_told",
    "decision_unsaid",
    "delivery_late",
    "delivery_pointless",
    "lease_overrun",
    "attempt_adrift",
    "clock_late",
    "stalled",
]
MEANING: Final[Mapping[Lack, str]] = {
    "no_state": "a notice is in a state that no table knows",
    "no_next_step": "an open notice has no next look, no delivery under way, no alarm and no answer",
    "look_late": "a notice should have been looked at, and was not",
    "nobody_told": "a child is missing, and there is not a single notice",
    "decision_unsaid": "it was decided that somebody is told, and there is no notice",
    "delivery_late": "a delivery is due, waits for nothing, and nobody has taken it in hand",
    "delivery_pointless": "a delivery would go out for a notice that must not be sent any more",
    "lease_overrun": "a delivery is in hand for longer than its lease, and nobody has taken it back",
    "attempt_adrift": "an attempt is under way, and its delivery is in nobody's hands",
    "clock_late": "the clocks of an episode should have been looked at, and were not",
    "stalled": "nothing of a notice has gone out in five minutes, though it was tried",
}
LACKS: Final[tuple[Lack, ...]] = get_args(Lack)
OUTSIDE: Final[frozenset[Lack]] = frozenset({"stalled"})
"""Not the hub's fault: a relay, a provider or a mailbox takes nothing. Told under a name of its own."""

FINAL: Final = NEVER_SENT
"""Nothing more is to be done about a notice in one of these states. Whoever is held waits for a decision, which is a
duty with a clock of its own."""
LEASE_GRACE: Final = timedelta(minutes=1)
"""A lease that ran out is taken back by the next claim, within seconds."""
STUCK_AFTER: Final = timedelta(seconds=30)
"""What the hub does by itself it does within seconds. A delivery may wait for a place longer than that, as long as
others of its channel are taken in hand meanwhile; and a hub that has just started has had no such time yet."""
STUCK: Final[frozenset[Lack]] = frozenset({"look_late", "delivery_late", "clock_late"})
"""What is amiss after so long."""
STALLED_AFTER: Final = timedelta(minutes=5)
EVERY: Final = 30.0
"""Seconds between two looks: what breaks is told of within a minute."""
NOT_THE_CASE: Final[frozenset[Kind]] = NEVER_CHASED | {"conversation"}
"""Whoever accepts one of these has seen to a duty, or to what somebody wrote, and has not taken the case on by that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """How a notice is kept an eye on. One that the end of its episode made pointless is not looked at any more
    (:func:`hub.core.endings.overtaken`)."""

    state: str
    kind: Kind
    status: MessageStatus
    chase_at: datetime | None
    under_way: bool
    """A delivery of it is due or in hand."""
    owned: bool
    """There is an alarm about it: open, or closed by a human since it came into its state."""
    answered: bool
    """Its reader has accepted a notice of this episode that is no older."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lacking:
    """One thing that is not as it must be. ``notice`` is None where it is about an episode as a whole."""

    what: Lack
    episode: str
    notice: str | None = None

    @property
    def about(self) -> tuple[str, str]:
        """What tells one alarm of it from another: one alarm a notice, whatever else it lacks."""
        kind = "stalled" if self.what in OUTSIDE else "incomplete"
        return kind, self.notice or f"{self.episode}|{self.what}"


@dataclass(frozen=True, slots=True, kw_only=True)
class After:
    """Up to where settled rows have been gone through, by id; empty to begin with the first."""

    notices: str = ""
    decisions: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What one look at the ledger found."""

    lacking: tuple[Lacking, ...]
    after: After
    """Where the next one goes on."""
    more: frozenset[Lack] = frozenset()
    """Of these there may be more than is listed."""


def final(kept: Kept) -> bool:
    """Nothing more is to be done about it. An exercise alarms nobody, so its last step may be silence."""
    if kept.kind in NEVER_CHASED:
        return True
    return kept.state in FINAL or (kept.status != "actual" and kept.state in ("unresolved", "overdue"))


def complete(kept: Kept) -> bool:
    """Whether it is in a known state, and final or brought on by somebody or something."""
    if kept.state not in NOTICE:
        return False
    return final(kept) or kept.chase_at is not None or kept.under_way or kept.owned or kept.answered


def same_reader(one: NoticeRecord, other: NoticeRecord) -> bool:
    """Whether two notices of an episode go to the same desk or person. Where a desk stands in for somebody else, it has
    taken on only that."""
    same = (one.organisation, one.person, one.gap_role) == (other.organisation, other.person, other.gap_role)
    return same and not {desk_of(role) for role in one.roles}.isdisjoint(desk_of(role) for role in other.roles)


def takes_on(accepted: NoticeRecord, other: NoticeRecord) -> bool:
    """Whether whoever accepted the one has taken on what the other tells, if that is no newer: the same reader, and
    both about the case, or neither. Who replies to a message may never have read that a child is missing; and what
    somebody wrote, a sighting perhaps, stands in no later news."""
    return same_reader(accepted, other) and (accepted.kind in NOT_THE_CASE) == (other.kind in NOT_THE_CASE)


def newer(one: NoticeRecord, other: NoticeRecord) -> bool:
    """Whether one notice of an episode came after another. What is of later facts did, whatever a clock says: it may
    have been set back in between."""
    return (one.revision, one.created_at) > (other.revision, other.created_at)
