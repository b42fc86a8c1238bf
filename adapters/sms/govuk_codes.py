"""What GOV.UK Notify's errors and statuses mean for one delivery: two tables. Pure.

Its documentation says to go by the status code and the error's class and never by its words, which change; so that is
done here, and no words are ever repeated. An error nobody knows is a technical failure, a status nobody knows is kept
apart.
"""

import re
from typing import Final, Literal, TypeAlias

from adapters.port import Deferred, Reason, ReceiptKind, Rejected, Unconfirmed

Phase: TypeAlias = Literal["lookup", "send"]
"""Asking whether a message is there already; sending it. Only the second can leave doubt."""

ERRORS: Final[dict[tuple[int, str], tuple[Reason, bool]]] = {
    (400, "ValidationError"): ("misconfigured", True),
    (400, "BadRequestError"): ("misconfigured", True),
    (400, "InvalidPhoneError"): ("rejected", False),
    (401, "AuthError"): ("misconfigured", True),
    (403, "AuthError"): ("misconfigured", True),
    (403, "BadRequestError"): ("misconfigured", True),
    # The limit of the day: it lasts until midnight, which is no time to wait. Another way has to be found now.
    (429, "TooManyRequestsError"): ("rate_limited", True),
}
"""Final refusals by status code and error class: the reason, and whether it is technical. ``BadRequestError`` are
faults of the account (trial mode, a team key, a template or sender that is not there), which the operator mends."""

_BY_CODE: Final[dict[int, tuple[Reason, bool]]] = {
    400: ("misconfigured", True),
    401: ("misconfigured", True),
    403: ("misconfigured", True),
    404: ("misconfigured", True),
    405: ("misconfigured", True),
    413: ("misconfigured", True),
}
_AMBIGUOUS: Final = frozenset({502, 504})
"""A gateway in front of it lost the answer; what was behind the gateway may have taken the message."""

Meaning: TypeAlias = tuple[ReceiptKind, Reason | None]
STATUSES: Final[dict[str, Meaning | None]] = {
    "created": None,
    "sending": None,
    "pending": None,
    "sent": ("relayed", None),
    "delivered": ("delivered", None),
    "permanent-failure": ("bounced", "rejected"),
    "temporary-failure": ("expired", "rejected"),
    "technical-failure": ("bounced", "provider_unavailable"),
}
"""Of a text message. None: on its way, nothing has come back. ``sent`` is the last that is ever known of a message to
some other countries. ``temporary-failure`` is final too: switched off, out of range or full until it was given up."""

SEND_AGAIN: Final = frozenset({"temporary-failure", "technical-failure"})
"""After which its documentation says to send again, so that an earlier message does not stand in the way of a try."""

_CLASS = re.compile(r"[A-Za-z]{1,40}")


def classify(
    phase: Phase, status: int, error: str, *, about_number: bool = False, clock_off: bool = False, retry_after: str = ""
) -> Deferred | Rejected | Unconfirmed:
    """An answer other than 2xx, as a result.

    ``error`` is the class it named; ``about_number``: a ValidationError of the field ``phone_number``; ``clock_off``:
    the answer's date is not within the 30 seconds of ours that a token lives; ``retry_after``: that header.
    """
    name = error if _CLASS.fullmatch(error) else ""
    detail = " ".join(part for part in (str(status), name, phase.upper()) if part)
    if status == 400 and name == "ValidationError" and about_number:
        return Rejected(reason="rejected", detail=detail)
    if status in {401, 403} and clock_off:
        return Deferred(reason="misconfigured", detail=f"{detail} CLOCK")  # clocks get set right, and tokens then hold
    known = ERRORS.get((status, name)) or _BY_CODE.get(status)
    if known is not None:
        return Rejected(reason=known[0], detail=detail, technical=known[1])
    if status == 429:
        return Deferred(reason="rate_limited", detail=detail, retry_after=_seconds(retry_after))
    if status in _AMBIGUOUS and phase == "send":
        return Unconfirmed(detail=detail)
    if 500 <= status <= 599:
        return Deferred(reason="provider_unavailable", detail=detail, retry_after=_seconds(retry_after))
    if 300 <= status <= 399:
        return Rejected(reason="misconfigured", detail=detail, technical=True)  # redirects are not followed
    return Rejected(reason="unknown", detail=detail, technical=True)


def _seconds(header: str) -> float | None:
    return float(header) if re.fullmatch(r"[0-9]{1,6}", header) else None
