"""Seeing it: alarms, audit lines, quarantine, counts, lists."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, get_args

from sqlalchemy import ColumnElement, Row, Select, Table, and_, func, literal_column, select, text, update

from hub.core.audit import digestible
from hub.core.endings import LIVING
from hub.core.records import (
    AlarmRecord,
    AuditLine,
    NoticeState,
    QuarantineRecord,
)
from hub.store import schema
from hub.store.codec import from_bytes, to_bytes
from hub.store.endings import GOING_ON
from hub.store.erased import NONE_LEFT, NOTHING
from hub.store.session import HUB_SCOPE, Session
from hub.store.tables import alarms, audit, deliveries, episodes, notices, quarantine, readiness
from hub.store.waiting import in_line

DUE = text("deliveries.state = 'due'")
LEASED = text("deliveries.state = 'leased'")
WAITING = text("notices.chase_at IS NOT NULL")
"""Written out rather than bound: a partial index is only considered for the very condition it was made with."""


def write_audit(session: Session, lines: Sequence[AuditLine]) -> None:
    """Append audit lines, unlinked, each as it can be digested."""
    session.insert(
        audit,
        [
            {
                "id": line.id,
                "at": line.at,
                "actor": line.actor,
                "action": line.action,
                "organisation": line.organisation,
                "episode": line.episode,
                "subject": line.subject,
                "detail": dict(line.detail),
            }
            for line in map(digestible, lines)
        ],
    )


def raise_alarm(session: Session, alarm: AlarmRecord) -> bool:
    """Raise it unless an open one of its kind is about the same subject; True if it was raised.

    The subject is the notice, whose alarm it is, and which contact it is about; where there is no notice, the episode,
    owner and reason together.
    """
    row = {
        "id": alarm.id,
        "kind": alarm.kind,
        "owner": alarm.owner,
        "episode": alarm.episode,
        "notice": alarm.notice,
        "subject": _subject(alarm),
        "reason": alarm.reason,
        "raised_at": alarm.raised_at,
        "cleared_at": alarm.cleared_at,
    }
    return session.insert_new(
        alarms,
        row,
        on=(
            "kind",
            "subject",
        ),
        where="cleared_at IS NULL",
    )


def _subject(alarm: AlarmRecord) -> str:
    if alarm.notice is None:
        return f"{alarm.episode or ''}|{alarm.owner}|{alarm.reason}"
    return "|".join((alarm.notice, alarm.owner, *(() if alarm.contact is None else (alarm.contact,))))


def _contact(subject: str) -> str | None:
    """As :func:`_subject` wrote it, of an alarm with a notice."""
    parts = subject.split("|", 2)
    return parts[2] if len(parts) > 2 else None


def add_alarm(session: Session, alarm: AlarmRecord, lines: Sequence[AuditLine]) -> None:
    """Raise it and say so; a second one of the same kind and subject changes nothing."""
    if raise_alarm(session, alarm):
        write_audit(session, lines)


def clear_alarm(session: Session, alarm: str, now: datetime, lines: Sequence[AuditLine]) -> None:
    """Clear an open alarm; one that is cleared already stays as it is."""
    statement = update(alarms).where(alarms.c.id == alarm, alarms.c.cleared_at.is_(None)).values(cleared_at=now)
    if session.connection.execute(statement).rowcount:
        write_audit(session, lines)


def all_alarms(session: Session, open_only: bool) -> Sequence[AlarmRecord]:
    """Alarms as they were raised."""
    statement = select(alarms).order_by(alarms.c.raised_at, alarms.c.id)
    if open_only:
        statement = statement.where(alarms.c.cleared_at.is_(None))
    return [
        AlarmRecord(
            id=row.id,
            kind=row.kind,
            owner=row.owner,
            episode=row.episode,
            notice=row.notice,
            contact=None if row.notice is None else _contact(row.subject),
            reason=row.reason,
            raised_at=row.raised_at,
            cleared_at=row.cleared_at,
        )
        for row in session.connection.execute(statement)
    ]


def write_quarantine(session: Session, records: Sequence[QuarantineRecord]) -> None:
    """Seal bodies and their problems with the hub's key."""
    session.insert(quarantine, [_sealed(session, record) for record in records])


