"""A peer's notice is written down as part of a case, in the transaction that takes it (hub/core/peer_cases.py)."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime

from hub.core.peer_cases import attachments, awaited, fold, received
from hub.core.peer_conversations import wrote
from hub.core.peer_holds import standing_in
from hub.core.peer_messages import HOLDS, Message
from hub.core.peers import Peer
from hub.core.records import EventRecord
from hub.service.ledger import Bookkeeper, load
from hub.service.peers.conversing import Joining
from hub.service.peers.holding import keep_hold
from hub.service.ports import Ids, Unit

TYPE = "fingerpost.hub.notice.v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cases:
    """``ours``: the organisations that a peer may address here. ``digest``: a keyed hash."""

    book: Bookkeeper
    ids: Ids
    ours: Callable[[Peer], Collection[str]]
    digest: Callable[[bytes], bytes] = field(repr=False)
    join: Joining

    async def __call__(self, unit: Unit, peer: Peer, said: Message, now: datetime, /) -> str | None:
        """See ``hub.service.peers.receiving.Take``."""
        source, digest = peer.said.source, self.digest(said.same)
        met = await unit.event(source, said.id)
        if met is not None:
            return _reference(met) if met.digest == digest else None
        notice = received(said.said, self.ours(peer), now)
        holds = standing_in(attachments(said.said).get(HOLDS))
        written = wrote(said.said, now) if notice.said.kind == "conversation" else None
        await unit.lock(self.digest(f"episode\0{source}\0{notice.said.episode}".encode()).hex())
        child = await unit.child_id(source, notice.said.child, now)
        stored = await unit.episode(source, notice.said.episode)
        before = awaited(notice, peer.hub, said.via) if stored is None else load(stored)
        known = () if stored is None else [one.decision.cause for one in await unit.decisions(stored.record.id)]
        event = EventRecord(
            id=self.ids.new("ev", now),
            source=source,
            sender_id=said.id,
            digest=digest,
            type=TYPE,
            time=notice.said.issued_at,
            arrived_at=now,
            episode=self.ids.new("ep", now) if stored is None else stored.record.id,
            body=said.signed,
            answer={"reference": notice.said.reference},
        )
        after = fold(before, notice, known, now)
        if stored is not None and after.episode.doc["child"]["ref"] != notice.said.child:
            child = stored.record.child  # a newer notice has named another
        await unit.save(
            self.book.changes(
                [after],
                record=None if stored is None else stored.record,
                before=before,
                register=() if stored is None else stored.register,
                episode_id=event.episode,
                source=source,
                child=child,
                event=event,
                now=now,
                actor=source,
            )
        )
        if holds:
            await unit.lock(f"conversations:{event.episode}")
        for one in holds:
            await keep_hold(unit, self.ids, one, event.episode, source, now)
        if written is not None:
            await self.join(unit, peer, notice, written, event.episode, event.id, now)
        return _reference(event)


def _reference(event: EventRecord) -> str:
    """What the peer is told that it is called here: it says nothing, and stays when the child is erased."""
    return event.id.partition("_")[2]
