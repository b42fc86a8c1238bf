"""What the operator's wall shows, by indexes: ids sort by time, so a day is a range of them. Opens nothing sealed."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import fields

from sqlalchemy import func, select, text

from hub.core.records import DeliveryState
from hub.core.wall import NEWEST, OF_THE_DAY, Figures, Happened, Newest
from hub.service.canary import HUB
from hub.store.session import Session
from hub.store.tables import deliveries, episodes, events

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
