"""Episodes, their facts, duties, register entries and events: reading them back."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, Select, bindparam, func, or_, select, text, update

from hub.core.events import EpisodeEvent
from hub.core.records import (
    Arrival,
    DecisionRecord,
    DutyRecord,
    EpisodeRecord,
    EpisodeSummary,
    EventRecord,
    RegisterRecord,
    StoredEpisode,
)
from hub.service.ports import Unsealable
from hub.store.codec import decision_from_bytes, detail_from_json, from_bytes
from hub.store.erased import EMPTY, MEMORY, NOTHING, TEXT, decision_left
from hub.store.hold_rows import holds_of
from hub.store.seeing import DUE
from hub.store.session import Session
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
from hub.store.types import from_micros
from hub.store.unreadable import key_missing, tell_missing

# Asked for every event that arrives: built once, as building a statement costs more than running it.
_CHILD = select(children.c.id).where(children.c.lookup == bindparam("wanted"))
_EVENT = select(events).where(events.c.lookup == bindparam("wanted"))
_KEPT = (
    select(events)
    .where(events.c.episode == bindparam("wanted"), text("NOT events.applied"))
    .order_by(events.c.arrived_at, events.c.id)
)
_BY_LOOKUP = select(episodes).where(episodes.c.lookup == bindparam("wanted"))
_BY_ID = select(episodes).where(episodes.c.id == bindparam("wanted"))
_DUTIES = (
    select(duties)
    .where(duties.c.episode == bindparam("wanted"))
    .order_by(duties.c.opened_at, duties.c.code, duties.c.ordinal, duties.c.occurrence)
)
_REGISTER = (
    select(register_entries)
    .where(register_entries.c.episode == bindparam("wanted"))
    .order_by(register_entries.c.received_at, register_entries.c.id)
)
_REVISIONS = select(revisions).where(
    revisions.c.episode.in_(bindparam("episodes", expanding=True)),
    revisions.c.revision.in_(bindparam("revisions", expanding=True)),
)
AWAITED: Final = "awaited\0"
"""Stands for the child of an episode that has not been reported: its key seals what is kept until then."""
MOST_AGAIN: Final = 8
"""Times that the key of one child may go missing."""
_OF_CHILD = (
    select(episodes)
    .where(
        episodes.c.child == bindparam("wanted"), episodes.c.id != bindparam("excluded"), episodes.c.since.is_not(None)
    )
    .order_by(episodes.c.since, episodes.c.id)
)
_DECISIONS = (
    select(decisions).where(decisions.c.episode == bindparam("wanted")).order_by(decisions.c.at, decisions.c.id)
)


def child_id(session: Session, source: str, child_ref: str, now: datetime) -> str:
    """The hub's id for this child of this source; made, with its data key, if it is new. One whose key is missing, as
    after an old backup of the key store, is a new child too: it has to be told of, and nothing is sealed with no key.
    The former is found again first when its key is put back."""
    found = ""
    for lookup in child_lookups(session, source, child_ref):
        there = session.connection.execute(_CHILD, {"wanted": lookup}).scalar()
        if there is None:
            made = session.keys.fresh_child(now)
            if session.insert_new(children, {"id": made, "lookup": lookup, "created_at": now}, on=("lookup",)):
                return made
            return str(session.connection.execute(_CHILD, {"wanted": lookup}).scalar_one())
        found = str(there)
        if not key_missing(session, found):
            break
        tell_missing(session, found, now)
    return found


def child_lookups(session: Session, source: str, child_ref: str) -> Iterator[bytes]:
    """What a child is found by: the first, and where the key of that one is missing, the next."""
    yield session.sealer.keyed_hash("child", source, child_ref)
    for number in range(1, MOST_AGAIN):
        yield session.sealer.keyed_hash("child", source, child_ref, str(number))


def episode_lookup(session: Session, source: str, ref: str) -> bytes:
    """What an episode is found by."""
    return session.sealer.keyed_hash("episode", source, ref)


def event_lookup(session: Session, source: str, sender_id: str) -> bytes:
    """What an event is found by."""
    return session.sealer.keyed_hash("event", source, sender_id)


def event(session: Session, source: str, sender_id: str) -> EventRecord | None:
    """The event accepted under this id, if there was one."""
    row = session.connection.execute(_EVENT, {"wanted": event_lookup(session, source, sender_id)}).one_or_none()
    return None if row is None else _event(session, row)


def arrival(session: Session, source: str, event: EpisodeEvent, now: datetime) -> Arrival:
    """What an event meets. A child not met before is made; that of an episode not reported yet is one of its own."""
    stored, report = episode(session, source, event.ref), event.kind == "episode.reported"
    if report:
        child = child_id(session, source, event.data["child"]["ref"], now)
    elif stored is not None:
        child = stored.record.child
    else:
        child = child_id(session, source, AWAITED + event.ref, now)
    mine = "" if stored is None else stored.record.id
    return Arrival(
        child=child,
        stored=stored,
        kept=kept_events(session, mine) if mine and report else (),
        history=episodes_of_child(session, child, mine),
    )


def kept_events(session: Session, episode: str) -> Sequence[EventRecord]:
    """Events that wait for their report, in order of arrival."""
    return [_event(session, row) for row in session.connection.execute(_KEPT, {"wanted": episode})]


def _event(session: Session, row: Row[Any]) -> EventRecord:
    return EventRecord(
        id=row.id,
        source=row.source,
        sender_id=session.open(row.child, row.sender_id, events, "sender_id", row.id, erased=TEXT).decode(),
        digest=row.digest,
        type=row.type,
        time=row.time,
        arrived_at=row.arrived_at,
        episode=row.episode,
        body=session.open(row.child, row.body, events, "body", row.id, erased=NOTHING),
        answer=from_bytes(session.open(row.child, row.answer, events, "answer", row.id, erased=EMPTY)),
        applied=row.applied,
    )


def episode(session: Session, source: str, ref: str) -> StoredEpisode | None:
    """An episode by the source's own reference."""
    return _stored(session, _BY_LOOKUP, episode_lookup(session, source, ref))


