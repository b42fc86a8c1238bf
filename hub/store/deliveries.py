"""Deliveries under lease: claimed in order, finished in batches, given back."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, get_args

from sqlalchemy import (
    ColumnElement,
    Row,
    Select,
    bindparam,
    case,
    exists,
    false,
    literal,
    or_,
    select,
    true,
    update,
)

from hub.core.records import (
    AttemptRecord,
    AttemptState,
    ClaimedDelivery,
    DeliveryRecord,
    DeliveryResult,
    Standing,
)
from hub.service.ports import ANYWHERE, Places
from hub.store.codec import decision_from_bytes
from hub.store.delivery_rows import attempt_row, delivery, notice
from hub.store.endpoints import close_endpoint
from hub.store.episodes import facts
from hub.store.receipts import add_receipt
from hub.store.seeing import DUE, LEASED, raise_alarm, write_audit
from hub.store.session import Session
from hub.store.tables import attempts, decisions, deliveries, notices
from hub.store.unreadable import UNREADABLE, put_off
from hub.store.waiting import behind_the_first, in_line, pointless
from routing.decision import Decision, Priority

LOST_AGAIN = (timedelta(0), timedelta(seconds=2), timedelta(seconds=10), timedelta(seconds=30))
"""How long a delivery waits whose lease ran out for the first time, the second time and so on."""

LOOK_AHEAD = 4

UNDER_WAY = attempts.c.state == "sending"
UNDER_WAY_OR_SENT = ("due", "leased", "sent")
"""Of deliveries: neither failed nor called off."""

_URGENCY: tuple[Priority, ...] = get_args(Priority)


def claim(
    session: Session,
    now: datetime,
    lease_until: datetime,
    node: str,
    limit: int,
    channels: Collection[str] | None = None,
    priorities: Collection[str] | None = None,
    places: Places = ANYWHERE,
) -> Sequence[ClaimedDelivery]:
    """Lease due deliveries and open an attempt of each."""
    close_expired_leases(session, now)
    chosen = _choose(session, claimable(now, channels, priorities), limit, places)
    if not chosen:
        return []
    session.connection.execute(
        update(deliveries)
        .where(deliveries.c.id.in_(chosen))
        .values(
            state="leased",
            attempts=deliveries.c.attempts + 1,
            leased_at=now,
            lease_until=lease_until,
            leased_by=node,
        )
    )
    claimed, unreadable = _readable(session, chosen)
    if unreadable:
        put_off(session, unreadable, now)
    session.insert(
        attempts,
        [
            {"delivery": one.delivery.id, "number": one.attempt, "started_at": now, "node": node, "state": "sending"}
            for one in claimed
        ],
    )
    return claimed


def _choose(session: Session, due: Select[Any], limit: int, places: Places) -> list[str]:
    """The first ``limit`` of them for which their destinations have room, in order.

    More are looked at than are taken, and then further down the queue without the destinations that have no room left,
    so that what waits for one destination never hides all the others.
    """
    if places is ANYWHERE:
        return [row.id for row in _locked_rows(session, due.limit(limit))]
    left = dict(places.rooms)
    chosen: list[str] = []
    while len(chosen) < limit:
        full = [one for one, room in left.items() if room <= 0]
        further = due.where(deliveries.c.id.not_in(chosen)) if chosen else due
        if full:
            further = further.where(or_(deliveries.c.destination.is_(None), deliveries.c.destination.not_in(full)))
        looked_at = (limit - len(chosen)) * LOOK_AHEAD
        rows = _locked_rows(session, further.limit(looked_at))
        for row in rows:
            if row.destination is not None:
                room = left.setdefault(row.destination, places.untried)
                if room <= 0:
                    continue
                left[row.destination] = room - 1
            chosen.append(row.id)
            if len(chosen) == limit:
                break
        if len(rows) < looked_at:
            break
    return chosen


def _locked_rows(session: Session, due: Select[Any]) -> Sequence[Row[Any]]:
    return session.connection.execute(due.with_for_update(skip_locked=True, of=deliveries)).all()


def claimable(now: datetime, channels: Collection[str] | None, priorities: Collection[str] | None) -> Any:
    """The ids of deliveries that may be claimed, in order.

    Wanted priorities are a range with holes rather than a list, so that the index also gives the order.
    """
    wanted = [name for name in _URGENCY if priorities is None or name in priorities]
    if not wanted:
        return select(deliveries.c.id, deliveries.c.destination).where(false())
    narrowed = [deliveries.c.priority.between(wanted[0], wanted[-1])]
    holes = [name for name in _URGENCY[_URGENCY.index(wanted[0]) : _URGENCY.index(wanted[-1])] if name not in wanted]
    if holes:
        narrowed.append(deliveries.c.priority.not_in(holes))
    if channels is not None:
        narrowed.append(deliveries.c.channel.in_(channels))
    return (
        select(deliveries.c.id, deliveries.c.destination)
        .where(DUE, deliveries.c.due_at <= now, *narrowed, ~behind_the_first(now), ~in_line(now), ~pointless())
        .order_by(deliveries.c.priority, deliveries.c.rank, deliveries.c.due_at, deliveries.c.id)
    )


def close_expired_leases(session: Session, now: datetime) -> None:
    """A lease that ran out: its attempt may have sent, which is said; the delivery falls due again."""
    _close(session, now, deliveries.c.lease_until <= now)


def close_all_leases(session: Session, now: datetime) -> None:
    """The same for every lease, where its holder is known to be dead: at the start of a ledger's only process."""
    _close(session, now, true())


