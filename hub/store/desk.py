"""Notices as they lie at the desks of an organisation. What a reader may see is one condition, which all of it asks."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Select,
    Text,
    and_,
    case,
    exists,
    func,
    not_,
    or_,
    select,
    text,
    type_coerce,
)

from contacts.roles import DESKS, ORGANISATION_OF
from hub.core.completeness import NOT_THE_CASE
from hub.core.desk import NOT_FOR_DESKS, Filed, Sight, Which, best_way
from hub.core.records import ClaimedDelivery, DecisionRecord, NoticeRecord
from hub.core.ulid import first_since
from hub.service.desk.ports import Reader
from hub.store.claiming import composable
from hub.store.delivery_rows import delivery, notice, notices_of
from hub.store.desk_tables import desk_readers
from hub.store.endings import GOING_ON, overtaken
from hub.store.episodes import decisions_of
from hub.store.lists import slices
from hub.store.search import episodes_named
from hub.store.session import Run, Session
from hub.store.tables import acknowledgements, deliveries, episodes, notices, receipts
from hub.store.unreadable import UNREADABLE

_AT_ONCE: Final = 500
"""Notices of which one statement asks whether the reader may see them."""
_NEVER_SHOWN: Final = ("superseded", "withheld", "held")


class SqlDesk:
    """Implements ``hub.service.desk.ports.DeskUnit`` within one transaction."""

    def __init__(self, run: Run) -> None:
        self._run = run

    async def reader(self, user: str) -> Reader | None:
        return await self._run(_reader, user)

    async def put_reader(self, reader: Reader) -> None:
        await self._run(_put_reader, reader)

    async def listed(
        self,
        sight: Sight,
        which: Which,
        *,
        before: str | None = None,
        limit: int = 25,
        current: bool = False,
        whole: bool = True,
        since: datetime | None = None,
    ) -> Sequence[Filed]:
        return await self._run(_listed, sight, which, before, limit, current, whole, since)

    async def named(
        self, sight: Sight, beginnings: Sequence[str], *, before: str | None = None, limit: int = 25
    ) -> tuple[Sequence[Filed], str | None]:
        return await self._run(_named, sight, beginnings, before, limit)

    async def count(self, sight: Sight, which: Which, most: int, *, since: datetime | None = None) -> int:
        return await self._run(_count, sight, which, most, since)

    async def one(self, sight: Sight, notice: str) -> Filed | None:
        return await self._run(_one, sight, notice)

    async def thread(self, sight: Sight, episode: str) -> Sequence[Filed]:
        return await self._run(_thread, sight, episode)

    async def course(self, episode: str) -> tuple[Sequence[NoticeRecord], Sequence[DecisionRecord]]:
        return await self._run(_course, episode)

    async def referenced(self, sight: Sight, reference: str) -> Sequence[Filed]:
        return await self._run(_referenced, sight, reference)


def _reader(session: Session, user: str) -> Reader | None:
    row = session.connection.execute(select(desk_readers).where(desk_readers.c.user == user)).one_or_none()
    if row is None:
        return None
    return Reader(
        user=row.user,
        organisation=row.organisation,
        desks=frozenset(row.desks),
        given_at=row.given_at,
        given_by=row.given_by,
    )


def _put_reader(session: Session, reader: Reader) -> None:
    row = {
        "user": reader.user,
        "organisation": reader.organisation,
        "desks": tuple(sorted(reader.desks)),
        "given_at": reader.given_at,
        "given_by": reader.given_by,
    }
    session.put(desk_readers, [row])


_ROLES: Final = type_coerce(notices.c.roles, Text)
_newer = notices.alias("newer")
_WAYS: Final = and_(deliveries.c.notice == notices.c.id, deliveries.c.purpose != "handover")
# As hub.core.desk.called_off has it of the best way: one that is cancelled is the best only where all others are too.
# Counted and not asked for by EXISTS: PostgreSQL would look through all deliveries there are for the first such notice.
_LEFT: Final = select(func.count()).where(_WAYS, deliveries.c.state != "cancelled").correlate(notices).scalar_subquery()
_CALLED_OFF: Final = and_(notices.c.state == "undeliverable", _LEFT == 0)
_OVER: Final = or_(notices.c.state.in_(_NEVER_SHOWN), _CALLED_OFF, overtaken())
_OPENED: Final = exists().where(_WAYS, receipts.c.delivery == deliveries.c.id, receipts.c.kind == "displayed")
_ANSWER: Final = (
    select(acknowledgements.c.answer)
    .where(acknowledgements.c.notice == notices.c.id)
    .order_by(acknowledgements.c.at.desc(), acknowledgements.c.id.desc())
    .limit(1)
    .scalar_subquery()
)


def _holds(roles: ColumnElement[str], role: str) -> ColumnElement[bool]:
    return roles.contains(f'"{role}"', autoescape=True)


def _desk(roles: ColumnElement[str]) -> ColumnElement[str]:
    """Which desk a notice in these roles is for: they all share one."""
    return case(*((_holds(roles, role), desk) for role, desk in DESKS.items()), else_="")


def _taken_on() -> ColumnElement[bool]:
    """Whether the same desk has accepted newer news of the episode (hub.core.completeness: newer, takes_on). What
    came at the same instant is no newer."""
    # Organisations are compared so that no index serves for it: without statistics a planner would go through all that
    # the organisation was ever told, instead of the few notices of the episode.
    return exists().where(
        _newer.c.episode == notices.c.episode,
        _newer.c.state == "acknowledged",
        or_(
            _newer.c.revision > notices.c.revision,
            and_(_newer.c.revision == notices.c.revision, _newer.c.created_at > notices.c.created_at),
        ),
        _newer.c.kind.in_(NOT_THE_CASE) == notices.c.kind.in_(NOT_THE_CASE),
        func.coalesce(_newer.c.organisation, "") == func.coalesce(notices.c.organisation, ""),
        _newer.c.person.is_(None),
        func.coalesce(_newer.c.gap_role, "") == func.coalesce(notices.c.gap_role, ""),
        _desk(type_coerce(_newer.c.roles, Text)) == _desk(_ROLES),
    )


UNANSWERED: Final = text("notices.state NOT IN ('acknowledged', 'withheld', 'held', 'superseded')")
"""Written out, so that the index of these serves: of a desk that answers everything there is hardly any in it."""
_WAITING: Final = and_(UNANSWERED, not_(_OVER), ~exists().where(acknowledgements.c.notice == notices.c.id))
_CHOSEN: Final[dict[Which, tuple[ColumnElement[bool], ...]]] = {
    "new": (_WAITING, ~_OPENED, ~_taken_on()),
    "unanswered": (_WAITING, ~_taken_on()),
    "all": (),
}


def within(sight: Sight) -> ColumnElement[bool]:
    """What the reader may see: notices to desks of their organisation, never to a person, that were sent to them. Of
    exercises those that a contact takes part in: the others go to the sandbox mailbox alone, which is nobody's desk."""
    ours: ColumnElement[bool] = notices.c.organisation == sight.organisation
    if national := [role for role, code in ORGANISATION_OF.items() if code == sight.organisation]:
        ours = or_(ours, and_(notices.c.organisation.is_(None), or_(*(_holds(_ROLES, role) for role in national))))
    takes_part = or_(notices.c.status == "actual", deliveries.c.contact.is_not(None))
    # Counted, as nearly all of them have one: of EXISTS a planner believes it of few, and would sort them all.
    sent_by = select(func.count()).where(_WAYS, takes_part).correlate(notices).scalar_subquery()
    sent = [ours, notices.c.person.is_(None), notices.c.kind.not_in(NOT_FOR_DESKS), sent_by != 0]
    if sight.every:
        return and_(*sent)
    mine = [and_(notices.c.gap_role.is_(None), _holds(_ROLES, role)) for role in sorted(sight.roles)]
    if sight.gaps:
        mine.append(notices.c.gap_role.is_not(None))
    if sight.contacts:
        mine.append(exists().where(_WAYS, deliveries.c.contact.in_(sorted(sight.contacts))))
    return and_(*sent, or_(*mine)) if mine else and_(notices.c.id.is_(None))


