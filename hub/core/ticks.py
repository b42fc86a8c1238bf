"""What the clocks do to an episode, one thing at a time. Pure."""

from dataclasses import replace
from datetime import datetime

from hub.core import episode as fold
from hub.core.course import Context, Course, Outcome, first_missing
from hub.core.episode import Episode
from hub.core.holds import REVIEW, asked
from hub.core.peer_packs import ask
from routing.decide import (
    also_told,
    owner_notices,
    renotifications,
    update_notices,
)
from routing.decision import Duty, Kind
from routing.duties import (
    Happening,
    Running,
    chased,
    ended,
    overtaken,
    reminded,
    row_by_id,
    turned,
)
from routing.packs import Reminders
from routing.recipients import POLICE


def next_wake(episode: Episode) -> datetime | None:
    """The next instant at which the clock has something to do for this episode."""
    happening = episode.next_happening
    moments = [e.remove_at for e in episode.register if e.removed_at is None]
    moments += episode.memory.deadlines.values()
    if episode.memory.asked.at is not None:
        moments.append(episode.memory.asked.at)
    return min([*moments, *([happening.at] if happening else [])], default=None)


def tick(episode: Episode, context: Context) -> Outcome | None:
    """The one next thing the clocks have to do by ``context.now``; None if there is nothing. Call again until None.
    At one instant a re-notification comes before the removal of the entry it renews (readings.md A2)."""
    asks_at = episode.memory.asked.at
    if asks_at is not None and asks_at <= context.now:
        return ask(episode, context)
    happening = episode.next_happening
    expiring = [e for e in episode.register if e.removed_at is None and e.remove_at <= context.now]
    if happening is not None and happening.at <= context.now:
        if not expiring or happening.at <= min(e.remove_at for e in expiring):
            return _happen(episode, happening, context)
    if not expiring:
        return _lapse(episode, context.now)
    first = min(e.remove_at for e in expiring)
    register = tuple(
        replace(e, removed_at=context.now, removed_by="duty:register_removal")
        if e.removed_at is None and e.remove_at == first
        else e
        for e in episode.register
    )
    return Outcome(episode=replace(episode, register=register))


def _lapse(episode: Episode, now: datetime) -> Outcome | None:
    """Proposals that nobody answered in time. Each is looked at once: what somebody answers late, they answer."""
    memory = episode.memory
    lapsed = tuple(one for one, at in memory.deadlines.items() if at <= now)
    if not lapsed:
        return None
    left = {one: at for one, at in memory.deadlines.items() if at > now}
    return Outcome(episode=replace(episode, memory=replace(memory, deadlines=left)), lapsed=lapsed)


def _happen(episode: Episode, happening: Happening, context: Context) -> Outcome:
    duty = happening.duty
    course = Course(episode, context, f"duty:{duty.code}")
    if duty.code == REVIEW and asked(episode.holds, duty) is None:  # the child is back: there is nothing to ask
        _swap(course, duty, ended(duty, "cancelled", context.now, course.cause))
        return course.outcome()
    running = row_by_id(context.packs, duty.row)
    match happening.what:
        case "remind":
            _swap(course, duty, reminded(duty))
            if duty.due_at > context.now:  # else the clocks stood still, and it is chased now
                _remind(course, duty, "duty_due", running)
        case "chase":
            _chase(course, duty, running)
        case "turn":
            course.change(duties=turned(episode.duties, duty, running, context.now, episode.doc))
            if duty.owner in POLICE and duty.chase_at is not None:
                # chased along with what falls due, not after it, or whoever is told of it comes before the police (B38)
                _chase(course, course.episode.duties[episode.duties.index(duty)], running)
            if running is not None:
                _turn(course, duty, running)
    return course.outcome()


def _swap(course: Course, old: Duty, new: Duty) -> None:
    course.change(duties=tuple([new if d is old else d for d in course.episode.duties]))


def _chase(course: Course, duty: Duty, running: Running | None) -> None:
    settings = running.pack.reminders if running else Reminders()
    _swap(course, duty, chased(duty, course.context.now, settings))
    if not overtaken(course.episode.duties, duty, course.context.now):
        _remind(course, duty, "duty_overdue", running)


def _remind(course: Course, duty: Duty, kind: Kind, running: Running | None) -> None:
    standing, areas = course.standing(), course.context.areas
    pack = running.pack if running else None
    police = asked(course.episode.holds, duty) if duty.code == REVIEW else None
    drafts = owner_notices(standing, duty.owner, kind, duty.rules, areas, duty=duty.code, due_at=duty.due_at, pack=pack,
                           whom=police)  # fmt: skip
    if kind == "duty_overdue" and running is not None:
        drafts += also_told(standing, running.row.overdue_tells, kind, duty.rules, areas, duty=duty.code,
                            due_at=duty.due_at, pack=pack, priority="low")  # fmt: skip
    course.tell(drafts, standing)


def _turn(course: Course, duty: Duty, running: Running) -> None:
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
            first_missing(course, course.tell(drafts, standing), standing)


def _become_missing(course: Course, duty: Duty) -> None:
    """The child has been away with unknown whereabouts for too long. What starts now counts from the limit (C3)."""
    before, memory = course.standing(), course.episode.memory
    held = course.any_held(before)
    course.episode = fold.become_missing(course.episode)
    after = course.standing()
    told = course.tell(update_notices(before, after, memory.told, memory.parents, course.context.areas), after)
    course.count(after, "out")
    course.clocks(after, duty.due_at)
    course.parents_decided(after, held_before=held)
    first_missing(course, told, after)
