"""Who can be reached at a moment: an immutable snapshot of the directory, built once and asked often."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

from contacts.model import Bundle, Certificate, Contact, Desk, Organisation, Reached, Unreached, in_force, kept_under
from contacts.roles import (
    ANY_SCHOOL,
    EMERGENCY_DUTY_TEAM,
    FOSTERING_OUT_OF_HOURS,
    FOSTERING_ROLES,
    OPERATOR,
    ORGANISATION_OF,
    SCHOOL_PREFIX,
    desk_of,
)
from contacts.rota import Rota, read_hours

__all__ = ["Directory", "desk_of"]

Staff = tuple[tuple[Contact, Rota | None], ...]
Usable = Callable[[Contact], bool]
"""Whether a contact is any use for what is to be told: somebody on duty who is not told of it is nobody on duty."""
_NOBODY: Staff = ()


def _any(_: Contact) -> bool:
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Directory:
    """A snapshot: nothing changes after :meth:`of`, and every answer depends on the arguments alone."""

    bundle: Bundle = field(repr=False)
    _organisations: Mapping[str, Organisation] = field(repr=False)
    _desks: Mapping[tuple[str, str], Desk] = field(repr=False)
    _staff: Mapping[tuple[str, str], Staff] = field(repr=False)
    _contacts: Mapping[str, Contact] = field(repr=False)
    _certificates: Mapping[str, tuple[Certificate, ...]] = field(repr=False)
    _without: frozenset[str] = field(default=frozenset(), repr=False)
    """Roles and organisation codes that play dead (simulate's ``unreachable``)."""

    @classmethod
    def of(cls, bundle: Bundle) -> "Directory":
        """``bundle`` has been checked (contacts/tables.py). Raises ValueError where it has not: a contact on hours
        that do not exist, or hours that cannot be read."""
        rotas = {hours.name: read_hours(hours) for hours in bundle.hours}
        staff: dict[tuple[str, str], list[tuple[Contact, Rota | None]]] = {}
        for contact in sorted(bundle.contacts, key=lambda c: (c.order, c.id)):
            if contact.hours is not None and contact.hours not in rotas:
                raise ValueError(f"contact {contact.id} is on hours that the directory does not hold")
            rota = None if contact.hours is None else rotas[contact.hours]
            staff.setdefault((contact.organisation, contact.desk), []).append((contact, rota))
        certificates: dict[str, list[Certificate]] = {}
        for certificate in bundle.certificates:
            certificates.setdefault(kept_under(certificate.address), []).append(certificate)
        return cls(
            bundle=bundle,
            _organisations=MappingProxyType({o.code: o for o in bundle.organisations}),
            _desks=MappingProxyType({(d.organisation, d.function): d for d in bundle.desks}),
            _staff=MappingProxyType({desk: tuple(found) for desk, found in staff.items()}),
            _contacts=MappingProxyType({c.id: c for c in bundle.contacts}),
            _certificates=MappingProxyType({address: tuple(found) for address, found in certificates.items()}),
        )

    def without(self, roles: Iterable[str] = (), organisations: Iterable[str] = ()) -> "Directory":
        """The same directory in which these roles, everywhere, and these organisations have no contacts."""
        return Directory(
            bundle=self.bundle,
            _organisations=self._organisations,
            _desks=self._desks,
            _staff=self._staff,
            _contacts=self._contacts,
            _certificates=self._certificates,
            _without=self._without | frozenset(roles) | frozenset(organisations),
        )

    def resolve(
        self,
        role: str,
        organisation: str | None,
        at: datetime,
        *,
        in_house_foster: bool = False,
        usable: Usable = _any,
    ) -> Reached | Unreached:
        """Who answers for ``role`` of ``organisation`` at the instant ``at`` (aware).

        ``organisation`` is a code as in :class:`Organisation`; for the roles that only one organisation holds it may
        be None. For a circulation it is one member. ``in_house_foster`` says that the child lives with the
        authority's own foster carers, whose fostering desk takes the place of the emergency duty team (B-69, B-70).

        In this order: the desk's contacts on duty; outside their hours the fostering out-of-hours desk or the
        emergency duty team of the same organisation, if somebody is on duty there; else the desk's contacts although
        off duty, as a notice that waits until morning is better than none. ``usable``: those that are not are passed
        over where anybody else is; a desk that has no others is no gap.
        """
        code = organisation or ORGANISATION_OF.get(role)
        function = desk_of(role)
        if role in self._without:
            return Unreached(reason="no_contact", organisation=code, desk=function)
        fostering = in_house_foster and role in FOSTERING_ROLES
        return self._reach(code, function, at, usable, fostering=fostering)

    def reach(self, organisation: str, function: str, at: datetime, *, usable: Usable = _any) -> Reached | Unreached:
        """Who answers for this very desk, in the order of :meth:`resolve`."""
        return self._reach(organisation, function, at, usable, fostering=False)

    def fallback(self, organisation: str | None, at: datetime, *, usable: Usable = _any) -> Reached | Unreached:
        """Who hears of a gap: the organisation's fallback desk, else the operator's. Which of the two it became is
        :attr:`Reached.organisation`; what the operator is sent must be content-free (readings.md D11)."""
        known = None if organisation is None else self._organisations.get(organisation)
        if known is not None:
            reached = self._reach(known.code, known.fallback_desk, at, usable, fostering=False)
            if isinstance(reached, Reached):
                return reached
        return self.resolve("operator", OPERATOR, at, usable=usable)

    def desk_now(self, organisation: str, function: str, at: datetime) -> tuple[Contact, ...]:
        """The contacts of this very desk that are on duty; nobody stands in for it."""
        desk, known = self._desks.get((organisation, function)), self._organisations.get(organisation)
        if desk is None or known is None or not (in_force(desk, at) and in_force(known, at)):
            return ()
        return () if organisation in self._without else _on_duty(self._present(organisation, function, at), at)

    def contacts_of(self, organisation: str, function: str, at: datetime) -> tuple[Contact, ...]:
        """All contacts of this very desk that are in force, on duty or not."""
        return () if organisation in self._without else tuple(c for c, _ in self._present(organisation, function, at))

    def certificates(self, address: str) -> tuple[Certificate, ...]:
        """All certificates on file for a mailbox, or all keys for a URL. Whether one is usable is asked at the moment
        of use."""
        return self._certificates.get(kept_under(address), ())

    def contact(self, id: str, at: datetime) -> Contact | None:
        """The contact, if it is still there and in force, with its desk and its organisation."""
        found = self._contacts.get(id)
        if found is None:
            return None
        of = (found, self._desks.get((found.organisation, found.desk)), self._organisations.get(found.organisation))
        return found if all(one is not None and in_force(one, at) for one in of) else None

    def organisation(self, code: str) -> Organisation | None:
        """The organisation, whether or not it is in force; a school only if the directory names it."""
        return self._organisations.get(code)

    def desk(self, organisation: str, function: str) -> Desk | None:
        """The desk, whether or not it is in force."""
        return self._desks.get((organisation, function))

    def phone(self, organisation: str, function: str | None = None) -> str | None:
        """The number to ring (E.164): the desk's, else the organisation's."""
        desk = None if function is None else self.desk(organisation, function)
        if desk is not None and desk.phone is not None:
            return desk.phone
        known = self._organisations.get(organisation)
        return None if known is None else known.phone

    def _reach(
        self, code: str | None, function: str, at: datetime, usable: Usable, *, fostering: bool
    ) -> Reached | Unreached:
        known = None if code is None else self._organisation_or_school(code)
        if code is None or known is None or not in_force(known, at):
            return Unreached(reason="no_organisation", organisation=code, desk=function)
        desk = self._desks.get((known.code, function))
        if desk is None or not in_force(desk, at):
            return Unreached(reason="no_desk", organisation=code, desk=function)
        present = () if code in self._without else self._present(known.code, function, at)
        if not present:
            return Unreached(reason="no_contact", organisation=code, desk=function)
        heard = _only(present, usable)
        duty = _on_duty(heard, at)
        if duty:
            return Reached(organisation=code, desk=function, contacts=duty)
        for cover in (FOSTERING_OUT_OF_HOURS, EMERGENCY_DUTY_TEAM) if fostering else (EMERGENCY_DUTY_TEAM,):
            stand_in = self._desks.get((known.code, cover))
            if stand_in is None or not in_force(stand_in, at):
                continue
            duty = _on_duty(_only(self._present(known.code, cover, at), usable), at)
            if duty:
                return Reached(organisation=code, desk=cover, contacts=duty)
        if not heard:  # each of its contacts is left out, which is not for want of anybody on duty
            duty = _on_duty(present, at)
            if duty:
                return Reached(organisation=code, desk=function, contacts=duty)
        return Reached(
            organisation=code,
            desk=function,
            contacts=tuple(contact for contact, _ in heard or present),
            on_duty=False,
        )

    def _organisation_or_school(self, code: str) -> Organisation | None:
        """A school without an entry of its own may be covered by ``school:*``, where a directory has that."""
        known = self._organisations.get(code)
        if known is None and code.startswith(SCHOOL_PREFIX):
            return self._organisations.get(ANY_SCHOOL)
        return known

    def _present(self, organisation: str, function: str, at: datetime) -> Staff:
        staff = self._staff.get((organisation, function), _NOBODY)
        return tuple(pair for pair in staff if in_force(pair[0], at))


def _only(staff: Staff, usable: Usable) -> Staff:
    return staff if usable is _any else tuple(pair for pair in staff if usable(pair[0]))


def _on_duty(staff: Staff, at: datetime) -> tuple[Contact, ...]:
    return tuple(contact for contact, rota in staff if rota is None or rota.on_duty(at))
