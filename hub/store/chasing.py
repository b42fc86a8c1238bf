"""Notices that wait for an answer: which to look at, all that is known of one, and what a look writes."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import and_, func, select, update

from hub.core.records import AttemptRecord, Chased, Tracked
from hub.store.answers import acknowledgements_of
from hub.store.codec import decision_from_bytes
from hub.store.delivery_rows import delivery, notice
from hub.store.intake import delivery_row
from hub.store.seeing import WAITING, raise_alarm, write_audit
from hub.store.session import Session
from hub.store.statements import DELIVERY, stating
from hub.store.tables import attempts, decisions, deliveries, episodes, events, notices

HUB_SOURCE = "hub"


def due_chases(session: Session, now: datetime, limit: int) -> Sequence[str]:
    """Ids of notices whose ``chase_at`` has come, earliest first. Opens nothing sealed."""
    due = select(notices.c.id).where(WAITING, notices.c.chase_at <= now)
    return list(session.connection.execute(due.order_by(notices.c.chase_at, notices.c.id).limit(limit)).scalars())


def tracked(session: Session, wanted: str) -> Tracked | None:
    """A notice with its deliveries, attempts and answers. In a writing transaction its row stays locked, and before it
    its episode's, as an event locks them: else a way made now would be missed by a stand-down, or by a decision to
    withhold, that is being written at this moment."""
    statement = select(notices).where(notices.c.id == wanted)
    if not session.read_only:
        of = select(notices.c.episode).where(notices.c.id == wanted).scalar_subquery()
        session.connection.execute(select(episodes.c.id).where(episodes.c.id == of).with_for_update(read=True))
    row = session.connection.execute(
        statement if session.read_only else statement.with_for_update(of=notices)
    ).one_or_none()
    if row is None:
        return None
    ways = session.connection.execute(
        select(deliveries).where(deliveries.c.notice == wanted).order_by(deliveries.c.created_at, deliveries.c.id)
    ).all()
    tries: dict[str, list[AttemptRecord]] = {way.id: [] for way in ways}
    for one in session.connection.execute(
        select(attempts).where(attempts.c.delivery.in_(tries)).order_by(attempts.c.delivery, attempts.c.number)
    ):
        tries[one.delivery].append(AttemptRecord(**one._mapping))
    taken = session.connection.execute(
        select(decisions.c.child, decisions.c.decision).where(decisions.c.id == row.decision)
    ).one()
    return Tracked(
        notice=notice(session, row),
        decision=decision_from_bytes(session.open(taken.child, taken.decision, decisions, "decision", row.decision)),
        child=row.child,
        deliveries=tuple((delivery(session, way), tuple(tries[way.id])) for way in ways),
        answers=tuple(acknowledgements_of(session, wanted)),
    )


def chase(session: Session, chased: Chased, child: str) -> None:
    """Write what a look at a notice came to."""
    about = chased.notice
    ways = [delivery_row(session, one, child, about.organisation) for one in chased.deliveries]
    session.insert(deliveries, ways)
    session.connection.execute(
        update(notices)
        .where(notices.c.id == about.id)
        .values(state=about.state, state_at=about.state_at, chase_at=about.chase_at)
    )
    for alarm in chased.alarms:
        raise_alarm(session, alarm)
    write_audit(session, stating(session, chased.audit, (DELIVERY, ways)))


def last_heard(session: Session, episode: str) -> datetime | None:
    """When the newest event of a source arrived; the hub's own deeds are no news."""
    newest = select(func.max(events.c.arrived_at)).where(events.c.episode == episode, events.c.source != HUB_SOURCE)
    found: datetime | None = session.connection.execute(newest).scalar()
    return found


def put_off_chase(session: Session, wanted: str, until: datetime) -> None:
    """Look at it later: it cannot be worked on now, and must hold up no other."""
    session.connection.execute(update(notices).where(notices.c.id == wanted, WAITING).values(chase_at=until))


def stop_chases(session: Session, episode: str, notice_ids: Sequence[str]) -> None:
    """Stop the chase of these notices of one episode: their recipient has answered."""
    session.connection.execute(
        update(notices)
        .where(and_(notices.c.episode == episode, notices.c.id.in_(notice_ids), WAITING))
        .values(chase_at=None)
    )


def resume_chases(session: Session, episode: str, notice_ids: Sequence[str], at: datetime) -> None:
    """Look at these notices of one episode again: their recipient has taken the answer back."""
    ours = and_(notices.c.episode == episode, notices.c.id.in_(notice_ids))
    session.connection.execute(update(notices).where(ours, notices.c.chase_at.is_(None)).values(chase_at=at))
