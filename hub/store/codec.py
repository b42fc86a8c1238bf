"""Values as the bytes that are sealed: JSON, written the same every time, read back as what was written."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from hub.store.types import from_micros, rules_from_json, rules_to_json, to_micros
from routing.decision import Decision, Recipient


def to_bytes(value: Any) -> bytes:
    """Plain JSON (str, int, float, bool, None, lists, mappings). Raises TypeError for anything else."""
    return _JSON.encode(value).encode()


def from_bytes(raw: bytes) -> Any:
    """The inverse of :func:`to_bytes`; tuples come back as lists."""
    return json.loads(raw)


def _mapping(value: object) -> dict[str, Any]:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"cannot be stored as JSON: {type(value).__name__}")


_JSON: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True, default=_mapping)
"""Made once: making it takes as long as using it."""


def detail_to_json(detail: Mapping[str, Any]) -> dict[str, Any]:
    """A duty's notes. Instants become ``{"$at": microseconds}``; all else is numbers, codes and lists of them."""
    return {key: _note(value) for key, value in detail.items()}


def _note(value: Any) -> Any:
    if isinstance(value, datetime):
        return {"$at": to_micros(value)}
    if isinstance(value, list | tuple):
        return [_note(item) for item in value]
    if isinstance(value, Mapping):
        return {key: _note(item) for key, item in value.items()}
    return value


def detail_from_json(stored: Mapping[str, Any]) -> dict[str, Any]:
    """The inverse of :func:`detail_to_json`."""
    return {key: _noted(value) for key, value in stored.items()}


def _noted(value: Any) -> Any:
    if isinstance(value, list):
        return [_noted(item) for item in value]
    if isinstance(value, dict):
        if value.keys() == {"$at"}:
            return from_micros(value["$at"])
        return {key: _noted(item) for key, item in value.items()}
    return value


def decision_to_bytes(decision: Decision) -> bytes:
    """A whole decision, personal parts and all: to be sealed."""
    return to_bytes(
        {
            "at": to_micros(decision.at),
            "cause": decision.cause,
            "outcome": decision.outcome,
            "kind": decision.kind,
            "priority": decision.priority,
            "recipients": [[r.role, r.organisation, r.person] for r in decision.recipients],
            "fields": list(decision.fields),
            "rules": rules_to_json(decision.rules),
            "why": decision.why,
            "changed": list(decision.changed),
            "duty": decision.duty,
            "due_at": None if decision.due_at is None else to_micros(decision.due_at),
            "remove_at": None if decision.remove_at is None else to_micros(decision.remove_at),
            "members": list(decision.members),
            "in_person": list(decision.in_person),
            "gap": decision.gap,
            "first": decision.first,
        }
    )


def decision_from_bytes(raw: bytes) -> Decision:
    """The inverse of :func:`decision_to_bytes`."""
    stored = from_bytes(raw)
    return Decision(
        at=from_micros(stored["at"]),
        cause=stored["cause"],
        outcome=stored["outcome"],
        kind=stored["kind"],
        priority=stored["priority"],
        recipients=tuple(Recipient(role=r[0], organisation=r[1], person=r[2]) for r in stored["recipients"]),
        fields=tuple(stored["fields"]),
        rules=rules_from_json(stored["rules"]),
        why=stored["why"],
        changed=tuple(stored["changed"]),
        duty=stored["duty"],
        due_at=None if stored["due_at"] is None else from_micros(stored["due_at"]),
        remove_at=None if stored["remove_at"] is None else from_micros(stored["remove_at"]),
        members=tuple(stored["members"]),
        in_person=tuple(stored["in_person"]),
        gap=stored["gap"],
        first=stored["first"],
    )
