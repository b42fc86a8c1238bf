"""Statements of records in the lines of the audit log, made of the rows themselves as they are written and read."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import Table

from hub.core.evidence import Stated, salt_of
from hub.core.records import AuditLine
from hub.core.wire_values import instant_text
from hub.service.ports import Unsealable
from hub.store.agreements_tables import agreement_answers, agreements
from hub.store.conversation_tables import message_files, message_readers, messages, threads
from hub.store.episodes import duty_row
from hub.store.failures import KeyErased
from hub.store.hold_tables import police_holds
from hub.store.resolution_tables import resolution_steps
from hub.store.session import Session
from hub.store.tables import (
    acknowledgements,
    attempts,
    decisions,
    deliveries,
    duties,
    events,
    notices,
    receipts,
    register_entries,
    revisions,
)
from hub.store.types import rules_to_json
from routing.decision import Rule

Values = Mapping[str, Any]


def _id(row: Values) -> str:
    return str(row["id"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What of a table's rows is stated. Nothing that changes without a line that states it anew."""

    name: str
    table: Table
    clear: tuple[str, ...]
    sealed: tuple[str, ...] = ()
    place: Callable[[Values], str] = _id


EVENT: Final = Kind(
    name="event",
    table=events,
    clear=("id", "source", "type", "time", "arrived_at", "episode"),
    sealed=("sender_id", "body", "answer"),
)
REVISION: Final = Kind(
    name="revision",
    table=revisions,
    clear=("episode", "revision"),
    sealed=("doc",),
    place=lambda row: f"{row['episode']}/{row['revision']}",
)
DECISION: Final = Kind(
    name="decision",
    table=decisions,
    clear=("id", "event", "episode", "ordinal", "at", "outcome", "kind", "priority", "roles", "organisation"),
    sealed=("decision",),
)
NOTICE: Final = Kind(
    name="notice",
    table=notices,
    clear=(
        "id", "reference", "decision", "episode", "revision", "kind", "priority", "roles", "organisation", "gap_role",
        "status", "created_at",
    ),
    sealed=("person",),
)  # fmt: skip
DELIVERY: Final = Kind(
    name="delivery",
    table=deliveries,
    clear=("id", "notice", "episode", "channel", "contact", "purpose", "carries", "created_at"),
    sealed=("address",),
)
ATTEMPT: Final = Kind(
    name="attempt",
    table=attempts,
    clear=tuple(column.name for column in attempts.columns),
    place=lambda row: f"{row['delivery']}/{row['number']}",
)
RECEIPT: Final = Kind(
    name="receipt",
    table=receipts,
    clear=("id", "arrived_at", "channel", "kind", "at", "delivery", "attempt", "code", "why"),
    sealed=("raw",),
)
ACKNOWLEDGEMENT: Final = Kind(
    name="acknowledgement",
    table=acknowledgements,
    clear=("id", "notice", "delivery", "at", "answer"),
    sealed=("name", "redirected_to"),
)
DUTY: Final = Kind(
    name="duty",
    table=duties,
    clear=(
        "episode", "code", "occurrence", "ordinal", "owner", "opened_at", "due_at", "state", "closed_at", "closed_by",
        "rules", "detail",
    ),
    sealed=("sealed",),
    place=lambda row: duty_row(row["episode"], row["code"], row["occurrence"], row["ordinal"]),
)  # fmt: skip
REGISTER: Final = Kind(
    name="register",
    table=register_entries,
    clear=("id", "episode", "organisation", "role", "received_at", "remove_at", "removed_at", "removed_by"),
    sealed=("sealed",),
)
THREAD: Final = Kind(name="thread", table=threads, clear=("id", "episode", "opened_at", "opened_by"))
MESSAGE: Final = Kind(
    name="message",
    table=messages,
    clear=(
        "id", "thread", "episode", "organisation", "desk", "actor", "via", "purpose", "whereabouts", "in_reply_to",
        "sent_at",
    ),
    sealed=("author", "text", "signed"),
)  # fmt: skip
READER: Final = Kind(
    name="message_reader",
    table=message_readers,
    clear=("message", "organisation", "desk", "episode", "ordinal", "roles", "because"),
    place=lambda row: f"{row['message']}/{row['organisation']}/{row['desk']}",
)
FILE: Final = Kind(
    name="message_file",
    table=message_files,
    clear=("id", "message", "episode", "ordinal", "media_type", "size"),
    sealed=("data",),
)
HOLD: Final = Kind(
    name="police_hold",
    table=police_holds,
    clear=(
        "id", "episode", "number", "kind", "deed", "organisation", "desk", "role", "actor", "at", "review_at",
    ),
    sealed=("name", "reason"),
)  # fmt: skip
AGREEMENT: Final = Kind(
    name="agreement",
    table=agreements,
    clear=(
        "id", "episode", "thread", "message", "kind", "does_it", "when_at", "deadline", "proposer", "asked", "actor",
        "proposed_at", "replaces",
    ),
)  # fmt: skip
AGREEMENT_ANSWER: Final = Kind(
    name="agreement_answer",
    table=agreement_answers,
    clear=("agreement", "organisation", "desk", "episode", "said", "at", "actor", "message"),
    place=lambda row: f"{row['agreement']}/{row['organisation']}/{row['desk']}",
)
STEP: Final = Kind(
    name="resolution_step",
    table=resolution_steps,
    clear=("id", "resolution", "episode", "number", "at", "kind", "organisation", "notice", "answer", "actor"),
    sealed=("name", "text"),
)
KINDS: Final = (
    EVENT, REVISION, DECISION, NOTICE, DELIVERY, ATTEMPT, RECEIPT, ACKNOWLEDGEMENT, DUTY, REGISTER, THREAD, MESSAGE,
    READER, FILE, HOLD, STEP,
    AGREEMENT, AGREEMENT_ANSWER,
)  # fmt: skip


