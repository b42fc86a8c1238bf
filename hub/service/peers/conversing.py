"""Conversations that people at two hubs have with each other.

The hub that knows the child is the middle of each: what is written there it tells everybody, the other hubs by the
notices that tell of it; what is written at another hub comes to it, and it tells the rest. Nobody else carries a
message on, and the author's hub says whom it tells itself: so nobody is told twice, and nothing goes in circles.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from contacts.areas import Areas
from contacts.directory import Directory
from contacts.roles import desk_of
from hub.core.conversation import CAUSE, MOST_A_DAY, PURPOSES, Message, Party, PartyKey, Reader, Thread, too_many
from hub.core.ladder import sender_of
from hub.core.parties import is_police, parties, taking_part, works_it
from hub.core.peer_cases import NotUnderstood, Received
from hub.core.peer_conversations import Wrote, merged_readers, wrote
from hub.core.peer_holds import Done, HoldDeed
from hub.core.peer_messages import Message as Sent
from hub.core.peers import Peer
from hub.core.records import StoredEpisode
from hub.service.conversations.audience import Audience, audience_of, standing
from hub.service.conversations.posting import Origin, Post, Posting
from hub.service.peers.agreeing import PeerAgreements, keep_known
from hub.service.peers.holding import keep_hold
from hub.service.ports import Store, Unit, Unsealable
from hub.service.tenancy import WHOLE, scoped

OTHER = "holds a message under an id that is another's here"
STRANGE = "is of no conversation that this hub has with that one"
MANY = f"is more than an organisation writes on one episode within a day, which is {MOST_A_DAY} messages: ring"
NOBODY = "is for nobody whom this hub tells of the episode: ring"
GONE: Final = "over"
"""Of a step about a child of whom nothing is kept any more."""
FRONT_DOOR: Final = desk_of("host_authority")


@dataclass(frozen=True, slots=True, kw_only=True)
class Joining:
    """What the hub that knows a child tells of a message becomes part of a conversation here."""

    posting: Posting

    async def __call__(
        self, unit: Unit, peer: Peer, notice: Received, said: Wrote, episode: str, event: str, now: datetime, /
    ) -> None:
        """Keep the message, unless it is here, and tell the desk that the notice is for, unless it was told. Raises
        NotUnderstood."""
        await unit.lock(f"conversations:{episode}")
        stored = await standing(unit, episode)
        if stored is None:
            return  # the child is about to be erased
        party = _for(notice)
        some = merged_readers(said.readers, said.author, party)
        message = await _known(unit, said, episode)
        if message is None:
            thread = await unit.conversations.thread(said.said.thread)
            if thread is not None and (thread.episode != episode or not await _with(unit, thread, peer)):
                raise NotUnderstood(OTHER)
            beside = said.step or said.hold
            step = None if beside is None else beside.model_dump_json()
            post = _post(said, peer, opens=thread is None, step=step)
            message = await self.posting.post(unit, stored, post, some, now)
            if said.step is not None:
                await keep_known(unit, self.posting.ids, episode, peer.said.source, now)
            if said.hold is not None:
                await keep_hold(unit, self.posting.ids, _done(said, said.hold), episode, peer.said.source, now)
            stored = await standing(unit, episode)
        elif message.actor != peer.said.source:
            thread = await unit.conversations.thread(message.thread)
            if thread is None or not await _with(unit, thread, peer):
                raise NotUnderstood(OTHER)
        if stored is not None and party.key != said.author.key and not await _was_told(unit, message, party):
            reader = Reader(party=party, because="elsewhere")
            await self.posting.tell(unit, stored, message, [reader], now, event)


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What was written there is here. ``agreement``: what came of the step that it is, if it is one."""

    reference: str
    agreement: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversing:
    """What people at another hub wrote in a conversation of this one: :class:`hub.service.peers.receiving.Converse`."""

    store: Store
    posting: Posting
    agreements: PeerAgreements
    areas: Areas
    directory: Callable[[], Directory]
    digest: Callable[[bytes], bytes]

    async def __call__(self, peer: Peer, said: Sent, now: datetime, /) -> Heard | None:
        """This hub's reference of it, the same for the same; None where another message has its id. Raises
        NotUnderstood, StoreUnavailable."""
        given = wrote(said.said, now)
        if given.said.id != said.id:
            raise NotUnderstood(OTHER)
        with scoped(WHOLE):  # it goes to desks of other organisations than its author's
            taken, agreement = await self.store.write(lambda unit: self._take(unit, peer, given, said.signed, now))
        reference = self.digest(b"\0".join((b"wrote", peer.hub.encode(), said.id.encode()))).hex()[:26]
        return Heard(reference=reference, agreement=agreement) if taken else None

    async def _take(self, unit: Unit, peer: Peer, said: Wrote, signed: bytes, now: datetime) -> tuple[bool, str | None]:
        """Whether it is here now, and what came of the step of an agreement that it is; not where another message has
        its id. The first that comes of a conversation opens it: that need not be the one which was written first, and
        is where this hub would not take that."""
        await unit.lock(f"thread:{said.said.thread}")
        thread = await unit.conversations.thread(said.said.thread)
        episode = said.said.episode if thread is None else thread.episode
        if episode is None or said.said.episode not in (None, episode):
            raise NotUnderstood(STRANGE)
        await unit.lock(f"conversations:{episode}")
        if await unit.retention.child_of(episode) is None:
            raise NotUnderstood(STRANGE)
        try:
            # A child who was erased, or is about to be: there is nothing left that it could be a part of.
            stored = await standing(unit, episode)
            if stored is None:
                return True, GONE
            known = await unit.conversations.one(said.said.id)
            if known is not None:
                if known.actor != peer.said.source or known.episode != episode or not said.same(known):
                    return False, None
                return True, await self.agreements.again(unit, stored, said, known, now)
            some = await self._readers(unit, peer, stored, said, thread, now)
            messages = await unit.conversations.messages(episode)
            if too_many(messages, said.said.organisation_code, now, PURPOSES):
                raise NotUnderstood(MANY)
            judged = await self.agreements.judge(unit, stored, said, some, now)
            post = _post(said, peer, opens=thread is None, signed=signed, step=judged.kept)
            message = await self.posting.post(unit, judged.stored, post, some, now)
            await self.agreements.done(unit, judged, message, now)
        except Unsealable:
            return True, GONE
        return True, judged.answer

    async def _readers(
        self, unit: Unit, peer: Peer, stored: StoredEpisode, said: Wrote, thread: Thread | None, now: datetime
    ) -> tuple[Reader, ...]:
        """Whom its author was shown, of those who take part; and the police, if it touches whereabouts. In a
        conversation that was begun there also whoever is the authority for them that sent them the case, and in its
        first message those whom their hub tells. Raises NotUnderstood where that hub does not speak for the author, or
        the author takes no part."""
        through = await self._through(unit, peer, stored.record.id, now)
        found = None
        if said.author.key in through:
            found = await audience_of(
                unit, stored, self.areas, [said.author], thread=said.said.thread, desk=said.said.desk
            )
        there = await unit.conversations.messages(stored.record.id)
        taking = {one.key for one in taking_part(one for one in there if one.thread == said.said.thread)}
        if found is None or (thread is not None and said.author.key not in taking):
            raise NotUnderstood(STRANGE)
        if said.said.purpose == "police_hold" and not is_police(found.author):
            raise NotUnderstood(STRANGE)
        shown, told = {one.key for one in said.readers}, said.told & through
        named: frozenset[PartyKey] = frozenset()
        if thread is None or thread.opened_by == peer.said.source:
            named = _sender(stored, found, through)
            shown |= named
        if thread is None:
            named |= told
        shown |= {one.key for one in found.police} if said.said.whereabouts else set()
        some = [
            replace(one, because="elsewhere") if one.party.key in told and one.because != "author" else one
            for one in found.readers(named, touches=said.said.whereabouts)
            if one.because == "author" or one.party.key in shown
        ]
        if thread is None and all(one.because in ("author", "elsewhere") for one in some):
            raise NotUnderstood(NOBODY)
        return tuple(some)

    async def _through(self, unit: Unit, peer: Peer, episode: str, now: datetime) -> frozenset[PartyKey]:
        """The desks that were told of this episode through that hub: those for which it speaks."""
        directory = self.directory()
        told = []
        for notice in await unit.notices(episode):
            for one in await unit.deliveries(notice.id):
                contact = None if one.contact is None else directory.contact(one.contact, now)
                addresses = {one.address, None if contact is None else contact.address}
                if one.channel == "push" and peer.said.inbox in addresses:
                    told.append(notice)
                    break
        return frozenset(one.key for one in parties(told, await unit.decisions(episode)))


