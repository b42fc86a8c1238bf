"""Other hubs, each with what it says of itself."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, func, select

from hub.core.conversation import Message
from hub.core.peers import Peer, recalled
from hub.core.records import AcknowledgementRecord, NoticeRecord
from hub.service.peers.ports import Carried, Outcome, Post
from hub.store import peer_posts as posts
from hub.store.peers_tables import peers
from hub.store.session import HUB_SCOPE, Run, Session
from hub.store.tables import quarantine


class SqlPeers:
    """Implements ``hub.service.peers.ports.PeersUnit``."""

    def __init__(self, run: Run) -> None:
        self._run = run

    async def all(self) -> Sequence[Peer]:
        return await self._run(_all)

    async def one(self, hub: str) -> Peer | None:
        return await self._run(_one, hub)

    async def called(self, issuer: str) -> Peer | None:
        return await self._run(_called, issuer)

    async def put(self, peer: Peer) -> None:
        await self._run(_put, peer)

    async def remove(self, hub: str) -> None:
        await self._run(_remove, hub)

    async def answered(self, answer: AcknowledgementRecord, notice: NoticeRecord) -> None:
        await self._run(posts.answered, answer, notice)

    async def wrote(self, message: Message) -> None:
        await self._run(posts.wrote, message)

    async def posts_due(self, now: datetime) -> bool:
        return await self._run(posts.due, now)

    async def was_sent(self, delivery: str) -> bool:
        return await self._run(posts.was_sent, delivery)

    async def claim_posts(self, now: datetime, until: datetime, limit: int) -> Sequence[Post]:
        return await self._run(posts.claim, now, until, limit)

    async def sent_as(self, episode: str, event: str) -> str | None:
        return await self._run(posts.sent_as, episode, event)

    async def carried(self, line: str) -> Mapping[str, Carried]:
        return await self._run(posts.carried, line)

    async def heard(self, episode: str) -> Mapping[str, str | None]:
        return await self._run(posts.heard, episode)

    async def settle_post(self, post: str, outcome: Outcome, answer: str | None = None) -> None:
        await self._run(posts.settle, post, outcome, answer)

    async def put_off_posts(self, hub: str, until: datetime) -> None:
        await self._run(posts.put_off, hub, until)

    async def kept_apart(self, source: str) -> int:
        return await self._run(_kept_apart, source)


def _all(session: Session) -> Sequence[Peer]:
    rows = session.connection.execute(select(peers).order_by(peers.c.introduced_at, peers.c.hub))
    return [_peer(session, row) for row in rows]


def _one(session: Session, hub: str) -> Peer | None:
    row = session.connection.execute(select(peers).where(peers.c.hub == hub)).one_or_none()
    return None if row is None else _peer(session, row)


def _called(session: Session, issuer: str) -> Peer | None:
    row = session.connection.execute(select(peers).where(peers.c.issuer == issuer)).one_or_none()
    return None if row is None else _peer(session, row)


def _peer(session: Session, row: Row[Any]) -> Peer:
    document = session.open(HUB_SCOPE, row.document, peers, "document", f"{row.hub}/{row.state}")
    return Peer(
        hub=row.hub,
        url=row.url,
        state=row.state,
        document=document,
        said=recalled(document),
        introduced_at=row.introduced_at,
        changed_at=row.changed_at,
        put_by=session.open(HUB_SCOPE, row.put_by, peers, "put_by", row.hub).decode(),
        organisations=_organisations(session, row),
    )


def _organisations(session: Session, row: Row[Any]) -> tuple[str, ...]:
    """None for one that was confirmed by a hub of the version before."""
    if row.organisations is None:
        return ()
    return tuple(json.loads(session.open(HUB_SCOPE, row.organisations, peers, "organisations", row.hub)))


def _put(session: Session, peer: Peer) -> None:
    """The document is bound to the state as well: nobody who writes to the database makes a peer a confirmed one."""
    session.put(
        peers,
        [
            {
                "hub": peer.hub,
                "state": peer.state,
                "url": peer.url,
                "issuer": peer.said.issuer,
                "introduced_at": peer.introduced_at,
                "changed_at": peer.changed_at,
                "document": session.seal(HUB_SCOPE, peer.document, peers, "document", f"{peer.hub}/{peer.state}"),
                "put_by": session.seal(HUB_SCOPE, peer.put_by.encode(), peers, "put_by", peer.hub),
                "organisations": session.seal(
                    HUB_SCOPE, json.dumps(peer.organisations).encode("ascii"), peers, "organisations", peer.hub
                ),
            }
        ],
    )


def _kept_apart(session: Session, source: str) -> int:
    found = select(func.coalesce(func.sum(func.length(quarantine.c.body)), 0)).where(
        quarantine.c.source == source, quarantine.c.resolved_at.is_(None)
    )
    return int(session.connection.execute(found).scalar_one())


def _remove(session: Session, hub: str) -> None:
    session.connection.execute(delete(peers).where(peers.c.hub == hub))
