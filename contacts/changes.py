"""The directory changed one entry at a time: what is asked for, what it comes to, and what stands in its way. Pure.

A change is asked for as a row (:class:`Put`, checked as an import is) or as the key of one (:class:`Remove`). What two
directories differ by is a :class:`Difference` for each entry, and those can be put on a third one: so a change that was
proposed yesterday is told, entry by entry, where somebody else was there first.
"""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, Literal, TypeAlias, cast

from pydantic import ValidationError

from contacts.areas import Areas
from contacts.crosscheck import Key, Placed, crosscheck
from contacts.export import COLUMNS, TABLES, cells_of, ordered
from contacts.model import (
    Bundle,
    Certificate,
    Contact,
    Desk,
    Hours,
    Organisation,
    Problem,
    in_force,
    kept_under,
)
from contacts.rows import CertificateRow, ContactRow, DeskRow, HoursRow, OrganisationRow
from contacts.tables import Loaded, keys_of, row_problems, unusable

Table = Literal["organisations", "desks", "contacts", "hours", "certificates"]
Entry: TypeAlias = Organisation | Desk | Contact | Hours | Certificate
EntryKey: TypeAlias = tuple[str, ...]
"""(code,), (organisation, function), (id,), (name,) or (address, fingerprint), by table."""
Value: TypeAlias = str | int | bool | None
"""A cell as it is exported."""