def _close(session: Session, now: datetime, which: ColumnElement[bool]) -> None:
    expired = session.connection.execute(
        select(deliveries.c.id).where(LEASED, which).with_for_update(skip_locked=True, of=deliveries)
    )
    ids = list(expired.scalars())
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


def _readable(session: Session, chosen: Sequence[str]) -> tuple[list[ClaimedDelivery], dict[str, str]]:
    """What was claimed, without those that cannot be opened, and why each of these cannot."""
    try:
        return composable(session, chosen), {}
    except UNREADABLE:
        found: list[ClaimedDelivery] = []
        unreadable: dict[str, str] = {}
        for one in chosen:
            try:
                found += composable(session, [one])
            except UNREADABLE as error:
                unreadable[one] = type(error).__name__
        return found, unreadable


def composable(session: Session, chosen: Sequence[str]) -> list[ClaimedDelivery]:
    """These deliveries, with all that composing them needs, in this order."""
    place = {one: number for number, one in enumerate(chosen)}
    rows = sorted(
        session.connection.execute(select(deliveries).where(deliveries.c.id.in_(chosen))), key=lambda row: place[row.id]
    )
    notice_rows = session.connection.execute(select(notices).where(notices.c.id.in_({row.notice for row in rows})))
    by_notice = {row.id: notice(session, row) for row in notice_rows}
    taken = _decisions(session, {one.decision for one in by_notice.values()})
    wanted = {(one.episode, one.revision) for one in by_notice.values()}
    before = {
        (one.episode, one.revision - 1) for one in by_notice.values() if one.kind == "update" and one.revision > 1
    }
    docs = facts(session, list(wanted | before))
    beside = _content_ways(session, {row.notice for row in rows if row.carries == "alert"})
    claimed = []
    for row in rows:
        about = by_notice[row.notice]
        claimed.append(
            ClaimedDelivery(
                delivery=delivery(session, row),
                attempt=row.attempts,
                notice=about,
                decision=taken[about.decision],
                child=row.child,
                doc=docs.get((about.episode, about.revision), {}),
                previous=docs.get((about.episode, about.revision - 1)) if about.kind == "update" else None,
                beside=tuple(one for one in beside if one.notice == row.notice) if row.carries == "alert" else (),
            )
        )
    return claimed


