"""When deliveries are due, changed for many at once: their destination does not answer, or answers again."""

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import ColumnElement, bindparam, select, update

from hub.store.seeing import DUE
from hub.store.session import Session
from hub.store.tables import deliveries


def put_off(session: Session, shut: Mapping[bytes, datetime], now: datetime) -> None:
    """What is due for destinations that do not answer waits until they are tried again."""
    found = _locked(session, deliveries.c.due_at <= now, deliveries.c.destination.in_(list(shut)))
    _move(session, {delivery: shut[destination] for delivery, destination in found.items() if destination})


def bring_forward(session: Session, channel: str, back: Collection[bytes] | None, now: datetime) -> None:
    """What waits for its next turn, for destinations that answer again, is due now; None: all of the channel."""
    which = [deliveries.c.due_at > now, deliveries.c.channel == channel]
    if back is not None:
        which.append(deliveries.c.destination.in_(list(back)))
    _move(session, dict.fromkeys(_locked(session, *which), now))


def _locked(session: Session, *which: ColumnElement[bool]) -> dict[str, bytes | None]:
    """Those of them that nobody else has in hand: a claim under way goes before, and it is only about time."""
    rows = session.connection.execute(
        select(deliveries.c.id, deliveries.c.destination)
        .where(DUE, *which)
        .order_by(deliveries.c.id)
        .with_for_update(skip_locked=True, of=deliveries)
    )
    return {row.id: row.destination for row in rows}


def _move(session: Session, due_at: Mapping[str, datetime]) -> None:
    if due_at:
        session.connection.execute(
            update(deliveries).where(deliveries.c.id == bindparam("moved")).values(due_at=bindparam("new_due_at")),
            [{"moved": delivery, "new_due_at": at} for delivery, at in due_at.items()],
        )
