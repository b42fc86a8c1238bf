"""The leases of deliveries: what becomes of one that ends, is lengthened, or is given back."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, case, literal, select, update

from hub.core.records import AttemptState
from hub.store.seeing import LEASED
from hub.store.session import Session
from hub.store.tables import attempts, deliveries
from hub.store.waiting import AT

LOST_AGAIN = (timedelta(0), timedelta(seconds=2), timedelta(seconds=10), timedelta(seconds=30))
"""How long a delivery waits whose lease ran out for the first time, the second time and so on."""

UNDER_WAY = attempts.c.state == "sending"

# Asked with every claim: built once.
_EXPIRED = (
    select(deliveries.c.id)
    .where(LEASED, deliveries.c.lease_until <= AT)
    .order_by(deliveries.c.lease_until)
    .with_for_update(skip_locked=True, of=deliveries)
)
_EVERY = select(deliveries.c.id).where(LEASED).with_for_update(skip_locked=True, of=deliveries)


def close_expired_leases(session: Session, now: datetime) -> None:
    """A lease that ran out: its attempt may have sent, which is said; the delivery falls due again."""
    _close(session, now, _EXPIRED, {"now": now})


def close_all_leases(session: Session, now: datetime) -> None:
    """The same for every lease, where its holder is known to be dead: at the start of a ledger's only process."""
    _close(session, now, _EVERY)


def _close(session: Session, now: datetime, which: Select[Any], at: dict[str, datetime] | None = None) -> None:
    ids = list(session.connection.execute(which, at).scalars())
    if not ids:
        return
    session.connection.execute(
        update(attempts)
        .where(attempts.c.delivery.in_(ids), attempts.c.finished_at.is_(None))
        .values(
            state=_unless_a_receipt_said("technical_failure"),
            reason=case((UNDER_WAY, literal("provider_timeout")), else_=attempts.c.reason),
            finished_at=now,
        )
    )
    session.connection.execute(
        update(deliveries)
        .where(deliveries.c.id.in_(ids))
        .values(state=_due_again(), due_at=_after(now), tried=True, lease_until=None, leased_by=None, leased_at=None)
    )


def _after(now: datetime) -> Any:
    """Behind those that nobody has tried yet; later each time, so that a process which dies over and over does not
    send the same first notices over and over."""
    waits = [(deliveries.c.attempts == lost, now + wait) for lost, wait in enumerate(LOST_AGAIN, start=1)]
    return case(*((when, literal(at, deliveries.c.due_at.type)) for when, at in waits),
                else_=literal(now + LOST_AGAIN[-1], deliveries.c.due_at.type))  # fmt: skip


def _unless_a_receipt_said(state: AttemptState) -> Any:
    """What became of an attempt that has no result; a receipt may have been here before it and knows better."""
    return case((UNDER_WAY, literal(state)), else_=attempts.c.state)


def _due_again() -> Any:
    return case((deliveries.c.withdrawn, literal("cancelled")), else_=literal("due"))


def renew(session: Session, wanted: Sequence[str], node: str, lease_until: datetime) -> None:
    """Lengthen leases this node still holds."""
    session.connection.execute(
        update(deliveries)
        .where(deliveries.c.id.in_(wanted), LEASED, deliveries.c.leased_by == node)
        .values(lease_until=lease_until)
    )


def release(session: Session, wanted: Sequence[str], node: str, now: datetime) -> None:
    """Give back what was claimed and not attempted; it keeps its place in its group."""
    rows = session.connection.execute(
        select(deliveries.c.id)
        .where(deliveries.c.id.in_(wanted), LEASED, deliveries.c.leased_by == node)
        .order_by(deliveries.c.id)
        .with_for_update(of=deliveries)
    )
    ids = list(rows.scalars())
    session.connection.execute(
        update(attempts)
        .where(attempts.c.delivery.in_(ids), attempts.c.finished_at.is_(None))
        .values(state=_unless_a_receipt_said("cancelled"), finished_at=now)
    )
    session.connection.execute(
        update(deliveries)
        .where(deliveries.c.id.in_(ids))
        .values(state=_due_again(), lease_until=None, leased_by=None, leased_at=None)
    )
