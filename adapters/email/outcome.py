"""What a report says became of one recipient, before it is known whose delivery it was. Pure."""

import re
from dataclasses import dataclass
from datetime import datetime

from adapters.email.codes import SUBJECTS
from adapters.port import Reason, ReceiptKind

STATUS = re.compile(r"\s*([245]\.\d{1,3}\.\d{1,3})(?![.\d])")
"""An enhanced status code (RFC 3463) at the beginning of a text."""
GIVEN_UP: frozenset[str] = frozenset({"4.4.7", "5.4.7"})
"""Delivery time expired (RFC 3463 3.5)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """``code`` is content-free: a status code, or words of the RFC's own."""

    kind: ReceiptKind
    code: str
    reason: Reason | None = None
    at: datetime | None = None
    """When the reporter says it happened, if it does."""


def reason_of(status: str) -> Reason:
    """Why not, by subject and detail of the status code; ``unknown`` for one that nobody registered."""
    known = SUBJECTS.get(status.partition(".")[2])
    return known[0] if known else "unknown"
