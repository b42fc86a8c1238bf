"""What is picked up, found by the token of its page, and who asked for it."""

from collections.abc import Sequence

from sqlalchemy import Row, func, select

from hub.core.pickup import Visit
from hub.core.records import ClaimedDelivery
from hub.service.pickup.ports import Held
from hub.store.claiming import composable
from hub.store.pickup_tables import pickup_visits
from hub.store.session import Run, Session
from hub.store.tables import attempts, deliveries


class SqlPickups:
    """Implements ``hub.service.pickup.ports.Pickups`` within one transaction."""

    def __init__(self, run: Run) -> None:
        self._run = run

    async def held(self, token_digest: bytes) -> Held | None:
        return await self._run(held, token_digest)

    async def known(self, token_digest: bytes) -> bool:
        return await self._run(known, token_digest)

    async def sent(self, notice: str, contact: str, channel: str) -> Sequence[ClaimedDelivery]:
        return await self._run(sent, notice, contact, channel)

    async def visits(self, delivery: str) -> Sequence[Visit]:
        return await self._run(visits_of, delivery)

    async def visit(self, browser: bytes) -> Visit | None:
        return await self._run(visit_of, browser)

    async def put(self, visit: Visit) -> None:
        await self._run(put_visit, visit)


def known(session: Session, token_digest: bytes) -> bool:
    """Whether this is the page of any delivery."""
    found = session.connection.execute(select(deliveries.c.id).where(deliveries.c.pickup_digest == token_digest))
    return found.one_or_none() is not None


def held(session: Session, token_digest: bytes) -> Held | None:
    """The delivery whose pick-up page this is, ready to be composed, and when its link went out last."""
    found = session.connection.execute(
        select(deliveries.c.id, deliveries.c.created_at).where(deliveries.c.pickup_digest == token_digest)
    ).one_or_none()
    if found is None:
        return None
    newest = session.connection.execute(
        select(func.max(attempts.c.started_at)).where(attempts.c.delivery == found.id)
    ).scalar()
    claimed: ClaimedDelivery
    (claimed,) = composable(session, [found.id])
    return Held(claimed=claimed, sent_at=newest or found.created_at)


def sent(session: Session, notice: str, contact: str, channel: str) -> Sequence[ClaimedDelivery]:
    """The deliveries of a notice to a contact, or to an address of the event's, by a channel."""
    to = deliveries.c.contact.is_(None) if contact == channel else deliveries.c.contact == contact
    rows = select(deliveries.c.id).where(deliveries.c.notice == notice, deliveries.c.channel == channel, to)
    return composable(session, list(session.connection.execute(rows.order_by(deliveries.c.id)).scalars()))


def visits_of(session: Session, delivery: str) -> Sequence[Visit]:
    """Every visit to a delivery's page that asked for a code, as they came."""
    rows = session.connection.execute(
        select(pickup_visits)
        .where(pickup_visits.c.delivery == delivery)
        .order_by(pickup_visits.c.asked_at, pickup_visits.c.id)
    )
    return [_visit(row) for row in rows]


def visit_of(session: Session, browser: bytes) -> Visit | None:
    """The visit of the browser that bears what has this SHA-256."""
    row = session.connection.execute(select(pickup_visits).where(pickup_visits.c.browser == browser)).one_or_none()
    return None if row is None else _visit(row)


def put_visit(session: Session, visit: Visit) -> None:
    """Write a visit, new or changed."""
    session.put(
        pickup_visits,
        [
            {
                "id": visit.id,
                "delivery": visit.delivery,
                "organisation": visit.organisation,
                "channel": visit.channel,
                "asked_at": visit.asked_at,
                "browser": visit.browser,
                "code": visit.code,
                "tries": visit.tries,
                "failed": visit.failed,
                "opened_at": visit.opened_at,
                "viewed_at": visit.viewed_at,
            }
        ],
    )


def _visit(row: Row[tuple[object, ...]]) -> Visit:
    return Visit(**row._mapping)
