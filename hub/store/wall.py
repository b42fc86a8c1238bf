"""The figures of the operator's wall, by indexes: ids sort by time, so a day is a range of them."""

from collections import defaultdict

from sqlalchemy import func, select, text

from hub.core.records import DeliveryState
from hub.core.wall import OF_THE_DAY, Figures
from hub.store.session import Session
from hub.store.tables import deliveries, episodes

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
        channels=dict(channels), episodes={state: count for state, count in session.connection.execute(by_state)}
    )