_Row: TypeAlias = OrganisationRow | DeskRow | ContactRow | HoursRow | CertificateRow
_ROWS: Final[Mapping[Table, type[_Row]]] = {
    "organisations": OrganisationRow,
    "desks": DeskRow,
    "contacts": ContactRow,
    "hours": HoursRow,
    "certificates": CertificateRow,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Put:
    """Add an entry, or replace the one of the same key. ``cells``: its columns, as in an import."""

    table: Table
    cells: Mapping[str, object] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Remove:
    """Take an entry out."""

    table: Table
    key: EntryKey = field(repr=False)


Change: TypeAlias = Put | Remove


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One column of a difference: what stood there and what will."""

    column: str
    before: Value = field(repr=False)
    after: Value = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One entry that is not the same in two directories; never None on both sides."""

    table: Table
    key: EntryKey = field(repr=False)
    before: Entry | None = field(repr=False)
    after: Entry | None = field(repr=False)

    @property
    def kind(self) -> Literal["added", "removed", "changed"]:
        if self.before is None:
            return "added"
        return "removed" if self.after is None else "changed"

    @property
    def path(self) -> str:
        """Which entry: ``contacts[bromley-front-door-1]``."""
        return shown(self.table, self.key)

    def fields(self) -> tuple[Field, ...]:
        """The columns that differ, in the table's order; of an entry that is added or removed those that are set."""
        columns = COLUMNS[self.table]
        before = {} if self.before is None else cells_of(self.before, columns)
        after = {} if self.after is None else cells_of(self.after, columns)
        return tuple(
            Field(column=column, before=cast(Value, before.get(column)), after=cast(Value, after.get(column)))
            for column in columns
            if before.get(column) != after.get(column)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """An entry that somebody else has changed since: it is neither what was found nor what was to become of it."""

    difference: Difference
    now: Entry | None = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """A directory with differences put on it. ``bundle`` is as it was where there is any conflict."""

    bundle: Bundle
    conflicts: tuple[Conflict, ...]


def key_of(entry: Entry) -> EntryKey:
    """What tells an entry from the others of its table."""
    match entry:
        case Organisation():
            return (entry.code,)
        case Desk():
            return (entry.organisation, entry.function)
        case Contact():
            return (entry.id,)
        case Hours():
            return (entry.name,)
        case Certificate():
            return (kept_under(entry.address), entry.fingerprint)


def shown(table: Table, key: EntryKey) -> str:
    """An entry as a path. A certificate's by its fingerprint alone, as its address may be a person's."""
    return f"{table}[{key[-1][:16] if table == 'certificates' else '/'.join(key)}]"


def entries(bundle: Bundle, table: Table, *, but: Container[int] = frozenset()) -> dict[EntryKey, Entry]:
    """A table by key; ``but``: without the values of these identities."""
    found: Iterable[Entry] = getattr(bundle, table)
    return {key_of(entry): entry for entry in found if id(entry) not in but}


def difference(before: Bundle, after: Bundle) -> tuple[Difference, ...]:
    """Every entry that was added, removed or changed, table by table and in order of the key."""
    return tuple(_differences(before, after))


def _differences(before: Bundle, after: Bundle) -> Iterator[Difference]:
    for table in tables():
        # Most entries of two versions are the very same values: those are not looked at.
        shared = {id(e) for e in getattr(before, table)} & {id(e) for e in getattr(after, table)}
        old, new = entries(before, table, but=shared), entries(after, table, but=shared)
        for key in sorted(old.keys() | new.keys()):
            one, other = old.get(key), new.get(key)
            if one != other:
                yield Difference(table=table, key=key, before=one, after=other)


def tables() -> tuple[Table, ...]:
    """The five, in the order of an export."""
    return cast(tuple[Table, ...], TABLES)


def applied(bundle: Bundle, changes: Sequence[Change], areas: Areas, now: datetime, *, strict: bool = True) -> Loaded:
    """``bundle`` with all of ``changes``, or every problem at once: ``changes[2].address`` for what was asked for,
    ``contacts[bromley-front-door-1].desk`` for an entry that it would leave without what it refers to.

    ``strict``: cells are JSON, and a number is no text; else they are what a form or a CSV table holds.
    """
    rows = {table: entries(bundle, table) for table in {change.table for change in changes}}
    paths: dict[tuple[Table, EntryKey], str] = {}
    problems: list[Problem] = []
    broken: set[Key] = set()
    touched: list[Entry] = []
    for number, change in enumerate(changes):
        path = f"changes[{number}]"
        if isinstance(change, Remove):
            key: EntryKey = change.key
            gone = rows[change.table].pop(key, None)
            touched += [] if gone is None else [gone]
            if gone is None and (change.table, key) not in paths:
                problems.append(Problem(path, "there is no such entry in the directory"))
        else:
            try:
                entry = _ROWS[change.table].model_validate(change.cells, strict=strict, context=areas).value()
            except ValidationError as error:
                problems += row_problems(f"{path}.", error)
                broken.update(keys_of(change.table, change.cells, areas))
                continue
            key = key_of(entry)
            touched += [entry, rows[change.table].get(key, entry)]
            rows[change.table][key] = entry
        if (earlier := paths.setdefault((change.table, key), path)) != path:
            problems.append(Problem(path, f"changes an entry that {earlier} has changed"))
    after = _with_rows(bundle, rows)
    problems += _checked(_about(after, touched), paths, frozenset(broken))
    if problems:
        return Loaded(bundle=None, problems=tuple(problems))
    placed = [Placed(path, rows[table].get(key)) for (table, key), path in paths.items()]
    put = [Placed(one.path, one.entry) for one in placed if isinstance(one.entry, Certificate)]
    return Loaded(bundle=after, problems=(), warnings=tuple(unusable(put, now, ".")))


def merged(bundle: Bundle, differences: Sequence[Difference]) -> Merged:
    """``differences`` put on ``bundle``, all or none. One that holds there already stands in nobody's way."""
    rows = {table: entries(bundle, table) for table in {one.table for one in differences}}
    conflicts = []
    for one in differences:
        now = rows[one.table].get(one.key)
        if now not in (one.before, one.after):
            conflicts.append(Conflict(difference=one, now=now))
        elif one.after is None:
            rows[one.table].pop(one.key, None)
        else:
            rows[one.table][one.key] = one.after
    if conflicts:
        return Merged(bundle=bundle, conflicts=tuple(conflicts))
    return Merged(bundle=_with_rows(bundle, rows), conflicts=())


def checked(bundle: Bundle) -> tuple[Problem, ...]:
    """What does not fit together in a bundle whose rows are each right, by the entry's path."""
    return tuple(_checked(bundle, {}, frozenset()))


def standing(bundle: Bundle, at: datetime) -> Bundle:
    """The entries that are in force at ``at``; hours and certificates have no dates of the directory's."""
    return Bundle(
        organisations=tuple(o for o in bundle.organisations if in_force(o, at)),
        desks=tuple(d for d in bundle.desks if in_force(d, at)),
        contacts=tuple(c for c in bundle.contacts if in_force(c, at)),
        hours=bundle.hours,
        certificates=bundle.certificates,
    )


def _with_rows(bundle: Bundle, rows: Mapping[Table, Mapping[EntryKey, Entry]]) -> Bundle:
    """``bundle`` with these tables in the place of its own."""
    return ordered(replace(bundle, **{table: tuple(found.values()) for table, found in rows.items()}))  # type: ignore[arg-type]  # each table's own


def _about(bundle: Bundle, touched: Sequence[Entry]) -> Bundle:
    """As much of a bundle, which fitted together before, as may not any more: a country's takes longer to look through
    than all the rest of a change. Organisations, desks and contacts lean on none of another organisation; anybody may
    lean on hours."""
    codes = set()
    for one in touched:
        match one:
            case Organisation():
                codes.add(one.code)
            case Desk() | Contact():
                codes.add(one.organisation)
            case _:
                return bundle
    return Bundle(
        organisations=tuple(one for one in bundle.organisations if one.code in codes),
        desks=tuple(one for one in bundle.desks if one.organisation in codes),
        contacts=tuple(one for one in bundle.contacts if one.organisation in codes),
        hours=bundle.hours,
    )


def _checked(bundle: Bundle, paths: Mapping[tuple[Table, EntryKey], str], broken: frozenset[Key]) -> Iterator[Problem]:
    def path(table: Table, entry: Entry) -> str:
        key = key_of(entry)
        return paths.get((table, key)) or shown(table, key)

    yield from crosscheck(
        [Placed(path("organisations", e), e) for e in bundle.organisations],
        [Placed(path("desks", e), e) for e in bundle.desks],
        [Placed(path("contacts", e), e) for e in bundle.contacts],
        [Placed(path("hours", e), e) for e in bundle.hours],
        [Placed(path("certificates", e), e) for e in bundle.certificates],
        broken,
        joint=".",
    )
