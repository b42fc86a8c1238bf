"""Deliveries that are due, claimed in order and made ready to be composed."""

from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import lru_cache
from typing import Any, get_args

from sqlalchemy import (
    CompoundSelect,
    Connection,
    Integer,
    Select,
    bindparam,
    false,
    literal,
    or_,
    select,
    text,
    union_all,
    update,
)

from contacts.model import CHANNELS
from hub.core.conversation import CAUSE, Message
from hub.core.records import ClaimedDelivery, DeliveryRecord, NoticeRecord
from hub.service.ports import ANYWHERE, Places
from hub.store.codec import decision_from_bytes
from hub.store.conversations import messages_of
from hub.store.delivery_rows import delivery, notice
from hub.store.episodes import facts
from hub.store.hold_rows import holds_of
from hub.store.leases import close_expired_leases
from hub.store.seeing import DUE, LEASED
from hub.store.session import Session
from hub.store.tables import attempts, decisions, deliveries, notices
from hub.store.types import Instant
from hub.store.unreadable import UNREADABLE, put_off
from hub.store.waiting import AT, behind_the_first, in_line, moments, pointless, there_is
from routing.decision import Decision, Priority

LOOK_AHEAD = 4
WAYS_LOOKED_AT = 32
"""Of so many each is looked at; where more are due, each way is asked for by itself."""

UNDER_WAY_OR_SENT = ("due", "leased", "sent")
"""Of deliveries: neither failed nor called off."""

_URGENCY: tuple[Priority, ...] = get_args(Priority)


# Asked with every claim: built once, as building a statement costs more than running it.
_RAN_OUT = (
    select(deliveries.c.id).where(LEASED, deliveries.c.lease_until <= AT).order_by(deliveries.c.lease_until).limit(1)
)
_WAYS = select(deliveries.c.channel, deliveries.c.priority).where(DUE, deliveries.c.due_at <= AT).limit(WAYS_LOOKED_AT)
_UNSORTED, _SORTED = text("SET LOCAL enable_sort = off"), text("SET LOCAL enable_sort = on")
_CHOSEN = deliveries.c.id.in_(bindparam("chosen", expanding=True))
_LEASE = (
    update(deliveries)
    .where(_CHOSEN)
    .values(
        state="leased",
        attempts=deliveries.c.attempts + 1,
        leased_at=bindparam("now"),
        lease_until=bindparam("until"),
        leased_by=bindparam("node"),
    )
)
_ROWS = select(deliveries).where(_CHOSEN)
_NOTICES = select(notices).where(notices.c.id.in_(bindparam("wanted", expanding=True)))
_DECISIONS = select(decisions).where(decisions.c.id.in_(bindparam("wanted", expanding=True)))


def _by_way() -> CompoundSelect[Any]:
    """Each channel and priority of which there is one that is due: a look into the index of claims for each."""
    # Not by the index of what is due, where all that is due on one way would be gone through in search of another.
    is_due = text("deliveries.due_at + 0 <= :now").bindparams(bindparam("now", type_=Instant()))
    return union_all(
        *(
            select(literal(channel).label("channel"), literal(place).label("place")).where(
                there_is(
                    select(deliveries.c.id)
                    .where(DUE, deliveries.c.channel == channel, deliveries.c.priority == priority, is_due)
                    .order_by(deliveries.c.rank)
                )
            )
            for channel in CHANNELS
            for place, priority in enumerate(_URGENCY)
        )
    )


_EACH_WAY = _by_way()


@contextmanager
def in_order(connection: Connection) -> Iterator[None]:
    """What is due is gone through in its order, and only as far as is claimed.

    PostgreSQL takes it for the few rows that it was when last counted, and would look at all of it, and sort.
    """
    if connection.dialect.name != "postgresql":
        yield
        return
    connection.execute(_UNSORTED)
    yield
    # Where this is not come to, the transaction fails, and the setting with it.
    connection.execute(_SORTED)


def due_ways(session: Session, now: datetime) -> frozenset[tuple[str, Priority]] | None:
    """The channels and priorities of what is due; None where a lease ran out, and it may be anything.

    A claim of a channel that has nothing costs as much as one that finds something, and most have nothing.
    """
    at = {"now": now}
    if session.connection.execute(_RAN_OUT, at).first() is not None:
        return None
    rows = session.connection.execute(_WAYS, at).all()
    if len(rows) < WAYS_LOOKED_AT:
        return frozenset((row.channel, row.priority) for row in rows)
    return frozenset((row.channel, _URGENCY[row.place]) for row in session.connection.execute(_EACH_WAY, at))


def ways(now: datetime) -> Select[Any]:
    """The channel and priority of each that is due, so many at most."""
    return _WAYS.params(now=now)


def each_way(now: datetime) -> CompoundSelect[Any]:
    """The channels and the places of the priorities of all that is due."""
    return _EACH_WAY.params(now=now)


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
    with in_order(session.connection):
        chosen = _choose(session, now, channels, priorities, limit, places)
    if not chosen:
        return []
    leased = {"chosen": chosen, "now": now, "until": lease_until, "node": node}
    session.connection.execute(_LEASE, leased)
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


