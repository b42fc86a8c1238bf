"""Differences and directories as JSON that was kept, to be read by any later version: it is not checked anew."""

import base64
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from contacts.changes import Difference, Entry, Table, tables
from contacts.export import COLUMNS, cells_of
from contacts.model import Bundle, Certificate, Contact, Desk, Hours, Organisation, is_url

_INSTANTS = frozenset({"valid_from", "valid_until"})
Json = dict[str, Any]


def differences_to_json(differences: Sequence[Difference]) -> list[Json]:
    """Plain values: table, key, and the columns of each side (None: it was not there)."""
    return [
        {
            "table": one.table,
            "key": list(one.key),
            "before": _cells(one.table, one.before),
            "after": _cells(one.table, one.after),
        }
        for one in differences
    ]


def differences_from_json(rows: Sequence[Json]) -> tuple[Difference, ...]:
    """The inverse of :func:`differences_to_json`. Columns that this version does not know are left out."""
    return tuple(
        Difference(
            table=row["table"],
            key=tuple(row["key"]),
            before=_entry(row["table"], row["before"]),
            after=_entry(row["table"], row["after"]),
        )
        for row in rows
    )


def bundle_as_stored(data: bytes) -> Bundle:
    """A directory's canonical JSON as it was once checked and stored, whatever is known about authorities today: what
    it said is evidence. Raises ValueError for what is none."""
    try:
        document: Any = json.loads(data)
        rows = {table: [_entry(table, row) for row in document[table]] for table in tables()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError("not the JSON of a directory") from error
    return Bundle(
        organisations=tuple(e for e in rows["organisations"] if isinstance(e, Organisation)),
        desks=tuple(e for e in rows["desks"] if isinstance(e, Desk)),
        contacts=tuple(e for e in rows["contacts"] if isinstance(e, Contact)),
        hours=tuple(e for e in rows["hours"] if isinstance(e, Hours)),
        certificates=tuple(e for e in rows["certificates"] if isinstance(e, Certificate)),
    )


def _cells(table: Table, entry: Entry | None) -> Json | None:
    return None if entry is None else dict(cells_of(entry, COLUMNS[table]))


def _entry(table: Table, cells: Json | None) -> Entry | None:
    if cells is None:
        return None
    known = {c: _value(c, v) for c, v in cells.items() if c in COLUMNS[table]}
    match table:
        case "organisations":
            return Organisation(**known)
        case "desks":
            return Desk(**known)
        case "contacts":
            return Contact(**known)
        case "hours":
            return Hours(**known)
        case "certificates":
            return _certificate(known)


def _value(column: str, value: Any) -> Any:
    return datetime.fromisoformat(value) if column in _INSTANTS and value is not None else value


def _certificate(cells: Mapping[str, Any]) -> Certificate:
    text: str = cells["certificate"]
    der = text.encode() if is_url(cells["address"]) else base64.b64decode(text)
    return Certificate(
        address=cells["address"], der=der, fingerprint=cells["fingerprint"], pinned=bool(cells["pinned"])
    )
