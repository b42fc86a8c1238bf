"""Whom a notice is taken to, one after the other, until a named human answers. Pure.

Its rungs: the steps of the desk's own plan, the desk's deputy, the emergency duty team of the same organisation, and
the sender's duty manager, who is asked to ring instead. They are worked out anew at each look, from the directory as it
stands then: a contact that was replaced meanwhile is a way that has not been taken.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from contacts.directory import Directory
from contacts.model import Channel, Contact, Reached
from contacts.plans import Step, plan, usable_for
from contacts.roles import DUTY_MANAGER, EMERGENCY_DUTY_TEAM, OPERATOR, desk_of
from hub.core.peers import came_from
from hub.core.records import MessageStatus, Purpose
from routing.decision import Priority, Recipient
from routing.facts import host, lead, part
from routing.recipients import has_address, school_given

IN_HOUSE: Final = "foster_care"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """Ways that are taken together, and why."""

    purpose: Purpose
    ways: Step
    organisation: str | None
    """Whose desk it is."""
    desk: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What the rungs stand on: the directory at a moment, and what the hub can send over.

    ``sandbox`` is the one mailbox that an exercise or a test may reach where no contact of the desk takes part.
    """

    directory: Directory = field(repr=False)
    channels: Collection[str]
    sandbox: str | None = field(repr=False)
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """Who is told, of what episode."""

    recipient: Recipient
    priority: Priority
    status: MessageStatus
    doc: Mapping[str, Any] = field(repr=False)
    person: Mapping[str, Any] | None = field(default=None, repr=False)
    """The person, as the events gave them, where a person is told."""
    stands_in: bool = False
    """It is the notice of a gap, to the fallback desk of ``recipient.organisation``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    """The rungs, lowest first."""

    rungs: tuple[Rung, ...]
    unmanned: bool = False
    """Nobody is on duty: the contacts of the first rung will only see it when they are back."""


def first_step(about: About, ground: Ground) -> Ladder:
    """Only the way a notice takes first; no rung if there is none."""
    found, unmanned = _own(about, ground)
    steps = plan(found, about.priority, ground.channels)[:1]
    return Ladder(rungs=tuple(_rungs("notice", steps, about)), unmanned=unmanned)


def ladder(about: About, ground: Ground) -> Ladder:
    """All the rungs. A circulation has only those of the member's own desk: it is for their attention, and 152
    hand-overs would bury the one that matters. An exercise stays with who takes part in it."""
    found, unmanned = _own(about, ground)
    rungs = list(_rungs("chase", plan(found, about.priority, ground.channels), about))
    if about.status == "actual" and not about.recipient.role.startswith("circulation:"):
        rungs += _in_the_house(about, ground)
        rungs += _handover(about, ground)
    return Ladder(rungs=tuple(rungs), unmanned=unmanned)


def sender_of(doc: Mapping[str, Any]) -> str | None:
    """The authority in whose name is told: the responsible one of a looked-after child, else where the child lives."""
    return lead(doc) or host(doc)


def _rungs(purpose: Purpose, steps: Sequence[Step], about: About) -> Iterator[Rung]:
    for step in steps:
        yield Rung(purpose=purpose, ways=step, organisation=about.recipient.organisation)


def _own(about: About, ground: Ground) -> tuple[tuple[Contact, ...], bool]:
    """The contacts of who is told, and whether nobody of them is on duty."""
    recipient = about.recipient
    if recipient.person is not None:
        personal = given_contacts(about.person or {}, recipient) if about.status == "actual" else ()
        return personal or _sandbox(about, ground), False
    usable = usable_for(about.priority, ground.channels)
    if about.stands_in:
        reached = ground.directory.fallback(recipient.organisation, ground.at, usable=usable)
        if isinstance(reached, Reached) and reached.organisation != recipient.organisation:
            return _sandbox(about, ground), False  # the operator's contacts must not read an authority's notice
    else:
        in_house = part(about.doc, "placement").get("type") == IN_HOUSE
        reached = ground.directory.resolve(
            recipient.role, recipient.organisation, ground.at, in_house_foster=in_house, usable=usable
        )
    found = reached.contacts if isinstance(reached, Reached) else ()
    unmanned = isinstance(reached, Reached) and not reached.on_duty
    if about.status != "actual":
        return tuple(contact for contact in found if contact.exercises) or _sandbox(about, ground), False
    if not found and recipient.role == "school":
        return given_contacts(school_given(about.doc, recipient.organisation), recipient), False
    return found, unmanned


def _sandbox(about: About, ground: Ground) -> tuple[Contact, ...]:
    if about.status == "actual" or ground.sandbox is None:
        return ()
    organisation = about.recipient.organisation or OPERATOR
    return (Contact(id="", organisation=organisation, desk="sandbox", channel="email", address=ground.sandbox),)


def _in_the_house(about: About, ground: Ground) -> Iterator[Rung]:
    """The desk's deputy, then the emergency duty team, as far as they are on duty."""
    code = about.recipient.organisation
    if code is None or about.recipient.person is not None or about.stands_in:
        return
    desk = ground.directory.desk(code, desk_of(about.recipient.role))
    covers: list[tuple[Purpose, str | None]] = [
        ("deputy", None if desk is None else desk.deputy),
        ("duty_team", EMERGENCY_DUTY_TEAM),
    ]
    for purpose, function in covers:
        if function is not None:
            steps = plan(ground.directory.desk_now(code, function, ground.at), about.priority, ground.channels)
            for step in steps[:1]:
                yield Rung(purpose=purpose, ways=step, organisation=code, desk=function)


def _handover(about: About, ground: Ground) -> Iterator[Rung]:
    """The sender's duty manager; where there is none, the sender's fallback desk. Of what another hub told, that one
    asks them, who hears of it that nobody answers."""
    sender = sender_of(about.doc)
    if sender is None or came_from(about.doc) is not None:
        return
    usable = usable_for(about.priority, ground.channels)
    found, desk = tuple(filter(usable, ground.directory.desk_now(sender, DUTY_MANAGER, ground.at))), DUTY_MANAGER
    if not found:
        reached = ground.directory.fallback(sender, ground.at, usable=usable)
        if not isinstance(reached, Reached) or reached.organisation != sender:
            return
        found, desk = reached.contacts, reached.desk
    for step in plan(found, about.priority, ground.channels)[:1]:
        yield Rung(purpose="handover", ways=step, organisation=sender, desk=desk)


def given_contacts(given: Mapping[str, Any], recipient: Recipient) -> tuple[Contact, ...]:
    """A person or school as the event gave it: e-mail first, then the mobile."""
    ways: tuple[tuple[Channel, str], ...] = (("email", "email"), ("sms", "phone"))
    return tuple(
        Contact(
            id="",
            organisation=recipient.organisation or "",
            desk=recipient.role,
            channel=channel,
            address=given[key],
            order=order,
        )
        for order, (channel, key) in enumerate(ways)
        if has_address({key: given.get(key)})
    )
