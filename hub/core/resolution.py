"""Whose is it? What happens once a desk says that a notice is not for it (readings.md D12, D13). Pure.

A resolution is about one role of one episode. The first ``not_ours`` or ``redirected`` of whoever has the role opens
it; a named human then chooses, from organisations that the directory knows, who is asked next. It is finished by
nothing but an organisation that accepted. What somebody typed is shown as said, and is never an address.

All of it is a chain of steps that are only ever added to; where it stands follows from them (ADR 0036).
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final, Literal, TypeAlias, get_args

from contacts.roles import ORGANISATION_OF
from hub.core.completeness import NOT_THE_CASE
from hub.core.course import Context, Course, Outcome, first_missing
from hub.core.episode import Episode
from hub.core.escalation import LONGEST_PAUSE, MOST_REPEATS
from hub.core.parties import NOBODYS
from hub.core.records import NoticeRecord
from routing.decision import Kind, Recipient
from routing.recipients import FAMILY, first_kind
from routing.standing import Draft

State: TypeAlias = Literal["open", "asked", "settled", "ended"]
"""``open``: its owner has to choose; ``asked``: somebody was asked and has not answered; ``settled``: somebody
accepted; ``ended``: the episode was retracted."""
StepKind: TypeAlias = Literal["said", "asked", "sent_back", "moved", "accepted", "released", "late", "looped", "ended"]
STATES: Final[tuple[State, ...]] = get_args(State)
STEPS: Final[tuple[StepKind, ...]] = get_args(StepKind)
ASKED: Final[frozenset[StepKind]] = frozenset({"asked", "sent_back", "moved"})
"""After these an organisation owes an answer."""
CAUSE: Final = "resolution:"
"""Begins the cause of a decision that a resolution led to; its id follows."""
NOT_ABOUT_IT: Final[frozenset[Kind]] = NOT_THE_CASE | {"retraction"}
"""Whoever says that one of these is not theirs does not say so of the child."""
LONGEST_REASONS: Final = 1_000
MOST_TOLD: Final = 3
"""How often an organisation is heard that says it is not theirs, until it is asked anew: whoever has the link of a
notice can answer without end, and each time would be a message to the desk of another. What is not told is kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that happened. Never changed."""

    id: str
    at: datetime
    kind: StepKind
    organisation: str | None = None
    """Who said it, was asked, accepted; None where it is about no one of them."""
    notice: str | None = None
    """The notice that was answered, or is chased no more."""
    answer: Literal["not_ours", "redirected"] | None = None
    actor: str = "hub"
    """As in the audit log."""
    name: str | None = field(default=None, repr=False)
    """The named human. Personal."""
    text: str | None = field(default=None, repr=False)
    """What they said: to whom they passed it on, or their reasons. Personal; never an address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """Who is looked for, in which roles of which episode, and how far it has got."""

    id: str
    episode: str
    roles: tuple[str, ...]
    organisation: str
    """Who owns it: must choose. ``operator`` where no authority is left that has not said it is not theirs."""
    desk: str
    """The owner's desk."""
    opened_at: datetime
    state: State = "open"
    due_at: datetime | None = None
    """When the owner must have chosen; None while they need not."""
    late: int = 0
    """How often that was not kept since it last became theirs to choose."""
    revision: int
    """The revision of the facts up to which it was looked at whether they name somebody else."""
    settled_by: str | None = None
    message: str | None = None
    """What told its owner last: told again if they let the time pass."""
    steps: tuple[Step, ...] = ()

    @property
    def living(self) -> bool:
        return self.state in ("open", "asked")

    @property
    def parties(self) -> frozenset[str]:
        """Organisations that had, or were given, the role."""
        return frozenset(s.organisation for s in self.steps if s.kind in (*ASKED, "said") and s.organisation)

    @property
    def said(self) -> tuple[str, ...]:
        """Who has said that it is not theirs, in the order in which they first did."""
        return tuple(dict.fromkeys(s.organisation for s in self.steps if s.kind == "said" and s.organisation))

    @property
    def outstanding(self) -> tuple[str, ...]:
        """Who was asked and has not answered since."""
        waiting: dict[str, None] = {}
        for step in self.steps:
            if step.organisation is not None and step.kind in ASKED:
                waiting[step.organisation] = None
            elif step.organisation is not None and step.kind in ("said", "accepted"):
                waiting.pop(step.organisation, None)
        return tuple(waiting)

    @property
    def holders(self) -> tuple[str, ...]:
        """Who has accepted and not said since that it is not theirs."""
        held: dict[str, None] = {}
        for step in self.steps:
            if step.organisation is not None and step.kind == "accepted":
                held[step.organisation] = None
            elif step.organisation is not None and step.kind == "said":
                held.pop(step.organisation, None)
        return tuple(held)

    @property
    def looping(self) -> tuple[str, ...]:
        """All who have said it, where one of them has said it again after it was sent back; else none."""
        back: set[str] = set()
        for step in self.steps:
            if step.kind == "sent_back" and step.organisation:
                back.add(step.organisation)
            elif step.kind == "said" and step.organisation in back:
                return self.said
        return ()


def heard(resolution: Resolution, organisation: str) -> bool:
    """Whether what this organisation said last is told to whoever has to choose."""
    times = 0
    for step in resolution.steps:
        if step.organisation == organisation:
            times = 0 if step.kind in ASKED else times + (step.kind == "said")
    return times <= MOST_TOLD


