"""The directory in and out: one JSON file, or five CSV tables. Every problem is reported at once, with its place.

What ``dumps`` writes imports back byte for byte; it is the form the hub stores. The CSV tables hold the same
columns (docs/directory.md). Nothing is half imported: a bundle comes out only where there is no problem at all.
"""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from contacts.archives import ArchiveRefused, is_zip, unpacked
from contacts.areas import Areas
from contacts.certificates import in_use
from contacts.crosscheck import Key, Placed, crosscheck
from contacts.export import COLUMNS, FORMAT, TABLES, dumps, dumps_csv, dumps_zip, ordered
from contacts.model import Bundle, Certificate, Problem
from contacts.rows import CertificateRow, ContactRow, DeskRow, HoursRow, OrganisationRow, organisation_code

__all__ = [
    "FORMAT", "MAX_BYTES", "Loaded", "beyond_reading", "dumps", "dumps_csv", "dumps_zip", "load", "load_csv",
    "load_json", "load_zip",
]  # fmt: skip

MAX_BYTES = 64 * 1024 * 1024
"""The most that an import may hold, unpacked."""
MOST_ROWS = 500_000
"""Every school of the country with several contacts is a third of it."""
MOST_PROBLEMS = 10_000
"""How many are told: a file of half a million mistakes is not mended row by row."""
LONGEST_ROW = 1_500
"""Bytes in JSON at most, besides an address, times and a certificate."""
EVERY = 200
"""Rows between two words about how far the reading is."""

Tell = Callable[[int, int], None]
"""Hears how many rows are read, and of how many; called on whatever thread reads."""

_TOO_MANY = "more rows than a directory has"
_NO_TABLE = "is missing: an import replaces all of it, so a table without rows has to be there too"
_TOO_LARGE = "larger than a directory can be"

Cells = Mapping[str, object]
R = TypeVar("R", bound=BaseModel)


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What an import came to. ``bundle`` is None where there is any problem; warnings stop nothing."""

    bundle: Bundle | None
    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """One row as it stands, with the path to it; ``joint`` stands between that and a column."""

    path: str
    joint: str
    cells: Cells


def load(data: bytes, areas: Areas, now: datetime, tell: Tell | None = None) -> Loaded:
    """A bundle from one file: JSON, or a zip archive of the CSV tables."""
    return (load_zip if is_zip(data) else load_json)(data, areas, now, tell)


def load_json(data: bytes, areas: Areas, now: datetime, tell: Tell | None = None) -> Loaded:
    """A bundle from its JSON, for example ``contacts[12].address``."""
    if data.count(b"{") > 2 * MOST_ROWS:  # a key in a row is an object, too
        return _refused("", _TOO_MANY)
    try:
        document = json.loads(_text(data, ""), object_pairs_hook=_object, parse_constant=_constant)
    except _Unreadable as unreadable:
        return Loaded(bundle=None, problems=(unreadable.problem,))
    except (ValueError, RecursionError):
        return _refused("", "not JSON, or a key that stands twice in one object")
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        return _refused("format", f'a directory is an object whose "format" is "{FORMAT}"')
    unknown = (Problem(_shown(key), "unknown key") for key in document if key not in (*TABLES, "format"))
    problems = list(islice(unknown, MOST_PROBLEMS + 1))
    lines: dict[str, list[_Line]] = {}
    for table in TABLES:
        if table not in document:
            problems.append(Problem(table, _NO_TABLE))
            continue
        rows = document[table]
        if not isinstance(rows, list):
            problems.append(Problem(table, "must be a list"))
            continue
        if len(rows) > MOST_ROWS:
            return _refused(table, _TOO_MANY)
        lines[table] = []
        for number, row in enumerate(rows):
            if isinstance(row, dict):
                lines[table].append(_Line(path=f"{table}[{number}]", joint=".", cells=row))
            elif len(problems) <= MOST_PROBLEMS:
                problems.append(Problem(f"{table}[{number}]", "must be an object"))
    return _assemble(lines, areas, now, problems, tell, strict=True)


def load_csv(files: Mapping[str, bytes], areas: Areas, now: datetime, tell: Tell | None = None) -> Loaded:
    """A bundle from CSV tables by file name (``contacts.csv``); paths like ``contacts.csv:13:address``, by line.

    UTF-8 with a header line. A table that was forgotten is not taken for one without rows: nobody at all would be told,
    or nothing be sealed.
    """
    known = {f"{table}.csv": table for table in TABLES}
    problems = [Problem(_shown(name), f"not one of {', '.join(known)}") for name in files if name not in known]
    problems += (Problem(name, _NO_TABLE) for name in known if name not in files)
    lines: dict[str, list[_Line]] = {}
    for name, table in known.items():
        if name in files:
            try:
                lines[table] = list(_csv_lines(name, COLUMNS[table], files[name], problems))
            except _Unreadable as unreadable:
                problems.append(unreadable.problem)
    return _assemble(lines, areas, now, problems, tell, strict=False)


def load_zip(data: bytes, areas: Areas, now: datetime, tell: Tell | None = None) -> Loaded:
    """A bundle from a zip archive of the CSV tables, at its top or all in one folder."""
    try:
        files = unpacked(data, most_files=2 * len(TABLES), most_bytes=MAX_BYTES)
    except ArchiveRefused as refused:
        return _refused("", str(refused))
    return load_csv(files, areas, now, tell)


def beyond_reading(bundle: Bundle) -> tuple[Problem, ...]:
    """Why a directory could not be read again once it is stored: it is too large. Of any ordinary one that is known
    without writing it."""
    if sum(len(getattr(bundle, table)) for table in TABLES) > MOST_ROWS:
        return (Problem("", _TOO_MANY),)
    most = LONGEST_ROW * sum(len(getattr(bundle, table)) for table in TABLES)
    most += sum(len(one.address) for one in bundle.contacts) + sum(len(one.times) for one in bundle.hours)
    most += sum(len(one.address) + 2 * len(one.der) for one in bundle.certificates)
    return (Problem("", _TOO_LARGE),) if most > MAX_BYTES and len(dumps(bundle)) > MAX_BYTES else ()


class _Unreadable(Exception):
    """A whole file that cannot be read."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(message)
        self.problem = Problem(path, message)


