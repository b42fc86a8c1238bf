"""What the operator's wall shows, by indexes: ids sort by time, so a day is a range of them. Nothing sealed is
opened but for :func:`carriage`."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import fields

from sqlalchemy import func, select, text

from hub.core.records import AttemptRecord, DeliveryState
from hub.core.wall import NEWEST, OF_THE_DAY, Carriage, Figures, Happened, Newest
from hub.service.canary import HUB
from hub.store.answers import answer
from hub.store.delivery_rows import delivery
from hub.store.receipts import receipt
from hub.store.session import Session
from hub.store.tables import acknowledgements, attempts, deliveries, episodes, events, notices, receipts

_UNDER_WAY = text("(deliveries.state = 'due' OR deliveries.state = 'leased')")


_BY_CHANNEL = select(deliveries.c.channel, deliveries.c.state, func.count()).group_by(
    deliveries.c.channel, deliveries.c.state
)
UNSETTLED = _BY_CHANNEL.where(_UNDER_WAY)


def figures(session: Session, day: str, today: str) -> Figures:
    """``day``: deliveries with an id from there on are of the last day; ``today``: episodes likewise."""
    channels: dict[str, dict[DeliveryState, int]] = defaultdict(dict)
    settled = _BY_CHANNEL.where(deliveries.c.id >= day, deliveries.c.state.in_(OF_THE_DAY))
    for statement in (UNSETTLED, settled):
        for channel, state, count in session.connection.execute(statement):
            channels[channel][state] = count
    real = episodes.c.status == "actual"
    by_state = select(episodes.c.state, func.count()).where(episodes.c.id >= today, real).group_by(episodes.c.state)
    return Figures(
        channels=dict(channels),
        episodes={state: count for state, count in session.connection.execute(by_state)},
        newest=_newest(session),
    )


def _newest(session: Session) -> tuple[Newest, ...]:
    columns = [episodes.c[name.name] for name in fields(Newest)]
    statement = select(*columns).where(episodes.c.source != HUB).order_by(episodes.c.id.desc()).limit(NEWEST)
    return tuple(Newest(**row._mapping) for row in session.connection.execute(statement))


def happened(session: Session, episode: str) -> Sequence[Happened]:
    """The events of an episode by arrival, and nothing of what they said."""
    columns = (events.c.id, events.c.type, events.c.arrived_at, events.c.applied)
    statement = select(*columns).where(events.c.episode == episode).order_by(events.c.arrived_at, events.c.id)
    return [
        Happened(event=row.id, type=row.type, arrived_at=row.arrived_at, applied=row.applied)
        for row in session.connection.execute(statement)
    ]


def carriage(session: Session, episode: str) -> Carriage:
    """All at once: asked for one notice after the other, a circulation to the whole country takes a second."""
    mine = select(notices.c.id).where(notices.c.episode == episode)
    ways = select(deliveries.c.id).where(deliveries.c.notice.in_(mine))
    run = session.connection.execute
    return Carriage(
        deliveries=tuple(
            delivery(session, row)
            for row in run(
                select(deliveries).where(deliveries.c.notice.in_(mine)).order_by(deliveries.c.rank, deliveries.c.id)
            )
        ),
        attempts=tuple(
            AttemptRecord(**row._mapping)
            for row in run(select(attempts).where(attempts.c.delivery.in_(ways)).order_by(attempts.c.number))
        ),
        receipts=tuple(
            receipt(session, row)
            for row in run(
                select(receipts).where(receipts.c.delivery.in_(ways)).order_by(receipts.c.arrived_at, receipts.c.id)
            )
        ),
        answers=tuple(
            answer(session, row)
            for row in run(
                select(acknowledgements)
                .where(acknowledgements.c.notice.in_(mine))
                .order_by(acknowledgements.c.at, acknowledgements.c.id)
            )
        ),
    )
