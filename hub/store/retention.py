"""Retention in the ledger: who is kept by what, the steps of an erasure, legal holds, and what is deleted by itself."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Row,
    Select,
    Table,
    TextClause,
    and_,
    delete,
    func,
    literal,
    or_,
    select,
    text,
    update,
)

from hub.core.endings import LIVING
from hub.core.retention import Hold, Kept
from hub.service.retention.ports import Rest
from hub.store import search
from hub.store.accounts_tables import spent, user_links, user_sessions
from hub.store.erased import TEXT
from hub.store.retention_tables import legal_holds
from hub.store.seeing import DUE, LEASED
from hub.store.session import Run, Session
from hub.store.tables import (
    alarms,
    children,
    deliveries,
    duties,
    episodes,
    events,
    notices,
    quarantine,
    receipts,
    register_entries,
)
from hub.store.uploads_tables import directory_uploads

_STANDING: Final = text("legal_holds.lifted_at IS NULL")


class SqlRetention:
    """Implements ``hub.service.retention.ports.RetentionUnit`` within one transaction."""

    def __init__(self, run: Run) -> None:
        self._run = run

    async def children(self, after: str, limit: int) -> Sequence[Kept]:
        return await self._run(_children, after, limit)

    async def child(self, child: str) -> Kept | None:
        return await self._run(_child, child)

    async def child_of(self, episode: str) -> str | None:
        return await self._run(_child_of, episode)

    async def announce(self, child: str, at: datetime | None) -> None:
        await self._run(_announce, child, at)

    async def begin(self, child: str, now: datetime) -> Sequence[str]:
        return await self._run(_begin, child, now)

    async def finish(self, child: str, now: datetime) -> Sequence[str]:
        return await self._run(_finish, child, now)

    async def holds(self, *, lifted: bool = False) -> Sequence[Hold]:
        return await self._run(_holds, lifted)

    async def hold(self, hold: str) -> Hold | None:
        return await self._run(_hold, hold)

    async def add_hold(self, hold: Hold) -> None:
        await self._run(_add_hold, hold)

    async def lift_hold(self, hold: str, at: datetime, by: str) -> bool:
        return await self._run(_lift_hold, hold, at, by)

    async def forget(self, what: Rest, before: datetime, limit: int) -> int:
        return await self._run(_forget, what, before, limit)


# Who is kept by what


def kept() -> Select[Any]:
    """Children with all that keeps them, as a statement without its condition."""
    ours = episodes.c.child == children.c.id
    heard = select(func.max(events.c.arrived_at)).where(events.c.episode == episodes.c.id, ours).correlate(children)
    ended = select(func.max(episodes.c.ended_at)).where(ours)
    owed = and_(duties.c.episode == episodes.c.id, duties.c.state == "overdue", ours)
    overdue = select(func.max(duties.c.due_at)).where(owed).correlate(children)

    def there_is(*conditions: ColumnElement[bool] | TextClause) -> ColumnElement[bool]:
        # Not asked for by EXISTS: for a hundred children PostgreSQL would go through all episodes there are.
        return select(literal(1)).where(*conditions).limit(1).correlate(children).scalar_subquery().is_not(None)

    def any_of(table: Table, condition: ColumnElement[bool]) -> ColumnElement[bool]:
        return there_is(table.c.episode == episodes.c.id, ours, condition)

    return select(
        children,
        select(func.count()).select_from(episodes).where(ours).scalar_subquery().label("episodes"),
        there_is(ours, episodes.c.status == "actual").label("real"),
        there_is(ours, episodes.c.state.in_(LIVING)).label("living"),
        heard.scalar_subquery().label("heard"),
        ended.scalar_subquery().label("ended"),
        any_of(duties, duties.c.state == "open").label("duty"),
        overdue.scalar_subquery().label("overdue"),
        any_of(register_entries, register_entries.c.removed_at.is_(None)).label("registered"),
        any_of(deliveries, and_(LEASED)).label("sending"),
        there_is(legal_holds.c.child == children.c.id, _STANDING).label("held"),
    )


def _read(row: Row[Any]) -> Kept:
    return Kept(
        child=row.id,
        created_at=row.created_at,
        real=bool(row.real),
        episodes=row.episodes,
        last=max((at for at in (row.heard, row.ended, row.overdue) if at is not None), default=None),
        living=bool(row.living),
        duty=bool(row.duty),
        registered=bool(row.registered),
        held=bool(row.held),
        sending=bool(row.sending),
        announced_at=row.announced_at,
        erasing_at=row.erasing_at,
        erased_at=row.erased_at,
    )


def _children(session: Session, after: str, limit: int) -> Sequence[Kept]:
    statement = kept().where(children.c.id > after).order_by(children.c.id).limit(limit)
    return [_read(row) for row in session.connection.execute(statement)]


def _child(session: Session, child: str) -> Kept | None:
    if not session.read_only:
        # Whoever adds an episode of the child, or puts a hold on it, takes this row too; then its episodes, which any
        # other change of one takes first.
        session.connection.execute(select(children.c.id).where(children.c.id == child).with_for_update()).all()
        of_child = select(episodes.c.id).where(episodes.c.child == child).order_by(episodes.c.id)
        session.connection.execute(of_child.with_for_update()).all()
    row = session.connection.execute(kept().where(children.c.id == child)).one_or_none()
    return None if row is None else _read(row)


def _child_of(session: Session, episode: str) -> str | None:
    return session.connection.execute(select(episodes.c.child).where(episodes.c.id == episode)).scalar()


# The steps


def _announce(session: Session, child: str, at: datetime | None) -> None:
    unmade = and_(children.c.id == child, children.c.erasing_at.is_(None))
    session.connection.execute(update(children).where(unmade).values(announced_at=at))


def _begin(session: Session, child: str, now: datetime) -> Sequence[str]:
    unmade = and_(children.c.id == child, children.c.erasing_at.is_(None))
    session.connection.execute(update(children).where(unmade).values(erasing_at=now, lookup=f"erased|{child}".encode()))
    found = _episodes_of(session, child)
    for episode in found:
        # The version is raised: whoever has read the episode before writes nothing about it any more.
        session.connection.execute(
            update(episodes)
            .where(episodes.c.id == episode)
            .values(lookup=f"erased|{episode}".encode(), version=episodes.c.version + 1)
        )
        _settle(session, episode, now)
    return found


def _finish(session: Session, child: str, now: datetime) -> Sequence[str]:
    found = _episodes_of(session, child)
    for episode in found:
        _settle(session, episode, now)
    unmade = and_(children.c.id == child, children.c.erasing_at.is_not(None), children.c.erased_at.is_(None))
    session.connection.execute(update(children).where(unmade).values(erased_at=now))
    return found


def _episodes_of(session: Session, child: str) -> list[str]:
    ours = select(episodes.c.id).where(episodes.c.child == child).order_by(episodes.c.id)
    return list(session.connection.execute(ours).scalars())


def _settle(session: Session, episode: str, now: datetime) -> None:
    """Nothing of it is due, chased or alarmed any more, and nothing that an address or a number was hashed into is
    left. Deliveries before notices, as everywhere."""
    run = session.connection.execute
    run(update(episodes).where(episodes.c.id == episode).values(wake_at=None))
    search.forget(session, episode)
    # Settled deliveries are found by their notices: there are indexes for that, and for those that are not.
    ours = deliveries.c.episode == episode
    run(update(deliveries).where(DUE, ours).values(state="cancelled"))
    run(update(deliveries).where(LEASED, ours).values(withdrawn=True))
    hashed = or_(
        deliveries.c.line.is_not(None),
        deliveries.c.destination.is_not(None),
        deliveries.c.reply_digest.is_not(None),
        deliveries.c.pickup_digest.is_not(None),
    )
    gone = {"line": None, "destination": None, "reply_digest": None, "pickup_digest": None}
    of_episode = deliveries.c.notice.in_(select(notices.c.id).where(notices.c.episode == episode))
    run(update(deliveries).where(of_episode, hashed).values(gone))
    run(update(notices).where(notices.c.episode == episode, notices.c.chase_at.is_not(None)).values(chase_at=None))
    about = or_(
        alarms.c.episode == episode, alarms.c.notice.in_(select(notices.c.id).where(notices.c.episode == episode))
    )
    run(update(alarms).where(alarms.c.cleared_at.is_(None), about).values(cleared_at=now))


# Legal holds


def _holds(session: Session, lifted: bool) -> Sequence[Hold]:
    statement = select(legal_holds).order_by(legal_holds.c.since, legal_holds.c.id)
    if not lifted:
        statement = statement.where(_STANDING)
    return [_one(session, row) for row in session.connection.execute(statement)]


def _hold(session: Session, hold: str) -> Hold | None:
    row = session.connection.execute(select(legal_holds).where(legal_holds.c.id == hold)).one_or_none()
    return None if row is None else _one(session, row)


def _one(session: Session, row: Row[Any]) -> Hold:
    return Hold(
        id=row.id,
        child=row.child,
        code=row.code,
        since=row.since,
        by=row.by,
        reason=session.open(row.child, row.reason, legal_holds, "reason", row.id, erased=TEXT).decode(),
        lifted_at=row.lifted_at,
        lifted_by=row.lifted_by,
    )


def _add_hold(session: Session, hold: Hold) -> None:
    row = {
        "id": hold.id,
        "child": hold.child,
        "code": hold.code,
        "reason": session.seal(hold.child, hold.reason.encode(), legal_holds, "reason", hold.id),
        "since": hold.since,
        "by": hold.by,
        "lifted_at": hold.lifted_at,
        "lifted_by": hold.lifted_by,
    }
    session.insert(legal_holds, [row])


def _lift_hold(session: Session, hold: str, at: datetime, by: str) -> bool:
    standing = update(legal_holds).where(legal_holds.c.id == hold, legal_holds.c.lifted_at.is_(None))
    return bool(session.connection.execute(standing.values(lifted_at=at, lifted_by=by)).rowcount)


# What is deleted by itself


def _forget(session: Session, what: Rest, before: datetime, limit: int) -> int:
    return _FORGET[what](session, before, limit)


def _forget_quarantine(session: Session, before: datetime, limit: int) -> int:
    """The body and what was wrong with it; that there was one, whose and when, stays."""
    old = and_(quarantine.c.received_at < before, quarantine.c.body != b"")
    return _empty(session, quarantine, old, ("body", "problems"), limit)


def _forget_receipts(session: Session, before: datetime, limit: int) -> int:
    """What came back and matched nobody, as it came."""
    old = and_(receipts.c.delivery.is_(None), receipts.c.arrived_at < before, receipts.c.raw != b"")
    return _empty(session, receipts, old, ("raw",), limit)


def _empty(session: Session, table: Table, old: ColumnElement[bool], columns: Sequence[str], limit: int) -> int:
    some = select(table.c.id).where(old).limit(limit)
    found = list(session.connection.execute(some).scalars())
    if found:
        session.connection.execute(update(table).where(table.c.id.in_(found)).values(dict.fromkeys(columns, b"")))
    return len(found)


def _deleting(column: ColumnElement[Any], key: ColumnElement[Any], table: Table) -> Callable[..., int]:
    def forget(session: Session, before: datetime, limit: int) -> int:
        found = list(session.connection.execute(select(key).where(column < before).limit(limit)).scalars())
        if found:
            session.connection.execute(delete(table).where(key.in_(found)))
        return len(found)

    return forget


_FORGET: Final[dict[Rest, Callable[[Session, datetime, int], int]]] = {
    "quarantine": _forget_quarantine,
    "receipts": _forget_receipts,
    "uploads": _deleting(directory_uploads.c.uploaded_at, directory_uploads.c.id, directory_uploads),
    "links": _deleting(user_links.c.expires_at, user_links.c.id, user_links),
    "sessions": _deleting(user_sessions.c.expires_at, user_sessions.c.id, user_sessions),
    "spent": _deleting(spent.c.ends_at, spent.c.digest, spent),
}
