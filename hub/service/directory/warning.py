"""Who has to hear of a change to the directory: those who may agree to it; of an override the fallback desks of those
concerned, by the directory as it was and as it is, as either may be what is wrong."""

from collections.abc import Collection, Iterator
from dataclasses import replace
from datetime import datetime

from contacts.directory import Directory
from contacts.model import Bundle, Contact, Reached
from contacts.roles import OPERATOR
from hub.core.drafts import About, Draft
from hub.core.news import About as About_
from hub.core.news import News, approvers
from hub.core.round_trip import round_trip
from hub.core.tokens import change_token, token_digest
from hub.service.alarming import ALARM_IDS
from hub.service.ports import Ids, Unit


async def of_a_waiting(
    unit: Unit, about: About, before: Bundle, after: Bundle, trips: bytes | None, ids: Ids, now: datetime
) -> tuple[News, ...]:
    """For each who may agree to it, and for the two addresses that may instead; ``trips``: the secret of their links,
    None where they may not."""
    people = await _people(unit, about.draft, ids, now)
    if trips is None or about.draft.person is None:
        return people
    proposer = await unit.accounts.user(about.draft.person)
    moved = None if proposer is None else round_trip(about, before, after, proposer.email)
    if moved is None:
        return people
    asked = [_news(about.draft, ids, now), _news(about.draft, ids, now)]
    sides: tuple[tuple[News, About_, str], ...] = (
        (asked[0], "moves_from", moved.old.address),
        (asked[1], "moves_to", moved.new.address),
    )
    return (
        *people,
        *(replace(one, about=what, address=address, token_digest=token_digest(change_token(trips, one.id)))
          for one, what, address in sides),
    )  # fmt: skip


async def _people(unit: Unit, draft: Draft, ids: Ids, now: datetime) -> tuple[News, ...]:
    """The administrators of the organisation; where there is none the operators; where nobody has such an account the
    operator's desk."""
    for organisation in dict.fromkeys((draft.organisation, OPERATOR)):
        found = approvers(await unit.accounts.users(organisation), draft)
        if found:
            return tuple(_news(draft, ids, now, user=one.id) for one in found)
    return (_news(draft, ids, now),)


def _news(draft: Draft, ids: Ids, now: datetime, *, user: str | None = None) -> News:
    return News(id=ids.new(ALARM_IDS.removesuffix("_"), now), change=draft.id, about="waits", user=user, due_at=now)


def of_an_override(
    about: About, before: Bundle, after: Bundle, channels: Collection[str], ids: Ids, now: datetime
) -> tuple[News, ...]:
    """For each mailbox and number of the fallback desks, on the channels that a person reads."""
    sides = (Directory.of(before), Directory.of(after))
    told = {
        (contact.channel, contact.address.lower()): contact
        for organisation in about.organisations
        for side in sides
        for contact in _fallback(side, organisation, now)
        if contact.channel in channels
    }
    return tuple(
        News(id=ids.new(ALARM_IDS.removesuffix("_"), now), change=about.draft.id, about="overridden",
             channel=contact.channel, address=contact.address, due_at=now)
        for contact in told.values()
    )  # fmt: skip


def _fallback(directory: Directory, organisation: str, now: datetime) -> Iterator[Contact]:
    """Its own fallback desk; what falls to the operator is an alarm anyhow."""
    reached = directory.fallback(organisation, now)
    if isinstance(reached, Reached) and reached.organisation == organisation:
        yield from reached.contacts