def _filed(sight: Sight) -> Select[Any]:
    return (
        select(
            notices,
            episodes.c.state.label("episode_state"),
            _OVER.label("over"),
            _OPENED.label("opened"),
            _ANSWER.label("answer"),
        )
        .join(episodes, episodes.c.id == notices.c.episode)
        .where(within(sight))
    )


def listing(sight: Sight, which: Which, before: str | None, limit: int, current: bool) -> Select[Any]:
    """The statement of a list."""
    statement = _filed(sight).where(*_CHOSEN[which]).order_by(notices.c.id.desc()).limit(limit)
    if before is not None:
        statement = statement.where(notices.c.id < before)
    return statement.where(not_(_OVER)) if current else statement


def _listed(
    session: Session,
    sight: Sight,
    which: Which,
    before: str | None,
    limit: int,
    current: bool,
    whole: bool,
    since: datetime | None,
) -> Sequence[Filed]:
    statement = listing(sight, which, before, limit, current)
    if since is None:
        return _read(session, sight, statement, whole=whole)
    found = _read(session, sight, statement.where(lately(since)), whole=whole)
    for older in _before(session, sight, since, before) if len(found) < limit else ():
        found += _read(session, sight, statement.where(notices.c.id.in_(older)).limit(limit - len(found)), whole=whole)
        if len(found) == limit:
            break
    return found


def lately(since: datetime) -> ColumnElement[bool]:
    """Made since then: a range of what an organisation was told."""
    return notices.c.id >= first_since("nt", since)


