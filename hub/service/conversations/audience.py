"""Who would read a message, as things stand: shown to its author by name before it is sent, worked out again then."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from contacts.areas import Areas
from contacts.roles import desk_of
from hub.core.conversation import Message, Party, PartyKey, Reader
from hub.core.holds import Hold
from hub.core.parties import NOBODYS, is_police, may_address, parties, readers, sending, taking_part
from hub.core.peers import hub_of
from hub.core.records import DecisionRecord, MessageStatus, NoticeRecord, StoredEpisode
from hub.service.ports import Unit
from routing.facts import Doc
from routing.needtoknow import may_see_places
from routing.recipients import resolve


@dataclass(frozen=True, slots=True, kw_only=True)
class Audience:
    """Whom somebody writes to, where they stand."""

    author: Party
    """Whom they write for."""
    mine: tuple[Party, ...]
    """Whom they could write for."""
    thread: tuple[Party, ...]
    """The others who take part in the conversation."""
    offered: tuple[Party, ...]
    """Whom they may write to besides."""
    police: tuple[Party, ...]
    may_know: frozenset[PartyKey]
    """Who may know a place."""
    holds: tuple[Hold, ...] = ()
    """What the police ask."""
    here: frozenset[PartyKey] = frozenset()
    """Whom this hub tells itself."""
    abroad: bool = False
    """It is a conversation with the hub that the episode came from, which tells the others."""
    sender: Party | None = None
    """The authority that sent the case, where its author may bring it in: one of those ``offered``."""
    through: frozenset[PartyKey] = frozenset()
    """Whom that hub told through this one: whom it can believe to take part."""
    status: MessageStatus = "actual"

    def apart(self, to: Iterable[PartyKey]) -> tuple[Party, ...]:
        """Whom a message that names these must not name: its sender told the author of the case and not them."""
        wanted = frozenset(to)
        if self.sender is None or self.sender.key not in wanted:
            return ()
        known = {*self.through, self.sender.key}
        return tuple(one for one in self.offered if one.key in wanted - known)

    def readers(self, to: Iterable[PartyKey], *, touches: bool) -> tuple[Reader, ...]:
        """Who reads a message that names these, the author's own desk first."""
        wanted = frozenset(to)
        found = readers(
            self.author,
            thread=self.thread,
            named=[one for one in self.offered if one.key in wanted],
            police=self.police,
            touches=touches,
            may_see_places=lambda party: party.key in self.may_know,
        )
        if not self.abroad and (self.sender is None or self.sender.key not in wanted):
            return found
        return tuple(one if one.party.key in self.here else replace(one, because="elsewhere") for one in found)

    @property
    def besides(self) -> tuple[Party, ...]:
        """Who reads it besides if it touches whereabouts, whomever it names."""
        there = {one.key for one in (self.author, *self.thread)}
        return tuple(one for one in self.police if one.key not in there)

    @property
    def kept_from(self) -> frozenset[PartyKey]:
        """Who of the others does not read it if it touches whereabouts."""
        police = {one.key for one in self.police}
        others = (*self.thread, *self.offered)
        return frozenset(one.key for one in others if one.key not in self.may_know | police)


async def standing(unit: Unit, episode: str) -> StoredEpisode | None:
    """An episode that was reported, of a child who is not being erased: what is sealed under a key that is about to go
    would be lost. One that is over may still be spoken of."""
    child = await unit.retention.child_of(episode)
    kept = None if child is None else await unit.retention.child(child)
    if kept is None or kept.erasing_at is not None:
        return None
    stored = await unit.episode_by_id(episode)
    return None if stored is None or stored.record.erased or not stored.doc else stored


async def audience_of(
    unit: Unit,
    stored: StoredEpisode,
    areas: Areas,
    mine: Iterable[Party],
    *,
    thread: str | None = None,
    desk: str | None = None,
) -> Audience | None:
    """``mine``: the parties that the author writes for; ``desk``: for which of them they chose to; ``thread``: the
    conversation that they write in. None where they take no part any more."""
    episode, doc = stored.record.id, stored.doc
    notices, decisions = await unit.desk.course(episode)
    everyone = {one.key: one for one in parties(notices, decisions)}
    own = tuple(everyone[one.key] for one in mine if one.key in everyone)
    said = [one for one in await unit.conversations.messages(episode) if one.thread == thread]
    abroad = thread is not None and await _abroad(unit, stored, thread, said)
    there = tuple(
        everyone.get(one.key, one)
        for one in taking_part(said)
        if one.key in everyone or (abroad and one.organisation not in NOBODYS)
    )
    through = told_through(stored, notices, decisions)
    author = _author(own, there, desk, through)
    if author is None:
        return None
    within = {one.key for one in there}
    # Nobody is brought into a conversation of another hub from here: it would not know that they read it.
    addressed = () if abroad else may_address(author, everyone.values())
    offered = tuple(one for one in addressed if one.key not in within)
    sender = None
    if not abroad and {author.key, *within} <= through:
        sender = sending(stored.record.source)
        offered = (sender, *offered)
    known = {one.key: one for one in (*there, *everyone.values())}
    may_know = [one.key for one in known.values() if any(may_see_places(role, doc) for role in one.roles)]
    return Audience(
        author=author,
        mine=own,
        thread=tuple(one for one in there if one.key != author.key),
        offered=offered,
        police=police_of(known.values(), doc, areas),
        holds=stored.holds,
        # What its people have seen or heard of where the child is, the hub that looks for the child has to know.
        may_know=frozenset((*may_know, sending(stored.record.source).key)),
        here=frozenset(everyone),
        abroad=abroad,
        sender=sender,
        through=through,
        status=stored.record.status,
    )


async def _abroad(unit: Unit, stored: StoredEpisode, thread: str, said: Sequence[Message]) -> bool:
    """Whether the hub that the episode came from takes part in a conversation: it began it, or it was written to."""
    source = stored.record.source
    if hub_of(source) is None:
        return False
    if any(one.party.organisation == source for each in said for one in each.readers):
        return True
    opened = await unit.conversations.thread(thread)
    return opened is not None and opened.opened_by == source


def told_through(
    stored: StoredEpisode, notices: Iterable[NoticeRecord], decisions: Iterable[DecisionRecord]
) -> frozenset[PartyKey]:
    """Whom the hub that the episode came from told through this one; nobody of an episode that was reported here."""
    if hub_of(stored.record.source) is None:
        return frozenset()
    brought = {one.id for one in decisions if one.event is not None}
    return frozenset(one.key for one in parties([one for one in notices if one.decision in brought], decisions))


def _author(
    mine: Sequence[Party], thread: Sequence[Party], desk: str | None, through: Collection[PartyKey]
) -> Party | None:
    """The party that they write for: the one they chose, else one that takes part in the thread, else one that the hub
    told which the episode came from, else their first."""
    if desk is not None:
        mine = [one for one in mine if one.desk == desk]
    within = {one.key for one in thread}
    takes_part = [one for one in mine if one.key in within] or [one for one in mine if one.key in through]
    return next(iter(takes_part or mine), None)


def police_of(everyone: Iterable[Party], doc: Doc, areas: Areas) -> tuple[Party, ...]:
    """The police of the episode; where none was told of it yet, those of where the child lives."""
    told = tuple(one for one in everyone if is_police(one))
    if told:
        return told
    (recipient,) = resolve("police", doc, areas)
    return (Party(organisation=recipient.organisation, desk=desk_of("police"), roles=("police",)),)