def _sender(stored: StoredEpisode, found: Audience, through: Collection[PartyKey]) -> frozenset[PartyKey]:
    """Who is meant by the authority that sent the case: the front door of that in whose name it was told, or who else
    of it works the episode; where that is at the other hub itself, all others who do."""
    ours = [one for one in (*found.thread, *found.offered) if works_it(one) and one.key not in through]
    own = [one.key for one in ours if one.organisation == sender_of(stored.doc)]
    door = [one for one in own if one[1] == FRONT_DOOR]
    return frozenset(door or own or [one.key for one in ours])


def _post(said: Wrote, peer: Peer, *, opens: bool, signed: bytes | None = None, step: str | None = None) -> Post:
    wrote = said.said
    return Post(
        author=wrote.author,
        organisation=wrote.organisation_code,
        desk=wrote.desk,
        actor=peer.said.source,
        via="hub",
        purpose=wrote.purpose,
        touches=wrote.whereabouts,
        text=wrote.text,
        key=wrote.id,
        thread=wrote.thread,
        in_reply_to=wrote.in_reply_to,
        files=said.pictures,
        step=step,
        origin=Origin(id=wrote.id, thread=wrote.thread, sent_at=said.sent_at, opens=opens, signed=signed),
    )


async def _known(unit: Unit, said: Wrote, episode: str) -> Message | None:
    """The message, where it is here. Raises NotUnderstood where something else is under its id."""
    try:
        known = await unit.conversations.one(said.said.id)
    except Unsealable:
        raise NotUnderstood(OTHER) from None
    if known is not None and (known.episode != episode or not said.same(known)):
        raise NotUnderstood(OTHER)
    return known


async def _with(unit: Unit, thread: Thread, peer: Peer) -> bool:
    """Whether it is a conversation with that hub: it began it, or people here wrote to it."""
    if thread.opened_by == peer.said.source:
        return True
    there = [one for one in await unit.conversations.messages(thread.episode) if one.thread == thread.id]
    return any(one.party.organisation == peer.said.source for each in there for one in each.readers)


async def _was_told(unit: Unit, message: Message, party: Party) -> bool:
    """By another way of the same notice, or from here."""
    taken = [one.decision for one in await unit.decisions(message.episode)]
    return any(
        one.cause == f"{CAUSE}{message.id}"
        and one.recipients[0].organisation == party.organisation
        and desk_of(one.recipients[0].role) == party.desk
        for one in taken
    )


def _done(said: Wrote, hold: HoldDeed) -> Done:
    whose = said.author
    return Done(deed=hold, organisation=said.said.organisation_code, desk=whose.desk, role=whose.roles[0],
                name=said.said.author)  # fmt: skip


def _for(notice: Received) -> Party:
    """The desk that a notice is for."""
    said = notice.said
    return Party(organisation=said.organisation_code, desk=desk_of(said.roles[0]), roles=said.roles)
