"""The audit chain: lines that wait are numbered and linked, in small bites; what is linked is read by number."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Integer,
    Row,
    Text,
    bindparam,
    func,
    literal,
    select,
    text,
    tuple_,
    type_coerce,
    update,
)
from sqlalchemy.types import TypeEngine

from hub.core.audit import GENESIS, Head, LinkedLine, Unreadable, line_digest, link_of, odd_digest
from hub.core.checkpoints import Checkpoint
from hub.core.records import AuditLine
from hub.service.audit.ports import ListedLine, Span, Wanted
from hub.store.audit_tables import audit_checkpoints, audit_places
from hub.store.many import write_many
from hub.store.session import Run, Session
from hub.store.tables import audit
from hub.store.types import from_micros

UNLINKED: Final = text("audit.number IS NULL")
LINKED: Final = text("audit.number IS NOT NULL")
"""Written out rather than bound: a partial index is only considered for the very condition it was made with."""
AT: Final = type_coerce(audit.c.at, BigInteger()).label("at")
EPOCH: Final = from_micros(0)
OLDEST: Final = select(audit.c.id, AT).where(UNLINKED).order_by(audit.c.id).limit(1)
LAST: Final = select(audit.c.number, audit.c.link).where(LINKED).order_by(audit.c.number.desc()).limit(1)
_LATEST: Final = select(AT).where(LINKED).order_by(audit.c.id.desc()).limit(1)
OUT_OF_ORDER: Final = timedelta(hours=1)

_CHAINER: Final = 5065470123771
"""The advisory lock that chainers meet at: it is a chainer's lease, and ends with its transaction or connection."""
_PUT: Final = (
    update(audit)
    .where(audit.c.id == bindparam("line"), audit.c.number.is_(None))
    .values(number=bindparam("place"), link=bindparam("made"))
)
_PLAIN: Final[Mapping[str, TypeEngine[Any]]] = {"at": BigInteger(), "detail": Text()}
_PLACE: Final = ("number", "link")
_AS_IT_STANDS: Final = [
    type_coerce(column, _PLAIN.get(column.name, column.type)).label(column.name) for column in audit.columns
]
_WAITING: Final = (
    select(*_AS_IT_STANDS)
    .where(UNLINKED, audit.c.id >= bindparam("after"))
    .order_by(audit.c.id)
    .limit(bindparam("most", type_=Integer()))
)


class SqlTrail:
    """Implements ``hub.service.audit.ports.Trail``."""

    def __init__(self, run: Run) -> None:
        self._run = run

    async def unlinked_since(self, after: str = "") -> datetime | None:
        return await self._run(_unlinked_since, after)

    async def link(self, limit: int, after: str = "") -> int:
        return await self._run(_link, limit, after)

    async def head(self) -> Head:
        return await self._run(_head)

    async def newest(self) -> datetime | None:
        return await self._run(_newest)

    async def linked(self, after: int, limit: int) -> Sequence[LinkedLine | Unreadable]:
        return await self._run(_linked, after, limit)

    async def numbered(self, to: int) -> int:
        return await self._run(_numbered, to)

    async def lines(self, episode: str) -> Sequence[LinkedLine]:
        return await self._run(_lines, episode)

    async def span(self, first: int, last: int) -> Sequence[Span]:
        return await self._run(_span, first, last)

    async def listed(self, wanted: Wanted, *, before: str | None = None, limit: int = 100) -> Sequence[ListedLine]:
        return await self._run(_listed, wanted, before, limit)

    async def checkpoint(self) -> Checkpoint | None:
        return await self._run(_checkpoint)

    async def checkpoints(self, around: int) -> Sequence[Checkpoint]:
        return await self._run(_checkpoints, around)

    async def checkpoints_after(self, number: int, limit: int) -> Sequence[Checkpoint]:
        return await self._run(_checkpoints_after, number, limit)

    async def add_checkpoint(self, checkpoint: Checkpoint) -> bool:
        return await self._run(_add_checkpoint, checkpoint)

    async def sent_to(self, place: str) -> int:
        return await self._run(_sent_to, place)

    async def now_sent_to(self, place: str, number: int) -> None:
        await self._run(_now_sent_to, place, number)