def episode_by_id(session: Session, wanted: str) -> StoredEpisode | None:
    """An episode by the hub's id."""
    return _stored(session, _BY_ID, wanted)


def episode_unread(session: Session, source: str, ref: str) -> tuple[str, str] | None:
    """An episode's id and state, by the source's own reference. Nothing is opened."""
    found = session.connection.execute(_BY_LOOKUP, {"wanted": episode_lookup(session, source, ref)}).one_or_none()
    return None if found is None else (found.id, found.state)


def give_way(session: Session, wanted: str) -> bool:
    """Another episode may take this one's reference from now on, where the key of this one is missing. Events that are
    kept in it are found by its id only."""
    child = session.connection.execute(select(episodes.c.child).where(episodes.c.id == wanted)).scalar()
    try:
        missing = child is not None and key_missing(session, child)
    except Unsealable:  # the key is there, and does not open: what wraps it may come back
        return False
    if missing:
        aside = {"lookup": f"missing|{wanted}".encode(), "version": episodes.c.version + 1, "wake_at": None}
        session.connection.execute(update(episodes).where(episodes.c.id == wanted).values(aside))
    return missing


def _stored(session: Session, statement: Select[Any], wanted: str | bytes) -> StoredEpisode | None:
    row = session.connection.execute(statement, {"wanted": wanted}).one_or_none()
    if row is None:
        return None
    record = _record(session, row)
    told = row.revision and not record.erased
    doc = facts(session, [(row.id, row.revision)]).get((row.id, row.revision), {}) if told else {}
    duty_rows = session.connection.execute(_DUTIES, {"wanted": row.id})
    entry_rows = session.connection.execute(_REGISTER, {"wanted": row.id})
    return StoredEpisode(
        record=record,
        doc=doc,
        duties=tuple(_duty(session, one) for one in duty_rows),
        register=tuple(_entry(session, one) for one in entry_rows),
        holds=holds_of(session, [row.id]).get(row.id, ()),
    )


def facts(session: Session, wanted: Sequence[tuple[str, int]]) -> dict[tuple[str, int], Mapping[str, Any]]:
    """The facts of episodes at revisions, each opened once however many ask for it."""
    found: dict[tuple[str, int], Mapping[str, Any]] = {}
    if not wanted:
        return found
    asked = set(wanted)
    which = {"episodes": list({one for one, _ in asked}), "revisions": list({number for _, number in asked})}
    for row in session.connection.execute(_REVISIONS, which):
        key = (row.episode, row.revision)
        if key in asked:
            found[key] = from_bytes(session.open(row.child, row.doc, revisions, "doc", f"{row.episode}/{row.revision}"))
    return found


def _record(session: Session, row: Row[Any]) -> EpisodeRecord:
    return EpisodeRecord(
        id=row.id,
        source=row.source,
        child=row.child,
        ref=session.open(row.child, row.ref, episodes, "ref", row.id, erased=TEXT).decode(),
        organisation=row.organisation,
        state=row.state,
        category=row.category,
        status=row.status,
        ever_missing=row.ever_missing,
        since=row.since,
        ended_at=row.ended_at,
        revision=row.revision,
        ended_revision=row.ended_revision,
        version=row.version,
        wake_at=row.wake_at,
        memory=session.open(row.child, row.memory, episodes, "memory", row.id, erased=MEMORY),
        erased=session.erased(row.child),
    )


def duty_row(episode: str, code: str, occurrence: int, ordinal: int) -> str:
    """A duty's place in the associated data."""
    return f"{episode}/{code}/{occurrence}/{ordinal}"


