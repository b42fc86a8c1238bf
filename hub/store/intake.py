"""Writing what one event, or one tick of an episode's clock, changes."""

from typing import Any

from sqlalchemy import bindparam, select, update

from hub.core.records import (
    Changes,
    DecisionRecord,
    DeliveryRecord,
    DutyRecord,
    EpisodeRecord,
    EventRecord,
    NoticeRecord,
    RegisterRecord,
)
from hub.service.ports import LostRace
from hub.store import search
from hub.store import statements as said
from hub.store.calling_off import redirect, silence, supersede
from hub.store.codec import decision_to_bytes, detail_to_json, to_bytes
from hub.store.episodes import duty_row, episode_lookup, event_lookup
from hub.store.retention_tables import legal_holds
from hub.store.seeing import raise_alarm, write_audit, write_quarantine
from hub.store.session import Session
from hub.store.statements import Values, stating
from hub.store.tables import (
    children,
    decisions,
    deliveries,
    duties,
    episodes,
    events,
    notices,
    register_entries,
    revisions,
)
from hub.store.types import to_micros
from routing.packs import SEALED_DUTY

_CHILD_OF = select(episodes.c.child).where(episodes.c.id == bindparam("wanted"))
_NOT_ERASED = (
    select(children.c.id)
    .where(children.c.id == bindparam("wanted"), children.c.erasing_at.is_(None))
    .with_for_update(read=True, key_share=True)
)
_NEXT_VERSION = update(episodes).where(
    episodes.c.id == bindparam("wanted"), episodes.c.version == bindparam("expected")
)
_MOVED = update(events).where(events.c.id == bindparam("wanted"))
"""Made once: of a statement that is narrowed down a copy stays for a while, and a body is not to stay with it."""


def save(session: Session, changes: Changes) -> None:
    """Write everything of one change. Raises LostRace if somebody else changed the episode or sent the event first."""
    child = changes.episode.child
    if session.erased(child):  # since the episode was read; run again, the work finds none
        raise LostRace
    event_rows = _write_episode(session, changes.episode, changes.expected_version)
    if changes.event is not None:
        event_rows.append(_write_event(session, changes.event, child))
    facts_rows = [] if changes.doc is None else [_write_facts(session, changes.episode, changes.doc)]
    if changes.applied_events:
        session.connection.execute(update(events).where(events.c.id.in_(changes.applied_events)).values(applied=True))
    if changes.supersede:  # before this change's own notices are there, which it does not overtake
        supersede(session, changes)
    if changes.silenced and changes.expected_version is not None:  # a new episode has told nobody yet
        silence(session, changes)
    if changes.moved:
        redirect(session, changes)
    decision_rows = [_decision_row(session, one, child) for one in changes.decisions]
    session.insert(decisions, decision_rows)
    notice_rows = [_notice_row(session, one, child) for one in changes.notices]
    session.insert(notices, notice_rows)
    organisations = {one.id: one.organisation for one in changes.notices}
    ways = [delivery_row(session, one, child, organisations.get(one.notice)) for one in changes.deliveries]
    session.insert(deliveries, ways)
    duty_rows = [_duty_row(session, one, child) for one in changes.duties]
    session.put(duties, duty_rows)
    entry_rows = [_entry_row(session, one, child) for one in changes.register]
    session.put(register_entries, entry_rows)
    for alarm in changes.alarms:
        raise_alarm(session, alarm)
    search.write(session, changes)
    write_quarantine(session, changes.quarantine)
    lines = stating(
        session,
        changes.audit,
        (said.EVENT, event_rows),
        (said.REVISION, facts_rows),
        (said.DECISION, decision_rows),
        (said.NOTICE, notice_rows),
        (said.DELIVERY, ways),
        (said.DUTY, duty_rows),
        (said.REGISTER, entry_rows),
    )
    write_audit(session, lines)


