"""What an HTTP status means for one delivery: a table, and Retry-After. Pure.

2xx is not here: it is the success. A refusal is the recipient's, unless it is ours to put right (``technical``). What
nobody knows is a technical failure. A gateway's 502 or 504 may hide that the content was taken: it is tried again all
the same, as every try bears the same ``webhook-id`` and receivers are told to expect it twice.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from adapters.port import Deferred, Reason, Rejected

REFUSED: Final[Mapping[int, tuple[Reason, bool]]] = {
    400: ("rejected", False),
    401: ("rejected", False),
    402: ("rejected", False),
    403: ("rejected", False),
    404: ("rejected", False),
    405: ("rejected", False),
    406: ("rejected", False),
    407: ("misconfigured", True),
    409: ("rejected", False),
    410: ("gone", False),
    411: ("misconfigured", True),
    412: ("rejected", False),
    413: ("too_large", False),
    414: ("misconfigured", True),
    415: ("rejected", False),
    417: ("misconfigured", True),
    421: ("rejected", False),
    422: ("rejected", False),
    426: ("misconfigured", True),
    428: ("rejected", False),
    431: ("misconfigured", True),
    451: ("rejected", False),
}
"""Not by this way: the reason, and whether it is technical."""

LATER: Final[Mapping[int, Reason]] = {
    408: "provider_unavailable",
    423: "provider_unavailable",
    425: "provider_unavailable",
    429: "rate_limited",
}
"""Of the statuses below 500; those from 500 to 599 are all ``provider_unavailable``."""

_SECONDS = re.compile(r"[0-9]{1,9}", re.ASCII)


def classify(status: int, retry_after: str | None, now: datetime) -> Deferred | Rejected:
    """A status that is not 2xx, as a result. ``retry_after`` is the header as it came. No reason phrase or body is ever
    repeated."""
    detail = str(status)
    if status in LATER or 500 <= status <= 599:
        reason = LATER.get(status, "provider_unavailable")
        return Deferred(reason=reason, detail=detail, retry_after=seconds(retry_after, now))
    if 300 <= status <= 399:
        # Whoever may redirect us may send us anywhere: the directory has to name the right address.
        return Rejected(reason="misconfigured", detail=f"{detail} redirect")
    reason, technical = REFUSED.get(status, ("unknown", True))
    return Rejected(reason=reason, detail=detail, technical=technical)


def seconds(retry_after: str | None, now: datetime) -> float | None:
    """Retry-After (RFC 9110 10.2.3), a number of seconds or a date, as seconds from ``now``; None if there is none
    that can be read. A date gone by is 0."""
    if retry_after is None:
        return None
    text = retry_after.strip()
    if _SECONDS.fullmatch(text):
        return float(text)
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    if at.tzinfo is None:  # an asctime date, which is in UTC (RFC 9110 5.6.7)
        at = at.replace(tzinfo=UTC)
    return max(0.0, (at - now).total_seconds())
