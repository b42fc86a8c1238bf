"""What of a child's own data speaks of somebody else: taken out and put on a list, for a person to decide on.

Whoever asks for what is held about them is given it, but not what it says of others without weighing that (UK GDPR
article 15(4), Data Protection Act 2018 schedule 2 paragraph 16). No program can weigh it. So nothing of the kind is
silently given, and nothing silently left out: a mark stands in its place, and the list says what was there. Pure.
"""

import base64
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from hub.core.evidence import Stated, json_bytes

PERSON: Final = "the details of another person"
WITHHELD: Final = "the details of a person whom notices are withheld from, or who is suspected of abducting the child"
ANSWERED: Final = "the name of somebody who answered for an organisation"
NAMED: Final = "names another person"
FREE_TEXT: Final = "free text, which may speak of others, or harm if it is read"
WROTE: Final = "the name of somebody who wrote for an organisation"
HELD: Final = "why the police asked others to hold back: ask them before it is given to anybody"
PICTURE: Final = "a picture, in base64, which may show others"
AS_IT_CAME: Final = "a report as another system sent it"
UNREADABLE: Final = "could not be read as what it should be"

_OF_A_PERSON: Final = frozenset({"role", "parental_responsibility", "suspected_abductor", "decision", "decided_at"})
"""What of a person in ``people`` names nobody."""
_FREE: Final = frozenset(
    {
        "episode.last_seen.with", "episode.circumstances", "episode.companions", "episode.vehicle",
        "episode.intentions", "episode.initial_checks", "episode.risk.assessed_by", "episode.risk.basis", "found.place",
        "returned.concerns", "by", "note",
    }
)  # fmt: skip
"""Where people write what they like about whom they like (hub/core/wire_models.py), within ``data``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """One thing to decide on. ``where``: every place that it stood in."""

    number: int
    why: str
    value: Any = field(repr=False)
    where: tuple[str, ...]

    @property
    def text(self) -> str:
        """What stands in its place."""
        return f"[to be reviewed: {self.number}]"


class Review:
    """Takes what may be somebody else's out of records, and remembers it. The same value has one number everywhere."""

    def __init__(self, records: Iterable[Stated]) -> None:
        self._marks: dict[tuple[str, str], Mark] = {}
        names: set[str] = set()
        own: set[str] = set()
        for one in records:
            document = _document(one)
            names |= {str(person["name"]) for person in _people(document) if person.get("name")}
            child = document.get("child")
            if isinstance(child, Mapping):
                own |= {str(child.get("name")), *map(str, child.get("other_names") or ())}
        names -= own
        self._named = re.compile("|".join(re.escape(one) for one in sorted(names))) if names else None

    @property
    def marks(self) -> Sequence[Mark]:
        """By number."""
        return sorted(self._marks.values(), key=lambda mark: mark.number)

    def of(self, record: Stated) -> Stated:
        """The record with marks in place of what is to be decided on."""
        if not record.sealed:
            return record
        kept = {column: self._column(record, column, value) for column, value in record.sealed.items()}
        return replace(record, sealed=kept, salt=b"")

    def document(self, value: Any, where: str) -> Any:
        """An event's ``data``, or the facts of an episode."""
        return self._walk(value, where, "")

    def _column(self, record: Stated, column: str, value: bytes) -> bytes:
        where = f"{record.key}/{column}"
        match record.kind, column:
            case "event", "body":
                return self._json(value, where, lambda read: {**read, "data": self.document(read.get("data"), where)})
            case "revision", "doc":
                return self._json(value, where, lambda read: self.document(read, where))
            case "decision", "decision":
                return self._json(value, where, lambda read: self._decision(read, where))
            case "notice", "person":
                return self._text(value, where, PERSON)
            case "delivery", "address":  # of a desk it is an organisation's
                return value if record.clear.get("contact") else self._text(value, where, PERSON)
            case "acknowledgement", _:
                return self._text(value, where, ANSWERED)
            case ("message", "author") | ("resolution_step", "name"):
                return self._text(value, where, WROTE)
            case ("message" | "resolution_step", "text"):
                return self._text(value, where, FREE_TEXT)
            case "police_hold", "name":
                return self._text(value, where, WROTE)
            case "police_hold", "reason":
                return self._text(value, where, HELD)
            case "message_file", _:
                return self._text(base64.b64encode(value), where, PICTURE)
            case ("receipt", _) | ("message", "signed"):
                return self._text(value, where, AS_IT_CAME)
            case _:
                return self._scanned(value.decode("utf-8", "replace"), where).encode()

    def _json(self, value: bytes, where: str, change: Any) -> bytes:
        try:
            read = json.loads(value)
            return json_bytes(change(read))
        except (ValueError, TypeError, AttributeError):
            return self._text(value, where, UNREADABLE)

    def _decision(self, read: dict[str, Any], where: str) -> Any:
        recipients = [[role, code, person and self._mark(person, where, PERSON)]
                      for role, code, person in read.get("recipients", ())]  # fmt: skip
        rest = {name: value for name, value in read.items() if name not in ("recipients", "rules")}
        return {**self._walk(rest, where, "decision"), "recipients": recipients, "rules": read.get("rules", [])}

    def _walk(self, value: Any, where: str, path: str) -> Any:
        if value is None or isinstance(value, bool):
            return value
        if path == "people" and isinstance(value, list):
            return [self._person(one, f"{where}/people/{number}") for number, one in enumerate(value)]
        if path in _FREE or path.partition(".")[0] == "form":
            return self._mark(value, f"{where}/{path.replace('.', '/')}", FREE_TEXT)
        if isinstance(value, Mapping):
            return {name: self._walk(one, where, f"{path}.{name}" if path else name) for name, one in value.items()}
        if isinstance(value, list):
            return [self._walk(one, where, f"{path}[]") for one in value]
        return self._scanned(value, f"{where}/{path.replace('.', '/')}") if isinstance(value, str) else value

    def _person(self, person: Any, where: str) -> Any:
        if not isinstance(person, Mapping):
            return self._mark(person, where, PERSON)
        notify = person.get("notify")
        kept_from = bool(person.get("suspected_abductor")) or (
            isinstance(notify, Mapping) and notify.get("decision") == "withhold"
        )
        return self._leaves(person, where, WITHHELD if kept_from else PERSON)

    def _leaves(self, value: Any, where: str, why: str) -> Any:
        if isinstance(value, Mapping):
            return {
                name: one if name in _OF_A_PERSON else self._leaves(one, f"{where}/{name}", why)
                for name, one in value.items()
            }
        return value if value is None else self._mark(value, where, why)

    def _scanned(self, value: str, where: str) -> str:
        return self._mark(value, where, NAMED) if self._named is not None and self._named.search(value) else value

    def _text(self, value: bytes, where: str, why: str) -> bytes:
        return self._mark(value.decode("utf-8", "replace"), where, why).encode()

    def _mark(self, value: Any, where: str, why: str) -> str:
        key = (why, json.dumps(value, sort_keys=True))
        known = self._marks.get(key)
        self._marks[key] = (
            Mark(number=len(self._marks) + 1, why=why, value=value, where=(where,))
            if known is None
            else replace(known, where=(*known.where, where))
        )
        return self._marks[key].text


def _document(record: Stated) -> Mapping[str, Any]:
    column = {"event": "body", "revision": "doc"}.get(record.kind)
    if column is None or not record.sealed:
        return {}
    try:
        read = json.loads(record.sealed.get(column, b"{}"))
    except ValueError:
        return {}
    found = read.get("data") if record.kind == "event" and isinstance(read, dict) else read
    return found if isinstance(found, dict) else {}


def _people(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    people = document.get("people")
    return [one for one in people if isinstance(one, Mapping)] if isinstance(people, list) else []


def child_of(records: Iterable[Stated]) -> Mapping[str, Any]:
    """What the newest facts say of the child; empty where nothing is there any more."""
    children = [document["child"] for one in records if (document := _document(one)).get("child")]
    return children[-1] if children else {}
