"""A complete, made-up directory for the demo, for simulate and for tests: every role of every authority and force.

Names of councils and forces are the real ones (facts); every address is under ``.example`` and every number is one of
Ofcom's for drama, so nothing sent to any of them can reach anybody.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import cache
from hashlib import sha256

from contacts.areas import AreaProblem, Areas, load_areas
from contacts.directory import Directory
from contacts.model import Bundle, Calendar, Certificate, Contact, Desk, Hours, Organisation
from contacts.roles import (
    AUTHORITY_ROLES,
    BUREAU,
    CEOP,
    COVER_DESKS,
    HOME_OFFICE,
    NATIONAL,
    OPERATOR,
    ORGANISATION_OF,
    POLICE_ROLES,
    REGULATOR,
    SCHOOL_PREFIX,
    TRAFFICKING_CENTRE,
    desk_of,
)

Certify = Callable[[str], bytes | None]
"""From an e-mail address to the DER of its certificate; None where it has none."""

ANY_SCHOOL = f"{SCHOOL_PREFIX}*"
_ROUND_THE_CLOCK = frozenset((*COVER_DESKS, *(desk_of(role) for role in (*POLICE_ROLES, *ORGANISATION_OF))))
_DOMAINS = {
    HOME_OFFICE: "home-office.gov.example",
    BUREAU: "bureau.agency.example",
    CEOP: "ceop.agency.example",
    REGULATOR: "regulator.gov.example",
    TRAFFICKING_CENTRE: "trafficking.agency.example",
    OPERATOR: "operator.hub.example",
}
_CALENDARS: dict[str, Calendar] = {
    "England": "england",
    "Wales": "wales",
    "Scotland": "scotland",
    "Northern Ireland": "northern-ireland",
}


def fictional_directory(
    *,
    certificates: Certify | None = None,
    unreachable_roles: Iterable[str] = (),
    unreachable_organisations: Iterable[str] = (),
    office_hours: bool = False,
) -> Directory:
    """Every role reachable, but for what is named unreachable.

    ``unreachable_organisations`` may hold any code that leads to an authority (readings.md B33), or another
    organisation's own code. With ``office_hours`` most desks are off duty outside them and the emergency duty teams
    answer; without, everybody is always on duty, and the answers do not depend on the time of day. Without
    ``certificates`` the directory is built once and shared.
    """
    whole = _shared(office_hours) if certificates is None else Directory.of(_bundle(certificates, office_hours))
    roles = frozenset(unreachable_roles)
    organisations = frozenset(_present_code(code) for code in unreachable_organisations)
    return whole.without(roles, organisations) if roles or organisations else whole


def fictional_bundle(*, certificates: Certify | None = None, office_hours: bool = False) -> Bundle:
    """The same as rows, for export or import."""
    return _shared(office_hours).bundle if certificates is None else _bundle(certificates, office_hours)


@cache
def _shared(office_hours: bool) -> Directory:
    return Directory.of(_bundle(None, office_hours))


def _present_code(code: str) -> str:
    try:
        return load_areas().resolve(code).gss
    except AreaProblem:
        return code


def _bundle(certificates: Certify | None, office_hours: bool) -> Bundle:
    organisations: list[Organisation] = []
    desks: list[Desk] = []
    contacts: list[Contact] = []
    for number, (code, name, domain, calendar, functions) in enumerate(_bodies(load_areas())):
        organisations.append(Organisation(code=code, name=name, phone=f"+441632960{number:03d}"))
        for function in functions:
            address = f"{function.replace('_', '-')}@{domain}"
            hours = f"office-{calendar}" if office_hours and function not in _ROUND_THE_CLOCK else None
            desks.append(Desk(organisation=code, function=function))
            contacts.append(
                Contact(
                    id=f"{code}.{function}".lower().replace(":", "-").replace("*", "any"),
                    organisation=code,
                    desk=function,
                    channel="email",
                    address=address,
                    hours=hours,
                )
            )
    return Bundle(
        organisations=tuple(organisations),
        desks=tuple(desks),
        contacts=tuple(contacts),
        hours=tuple(
            Hours(name=f"office-{nation}", times="mon-fri 08:30-17:30", bank_holidays=nation)
            for nation in (_CALENDARS.values() if office_hours else ())
        ),
        certificates=tuple(_certificates(contacts, certificates)) if certificates else (),
    )


def _bodies(areas: Areas) -> Iterator[tuple[str, str, str, Calendar, tuple[str, ...]]]:
    """Code, name, mail domain, bank holidays and desks of every organisation, in a fixed order."""
    council = tuple(dict.fromkeys((*map(desk_of, AUTHORITY_ROLES), *COVER_DESKS)))
    force = (desk_of("police"),)
    for authority in areas.authorities.values():
        domain = f"{authority.gss.lower()}.council.example"
        yield authority.gss, authority.official_name, domain, _CALENDARS[authority.nation], council
    for police in areas.forces.values():
        calendar = _CALENDARS.get(police.nation, "england")
        yield police.code, police.name, f"{police.code.lower()}.police.example", calendar, force
    for code, name in NATIONAL.items():
        functions = tuple(desk_of(role) for role, organisation in ORGANISATION_OF.items() if organisation == code)
        yield code, name, _DOMAINS[code], "england", functions
    yield ANY_SCHOOL, "The child's school", "school.example", "england", (desk_of("school"),)


def _certificates(contacts: Iterable[Contact], certify: Certify) -> Iterator[Certificate]:
    for contact in contacts:
        der = certify(contact.address)
        if der is not None:
            yield Certificate(address=contact.address, der=der, fingerprint=sha256(der).hexdigest(), pinned=True)
