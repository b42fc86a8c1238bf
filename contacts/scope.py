"""Whose an entry of the directory is: what one organisation may see and change of it, and what it may not. Pure.

Organisations, desks and contacts say whose they are. Hours and certificates stand in tables that all share: they belong
to the one organisation whose contacts use them (docs/adr/0011). What several use, or nobody, is the operator's.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from contacts.changes import Difference, difference
from contacts.export import ordered
from contacts.model import Bundle, Certificate, Contact, Desk, Hours, Organisation, Problem, kept_under

Users = Mapping[str, frozenset[str]]
"""Hours' name, or what an address is kept under, to the organisations whose contacts use it."""
_THEIR_HOURS: Final = "another organisation uses these hours: make some of your own, or ask the operator"
MOST_UNUSED: Final = 1_000
"""Hours that nobody uses, of all organisations together: they are nobody's, and no administrator's to heap up."""
_NOBODY: Final[tuple[Users, Users]] = ({}, {})


def part_of(bundle: Bundle, organisation: str) -> Bundle:
    """What of a directory is about one organisation, with the hours it shares and the certificates of its addresses.

    It stands by itself: it can be exported, and imported as the organisation's part."""
    contacts = tuple(c for c in bundle.contacts if c.organisation == organisation)
    hours = {c.hours for c in contacts}
    addresses = {kept_under(c.address) for c in contacts}
    return Bundle(
        organisations=tuple(o for o in bundle.organisations if o.code == organisation),
        desks=tuple(d for d in bundle.desks if d.organisation == organisation),
        contacts=contacts,
        hours=tuple(h for h in bundle.hours if h.name in hours),
        certificates=tuple(c for c in bundle.certificates if kept_under(c.address) in addresses),
    )


def with_part(bundle: Bundle, organisation: str, part: Bundle) -> Bundle:
    """``bundle`` with ``part`` in the place of what it has about the organisation. Hours and certificates that others
    use too stay where the part leaves them out. Whether it keeps to the organisation's own is for :func:`beyond`."""
    hours, addresses = users(bundle)
    own = part_of(bundle, organisation)
    mine = frozenset({organisation})
    gone = Bundle(
        organisations=own.organisations,
        desks=own.desks,
        contacts=own.contacts,
        hours=tuple(h for h in own.hours if hours[h.name] == mine),
        certificates=tuple(c for c in own.certificates if addresses[kept_under(c.address)] == mine),
    )
    removed = {(one.table, one.key) for one in difference(gone, Bundle())}
    put = {(one.table, one.key): one.after for one in difference(Bundle(), part)}
    kept = [one for one in difference(Bundle(), bundle) if (one.table, one.key) not in removed | put.keys()]
    found = [*(one.after for one in kept), *put.values()]
    return ordered(
        Bundle(
            organisations=tuple(e for e in found if isinstance(e, Organisation)),
            desks=tuple(e for e in found if isinstance(e, Desk)),
            contacts=tuple(e for e in found if isinstance(e, Contact)),
            hours=tuple(e for e in found if isinstance(e, Hours)),
            certificates=tuple(e for e in found if isinstance(e, Certificate)),
        )
    )


def users(bundle: Bundle) -> tuple[Users, Users]:
    """Who uses each of the hours, and who each address."""
    hours: dict[str, set[str]] = {}
    addresses: dict[str, set[str]] = {}
    for contact in bundle.contacts:
        if contact.hours is not None:
            hours.setdefault(contact.hours, set()).add(contact.organisation)
        addresses.setdefault(kept_under(contact.address), set()).add(contact.organisation)
    return _frozen(hours), _frozen(addresses)


def concerned(before: Bundle, after: Bundle, differences: Sequence[Difference]) -> tuple[frozenset[str], ...]:
    """For each difference the organisations whose reach it may alter; empty where nobody uses the entry."""
    shared = any(one.table in ("hours", "certificates") for one in differences)
    old, new = (users(before), users(after)) if shared else (_NOBODY, _NOBODY)
    return tuple(_concerned(old, new, one) for one in differences)


