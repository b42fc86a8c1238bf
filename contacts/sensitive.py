"""Which changes of the directory alter where a notice goes, and so take effect only when a second person agrees. Pure.

A wrong address sends a child's data to a stranger, and one that is gone tells nobody: either is one person's slip, or
one stolen password, away. Hours, names, the order of contacts and whatever is over already are not among them.
"""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal, TypeAlias, get_args

from contacts.certificates import in_use
from contacts.changes import Difference
from contacts.model import Bundle, Certificate, Contact, Desk, Organisation, Urgency, kept_under
from contacts.plans import ALERT_ONLY

Reason = Literal[
    "new_contact", "address", "number", "channel", "desk", "longer", "certificate", "pin", "fallback", "deputy",
    "signing", "last_contact",
]  # fmt: skip
"""Why it takes two. ``number``: one that is texted, or that partners ring; ``desk``: a contact that answers for another
desk; ``longer``: in force when it would not have been; ``last_contact``: a desk would be left, at some time from now
on, without a contact, or without one that can carry the notice itself or that hears of everything it heard of."""

_NEVER: Final = datetime.max.replace(tzinfo=UTC)
_PRESSING: Final[tuple[Urgency, ...]] = get_args(Urgency)
_Key: TypeAlias = tuple[str, str]
_Window: TypeAlias = tuple[datetime, datetime]
_Reach: TypeAlias = tuple[int, int]
"""How far down the urgencies a desk is told at a moment: by any contact, and by one that gets the notice itself."""
_NOBODY: Final[_Reach] = (-1, -1)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Side:
    """A directory, ready to be asked who is in force from ``at`` on."""

    at: datetime
    organisations: Mapping[str, Organisation]
    desks: Mapping[_Key, Desk]
    contacts: Mapping[str, Contact]
    staff: Mapping[_Key, Sequence[Contact]]

    @classmethod
    def of(cls, bundle: Bundle, at: datetime, organisations: Container[str] | None) -> "_Side":
        """``organisations``: of these alone; None is all."""
        staff: dict[_Key, list[Contact]] = {}
        contacts = [c for c in bundle.contacts if organisations is None or c.organisation in organisations]
        for contact in contacts:
            staff.setdefault((contact.organisation, contact.desk), []).append(contact)
        return cls(
            at=at,
            organisations={o.code: o for o in bundle.organisations},
            desks={(d.organisation, d.function): d for d in bundle.desks},
            contacts={c.id: c for c in contacts},
            staff=staff,
        )

    def window(self, contact: Contact | None) -> _Window | None:
        """From when to when it is in force with its desk and organisation, as far as that is still to come."""
        if contact is None:
            return None
        desk = self.desks.get((contact.organisation, contact.desk))
        organisation = self.organisations.get(contact.organisation)
        if desk is None or organisation is None:
            return None
        dated = (contact, desk, organisation)
        start = max([self.at, *(one.valid_from for one in dated if one.valid_from is not None)])
        end = min([_NEVER, *(one.valid_until for one in dated if one.valid_until is not None)])
        return (start, end) if start < end else None

    def reach(self, desk: _Key, at: datetime) -> _Reach:
        """How well the desk is staffed at an instant, whoever is on duty."""
        any_, content = _NOBODY
        for contact in self.staff.get(desk, ()):
            window = self.window(contact)
            if window is not None and window[0] <= at < window[1]:
                depth = _PRESSING.index(contact.least_priority)
                any_ = max(any_, depth)
                content = content if contact.channel in ALERT_ONLY else max(content, depth)
        return any_, content

    def turns(self, desk: _Key) -> Iterator[datetime]:
        """When somebody at the desk begins or ends."""
        for contact in self.staff.get(desk, ()):
            window = self.window(contact)
            if window is not None:
                yield from window


def reasons(
    before: Bundle, after: Bundle, differences: Sequence[Difference], at: datetime
) -> tuple[tuple[Reason, ...], ...]:
    """For each of ``differences`` (all that there are between the two bundles) why it takes two persons; empty if it
    takes one. ``at``: now; what ended before it concerns nobody."""
    # Whoever has a certificate's address may be anybody.
    whole = any(one.table == "certificates" for one in differences)
    about = None if whole else {code for one in differences for code in _organisations(one)}
    old, new = _Side.of(before, at, about), _Side.of(after, at, about)
    lost = {desk for desk in _desks(old, differences) if _lost(old, new, desk)}
    used = {kept_under(c.address) for c in before.contacts if old.window(c) is not None} if whole else set[str]()
    return tuple(tuple(dict.fromkeys(_reasons(old, new, one, lost, used))) for one in differences)


