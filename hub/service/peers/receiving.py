"""What a confirmed peer sends: verified, opened, judged; then handed on in one transaction, and only then acknowledged.

Of a request whose signature is not that of a confirmed peer nothing is kept. Of one whose is, nothing is lost: what
cannot be opened, verified or understood is sealed into quarantine, and the operator is told.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Literal, Protocol, TypeAlias

from adapters.https.receive import RECEIPT_TYP, NotOpened, Opener, verified
from adapters.https.seal import ContentSigner
from adapters.https.wire import NOTICE_TYP
from hub.core.peer_cases import NotUnderstood
from hub.core.peer_messages import ANSWER, HOLDS, MESSAGE, NOTICE, SAYS, Message, attached, message, only_asks
from hub.core.peers import Introduction, Peer
from hub.core.records import AlarmRecord, AuditLine, QuarantineRecord
from hub.core.ulid import spelled
from hub.core.webhook import ID, Refused, verify
from hub.service.peers.conversing import Heard
from hub.service.ports import Clock, Ids, Store, Unit, Unsealable
from hub.service.tenancy import WHOLE, scoped

Headers: TypeAlias = Sequence[tuple[str, str]]
IN_A_THREAD: Final = 64 * 1024
"""Bytes of a body from which opening it would hold the event loop for longer than a thread costs."""
MOST_APART: Final = 256 * 1024 * 1024
"""Bytes of one peer that are kept for a human to look at. More are not taken, and its hub keeps them."""
ANY_TIME: Final = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """A request that a confirmed peer signed. ``stale``: not now."""

    peer: Peer
    webhook_id: str
    stale: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """It is durable: the signed acknowledgement."""

    receipt: bytes = field(repr=False)
    """A compact JWS."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotTaken:
    """It is not, and why: words for the sender, which repeat nothing of it."""

    status: Literal[401, 403, 409, 422, 503]
    why: str
    quarantine: str | None = None


class Hear(Protocol):
    """The same for what is said about what this hub has sent, which is in the hands of whoever it was sent for:
    answers. It opens its transactions itself."""

    def __call__(self, peer: Peer, said: Message, now: datetime, /) -> Awaitable[str | None]: ...


class Converse(Protocol):
    """Likewise for what was written in its conversations."""

    def __call__(self, peer: Peer, said: Message, now: datetime, /) -> Awaitable[Heard | None]: ...