def _write_episode(session: Session, record: EpisodeRecord, expected: int | None) -> list[Values]:
    """The events whose place the episode's child takes: they are sealed, and so have to be stated, anew."""
    if expected is not None and record.version <= expected:
        raise ValueError(f"episode {record.id}: version {record.version} must be above the {expected} that was read")
    row = {
        "id": record.id,
        "source": record.source,
        "child": record.child,
        "lookup": episode_lookup(session, record.source, record.ref),
        "ref": session.seal(record.child, record.ref.encode(), episodes, "ref", record.id),
        "organisation": record.organisation,
        "state": record.state,
        "category": record.category,
        "status": record.status,
        "ever_missing": record.ever_missing,
        "since": record.since,
        "ended_at": record.ended_at,
        "revision": record.revision,
        "ended_revision": record.ended_revision,
        "version": record.version,
        "wake_at": record.wake_at,
        "memory": session.seal(record.child, record.memory, episodes, "memory", record.id),
    }
    if expected is None:
        _still_there(session, record.child)
        if not session.insert_new(episodes, row):
            raise LostRace
        return []
    before = session.connection.execute(_CHILD_OF, {"wanted": record.id}).scalar()
    if session.connection.execute(_NEXT_VERSION, {**row, "wanted": record.id, "expected": expected}).rowcount != 1:
        raise LostRace
    if before == record.child:
        return []
    _still_there(session, record.child)
    if before is not None:
        _move_holds(session, before, record.child)
    return _reseal_events(session, record.id, record.child)


def _still_there(session: Session, child: str) -> None:
    """Nothing is sealed for a child whose key is about to go: the event is taken again, for the child as a new one.
    Episodes that are there already have their version raised where an erasure begins."""
    if session.connection.execute(_NOT_ERASED, {"wanted": child}).scalar() is None:
        raise LostRace


def _reseal_events(session: Session, episode: str, child: str) -> list[Values]:
    """Events kept before the report named the child move under the child's key, so that erasing it takes them along."""
    sealed = ("sender_id", "body", "answer")
    moved: list[Values] = []
    for row in session.connection.execute(select(events).where(events.c.episode == episode, events.c.child != child)):
        values: dict[str, Any] = {"child": child}
        for column in sealed:
            plain = session.open(row.child, getattr(row, column), events, column, row.id)
            values[column] = session.seal(child, plain, events, column, row.id)
        session.connection.execute(_MOVED, {**values, "wanted": row.id})
        moved.append({**row._mapping, **values})
    return moved


def _move_holds(session: Session, stand_in: str, child: str) -> None:
    """A legal hold that was put on the episode while its report was awaited is one on the child whom that names: on the
    stand-in it would keep nothing. A stand-in is that of one episode."""
    for row in session.connection.execute(select(legal_holds).where(legal_holds.c.child == stand_in)).all():
        reason = session.open(stand_in, row.reason, legal_holds, "reason", row.id)
        moved = {"child": child, "reason": session.seal(child, reason, legal_holds, "reason", row.id)}
        session.connection.execute(update(legal_holds).where(legal_holds.c.id == row.id).values(moved))


def _write_event(session: Session, event: EventRecord, child: str) -> Values:
    row = {
        "id": event.id,
        "source": event.source,
        "lookup": event_lookup(session, event.source, event.sender_id),
        "digest": event.digest,
        "type": event.type,
        "time": event.time,
        "arrived_at": event.arrived_at,
        "episode": event.episode,
        "child": child,
        "applied": event.applied,
        "sender_id": session.seal(child, event.sender_id.encode(), events, "sender_id", event.id),
        "body": session.seal(child, event.body, events, "body", event.id),
        "answer": session.seal(child, to_bytes(event.answer), events, "answer", event.id),
    }
    if not session.insert_new(events, row, on=("lookup",)):
        raise LostRace  # run again, the work finds the event and gives its first answer
    return row


def _write_facts(session: Session, record: EpisodeRecord, doc: Any) -> Values:
    place = f"{record.id}/{record.revision}"
    row = {
        "episode": record.id,
        "revision": record.revision,
        "child": record.child,
        "doc": session.seal(record.child, to_bytes(doc), revisions, "doc", place),
    }
    session.insert(revisions, [row])
    return row


def _decision_row(session: Session, record: DecisionRecord, child: str) -> dict[str, Any]:
    taken = record.decision
    organisations = {one.organisation for one in taken.recipients}
    return {
        "id": record.id,
        "event": record.event,
        "episode": record.episode,
        "child": child,
        "ordinal": record.ordinal,
        "at": taken.at,
        "outcome": taken.outcome,
        "kind": taken.kind,
        "priority": taken.priority,
        "roles": taken.roles,
        "organisation": organisations.pop() if len(organisations) == 1 else None,
        "decision": session.seal(child, decision_to_bytes(taken), decisions, "decision", record.id),
    }


