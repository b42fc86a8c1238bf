"""What comes back over SMS, whoever carried it: receipts (port.py), replies of people, what nobody can read. Pure."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from adapters.port import Receipt
from contacts.addresses import parse_phone


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A text message that somebody sent to the hub's number. Personal: neither number nor words print."""

    source: str = field(repr=False)
    """E.164. Whoever sends can make it up, so it proves nothing by itself."""
    text: str = field(repr=False)
    at: datetime
    """When it arrived here."""
    provider_reference: str | None = None
    """The provider's id of the message; the same when it hands the message over again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """From an authenticated provider, and not understood: to be kept apart as it came, and counted."""

    why: str
    """Which part, and never what it said: ``status``, ``body``, ``source`` …"""
    raw: bytes = field(repr=False)


Inbound: TypeAlias = Receipt | Reply | Unreadable


def international(number: str) -> str:
    """E.164 of a number as providers write it, with the country code but mostly without the ``+``. Raises
    AddressProblem."""
    plain = number.strip()
    return parse_phone(plain if plain.startswith(("+", "0")) else f"+{plain}")