def _duty(session: Session, row: Row[Any]) -> DutyRecord:
    hidden: dict[str, Any] = {}
    if row.sealed is not None:
        place = duty_row(row.episode, row.code, row.occurrence, row.ordinal)
        hidden = from_bytes(session.open(row.child, row.sealed, duties, "sealed", place, erased=EMPTY))
    return DutyRecord(
        episode=row.episode,
        code=row.code,
        occurrence=row.occurrence,
        ordinal=row.ordinal,
        owner=row.owner,
        opened_at=row.opened_at,
        due_at=from_micros(hidden["due_at"]) if "due_at" in hidden else row.due_at or row.opened_at,
        state=row.state,
        closed_at=from_micros(hidden["closed_at"]) if "closed_at" in hidden else row.closed_at,
        closed_by=hidden.get("closed_by", row.closed_by),
        rules=row.rules,
        detail=detail_from_json(hidden["detail"] if "detail" in hidden else row.detail or {}),
    )


def _entry(session: Session, row: Row[Any]) -> RegisterRecord:
    removed_by = row.removed_by
    if row.sealed is not None:
        removed_by = session.open(row.child, row.sealed, register_entries, "sealed", row.id, erased=TEXT).decode()
    return RegisterRecord(
        id=row.id,
        episode=row.episode,
        organisation=row.organisation,
        role=row.role,
        received_at=row.received_at,
        remove_at=row.remove_at,
        removed_at=row.removed_at,
        removed_by=removed_by,
    )


ON_IT = text("register_entries.removed_at IS NULL")
TAKEN_OFF = text("register_entries.removed_at IS NOT NULL")
"""Written out rather than bound: each has a partial index."""


def register_of(session: Session, organisation: str, removed: bool, newest: int | None) -> Sequence[RegisterRecord]:
    """What an organisation's register holds, or, if ``removed``, what was taken off it; so many at most, the last
    received. By receipt."""
    wanted = registered(organisation, removed).limit(newest)
    return [_entry(session, row) for row in session.connection.execute(wanted)][::-1]


def registered(organisation: str, removed: bool) -> Select[Any]:
    """The statement of it, the last received first. Of exercises those in which a contact of the organisation takes
    part: what went to the sandbox mailbox alone is on nobody's register, as it is at nobody's desk."""
    column = register_entries.c
    status = select(episodes.c.status).where(episodes.c.id == column.episode).scalar_subquery()
    takes_part = (
        select(func.count())
        .where(
            notices.c.episode == column.episode,
            notices.c.organisation == organisation,
            deliveries.c.notice == notices.c.id,
            deliveries.c.contact.is_not(None),
        )
        .scalar_subquery()
    )
    return (
        select(register_entries)
        .where(column.organisation == organisation, TAKEN_OFF if removed else ON_IT)
        .where(or_(status == "actual", takes_part != 0))
        .order_by(column.received_at.desc(), column.id.desc())
    )


def episodes_of_child(session: Session, child: str, excluding: str) -> Sequence[EpisodeSummary]:
    """The child's reported episodes but one, oldest first; awaited ones have no report and do not count."""
    return [
        EpisodeSummary(
            id=row.id,
            state=row.state,
            ever_missing=row.ever_missing,
            category=row.category,
            status=row.status,
            since=row.since,
        )
        for row in session.connection.execute(_OF_CHILD, {"wanted": child, "excluded": excluding})
    ]


def decisions_of(session: Session, episode: str) -> Sequence[DecisionRecord]:
    """Every decision of an episode, in the order taken (ids sort as they were made)."""
    return [
        DecisionRecord(
            id=row.id,
            event=row.event,
            episode=row.episode,
            ordinal=row.ordinal,
            decision=decision_left(row)
            if session.erased(row.child)
            else decision_from_bytes(session.open(row.child, row.decision, decisions, "decision", row.id)),
        )
        for row in session.connection.execute(_DECISIONS, {"wanted": episode})
    ]


def due(now: datetime, limit: int) -> Select[Any]:
    """Whose time to wake has come, earliest first."""
    return (
        select(episodes.c.id).where(episodes.c.wake_at <= now).order_by(episodes.c.wake_at, episodes.c.id).limit(limit)
    )


def due_episodes(session: Session, now: datetime, limit: int) -> Sequence[str]:
    """Whose time to wake has come, earliest first. Nothing of them is opened."""
    return list(session.connection.execute(due(now, limit)).scalars())


def next_wake(session: Session) -> datetime | None:
    """The earliest instant at which an episode wakes or a delivery falls due."""
    waking = session.connection.execute(
        select(func.min(episodes.c.wake_at)).where(episodes.c.wake_at.is_not(None))
    ).scalar()
    due = session.connection.execute(select(func.min(deliveries.c.due_at)).where(DUE)).scalar()
    return min((at for at in (waking, due) if at is not None), default=None)


def episode_list(session: Session, limit: int) -> Sequence[EpisodeRecord]:
    """The newest episodes, newest first."""
    statement = select(episodes).order_by(episodes.c.id.desc()).limit(limit)
    return [_record(session, row) for row in session.connection.execute(statement)]
