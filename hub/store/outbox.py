"""The outbox as an operator works on it: looked through in clear, put back, called off. Nothing sealed is opened."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Row,
    Select,
    and_,
    false,
    func,
    or_,
    select,
    text,
    true,
    union_all,
    update,
)

from hub.core.outbox import LOST_FOR, UNTOLD
from hub.core.records import AuditLine, CalledOff, Outgoing, Sought
from hub.core.ulid import first_since
from hub.store.endings import GOING_ON, overtaken
from hub.store.seeing import DUE, LEASED, raise_alarm, write_audit
from hub.store.session import Session
from hub.store.tables import alarms, attempts, deliveries, episodes, notices

FAILED = text("deliveries.state = 'failed'")

_ABOUT: Final[FromClause] = deliveries.join(notices, notices.c.id == deliveries.c.notice).join(
    episodes, episodes.c.id == deliveries.c.episode
)
_SHOWN: Final[FromClause] = _ABOUT.outerjoin(
    attempts, and_(attempts.c.delivery == deliveries.c.id, attempts.c.number == deliveries.c.attempts)
)
_COLUMNS: Final = (
    deliveries.c.id.label("delivery"),
    deliveries.c.notice,
    notices.c.reference,
    deliveries.c.episode,
    episodes.c.state.label("episode_state"),
    notices.c.organisation,
    notices.c.roles,
    notices.c.gap_role,
    notices.c.kind,
    deliveries.c.priority,
    notices.c.status,
    notices.c.state.label("notice_state"),
    notices.c.chase_at,
    deliveries.c.channel,
    deliveries.c.contact,
    deliveries.c.purpose,
    deliveries.c.carries,
    deliveries.c.state,
    deliveries.c.created_at,
    deliveries.c.due_at,
    deliveries.c.lease_until,
    deliveries.c.attempts,
    attempts.c.state.label("attempt_state"),
    attempts.c.reason,
    func.coalesce(attempts.c.finished_at, attempts.c.started_at).label("attempted_at"),
)


def outbox(
    session: Session, sought: Sought, now: datetime, late: datetime, after: str | None, limit: int
) -> Sequence[Outgoing]:
    """Deliveries in the order they were made, from behind ``after``. ``late``: what was due before then is late."""
    statement = found(sought, now, late)
    if after is not None:
        statement = statement.where(deliveries.c.id > after)
    rows = session.connection.execute(statement.order_by(deliveries.c.id).limit(limit))
    return [_outgoing(row) for row in rows]


def outbox_counts(session: Session, sought: Sought, now: datetime, late: datetime) -> dict[str, int]:
    """How many there are of what is not settled, whatever state is asked for; the rest of the question holds."""
    asked = counting(sought, now, late)
    return {name: int(session.connection.execute(statement).scalar_one()) for name, statement in asked.items()}


def counting(sought: Sought, now: datetime, late: datetime) -> dict[str, Select[int]]:
    """The counts as statements."""
    whole, failed = (_counted(replace(sought, state=state)) for state in (None, "failed"))
    return {
        "due": whole.where(DUE),
        "leased": whole.where(LEASED),
        "failed": failed.where(FAILED),
        "late": whole.where(_late(now, late)),
        "stuck": whole.where(_stuck(now, late)),
    }


def _counted(sought: Sought) -> Select[int]:
    narrowed = _narrowed(sought)
    return select(func.count()).select_from(_SHOWN if narrowed else deliveries).where(*narrowed)


def found(sought: Sought, now: datetime, late: datetime) -> Select[Any]:
    """The question as a statement, without its order."""
    return select(*_COLUMNS).select_from(_SHOWN).where(_standing(sought, now, late), *_narrowed(sought))


def _standing(sought: Sought, now: datetime, late: datetime) -> ColumnElement[bool]:
    match sought.state:
        case None:
            return true() if sought.deliveries else _any_of(*(_those(state) for state in (DUE, LEASED, FAILED)))
        case "late":
            return _late(now, late)
        case "stuck":
            return _stuck(now, late)
        case "due":
            return and_(DUE, true())
        case "leased":
            return and_(LEASED, true())
        case "failed":
            return and_(FAILED, true())
        case "sent" | "cancelled" as settled:
            return deliveries.c.state == settled


def _late(now: datetime, late: datetime) -> ColumnElement[bool]:
    return _any_of(*_behind(now, late))


def _stuck(now: datetime, late: datetime) -> ColumnElement[bool]:
    return _any_of(*_behind(now, late), *_lost(now))


def _any_of(*some: Select[Any]) -> ColumnElement[bool]:
    """Each is looked up by its own partial index: of conditions joined by "or" a planner goes through everything."""
    return deliveries.c.id.in_(union_all(*some))


def _those(*conditions: Any) -> Select[Any]:
    return select(deliveries.c.id).where(*conditions).correlate(None)


def _behind(now: datetime, late: datetime) -> tuple[Select[Any], Select[Any]]:
    return _those(DUE, deliveries.c.due_at < late), _those(LEASED, deliveries.c.lease_until <= now)


def _lost(now: datetime) -> tuple[Select[Any], Select[Any]]:
    """What failed and nobody was told otherwise: lately, and before where the episode goes on."""
    since = first_since("dl", now - LOST_FOR)
    # So that no index serves for the state: of what was overdue when the child came back there is ever more.
    untold = (func.coalesce(notices.c.state, "").in_(UNTOLD), ~overtaken())
    living = select(notices.c.id).join(episodes, episodes.c.id == notices.c.episode).correlate(None)
    of_living = deliveries.c.notice.in_(living.where(GOING_ON))
    return (
        _those(FAILED, deliveries.c.id >= since, *untold).select_from(_ABOUT),
        # Not by the index of all that failed: the living are few.
        _those(deliveries.c.state == "failed", deliveries.c.id < since, of_living, *untold).select_from(_ABOUT),
    )


def _narrowed(sought: Sought) -> list[ColumnElement[bool]]:
    wanted: list[ColumnElement[bool]] = []
    if sought.channel is not None:
        wanted.append(deliveries.c.channel == sought.channel)
    if sought.organisation is not None:
        over = sought.state in ("sent", "cancelled", "failed")
        # What is over is looked up by it, in order. Each that is under way is looked at, as they are few: there is no
        # index for that, or a planner would take one and go through all that was ever sent to them.
        whose = deliveries.c.organisation if over else func.coalesce(deliveries.c.organisation, "")
        wanted.append(whose == sought.organisation)
    if sought.reason is not None:
        wanted.append(attempts.c.reason == sought.reason)
    if sought.created_before is not None:
        wanted.append(deliveries.c.created_at < sought.created_before)
    if sought.deliveries:
        wanted.append(deliveries.c.id.in_(sought.deliveries))
    return wanted


def _outgoing(row: Row[*tuple[Any, ...]]) -> Outgoing:
    return Outgoing(**row._mapping)


def outgoing(session: Session, wanted: Sequence[str]) -> Sequence[Outgoing]:
    """These deliveries, in order of id; one that does not exist is left out.

    In a writing transaction they stay as they are until its end: episode, deliveries, notices, in the order in which
    every writer takes them. An ending that comes meanwhile waits, and then finds what was put back.
    """
    if not session.read_only:
        _hold(session, wanted)
    statement = select(*_COLUMNS).select_from(_SHOWN).where(deliveries.c.id.in_(wanted)).order_by(deliveries.c.id)
    return [_outgoing(row) for row in session.connection.execute(statement)]


def _hold(session: Session, wanted: Sequence[str]) -> None:
    ours = deliveries.c.id.in_(wanted)
    of_episode = select(deliveries.c.episode).where(ours)
    of_notice = select(deliveries.c.notice).where(ours)
    for locked in (
        select(episodes.c.id).where(episodes.c.id.in_(of_episode)).order_by(episodes.c.id).with_for_update(read=True),
        select(deliveries.c.id).where(ours).order_by(deliveries.c.id).with_for_update(),
        select(notices.c.id).where(notices.c.id.in_(of_notice)).order_by(notices.c.id).with_for_update(),
    ):
        session.connection.execute(locked).all()


def newer_sent(session: Session, delivery: str) -> bool:
    """Whether a later notice has gone out to the same address about the same episode."""
    own = deliveries.alias("own")
    later = (
        select(deliveries.c.id)
        .join(notices, notices.c.id == deliveries.c.notice)
        .join(own, and_(own.c.id == delivery, own.c.line == deliveries.c.line, own.c.episode == notices.c.episode))
        .where(
            deliveries.c.notice != own.c.notice,
            deliveries.c.created_at > own.c.created_at,
            deliveries.c.state == "sent",
        )
    )
    return session.connection.execute(later.limit(1)).first() is not None


def put_back(session: Session, wanted: Sequence[str], now: datetime, lines: Sequence[AuditLine]) -> None:
    """Make failed deliveries due at once, with their whole schedule before them. They have been read with
    :func:`outgoing` in this transaction."""
    session.connection.execute(
        update(deliveries)
        .where(deliveries.c.id.in_(wanted), FAILED)
        .values(state="due", due_at=now, redriven_after=deliveries.c.attempts, withdrawn=false())
    )
    write_audit(session, lines)


def call_off(session: Session, off: CalledOff) -> None:
    """Cancel deliveries that are due or have failed, and say what that means for their notices."""
    session.connection.execute(
        update(deliveries).where(deliveries.c.id.in_(off.deliveries), or_(DUE, FAILED)).values(state="cancelled")
    )
    if off.undeliverable:
        lost = notices.c.id.in_(off.undeliverable)
        # Nobody waits for an answer to what will not be sent: the next step is taken at once.
        session.connection.execute(update(notices).where(lost, notices.c.chase_at > off.at).values(chase_at=off.at))
        session.connection.execute(update(notices).where(lost).values(state="undeliverable", state_at=off.at))
    for alarm in off.alarms:
        raise_alarm(session, alarm)
    write_audit(session, off.audit)


def clear_alarms_of(session: Session, notice: str, kinds: Sequence[str], now: datetime) -> Sequence[str]:
    """Clear the open alarms of these kinds about a notice; their ids."""
    ours = and_(alarms.c.notice == notice, alarms.c.kind.in_(kinds), alarms.c.cleared_at.is_(None))
    cleared = list(session.connection.execute(select(alarms.c.id).where(ours).order_by(alarms.c.id)).scalars())
    if cleared:
        session.connection.execute(update(alarms).where(alarms.c.id.in_(cleared)).values(cleared_at=now))
    return cleared