def beyond(
    organisation: str, before: Bundle, differences: Sequence[Difference], concerning: Sequence[frozenset[str]]
) -> tuple[Problem, ...]:
    """What an administrator of ``organisation`` may not change in ``before``, and why; empty if all of it is theirs.
    ``concerning``: what :func:`concerned` says of the differences."""
    found = tuple(zip(differences, concerning, strict=True))
    return (*_beyond(organisation, found), *_taken_up(organisation, before, differences), *_heaped_up(before, found))


def _heaped_up(before: Bundle, found: Iterable[tuple[Difference, frozenset[str]]]) -> Iterator[Problem]:
    fresh = [one for one, whose in found if one.before is None and isinstance(one.after, Hours) and not whose]
    if not fresh:
        return
    used = users(before)[0]
    room = MOST_UNUSED - sum(one.name not in used for one in before.hours)
    for one in fresh[max(0, room) :]:
        yield Problem(one.path, f"there are {MOST_UNUSED} hours that nobody uses: use some, or ask the operator")


def _taken_up(organisation: str, before: Bundle, differences: Sequence[Difference]) -> Iterator[Problem]:
    """Hours that one other organisation alone uses: with a second user they would not be its own any more, and it could
    not change them."""
    news = [(one, one.after.hours) for one in differences if isinstance(one.after, Contact)
            and one.after.hours is not None and one.after.hours != getattr(one.before, "hours", None)]  # fmt: skip
    used = users(before)[0] if news else {}
    for one, hours in news:
        whose = used.get(hours, frozenset())
        if len(whose) == 1 and organisation not in whose:
            yield Problem(f"{one.path}.hours", _THEIR_HOURS)


def _beyond(organisation: str, found: Iterable[tuple[Difference, frozenset[str]]]) -> Iterator[Problem]:
    mine = frozenset({organisation})
    for one, whose in found:
        match one.before or one.after:
            case Organisation() if whose == mine:
                yield from _of_organisation(one)
            case Organisation() | Desk() | Contact() if whose != mine:
                yield Problem(one.path, "belongs to another organisation")
            case Hours() if whose - mine:
                yield Problem(one.path, _THEIR_HOURS)
            case Certificate() if not whose:
                yield Problem(one.path, "no contact of yours has this address: ask the operator")
            case Certificate() if whose != mine:
                yield Problem(one.path, "another organisation has a contact of this address: ask the operator")
            case _:
                pass


def _of_organisation(one: Difference) -> Iterator[Problem]:
    was, will = one.before, one.after
    if not (isinstance(was, Organisation) and isinstance(will, Organisation)):
        yield Problem(one.path, "only the operator adds or removes an organisation")
    elif was.signing_identity != will.signing_identity:
        yield Problem(f"{one.path}.signing_identity", "only the operator says which key signs")


def _concerned(old: tuple[Users, Users], new: tuple[Users, Users], one: Difference) -> frozenset[str]:
    found: set[str] = set()
    for side, (hours, addresses) in ((one.before, old), (one.after, new)):
        match side:
            case Organisation():
                found.add(side.code)
            case Desk() | Contact():
                found.add(side.organisation)
            case Hours():
                found |= hours.get(side.name, frozenset())
            case Certificate():
                found |= addresses.get(kept_under(side.address), frozenset())
            case None:
                pass
    # One that is added is also used by whoever had the name or the address before it.
    if isinstance(one.after, Hours):
        found |= old[0].get(one.after.name, frozenset())
    if isinstance(one.after, Certificate):
        found |= old[1].get(kept_under(one.after.address), frozenset())
    return frozenset(found)


def _frozen(found: Mapping[str, set[str]]) -> Users:
    return {key: frozenset(value) for key, value in found.items()}
