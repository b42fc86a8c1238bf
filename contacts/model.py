"""The directory's words: who can be reached, how, when. Immutable values, effective-dated."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

Channel = Literal["email", "sms", "push"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """A recipient's certificate on file for one address. Whether it is usable is asked at the moment of use."""

    address: str
    der: bytes = field(repr=False)
    fingerprint: str
    """SHA-256 of the DER, lower-case hex."""
    pinned: bool = False
    """Its fingerprint was compared with the holder: trusted without a chain."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """One way to reach a desk."""

    id: str
    organisation: str
    desk: str
    channel: Channel
    address: str = field(repr=False)
    order: int = 0
    """Lower is tried first."""
    hours: str | None = None
    """Name of the hours in which it is on duty; None is always."""
    valid_from: datetime | None = None
    valid_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """The contacts on duty, in the order to try them; never empty."""

    organisation: str
    desk: str
    contacts: tuple[Contact, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreached:
    """A gap: nobody to tell, and why."""

    reason: Literal["no_organisation", "no_desk", "no_contact"]
    organisation: str | None
    desk: str | None