def _assemble(
    lines: Mapping[str, Sequence[_Line]],
    areas: Areas,
    now: datetime,
    problems: list[Problem],
    tell: Tell | None,
    *,
    strict: bool,
) -> Loaded:
    joint = "." if strict else ":"
    broken: set[Key] = set()
    total, done = sum(map(len, lines.values())), 0
    if total > MOST_ROWS:
        return _refused("", _TOO_MANY)

    def read(table: str, model: type[R]) -> Iterator[tuple[str, R]]:
        nonlocal done
        for line in lines.get(table, ()):
            done += 1
            if tell is not None and done % EVERY == 0:
                tell(done, total)
            try:
                yield line.path, model.model_validate(line.cells, strict=strict, context=areas)
            except ValidationError as error:
                broken.update(keys_of(table, line.cells, areas))
                if len(problems) <= MOST_PROBLEMS:
                    problems.extend(row_problems(f"{line.path}{line.joint}", error))

    organisations = [Placed(p, row.value()) for p, row in read("organisations", OrganisationRow)]
    desks = [Placed(p, row.value()) for p, row in read("desks", DeskRow)]
    contacts = [Placed(p, row.value()) for p, row in read("contacts", ContactRow)]
    hours = [Placed(p, row.value()) for p, row in read("hours", HoursRow)]
    certificates = [Placed(p, row.value()) for p, row in read("certificates", CertificateRow)]
    between = crosscheck(organisations, desks, contacts, hours, certificates, frozenset(broken), joint=joint)
    problems += islice(between, max(0, MOST_PROBLEMS + 1 - len(problems)))
    if len(problems) > MOST_PROBLEMS:
        problems[MOST_PROBLEMS:] = [Problem("", "there are more problems: correct these first")]
    if problems:
        return Loaded(bundle=None, problems=tuple(problems))
    bundle = Bundle(
        organisations=tuple(o.entry for o in organisations),
        desks=tuple(d.entry for d in desks),
        contacts=tuple(c.entry for c in contacts),
        hours=tuple(h.entry for h in hours),
        certificates=tuple(c.entry for c in certificates),
    )
    return Loaded(bundle=ordered(bundle), problems=(), warnings=tuple(unusable(certificates, now, joint)))


