"""What people here answered to another hub, or wrote in its conversations, is carried to it, for as long as that takes.

It is written down with the answer or message, in its transaction, and sent until the other hub has said, signed, that
it has it. Either side may be down for days: there is no last try. Of one notice or conversation it goes in the order in
which it was said. Sent by two nodes at once it is still one there, as it bears the id of the answer or message.
"""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from adapters.port import Accepted, Attachment, Content, Envelope, Rejected, Result, Transport
from contacts.roles import OPERATOR
from hub.core.peer_answers import answer_json, late_since, reference_of, retry_in
from hub.core.peer_conversations import message_files
from hub.core.peers import Peer, source_of
from hub.core.records import AlarmRecord, AuditLine
from hub.core.tokens import receipt_token
from hub.service.alarms import seen_to
from hub.service.peers.agreeing import KEPT, answer_of, keep_known
from hub.service.peers.ports import Outcome, Post
from hub.service.ports import Ids, Store, Unit, Unsealable

EVERY: Final = 0.5
"""Seconds between two looks."""
AT_ONCE: Final = 20
LEASE: Final = timedelta(minutes=5)
"""How long one has for what it took in hand."""
REFUSED: Final = frozenset({"409", "413", "422"})
"""What that hub says of what it will never take."""
LATE: Final = "peer_late"
NOT_TAKEN: Final = "peer_refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Carrying:
    """``way``: to other hubs (hub/service/peers/ways.py); ``secret``: see hub/core/tokens.py."""

    store: Store
    way: Transport
    ids: Ids
    secret: bytes = field(repr=False)

    async def tick(self, now: datetime) -> int:
        """Send what is due; how much was. Raises StoreUnavailable."""
        if not await self.store.read(lambda unit: unit.peers.posts_due(now)):
            return 0
        posts = await self.store.write(lambda unit: unit.peers.claim_posts(now, now + LEASE, AT_ONCE))
        by_hub: dict[str, list[Post]] = {}
        for one in posts:
            by_hub.setdefault(one.hub, []).append(one)
        await asyncio.gather(*(self._carry(some, now) for some in by_hub.values()))
        return len(posts)

    async def _carry(self, posts: Sequence[Post], now: datetime) -> None:
        """Those of one hub, until one cannot be carried: then it is asked no more for a while."""
        for post in posts:
            try:
                envelope = await self.store.read(lambda unit, post=post: self._envelope(unit, post))  # type: ignore[misc]
            except Unsealable:
                envelope = None
            if envelope is None:
                await self._settle(post, "moot", now)
                continue
            result = await self.way.deliver(envelope, now)
            if isinstance(result, Accepted) and result.receipt is not None:
                await self._settle(post, "sent", now, answer_of(result.answer) if post.kind == "message" else None)
            elif isinstance(result, Rejected) and (result.detail in REFUSED or result.reason == "too_large"):
                await self._settle(post, "refused", now)
            else:
                await self._put_off(post, result, now)
                return

    async def _envelope(self, unit: Unit, post: Post) -> Envelope | None:
        """What is sent; None where the child was erased, and of what the other hub never sent: what packs of this hub
        tell besides."""
        if post.kind == "message":
            return await self._written(unit, post)
        notice = next((one for one in await unit.notices(post.episode) if one.id == post.line), None)
        given = next((one for one in await unit.acknowledgements(post.line) if one.id == post.id), None)
        peer = await unit.peers.one(post.hub)
        if notice is None or given is None:
            return None
        taken = next((one for one in await unit.decisions(post.episode) if one.id == notice.decision), None)
        message = None if taken is None or taken.event is None else await unit.peers.sent_as(post.episode, taken.event)
        if taken is None or message is None:
            return None
        reference = reference_of(taken.decision.cause) or await self._reference(unit, post, message)
        if reference is None:
            return None
        attached = answer_json(given, message=message, reference=reference, organisation=notice.organisation or "")
        return self._sealed(post, peer, reference, (attached,))

    async def _written(self, unit: Unit, post: Post) -> Envelope | None:
        """What somebody wrote in a conversation of that hub, by the reference of the first that their case was told."""
        message, told = await unit.conversations.one(post.id), await unit.notices(post.episode)
        stored = await unit.episode_by_id(post.episode)
        if message is None or not told or stored is None or not stored.doc:
            return None
        attached = message_files(message, stored.doc["episode"]["ref"])
        return self._sealed(post, await unit.peers.one(post.hub), told[0].reference, attached)

    def _sealed(self, post: Post, peer: Peer | None, reference: str, attached: tuple[Attachment, ...]) -> Envelope:
        return Envelope(
            delivery=post.id,
            reference=reference,
            # Of a hub that was removed there is no address: it waits until it is known again.
            address="" if peer is None else peer.said.inbox,
            body=Content(subject="", text="", html="", attachments=attached),
            receipt_token=receipt_token(self.secret, post.id),
        )

    @staticmethod
    async def _reference(unit: Unit, post: Post, message: str) -> str | None:
        """What that hub calls the notice that told of somebody's message."""
        stored = await unit.episode_by_id(post.episode)
        event = None if stored is None else await unit.event(stored.record.source, message)
        return None if event is None else event.answer.get("reference")

    async def _settle(self, post: Post, outcome: Outcome, now: datetime, answer: str | None = None) -> None:
        """``answer``: what the other hub says of the step of an agreement that it is."""

        async def work(unit: Unit) -> None:
            if answer == KEPT:
                await unit.lock(f"conversations:{post.episode}")
            await unit.peers.settle_post(post.id, outcome, answer)
            if answer == KEPT:
                with contextlib.suppress(Unsealable):  # the child was erased in between
                    await keep_known(unit, self.ids, post.episode, source_of(post.hub), now)
            await unit.add_audit([self._line(post, outcome, now)])
            if outcome == "refused":
                await unit.add_alarm(self._alarm(NOT_TAKEN, post, now), [])
            elif outcome == "sent":
                for alarm in await unit.alarms():
                    if alarm.kind == LATE and alarm.reason == post.hub:
                        await seen_to(unit, alarm.id, OPERATOR, self.ids, now)

        await self.store.write(work)

    async def _put_off(self, post: Post, result: Result, now: datetime) -> None:
        async def work(unit: Unit) -> None:
            await unit.peers.put_off_posts(post.hub, now + timedelta(seconds=retry_in(post.tries)))
            if late_since(post.made_at, now, written=post.kind == "message"):
                await unit.add_alarm(self._alarm(LATE, post, now), [])

        await self.store.write(work)

    def _alarm(self, kind: str, post: Post, now: datetime) -> AlarmRecord:
        about = post.line if kind == NOT_TAKEN and post.kind == "answer" else None
        return AlarmRecord(
            id=self.ids.new("al", now), kind=kind, owner=OPERATOR, reason=post.hub, raised_at=now, notice=about,
            episode=post.episode if kind == NOT_TAKEN else None,
        )  # fmt: skip

    def _line(self, post: Post, outcome: Outcome, now: datetime) -> AuditLine:
        return AuditLine(id=self.ids.new("au", now), at=now, actor="hub", action="peer.answered", episode=post.episode,
                         subject=post.id, detail={"came_to": outcome, "hub": post.hub})  # fmt: skip
