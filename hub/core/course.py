"""One change on its way through an episode: what it needs to know, what it gathers, what comes out. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from contacts.areas import Areas
from hub.core.episode import Entry, Episode
from hub.core.events import EpisodeEvent, instant
from hub.core.summary import EpisodeSummary
from routing.calendar import Period, add, subtract
from routing.clocks import Moment, start_rows, while_out, with_birthday
from routing.decide import (
    WAITING,
    thresholds,
)
from routing.decision import Decision, Duty, Kind
from routing.duties import (
    HUB,
    Running,
    ended,
    open_duty,
    row_by_id,
    rows_starting,
)
from routing.facts import Counts, part
from routing.packs import Packs
from routing.recipients import POLICE, key_of, resolve
from routing.settle import police_first, settle
from routing.standing import Draft, Reach, Scene, Standing, Told, stand

_MARKED = ("missing", "renotification")
_WINDOW = Period(days=28)


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What reacting needs to know of the world."""

    packs: Packs
    areas: Areas
    reach: Reach
    now: datetime
    history: Sequence[EpisodeSummary] = ()
    """The child's other episodes."""
    check: Callable[[Mapping[str, Any]], Sequence[tuple[str, str]]] = field(default=lambda doc: ())
    """Problems (path, message) of a merged document: an update can make an episode invalid."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The event is not valid for this episode: 422, quarantine, an operator is told."""

    problems: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What has to be written down."""

    episode: Episode
    event: EpisodeEvent | None = None
    """What was folded in; None for the clocks."""
    decisions: tuple[Decision, ...] = ()
    warnings: tuple[str, ...] = ()
    ending: Kind | None = None
    """``found``, ``returned`` or ``retraction`` if this change overtakes notices not yet sent (readings.md D8)."""
    acted: tuple[Duty, ...] = ()
    """Duties of the hub itself that were carried out."""
    lapsed: tuple[str, ...] = ()
    """Proposals whose deadline is past."""
    problems: tuple[tuple[str, str], ...] = ()
    """Why a kept event turned out to be invalid, and was not applied (readings.md D15)."""


class Course:
    """One change on its way through an episode: gathers decisions and warnings while the episode moves on."""

    def __init__(self, episode: Episode, context: Context, cause: str) -> None:
        self.episode = episode
        self.context = context
        self.cause = cause
        self.decisions: list[Decision] = []
        self.warnings: list[str] = []
        self.ending: Kind | None = None
        self.acted: list[Duty] = []

    def outcome(self) -> Outcome:
        return Outcome(
            episode=self.episode,
            decisions=tuple(police_first(self.decisions)),
            warnings=tuple(dict.fromkeys(self.warnings)),
            ending=self.ending,
            acted=tuple(self.acted),
        )

    def change(self, **changes: Any) -> None:
        self.episode = replace(self.episode, **changes)

    def remember(self, **changes: Any) -> None:
        self.change(memory=replace(self.episode.memory, **changes))

    def standing(self) -> Standing:
        """The episode as the rules see it now."""
        episode = self.episode
        return stand(
            episode.doc,
            self.context.packs,
            self.context.areas,
            ever_missing=episode.ever_missing,
            police_told=any(told.recipient.role in POLICE for told in episode.memory.told),
            counts=counts_of(episode.doc, self.context.history),
            persons=episode.memory.persons,
        )

    def moment(self, standing: Standing, start: datetime) -> Moment:
        return Moment(
            doc=standing.doc, facts=standing.facts, packs=standing.packs, every=self.context.packs, start=start,
            now=self.context.now, cause=self.cause,
        )  # fmt: skip

    def tell(self, drafts: Sequence[Draft], standing: Standing) -> list[Decision]:
        """Settle drafts into decisions, and remember who was told, withheld and held."""
        context = self.context
        scene = Scene(now=context.now, cause=self.cause, areas=context.areas, reach=context.reach,
                      persons=self.episode.memory.persons)  # fmt: skip
        decisions = settle(drafts, standing, scene)
        if heard := [d for d in decisions if d.kind not in ("duty_due", "duty_overdue")]:
            self._heard(heard)
        self.decisions += decisions
        return decisions

    def _heard(self, decisions: Sequence[Decision]) -> None:
        told = {t.key: t for t in self.episode.memory.told}
        parents = dict(self.episode.memory.parents)
        for decision in decisions:
            for recipient in decision.recipients:
                if decision.outcome in ("notify", "gap"):
                    key = key_of(recipient)
                    before = told[key].members if key in told else ()
                    members = tuple(dict.fromkeys((*before, *decision.members)))
                    told[key] = Told(recipient=recipient, members=members)
                if recipient.role == "parent" and recipient.person and decision.kind != "message":
                    in_person = decision.outcome == "hold" and decision.kind == "found"
                    if not in_person:
                        parents[recipient.person] = "notify" if decision.outcome == "gap" else decision.outcome
                    elif parents.get(recipient.person) != "notify":
                        parents[recipient.person] = WAITING
        self.remember(told=tuple(told.values()), parents=parents)

    def clocks(self, standing: Standing, start: datetime, skip: Callable[[Running], bool] = lambda _: False) -> None:
        """Start and cancel what hangs on conditions."""
        duties, clocks = while_out(
            self.episode.duties, self.episode.memory.clocks, self.moment(standing, start), state=self.episode.state,
            skip=skip,
        )  # fmt: skip
        self.change(duties=duties, memory=replace(self.episode.memory, clocks=clocks))

    def birthday(self, standing: Standing, start: datetime) -> None:
        """The child was born on another day than it was said before."""
        moment = self.moment(standing, start)
        self.change(duties=with_birthday(self.episode.duties, self.episode.memory.clocks, moment))

    def start(
        self, trigger: str, standing: Standing, start: datetime, only: Callable[[Running], bool] = lambda _: True
    ) -> None:
        duties, clocks = start_rows(self.episode.duties, self.episode.memory.clocks, trigger,
                                    self.moment(standing, start), only=only)  # fmt: skip
        self.change(duties=duties, memory=replace(self.episode.memory, clocks=clocks))

    def parents_decided(self, standing: Standing, *, held_before: bool) -> None:
        """``parent_decision`` runs while any parent is held, from the arrival at which the first of them is
        (readings.md A7, B19): whoever was held before starts nothing anew, even if the duty was completed since."""
        held = self.any_held(standing)
        codes = {running.row.code for running in rows_starting(self.context.packs, "held")}
        open_now = [d for d in self.episode.duties if d.code in codes and d.unfinished]
        if held and not held_before:
            self._open_held(standing)
        elif not held and open_now:
            self.change(
                duties=tuple(
                    ended(d, "done", self.context.now, self.cause) if d in open_now else d for d in self.episode.duties
                )
            )

    def kept_back(self, standing: Standing) -> None:
        """After the return nothing is decided of a parent who may not be told any more; but what had not gone out to
        them does not, so that they hear it once a decision tells them again (readings.md A10)."""
        parents = self.episode.memory.parents
        kept = {str(e.recipient.person): e.outcome for e in standing.entries if e.outcome in ("withhold", "hold")}
        self.remember(parents={**parents, **{name: kept[name] for name in parents if name in kept}})

    def any_held(self, standing: Standing) -> bool:
        """Whether a parent waits for a decision."""
        return any(e.outcome == "hold" for e in standing.entries if e.recipient.role == "parent") and (
            "hold" in self.episode.memory.parents.values()
        )

    def _open_held(self, standing: Standing) -> None:
        now = self.context.now
        for running in rows_starting(standing.packs, "held"):
            if running.row.when.holds(standing.facts):
                duty = open_duty(running, now, now, standing.doc, rules=running.rules,
                                 before=self.episode.duties)  # fmt: skip
                if duty is not None:
                    self.change(duties=(*self.episode.duties, duty))

    def enter(self, decisions: Sequence[Decision], standing: Standing) -> None:
        """Register entries of ``missing`` and ``renotification`` notices, each replacing the receiver's last (B22)."""
        if not any(decision.kind in _MARKED for decision in decisions):
            return
        rows = [pack.register_ for pack in standing.packs.packs if pack.register_ is not None]
        listed = {role for row in rows for role in row.roles}
        keep = rows[0].keep if rows else Period(months=6)
        now = self.context.now
        remove_at = max(add(now, keep), self._next_renotification() or now)
        register = list(self.episode.register)
        held: dict[tuple[str, str], list[int]] = {}
        for place, entry in enumerate(register):
            if entry.removed_at is None:
                held.setdefault((entry.organisation, entry.role), []).append(place)
        marked = []
        for decision in decisions:
            entries = []
            if decision.outcome == "notify" and decision.kind in _MARKED:
                entries = [
                    (organisation, recipient.role)
                    for recipient in decision.recipients
                    if recipient.role in listed
                    for organisation in self._holders(decision, recipient.role, recipient.organisation)
                ]
            for organisation, role in entries:
                for place in held.pop((organisation, role), ()):
                    register[place] = replace(register[place], removed_at=now, removed_by=self.cause)
                held[organisation, role] = [len(register)]
                register.append(Entry(organisation=organisation, role=role, received_at=now, remove_at=remove_at))
            marked.append(replace(decision, remove_at=remove_at) if entries else decision)
        self.change(register=tuple(register))
        marked = self._circulated_until_renewed(marked)
        replaced = {id(old): new for old, new in zip(decisions, marked, strict=True)}
        self.decisions = [replaced.get(id(d), d) for d in self.decisions]

    def _circulated_until_renewed(self, decisions: list[Decision]) -> list[Decision]:
        """Missing again after away, the six months count anew, and whoever a decision circulated to hears only an
        ``update``: their entries stand until they are renewed, or there would be a hole (readings.md A2)."""
        renewal = self._next_renotification()
        if renewal is None:
            return decisions
        early = {
            place
            for place, e in enumerate(self.episode.register)
            if e.removed_at is None and e.role.startswith("circulation:") and e.remove_at < renewal
        }
        if not early:
            return decisions
        register = self.episode.register
        roles = {register[place].role for place in early}
        self.change(register=tuple(replace(e, remove_at=renewal) if n in early else e for n, e in enumerate(register)))
        return [d if roles.isdisjoint(d.roles) else replace(d, remove_at=renewal) for d in decisions]

    def _holders(self, decision: Decision, role: str, organisation: str | None) -> tuple[str, ...]:
        if decision.members:
            return decision.members
        holder = organisation or next(
            (r.organisation for r in _desk(role, self.episode, self.context) if r.organisation), None
        )
        return (holder,) if holder else ()

    def _next_renotification(self) -> datetime | None:
        if self.episode.state != "open":
            return None
        ours = (d for d in self.episode.duties if d.owner == HUB and d.unfinished and d.turn_at)
        acting = [d for d in ours if self._acts(d) == "renotify"]
        return max((d.due_at for d in acting), default=None)

    def _acts(self, duty: Duty) -> str | None:
        running = row_by_id(self.context.packs, duty.row)
        return running.row.acts if running else None

    def unregister(self) -> None:
        """Found, returned or retracted: off every register now."""
        self.change(
            register=tuple(
                e if e.removed_at else replace(e, removed_at=self.context.now, removed_by=self.cause)
                for e in self.episode.register
            )
        )

    def count(self, standing: Standing, at: str) -> None:
        """Thresholds reached by now."""
        drafts, fired = thresholds(standing, at, self.episode.memory.fired, self.context.areas)
        if fired:
            self.remember(fired=self.episode.memory.fired | fired)
            self.tell(drafts, standing)


def _desk(role: str, episode: Episode, context: Context) -> Iterable[Any]:
    without_people = {**episode.doc, "people": []}
    return resolve(role, without_people, context.areas)


def counts_of(doc: Mapping[str, Any], history: Sequence[EpisodeSummary]) -> Counts:
    """Earlier episodes of the child, by what they were; retracted ones and other statuses left out (B2, D17)."""
    facts = part(doc, "episode")
    if not facts or not history:
        return Counts()
    this, status = instant(facts["since"]), facts.get("status") or "actual"
    earlier = [s for s in history if s.since <= this and s.state != "retracted" and s.status == status]
    window = subtract(this, _WINDOW)
    return Counts(
        missing_28d=sum(s.ever_missing for s in earlier if s.since > window),
        away_28d=sum(not s.ever_missing for s in earlier if s.since > window),
        missing_ever=sum(s.ever_missing for s in earlier),
    )


def first_missing(course: Course, told: Sequence[Decision], standing: Standing) -> None:
    """The six months count from the arrival of the first ``missing`` notice (readings.md A7)."""
    if any(d.kind == "missing" and d.outcome in ("notify", "gap") for d in told):
        course.start("first_missing_notice", standing, course.context.now)
    course.enter(told, standing)
