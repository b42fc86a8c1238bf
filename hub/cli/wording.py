"""The ledger's codes as people read them on a terminal."""

from datetime import datetime
from typing import Final

from hub.core.naming import organisation_name
from hub.core.records import AttemptRecord, DeliveryState, Purpose, ReceiptRecord

PURPOSES: Final[dict[Purpose, str]] = {
    "notice": "first way",
    "chase": "next step",
    "deputy": "the deputy",
    "duty_team": "emergency duty team",
    "silent": "reminder of a silent episode",
    "handover": "sender's duty manager, to ring instead",
}
COLOURS: Final[dict[DeliveryState, str]] = {
    "failed": "red",
    "due": "yellow",
    "leased": "yellow",
    "sent": "green",
    "cancelled": "dim",
}


def stamp(at: datetime | None) -> str:
    """In UTC, to the second; empty for none."""
    return "" if at is None else f"{at:%Y-%m-%d %H:%M:%S}Z"


def words(code: str) -> str:
    """``connection_failed`` -> ``connection failed``."""
    return code.replace("_", " ")


def organisation(code: str | None) -> str:
    """``Bromley (E09000006)``; a code that nobody knows is its own name, and none is empty."""
    name = organisation_name(code)
    return name if name == (code or "") else f"{name} ({code})"


def state(delivery: DeliveryState, due_at: datetime) -> str:
    """A delivery's state in its colour, as markup; of one that is due also when."""
    when = f" {stamp(due_at)}" if delivery == "due" else ""
    return f"[{COLOURS[delivery]}]{delivery}{when}[/]"


def tried(attempt: AttemptRecord) -> str:
    """One try in a line."""
    why = f": {words(attempt.reason)}" if attempt.reason else ""
    detail = f" ({attempt.detail})" if attempt.detail else ""
    known_as = f", known there as {attempt.provider_reference}" if attempt.provider_reference else ""
    came_to = "given back, not tried" if attempt.state == "cancelled" else words(attempt.state)
    return f"{attempt.number}  {stamp(attempt.started_at)}  {came_to}{why}{detail}{known_as}"


def came_back(receipt: ReceiptRecord) -> str:
    """One receipt in a line."""
    kind = "something unreadable" if receipt.kind is None else words(receipt.kind)
    code = f" {receipt.code}" if receipt.code else ""
    doubt = f", not believed: {words(receipt.why)}" if receipt.why else ""
    return f"came back {stamp(receipt.arrived_at)}: {kind}{code}{doubt}"
