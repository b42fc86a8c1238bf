"""A desk's contact plan: which ways are taken at once, and which in turn.

The plan is the desk's contacts themselves: those of one ``order`` are one step and go out together, the orders are
taken in turn, and a contact is left out where the notice presses less than it asks for. Content goes by e-mail and
push; an SMS carries a content-free alert. Pure.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import Final, Literal, TypeAlias, get_args

from contacts.model import Channel, Contact, Urgency

Carries = Literal["content", "alert"]

ALERT_ONLY: Final[frozenset[Channel]] = frozenset({"sms"})
"""Channels that cannot carry content."""
SERIOUS: Final[frozenset[Urgency]] = frozenset({"immediate", "high"})
_PRESSING: Final[tuple[Urgency, ...]] = get_args(Urgency)


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One contact, and what goes there."""

    contact: Contact
    carries: Carries


Step: TypeAlias = tuple[Way, ...]
"""Ways that are taken together."""


def plan(contacts: Sequence[Contact], priority: Urgency, channels: Collection[str]) -> tuple[Step, ...]:
    """The steps for a notice of this priority over the contacts on duty; empty if none can be used.

    ``channels`` are those that the hub has a transport for. The first step has a way for the content wherever the plan
    has one: an alert must not be all that goes out while the content waits its turn. A serious notice (``high`` or
    above) goes on two channels at once, content and a content-free alert, wherever the plan has both.
    """
    ways = map(_way, filter(usable_for(priority, channels), contacts))
    steps = [tuple(step) for _, step in groupby(_once(sorted(ways, key=_order)), key=_order)]
    if not steps:
        return ()
    first, later = steps[0], steps[1:]
    first += _missing(first, later, "content")
    if priority in SERIOUS:
        first += _missing(first, later, "alert")
    taken = {key_of(way) for way in first}
    return (first, *_without(later, taken))


def usable_for(priority: Urgency, channels: Collection[str]) -> Callable[[Contact], bool]:
    """Whether a contact is in the plan of a notice of this priority, over these channels."""
    return partial(_usable, priority, channels)


def _usable(priority: Urgency, channels: Collection[str], contact: Contact) -> bool:
    return contact.channel in channels and _pressing(priority, contact)


def moved(contacts: Sequence[Contact], id: str, *, later: bool) -> Mapping[str, int]:
    """The orders of a desk's contacts, as far as they are others, once one of them is taken earlier, or later: out of a
    step that it shares into one of its own, from there into the next one. Empty where it cannot go further."""
    steps = [[one.id for one in step] for _, step in groupby(sorted(contacts, key=_by_order), key=_by_order)]
    place = next((number for number, step in enumerate(steps) if id in step), None)
    if place is None:
        return {}
    if len(steps[place]) > 1:
        steps[place].remove(id)
        steps.insert(place + later, [id])
    elif 0 <= (other := place + (1 if later else -1)) < len(steps):
        steps[other].append(id)
        del steps[place]
    orders = {one: number for number, step in enumerate(steps) for one in step}
    return {one.id: orders[one.id] for one in contacts if orders[one.id] != one.order}


def _by_order(contact: Contact) -> int:
    return contact.order


def key_of(way: Way) -> str:
    """What tells one way from another, whoever has it and whatever it is used for."""
    return f"{way.contact.channel}:{way.contact.address.lower()}"


def _once(ways: Iterable[Way]) -> Iterator[Way]:
    """Contacts that share a mailbox or a telephone get one copy between them."""
    seen: set[str] = set()
    for way in ways:
        if key_of(way) not in seen:
            seen.add(key_of(way))
            yield way


def _way(contact: Contact) -> Way:
    return Way(contact=contact, carries="alert" if contact.channel in ALERT_ONLY else "content")


def _order(way: Way) -> int:
    return way.contact.order


def _pressing(priority: Urgency, contact: Contact) -> bool:
    return _PRESSING.index(priority) <= _PRESSING.index(contact.least_priority)


def _missing(first: Step, later: Iterable[Step], carries: Carries) -> Step:
    """What the first step lacks, out of the later ones: on another channel than it uses, if it is an alert."""
    if any(way.carries == carries for way in first):
        return ()
    return next(((way,) for step in later for way in step if way.carries == carries), ())


def _without(steps: Iterable[Step], taken: Collection[str]) -> Iterator[Step]:
    for step in steps:
        left = tuple(way for way in step if key_of(way) not in taken)
        if left:
            yield left
