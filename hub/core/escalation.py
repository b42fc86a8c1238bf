"""What to do about a notice that nobody has answered. Pure: the rungs are in ladder.py, the waits in the packs.

A notice is looked at when its ``chase_at`` has come. Until a named human accepts it, each look takes the next rung that
has not been taken: another contact, another channel, the desk's deputy, the emergency duty team, the sender's duty
manager, and at last the operator, as an alarm. Nobody is chased for what is over, nor anybody who is withheld or held.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal

from contacts.plans import key_of
from contacts.roles import OPERATOR, POLICE_ROLES
from hub.core.endings import OVERTAKES
from hub.core.ladder import Ladder, Rung
from hub.core.records import AttemptRecord, DeliveryRecord, NoticeRecord, Purpose, Tracked
from hub.core.states import NoticeHappening
from routing.decision import Decision, Kind
from routing.packs import Waits

NEVER_CHASED: Final[frozenset[Kind]] = frozenset({"duty_due", "duty_overdue", "verification"})
"""A duty has a clock of its own that chases its owner; a verification is answered by its own code."""
WATCHED: Final[frozenset[Kind]] = frozenset({"missing", "concern", "update", "renotification"})
"""After these an open episode must not go silent."""
WATCHERS: Final = frozenset({*POLICE_ROLES, "responsible_authority", "host_authority"})
"""Who is reminded when it does: those who look for the child."""
MOST_REPEATS: Final = 12
"""How often the first step is taken again after the last; then the alarm stands by itself."""
LONGEST_PAUSE: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What one look comes to. ``why`` is in words, without personal data."""

    why: str
    chase_at: datetime | None = None
    rung: Rung | None = field(default=None, repr=False)
    happened: NoticeHappening | None = None
    alarms: tuple[tuple[str, str, str], ...] = ()
    """Kind, owner, reason."""


def urgent(decision: Decision, *, ungraded: bool) -> bool:
    """Serious, ungraded, ``concern``, and every first notice of the police: the shorter waits."""
    if decision.priority in ("immediate", "high") or ungraded or decision.kind == "concern":
        return True
    return decision.kind in ("missing", "away") and any(role in POLICE_ROLES for role in decision.roles)


def first_look(kind: Kind, waits: Waits, now: datetime, *, urgent: bool) -> datetime | None:
    """When a notice made at ``now`` has to be looked at; None for what is never chased."""
    return None if kind in NEVER_CHASED else now + (waits.urgent_receipt if urgent else waits.receipt)


def is_watched(notice: NoticeRecord) -> bool:
    """Whether its reader, once they have accepted it, is reminded where all goes silent."""
    watches = bool(set(notice.roles) & WATCHERS) and notice.gap_role is None
    return notice.urgent and notice.kind in WATCHED and watches


def look(
    tracked: Tracked,
    found: Ladder,
    waits: Waits,
    news_at: datetime,
    now: datetime,
    *,
    over: bool,
    kept: Literal["withheld", "held"] | None = None,
) -> Look:
    """What to do about the notice now.

    ``over``: the episode has ended since in a way that makes an answer to this kind pointless. ``kept``: whom it tells
    may not be told any more (readings.md C5). ``news_at``: when anything was last heard of the episode, from whomever.
    """
    notice = tracked.notice
    if kept is not None:
        return Look(why=f"whom it tells is {kept} now", happened=kept)
    if over or notice.kind in NEVER_CHASED:
        return Look(why="nothing is to be answered any more")
    match notice.state:
        case "superseded" | "withheld" | "held":
            return Look(why=f"it is {notice.state}")
        case "acknowledged":
            return _silence(tracked, found, waits, news_at, now)
        case "pending" | "notified" | "receipted" | "unresolved" | "undeliverable" | "overdue":
            return _chase(tracked, found, waits, now)


def _chase(tracked: Tracked, found: Ladder, waits: Waits, now: datetime) -> Look:
    notice = tracked.notice
    due = _last_step(tracked) + _wait(notice, waits)
    if now < due and notice.state not in ("unresolved", "undeliverable") and not _called_off(tracked):
        return Look(why="there is time left to answer", chase_at=due)
    unmanned = (("nobody_on_duty", notice.organisation or OPERATOR, notice.kind),) if found.unmanned else ()
    made = [delivery for delivery, attempts in tracked.deliveries if not _called_back(delivery, attempts, tracked)]
    taken = {_key(delivery) for delivery in made}
    purposes = {delivery.purpose for delivery in made}
    for rung in found.rungs:
        if rung.purpose == "handover" and "handover" in purposes:
            continue
        left = tuple(way for way in rung.ways if rung.purpose == "handover" or key_of(way) not in taken)
        if left:
            pause = waits.urgent_receipt if notice.urgent else waits.receipt
            step = Rung(purpose=rung.purpose, ways=left, organisation=rung.organisation, desk=rung.desk)
            return Look(why=_WHY[rung.purpose], rung=step, chase_at=now + pause, alarms=unmanned)
    return _top(tracked, found, waits, now, unmanned)


