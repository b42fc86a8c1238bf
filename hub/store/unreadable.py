"""Deliveries that cannot be opened: put off, with an alarm, so that they stop no other.

A data key that is gone or was never restored, a key-encryption key missing from the settings, a value that was changed:
none of these is mended by trying again at once, and a claim that ended because of one would end every claim.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select, update

from hub.core.records import AlarmRecord
from hub.service.ports import Unsealable
from hub.store.failures import KeyErased, KeyGone
from hub.store.seeing import raise_alarm
from hub.store.session import Session
from hub.store.tables import deliveries

UNREADABLE: Final = (Unsealable, LookupError, ValueError, TypeError)
"""It does not open; or it does, and is not what this version wrote. Never what a database is to blame for."""
PUT_OFF: Final = timedelta(minutes=5)
"""When to look again: a key may be put back."""


def put_off(session: Session, which: Mapping[str, str], now: datetime) -> None:
    """Make these due later, as if they had not been claimed. ``which``: delivery -> the class of the error."""
    ids = list(which)
    session.connection.execute(
        update(deliveries)
        .where(deliveries.c.id.in_(ids))
        .values(
            state="due",
            due_at=now + PUT_OFF,
            attempts=deliveries.c.attempts - 1,
            lease_until=None,
            leased_by=None,
            leased_at=None,
        )
    )
    about = select(deliveries.c.id, deliveries.c.notice, deliveries.c.episode).where(deliveries.c.id.in_(ids))
    for row in session.connection.execute(about):
        raise_alarm(
            session,
            AlarmRecord(
                id=_alarm_id(row.id, now),
                kind="unreadable",
                owner="operator",
                episode=row.episode,
                notice=row.notice,
                reason=which[row.id],
                raised_at=now,
            ),
        )


def key_missing(session: Session, child: str) -> bool:
    """Whether the data key of a child is neither there nor destroyed."""
    try:
        session.keys.key(child)
    except KeyErased:
        return False
    except KeyGone:
        return True
    return False


def tell_missing(session: Session, child: str, now: datetime) -> None:
    """That is an alarm, one for all of them."""
    alarm = AlarmRecord(id=_alarm_id(child, now), kind="unreadable", owner="operator", reason=KeyGone.__name__,
                        raised_at=now)  # fmt: skip
    raise_alarm(session, alarm)


def _alarm_id(delivery: str, now: datetime) -> str:
    """The delivery's own number and the second: the store makes no ids, and this one cannot be there yet."""
    return f"al_{delivery.partition('_')[2]}{int(now.timestamp()):x}"
