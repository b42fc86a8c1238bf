"""What no single row can say: that every reference leads somewhere, and that nothing stands in the directory twice."""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Generic, TypeVar

from contacts.model import Certificate, Contact, Desk, Hours, Organisation, Problem, kept_under
from contacts.roles import FALLBACK

T = TypeVar("T")
Key = tuple[str, ...]
"""What other rows refer to: (organisation,), (organisation, function) or (hours name,)."""
MOST_AT_A_DESK = 200
"""Contacts: each is compared with each other one of its desk."""
_ALWAYS = datetime.min.replace(tzinfo=UTC)
_NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Placed(Generic[T]):
    """An entry and the path to the row it came from."""

    path: str
    entry: T


def crosscheck(
    organisations: Sequence[Placed[Organisation]],
    desks: Sequence[Placed[Desk]],
    contacts: Sequence[Placed[Contact]],
    hours: Sequence[Placed[Hours]],
    certificates: Sequence[Placed[Certificate]],
    broken: frozenset[Key],
    *,
    joint: str,
) -> Iterator[Problem]:
    """All problems between rows. ``broken`` are keys of rows that exist but have problems of their own, reported
    already: whoever refers to them is not reported too. ``joint`` stands between a row's path and a column."""
    yield from _twice(organisations, lambda o: o.code, f"{joint}code", "this organisation stands here twice")
    yield from _twice(desks, lambda d: (d.organisation, d.function), f"{joint}function", "this desk stands here twice")
    yield from _twice(contacts, lambda c: c.id, f"{joint}id", "this id stands here twice")
    yield from _twice(hours, lambda h: h.name, f"{joint}name", "these hours stand here twice")
    yield from _twice(
        certificates,
        lambda c: (kept_under(c.address), c.fingerprint),
        f"{joint}certificate",
        "this certificate stands here twice for this address",
    )
    yield from _crowded(contacts, joint)
    yield from _same_way_twice(contacts, joint)
    yield from _references(organisations, desks, contacts, hours, broken, joint)


def _twice(rows: Iterable[Placed[T]], key: Callable[[T], Hashable], column: str, message: str) -> Iterator[Problem]:
    first: dict[Hashable, str] = {}
    for row in rows:
        before = first.setdefault(key(row.entry), row.path)
        if before != row.path:
            yield Problem(f"{row.path}{column}", f"{message}, first at {before}")


def _crowded(contacts: Iterable[Placed[Contact]], joint: str) -> Iterator[Problem]:
    desks: Counter[Hashable] = Counter()
    for row in contacts:
        desk = row.entry.organisation, row.entry.desk
        desks[desk] += 1
        if desks[desk] > MOST_AT_A_DESK:
            yield Problem(f"{row.path}{joint}desk", f"more than {MOST_AT_A_DESK} contacts at this desk")


def _same_way_twice(contacts: Iterable[Placed[Contact]], joint: str) -> Iterator[Problem]:
    """One address twice on one desk at one time would send every notice twice; on other hours it may stand again."""
    seen: dict[Hashable, list[Placed[Contact]]] = {}
    for row in contacts:
        c = row.entry
        others = seen.setdefault((c.organisation, c.desk, c.channel, c.address.lower()), [])
        for other in others:
            same_hours = None in (c.hours, other.entry.hours) or c.hours == other.entry.hours
            if same_hours and _overlap(c, other.entry):
                yield Problem(f"{row.path}{joint}address", f"already a contact of this desk, at {other.path}")
                break
        if len(others) < MOST_AT_A_DESK:  # those beyond are told of already
            others.append(row)


def _overlap(one: Contact, other: Contact) -> bool:
    return (one.valid_from or _ALWAYS) < (other.valid_until or _NEVER) and (other.valid_from or _ALWAYS) < (
        one.valid_until or _NEVER
    )


def _references(
    organisations: Sequence[Placed[Organisation]],
    desks: Sequence[Placed[Desk]],
    contacts: Sequence[Placed[Contact]],
    hours: Sequence[Placed[Hours]],
    broken: frozenset[Key],
    joint: str,
) -> Iterator[Problem]:
    codes = {(o.entry.code,) for o in organisations} | broken
    functions = {(d.entry.organisation, d.entry.function) for d in desks} | broken
    names = {(h.entry.name,) for h in hours} | broken
    for o in organisations:
        if o.entry.fallback_desk != FALLBACK and (o.entry.code, o.entry.fallback_desk) not in functions:
            yield Problem(f"{o.path}{joint}fallback_desk", "this organisation has no such desk")
    for d in desks:
        if (d.entry.organisation,) not in codes:
            yield Problem(f"{d.path}{joint}organisation", "no such organisation in this directory")
        elif d.entry.deputy is not None and (d.entry.organisation, d.entry.deputy) not in functions:
            yield Problem(f"{d.path}{joint}deputy", "this organisation has no such desk")
    for c in contacts:
        if (c.entry.organisation,) not in codes:
            yield Problem(f"{c.path}{joint}organisation", "no such organisation in this directory")
        elif (c.entry.organisation, c.entry.desk) not in functions:
            yield Problem(f"{c.path}{joint}desk", "this organisation has no such desk")
        if c.entry.hours is not None and (c.entry.hours,) not in names:
            yield Problem(f"{c.path}{joint}hours", "no such hours in this directory")
