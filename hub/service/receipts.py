"""What comes back: matched by an unguessable token, stored as it came, and read for what it means.

Whoever has seen a notice's mail can write to its address, so a receipt is believed only as far as it matches. What
matches nothing is kept apart and counted, with an alarm, and never refused: a refusal would tell a forger which tokens
there are.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final, Protocol

from adapters.port import Receipt
from contacts.roles import OPERATOR
from hub.core.receipts import meaning, notice_moved
from hub.core.records import AlarmRecord, AuditLine, DeliveryRecord, NoticeRecord, ReceiptRecord, Received
from hub.core.tokens import token_digest
from hub.core.verdict import ASIDE
from hub.service.ports import Clock, Ids, Store, Unit

MOST_APART: Final = 1_000
"""How many of those that match nothing are kept in an hour; more are only counted, or they would fill the disk."""
MOST_WHOLE: Final = 50
"""Of so many in an hour all is kept, of the others :data:`KEPT_OF_OTHERS` bytes: an answer may bear photos."""
KEPT_OF_OTHERS: Final = 1024 * 1024
MOST_OF_ONE: Final = 100
"""How many are kept of one delivery; whoever sends more has learnt its token."""
HOUR: Final = timedelta(hours=1)

Found = tuple[DeliveryRecord, NoticeRecord]


class Proofs(Protocol):
    """Proof of life: what is about no notice may be about a contact that was asked whether it works."""

    async def take(self, unit: Unit, receipt: Receipt, now: datetime) -> bool: ...
    async def against(self, unit: Unit, channel: str, address: str, reason: str, now: datetime) -> None: ...


class Meter(Protocol):
    """Counts; the labels are codes."""

    def receipt(self, channel: str, kind: str) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipts:
    """The receipts service. ``nudge`` wakes whoever takes the next step for a notice that came back."""

    store: Store
    clock: Clock
    ids: Ids
    meter: Meter
    nudge: Callable[[], None] = field(repr=False)
    proofs: Proofs | None = None

    async def take(self, receipt: Receipt, raw: bytes) -> bool:
        """Store one receipt, and what it means; durable on return. False if it matched nothing and was kept apart.

        ``raw``: the report as it came; sealed. Raises StoreUnavailable: whoever sent it should send it again.
        """
        now = self.clock.now()
        matched = await self.store.write(lambda unit: self._take(unit, receipt, raw, now))
        self.meter.receipt(receipt.channel, receipt.kind if matched else "apart")
        if matched:
            self.nudge()
        return matched

    async def keep_apart(
        self, channel: str, why: str, raw: bytes, *, token: str | None = None, notice: NoticeRecord | None = None
    ) -> None:
        """Store what came back and could not be read as a receipt; ``why`` is a code. What it is about, for the alarm:
        ``notice``, or the one whose receipts come back under ``token``."""
        now = self.clock.now()

        async def work(unit: Unit) -> None:
            found = None if token is None else await unit.delivery_by_receipt(token_digest(token))
            await self._apart(unit, channel, why, raw, now, notice if found is None else found[1])

        await self.store.write(work)
        self.meter.receipt(channel, "apart")

    async def _take(self, unit: Unit, receipt: Receipt, raw: bytes, now: datetime) -> bool:
        found = await self._find(unit, receipt)
        if found is None and self.proofs is not None and await self.proofs.take(unit, receipt, now):
            return True
        if found is None or found[0].channel != receipt.channel:
            await self._apart(unit, receipt.channel, "unknown", raw, now, None)
            return False
        await unit.lock(f"notice:{found[1].id}")
        found = await self._find(unit, receipt) or found
        delivery, notice = found
        if len(await unit.receipts(delivery.id)) >= MOST_OF_ONE:
            await unit.add_alarm(self._alarm("receipts_too_many", OPERATOR, notice, receipt.channel, now), ())
            return True
        means = meaning(receipt, delivery, await unit.attempts(delivery.id))
        happened, alarms = means.happened, []
        if happened == "gave_up":
            owner = notice.organisation or OPERATOR
            others = await self._others(unit, delivery)
            happened = None if others else happened
            kind = "contact_failed" if others else "undeliverable"
            alarms = [self._failed(kind, owner, delivery, notice, receipt, now)]
        elif means.delivery == "failed" and delivery.state != "failed":
            # An alert, or what was told aside: the notice stays as it is, and the contact is wrong all the same.
            owner = OPERATOR if delivery.purpose == "handover" else notice.organisation or OPERATOR
            alarms = [self._failed("contact_failed", owner, delivery, notice, receipt, now)]
        if alarms and self.proofs is not None:
            await self.proofs.against(unit, delivery.channel, delivery.address, receipt.reason or "unknown", now)
        state = notice_moved(notice.state, happened)
        moved = notice if state == notice.state else replace(notice, state=state, state_at=now)
        if happened == "gave_up" and moved.chase_at is not None:
            moved = replace(moved, chase_at=now)  # nobody waits for an answer to what came back: the next step at once
        record = ReceiptRecord(
            id=self.ids.new("rc", now),
            arrived_at=now,
            channel=receipt.channel,
            kind=receipt.kind,
            at=receipt.at,
            delivery=delivery.id,
            attempt=None if means.attempt is None else means.attempt.number,
            code=receipt.code,
            why="" if means.attempt is not None else "not_sent",
            raw=raw,
        )
        await unit.receive(
            Received(
                receipt=record,
                attempt=means.attempt,
                delivery=delivery.id,
                state=means.delivery,
                notice=moved,
                alarms=tuple(alarms),
                audit=tuple(self._lines(record, notice, moved, now)),
            )
        )
        return True

    @staticmethod
    async def _find(unit: Unit, receipt: Receipt) -> Found | None:
        if receipt.token is not None:
            return await unit.delivery_by_receipt(token_digest(receipt.token))
        if receipt.delivery is not None:
            return await unit.delivery_by_id(receipt.delivery)
        if receipt.provider_reference is not None:
            return await unit.delivery_by_reference(receipt.channel, receipt.provider_reference)
        return None

    @staticmethod
    async def _others(unit: Unit, lost: DeliveryRecord) -> Sequence[DeliveryRecord]:
        """Other ways on which the content still goes out, or has gone out."""
        return [
            one
            for one in await unit.deliveries(lost.notice)
            if one.id != lost.id
            and one.carries == "content"
            and one.purpose not in ASIDE
            and one.state in ("due", "leased", "sent")
        ]

    async def _apart(
        self, unit: Unit, channel: str, why: str, raw: bytes, now: datetime, notice: NoticeRecord | None
    ) -> None:
        await unit.add_alarm(self._alarm("receipt_apart", OPERATOR, notice, why, now), ())
        count = await unit.count_apart(now - HOUR)
        if count >= MOST_APART:
            return
        if count >= MOST_WHOLE:
            raw = raw[:KEPT_OF_OTHERS]
        await unit.add_receipt(
            ReceiptRecord(id=self.ids.new("rc", now), arrived_at=now, channel=channel, kind=None, why=why, raw=raw)
        )

    def _failed(
        self, kind: str, owner: str, delivery: DeliveryRecord, notice: NoticeRecord, receipt: Receipt, now: datetime
    ) -> AlarmRecord:
        alarm = self._alarm(kind, owner, notice, receipt.reason or "unknown", now)
        return replace(alarm, contact=delivery.contact or delivery.channel) if kind == "contact_failed" else alarm

    def _alarm(self, kind: str, owner: str, notice: NoticeRecord | None, reason: str, now: datetime) -> AlarmRecord:
        return AlarmRecord(
            id=self.ids.new("al", now),
            kind=kind,
            owner=owner,
            episode=None if notice is None else notice.episode,
            notice=None if notice is None else notice.id,
            reason=reason,
            raised_at=now,
        )

    def _lines(
        self, record: ReceiptRecord, before: NoticeRecord, after: NoticeRecord, now: datetime
    ) -> Sequence[AuditLine]:
        said = {"channel": record.channel, "kind": str(record.kind), "code": record.code}
        lines: list[tuple[str, str, dict[str, str]]] = [("receipt.stored", record.id, said)]
        if after.state != before.state:
            lines.append((f"notice.{after.state}", before.id, {}))
        return [
            AuditLine(id=self.ids.new("au", now), at=now, actor=f"recipient:{record.delivery}", action=action,
                      organisation=before.organisation, episode=before.episode, subject=subject, detail=detail)
            for action, subject, detail in lines
        ]  # fmt: skip
