"""What a receipt means for its attempt, its delivery and its notice. Pure; the transitions are in states.py.

A receipt says what a machine says. It moves an attempt, and a notice only as far as ``receipted``, and that only where
the attempt carried the content: that an alert arrived says nothing about the notice (readings.md D14), and nothing that
a machine says is an acknowledgement.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from adapters.port import Receipt, ReceiptKind
from hub.core.records import AttemptRecord, AttemptState, DeliveryRecord, DeliveryState, NoticeState
from hub.core.states import AttemptHappening, NoticeHappening, attempt_after, delivery_after, notice_after
from hub.core.verdict import ASIDE

MEANS: Final[Mapping[ReceiptKind, AttemptHappening | None]] = {
    "delayed": "receipt_delayed",
    "relayed": None,
    "delivered": "receipt_delivered",
    "displayed": "receipt_delivered",
    "answered": "receipt_delivered",
    "automatic_reply": None,
    "bounced": "receipt_bounced",
    "expired": "receipt_expired",
}
"""None: it is kept, and changes nothing. Who relays promises no further report; who is away was not told."""

ARRIVED: Final[frozenset[ReceiptKind]] = frozenset({"delivered", "displayed", "answered"})
LOST: Final[frozenset[AttemptState]] = frozenset({"permanent_failure", "expired"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """What is to be written because of one receipt."""

    attempt: AttemptRecord | None
    """None: there was no attempt that it could be about."""
    delivery: DeliveryState
    happened: NoticeHappening | None = None
    """To the notice. ``gave_up`` holds only if no other way of the notice is left."""


def about(attempts: Sequence[AttemptRecord]) -> AttemptRecord | None:
    """The attempt that a receipt is about: the newest that carried anything, else the newest that is under way."""
    sent = [attempt for attempt in attempts if attempt.carried is not None]
    under_way = [attempt for attempt in attempts if attempt.state == "sending"]
    return next(reversed(sent or under_way), None)


def meaning(receipt: Receipt, delivery: DeliveryRecord, attempts: Sequence[AttemptRecord]) -> Meaning:
    """What a receipt comes to, in whatever order receipts arrive."""
    attempt = about(attempts)
    happening = MEANS[receipt.kind]
    if attempt is None or happening is None:
        return Meaning(attempt=attempt, delivery=delivery.state)
    after = attempt_after(attempt.state, happening)
    worse = after in LOST and attempt.state not in LOST
    moved = replace(
        attempt,
        state=after,
        reason=(receipt.reason or "unknown") if worse else attempt.reason,
        detail=(receipt.code or None) if worse else attempt.detail,
    )
    told = delivery.purpose not in ASIDE and delivery.carries == "content"
    if receipt.kind in ARRIVED:
        carried = attempt.carried in (None, "content") and after == "delivered"
        return Meaning(attempt=moved, delivery=delivery.state, happened="receipt" if told and carried else None)
    if after in LOST and delivery.state == "sent":
        return Meaning(attempt=moved, delivery=delivery_after("sent", "gave_up"), happened="gave_up" if told else None)
    return Meaning(attempt=moved, delivery=delivery.state)


def notice_moved(state: NoticeState, happened: NoticeHappening | None) -> NoticeState:
    """The notice's state after it; a receipt for one that is withheld or held changes nothing."""
    if happened is None or (happened == "gave_up" and state in ("withheld", "held")):
        return state
    return notice_after(state, happened)
