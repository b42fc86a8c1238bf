"""Whose notices a signed-in recipient reads, and how each stands. Pure.

Need to know is not a matter of the organisation: the front door of a council is told more than its hospital nurse. So
a recipient reads for desks, which an administrator has given them, and sees what was sent to these and no more.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from contacts.roles import DESK_FUNCTIONS, DESKS
from hub.core.records import ClaimedDelivery, DeliveryRecord, EpisodeState, NoticeRecord
from routing.decision import Kind
from routing.recipients import UNNAMED_SCHOOL

EVERY_DESK: Final = "*"
"""In place of the desks: all that the organisation has, and will have."""
NOT_FOR_DESKS: Final[frozenset[Kind]] = frozenset({"verification"})

Which = Literal["new", "unanswered", "all"]
"""``new``: nobody has opened it, by whatever way; ``unanswered``: no human has answered it, nor accepted anything newer
of the episode for the same desk. Neither holds what is over."""
Answer = Literal["accepted", "not_ours", "redirected"]
Standing = Literal["new", "opened", "accepted", "declined", "over"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What one reader may see of the notices to their organisation."""

    organisation: str
    every: bool = False
    roles: frozenset[str] = frozenset()
    """Those whose desk is one of theirs."""
    gaps: bool = False
    """What the fallback desk is told in place of others."""
    contacts: frozenset[str] = frozenset()
    """Ids of their desks' contacts: a desk that covers for another sees what was sent to it."""

    @property
    def anything(self) -> bool:
        """Whether they read for any desk at all."""
        return self.every or bool(self.roles or self.gaps or self.contacts)

    def of_role(self, role: str) -> bool:
        """Whether they read what is kept for this role, such as its entries of the register."""
        return self.every or role in self.roles


@dataclass(frozen=True, slots=True, kw_only=True)
class Filed:
    """One notice as it lies at its desk."""

    notice: NoticeRecord
    episode_state: EpisodeState
    opened: bool
    over: bool
    """It was overtaken, or is withheld: nothing of it is shown any more."""
    answer: Answer | None
    """The newest."""
    claimed: ClaimedDelivery | None = None
    """All that showing it takes; None where that was not asked for, or does not open any more."""

    @property
    def standing(self) -> Standing:
        """In one word, what matters most first."""
        if self.over:
            return "over"
        if self.answer is not None:
            return "accepted" if self.answer == "accepted" else "declined"
        return "opened" if self.opened else "new"


def sight_of(
    organisation: str, desks: Collection[str], contacts: Mapping[str, Iterable[str]], fallback_desk: str
) -> Sight:
    """``desks``: functions, or :data:`EVERY_DESK`; ``contacts``: the ids of the organisation's contacts by desk. Under
    the code of schools that nobody gave a number stand many, so nobody reads for it."""
    if organisation == UNNAMED_SCHOOL:
        return Sight(organisation=organisation)
    if EVERY_DESK in desks:
        return Sight(organisation=organisation, every=True)
    mine = frozenset(desks)
    return Sight(
        organisation=organisation,
        roles=frozenset(role for role, desk in DESKS.items() if desk in mine),
        gaps=fallback_desk in mine,
        contacts=frozenset(id for desk in mine for id in contacts.get(desk, ())),
    )


def known_desks(desks: Iterable[str]) -> frozenset[str]:
    """Those of them that there may be; every desk takes all others in."""
    given = frozenset(desks)
    return frozenset({EVERY_DESK}) if EVERY_DESK in given else given & DESK_FUNCTIONS


def best_way(ways: Iterable[DeliveryRecord], sight: Sight) -> DeliveryRecord | None:
    """The way of a notice that its reader is shown: one to a desk of theirs, the first that was taken. None where it
    went to no desk; who was only asked to ring the reader is none."""
    told = [one for one in ways if one.purpose != "handover"]
    return min(
        told,
        key=lambda one: (
            one.state == "cancelled",
            one.contact not in sight.contacts,
            one.purpose != "notice",
            one.id,
        ),
        default=None,
    )


def called_off(notice: NoticeRecord, delivery: DeliveryRecord) -> bool:
    """Whether an operator has taken every way of it back. One that was accepted needs no way any more, and stays."""
    return delivery.state == "cancelled" and notice.state == "undeliverable"


def may_name(claimed: ClaimedDelivery) -> bool:
    """Whether a list may name the child: not where a desk stands in for a person, who may be kept from it by now."""
    return not any(told.person for told in claimed.decision.recipients)
