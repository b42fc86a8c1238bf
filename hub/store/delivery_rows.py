"""Notices, deliveries and attempts, between rows and records."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, select

from hub.core.records import AttemptRecord, DeliveryRecord, NoticeRecord
from hub.store.erased import TEXT
from hub.store.session import Session
from hub.store.tables import attempts, deliveries, notices


def notices_of(session: Session, episode: str) -> Sequence[NoticeRecord]:
    """An episode's notices as they were made."""
    rows = session.connection.execute(
        select(notices).where(notices.c.episode == episode).order_by(notices.c.created_at, notices.c.id)
    )
    return [notice(session, row) for row in rows]


def deliveries_of(session: Session, notice_id: str) -> Sequence[DeliveryRecord]:
    """A notice's deliveries, by rank."""
    rows = session.connection.execute(
        select(deliveries).where(deliveries.c.notice == notice_id).order_by(deliveries.c.rank, deliveries.c.id)
    )
    return [delivery(session, row) for row in rows]


def attempts_of(session: Session, delivery_id: str) -> Sequence[AttemptRecord]:
    """A delivery's attempts, by number."""
    rows = session.connection.execute(
        select(attempts).where(attempts.c.delivery == delivery_id).order_by(attempts.c.number)
    )
    return [AttemptRecord(**row._mapping) for row in rows]


def notice(session: Session, row: Row[Any]) -> NoticeRecord:
    """A row of ``notices`` as the services see it."""
    return NoticeRecord(
        id=row.id,
        reference=row.reference,
        decision=row.decision,
        episode=row.episode,
        revision=row.revision,
        kind=row.kind,
        priority=row.priority,
        roles=row.roles,
        organisation=row.organisation,
        person=session.open_text(row.child, row.person, notices, "person", row.id, erased=TEXT),
        gap_role=row.gap_role,
        status=row.status,
        state=row.state,
        created_at=row.created_at,
        state_at=row.state_at,
        urgent=row.urgent,
        chase_at=row.chase_at,
    )


def delivery(session: Session, row: Row[Any]) -> DeliveryRecord:
    """A row of ``deliveries`` as the services see it."""
    return DeliveryRecord(
        id=row.id,
        notice=row.notice,
        episode=row.episode,
        channel=row.channel,
        contact=row.contact,
        address=session.open(row.child, row.address, deliveries, "address", row.id, erased=TEXT).decode(),
        priority=row.priority,
        group=row.cause_group,
        rank=row.rank,
        state=row.state,
        due_at=row.due_at,
        attempts=row.attempts,
        lease_until=row.lease_until,
        leased_by=row.leased_by,
        token_digest=row.token_digest,
        created_at=row.created_at,
        purpose=row.purpose,
        carries=row.carries,
        line=row.line or b"",
        jumps=row.jumps,
        destination=row.destination or b"",
        receipt_digest=row.receipt_digest,
        redriven_after=row.redriven_after,
        reply_digest=row.reply_digest,
        pickup_digest=row.pickup_digest,
    )


def attempt_row(record: AttemptRecord) -> dict[str, Any]:
    """An attempt as a row of ``attempts``."""
    return {
        "delivery": record.delivery,
        "number": record.number,
        "started_at": record.started_at,
        "node": record.node,
        "state": record.state,
        "finished_at": record.finished_at,
        "reason": record.reason,
        "detail": record.detail,
        "provider_reference": record.provider_reference,
        "digest": record.digest,
        "certificate": record.certificate,
        "carried": record.carried,
    }
