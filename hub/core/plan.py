"""What one event does to an episode: facts, decisions, duties, register. Pure.

``react`` is the whole of the domain, with ``ticks.tick`` for the clocks: ``service.intake`` only loads, calls it and
saves. The order inside one event is always the same: fold, decide, start and stop clocks, enter the register.
"""

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import replace
from datetime import datetime
from typing import Final, Literal

from contacts.roles import desk_of
from hub.core import episode as fold
from hub.core.conversation import PartyKey
from hub.core.course import Context, Course, Outcome, Refused, first_missing
from hub.core.episode import Episode
from hub.core.events import CLOCKS_APART, EpisodeEvent, instant
from routing.clocks import end_with
from routing.decide import (
    WAITING,
    ending_notices,
    first_notices,
    late_parents,
    parent_changes,
    told_updates,
    update_notices,
)
from routing.decision import AgreementKind, Decision, Kind
from routing.duties import (
    Running,
    closed_along,
    closed_by_agreement,
    complete,
    rows_of,
)
from routing.facts import born, part
from routing.packs import Pack, Packs
from routing.recipients import circulation_members, resolve
from routing.standing import Draft, Standing

Hush = Literal["returned", "retracted"]
AUTHORITIES: Final = ("responsible_authority", "host_authority")
"""Roles of an authority as such: any desk of it agrees for it."""
_SKIPPED: Mapping[Hush | None, Callable[[Running], bool]] = {
    None: lambda _: False,
    "returned": lambda running: "returned" in running.row.ends,
    "retracted": lambda _: True,
}
"""Clocks not to start where the end came before the report: only what outlives it does."""


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
    course = Course(episode, context, f"event:{event.id}")
    problems = _step(course, event)
    return Refused(problems=problems) if problems else (replace(course.outcome(), event=event),)


def _reported(event: EpisodeEvent, context: Context, kept: Sequence[EpisodeEvent]) -> tuple[Outcome, ...]:
    """The report, then what was kept for it, by the time it happened. Older than the report does not count (A3)."""
    ends = [e for e in kept if e.kind in ("episode.returned", "episode.retracted") and e.time >= event.time]
    over = next((e for e in ends if e.kind == "episode.retracted"), ends[0] if ends else None)
    course = Course(fold.report(event.ref, event.data, event.time), context, f"event:{event.id}")
    _report(course, event, over)
    outcomes = [replace(course.outcome(), event=event)]
    for later in kept:
        course = Course(outcomes[-1].episode, context, f"event:{later.id}")
        problems = _step(course, later, hush=_hush(over, later, course.episode))
        if problems:
            course.warnings.append("an event kept for this report turned out to be invalid and was not applied")
        outcomes.append(replace(course.outcome(), event=later, problems=problems))
    return tuple(outcomes)


def _report(course: Course, event: EpisodeEvent, over: EpisodeEvent | None) -> None:
    standing, since = course.standing(), instant(course.episode.doc["episode"]["since"])
    _warn_of_report(course, standing, since)
    if over is None:
        told = course.tell(first_notices(standing, course.context.areas), standing)
        course.count(standing, "out")
        course.clocks(standing, since)
        course.parents_decided(standing, held_before=False)
        first_missing(course, told, standing)
    elif over.kind == "episode.returned":
        # nobody hears "missing" after "returned" (A4); but what is to be told of the count is told
        course.count(standing, "out")
        course.clocks(standing, since, skip=_SKIPPED["returned"])


def agreed(
    episode: Episode, context: Context, kind: AgreementKind, parties: Set[PartyKey], cause: str
) -> tuple[Outcome, Set[str]] | None:
    """What an agreement of these parties does to an episode, with the codes of the duties whose deed it is; None where
    it is none's."""
    without_people = {**episode.doc, "people": []}
    organisations = {organisation for organisation, _ in parties}

    def agrees(role: str, pack: Pack) -> bool:
        (held,) = resolve(role, without_people, context.areas, pack)
        if role in AUTHORITIES:
            return held.organisation in organisations
        return (held.organisation, desk_of(role)) in parties

    course = Course(episode, context, cause)
    packs = context.packs.select(episode.doc)
    closed = _close(course, closed_by_agreement(packs, kind, agrees), "done", context.now)
    return (course.outcome(), closed) if closed else None


def _hush(over: EpisodeEvent | None, later: EpisodeEvent, episode: Episode) -> Hush | None:
    """Whether an event kept for its report may not be told of, as one kept with it says that the child is back, or
    that there never was an episode (readings.md A4)."""
    if over is None or later is over or episode.state == "retracted":
        return None
    if over.kind == "episode.retracted":
        return "retracted"
    return "returned" if episode.state == "open" and later.kind != "episode.found" else None


def _warn_of_report(course: Course, standing: Standing, since: datetime) -> None:
    if since > course.context.now:
        course.warnings.append("the time given in data.episode.since lies in the future")
    if any(s.state in ("open", "found") for s in course.context.history):
        course.warnings.append("another episode of this child is still open")
    _warn_endangered(course, standing)


def _warn_endangered(course: Course, standing: Standing) -> None:
    if standing.facts["endangered"] and not part(part(course.episode.doc, "episode"), "risk").get("basis"):
        course.warnings.append("the child is away and endangered: give the reasons in data.episode.risk.basis")


