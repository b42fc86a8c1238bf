"""What named humans answered, found by the token only they were sent."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, select, update

from hub.core.records import AcknowledgementRecord, AlarmRecord, AuditLine, DeliveryRecord, NoticeRecord
from hub.store.deliveries import withdraw
from hub.store.delivery_rows import delivery, notice
from hub.store.erased import TEXT
from hub.store.seeing import raise_alarm, write_audit
from hub.store.session import Session
from hub.store.statements import ACKNOWLEDGEMENT, stating
from hub.store.tables import acknowledgements, deliveries, notices


def delivery_by_token(session: Session, token_digest: bytes) -> tuple[DeliveryRecord, NoticeRecord] | None:
    """The delivery that carried this token, and its notice; None for a child who was erased."""
    row = session.connection.execute(select(deliveries).where(deliveries.c.token_digest == token_digest)).one_or_none()
    if row is None or session.erased(row.child):
        return None
    about = session.connection.execute(select(notices).where(notices.c.id == row.notice)).one()
    return delivery(session, row), notice(session, about)


def acknowledge(
    session: Session,
    record: AcknowledgementRecord,
    about: NoticeRecord,
    alarm: AlarmRecord | None,
    lines: Sequence[AuditLine],
) -> None:
    """Append the answer and move the notice; an accepted one is not sent again by any way."""
    if about.state == "acknowledged":
        withdraw(session, about.id)
    child = session.connection.execute(select(notices.c.child).where(notices.c.id == record.notice)).scalar_one()
    row = {
        "id": record.id,
        "notice": record.notice,
        "delivery": record.delivery,
        "child": child,
        "at": record.at,
        "answer": record.answer,
        "name": session.seal(child, record.name.encode(), acknowledgements, "name", record.id),
        "redirected_to": session.seal_text(child, record.redirected_to, acknowledgements, "redirected_to", record.id),
    }
    session.insert(acknowledgements, [row])
    session.connection.execute(
        update(notices)
        .where(notices.c.id == about.id)
        .values(state=about.state, state_at=about.state_at, chase_at=about.chase_at)
    )
    if alarm is not None:
        raise_alarm(session, alarm)
    write_audit(session, stating(session, lines, (ACKNOWLEDGEMENT, [row])))


def acknowledgements_of(session: Session, notice_id: str) -> Sequence[AcknowledgementRecord]:
    """Every answer to a notice, as they came."""
    rows = session.connection.execute(
        select(acknowledgements)
        .where(acknowledgements.c.notice == notice_id)
        .order_by(acknowledgements.c.at, acknowledgements.c.id)
    )
    return [answer(session, row) for row in rows]


def answer(session: Session, row: Row[Any]) -> AcknowledgementRecord:
    """A row of ``acknowledgements`` as the services see it."""
    return AcknowledgementRecord(
        id=row.id,
        notice=row.notice,
        delivery=row.delivery,
        at=row.at,
        answer=row.answer,
        name=session.open(row.child, row.name, acknowledgements, "name", row.id, erased=TEXT).decode(),
        redirected_to=session.open_text(
            row.child, row.redirected_to, acknowledgements, "redirected_to", row.id, erased=TEXT
        ),
    )
