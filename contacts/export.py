"""The directory as files: canonical JSON, or five CSV tables."""

import base64
import csv
import io
import json
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from datetime import UTC, datetime
from json.encoder import encode_basestring
from operator import attrgetter

from contacts.model import Bundle, Certificate, Contact, Desk, Hours, Organisation

FORMAT = "fingerpost.directory.v1"

COLUMNS: dict[str, tuple[str, ...]] = {
    "organisations": tuple(f.name for f in fields(Organisation)),
    "desks": tuple(f.name for f in fields(Desk)),
    "contacts": tuple(f.name for f in fields(Contact)),
    "hours": tuple(f.name for f in fields(Hours)),
    "certificates": ("address", "certificate", "fingerprint", "pinned"),
}
TABLES = tuple(COLUMNS)


def dumps(bundle: Bundle) -> bytes:
    """The canonical JSON: UTF-8, entries and keys in a fixed order, ending in a newline."""
    tables = (f' "{table}": {_rows(COLUMNS[table], rows)}' for table, rows in _tables(bundle))
    return "".join(("{\n", f' "format": "{FORMAT}",\n', ",\n".join(tables), "\n}\n")).encode()


def _rows(columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> str:
    """What ``json.dumps(…, indent=1)`` makes of them, which is written in Python and takes five times as long: every
    change of one entry writes the whole directory."""
    shape = "  {\n" + ",\n".join(f'   "{column}": %s' for column in columns) + "\n  }"
    found = ",\n".join(shape % tuple(map(_json, row.values())) for row in rows)
    return f"[\n{found}\n ]" if found else "[]"


def _json(value: object) -> str:
    if isinstance(value, str):
        return encode_basestring(value)
    if value is None:
        return "null"
    # An encoder made for each number takes as long as all the rest.
    return str(value).lower() if isinstance(value, int) else json.dumps(value)


def dumps_csv(bundle: Bundle) -> dict[str, bytes]:
    """The five CSV tables by file name."""
    return {f"{table}.csv": _csv(COLUMNS[table], rows) for table, rows in _tables(bundle)}


def dumps_zip(bundle: Bundle) -> bytes:
    """The five CSV tables in one archive; of the same directory always the same bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in dumps_csv(bundle).items():
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def ordered(bundle: Bundle) -> Bundle:
    """The same entries in canonical order."""
    return Bundle(
        organisations=tuple(sorted(bundle.organisations, key=lambda o: o.code)),
        desks=tuple(sorted(bundle.desks, key=lambda d: (d.organisation, d.function))),
        contacts=tuple(sorted(bundle.contacts, key=lambda c: (c.organisation, c.desk, c.order, c.id))),
        hours=tuple(sorted(bundle.hours, key=lambda h: h.name)),
        certificates=tuple(sorted(bundle.certificates, key=lambda c: (c.address, c.fingerprint))),
    )


def _tables(bundle: Bundle) -> Iterator[tuple[str, Iterator[dict[str, object]]]]:
    sorted_bundle = ordered(bundle)
    for table in TABLES:
        entries = getattr(sorted_bundle, table)
        yield table, (cells_of(entry, COLUMNS[table]) for entry in entries)


def cells_of(entry: object, columns: Sequence[str]) -> dict[str, object]:
    """One entry as the values of its columns in JSON: instants in RFC 3339 in UTC, a certificate in base64 of its DER
    or as its JWK."""
    if isinstance(entry, Certificate):
        text = entry.der.decode() if entry.is_jwk else base64.b64encode(entry.der).decode()
        values: tuple[object, ...] = (entry.address, text, entry.fingerprint, entry.pinned)
        return dict(zip(columns, values, strict=True))
    found = zip(columns, attrgetter(*columns)(entry), strict=True)
    return {column: _utc(value) if isinstance(value, datetime) else value for column, value in found}


def _utc(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _csv(columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(columns)
    for row in rows:
        writer.writerow(str(v).lower() if isinstance(v, bool) else v for v in (row[c] for c in columns))
    return out.getvalue().encode()