def _reasons(old: _Side, new: _Side, one: Difference, lost: Iterable[_Key], used: Iterable[str]) -> Iterator[Reason]:
    match one.before or one.after:
        case Contact():
            yield from _of_contact(old, new, one)
        case Desk():
            yield from _of_desk(old, new, one)
        case Organisation():
            yield from _of_organisation(old, new, one)
        case Certificate():
            yield from _of_certificate(one, old.at, used)
        case _:
            pass
    if any(_about(one, desk) for desk in lost):
        yield "last_contact"


def _of_contact(old: _Side, new: _Side, one: Difference) -> Iterator[Reason]:
    was, will = _contact(one.before), _contact(one.after)
    before, after = old.window(was), new.window(will)
    if will is None or after is None:
        return
    if was is None or before is None:
        yield "new_contact"
        return
    if was.channel != will.channel:
        yield "channel"
    if was.address != will.address:
        yield "number" if will.channel == "sms" else "address"
    if (was.organisation, was.desk) != (will.organisation, will.desk):
        yield "desk"
    if not _within(after, before):
        yield "longer"


def _of_desk(old: _Side, new: _Side, one: Difference) -> Iterator[Reason]:
    was, will = one.before, one.after
    if (was.phone if isinstance(was, Desk) else None) != (will.phone if isinstance(will, Desk) else None):
        yield "number"
    if (was.deputy if isinstance(was, Desk) else None) != (will.deputy if isinstance(will, Desk) else None):
        yield "deputy"
    if isinstance(was, Desk) and isinstance(will, Desk):
        key = (will.organisation, will.function)
        if any(_longer(old, new, contact) for contact in new.staff.get(key, ())):
            yield "longer"


def _of_organisation(old: _Side, new: _Side, one: Difference) -> Iterator[Reason]:
    was, will = one.before, one.after
    if (was.phone if isinstance(was, Organisation) else None) != (
        will.phone if isinstance(will, Organisation) else None
    ):
        yield "number"
    if not (isinstance(was, Organisation) and isinstance(will, Organisation)):
        return
    if was.fallback_desk != will.fallback_desk:
        yield "fallback"
    if was.signing_identity != will.signing_identity:
        yield "signing"
    staff = (contact for key, found in new.staff.items() if key[0] == will.code for contact in found)
    if any(_longer(old, new, contact) for contact in staff):
        yield "longer"


def _of_certificate(one: Difference, at: datetime, used: Iterable[str]) -> Iterator[Reason]:
    was, will = one.before, one.after
    if not isinstance(was, Certificate):
        yield "certificate"
    elif not isinstance(will, Certificate):
        if kept_under(was.address) in used and in_use(was)[1] >= at:
            yield "certificate"
    elif was.pinned != will.pinned:
        yield "pin"


def _longer(old: _Side, new: _Side, contact: Contact) -> bool:
    """Whether a contact that was there before is in force at a time when it was not: its desk's or organisation's dates
    are its own."""
    before, after = old.window(old.contacts.get(contact.id)), new.window(contact)
    return contact.id in old.contacts and after is not None and (before is None or not _within(after, before))


def _within(inner: _Window, outer: _Window) -> bool:
    return outer[0] <= inner[0] and inner[1] <= outer[1]


def _contact(entry: object) -> Contact | None:
    return entry if isinstance(entry, Contact) else None


def _organisations(one: Difference) -> Iterator[str]:
    for side in (one.before, one.after):
        match side:
            case Contact() | Desk():
                yield side.organisation
            case Organisation():
                yield side.code
            case _:
                pass


def _desks(old: _Side, differences: Iterable[Difference]) -> set[_Key]:
    """The desks that somebody may be taken from."""
    found: set[_Key] = set()
    for one in differences:
        match one.before:
            case Contact() as contact:
                found.add((contact.organisation, contact.desk))
            case Desk() as desk:
                found.add((desk.organisation, desk.function))
            case Organisation() as organisation:
                found.update(key for key in old.staff if key[0] == organisation.code)
            case _:
                pass
    return found


def _about(one: Difference, desk: _Key) -> bool:
    match one.before:
        case Contact() as contact:
            return (contact.organisation, contact.desk) == desk
        case Desk() as found:
            return (found.organisation, found.function) == desk
        case Organisation() as organisation:
            return organisation.code == desk[0]
        case _:
            return False


def _lost(old: _Side, new: _Side, desk: _Key) -> bool:
    """Whether, now or at some later moment, the desk is told of less than it would have been."""
    for at in {old.at, *old.turns(desk), *new.turns(desk)} - {_NEVER}:
        before, after = old.reach(desk, at), new.reach(desk, at)
        if after[0] < before[0] or after[1] < before[1]:
            return True
    return False
