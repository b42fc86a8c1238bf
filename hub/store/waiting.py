"""Why a delivery that is due is not claimed all the same: conditions on ``deliveries``, for whoever asks."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, or_, text

from hub.core.states import NEVER_SENT
from hub.store.tables import deliveries, notices

HEAD_START = timedelta(seconds=5)
"""How long the deliveries of a higher rank wait for a first attempt that is under way. Those of rank 0 are attempted
first (B-01), but a provider that hangs for a minute must not keep the others from being told for that minute."""

IN_ORDER = timedelta(minutes=30)
"""How long a notice waits for an earlier one to the same address that has not gone out. Longer, and telling them out of
order is better than not telling them."""


_other = deliveries.alias("other")
_earlier = deliveries.alias("earlier")
"""Made once: an alias copies every column, and a claim asks some times a second."""


def behind_the_first(now: datetime) -> ColumnElement[bool]:
    """One of its group that is to be attempted before it has not been."""
    return exists().where(
        _other.c.cause_group == deliveries.c.cause_group,
        _other.c.rank < deliveries.c.rank,
        text("NOT other.tried AND (other.state = 'due' OR other.state = 'leased')"),
        or_(
            and_(text("other.state = 'due'"), _other.c.due_at <= now),
            and_(text("other.state = 'leased'"), _other.c.leased_at > now - HEAD_START),
        ),
    )


def in_line(now: datetime) -> ColumnElement[bool]:
    """An earlier one to the same address has not gone out."""
    return exists().where(
        _earlier.c.line == deliveries.c.line,
        text("(earlier.state = 'due' OR earlier.state = 'leased')"),
        _earlier.c.created_at < deliveries.c.created_at,
        text("NOT deliveries.jumps"),
        deliveries.c.created_at > now - IN_ORDER,
    )


def pointless() -> Any:
    """Its notice must not be sent (any more): :func:`hub.core.states.may_go_out`."""
    return exists().where(
        notices.c.id == deliveries.c.notice,
        notices.c.state.in_(NEVER_SENT),
        text("NOT (notices.state = 'acknowledged' AND deliveries.purpose = 'silent')"),
    )