# the chain


def _unlinked_since(session: Session, after: str) -> datetime | None:
    row = session.connection.execute(OLDEST.where(audit.c.id >= after)).one_or_none()
    return None if row is None else _instant(row.at) or EPOCH


def _link(session: Session, limit: int, after: str) -> int:
    if session.postgresql:
        session.connection.execute(select(func.pg_advisory_xact_lock(_CHAINER)))
    # Read after the lock: whoever held it has committed, and its lines are the end of the chain now. By id, which
    # begins with the time; a line whose transaction commits late is simply linked later.
    rows = session.connection.execute(_WAITING, {"after": after, "most": limit}).all()
    if not rows:
        return 0
    head, links = _head(session), []
    for row in rows:
        _, digest = _digested(row)
        head = Head(number=head.number + 1, link=link_of(head.number + 1, head.link, digest))
        links.append({"line": row.id, "place": head.number, "made": head.link})
    write_many(session.connection, _PUT, links)
    return len(links)


def _head(session: Session) -> Head:
    row = session.connection.execute(LAST).one_or_none()
    return Head() if row is None else Head(number=row.number, link=bytes(row.link))


def _newest(session: Session) -> datetime | None:
    row = session.connection.execute(LAST.with_only_columns(AT)).one_or_none()
    return None if row is None or _linking_the_old(session) else _instant(row.at)


def _linking_the_old(session: Session) -> bool:
    """Whether lines of long before others that are linked wait yet, as after an upgrade: the last link is then one of
    theirs. What is merely committed late is so by seconds."""
    waiting = _unlinked_since(session, "")
    if waiting is None:
        return False
    row = session.connection.execute(_LATEST).one_or_none()
    latest = None if row is None else _instant(row.at)
    return latest is not None and latest - waiting > OUT_OF_ORDER


def _instant(micros: Any) -> datetime | None:
    """None for what is no instant: SQLite keeps in a column whatever it is given."""
    try:
        return from_micros(micros)
    except (TypeError, ValueError, OverflowError):
        return None


def _linked(session: Session, after: int, limit: int) -> Sequence[LinkedLine | Unreadable]:
    found = select(*_AS_IT_STANDS).where(LINKED, audit.c.number > after).order_by(audit.c.number).limit(limit)
    return [_read(row) for row in session.connection.execute(found)]


def _numbered(session: Session, to: int) -> int:
    found = select(func.count()).select_from(audit).where(LINKED, audit.c.number <= to)
    return session.connection.execute(found).scalar_one()


def _lines(session: Session, episode: str) -> Sequence[LinkedLine]:
    found = select(*_AS_IT_STANDS).where(audit.c.episode == episode, LINKED).order_by(audit.c.number)
    lines = list(map(_read, session.connection.execute(found)))
    for one in lines:
        if isinstance(one, Unreadable) and one.link != link_of(one.number, _link_before(session, one), one.digest):
            raise ValueError(f"line {one.number} was changed and cannot be read")
    return [one for one in lines if isinstance(one, LinkedLine)]


def _link_before(session: Session, one: Unreadable) -> bytes:
    found = select(audit.c.link).where(LINKED, audit.c.number == one.number - 1)
    return session.connection.execute(found).scalar_one_or_none() or GENESIS


def _span(session: Session, first: int, last: int) -> Sequence[Span]:
    found = select(*_AS_IT_STANDS).where(LINKED, audit.c.number.between(first, last)).order_by(audit.c.number)
    lines = map(_read, session.connection.execute(found))
    return [Span(number=one.number, link=one.link, digest=one.digest) for one in lines]


def _read(row: Row[Any]) -> LinkedLine | Unreadable:
    """Of a row that somebody may have changed."""
    link = bytes(row.link) if isinstance(row.link, bytes) else b""
    if not isinstance(row.number, int):  # SQLite keeps in a column whatever it is given
        return Unreadable(number=0, id=str(row.id), link=link, digest=b"")
    line, digest = _digested(row)
    if line is None:
        return Unreadable(number=row.number, id=str(row.id), link=link, digest=digest)
    return LinkedLine(number=row.number, line=line, link=link, worked_out=digest)


