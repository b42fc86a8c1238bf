"""What a peer's people answered to notices of this hub is recorded as if they had answered here.

An answer counts for one notice: one that this hub sent to that peer's inbox, for the organisation whose desk it went
to. So no peer speaks for anybody whom it was not sent a notice for.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal

from contacts.directory import Directory
from hub.core.peer_answers import Answered, answered
from hub.core.peer_cases import NotUnderstood
from hub.core.peer_messages import Message
from hub.core.peers import Peer
from hub.core.records import AcknowledgementRecord, AuditLine, ReceiptRecord, Received
from hub.core.tokens import ack_token
from hub.core.ulid import spelled
from hub.service.answers import Answers, Recorded, check
from hub.service.ports import Ids, Store, Unit
from hub.service.receipts import MOST_OF_ONE
from hub.service.tenancy import WHOLE, scoped

_MARK: Final = 16
"""Characters at the end of a record's id that say which message it came by; before them stands when it was said."""
STRANGE = "answers nothing that this hub has sent to that one"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answering:
    """:class:`hub.service.peers.receiving.Hear`. ``secret``: see hub/core/tokens.py; ``digest``: a keyed hash."""

    store: Store
    answers: Answers
    directory: Callable[[], Directory]
    secret: bytes = field(repr=False)
    digest: Callable[[bytes], bytes] = field(repr=False)
    ids: Ids

    async def __call__(self, peer: Peer, said: Message, now: datetime, /) -> str | None:
        """This hub's reference of the answer, the first one again for the same; None where another answer has its id.
        Raises NotUnderstood, StoreUnavailable."""
        given = answered(said.said)
        mark = self.digest(b"\0".join((b"answer", peer.hub.encode(), said.id.encode())))[:10]
        # As all ids, it sorts by when it was said.
        said_at = max(int(given.at.timestamp() * 1000), 0) % 2**48
        known_as = spelled("ack", int.from_bytes(said_at.to_bytes(6) + mark))
        with scoped(WHOLE):  # the notice is told in the name of another organisation than that which answers
            found = await self.store.read(lambda unit: self._sent(unit, peer, given, now))
            if found is None:
                raise NotUnderstood(STRANGE)
            if found == "erased":
                return known_as.partition("_")[2]  # there is nothing left that it could be recorded of
            if not await self.store.write(lambda unit: self._keep(unit, peer, given, said, known_as, now)):
                return None
            recorded = await self.answers.acknowledge(
                ack_token(self.secret, given.message),
                name=given.name,
                answer=given.answer,
                redirected_to=given.redirected_to,
                by=peer.said.source,
                known_as=known_as,
            )
        if recorded is not None and not isinstance(recorded, Recorded):
            raise NotUnderstood("bears a name, or whom it redirects to, that cannot be shown")
        return known_as.partition("_")[2]

    async def _keep(self, unit: Unit, peer: Peer, given: Answered, said: Message, known_as: str, now: datetime) -> bool:
        """The answer as it was signed, once: what that hub cannot deny. Before it counts, so that none counts of which
        there is nothing. False where another answer has its id. Raises NotUnderstood."""
        found = await unit.delivery_by_id(given.message)
        if found is None:
            return True
        await unit.lock(f"notice:{found[1].id}")
        delivery, notice = await unit.delivery_by_id(given.message) or found
        earlier = [one for one in await unit.acknowledgements(notice.id) if one.id[-_MARK:] == known_as[-_MARK:]]
        if any(one.id != known_as or not _says(one, given) for one in earlier):
            return False
        kept, own = await unit.receipts(delivery.id), f"rc_{known_as.partition('_')[2]}"
        if any(one.id == own for one in kept):
            return True
        if len(kept) >= MOST_OF_ONE:
            raise NotUnderstood("is one of too many answers to one notice")
        receipt = ReceiptRecord(
            id=own, arrived_at=now, channel=delivery.channel, kind="answered", at=given.at, delivery=delivery.id,
            code="answer", raw=said.signed,
        )  # fmt: skip
        line = AuditLine(
            id=self.ids.new("au", now), at=now, actor=peer.said.source, action="receipt.stored",
            organisation=notice.organisation, episode=notice.episode, subject=receipt.id,
            detail={"channel": receipt.channel, "kind": "answered", "code": receipt.code},
        )  # fmt: skip
        await unit.receive(
            Received(receipt=receipt, attempt=None, delivery=delivery.id, state=delivery.state, notice=notice,
                     audit=(line,))
        )  # fmt: skip
        return True

    async def _sent(self, unit: Unit, peer: Peer, given: Answered, now: datetime) -> Literal["sent", "erased"] | None:
        """Whether it answers what was sent to that peer, for whom it speaks."""
        found = await unit.delivery_by_id(given.message)
        if found is None:
            return "erased" if await unit.peers.was_sent(given.message) else None
        delivery, notice = found
        contact = None if delivery.contact is None else self.directory().contact(delivery.contact, now)
        addresses = {delivery.address, None if contact is None else contact.address}
        ours = (notice.reference, notice.organisation) == (given.reference, given.organisation_code)
        return "sent" if ours and delivery.channel == "push" and peer.said.inbox in addresses else None


def _says(known: AcknowledgementRecord, given: Answered) -> bool:
    """Whether it is what is recorded."""
    clean = check(given.name, given.answer, given.redirected_to)
    return not isinstance(clean, tuple) and (known.name, known.answer, known.redirected_to) == (
        clean.name,
        clean.answer,
        clean.redirected_to,
    )