def _content_ways(session: Session, of: set[str]) -> list[DeliveryRecord]:
    """The ways by which the content of these notices goes, or has gone."""
    if not of:
        return []
    rows = session.connection.execute(
        select(deliveries)
        .where(
            deliveries.c.notice.in_(of), deliveries.c.carries == "content", deliveries.c.state.in_(UNDER_WAY_OR_SENT)
        )
        .order_by(deliveries.c.id)
    )
    return [delivery(session, row) for row in rows]


def _decisions(session: Session, wanted: set[str]) -> dict[str, Decision]:
    rows = session.connection.execute(select(decisions).where(decisions.c.id.in_(wanted)))
    return {
        row.id: decision_from_bytes(session.open(row.child, row.decision, decisions, "decision", row.id))
        for row in rows
    }


def standings(session: Session, wanted: Sequence[str]) -> Sequence[Standing]:
    """How deliveries stand. In a writing transaction the rows stay locked, so that it holds until what follows from it
    is written: deliveries first, then notices, as everywhere."""
    about = select(deliveries).where(deliveries.c.id.in_(wanted)).order_by(deliveries.c.id)
    rows = session.connection.execute(_locked(session, about)).all()
    notice_ids = {row.notice for row in rows}
    states = select(notices.c.id, notices.c.state).where(notices.c.id.in_(notice_ids)).order_by(notices.c.id)
    notice_states = {row.id: row.state for row in session.connection.execute(_locked(session, states))}
    tries: dict[str, list[AttemptRecord]] = {row.id: [] for row in rows}
    for row in session.connection.execute(
        select(attempts).where(attempts.c.delivery.in_(tries)).order_by(attempts.c.delivery, attempts.c.number)
    ):
        tries[row.delivery].append(AttemptRecord(**row._mapping))
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


def _locked(session: Session, statement: Select[Any]) -> Select[Any]:
    return statement if session.read_only else statement.with_for_update()


def finish(session: Session, results: Sequence[DeliveryResult], node: str) -> Sequence[str]:
    """Record results; the ids of deliveries whose lease ``node`` no longer holds, which change only their attempt."""
    if not results:
        return []
    rows = session.connection.execute(
        select(deliveries)
        .where(deliveries.c.id.in_({one.delivery for one in results}))
        .order_by(deliveries.c.id)
        .with_for_update(of=deliveries)
    )
    present = {row.id: row for row in rows}
    session.put(attempts, [attempt_row(one.attempt) for one in results])
    held = [one for one in results if _holds(present.get(one.delivery), one, node)]
    _settle(session, held, present)
    _move_notices(session, held, present)
    for one in held:
        for alarm in one.alarms:
            raise_alarm(session, alarm)
        if one.closed is not None:
            close_endpoint(session, one.closed)
    write_audit(session, [line for one in results for line in one.audit])
    for result in results:
        if result.receipt is not None:
            add_receipt(session, result.receipt)
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
    if not rows:
        return
    session.connection.execute(
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
        ),
        rows,
    )


def _move_notices(session: Session, held: Sequence[DeliveryResult], present: Mapping[str, Row[Any]]) -> None:
    """Where a notice goes is decided by hub/core/states.py, on standings read under lock in this transaction."""
    moves = [
        {"moved": present[one.delivery].notice, "new_state": one.notice_state, "new_state_at": _ended(one.attempt)}
        for one in held
        if one.notice_state is not None
    ]
    if moves:
        session.connection.execute(
            update(notices)
            .where(notices.c.id == bindparam("moved"))
            .values(state=bindparam("new_state"), state_at=bindparam("new_state_at")),
            moves,
        )
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


def withdraw(session: Session, notice_id: str) -> None:
    """Send nothing more of a notice: what is due is cancelled, what a worker has in hand ends with that attempt."""
    session.connection.execute(
        update(deliveries).where(DUE, deliveries.c.notice == notice_id).values(state="cancelled")
    )
    session.connection.execute(
        update(deliveries).where(LEASED, deliveries.c.notice == notice_id).values(withdrawn=True)
    )
