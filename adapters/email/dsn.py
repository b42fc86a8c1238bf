"""Delivery status notifications (RFC 3464): what the mail systems on the way say became of each recipient. Pure."""

import re
from dataclasses import dataclass

from adapters.email.outcome import GIVEN_UP, STATUS, Outcome, reason_of
from adapters.email.parts import Fields, fields_of, first, moment
from adapters.email.verp import token_in
from adapters.port import ReceiptKind

_MOST_GROUPS = 60
_ACTION = re.compile(r"\s*([A-Za-z]{1,20})(?![A-Za-z-])")
_DIAGNOSTIC = re.compile(r"\s*smtp\s*;\s*\d{3}[ -]+(?:#)?([245]\.\d{1,3}\.\d{1,3})(?![.\d])", re.IGNORECASE)
_GROUPS = re.compile(rb"(?:\r?\n[ \t]*){2,}")
_SUCCESS: dict[str, ReceiptKind] = {"delivered": "delivered", "relayed": "relayed", "expanded": "relayed"}
_UNSAID: dict[str, ReceiptKind] = {"4": "delayed", "5": "bounced"}


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryStatus:
    """``envelope_ids``: the ENVID that was handed over with the message (RFC 3461 4.4), where it can be a token. More
    than one is more than any mail system writes."""

    envelope_ids: frozenset[str]
    outcomes: tuple[Outcome, ...]


def read(status: bytes) -> DeliveryStatus:
    """The body of a ``message/delivery-status`` part. A group that contradicts itself, or says nothing, is no outcome.

    It does not matter whether the fields of the message are parted from those of the first recipient: some systems
    forget the blank line.
    """
    groups = [fields_of(group) for group in _GROUPS.split(status.strip())[:_MOST_GROUPS]]
    ids = (token_in(value) for group in groups for name, value in group if name == "original-envelope-id")
    outcomes = (_outcome(group) for group in groups)
    return DeliveryStatus(
        envelope_ids=frozenset(found for found in ids if found),
        outcomes=tuple(outcome for outcome in outcomes if outcome is not None),
    )


def _outcome(group: Fields) -> Outcome | None:
    found = _ACTION.match(first(group, "action"))
    action = found.group(1).lower() if found else ""
    status = _status(group)
    kind = _kind(action, status)
    if kind is None:
        return None
    code = " ".join(word for word in (status, "expanded" if action == "expanded" else "") if word) or action
    bad = kind in ("delayed", "bounced", "expired")
    return Outcome(
        kind=kind,
        code=code,
        reason=reason_of(status) if bad else None,
        at=moment(first(group, "last-attempt-date")),
    )


def _status(group: Fields) -> str:
    """The Status; where that is missing or says nothing (x.0.0), what the next system answered, if it agrees."""
    found = STATUS.match(first(group, "status"))
    status = found.group(1) if found else ""
    told = _DIAGNOSTIC.match(first(group, "diagnostic-code"))
    if told and (not status or (status[1:] == ".0.0" and status[0] == told.group(1)[0])):
        return told.group(1)
    return status


def _kind(action: str, status: str) -> ReceiptKind | None:
    """RFC 3464 2.3.3. What was given up with a temporary status was tried until the time for it was over, as Postfix
    reports it. Good news with a status of failure is no news."""
    outlived = status in GIVEN_UP or status.startswith("4")
    if action == "failed":
        return "expired" if outlived else "bounced"
    if action == "delayed":
        return "delayed"
    if action in _SUCCESS:
        return _SUCCESS[action] if status[:1] in ("", "2") else None
    if action:
        return None
    return "expired" if status in GIVEN_UP else _UNSAID.get(status[:1])