class Take(Protocol):
    """Writes down what a message means, once however often it comes. Returns this hub's reference of it, the first one
    again for the same, and None where another message has the id. Raises NotUnderstood."""

    def __call__(self, unit: Unit, peer: Peer, said: Message, now: datetime, /) -> Awaitable[str | None]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiving:
    """``own``: what this hub says of itself. ``digest``: a keyed hash. ``nudge`` wakes the delivery service."""

    store: Store
    own: Introduction
    opener: Opener = field(repr=False)
    signer: ContentSigner = field(repr=False)
    take: Take
    hear: Hear
    converse: Converse
    clock: Clock
    ids: Ids
    digest: Callable[[bytes], bytes] = field(repr=False)
    nudge: Callable[[], None]
    tolerance: float

    async def speaker(self, issuer: str, headers: Headers, body: bytes) -> Spoken | NotTaken:
        """The confirmed peer whose request this is; else why not. Nothing is kept yet, so that whoever asks can first
        see how much this peer has sent."""
        peer = await self.store.read(lambda unit: unit.peers.called(issuer))
        if peer is None:
            return NotTaken(status=401, why="No hub of this name is known here: introduce yourself first.")
        now = self.clock.now()
        found = verify(headers, body, peer.said.verifying(ANY_TIME), now, self.tolerance)
        if isinstance(found, Refused):
            return NotTaken(status=401, why="The request bears no valid signature of that hub: did its keys change?")
        if peer.state != "confirmed":
            return NotTaken(status=403, why=f"That hub is {peer.state} here: ring this hub's operator.")
        return Spoken(peer=peer, webhook_id=_header(headers), stale=found.stale)

    async def receive(self, spoken: Spoken, body: bytes) -> Taken | NotTaken:
        """A request of :meth:`speaker`. Raises StoreUnavailable, and then nothing was taken."""
        peer, now, webhook_id = spoken.peer, self.clock.now(), spoken.webhook_id
        if spoken.stale:
            why = "bears a right signature that is not of now: is a clock wrong, or a queue slow?"
            return await self._aside(peer, webhook_id, body, why, "stale_signature", 401)
        opened = await self._opened(peer, body, now)
        if isinstance(opened, str):
            return await self._aside(peer, webhook_id, body, opened, "invalid", 422)
        inner, payload = opened
        said = message(payload, signed=inner, issuer=peer.said.issuer, audience=self.own.inbox, webhook_id=webhook_id,
                       own=self.own.hub, now=now)  # fmt: skip
        if not isinstance(said, Message):
            return await self._aside(peer, webhook_id, inner, SAYS[said], "invalid", 422)
        try:
            heard = await self._taken(peer, said, now)
        except NotUnderstood as error:
            return await self._aside(peer, webhook_id, inner, str(error), "invalid", 422)
        except Unsealable as error:
            why = f"is about what cannot be opened here ({type(error).__name__}): send it again"
            return await self._aside(peer, webhook_id, inner, why, "unreadable", 503)
        self.nudge()
        if heard is None:
            return NotTaken(status=409, why="This id was used for another message.")
        return Taken(receipt=self._receipt(said, heard))

    async def _taken(self, peer: Peer, said: Message, now: datetime) -> Heard | None:
        if MESSAGE in attached(said) and not {NOTICE, ANSWER} & attached(said) and not only_asks(said):
            return await self.converse(peer, said, now)
        reference = await self._noted(peer, said, now)
        return None if reference is None else Heard(reference=reference)

    async def _noted(self, peer: Peer, said: Message, now: datetime) -> str | None:
        if only_asks(said):
            return self.digest(said.same).hex()[:26]  # that it could be opened is all there is to say
        if ANSWER in attached(said):
            return await self.hear(peer, said, now)
        if not {MESSAGE, HOLDS} & attached(said):
            return await self.store.write(lambda unit: self.take(unit, peer, said, now))
        with scoped(WHOLE):  # who takes part in a conversation is looked up beyond what a source may see of its own
            return await self.store.write(lambda unit: self.take(unit, peer, said, now))

    async def _opened(self, peer: Peer, body: bytes, now: datetime) -> tuple[bytes, bytes] | str:
        """What was signed, as it was signed and what it says; else what is wrong."""
        if len(body) < IN_A_THREAD:
            return self._open(peer, body, now)
        return await asyncio.to_thread(self._open, peer, body, now)

    def _open(self, peer: Peer, body: bytes, now: datetime) -> tuple[bytes, bytes] | str:
        try:
            inner = self.opener.open(body)
        except NotOpened as error:
            return f"is {error}: fetch this hub's keys anew"
        payload = verified(inner, peer.said.signing(now), NOTICE_TYP)
        return "bears no valid signature of that hub inside: did its keys change?" if payload is None else (
            inner, payload
        )  # fmt: skip

    async def _aside(
        self,
        peer: Peer,
        webhook_id: str,
        body: bytes,
        why: str,
        reason: Literal["invalid", "stale_signature", "unreadable"],
        status: Literal[401, 422, 503],
    ) -> NotTaken:
        """Keep it for a human, once for each message, and tell the operator."""
        now, ids = self.clock.now(), self.ids
        mark = self.digest(b"\0".join((b"peer", peer.hub.encode(), webhook_id.encode(), why.encode())))
        record = QuarantineRecord(
            id=spelled("qu", int.from_bytes(mark[:16])),
            source=peer.said.source,
            received_at=now,
            reason=reason,
            body=body,
            problems=({"path": "", "message": why},),
        )
        alarm = AlarmRecord(id=ids.new("al", now), kind="quarantine", owner="operator", reason=record.id, raised_at=now)
        line = AuditLine(id=ids.new("au", now), at=now, actor=peer.said.source, action="event.quarantined",
                         subject=record.id, detail={"reason": reason})  # fmt: skip

        async def keep(unit: Unit) -> bool:
            if await unit.peers.kept_apart(record.source) + len(body) > MOST_APART:
                return False
            await unit.add_quarantine(record, alarm, [line])
            return True

        if not await self.store.write(keep):
            return NotTaken(status=503, why="This hub keeps no more of yours that it cannot read: ring its operator.")
        return NotTaken(status=status, why=f"The message {why}", quarantine=record.id)

    def _receipt(self, said: Message, heard: Heard) -> bytes:
        answer = {"received": said.id, "reference": heard.reference}
        if heard.agreement is not None:
            answer["agreement"] = heard.agreement
        if said.receipt is not None:
            answer["receipt"] = said.receipt
        return self.signer.sign(json.dumps(answer).encode("ascii"), RECEIPT_TYP).encode("ascii")


def _header(headers: Headers) -> str:
    """The id that was signed with the request: there is exactly one, once it was verified."""
    return next((value.strip(" \t") for name, value in headers if name.lower() == ID), "")