def stated(session: Session, kind: Kind, row: Values) -> Stated:
    """A row, opened: what is sealed is None where it does not open, and ``erased`` where it is gone for good."""
    place = kind.place(row)
    clear = {name: value if type(value := row[name]) in _PLAIN else _json(value) for name in kind.clear}
    present = [name for name in kind.sealed if row[name] is not None]
    if not present:
        return Stated(kind=kind.name, place=place, clear=clear)
    if not all(row[name] for name in present):
        return Stated(kind=kind.name, place=place, clear=clear, sealed=None, erased=True)
    try:
        sealed = {name: session.open_again(row["child"], row[name], kind.table, name, place) for name in present}
        salt = salt_of(session.salt_key(row["child"]), kind.name, place)
    except KeyErased:
        return Stated(kind=kind.name, place=place, clear=clear, sealed=None, erased=True)
    except Unsealable:  # it was changed or damaged, or its key is lost
        return Stated(kind=kind.name, place=place, clear=clear, sealed=None)
    return Stated(kind=kind.name, place=place, clear=clear, sealed=sealed, salt=salt)


def stating(
    session: Session, lines: Sequence[AuditLine], *rows: tuple[Kind, Sequence[Values]]
) -> tuple[AuditLine, ...]:
    """The lines of one change of one episode with statements of the rows it wrote: each in the line about that row, or
    about what it belongs to, else in the first. Where nothing is written down nothing can be stated."""
    if not lines:
        return ()
    added: list[dict[str, str]] = [{} for _ in lines]
    about: dict[str | None, int] = {}
    for number, line in enumerate(lines):
        about.setdefault(line.subject, number)
    for kind, some in rows:
        for row in some:
            owners = (row.get("id"), row.get("notice"), row.get("delivery"), row.get("message"))
            number = next((about[one] for one in owners if one is not None and one in about), 0)
            one = stated(session, kind, row)
            added[number][one.key] = one.statement
    return tuple(
        replace(line, detail={**line.detail, **more}) if more else line for line, more in zip(lines, added, strict=True)
    )


_PLAIN: Final = frozenset({str, int, bool, type(None)})
_instant_text: Final = lru_cache(maxsize=256)(instant_text)
"""The rows of one change bear the same few instants."""


def _json(value: Any) -> Any:
    if type(value) in _PLAIN:
        return value
    if isinstance(value, datetime):
        return _instant_text(value)
    if isinstance(value, tuple | list):
        return [rules_to_json([one])[0] if isinstance(one, Rule) else _json(one) for one in value]
    if isinstance(value, Mapping):
        return {name: _json(one) for name, one in value.items()}
    return value