def _step(course: Course, event: EpisodeEvent, *, hush: Hush | None = None) -> tuple[tuple[str, str], ...]:
    """One event on a reported episode. Returns problems if it cannot be applied; the course is then unchanged."""
    if course.episode.state == "retracted":
        course.warnings.append("the episode was retracted: recorded only")
        if event.kind == "episode.updated" and "people" in event.data:
            _people_after_retraction(course, event)
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


def _people_after_retraction(course: Course, event: EpisodeEvent) -> None:
    """Who must not be told is no fact of an episode that never was: the retraction itself may not have gone out yet."""
    if not fold.identity_problems(course.episode.doc, event.data):
        people = {"episode": {}, "people": event.data["people"]}
        course.episode = fold.update(course.episode, people, event.time)


def _updated(course: Course, event: EpisodeEvent, hush: Hush | None) -> tuple[tuple[str, str], ...]:
    episode, areas = course.episode, course.context.areas
    if paths := fold.identity_problems(episode.doc, event.data):
        return tuple(
            (path, "cannot be changed by an update: an episode keeps its child and its status") for path in paths
        )
    after_fold = fold.update(episode, event.data, event.time)
    if problems := tuple(course.context.check(after_fold.doc)):
        return problems
    before = course.standing()
    held = course.any_held(before) or episode.state == "returned"  # where nothing starts any more (A11)
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
        course.kept_back(after)
    if course.episode.out:
        # what was so before the child was out starts nothing before it (readings.md A7)
        start = max(event.time, instant(after.doc["episode"]["since"]))
        if born(after.doc) != born(before.doc):
            course.birthday(after, start)
        course.clocks(after, start, skip=_SKIPPED[hush])
    course.parents_decided(after, held_before=held)
    first_missing(course, told, after)
    return ()


def _found(course: Course, event: EpisodeEvent, hush: Hush | None) -> None:
    if course.episode.state == "returned" or fold.counts_late(course.episode, event.time):
        course.warnings.append("something newer is known of this episode: recorded only")
        return
    start = _happened(course, event, event.data["found"].get("at"), "data.found.at")
    _recover(course, fold.found(course.episode, event.data, event.time), "found", start, hush)


def _returned(course: Course, event: EpisodeEvent, hush: Hush | None) -> None:
    if course.episode.state == "returned" or fold.counts_late(course.episode, event.time):
        course.warnings.append("something newer is known of this episode: recorded only")
        return
    start = _happened(course, event, event.data["returned"].get("at"), "data.returned.at")
    if start < instant(course.episode.doc["episode"]["since"]):
        course.warnings.append("the time given in data.returned.at lies before the child went missing")
    _recover(course, fold.returned(course.episode, event.data, event.time, start), "returned", start, hush)


def _happened(course: Course, event: EpisodeEvent, given: str | None, path: str) -> datetime:
    """When it happened; not at a time to come, where the duties that follow would not fall due for years."""
    if given and instant(given) > course.context.now + CLOCKS_APART:
        course.warnings.append(f"{path} lies in the future: the event's time counts instead")
        return event.time
    return instant(given) if given else event.time


def _recover(course: Course, after: Episode, kind: Kind, start: datetime, hush: Hush | None) -> None:
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


def _retracted(course: Course, event: EpisodeEvent) -> None:
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


def _completed(course: Course, event: EpisodeEvent, hush: Hush | None) -> None:
    data = event.data
    at = _happened(course, event, data.get("at"), "data.at")
    if not _close(course, {data["duty"]}, data["outcome"], at):
        course.warnings.append("no duty of this code is open: nothing was closed")
    wanted = [f"circulation:{name}" for name in data.get("circulate") or ()]
    made = {told.recipient.role for told in course.episode.memory.told}
    if wanted and course.episode.state != "open":
        course.warnings.append("the child is not missing any more: nothing was circulated")
    elif (fresh := [role for role in dict.fromkeys(wanted) if role not in made]) and hush is None:
        _circulate(course, fresh)


def _close(course: Course, codes: Set[str], outcome: str, at: datetime) -> Set[str]:
    """End these duties, what ends along with them, and start what follows; the codes of those that were open."""
    packs, before = course.context.packs, course.episode.duties
    along = frozenset[str]().union(*(closed_along(packs, code, outcome) for code in codes))
    duties = before
    for code in (codes | along) - _nobody_elses(packs):
        duties = complete(duties, code, at, course.cause)
    course.change(duties=duties)
    closed = {old.code for old, new in zip(before, duties, strict=True) if old != new}
    if any(_follows(running, closed, outcome) for running in rows_of(packs)):
        course.start("completed", course.standing(), at, only=lambda running: _follows(running, closed, outcome))
    return closed


def _follows(running: Running, closed: Set[str], outcome: str) -> bool:
    return running.row.after in closed and outcome in running.row.outcomes


def _nobody_elses(packs: Packs) -> frozenset[str]:
    """Duties that no word from outside ends: the away limit ends as A1 lists, a re-notification comes once a date."""
    return frozenset(r.row.code for r in rows_of(packs) if r.row.acts in ("become_missing", "renotify"))


def _circulate(course: Course, roles: Sequence[str]) -> None:
    standing = course.standing()
    drafts = [
        Draft(recipient=recipient, kind="missing", rules=standing.packs.cite_told("circulation"),
              why="a strategy discussion decided to circulate",
              members=circulation_members(role, standing.doc, course.context.areas))
        for role in roles
        for recipient in resolve(role, standing.doc, course.context.areas)
    ]  # fmt: skip
    first_missing(course, course.tell(drafts, standing), standing)