def _sealed(session: Session, record: QuarantineRecord) -> dict[str, Any]:
    said = to_bytes([dict(one) for one in record.problems])
    return {
        "id": record.id,
        "source": record.source,
        "received_at": record.received_at,
        "reason": record.reason,
        "body": session.seal(HUB_SCOPE, record.body, quarantine, "body", record.id),
        "problems": session.seal(HUB_SCOPE, said, quarantine, "problems", record.id),
        "resolved_at": record.resolved_at,
    }


def add_quarantine(session: Session, record: QuarantineRecord, alarm: AlarmRecord, lines: Sequence[AuditLine]) -> None:
    """Keep the body, alarm its owner, say so; one that is kept already stays as it is."""
    if session.insert_new(quarantine, _sealed(session, record), on=("id",)):
        raise_alarm(session, alarm)
        write_audit(session, lines)


def all_quarantine(session: Session, unresolved_only: bool) -> Sequence[QuarantineRecord]:
    """Quarantined bodies as they came."""
    statement = select(quarantine).order_by(quarantine.c.received_at, quarantine.c.id)
    if unresolved_only:
        statement = statement.where(quarantine.c.resolved_at.is_(None))
    return [_quarantined(session, row) for row in session.connection.execute(statement)]


def _quarantined(session: Session, row: Row[Any]) -> QuarantineRecord:
    return QuarantineRecord(
        id=row.id,
        source=row.source,
        received_at=row.received_at,
        reason=row.reason,
        body=session.open(HUB_SCOPE, row.body, quarantine, "body", row.id, erased=NOTHING),
        problems=tuple(
            from_bytes(session.open(HUB_SCOPE, row.problems, quarantine, "problems", row.id, erased=NONE_LEFT))
        ),
        resolved_at=row.resolved_at,
    )


def counts(session: Session, now: datetime, late: datetime) -> dict[str, int]:
    """The figures of health and metrics: of what something is still to happen with, as of the rest there is ever more.
    States nothing is in count 0."""

    def number(table: Table, condition: ColumnElement[bool]) -> int:
        return session.connection.execute(select(func.count()).select_from(table).where(condition)).scalar_one()

    found = {
        "deliveries_due": number(deliveries, and_(DUE, deliveries.c.due_at <= now)),
        "deliveries_late": number(deliveries, and_(DUE, deliveries.c.due_at < late, ~in_line(now))),
        "leases_expired": number(deliveries, and_(LEASED, deliveries.c.lease_until <= now)),
        "episodes_late": number(episodes, episodes.c.wake_at < late),
        "chases_late": number(notices, and_(WAITING, notices.c.chase_at < late)),
        "alarms_open": number(alarms, alarms.c.cleared_at.is_(None)),
        "quarantine_open": number(quarantine, quarantine.c.resolved_at.is_(None)),
        **{f"notices_{state}": 0 for state in get_args(NoticeState)},
        **{f"episodes_{state}": 0 for state in LIVING},
    }
    for name, by_state in WAITING_BY_STATE.items():
        found.update({f"{name}_{row[0]}": row[1] for row in session.connection.execute(by_state)})
    found["notices_pending"] = number(notices, notices.c.state == "pending")
    return found


_STATE: Final[ColumnElement[str]] = literal_column("coalesce(notices.state, '')")
"""Of what has an index SQLite would go through all of that, to have it in order."""
WAITING_BY_STATE: Final[Mapping[str, Select[*tuple[Any, ...]]]] = {
    "notices": select(_STATE, func.count()).select_from(notices).where(WAITING).group_by(_STATE),
    "episodes": select(episodes.c.state, func.count()).where(GOING_ON).group_by(episodes.c.state),
}
"""Notices that the hub looks at again, and episodes that go on."""


def probe(session: Session) -> bool:
    """Write to the one row of ``readiness``; whether the tables are those of this version."""
    statement = update(readiness).where(readiness.c.id == 1).values(probes=readiness.c.probes + 1)
    if not session.connection.execute(statement).rowcount:
        session.insert_new(readiness, {"id": 1, "probes": 1}, on=("id",))
    return schema.is_current(session.connection)
