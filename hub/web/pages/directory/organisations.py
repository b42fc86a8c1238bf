"""The organisations of a directory as a list, for whoever sees several: sorted by name, size, or what they lack."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from contacts.areas import Areas
from contacts.model import Bundle
from contacts.roles import SCHOOL_PREFIX
from hub.web.pages.lists import Column, Filter

Kind = Literal["council", "police", "school", "national"]
PER_PAGE: Final = 250
"""All councils of England on one page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """``bare``: desks without any contact."""

    code: str
    name: str
    kind: Kind
    desks: int
    contacts: int
    bare: int


COLUMNS: Final[tuple[Column[Row], ...]] = (
    Column(name="name", heading="Name", key=lambda row: row.name.casefold()),
    Column(name="code", heading="Code", key=lambda row: row.code),
    Column(name="desks", heading="Desks", key=lambda row: row.desks),
    Column(name="contacts", heading="Contacts", key=lambda row: row.contacts),
    Column(name="bare", heading="Desks without a contact", key=lambda row: row.bare),
)
FILTERS: Final[tuple[Filter[Row], ...]] = (
    Filter(
        name="kind",
        label="Kind",
        of=lambda row: row.kind,
        choices=[("council", "Councils"), ("police", "Police"), ("school", "Schools"), ("national", "National")],
    ),
    Filter(
        name="bare",
        label="Desks",
        of=lambda row: "yes" if row.bare else "no",
        choices=[("yes", "Some without a contact"), ("no", "All with a contact")],
    ),
)


def rows_of(bundle: Bundle, areas: Areas) -> Iterator[Row]:
    """One for each organisation, by name."""
    staff = Counter((one.organisation, one.desk) for one in bundle.contacts)
    contacts, desks, bare = Counter[str](), Counter[str](), Counter[str]()
    for (organisation, _), number in staff.items():
        contacts[organisation] += number
    for desk in bundle.desks:
        desks[desk.organisation] += 1
        bare[desk.organisation] += (desk.organisation, desk.function) not in staff
    for one in sorted(bundle.organisations, key=lambda one: one.name.casefold()):
        yield Row(
            code=one.code,
            name=one.name,
            kind=_kind(one.code, areas),
            desks=desks[one.code],
            contacts=contacts[one.code],
            bare=bare[one.code],
        )


def _kind(code: str, areas: Areas) -> Kind:
    if code in areas.authorities:
        return "council"
    if code in areas.forces:
        return "police"
    return "school" if code.startswith(SCHOOL_PREFIX) else "national"
