"""What came back: found by token, key or the provider's reference; stored as it came."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, select, update
from sqlalchemy.sql.elements import ColumnElement

from hub.core.records import DeliveryRecord, NoticeRecord, ReceiptRecord, Received
from hub.store.delivery_rows import attempt_row, delivery, notice
from hub.store.erased import NOTHING
from hub.store.seeing import raise_alarm, write_audit
from hub.store.session import HUB_SCOPE, Session
from hub.store.statements import ATTEMPT, RECEIPT, Values, stating
from hub.store.tables import attempts, deliveries, notices, receipts

Found = tuple[DeliveryRecord, NoticeRecord]


def by_receipt(session: Session, digest: bytes) -> Found | None:
    """The delivery whose receipts come back under the token with this SHA-256."""
    return _found(session, deliveries.c.receipt_digest == digest)


def by_reply(session: Session, digest: bytes) -> Found | None:
    """The delivery whose reply code comes back from its number, the newest if chance has it that there are several."""
    newest = select(deliveries.c.id).where(deliveries.c.reply_digest == digest)
    found = session.connection.execute(newest.order_by(deliveries.c.created_at.desc()).limit(1)).scalar()
    return None if found is None else by_id(session, found)


def by_id(session: Session, wanted: str) -> Found | None:
    """The delivery with this id: the idempotency key that a provider gives back."""
    return _found(session, deliveries.c.id == wanted)


def by_reference(session: Session, channel: str, reference: str) -> Found | None:
    """The delivery whose attempt a provider knows under this reference, the newest if there are several."""
    wanted = (
        select(attempts.c.delivery)
        .join(deliveries, deliveries.c.id == attempts.c.delivery)
        .where(attempts.c.provider_reference == reference, deliveries.c.channel == channel)
        .order_by(attempts.c.started_at.desc())
        .limit(1)
    )
    found = session.connection.execute(wanted).scalar()
    return None if found is None else by_id(session, found)


def _found(session: Session, condition: ColumnElement[bool]) -> Found | None:
    row = session.connection.execute(select(deliveries).where(condition)).one_or_none()
    if row is None or session.erased(row.child):  # what still comes back about an erased child is kept apart
        return None
    about = session.connection.execute(select(notices).where(notices.c.id == row.notice)).one()
    return delivery(session, row), notice(session, about)


def receive(session: Session, received: Received) -> None:
    """Append a receipt that matched, and move what it is about; deliveries before notices, as everywhere."""
    if received.state == "failed":  # only what was sent can come back; a worker may hold it for another try by now
        session.connection.execute(
            update(deliveries)
            .where(deliveries.c.id == received.delivery, deliveries.c.state == "sent")
            .values(state=received.state)
        )
    tries = [] if received.attempt is None else [attempt_row(received.attempt)]
    session.put(attempts, tries)
    about = received.notice
    session.connection.execute(
        update(notices)
        .where(notices.c.id == about.id)
        .values(state=about.state, state_at=about.state_at, chase_at=about.chase_at)
    )
    came = add_receipt(session, received.receipt)
    for alarm in received.alarms:
        raise_alarm(session, alarm)
    write_audit(session, stating(session, received.audit, (ATTEMPT, tries), (RECEIPT, [came])))


def add_receipt(session: Session, record: ReceiptRecord) -> Values:
    """Append it; sealed with the child's key where it is known, else with the hub's. The row."""
    child = HUB_SCOPE
    if record.delivery is not None:
        child = session.connection.execute(
            select(deliveries.c.child).where(deliveries.c.id == record.delivery)
        ).scalar_one()
    row = {
        "id": record.id,
        "arrived_at": record.arrived_at,
        "channel": record.channel,
        "kind": record.kind,
        "at": record.at,
        "delivery": record.delivery,
        "attempt": record.attempt,
        "child": child,
        "code": record.code,
        "why": record.why,
        "raw": NOTHING if session.erased(child) else session.seal(child, record.raw, receipts, "raw", record.id),
    }
    session.insert(receipts, [row])
    return row


def receipts_of(session: Session, delivery_id: str) -> Sequence[ReceiptRecord]:
    """All receipts of a delivery, as they came."""
    rows = session.connection.execute(
        select(receipts).where(receipts.c.delivery == delivery_id).order_by(receipts.c.arrived_at, receipts.c.id)
    )
    return [receipt(session, row) for row in rows]


def receipts_apart(session: Session, since: datetime, limit: int) -> Sequence[ReceiptRecord]:
    """Those that nobody could match since then, oldest first."""
    rows = session.connection.execute(
        select(receipts)
        .where(receipts.c.delivery.is_(None), receipts.c.arrived_at >= since)
        .order_by(receipts.c.arrived_at, receipts.c.id)
        .limit(limit)
    )
    return [receipt(session, row) for row in rows]


def receipt_apart(session: Session, wanted: str) -> ReceiptRecord | None:
    """One of them."""
    found = select(receipts).where(receipts.c.id == wanted, receipts.c.delivery.is_(None))
    row = session.connection.execute(found).one_or_none()
    return None if row is None else receipt(session, row)


def count_apart(session: Session, since: datetime) -> int:
    """How many could not be matched since then."""
    counted = select(func.count()).where(receipts.c.delivery.is_(None), receipts.c.arrived_at >= since)
    return int(session.connection.execute(counted).scalar_one())


def receipt(session: Session, row: Row[Any]) -> ReceiptRecord:
    """A row of ``receipts`` as the services see it."""
    return ReceiptRecord(
        id=row.id,
        arrived_at=row.arrived_at,
        channel=row.channel,
        kind=row.kind,
        at=row.at,
        delivery=row.delivery,
        attempt=row.attempt,
        code=row.code,
        why=row.why,
        raw=session.open(row.child, row.raw, receipts, "raw", row.id, erased=NOTHING),
    )
