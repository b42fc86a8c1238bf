"""Conversations that people at two hubs have with each other.

The hub that knows the child is the middle of each: what is written there it tells everybody, the other hubs by the
notices that tell of it; what is written at another hub comes to it, and it tells the rest. Nobody else carries a
message on, and the author's hub says whom it tells itself: so nobody is told twice, and nothing goes in circles.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from contacts.areas import Areas
from contacts.directory import Directory
from contacts.roles import desk_of
from hub.core.conversation import CAUSE, Message, Party, Reader
from hub.core.parties import parties, taking_part
from hub.core.peer_cases import NotUnderstood, Received
from hub.core.peer_conversations import Wrote, merged_readers, wrote
from hub.core.peer_messages import Message as Sent
from hub.core.peers import Peer
from hub.core.records import StoredEpisode
from hub.service.conversations.audience import audience_of, standing
from hub.service.conversations.posting import Origin, Post, Posting
from hub.service.ports import Store, Unit, Unsealable
from hub.service.tenancy import WHOLE, scoped

OTHER = "holds a message under an id that is another's here"
STRANGE = "is of no conversation that this hub has with that one"


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
            if thread is not None and (thread.episode, thread.opened_by) != (episode, peer.said.source):
                raise NotUnderstood(OTHER)
            post = _post(said, peer, opens=thread is None)
            message = await self.posting.post(unit, stored, post, some, now)
            stored = await standing(unit, episode)
        elif message.actor != peer.said.source and not await _opened_by(unit, message.thread, peer):
            raise NotUnderstood(OTHER)
        if stored is not None and party.key != said.author.key and not await _was_told(unit, message, party):
            reader = Reader(party=party, because="elsewhere")
            await self.posting.tell(unit, stored, message, [reader], now, event)


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversing:
    """What people at another hub wrote in a conversation of this one: :class:`hub.service.peers.receiving.Hear`."""

    store: Store
    posting: Posting
    areas: Areas
    directory: Callable[[], Directory]
    digest: Callable[[bytes], bytes]

    async def __call__(self, peer: Peer, said: Sent, now: datetime, /) -> str | None:
        """This hub's reference of it, the same for the same; None where another message has its id. Raises
        NotUnderstood, StoreUnavailable."""
        given = wrote(said.said, now)
        if given.said.id != said.id:
            raise NotUnderstood(OTHER)
        with scoped(WHOLE):  # it goes to desks of other organisations than its author's
            taken = await self.store.write(lambda unit: self._take(unit, peer, given, now))
        return self.digest(b"\0".join((b"wrote", peer.hub.encode(), said.id.encode()))).hex()[:26] if taken else None

    async def _take(self, unit: Unit, peer: Peer, said: Wrote, now: datetime) -> bool:
        thread = await unit.conversations.thread(said.said.thread)
        if thread is None:
            raise NotUnderstood(STRANGE)
        await unit.lock(f"conversations:{thread.episode}")
        try:
            # A child who was erased, or is about to be: there is nothing left that it could be a part of.
            stored = await standing(unit, thread.episode)
            if stored is None:
                return True
            known = await unit.conversations.one(said.said.id)
            if known is not None:
                return known.actor == peer.said.source and known.episode == thread.episode and said.same(known)
            post = _post(said, peer, opens=False)
            await self.posting.post(unit, stored, post, await self._readers(unit, peer, stored, said, now), now)
        except Unsealable:
            return True
        return True

    async def _readers(
        self, unit: Unit, peer: Peer, stored: StoredEpisode, said: Wrote, now: datetime
    ) -> tuple[Reader, ...]:
        """Whom its author was shown, of those who take part; and the police, if it touches whereabouts. Raises
        NotUnderstood where that hub does not speak for the author, or the author takes no part."""
        episode, thread = stored.record.id, said.said.thread
        there = [one for one in await unit.conversations.messages(episode) if one.thread == thread]
        author = next((one for one in taking_part(there) if one.key == said.author.key), None)
        if author is None or not await self._speaks(unit, peer, episode, author, now):
            raise NotUnderstood(STRANGE)
        found = await audience_of(unit, stored, self.areas, [author], thread=thread, desk=author.desk)
        if found is None:
            raise NotUnderstood(STRANGE)
        shown = {one.key for one in said.readers}
        police = frozenset(one.key for one in found.police) if said.said.whereabouts else frozenset()
        some: list[Reader] = []
        for one in found.readers((), touches=said.said.whereabouts):
            if one.because == "author":
                some.append(one)
            elif one.party.key in shown or one.party.key in police:
                has_told = one.party.key in said.told and await self._speaks(unit, peer, episode, one.party, now)
                some.append(replace(one, because="elsewhere") if has_told else one)
        return tuple(some)

    async def _speaks(self, unit: Unit, peer: Peer, episode: str, party: Party, now: datetime) -> bool:
        """Whether that desk was told of this episode through that hub."""
        directory = self.directory()
        decisions = await unit.decisions(episode)
        for notice in await unit.notices(episode):
            if notice.organisation != party.organisation or party.key not in {
                one.key for one in parties([notice], decisions)
            }:
                continue
            for one in await unit.deliveries(notice.id):
                contact = None if one.contact is None else directory.contact(one.contact, now)
                addresses = {one.address, None if contact is None else contact.address}
                if one.channel == "push" and peer.said.inbox in addresses:
                    return True
        return False


def _post(said: Wrote, peer: Peer, *, opens: bool) -> Post:
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
        origin=Origin(id=wrote.id, thread=wrote.thread, sent_at=said.sent_at, opens=opens),
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


async def _opened_by(unit: Unit, thread: str, peer: Peer) -> bool:
    """It was written here, in a conversation of that hub."""
    found = await unit.conversations.thread(thread)
    return found is not None and found.opened_by == peer.said.source


async def _was_told(unit: Unit, message: Message, party: Party) -> bool:
    """By another way of the same notice, or from here."""
    taken = [one.decision for one in await unit.decisions(message.episode)]
    return any(
        one.cause == f"{CAUSE}{message.id}"
        and one.recipients[0].organisation == party.organisation
        and desk_of(one.recipients[0].role) == party.desk
        for one in taken
    )


def _for(notice: Received) -> Party:
    """The desk that a notice is for."""
    said = notice.said
    return Party(organisation=said.organisation_code, desk=desk_of(said.roles[0]), roles=said.roles)
