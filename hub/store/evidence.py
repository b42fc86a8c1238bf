"""All records of an episode as the audit log states them, whether they still open or not."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, select

from hub.core.evidence import Stated
from hub.service.evidence.ports import Subject, Visit
from hub.service.ports import Unsealable
from hub.store import statements
from hub.store.episodes import child_lookups
from hub.store.pickup_tables import pickup_visits
from hub.store.session import Run, Session
from hub.store.statements import KINDS, Kind, stated
from hub.store.tables import acknowledgements, attempts, children, deliveries, episodes, events, notices, receipts
from hub.store.unreadable import key_missing


class SqlEvidence:
    """Implements ``hub.service.evidence.ports.EvidenceUnit``."""

    def __init__(self, run: Run) -> None:
        self._run = run

    async def subject(self, episode: str) -> Subject | None:
        return await self._run(_subject, episode)

    async def records(self, episode: str) -> Sequence[Stated]:
        return await self._run(_records, episode)

    async def visits(self, episode: str) -> Sequence[Visit]:
        return await self._run(_visits, episode)

    async def child(self, source: str, ref: str) -> str | None:
        return await self._run(_child, source, ref)

    async def episodes_of(self, child: str) -> Sequence[str]:
        return await self._run(_episodes_of, child)


def _subject(session: Session, episode: str) -> Subject | None:
    row = session.connection.execute(select(episodes).where(episodes.c.id == episode)).one_or_none()
    if row is None:
        return None
    try:
        ref = session.open(row.child, row.ref, episodes, "ref", row.id).decode() or None
    except Unsealable:
        ref = None
    return Subject(
        id=row.id,
        child=row.child,
        source=row.source,
        organisation=row.organisation,
        state=row.state,
        category=row.category,
        status=row.status,
        since=row.since,
        ended_at=row.ended_at,
        revision=row.revision,
        ref=ref,
    )


def _records(session: Session, episode: str) -> Sequence[Stated]:
    return [one for kind in KINDS for one in _of(session, kind, episode)]


def _of(session: Session, kind: Kind, episode: str) -> Sequence[Stated]:
    order = [kind.table.c[name] for name in _ORDER.get(kind.name, ()) if name in kind.table.c]
    rows = session.connection.execute(
        select(kind.table).where(_about(kind, episode)).order_by(*order, *kind.table.primary_key)
    )
    return [stated(session, kind, dict(row._mapping)) for row in rows]


_ORDER = {
    "event": ("arrived_at",),
    "receipt": ("arrived_at",),
    "acknowledgement": ("at",),
    "duty": ("opened_at",),
    "register": ("received_at",),
}


def _about(kind: Kind, episode: str) -> ColumnElement[bool]:
    ours = select(notices.c.id).where(notices.c.episode == episode)
    ways = select(deliveries.c.id).where(deliveries.c.notice.in_(ours))
    if kind is statements.DELIVERY:  # by their notices, for which there is an index
        return deliveries.c.notice.in_(ours)
    if kind is statements.ATTEMPT:
        return attempts.c.delivery.in_(ways)
    if kind is statements.RECEIPT:
        return receipts.c.delivery.in_(ways)
    if kind is statements.ACKNOWLEDGEMENT:
        return acknowledgements.c.notice.in_(ours)
    condition: ColumnElement[bool] = kind.table.c.episode == episode
    return condition


def _visits(session: Session, episode: str) -> Sequence[Visit]:
    ours = select(notices.c.id).where(notices.c.episode == episode)
    ways = select(deliveries.c.id).where(deliveries.c.notice.in_(ours))
    rows = session.connection.execute(
        select(pickup_visits)
        .where(pickup_visits.c.delivery.in_(ways))
        .order_by(pickup_visits.c.asked_at, pickup_visits.c.id)
    )
    return [
        Visit(
            delivery=row.delivery,
            organisation=row.organisation,
            asked_at=row.asked_at,
            opened_at=row.opened_at,
            viewed_at=row.viewed_at,
        )
        for row in rows
    ]


def _child(session: Session, source: str, ref: str) -> str | None:
    """Where the key of the first is missing, the one that is told of in its place."""
    first: str | None = None
    for lookup in child_lookups(session, source, ref):
        found = session.connection.execute(select(children.c.id).where(children.c.lookup == lookup)).scalar()
        if found is None:
            break
        if not key_missing(session, found):
            return str(found)
        first = first or str(found)
    return first


def _episodes_of(session: Session, child: str) -> Sequence[str]:
    """Also those whose events were about the child before the report said so."""
    by_event = select(events.c.episode).where(events.c.child == child)
    rows = session.connection.execute(
        select(episodes.c.id).where((episodes.c.child == child) | episodes.c.id.in_(by_event)).order_by(episodes.c.id)
    )
    return [str(one) for one in rows.scalars()]