def _digested(row: Row[Any]) -> tuple[AuditLine | None, bytes]:
    """The values are turned into a line here, where they may fail to."""
    try:
        line = AuditLine(
            id=row.id,
            at=from_micros(row.at),
            actor=row.actor,
            action=row.action,
            organisation=row.organisation,
            episode=row.episode,
            subject=row.subject,
            detail=json.loads(row.detail),
        )
        return line, line_digest(line)
    except (ValueError, TypeError, OverflowError, RecursionError, AttributeError):
        return None, odd_digest({name: value for name, value in row._mapping.items() if name not in _PLACE})


def _listed(session: Session, wanted: Wanted, before: str | None, limit: int) -> Sequence[ListedLine]:
    found = select(*_AS_IT_STANDS).order_by(audit.c.at.desc(), audit.c.id.desc()).limit(limit)
    for column, value in (
        (audit.c.organisation, wanted.organisation),
        (audit.c.episode, wanted.episode),
        (audit.c.actor, wanted.actor),
    ):
        if value is not None:
            found = found.where(column == value)
    if wanted.since is not None:
        found = found.where(audit.c.at >= wanted.since)
    if before is not None:
        at = session.connection.execute(select(audit.c.at).where(audit.c.id == before)).scalar_one_or_none()
        if at is None:
            return []
        found = found.where(tuple_(audit.c.at, audit.c.id) < tuple_(literal(at, audit.c.at.type), literal(before)))
    return [
        ListedLine(number=row.number, line=_digested(row)[0] or _stand_in(row))
        for row in session.connection.execute(found)
    ]


def _stand_in(row: Row[Any]) -> AuditLine:
    """For a row that is no line: that it is there has to be seen, and it hides no other."""
    return AuditLine(id=str(row.id), at=_instant(row.at) or EPOCH, actor=str(row.actor), action="unreadable")


# checkpoints


def _checkpoint(session: Session) -> Checkpoint | None:
    found = select(audit_checkpoints).order_by(audit_checkpoints.c.number.desc()).limit(1)
    return next(map(_made, session.connection.execute(found)), None)


def _checkpoints(session: Session, around: int) -> Sequence[Checkpoint]:
    number = audit_checkpoints.c.number
    before = select(audit_checkpoints).where(number <= around).order_by(number.desc()).limit(1)
    after = select(audit_checkpoints).where(number >= around).order_by(number).limit(1)
    found = {row.number: _made(row) for each in (before, after) for row in session.connection.execute(each)}
    return list(found.values())


def _checkpoints_after(session: Session, number: int, limit: int) -> Sequence[Checkpoint]:
    found = select(audit_checkpoints).where(audit_checkpoints.c.number > number)
    found = found.order_by(audit_checkpoints.c.number).limit(limit)
    return [_made(row) for row in session.connection.execute(found)]


def _add_checkpoint(session: Session, checkpoint: Checkpoint) -> bool:
    row = {
        "number": checkpoint.number,
        "hub": checkpoint.hub,
        "link": checkpoint.link,
        "at": checkpoint.at,
        "key": checkpoint.key,
        "signature": checkpoint.signature,
    }
    return session.insert_new(audit_checkpoints, row, on=("number",))


def _made(row: Row[Any]) -> Checkpoint:
    return Checkpoint(
        hub=row.hub,
        number=row.number,
        link=bytes(row.link),
        at=row.at,
        key=row.key,
        signature=bytes(row.signature),
    )


def _sent_to(session: Session, place: str) -> int:
    found = select(audit_places.c.number).where(audit_places.c.place == place)
    return session.connection.execute(found).scalar_one_or_none() or 0


def _now_sent_to(session: Session, place: str, number: int) -> None:
    session.put(audit_places, [{"place": place, "number": number}])
