"""What an SMTP reply means for one delivery: a table, and nothing provider-specific beside it. Pure.

Enhanced status codes (RFC 3463, the IANA registry) say more than reply codes, so they are asked first. A refusal is
``technical`` where it is ours or our relay's fault, else it is the recipient's. A code nobody knows is ``unknown``: a
5yz one is a technical failure, a 4yz one is tried again.
"""

import re
from typing import Literal, TypeAlias

from adapters.port import Deferred, Reason, Rejected

Phase: TypeAlias = Literal["connect", "helo", "tls", "login", "mail", "rcpt", "data", "content"]
"""Where in the conversation the reply came; ``content`` is the answer to the message itself."""

_ENHANCED = re.compile(r"([245])\.(\d{1,3})\.(\d{1,3})(?=\s|$)")
_QUEUED = re.compile(r"\b(?:queued as|id=)\s*([A-Za-z0-9-]{4,40})(?=[\s;,.)\]]|$)", re.IGNORECASE)

_RECIPIENT: tuple[Reason, bool] = ("rejected", False)
_OURS: tuple[Reason, bool] = ("misconfigured", True)
_PROVIDER: tuple[Reason, bool] = ("provider_unavailable", True)
_TOO_LARGE: tuple[Reason, bool] = ("too_large", False)
_RATE: tuple[Reason, bool] = ("rate_limited", True)

SUBJECTS: dict[str, tuple[Reason, bool]] = {
    "1.0": _RECIPIENT,
    "1.1": _RECIPIENT,
    "1.2": _RECIPIENT,
    "1.3": _RECIPIENT,
    "1.4": _RECIPIENT,
    "1.5": _RECIPIENT,
    "1.6": _RECIPIENT,
    "1.7": _OURS,
    "1.8": _OURS,
    "1.9": _RECIPIENT,
    "1.10": _RECIPIENT,
    "2.0": _RECIPIENT,
    "2.1": _RECIPIENT,
    "2.2": _RECIPIENT,
    "2.3": _TOO_LARGE,
    "2.4": _RECIPIENT,
    "3.0": _PROVIDER,
    "3.1": _PROVIDER,
    "3.2": _PROVIDER,
    "3.3": _OURS,
    "3.4": _TOO_LARGE,
    "3.5": _OURS,
    "4.0": _PROVIDER,
    "4.1": _RECIPIENT,
    "4.2": _PROVIDER,
    "4.3": _PROVIDER,
    "4.4": _RECIPIENT,
    "4.5": _PROVIDER,
    "4.6": _PROVIDER,
    "4.7": _RECIPIENT,
    "5.0": _OURS,
    "5.1": _OURS,
    "5.2": _OURS,
    "5.3": _RATE,
    "5.4": _OURS,
    "5.5": _OURS,
    "5.6": _OURS,
    "6.0": _OURS,
    "6.1": _OURS,
    "6.2": _OURS,
    "6.3": _OURS,
    "6.5": _OURS,
    "6.6": _OURS,
    "7.0": _RECIPIENT,
    "7.1": _RECIPIENT,
    "7.2": _RECIPIENT,
    "7.3": _OURS,
    "7.4": _OURS,
    "7.5": _OURS,
    "7.6": _OURS,
    "7.7": _OURS,
    "7.8": _OURS,
    "7.9": _OURS,
    "7.10": _OURS,
    "7.11": _OURS,
    "7.12": _OURS,
    "7.13": _RECIPIENT,
    "7.14": _RECIPIENT,
    "7.15": _RATE,
    "7.17": _RECIPIENT,
    "7.18": _RECIPIENT,
    "7.20": _OURS,
    "7.21": _OURS,
    "7.22": _OURS,
    "7.23": _OURS,
    "7.24": _OURS,
    "7.25": _OURS,
    "7.26": _OURS,
    "7.27": _OURS,
    "7.28": _RATE,
    "7.29": _OURS,
    "7.30": _OURS,
}
"""Subject and detail of an enhanced code: the reason, and whether it is technical."""

CODES: dict[int, tuple[Reason, bool]] = {
    421: _PROVIDER,
    432: _PROVIDER,
    450: _RECIPIENT,
    451: _PROVIDER,
    452: _PROVIDER,
    454: _PROVIDER,
    455: _OURS,
    500: _OURS,
    501: _OURS,
    502: _OURS,
    503: _OURS,
    504: _OURS,
    521: _RECIPIENT,
    523: _TOO_LARGE,
    530: _OURS,
    534: _OURS,
    535: _OURS,
    538: _OURS,
    541: _RECIPIENT,
    550: _RECIPIENT,
    551: _RECIPIENT,
    552: _TOO_LARGE,
    553: _RECIPIENT,
    554: _RECIPIENT,
    555: _OURS,
    556: _RECIPIENT,
}
"""RFC 5321, 4954, 7504: for a reply without an enhanced code."""

_CODE_FIRST = frozenset({421, 530, 534, 535, 538})
"""Reply codes that mean one thing, whatever general enhanced code (often x.7.0) comes with them."""
_ABOUT_US: frozenset[Phase] = frozenset({"connect", "helo", "tls", "login", "mail"})
"""Before RCPT no recipient has been named, so whatever is refused is ours or the relay's."""


def classify(phase: Phase, code: int, text: str) -> Deferred | Rejected:
    """A reply that is not the success expected in ``phase``, as a result. ``text`` is read for its enhanced code and
    never repeated."""
    enhanced = _enhanced(code, text)
    detail = " ".join(part for part in (str(code), enhanced, phase.upper()) if part)
    if not 400 <= code <= 599:
        return Rejected(reason="unknown", detail=detail, technical=True)
    known = None if code in _CODE_FIRST else SUBJECTS.get(enhanced.partition(".")[2])
    reason, technical = known or CODES.get(code, ("unknown", True))
    if code == 552 and phase == "rcpt" and not enhanced:
        reason, technical = _RECIPIENT  # a full mailbox: the size is asked about at MAIL and judged after DATA
    if phase == "tls":
        return Deferred(reason="tls_failed", detail=detail)
    if phase in _ABOUT_US and reason == "rejected":
        reason, technical = ("provider_unavailable" if phase in {"connect", "helo"} else "misconfigured"), True
    if code < 500:
        return Deferred(reason=reason, detail=detail)
    return Rejected(reason=reason, detail=detail, technical=technical)


def queue_id(text: str) -> str | None:
    """The relay's own id of the message it took, if its answer names one. A plain token: no free text gets through."""
    found = _QUEUED.search(text)
    return found.group(1) if found else None


def _enhanced(code: int, text: str) -> str:
    found = _ENHANCED.match(text.lstrip())
    return found.group(0) if found and found.group(1) == str(code)[:1] else ""
