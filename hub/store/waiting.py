"""Why a delivery that is due is not claimed all the same: conditions on ``deliveries``, for whoever asks."""

from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, and_, bindparam, func, literal_column, or_, select, text

from hub.core.states import NEVER_SENT
from hub.store.tables import deliveries, notices
from hub.store.types import Instant

HEAD_START = timedelta(seconds=5)
"""How long the deliveries of a higher rank wait for a first attempt that is under way. Those of rank 0 are attempted
first (B-01), but a provider that hangs for a minute must not keep the others from being told for that minute."""

IN_ORDER = timedelta(minutes=30)
"""How long a notice waits for an earlier one to the same address that has not gone out. Longer, and telling them out of
order is better than not telling them."""


_other = deliveries.alias("other")
_earlier = deliveries.alias("earlier")
"""Made once: an alias copies every column, and a claim asks some times a second."""


AT: Final = bindparam("now", type_=Instant())
"""For statements that are built once: the moment, and what :func:`moments` gives besides."""
_BEGUN_AFTER: Final = bindparam("begun_after", type_=Instant())
_MADE_AFTER: Final = bindparam("made_after", type_=Instant())
_ONE: Final[ColumnElement[int]] = literal_column("1")
_NONE: Final[ColumnElement[int]] = literal_column("0")


def moments(now: datetime) -> dict[str, datetime]:
    """The parameters of conditions that were made without a moment."""
    return {"now": now, "begun_after": now - HEAD_START, "made_after": now - IN_ORDER}


def behind_the_first(now: datetime | None = None) -> ColumnElement[bool]:
    """One of its group that is to be attempted before it has not been."""
    at, begun_after = (AT, _BEGUN_AFTER) if now is None else (now, now - HEAD_START)
    return there_is(
        select(_other.c.id)
        .where(
            _other.c.cause_group == deliveries.c.cause_group,
            _other.c.rank < deliveries.c.rank,
            text("NOT other.tried AND (other.state = 'due' OR other.state = 'leased')"),
            or_(
                and_(text("other.state = 'due'"), _other.c.due_at <= at),
                and_(text("other.state = 'leased'"), _other.c.leased_at > begun_after),
            ),
        )
        .correlate(deliveries)
        .order_by(_other.c.rank)
    )


def in_line(now: datetime | None = None) -> ColumnElement[bool]:
    """An earlier one to the same address has not gone out."""
    return there_is(
        select(_earlier.c.id)
        .where(
            _earlier.c.line == deliveries.c.line,
            text("(earlier.state = 'due' OR earlier.state = 'leased')"),
            _earlier.c.created_at < deliveries.c.created_at,
            text("NOT deliveries.jumps"),
            deliveries.c.created_at > (_MADE_AFTER if now is None else now - IN_ORDER),
        )
        .correlate(deliveries)
        .order_by(_earlier.c.created_at)
    )


def there_is(some: Select[Any]) -> ColumnElement[bool]:
    """Whether this finds a row, of the index that has them in the order which it asks for.

    Not EXISTS, which PostgreSQL makes a join of: when it last counted, next to nothing was under way, and whichever
    index of that little is as good to it as the right one. With 960 deliveries due a claim of four went through all of
    them eight times, which took fifty times as long. Nor IS NULL, which it takes to be so of next to no row: it would
    sort all that is due, where the first in order are asked for.
    """
    return func.coalesce(some.with_only_columns(_ONE).limit(1).scalar_subquery(), _NONE) == _ONE


def pointless() -> ColumnElement[bool]:
    """Its notice must not be sent (any more): :func:`hub.core.states.may_go_out`."""
    return there_is(
        select(notices.c.id)
        .where(
            notices.c.id == deliveries.c.notice,
            notices.c.state.in_(NEVER_SENT),
            text("NOT (notices.state = 'acknowledged' AND deliveries.purpose = 'silent')"),
        )
        .correlate(deliveries)
    )
