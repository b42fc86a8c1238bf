"""What somebody has to look at, and what was done."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmRecord:
    """Something a human has to look at, with an owner. Content-free."""

    id: str
    kind: str
    """``gap``, ``quarantine``, ``not_ours``, ``redirected``, ``undeliverable``, ``no_certificate``, …"""
    owner: str
    """Organisation code, or ``operator``."""
    episode: str | None = None
    notice: str | None = None
    contact: str | None = None
    """Which way of the notice it is about, where several may fail: the contact's id, or the channel of an address that
    the events gave."""
    reason: str = ""
    raised_at: datetime
    cleared_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditLine:
    """One line of the audit log: ids, codes and keyed digests only. Linked into the chain later."""

    id: str
    at: datetime
    actor: str
    """``source:ID``, ``hub``, ``recipient:DELIVERY``, ``operator``, ``token:NAME``."""
    action: str
    """``event.accepted``, ``notice.created``, ``attempt.finished``, ``notice.acknowledged``, …"""
    organisation: str | None = None
    episode: str | None = None
    subject: str | None = None
    """The id of the row it is about."""
    detail: Mapping[str, str] = field(default_factory=dict)
