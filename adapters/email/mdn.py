"""Message disposition notifications (RFC 8098): what the reader's own program says it did with a message. Pure.

``displayed`` is what the program claims; nobody has acknowledged anything by it. A message that is ``deleted`` was
shown to nobody, since a program reports once and would have said ``displayed``: Exchange reports so what was deleted
unread, and Sieve what it was told to refuse (RFC 5429 2.2). That is bad news, and so a bounce.
"""

import re
from dataclasses import dataclass, field

from adapters.email.outcome import Outcome
from adapters.email.parts import fields_of, first
from adapters.port import Reason, ReceiptKind

_DISPOSITION = re.compile(
    r"\s*(?:(?P<action>manual-action|automatic-action)\s*/\s*MDN-sent-(?:manually|automatically)\s*)?;?\s*"
    r"(?P<type>displayed|deleted|dispatched|processed|denied|failed)(?![\w-])"
    r"(?:\s*/\s*(?P<modifiers>[\w, \t-]{1,100}))?",
    re.IGNORECASE,
)
_KINDS: dict[str, tuple[ReceiptKind, Reason | None]] = {
    "displayed": ("displayed", None),
    "deleted": ("bounced", "rejected"),
    "dispatched": ("delivered", None),
    "processed": ("delivered", None),
    "denied": ("delivered", None),
    "failed": ("bounced", "unknown"),
}
"""RFC 8098 3.2.6.2, and ``denied`` and ``failed`` of its predecessors (RFC 2298, 3798), which are still sent."""
_GONE = frozenset({"mailbox-terminated", "expired"})
"""Modifiers of RFC 2298: it went away with its mailbox, or after its time, and nobody saw it."""
_FAULTS = frozenset({"error", "failed"})
_MODIFIERS = _GONE | _FAULTS | {"warning", "superseded"}
_ADDRESS = re.compile(r"\s*rfc822\s*;\s*<?([^\s<>]{1,320})>?", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Disposition:
    """``outcome`` is None where the notification says nothing that is known."""

    outcome: Outcome | None
    reader: str = field(repr=False)
    """For whom the program speaks: the Final-Recipient, or nothing."""


def read(notification: bytes) -> Disposition:
    """The body of a ``message/disposition-notification`` part. Code: type, modifiers that are known, action mode."""
    fields = fields_of(notification)
    reader = _ADDRESS.match(first(fields, "final-recipient"))
    found = _DISPOSITION.match(first(fields, "disposition"))
    return Disposition(outcome=_outcome(found) if found else None, reader=reader.group(1) if reader else "")


def _outcome(found: re.Match[str]) -> Outcome:
    word, action = found["type"].lower(), (found["action"] or "").lower()
    listed = [one.strip().lower() for one in (found["modifiers"] or "").split(",")]
    modifiers = [one for one in dict.fromkeys(listed) if one in _MODIFIERS]
    kind, reason = _KINDS[word]
    if _GONE & set(modifiers):
        kind, reason = "bounced", "rejected"
    elif kind == "displayed" and _FAULTS & set(modifiers):
        kind = "delivered"  # something went wrong while it was shown: that it was seen is not known
    return Outcome(kind=kind, code=" ".join(("/".join((word, *modifiers)), action)).strip(), reason=reason)
