"""Passkeys (WebAuthn level 2), whom they are made for, and the challenges that they answer (hub/core/ceremony.py).

A passkey is found by itself (discoverable) and its holder is verified by their device, so it stands in for password and
code together (ADR 0017). A challenge is not stored (hub/core/handed_back.py).
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Final, Literal
from urllib.parse import urlsplit

from hub.core.handed_back import NotOurs, given, handed_back

Purpose = Literal["sign_in", "confirm", "add"]
Reason = Literal[
    "unreadable", "challenge", "replayed", "unknown", "other_user", "not_verified", "account", "taken", "attestation"
]
"""Why an answer does not count; for the audit log, never for a page."""

LIVES: Final = timedelta(minutes=5)
"""How long a challenge may be answered."""
NONCE_BYTES: Final = 16
MOST: Final = 10
"""Passkeys of one user."""


class PasskeyRefused(Exception):
    """The answer of an authenticator does not count."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(f"passkey refused: {reason}")
        self.reason: Reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class RelyingParty:
    """Whom passkeys are made for: a host name, and the one origin that may ask for them."""

    id: str
    origin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Passkey:
    """One of a user's. ``public_key`` is a COSE key, ``credential`` the authenticator's own id of it."""

    id: str
    user: str
    organisation: str
    credential: bytes = field(repr=False)
    public_key: bytes = field(repr=False)
    name: str = field(repr=False)
    """The holder's own name for it."""
    sign_count: int
    """How often it says that it was used; 0 for ever from those that are kept in step over several devices."""
    synced: bool
    """Whether it may leave its device (backup eligibility, BE); that never changes."""
    backed_up: bool
    """Whether it has (backup state, BS)."""
    created_at: datetime
    used_at: datetime | None = None


def relying_party(public_url: str) -> RelyingParty | None:
    """The hub at this address; None where browsers make no passkeys: for an IP address, and in clear but on this
    machine (5.1.3, step 7)."""
    parts = urlsplit(public_url)
    host = parts.hostname or ""
    if parts.scheme != "https" and host != "localhost":
        return None
    try:
        ip_address(host)
    except ValueError:
        return RelyingParty(id=host, origin=origin_of(public_url)) if host else None
    return None


def origin_of(public_url: str) -> str:
    """The origin of this address as browsers write it: the host in lower case, no port where it is the usual one
    (RFC 6454, 6.2)."""
    parts = urlsplit(public_url)
    host = parts.hostname or ""
    named = f"[{host}]" if ":" in host else host
    usual = parts.port in (None, {"https": 443, "http": 80}.get(parts.scheme))
    return f"{parts.scheme}://{named}" if usual else f"{parts.scheme}://{named}:{parts.port}"


# challenges
def new_challenge(secret: bytes, purpose: Purpose, browser: str, nonce: bytes, now: datetime) -> bytes:
    """A challenge for the browser with this cookie, good for :data:`LIVES` and one purpose. ``nonce``: 16 random
    bytes."""
    return given(secret, _about(purpose), browser, nonce, now + LIVES)


def challenge_ends(secret: bytes, purpose: Purpose, browser: str, challenge: bytes, now: datetime) -> datetime:
    """When this challenge ends. Raises PasskeyRefused if it is none of ours for this purpose and browser, or over."""
    try:
        return handed_back(secret, _about(purpose), browser, challenge, lives=LIVES, now=now)[1]
    except NotOurs:
        raise PasskeyRefused("challenge") from None


def _about(purpose: Purpose) -> bytes:
    return b"passkey\0" + purpose.encode()
