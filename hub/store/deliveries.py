"""What deliveries come to: results in batches, measured against how each stands, and what is sent no more."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import BindParameter, Row, Select, bindparam, exists, or_, select, update

from hub.core.records import AttemptRecord, AuditLine, DeliveryResult, Standing
from hub.store.delivery_rows import attempt_row
from hub.store.endpoints import close_endpoint
from hub.store.many import write_many
from hub.store.receipts import add_receipt
from hub.store.seeing import DUE, LEASED, raise_alarm, write_audit
from hub.store.session import Session
from hub.store.statements import ATTEMPT, RECEIPT, stating
from hub.store.tables import attempts, deliveries, notices

# Asked with every batch of results: built once, as building a statement costs more than running it.
_WANTED: BindParameter[Any] = bindparam("wanted", expanding=True)
_HOW = (
    select(deliveries.c.id, deliveries.c.state, deliveries.c.leased_by, deliveries.c.notice)
    .where(deliveries.c.id.in_(_WANTED))
    .order_by(deliveries.c.id)
)
_NOTICES = select(notices.c.id, notices.c.state).where(notices.c.id.in_(_WANTED)).order_by(notices.c.id)
_TRIES = select(attempts).where(attempts.c.delivery.in_(_WANTED)).order_by(attempts.c.delivery, attempts.c.number)
_TRIED = tuple(column.name for column in attempts.columns)
_HOW_LOCKED, _NOTICES_LOCKED = _HOW.with_for_update(), _NOTICES.with_for_update()
_HELD: Select[Any] = (
    select(
        deliveries.c.id,
        deliveries.c.notice,
        deliveries.c.state,
        deliveries.c.leased_by,
        deliveries.c.attempts,
        deliveries.c.due_at,
        deliveries.c.tried,
        deliveries.c.withdrawn,
    )
    .where(deliveries.c.id.in_(_WANTED))
    .order_by(deliveries.c.id)
    .with_for_update(of=deliveries)
)
_SETTLE = (
    update(deliveries)
    .where(deliveries.c.id == bindparam("settled"))
    .values(
        state=bindparam("new_state"),
        due_at=bindparam("new_due_at"),
        attempts=bindparam("new_attempts"),
        tried=bindparam("new_tried"),
        leased_at=None,
        lease_until=None,
        leased_by=None,
    )
)
_MOVE = (
    update(notices)
    .where(notices.c.id == bindparam("moved"))
    .values(state=bindparam("new_state"), state_at=bindparam("new_state_at"))
)


def standings(session: Session, wanted: Sequence[str]) -> Sequence[Standing]:
    """How deliveries stand. In a writing transaction the rows stay locked, so that it holds until what follows from it
    is written: deliveries first, then notices, as everywhere."""
    how, states = (_HOW, _NOTICES) if session.read_only else (_HOW_LOCKED, _NOTICES_LOCKED)
    rows = session.connection.execute(how, {"wanted": list(wanted)}).all()
    about = {"wanted": list({row.notice for row in rows})}
    notice_states = {row.id: row.state for row in session.connection.execute(states, about).all()}
    tries: dict[str, list[AttemptRecord]] = {row.id: [] for row in rows}
    for row in session.connection.execute(_TRIES, {"wanted": list(tries)}).all():
        tries[row.delivery].append(AttemptRecord(**dict(zip(_TRIED, row, strict=True))))
    return [
        Standing(
            delivery=row.id,
            state=row.state,
            leased_by=row.leased_by,
            notice=row.notice,
            notice_state=notice_states[row.notice],
            attempts=tuple(tries[row.id]),
        )
        for row in rows
    ]


def finish(session: Session, results: Sequence[DeliveryResult], node: str) -> Sequence[str]:
    """Record results; the ids of deliveries whose lease ``node`` no longer holds, which change only their attempt."""
    if not results:
        return []
    about = {"wanted": list({one.delivery for one in results})}
    present = {row.id: row for row in session.connection.execute(_HELD, about).all()}
    tries = {id(one): attempt_row(one.attempt) for one in results}
    session.put(attempts, list(tries.values()))
    held = [one for one in results if _holds(present.get(one.delivery), one, node)]
    _settle(session, held, present)
    _move_notices(session, held, present)
    for one in held:
        for alarm in one.alarms:
            raise_alarm(session, alarm)
        if one.closed is not None:
            close_endpoint(session, one.closed)
    lines: list[AuditLine] = []
    for one in results:
        came = [] if one.receipt is None else [add_receipt(session, one.receipt)]
        lines += stating(session, one.audit, (ATTEMPT, [tries[id(one)]]), (RECEIPT, came))
    write_audit(session, lines)
    kept = {one.delivery for one in held}
    return [one.delivery for one in results if one.delivery not in kept]


def _holds(row: Row[Any] | None, result: DeliveryResult, node: str) -> bool:
    """The same node may have lost the lease and claimed anew: then it is the newer attempt that holds it."""
    return row is not None and row.state == "leased" and row.leased_by == node and row.attempts <= result.attempt.number


def _settle(session: Session, held: Sequence[DeliveryResult], present: Mapping[str, Row[Any]]) -> None:
    rows = []
    for one in held:
        if one.state == "leased":
            continue  # the attempt has its result and the worker goes on with the delivery under the same lease
        row = present[one.delivery]
        state = "cancelled" if one.state == "due" and row.withdrawn else one.state
        rows.append(
            {
                "settled": one.delivery,
                "new_state": state,
                "new_due_at": one.due_at or row.due_at,
                "new_attempts": max(row.attempts, one.attempt.number),
                "new_tried": row.tried or one.attempt.state != "cancelled",
            }
        )
    write_many(session.connection, _SETTLE, rows)


def _move_notices(session: Session, held: Sequence[DeliveryResult], present: Mapping[str, Row[Any]]) -> None:
    """Where a notice goes is decided by hub/core/states.py, on standings read under lock in this transaction."""
    moves = [
        {"moved": present[one.delivery].notice, "new_state": one.notice_state, "new_state_at": _ended(one.attempt)}
        for one in held
        if one.notice_state is not None
    ]
    write_many(session.connection, _MOVE, moves)
    failed = [
        {"moved": present[one.delivery].notice, "at": _ended(one.attempt)} for one in held if one.state == "failed"
    ]
    if failed:  # nobody waits for an answer to what could not be sent: the next step is taken at once, each time
        # Not as a list: that cannot be bound for many rows at once.
        under_way = exists().where(deliveries.c.notice == notices.c.id, or_(DUE, LEASED))
        session.connection.execute(
            update(notices)
            .where(
                notices.c.id == bindparam("moved"),
                notices.c.state == "undeliverable",
                notices.c.chase_at > bindparam("at"),
                ~under_way,
            )
            .values(chase_at=bindparam("at")),
            failed,
        )


def _ended(attempt: AttemptRecord) -> datetime:
    return attempt.finished_at or attempt.started_at


def withdraw(session: Session, notice_id: str) -> None:
    """Send nothing more of a notice: what is due is cancelled, what a worker has in hand ends with that attempt."""
    session.connection.execute(
        update(deliveries).where(DUE, deliveries.c.notice == notice_id).values(state="cancelled")
    )
    session.connection.execute(
        update(deliveries).where(LEASED, deliveries.c.notice == notice_id).values(withdrawn=True)
    )
