"""What one event, or one tick of its clocks, does to an episode: facts, decisions, duties, register. Pure.

``react`` is the whole of the domain: ``service.intake`` only loads, calls it and saves. The order inside one event is
always the same: fold, decide, start and stop clocks, enter the register.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from contacts.areas import Areas
from hub.core import episode as fold
from hub.core.episode import Entry, Episode
from hub.core.events import EpisodeEvent, instant
from hub.core.records import EpisodeSummary
from routing.calendar import Period, add, subtract
from routing.clocks import Moment, end_with, start_rows, while_out
from routing.decide import (
    WAITING,
    Draft,
    Reach,
    Scene,
    Standing,
    Told,
    also_told,
    ending_notices,
    first_notices,
    late_parents,
    owner_notices,
    parent_changes,
    renotifications,
    settle,
    stand,
    thresholds,
    told_updates,
    update_notices,
)
from routing.decision import Decision, Kind
from routing.duties import (
    HUB,
    Duty,
    Happening,
    Running,
    chased,
    closed_along,
    codes,
    complete,
    ended,
    next_happening,
    open_duty,
    overtaken,
    reminded,
    row_by_id,
    rows_of,
    turned,
)
from routing.facts import Counts, lead, part
from routing.packs import Packs, Reminders
from routing.recipients import POLICE, circulation_members, resolve

Hush = Literal["returned", "retracted"]
_SKIPPED: Mapping[Hush | None, Callable[[Running], bool]] = {
    None: lambda _: False,
    "returned": lambda running: "returned" in running.row.ends,
    "retracted": lambda _: True,
}
"""Clocks not to start where the end came before the report: only what outlives it does."""
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
    problems: tuple[tuple[str, str], ...] = ()
    """Why a kept event turned out to be invalid, and was not applied (readings.md D15)."""


class _Course:
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
            decisions=tuple(self.decisions),
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
            counts=_counts(episode, self.context.history),
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
        told = {t.key: t for t in self.episode.memory.told}
        parents = dict(self.episode.memory.parents)
        for decision in decisions:
            reminder = decision.kind in ("duty_due", "duty_overdue")
            for recipient in decision.recipients:
                if decision.outcome in ("notify", "gap") and not reminder:
                    new = Told(recipient=recipient, members=decision.members)
                    old = told.get(new.key)
                    members = tuple(dict.fromkeys((*(old.members if old else ()), *new.members)))
                    told[new.key] = replace(new, members=members)
                if recipient.role == "parent" and recipient.person and not reminder and decision.kind != "message":
                    in_person = decision.outcome == "hold" and decision.kind == "found"
                    if not in_person:
                        parents[recipient.person] = "notify" if decision.outcome == "gap" else decision.outcome
                    elif parents.get(recipient.person) != "notify":
                        parents[recipient.person] = WAITING
        self.remember(told=tuple(told.values()), parents=parents)
        self.decisions += decisions
        return decisions

    def clocks(self, standing: Standing, start: datetime, skip: Callable[[Running], bool] = lambda _: False) -> None:
        """Start and cancel what hangs on conditions."""
        duties, clocks = while_out(
            self.episode.duties, self.episode.memory.clocks, self.moment(standing, start), state=self.episode.state,
            skip=skip,
        )  # fmt: skip
        self.change(duties=duties)
        self.remember(clocks=clocks)

    def start(self, trigger: str, standing: Standing, start: datetime) -> None:
        duties, clocks = start_rows(self.episode.duties, self.episode.memory.clocks, trigger,
                                    self.moment(standing, start))  # fmt: skip
        self.change(duties=duties)
        self.remember(clocks=clocks)

    def parents_decided(self, standing: Standing) -> None:
        """``parent_decision`` runs while any parent is held (readings.md B19)."""
        held = any(e.outcome == "hold" for e in standing.entries if e.recipient.role == "parent") and (
            "hold" in self.episode.memory.parents.values()
        )
        open_now = [d for d in self.episode.duties if d.code in self._held_codes() and d.unfinished]
        if held and not open_now:
            self._open_held(standing)
        elif not held and open_now:
            self.change(
                duties=tuple(
                    ended(d, "done", self.context.now, self.cause) if d in open_now else d for d in self.episode.duties
                )
            )

    def _held_codes(self) -> frozenset[str]:
        return frozenset(r.row.code for r in rows_of(self.context.packs) if r.row.starts == "held")

    def _open_held(self, standing: Standing) -> None:
        now = self.context.now
        for running in rows_of(standing.packs):
            if running.row.starts == "held" and running.row.when.holds(standing.facts):
                duty = open_duty(running, now, now, standing.doc, rules=running.pack.cite(running.row.rules),
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
                register = [
                    replace(e, removed_at=now, removed_by=self.cause)
                    if (e.organisation, e.role, e.removed_at) == (organisation, role, None)
                    else e
                    for e in register
                ]
                register.append(Entry(organisation=organisation, role=role, received_at=now, remove_at=remove_at))
            marked.append(replace(decision, remove_at=remove_at) if entries else decision)
        self.change(register=tuple(register))
        replaced = {id(old): new for old, new in zip(decisions, marked, strict=True)}
        self.decisions = [replaced.get(id(d), d) for d in self.decisions]

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
        self.remember(fired=self.episode.memory.fired | fired)
        self.tell(drafts, standing)


def _desk(role: str, episode: Episode, context: Context) -> Iterable[Any]:
    without_people = {**episode.doc, "people": []}
    return resolve(role, without_people, context.areas)


def _counts(episode: Episode, history: Sequence[EpisodeSummary]) -> Counts:
    """Earlier episodes of the child, by what they were; retracted ones and other statuses left out (B2, D17)."""
    facts = part(episode.doc, "episode")
    if not facts:
        return Counts()
    this, status = instant(facts["since"]), facts.get("status") or "actual"
    earlier = [s for s in history if s.since <= this and s.state != "retracted" and s.status == status]
    window = subtract(this, _WINDOW)
    return Counts(
        missing_28d=sum(s.ever_missing for s in earlier if s.since > window),
        away_28d=sum(not s.ever_missing for s in earlier if s.since > window),
        missing_ever=sum(s.ever_missing for s in earlier),
    )


def react(
    episode: Episode, event: EpisodeEvent, context: Context, kept: Sequence[EpisodeEvent] = ()
) -> tuple[Outcome, ...] | Refused:
    """Fold one event into an episode: one outcome, or one for the report and one for each event kept for it.

    An event for an episode not reported yet leaves it as it is: the caller keeps it, and hands it in as ``kept`` with
    the report, in order of arrival.
    """
    if event.kind == "episode.reported":
        if episode.state != "awaited":
            return Refused(problems=(("data.episode.ref", "is reported already: a new absence needs a new reference"),))
        return _reported(event, context, sorted(kept, key=lambda e: e.time))
    if episode.state == "awaited":
        waiting = "no report of this episode has come yet: kept until it does"
        return (Outcome(episode=episode, event=event, warnings=(waiting,)),)
    course = _Course(episode, context, f"event:{event.id}")
    problems = _step(course, event)
    return Refused(problems=problems) if problems else (replace(course.outcome(), event=event),)


def _reported(event: EpisodeEvent, context: Context, kept: Sequence[EpisodeEvent]) -> tuple[Outcome, ...]:
    """The report, then what was kept for it, by the time it happened. Older than the report does not count (A3)."""
    ends = [e for e in kept if e.kind in ("episode.returned", "episode.retracted") and e.time >= event.time]
    over = next((e for e in ends if e.kind == "episode.retracted"), ends[0] if ends else None)
    course = _Course(fold.report(event.ref, event.data, event.time), context, f"event:{event.id}")
    _report(course, event, over)
    outcomes = [replace(course.outcome(), event=event)]
    for later in kept:
        course = _Course(outcomes[-1].episode, context, f"event:{later.id}")
        problems = _step(course, later, hush=_hush(over, later, course.episode))
        if problems:
            course.warnings.append("an event kept for this report turned out to be invalid and was not applied")
        outcomes.append(replace(course.outcome(), event=later, problems=problems))
    return tuple(outcomes)


def _report(course: _Course, event: EpisodeEvent, over: EpisodeEvent | None) -> None:
    standing, since = course.standing(), instant(course.episode.doc["episode"]["since"])
    _warn_of_report(course, standing, since)
    if over is None:
        told = course.tell(first_notices(standing, course.context.areas), standing)
        course.count(standing, "out")
        course.clocks(standing, since)
        course.parents_decided(standing)
        _first_missing(course, told, standing)
    elif over.kind == "episode.returned":
        # nobody hears "missing" after "returned" (A4); but what is to be told of the count is told
        course.count(standing, "out")
        course.clocks(standing, since, skip=_SKIPPED["returned"])


def _hush(over: EpisodeEvent | None, later: EpisodeEvent, episode: Episode) -> Hush | None:
    """Whether an event kept for its report may not be told of, as one kept with it says that the child is back, or
    that there never was an episode (readings.md A4)."""
    if over is None or later is over or episode.state == "retracted":
        return None
    if over.kind == "episode.retracted":
        return "retracted"
    return "returned" if episode.state == "open" and later.kind != "episode.found" else None


def _warn_of_report(course: _Course, standing: Standing, since: datetime) -> None:
    if since > course.context.now:
        course.warnings.append("the time given in data.episode.since lies in the future")
    if any(s.state in ("open", "found") for s in course.context.history):
        course.warnings.append("another episode of this child is still open")
    _warn_endangered(course, standing)


def _warn_endangered(course: _Course, standing: Standing) -> None:
    if standing.facts["endangered"] and not part(part(course.episode.doc, "episode"), "risk").get("basis"):
        course.warnings.append("the child is away and endangered: give the reasons in data.episode.risk.basis")


def _first_missing(course: _Course, told: Sequence[Decision], standing: Standing) -> None:
    """The six months count from the arrival of the first ``missing`` notice (readings.md A7)."""
    if any(d.kind == "missing" and d.outcome in ("notify", "gap") for d in told):
        course.start("first_missing_notice", standing, course.context.now)
    course.enter(told, standing)


def _step(course: _Course, event: EpisodeEvent, *, hush: Hush | None = None) -> tuple[tuple[str, str], ...]:
    """One event on a reported episode. Returns problems if it cannot be applied; the course is then unchanged."""
    if course.episode.state == "retracted":
        course.warnings.append("the episode was retracted: recorded only")
        return ()
    match event.kind:
        case "episode.updated":
            return _updated(course, event, hush)
        case "episode.found":
            _found(course, event, hush)
        case "episode.returned":
            _returned(course, event, hush)
        case "episode.retracted":
            _retracted(course, event)
        case _:
            _completed(course, event, hush)
    return ()


def _updated(course: _Course, event: EpisodeEvent, hush: Hush | None) -> tuple[tuple[str, str], ...]:
    episode, areas = course.episode, course.context.areas
    if paths := fold.identity_problems(episode.doc, event.data):
        return tuple(
            (path, "cannot be changed by an update: an episode keeps its child and its status") for path in paths
        )
    after_fold = fold.update(episode, event.data, event.time)
    if problems := tuple(course.context.check(after_fold.doc)):
        return problems
    before = course.standing()
    course.episode = after_fold
    after = course.standing()
    known = episode.memory.parents
    told: list[Decision] = []
    if hush is not None:
        pass
    elif episode.state == "open":
        told = course.tell(update_notices(before, after, episode.memory.told, known, areas), after)
        if after.facts["missing"] and not before.facts["missing"]:
            course.count(after, "out")
        if after.facts["endangered"] and not before.facts["endangered"]:
            _warn_endangered(course, after)
    elif episode.state == "found":
        familiar = {t.key for t in episode.memory.told} | {("parent", None, name) for name in known}
        drafts = [
            *late_parents(before, after, "found", known),
            *parent_changes(after, known, frozenset(familiar)),
            *told_updates(before, after, episode.memory.told),
        ]
        course.tell(drafts, after)
    else:
        course.warnings.append("the child is back: recorded only")
        course.tell(late_parents(before, after, "returned", known), after)
    if course.episode.out:
        course.clocks(after, event.time, skip=_SKIPPED[hush])
    course.parents_decided(after)
    _first_missing(course, told, after)
    return ()


def _found(course: _Course, event: EpisodeEvent, hush: Hush | None) -> None:
    if course.episode.state == "returned" or fold.counts_late(course.episode, event.time):
        course.warnings.append("something newer is known of this episode: recorded only")
        return
    at = event.data["found"].get("at")
    start = instant(at) if at else event.time
    _recover(course, fold.found(course.episode, event.data, event.time), "found", start, hush)


def _returned(course: _Course, event: EpisodeEvent, hush: Hush | None) -> None:
    if course.episode.state == "returned" or fold.counts_late(course.episode, event.time):
        course.warnings.append("something newer is known of this episode: recorded only")
        return
    at = event.data["returned"].get("at")
    start = instant(at) if at else event.time
    if start < instant(course.episode.doc["episode"]["since"]):
        course.warnings.append("the time given in data.returned.at lies before the child went missing")
    _recover(course, fold.returned(course.episode, event.data, event.time), "returned", start, hush)


def _recover(course: _Course, after: Episode, kind: Kind, start: datetime, hush: Hush | None) -> None:
    memory = course.episode.memory
    waiting = [name for name, outcome in memory.parents.items() if outcome == WAITING]
    course.episode = after
    course.ending = kind
    if hush is not None:
        course.remember(recovered=True)
        return
    standing = course.standing()
    course.tell(ending_notices(standing, kind, memory.told, course.context.areas, waiting=waiting), standing)
    duties, clocks = end_with(course.episode.duties, course.episode.memory.clocks, kind, course.moment(standing, start))
    course.change(duties=duties)
    course.remember(clocks=clocks, recovered=True)
    course.unregister()
    if not memory.recovered:
        standing = course.standing()  # the police may have been told just now (A13)
        course.start("return", standing, start)
        course.count(standing, "return")


def _retracted(course: _Course, event: EpisodeEvent) -> None:
    if fold.counts_late(course.episode, event.time):
        course.warnings.append("something newer is known of this episode: recorded only")
        return
    told = course.episode.memory.told
    course.episode = fold.retracted(course.episode, event.data, event.time)
    course.ending = "retraction"
    standing = course.standing()
    course.tell(ending_notices(standing, "retraction", told, course.context.areas), standing)
    duties, clocks = end_with(course.episode.duties, {}, "retracted", course.moment(standing, event.time))
    course.change(duties=duties)
    course.remember(clocks=clocks)
    course.unregister()


def _completed(course: _Course, event: EpisodeEvent, hush: Hush | None) -> None:
    data, packs = event.data, course.context.packs
    at = instant(data["at"]) if data.get("at") else event.time
    before = course.episode.duties
    along = closed_along(packs, data["duty"], data["outcome"])
    duties = before
    for code in {data["duty"], *along} - _nobody_elses(packs):
        duties = complete(duties, code, at, course.cause)
    if duties == before:
        course.warnings.append("no duty of this code is open: nothing was closed")
    course.change(duties=duties)
    wanted = [f"circulation:{name}" for name in data.get("circulate") or ()]
    made = {told.recipient.role for told in course.episode.memory.told}
    if wanted and course.episode.state != "open":
        course.warnings.append("the child is not missing any more: nothing was circulated")
    elif (fresh := [role for role in dict.fromkeys(wanted) if role not in made]) and hush is None:
        _circulate(course, fresh)


def _nobody_elses(packs: Packs) -> frozenset[str]:
    """Duties that no word from outside ends: the away limit ends as A1 lists, a re-notification comes once a date."""
    return frozenset(r.row.code for r in rows_of(packs) if r.row.acts in ("become_missing", "renotify"))


def _circulate(course: _Course, roles: Sequence[str]) -> None:
    standing = course.standing()
    drafts = [
        Draft(recipient=recipient, kind="missing", rules=standing.packs.cite_told("circulation"),
              why="a strategy discussion decided to circulate",
              members=circulation_members(role, standing.doc, course.context.areas))
        for role in roles
        for recipient in resolve(role, standing.doc, course.context.areas)
    ]  # fmt: skip
    _first_missing(course, course.tell(drafts, standing), standing)


def next_wake(episode: Episode) -> datetime | None:
    """The next instant at which the clock has something to do for this episode."""
    happening = next_happening(episode.duties)
    moments = [e.remove_at for e in episode.register if e.removed_at is None]
    return min([*moments, *([happening.at] if happening else [])], default=None)


def tick(episode: Episode, context: Context) -> Outcome | None:
    """The one next thing the clocks have to do by ``context.now``; None if there is nothing. Call again until None.
    At one instant a re-notification comes before the removal of the entry it renews (readings.md A2)."""
    happening = next_happening(episode.duties)
    expiring = [e for e in episode.register if e.removed_at is None and e.remove_at <= context.now]
    if happening is not None and happening.at <= context.now:
        if not expiring or happening.at <= min(e.remove_at for e in expiring):
            return _happen(episode, happening, context)
    if not expiring:
        return None
    first = min(e.remove_at for e in expiring)
    register = tuple(
        replace(e, removed_at=context.now, removed_by="duty:register_removal")
        if e.removed_at is None and e.remove_at == first
        else e
        for e in episode.register
    )
    return Outcome(episode=replace(episode, register=register))


def _happen(episode: Episode, happening: Happening, context: Context) -> Outcome:
    duty = happening.duty
    course = _Course(episode, context, f"duty:{duty.code}")
    running = row_by_id(context.packs, duty.row)
    settings = running.pack.reminders if running else Reminders()
    match happening.what:
        case "remind":
            _swap(course, duty, reminded(duty))
            if duty.due_at > context.now:  # else the clocks stood still, and it is chased now
                _remind(course, duty, "duty_due", running)
        case "chase":
            _swap(course, duty, chased(duty, context.now, settings))
            if not overtaken(episode.duties, duty, context.now):
                _remind(course, duty, "duty_overdue", running)
        case "turn":
            course.change(duties=turned(episode.duties, duty, running, context.now, episode.doc))
            if running is not None:
                _turn(course, duty, running)
    return course.outcome()


def _swap(course: _Course, old: Duty, new: Duty) -> None:
    course.change(duties=tuple(new if d is old else d for d in course.episode.duties))


def _remind(course: _Course, duty: Duty, kind: Kind, running: Running | None) -> None:
    standing, areas = course.standing(), course.context.areas
    pack = running.pack if running else None
    drafts = owner_notices(standing, duty.owner, kind, duty.rules, areas, duty=duty.code, due_at=duty.due_at, pack=pack)
    if kind == "duty_overdue" and running is not None:
        drafts += also_told(standing, running.row.overdue_tells, kind, duty.rules, areas, duty=duty.code,
                            due_at=duty.due_at, pack=pack, priority="low")  # fmt: skip
    course.tell(drafts, standing)


def _turn(course: _Course, duty: Duty, running: Running) -> None:
    if running.row.acts is not None and not duty.unfinished:
        return  # somebody did it before it fell due
    if running.row.acts is not None:
        course.acted.append(duty)
    standing, areas = course.standing(), course.context.areas
    match running.row.acts:
        case "become_missing":
            _become_missing(course, duty)
        case "renotify":
            roles = [role for pack in standing.packs.packs if pack.register_ for role in pack.register_.roles]
            course.enter(
                course.tell(renotifications(standing, roles, course.episode.memory.told, areas), standing), standing
            )
        case _:
            drafts = also_told(standing, running.row.tells, running.row.tells_kind, duty.rules, areas, duty=duty.code,
                               due_at=duty.due_at, pack=running.pack)  # fmt: skip
            _first_missing(course, course.tell(drafts, standing), standing)


def _become_missing(course: _Course, duty: Duty) -> None:
    """The child has been away with unknown whereabouts for too long. What starts now counts from the limit (C3)."""
    before, memory = course.standing(), course.episode.memory
    course.episode = fold.become_missing(course.episode)
    after = course.standing()
    told = course.tell(update_notices(before, after, memory.told, memory.parents, course.context.areas), after)
    course.count(after, "out")
    course.clocks(after, duty.due_at)
    course.parents_decided(after)
    _first_missing(course, told, after)


def lateness(episode: Episode, now: datetime) -> timedelta:
    """How long the clock has been waiting for this episode; zero if it is not."""
    wake = next_wake(episode)
    return max(now - wake, timedelta()) if wake else timedelta()


__all__ = ["Context", "Outcome", "Refused", "codes", "lateness", "lead", "next_wake", "react", "tick"]
