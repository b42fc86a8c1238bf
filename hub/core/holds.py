"""What the police ask of everybody who was told of an episode: make no enquiries, do not question the child. Pure.

A hold stands from the moment that the police set it until the last force that set it lifts it, and never ends by
itself, but with what it was about. It pauses the chasing of the duties that it covers, and moves no due time (ADR
0035).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal, get_args

from contacts.roles import POLICE_ROLES
from hub.core.summary import EpisodeState
from routing.decision import Duty, Recipient

HoldKind = Literal["no_enquiries", "no_questions"]
Deed = Literal["set", "lifted"]

KINDS: Final[tuple[HoldKind, ...]] = get_args(HoldKind)
OVER: Final[Mapping[HoldKind, frozenset[EpisodeState]]] = {
    "no_enquiries": frozenset({"returned", "retracted"}),
    "no_questions": frozenset({"retracted"}),
}
"""When there is nothing left that a hold could be about: nobody enquires after a child who is back."""
COVERS: Final[Mapping[HoldKind, Mapping[str, tuple[str, ...]]]] = {
    # B-121, B-157: "enquiries", of carers and of the social worker, into where the child is.
    "no_enquiries": {
        "daily_contact": ("D-18",),
        "address_visits": ("D-85",),
        "search_recorded": ("B-159", "B-160", "F-43"),
    },
    # E-69: "not to further question child". That an interview is offered, arranged or handed to another asks nothing
    # of the child, nor does a social worker who sees them (D-43); a meeting in private (D-48) is the child's own right.
    "no_questions": {
        "return_interview": ("D-28", "D-29", "D-30"),
        "safe_and_well_check": ("D-27", "D-41", "D-42"),
    },
}
"""The duties that nobody is pressed to do while a hold stands, with the rules they rest on. What is in doubt is not
among them: a child's safety comes before a search that is held back."""
SAID: Final[Mapping[HoldKind, Mapping[Deed, str]]] = {
    "no_enquiries": {
        "set": "The police ask you to make no enquiries about where the child is, until you hear that this is lifted. "
        "Do not search, do not visit addresses, and do not ask those who may know. Pass on to the police at once "
        "whatever you hear. You are not told why. If you believe that the child is in danger, ring 999.",
        "lifted": "The police have lifted this: you may make enquiries again. What was held back goes on, and you are "
        "reminded again of what is due.",
    },
    "no_questions": {
        "set": "The police ask you not to question the child about what happened while they were away, until you hear "
        "that this is lifted. Care for them as always, listen if they speak of it themselves, and write down what they "
        "say. You are not told why.",
        "lifted": "The police have lifted this: the child may be interviewed again. What was held back goes on, and "
        "you are reminded again of what is due.",
    },
}
"""What everybody who was told of the episode is told of it: words of ours, so that none of them gives the reason."""
HELD_BACK: Final[Mapping[HoldKind, str]] = {
    "no_enquiries": "make no enquiries about where the child is. Do not search, do not visit addresses, and do not ask "
    "those who may know. Pass on to the police at once whatever you hear. You are not told why.",
    "no_questions": "do not question the child about what happened while they were away. Listen if they speak of it "
    "themselves, and write down what they say. You are not told why.",
}
"""The same where it stands on a notice or a page."""
REVIEW: Final = "police_hold_review"
"""The duty of the police who gave a date at which they want to be asked."""
MOST_A_DAY: Final = 10
"""How often one force sets holds on one episode within a day: each time everybody is told at once. Lifting is never
refused."""
TO_ANSWER: Final = timedelta(days=1)
"""After that date, until it is chased as late."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """That a hold was set or lifted. Never changed."""

    id: str
    episode: str
    number: int
    """From 1 in its episode: the order they are taken in, whatever the clocks said."""
    kind: HoldKind
    deed: Deed
    organisation: str
    """The force."""
    desk: str
    role: str
    """In which its desk was told of the episode."""
    actor: str
    """Account or token, as in the audit log."""
    at: datetime
    review_at: datetime | None = None
    there: int | None = None
    """Its number at the hub that told of it; None of what was done here."""
    name: str = field(default="", repr=False)
    """Whose deed it was. Personal. Like the reason, there only where it was asked for by those who may see it."""
    reason: str | None = field(default=None, repr=False)
    """For the force itself, and the evidence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """One that stands, whoever set it. ``by``: the act by which each force holds on to it."""

    kind: HoldKind
    since: datetime
    by: tuple[Act, ...]

    def of(self, organisation: str) -> Act | None:
        """By which this force holds on to it here; None where it does not."""
        return next((one for one in self.by if one.organisation == organisation and one.there is None), None)


def standing(acts: Iterable[Act], state: EpisodeState) -> tuple[Hold, ...]:
    """What stands after all of these, in the order of :data:`KINDS`. Set by two forces it is one hold, which stands
    until both have lifted it; set again by one, what it said last counts. What a force set at another hub and what it
    set here are two: neither hub lifts what was set at the other."""
    since: dict[HoldKind, datetime] = {}
    held: dict[HoldKind, dict[tuple[str, bool], Act]] = {kind: {} for kind in KINDS}
    for act in sorted(acts, key=lambda one: one.number):
        mine, whose = held[act.kind], (act.organisation, act.there is None)
        if act.deed == "lifted":
            mine.pop(whose, None)
            continue
        if not mine:
            since[act.kind] = act.at
        mine[whose] = act
    some = (Hold(kind=kind, since=since[kind], by=tuple(held[kind].values())) for kind in KINDS if held[kind])
    return still(some, state)


def still(holds: Iterable[Hold], state: EpisodeState) -> tuple[Hold, ...]:
    """Those of them that are about anything, as the episode stands now."""
    return tuple(one for one in holds if state not in OVER[one.kind])


def may_set(state: EpisodeState) -> tuple[HoldKind, ...]:
    """Which can be set, as the episode stands; none before it was reported."""
    return tuple(kind for kind in KINDS if state != "awaited" and state not in OVER[kind])


def too_often(acts: Iterable[Act], organisation: str, now: datetime) -> bool:
    """Whether a force has set so many that it sets no more now."""
    since = now - timedelta(days=1)
    return sum(one.organisation == organisation and one.deed == "set" and one.at > since for one in acts) >= MOST_A_DAY


def pauses(holds: Iterable[Hold], code: str, owner: str) -> bool:
    """Whether nobody is reminded of this duty now, nor chased for it. What the police owe themselves, they owe."""
    return owner not in POLICE_ROLES and any(code in COVERS[one.kind] for one in holds)


def review_of(act: Act, duties: Iterable[Duty]) -> Duty | None:
    """The duty to say whether a hold still holds; None where nobody gave a date."""
    if act.review_at is None:
        return None
    before = sum(1 for one in duties if one.code == REVIEW)
    return Duty(
        code=REVIEW,
        occurrence=before + 1,
        ordinal=before,
        owner=act.role,
        opened_at=act.at,
        due_at=act.review_at + TO_ANSWER,
        rules=(),
        row=f"hub/{REVIEW}/{act.id}",
        start=act.at,
        n=1,
        remind_at=act.review_at,
        chase_at=act.review_at + TO_ANSWER,
    )


def asked(holds: Iterable[Hold], duty: Duty) -> Recipient | None:
    """Who is asked whether a hold still holds: those who set it, wherever the child lives by now. None where it does
    not stand any more."""
    act = duty.row.rpartition("/")[2]
    found = (one for hold in holds for one in hold.by if one.id == act)
    return next((Recipient(role=one.role, organisation=one.organisation) for one in found), None)
