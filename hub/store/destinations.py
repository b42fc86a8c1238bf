"""When deliveries are due, changed for many at once: their destination does not answer, or answers again, or the clock
was set back, by which much else waits too."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, Row, bindparam, select, text, update

from hub.store.seeing import DUE, LEASED, WAITING
from hub.store.session import Session
from hub.store.tables import deliveries, episodes, notices

FAR: Final = timedelta(days=2)
"""No lease, no chase and no wait for a report lasts so long."""
_AWAITED: Final = text("episodes.state = 'awaited'")


def put_off(session: Session, shut: Mapping[bytes, datetime], now: datetime) -> None:
    """What is due for destinations that do not answer waits until they are tried again."""
    found = _locked(session, deliveries.c.due_at <= now, deliveries.c.destination.in_(list(shut)))
    _move(session, {row.id: shut[row.destination] for row in found if row.destination})


def bring_forward(session: Session, channel: str, back: Collection[bytes] | None, now: datetime) -> None:
    """What waits for its next turn, for destinations that answer again, is due now; None: all of the channel."""
    which = [deliveries.c.due_at > now, deliveries.c.channel == channel]
    if back is not None:
        which.append(deliveries.c.destination.in_(list(back)))
    _move(session, {row.id: now for row in _locked(session, *which)})


def set_back(session: Session, by: timedelta, now: datetime) -> None:
    """What waits for its next turn is due so much earlier. So is what nobody sets further ahead than :data:`FAR`: it
    was set while the clock was ahead, and would wait for as long as that was."""
    _move(session, {row.id: max(now, row.due_at - by) for row in _locked(session, deliveries.c.due_at > now)})
    for moment, which in (
        (notices.c.chase_at, WAITING),
        (episodes.c.wake_at, _AWAITED),
        (deliveries.c.lease_until, LEASED),
    ):
        table = moment.table
        far = select(table.c.id, moment.label("at")).where(which, moment > now + FAR).order_by(table.c.id)
        rows = session.connection.execute(far.with_for_update(skip_locked=True, of=table)).all()
        moved = [{"moved": row.id, "earlier": max(now, row.at - by)} for row in rows]
        if moved:
            statement = update(table).where(table.c.id == bindparam("moved")).values({moment: bindparam("earlier")})
            session.connection.execute(statement, moved)


def _locked(session: Session, *which: ColumnElement[bool]) -> Sequence[Row[str, bytes | None, datetime]]:
    """Those of them that nobody else has in hand: a claim under way goes before, and it is only about time."""
    return session.connection.execute(
        select(deliveries.c.id, deliveries.c.destination, deliveries.c.due_at)
        .where(DUE, *which)
        .order_by(deliveries.c.id)
        .with_for_update(skip_locked=True, of=deliveries)
    ).all()


def _move(session: Session, due_at: Mapping[str, datetime]) -> None:
    if due_at:
        session.connection.execute(
            update(deliveries).where(deliveries.c.id == bindparam("moved")).values(due_at=bindparam("new_due_at")),
            [{"moved": delivery, "new_due_at": at} for delivery, at in due_at.items()],
        )