def opens(notice: NoticeRecord, named_now: Collection[str | None]) -> bool:
    """Whether a ``not_ours`` to this notice leaves open whose the child is. ``named_now``: who has its roles by the
    facts as they stand. Whoever had them before is right, and nothing is to be found out; a person of the family, a
    desk that stands in and an organisation of which there is only one have nobody who could be asked instead."""
    return (
        concerns(notice)
        and notice.organisation not in NOBODYS
        and notice.person is None
        and not any(role in FAMILY or role in ORGANISATION_OF or ":" in role for role in notice.roles)
        and (notice.organisation in named_now or not any(named_now))
    )


def concerns(notice: NoticeRecord) -> bool:
    """Whether what is answered to it is about who has the role."""
    return notice.kind not in NOT_ABOUT_IT and notice.gap_role is None


def belongs(resolution: Resolution, notice: NoticeRecord) -> bool:
    """Whether a notice is one of those that the resolution is about: of its roles, to one of its parties."""
    return (
        concerns(notice)
        and notice.organisation in resolution.parties
        and not set(notice.roles).isdisjoint(resolution.roles)
    )


def owner(candidates: Iterable[str | None], said: Collection[str]) -> str | None:
    """Who knows the placement: the first of the candidates (the responsible authority, the organisation that reports,
    the authority where the child lives) that has not said it is not theirs; None leaves the operator."""
    return next((one for one in candidates if one and one not in NOBODYS and one not in said), None)


def stepped(resolution: Resolution, step: Step, *, wait: timedelta) -> Resolution:
    """The resolution with one more step. ``wait``: how long its owner has to choose."""
    after = replace(resolution, steps=(*resolution.steps, step))
    if resolution.state == "ended":
        return after
    mine = replace(after, state="open", due_at=step.at + wait, late=0, settled_by=None)
    match step.kind:
        case "ended":
            return replace(after, state="ended", due_at=None)
        case "accepted":
            return replace(after, state="settled", due_at=None, settled_by=after.holders[0])
        case "asked" | "sent_back" | "moved" if resolution.living:
            return replace(after, state="asked", due_at=None, late=0)
        case "said" if resolution.state == "settled":
            return replace(after, settled_by=after.holders[0]) if after.holders else mine
        case "said" if resolution.state == "open" and resolution.due_at is not None:
            return after  # whoever says it again gives the owner no more time
        case "said" if not after.outstanding:
            return mine
        case "late" if resolution.state == "open":
            late = resolution.late + 1
            again = step.at + min(wait * 2**late, LONGEST_PAUSE)
            return replace(after, late=late, due_at=again if late < MOST_REPEATS else None)
        case _:
            return after


def moved_to(resolution: Resolution, named_now: Collection[str | None]) -> tuple[str, ...]:
    """Organisations that the facts have come to name for its roles, and that have not been part of it: the placement
    was corrected, and the packs have told them."""
    if not resolution.living:
        return ()
    return tuple(one for one in dict.fromkeys(named_now) if one and one not in NOBODYS | resolution.parties)


def released(resolution: Resolution, notices: Iterable[NoticeRecord], by: str) -> tuple[str, ...]:
    """Notices whose chase ends as ``by`` has accepted: those of the same roles to the others that were asked, and no
    other (D13)."""
    return tuple(
        one.id
        for one in notices
        if answers_all_of(resolution, one) and one.organisation != by and one.state != "acknowledged" and one.chase_at
    )


def answers_all_of(resolution: Resolution, notice: NoticeRecord) -> bool:
    """Whether nothing is left to be answered to a notice once somebody else has accepted: one that tells its reader in
    another role besides is still theirs to accept in that (D13)."""
    return belongs(resolution, notice) and set(notice.roles) <= set(resolution.roles)


def accepts(resolution: Resolution, notice: NoticeRecord, notices: Iterable[NoticeRecord]) -> bool:
    """Whether accepting this notice answers the question. A notice of the time before somebody chose to ask the
    organisation does not say that it is theirs now, unless it is the very one that was declined. Whom the facts have
    come to name was told before that was seen, and whatever it was told counts.

    ``notices``: the episode's. What is of later facts than the notice that asked came after it, whatever a clock says.
    """
    if not belongs(resolution, notice):
        return False
    facts = {one.id: one.revision for one in notices}
    return any(s.notice == notice.id for s in resolution.steps) or all(
        s.at <= notice.created_at or facts.get(s.notice or "", notice.revision) < notice.revision
        for s in resolution.steps
        if s.organisation == notice.organisation and s.kind in ("asked", "sent_back")
    )


Problem: TypeAlias = Literal["over", "organisation", "waiting"]


def choice_problem(resolution: Resolution, organisation: str, known: Collection[str]) -> Problem | None:
    """Why this organisation cannot be asked now: the resolution is over, it is no desk that the directory knows, or
    it was asked and has not answered."""
    if not resolution.living:
        return "over"
    if organisation not in known:
        return "organisation"
    return "waiting" if organisation in resolution.outstanding else None


def asking(resolution: Resolution, organisation: str) -> StepKind:
    """What asking this organisation is: sending it back to one that has said it is not theirs, or asking another."""
    return "sent_back" if organisation in resolution.said else "asked"


def ask(episode: Episode, context: Context, cause: str, roles: Sequence[str], organisation: str) -> Outcome:
    """Tell an organisation what its roles must be told of the episode as it stands, as if the packs had named it: it
    hears of whatever comes then, by its need to know."""
    course = Course(episode, context, cause)
    standing = course.standing()
    ended: Kind | None = "found" if episode.state == "found" else "returned" if episode.state == "returned" else None
    drafts = [
        Draft(
            recipient=Recipient(role=role, organisation=organisation),
            kind=ended or first_kind(role, standing.facts),
            rules=(),
            why="another organisation said that it is not theirs, and somebody chose to ask this one",
        )
        for role in roles
    ]
    told = course.tell(drafts, standing)
    if ended is None:
        first_missing(course, told, standing)
    return course.outcome()