def _choose(
    session: Session,
    now: datetime,
    channels: Collection[str] | None,
    priorities: Collection[str] | None,
    limit: int,
    places: Places,
) -> list[str]:
    """The first ``limit`` of them for which their destinations have room, in order.

    More are looked at than are taken, and then further down the queue without the destinations that have no room left,
    so that what waits for one destination never hides all the others.
    """
    due = _locked(None if channels is None else tuple(channels), None if priorities is None else tuple(priorities))
    at = moments(now)
    if places is ANYWHERE:
        return [row.id for row in session.connection.execute(due, {**at, "most": limit}).all()]
    left = dict(places.rooms)
    chosen: list[str] = []
    while len(chosen) < limit:
        full = [one for one, room in left.items() if room <= 0]
        further = due.where(deliveries.c.id.not_in(chosen)) if chosen else due
        if full:
            further = further.where(or_(deliveries.c.destination.is_(None), deliveries.c.destination.not_in(full)))
        looked_at = (limit - len(chosen)) * LOOK_AHEAD
        rows = session.connection.execute(further, {**at, "most": looked_at}).all()
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


@lru_cache(maxsize=64)
def _locked(channels: tuple[str, ...] | None, priorities: tuple[str, ...] | None) -> Select[Any]:
    """What a claim asks: of ``most`` at most, those that no other claim has in hand."""
    due = _claimable(channels, priorities).limit(bindparam("most", type_=Integer()))
    return due.with_for_update(skip_locked=True, of=deliveries)


def claimable(now: datetime, channels: Collection[str] | None, priorities: Collection[str] | None) -> Select[Any]:
    """The ids of deliveries that may be claimed, in order."""
    asked = (None if some is None else tuple(some) for some in (channels, priorities))
    return _claimable(*asked).params(**moments(now))


@lru_cache(maxsize=64)
def _claimable(channels: tuple[str, ...] | None, priorities: tuple[str, ...] | None) -> Select[Any]:
    """Wanted priorities are a range with holes rather than a list, so that the index also gives the order."""
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
        .where(DUE, deliveries.c.due_at <= AT, *narrowed, ~behind_the_first(), ~in_line(), ~pointless())
        .order_by(deliveries.c.priority, deliveries.c.rank, deliveries.c.due_at, deliveries.c.id)
    )


def _readable(session: Session, chosen: Sequence[str]) -> tuple[list[ClaimedDelivery], dict[str, str]]:
    """What was claimed, without those that cannot be opened, and why each of these cannot."""
    try:
        return composable(session, chosen, sending=True), {}
    except UNREADABLE:
        found: list[ClaimedDelivery] = []
        unreadable: dict[str, str] = {}
        for one in chosen:
            try:
                found += composable(session, [one], sending=True)
            except UNREADABLE as error:
                unreadable[one] = type(error).__name__
        return found, unreadable


def composable(session: Session, chosen: Sequence[str], *, sending: bool = False) -> list[ClaimedDelivery]:
    """These deliveries, with all that composing them needs, in this order; ``sending``: with the pictures that go with
    what somebody wrote."""
    place = {one: number for number, one in enumerate(chosen)}
    found = session.connection.execute(_ROWS, {"chosen": list(chosen)}).all()
    rows = sorted(found, key=lambda row: place[row.id])
    session.keys.fetch({row.child for row in rows})
    notice_rows = session.connection.execute(_NOTICES, {"wanted": list({row.notice for row in rows})}).all()
    by_notice = {row.id: notice(session, row) for row in notice_rows}
    taken = _decisions(session, {one.decision for one in by_notice.values()})
    wanted = {(one.episode, one.revision) for one in by_notice.values()}
    before = {
        (one.episode, one.revision - 1) for one in by_notice.values() if one.kind == "update" and one.revision > 1
    }
    docs = facts(session, list(wanted | before))
    written = _written(session, taken, by_notice.values(), sending=sending)
    holds = holds_of(session, [episode for episode, _ in wanted])
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
                message=written.get(taken[about.decision].cause),
                holds=holds.get(about.episode, ()),
                shared=shared[about.episode, about.revision],
                claimed_at=row.leased_at if row.state == "leased" else None,
            )
        )
    return claimed


def _written(
    session: Session, taken: Mapping[str, Decision], some: Iterable[NoticeRecord], *, sending: bool
) -> dict[str, Message]:
    """What somebody wrote, by the cause of the decision that tells of it."""
    causes = {taken[one.decision].cause for one in some if one.kind == "conversation"}
    found = messages_of(session, [one.removeprefix(CAUSE) for one in causes], with_data=sending)
    return {f"{CAUSE}{id}": message for id, message in found.items()}


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
    rows = session.connection.execute(_DECISIONS, {"wanted": list(wanted)}).all()
    return {
        row.id: decision_from_bytes(session.open(row.child, row.decision, decisions, "decision", row.id))
        for row in rows
    }