def keys_of(table: str, cells: Cells, areas: Areas) -> Iterator[Key]:
    """What other rows may refer to a broken row by, as far as it can be read."""
    names = {"organisations": ("code",), "desks": ("organisation", "function"), "hours": ("name",)}.get(table, ())
    key = tuple(v for v in (cells.get(name) for name in names) if isinstance(v, str))
    if not key or len(key) != len(names):
        return
    if table == "hours":
        yield key
        return
    try:
        yield (organisation_code(key[0], areas), *key[1:])
    except ValueError:
        return


def row_problems(path: str, error: ValidationError) -> Iterator[Problem]:
    """What is wrong with one row; ``path`` is all that stands before the column's name."""
    for detail in error.errors(include_url=False, include_input=False):
        column = _shown(str(detail["loc"][0])) if detail["loc"] else ""
        match detail["type"]:
            case "extra_forbidden":
                message = "unknown key"
            case "missing":
                message = "is missing"
            case "value_error":
                message = str(detail["ctx"]["error"])
            case _:
                message = detail["msg"]
        yield Problem(f"{path}{column}", message)


def unusable(certificates: Iterable[Placed[Certificate]], now: datetime, joint: str) -> Iterator[Problem]:
    """Warnings: certificates and keys that are not used as they stand."""
    for placed in certificates:
        first, last = in_use(placed.entry)
        if placed.entry.is_jwk and not placed.entry.pinned:
            why = "not pinned: nothing is encrypted to a key that was not compared with its holder"
            yield Problem(f"{placed.path}{joint}pinned", why)
        if now > last:
            yield Problem(f"{placed.path}{joint}certificate", f"expired on {last:%Y-%m-%d}")
        elif now < first:
            yield Problem(f"{placed.path}{joint}certificate", f"is not valid before {first:%Y-%m-%d}")


def _csv_lines(name: str, columns: Sequence[str], data: bytes, problems: list[Problem]) -> Iterator[_Line]:
    reader = csv.reader(io.StringIO(_text(data, name), newline=""), strict=True)
    try:
        header = [cell.strip() for cell in next(reader, [])]
        unknown = [Problem(f"{name}:1:{_shown(c)}", "unknown column") for c in header if c not in columns]
        twice = [Problem(f"{name}:1:{_shown(c)}", "stands twice") for c in set(header) if header.count(c) > 1]
        problems += unknown + twice
        if unknown or twice or not header:
            raise _Unreadable(f"{name}:1", f"the columns are {', '.join(columns)}")
        start = reader.line_num + 1
        for number, row in enumerate(reader):
            if number >= MOST_ROWS:
                raise _Unreadable(name, _TOO_MANY)
            line, start = start, reader.line_num + 1
            if not any(cell.strip() for cell in row):
                continue
            if len(row) > len(header):
                if len(problems) <= MOST_PROBLEMS:
                    problems.append(Problem(f"{name}:{line}", "has more cells than the header"))
                continue
            cells = {column: cell.strip() for column, cell in zip(header, row, strict=False) if cell.strip()}
            yield _Line(path=f"{name}:{line}", joint=":", cells=cells)
    except csv.Error:
        raise _Unreadable(
            f"{name}:{reader.line_num}", "not CSV: a quotation mark is open, or in a wrong place"
        ) from None


def _text(data: bytes, path: str) -> str:
    if len(data) > MAX_BYTES:
        raise _Unreadable(path, _TOO_LARGE)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _Unreadable(path, "not UTF-8: save it as “CSV UTF-8”") from None


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


def _refused(path: str, message: str) -> Loaded:
    return Loaded(bundle=None, problems=(Problem(path, message),))


def _shown(key: str) -> str:
    """A key as part of a path: whatever it is, short and printable."""
    return "".join(c if c.isprintable() else "?" for c in key[:60])
