"""What came back needs this of a transaction: receipts and answers find their delivery."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from hub.core.records import (
    AcknowledgementRecord,
    AlarmRecord,
    AuditLine,
    DeliveryRecord,
    NoticeRecord,
    ReceiptRecord,
    Received,
)


class ReceiptsUnit(Protocol):
    """Its part of :class:`hub.service.ports.Unit`."""

    # receipts
    async def delivery_by_receipt(self, token_digest: bytes) -> tuple[DeliveryRecord, NoticeRecord] | None:
        """By the token that its receipts come back under."""
        ...

    async def delivery_by_id(self, delivery: str) -> tuple[DeliveryRecord, NoticeRecord] | None: ...
    async def delivery_by_reference(self, channel: str, reference: str) -> tuple[DeliveryRecord, NoticeRecord] | None:
        """By what a provider called one of its attempts."""
        ...

    async def delivery_by_reply(self, reply_digest: bytes) -> tuple[DeliveryRecord, NoticeRecord] | None:
        """By its reply code and the number that its alert went to (hub/core/tokens.py)."""
        ...

    async def receive(self, received: Received) -> None:
        """Write a receipt that matched, and what it means."""
        ...

    async def add_receipt(self, record: ReceiptRecord) -> None:
        """Append what came back, matched or not."""
        ...

    async def receipts(self, delivery: str) -> Sequence[ReceiptRecord]: ...
    async def receipts_apart(self, since: datetime, limit: int) -> Sequence[ReceiptRecord]:
        """Those that nobody could match, oldest first."""
        ...

    async def receipt_apart(self, receipt: str) -> ReceiptRecord | None: ...
    async def count_apart(self, since: datetime) -> int: ...

    # answers
    async def delivery_by_token(self, token_digest: bytes) -> tuple[DeliveryRecord, NoticeRecord] | None: ...
    async def acknowledge(
        self, record: AcknowledgementRecord, notice: NoticeRecord, alarm: AlarmRecord | None, audit: Sequence[AuditLine]
    ) -> None:
        """Append the answer; ``notice`` carries the new state."""
        ...
