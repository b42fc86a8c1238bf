"""What to check next in a directory: who is reachable by day and by night, which certificates are missing or end."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Literal, get_args

from contacts.areas import Areas
from contacts.certificates import in_use
from contacts.directory import Directory
from contacts.model import CALENDARS, Certificate, Contact, Reached, Unreached, in_force
from contacts.plans import ALERT_ONLY
from contacts.roles import AUTHORITY_ROLES, BY_OPTION, ORGANISATION_OF, SCHOOL_PREFIX
from contacts.rota import LONDON, bank_holidays

State = Literal["on_duty", "off_duty", "no_organisation", "no_desk", "no_contact"]
"""``off_duty``: there are contacts, but they read a notice only when they are back."""
STATES: tuple[State, ...] = get_args(State)


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """How one role of one organisation can be reached: at the moment asked about, and on the first working Wednesday
    from then."""

    organisation: str
    role: str
    now: State
    by_day: State
    """At 11:00 local time."""
    by_night: State
    """At 03:00 local time."""
    second_channel: bool
    """Whether those who answer by day and by night have a second channel: a serious notice goes on two at once, and the
    code that opens a notice goes by another one than its link."""

    @property
    def complete(self) -> bool:
        """Whether somebody is there by day and by night."""
        return self.by_day == "on_duty" and self.by_night == "on_duty"

    @property
    def always(self) -> bool:
        """Whether somebody is there now as well, which may be a bank holiday."""
        return self.complete and self.now == "on_duty"


@dataclass(frozen=True, slots=True, kw_only=True)
class Expiring:
    """A certificate that has ended, or ends soon, and belongs to somebody who is in the directory."""

    certificate: Certificate
    contact: Contact
    until: datetime


def coverage(directory: Directory, at: datetime, areas: Areas) -> tuple[Coverage, ...]:
    """Every role of every authority and force there is, whether or not the directory holds it, and the national ones.

    Schools are not listed: there is no list of them to hold the directory against.
    """
    return coverage_of(directory, at, _expected(areas))


def expected_of(organisation: str, areas: Areas) -> tuple[str, ...]:
    """The roles that an organisation answers for; none of one that nobody is told at."""
    if organisation.startswith(SCHOOL_PREFIX):
        return ("school",)
    return tuple(role for code, role in _expected(areas) if code == organisation)


def coverage_of(directory: Directory, at: datetime, wanted: Iterable[tuple[str, str]]) -> tuple[Coverage, ...]:
    """The same of these roles only; ``wanted``: organisation and role."""
    day, night = samples(at)
    return tuple(_coverage(directory, organisation, role, (at, day, night)) for organisation, role in wanted)


def _coverage(
    directory: Directory, organisation: str, role: str, moments: tuple[datetime, datetime, datetime]
) -> Coverage:
    now, day, night = (directory.resolve(role, organisation, at) for at in moments)
    return Coverage(
        organisation=organisation,
        role=role,
        now=_state(now),
        by_day=_state(day),
        by_night=_state(night),
        second_channel=_on_two_channels(day) and _on_two_channels(night),
    )


def covered(found: Sequence[Coverage]) -> Mapping[tuple[str, State], int]:
    """How many roles are in which state: by ``now``, ``by_day`` and ``by_night``, every state each."""
    return {
        (when, state): count[state]
        for when in ("now", "by_day", "by_night")
        for count in (Counter(getattr(one, when) for one in found),)
        for state in STATES
    }


def without_certificate(directory: Directory, at: datetime) -> tuple[Contact, ...]:
    """E-mail and push contacts in force at ``at`` for whom no certificate or key is on file that is valid then by its
    dates, and for push pinned: they get a content-free message and have to collect the notice."""
    return tuple(
        contact
        for contact in _readers(directory, at)
        if not any(_valid(certificate, at) for certificate in directory.certificates(contact.address))
    )


def expiring(
    directory: Directory, at: datetime, within: timedelta, *, organisation: str | None = None
) -> tuple[Expiring, ...]:
    """For which contacts what is on file ends by ``at + within``, or has ended, earliest first; of one organisation, or
    of all.

    What counts is how long there is one without a break, so a new certificate that begins after the old one has ended
    does not help, and neither does a key that is not pinned, as nobody uses it. Of a push contact the keys to encrypt
    to and those it signs with are told apart: either is missed.
    """
    return tuple(
        sorted(
            (
                Expiring(certificate=last, contact=contact, until=in_use(last)[1])
                for contact in _readers(directory, at)
                if organisation in (None, contact.organisation)
                for held in _by_use(directory.certificates(contact.address))
                for last in (_lasting(held, at),)
                if last is not None and in_use(last)[1] <= at + within
            ),
            key=lambda e: (e.until, e.contact.id, e.certificate.fingerprint),
        )
    )


def _by_use(held: Sequence[Certificate]) -> Iterator[list[Certificate]]:
    """Those that may stand in for one another."""
    yield [one for one in held if not one.is_jwk]
    keys = [(json.loads(one.der)["use"], one) for one in held if one.is_jwk and one.pinned]
    for use in ("enc", "sig"):
        yield [one for its_use, one in keys if its_use == use]


def _lasting(held: Sequence[Certificate], at: datetime) -> Certificate | None:
    """The one that ends last of those that follow one another from ``at`` on without a break; where none is in force,
    the last that was; None where none was yet."""
    last: Certificate | None = None
    until = at
    for one in sorted(held, key=lambda certificate: in_use(certificate)[0]):
        first, end = in_use(one)
        if first <= until and end >= until:
            last, until = one, end
    if last is not None:
        return last
    ended = [one for one in held if in_use(one)[1] < at]
    return max(ended, key=lambda certificate: in_use(certificate)[1], default=None)


def _expected(areas: Areas) -> Iterator[tuple[str, str]]:
    for authority in areas.everywhere():
        for role in AUTHORITY_ROLES:
            if role not in BY_OPTION:
                yield authority, role
    for force in areas.forces:
        yield force, "police"
    for role, organisation in ORGANISATION_OF.items():
        if role not in BY_OPTION:
            yield organisation, role


def samples(at: datetime) -> tuple[datetime, datetime]:
    """The first Wednesday on or after ``at`` that is a working day in all nations: 11:00 and 03:00."""
    local = at.astimezone(LONDON)
    wednesday = local.date() + timedelta(days=(2 - local.weekday()) % 7)
    while any(wednesday in bank_holidays(calendar, wednesday.year) for calendar in CALENDARS):
        wednesday += timedelta(days=7)
    return datetime.combine(wednesday, time(11), LONDON), datetime.combine(wednesday, time(3), LONDON)


def _state(answer: Reached | Unreached) -> State:
    if isinstance(answer, Unreached):
        return answer.reason
    return "on_duty" if answer.on_duty else "off_duty"


def _on_two_channels(answer: Reached | Unreached) -> bool:
    return isinstance(answer, Reached) and len({one.channel for one in answer.contacts}) > 1


def _readers(directory: Directory, at: datetime) -> Iterator[Contact]:
    """Whoever is sent content."""
    for contact in directory.bundle.contacts:
        if contact.channel not in ALERT_ONLY and in_force(contact, at):
            yield contact


def _valid(certificate: Certificate, at: datetime) -> bool:
    first, last = in_use(certificate)
    return first <= at <= last and (certificate.pinned or not certificate.is_jwk)