_WHY: Final[dict[Purpose, str]] = {
    "notice": "the first way",
    "chase": "nobody has answered: the desk's next step",
    "deputy": "nobody has answered: the desk's deputy",
    "duty_team": "nobody has answered: the emergency duty team",
    "handover": "nobody has answered: the sender's duty manager is asked to ring",
    "silent": "it was accepted, and nothing has been heard since",
}


def _top(
    tracked: Tracked, found: Ladder, waits: Waits, now: datetime, alarms: tuple[tuple[str, str, str], ...]
) -> Look:
    """All rungs are taken: the operator knows, and the desk is asked again, less and less often."""
    notice = tracked.notice
    alarms += (("unanswered", OPERATOR, f"{notice.kind}: {', '.join(notice.roles)}"),)
    own = _own(found)
    repeats = _repeats(tracked, own)
    again = min(waits.again * 2**repeats, LONGEST_PAUSE)
    if own is None and (pause := _until_somebody_is_there(notice, waits, now)) is not None:
        why = "the desk has nobody that this can go to: the operator is told, and the directory is looked at again"
        return Look(why=why, happened="overdue", chase_at=now + pause, alarms=alarms)
    if own is None or repeats >= MOST_REPEATS:
        return Look(why="nobody has answered on any way: the operator knows", happened="overdue", alarms=alarms)
    due = _last_step(tracked) + again
    if now < due:
        why = "nobody has answered on any way: the operator is told, and the desk is asked again later"
        return Look(why=why, happened="overdue", chase_at=due, alarms=alarms)
    pause = min(waits.again * 2 ** (repeats + 1), LONGEST_PAUSE)
    why = "nobody has answered: the desk is asked again"
    return Look(why=why, rung=own, happened="overdue", chase_at=now + pause, alarms=alarms)


def _until_somebody_is_there(notice: NoticeRecord, waits: Waits, now: datetime) -> timedelta | None:
    """Until the next look at a desk that nobody can be written to at: the directory is mended because of the alarm, or
    somebody comes on duty, and has to hear of it then. Less and less often; None once it is left to the alarm. What is
    over with its episode is looked at until then, however long the child is missing."""
    age = now - notice.created_at
    if age >= MOST_REPEATS * LONGEST_PAUSE and notice.kind not in OVERTAKES["returned"]:
        return None
    least = waits.urgent_receipt if notice.urgent else waits.receipt
    return min(max(least, age / 4), LONGEST_PAUSE)


def _own(found: Ladder) -> Rung | None:
    """The desk's own first step."""
    return next((rung for rung in found.rungs if rung.purpose == "chase"), None)


def _repeats(tracked: Tracked, own: Rung | None) -> int:
    if own is None:
        return 0
    first = key_of(own.ways[0])
    return max(0, sum(1 for delivery, _ in tracked.deliveries if _key(delivery) == first) - 1)


def _silence(tracked: Tracked, found: Ladder, waits: Waits, news_at: datetime, now: datetime) -> Look:
    """A serious episode, accepted and then silent, is brought to mind once."""
    notice = tracked.notice
    accepted = [answer for answer in tracked.answers if answer.answer == "accepted"]
    if not (is_watched(notice) and accepted):
        return Look(why="it was accepted")
    if any(delivery.purpose == "silent" for delivery, _ in tracked.deliveries):
        return Look(why="it was accepted, and brought to mind once")
    due = max(news_at, accepted[-1].at) + waits.silent
    if now < due:
        return Look(why="it was accepted; the episode is watched", chase_at=due)
    own = _own(found)
    if own is None and now + waits.again < due + MOST_REPEATS * LONGEST_PAUSE:
        return Look(why="it was accepted, and there is nobody to remind: looked at again", chase_at=now + waits.again)
    if own is None:
        return Look(why="it was accepted, and nobody is left to remind")
    return Look(
        why=_WHY["silent"], rung=Rung(purpose="silent", ways=own.ways, organisation=own.organisation, desk=own.desk)
    )


def _wait(notice: NoticeRecord, waits: Waits) -> timedelta:
    if notice.state == "receipted":
        return waits.urgent_answer if notice.urgent else waits.answer
    return waits.urgent_receipt if notice.urgent else waits.receipt


def _last_step(tracked: Tracked) -> datetime:
    made: Sequence[datetime] = [delivery.created_at for delivery, _ in tracked.deliveries]
    return max(made, default=tracked.notice.created_at)


def _called_back(delivery: DeliveryRecord, attempts: Sequence[AttemptRecord], tracked: Tracked) -> bool:
    """It was cancelled by an acceptance before it went out: nobody was told on this way."""
    answered = any(one.answer == "accepted" and one.at >= delivery.created_at for one in tracked.answers)
    return answered and _never_went(delivery, attempts)


def _called_off(tracked: Tracked) -> bool:
    """No way is left that it might be read by, and none was taken to the end: there is nothing to wait for."""
    ways = [one for one in tracked.deliveries if one[0].carries == "content"] or tracked.deliveries
    return bool(ways) and all(_never_went(delivery, attempts) for delivery, attempts in ways)


def _never_went(delivery: DeliveryRecord, attempts: Sequence[AttemptRecord]) -> bool:
    return delivery.state == "cancelled" and all(attempt.carried is None for attempt in attempts)


def _key(delivery: DeliveryRecord) -> str:
    return f"{delivery.channel}:{delivery.address.lower()}"
