"""Deliveries that are due, claimed in order and made ready to be composed."""

from collections.abc import Collection, Hashable, Sequence
from datetime import datetime
from typing import Any, get_args

from sqlalchemy import Row, Select, false, or_, select, update

from hub.core.records import ClaimedDelivery, DeliveryRecord
from hub.service.ports import ANYWHERE, Places
from hub.store.codec import decision_from_bytes
from hub.store.delivery_rows import delivery, notice
from hub.store.episodes import facts
from hub.store.leases import close_expired_leases
from hub.store.seeing import DUE, LEASED
from hub.store.session import Session
from hub.store.tables import attempts, decisions, deliveries, notices
from hub.store.unreadable import UNREADABLE, put_off
from hub.store.waiting import behind_the_first, in_line, pointless
from routing.decision import Decision, Priority

LOOK_AHEAD = 4
WAYS_LOOKED_AT = 200

UNDER_WAY_OR_SENT = ("due", "leased", "sent")
"""Of deliveries: neither failed nor called off."""

_URGENCY: tuple[Priority, ...] = get_args(Priority)


def due_ways(session: Session, now: datetime) -> frozenset[tuple[str, Priority]] | None:
    """The channels and priorities of what is due; None where a lease ran out, or too much is due to look at it all.

    A claim of a channel that has nothing costs as much as one that finds something, and most have nothing.
    """
    ran_out = select(deliveries.c.id).where(LEASED, deliveries.c.lease_until <= now).limit(1)
    if session.connection.execute(ran_out).first() is not None:
        return None
    rows = session.connection.execute(ways(now)).all()
    return None if len(rows) == WAYS_LOOKED_AT else frozenset((row.channel, row.priority) for row in rows)


def ways(now: datetime) -> Select[Any]:
    """The channel and priority of each that is due, so many at most."""
    due = select(deliveries.c.channel, deliveries.c.priority).where(DUE, deliveries.c.due_at <= now)
    return due.limit(WAYS_LOOKED_AT)


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
    shared: dict[tuple[str, int], dict[Hashable, Any]] = {one: {} for one in wanted}
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
                shared=shared[about.episode, about.revision],
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