def _notice_row(session: Session, record: NoticeRecord, child: str) -> dict[str, Any]:
    return {
        "id": record.id,
        "reference": record.reference,
        "decision": record.decision,
        "episode": record.episode,
        "child": child,
        "revision": record.revision,
        "kind": record.kind,
        "priority": record.priority,
        "roles": record.roles,
        "organisation": record.organisation,
        "person": session.seal_text(child, record.person, notices, "person", record.id),
        "gap_role": record.gap_role,
        "status": record.status,
        "state": record.state,
        "created_at": record.created_at,
        "state_at": record.state_at,
        "urgent": record.urgent,
        "chase_at": record.chase_at,
    }


def delivery_row(session: Session, record: DeliveryRecord, child: str, organisation: str | None) -> dict[str, Any]:
    """A delivery as a row of ``deliveries``."""
    return {
        "id": record.id,
        "notice": record.notice,
        "episode": record.episode,
        "child": child,
        "organisation": organisation,
        "channel": record.channel,
        "contact": record.contact,
        "address": session.seal(child, record.address.encode(), deliveries, "address", record.id),
        "priority": record.priority,
        "cause_group": record.group,
        "rank": record.rank,
        "state": record.state,
        "due_at": record.due_at,
        "attempts": record.attempts,
        "tried": False,
        "withdrawn": False,
        "leased_at": None,
        "lease_until": record.lease_until,
        "leased_by": record.leased_by,
        "token_digest": record.token_digest,
        "created_at": record.created_at,
        "purpose": record.purpose,
        "carries": record.carries,
        "line": record.line or None,
        "jumps": record.jumps,
        "destination": record.destination or None,
        "receipt_digest": record.receipt_digest,
        "redriven_after": record.redriven_after,
        "reply_digest": record.reply_digest,
        "pickup_digest": record.pickup_digest,
    }


def _duty_row(session: Session, record: DutyRecord, child: str) -> dict[str, Any]:
    row: dict[str, Any] = {
        "episode": record.episode,
        "code": record.code,
        "occurrence": record.occurrence,
        "ordinal": record.ordinal,
        "child": child,
        "owner": record.owner,
        "opened_at": record.opened_at,
        "due_at": record.due_at,
        "state": record.state,
        "closed_at": record.closed_at,
        "closed_by": record.closed_by,
        "rules": record.rules,
        "detail": detail_to_json(record.detail),
        "sealed": None,
    }
    hidden: dict[str, Any] = {}
    if record.code == SEALED_DUTY:  # its date is a birthday: due, closed and noted under seal
        hidden |= {"due_at": to_micros(record.due_at), "detail": row["detail"]}
        row |= {"due_at": None, "detail": None}
        if record.closed_at is not None:
            hidden["closed_at"] = to_micros(record.closed_at)
            row["closed_at"] = None
    if _is_personal(record.closed_by):
        hidden["closed_by"] = record.closed_by
        row["closed_by"] = None
    if hidden:
        place = duty_row(record.episode, record.code, record.occurrence, record.ordinal)
        row["sealed"] = session.seal(child, to_bytes(hidden), duties, "sealed", place)
    return row


def _entry_row(session: Session, record: RegisterRecord, child: str) -> dict[str, Any]:
    hidden = record.removed_by if _is_personal(record.removed_by) else None
    return {
        "id": record.id,
        "episode": record.episode,
        "child": child,
        "organisation": record.organisation,
        "role": record.role,
        "received_at": record.received_at,
        "remove_at": record.remove_at,
        "removed_at": record.removed_at,
        "removed_by": record.removed_by if hidden is None else None,
        "sealed": session.seal_text(child, hidden, register_entries, "sealed", record.id),
    }


def _is_personal(cause: str | None) -> bool:
    """``event:ID`` bears the sender's id, which may say anything; ``duty:CODE`` is ours."""
    return cause is not None and not cause.startswith("duty:")


__all__ = ["delivery_row", "save"]