def _before(session: Session, sight: Sight, since: datetime, behind: str | None = None) -> Iterator[list[str]]:
    """What was made earlier, of episodes that go on, the newest first, some at a time. By the episodes, which are few:
    all of them, as what somebody still waits for may be the oldest there is."""
    long = select(episodes.c.id).where(GOING_ON, episodes.c.id < first_since("ep", since))
    made: list[str] = []
    for living in slices(session.connection.execute(long).scalars().all()):
        some = select(notices.c.id).where(
            notices.c.episode.in_(living),
            ~lately(since),
            # So that no index serves for it.
            func.coalesce(notices.c.organisation, sight.organisation) == sight.organisation,
        )
        made += session.connection.execute(some).scalars()
    made.sort(reverse=True)
    return slices([one for one in made if behind is None or one < behind])


def _named(
    session: Session, sight: Sight, beginnings: Sequence[str], before: str | None, limit: int
) -> tuple[Sequence[Filed], str | None]:
    found = episodes_named(session, sight.organisation, beginnings)
    if not found:
        return (), None
    # Two statements: by their episodes the notices are few, and what the reader may see is asked of these alone.
    some = select(notices.c.id).where(notices.c.episode.in_(found)).order_by(notices.c.id.desc()).limit(_AT_ONCE)
    if before is not None:
        some = some.where(notices.c.id < before)
    ids = list(session.connection.execute(some).scalars())
    statement = _filed(sight).where(notices.c.id.in_(ids), not_(_OVER)).order_by(notices.c.id.desc()).limit(limit)
    rows = _read(session, sight, statement, whole=True)
    if len(rows) == limit:
        return rows, rows[-1].notice.id
    return rows, ids[-1] if len(ids) == _AT_ONCE else None


def _count(session: Session, sight: Sight, which: Which, most: int, since: datetime | None) -> int:
    some = counted(sight, which, most)
    if since is None:
        return _number(session, some)
    found = _number(session, some.where(lately(since)))
    for older in _before(session, sight, since) if found < most else ():
        found += _number(session, some.where(notices.c.id.in_(older)).limit(most - found))
        if found == most:
            break
    return found


def counted(sight: Sight, which: Which, most: int) -> Select[Any]:
    """The statement of what is counted."""
    chosen = select(notices.c.id).join(episodes, episodes.c.id == notices.c.episode)
    return chosen.where(within(sight), *_CHOSEN[which]).limit(most)


def _number(session: Session, some: Select[Any]) -> int:
    return session.connection.execute(select(func.count()).select_from(some.subquery())).scalar_one()


def _one(session: Session, sight: Sight, wanted: str) -> Filed | None:
    found = _read(session, sight, _filed(sight).where(notices.c.id == wanted), whole=True, forgiving=False)
    return next(iter(found), None)


def _thread(session: Session, sight: Sight, episode: str) -> Sequence[Filed]:
    statement = _filed(sight).where(notices.c.episode == episode).order_by(notices.c.created_at, notices.c.id)
    return _read(session, sight, statement, whole=False)


def _course(session: Session, episode: str) -> tuple[Sequence[NoticeRecord], Sequence[DecisionRecord]]:
    if session.connection.execute(select(episodes.c.id).where(episodes.c.id == episode)).first() is None:
        return (), ()
    whole = session.judging()
    return notices_of(whole, episode), decisions_of(whole, episode)


def _referenced(session: Session, sight: Sight, reference: str) -> Sequence[Filed]:
    return _read(session, sight, _filed(sight).where(notices.c.reference == reference), whole=True)


def _read(
    session: Session, sight: Sight, statement: Select[Any], *, whole: bool, forgiving: bool = True
) -> list[Filed]:
    rows = session.connection.execute(statement).all()
    shown = [row.id for row in rows if not row.over or not forgiving] if whole else []
    claimed = _claimed(session, sight, shown, forgiving)
    return [
        Filed(
            notice=notice(session, row),
            episode_state=row.episode_state,
            opened=bool(row.opened),
            over=bool(row.over),
            answer=row.answer,
            claimed=claimed.get(row.id),
        )
        for row in rows
    ]


def _claimed(session: Session, sight: Sight, wanted: Sequence[str], forgiving: bool) -> dict[str, ClaimedDelivery]:
    """By notice, the way that its reader is shown. ``forgiving``: what does not open is left out."""
    if not wanted:
        return {}
    statement = select(deliveries).where(deliveries.c.notice.in_(wanted)).order_by(deliveries.c.id)
    ways: dict[str, list[Any]] = {}
    for row in session.connection.execute(statement):
        ways.setdefault(row.notice, []).append(row)
    chosen: list[str] = []
    for rows in ways.values():
        try:
            best = best_way([delivery(session, row) for row in rows], sight)
        except UNREADABLE:
            if not forgiving:
                raise
            continue
        if best is not None:
            chosen.append(best.id)
    return {one.notice.id: one for one in _composable(session, chosen, forgiving)}


def _composable(session: Session, chosen: Sequence[str], forgiving: bool) -> list[ClaimedDelivery]:
    try:
        return composable(session, chosen)
    except UNREADABLE:
        if not forgiving:
            raise
    found: list[ClaimedDelivery] = []
    for one in chosen:
        try:
            found += composable(session, [one])
        except UNREADABLE:
            continue
    return found
