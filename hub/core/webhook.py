"""Signatures on webhooks (Standard Webhooks): ``v1`` is HMAC-SHA256, ``v1a`` Ed25519, over the exact bytes.

What is signed is ``webhook-id``, ``webhook-timestamp`` and the body, joined by full stops. While a key is rotated a
sender may sign with several keys and a receiver may hold several; one match is enough.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from hub.core.records import SourceKey

Scheme = Literal["v1", "v1a"]
Reason = Literal["missing_header", "duplicate_header", "malformed_header", "no_valid_signature"]

ID: Final = "webhook-id"
TIMESTAMP: Final = "webhook-timestamp"
SIGNATURE: Final = "webhook-signature"
TOLERANCE: Final = 300.0
"""Seconds, either way (events.md, Signature)."""
LAST_SECOND: Final = 253_402_300_799
"""Since 1970: the last that a datetime can hold."""
MAX_SIGNATURES: Final = 16
SECRET_BYTES: Final = range(24, 65)
"""Standard Webhooks: a symmetric secret has 24 to 64 bytes."""

_LONGEST: Final[Mapping[str, int]] = {ID: 256, TIMESTAMP: 12, SIGNATURE: 4096}
_VISIBLE = re.compile(r"[!-~]+", re.ASCII)
_SECONDS = re.compile(r"[0-9]{1,12}", re.ASCII)
_PREFIXES: Final[Mapping[str, tuple[Scheme, Literal["sign", "verify", "both"]]]] = {
    "whsec_": ("v1", "both"),
    "whsk_": ("v1a", "sign"),
    "whpk_": ("v1a", "verify"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """Signed by a key of the source. ``stale``: outside the tolerance, so not to be accepted (readings.md D7)."""

    key: str
    """SourceKey.id"""
    stale: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Not shown to come from the source. Counted, not kept."""

    reason: Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey:
    """The sender's side. ``v1``: the shared secret; ``v1a``: the Ed25519 seed (32 bytes)."""

    scheme: Scheme
    key: bytes = field(repr=False)


def verify(
    headers: Mapping[str, str] | Iterable[tuple[str, str]],
    body: bytes,
    keys: Sequence[SourceKey],
    now: datetime,
    tolerance: float = TOLERANCE,
) -> Verified | Refused:
    """Whether one of ``keys`` signed these bytes. Exactly at the edge of the tolerance (seconds) is still in time.

    A stale signature may also be of a key that was valid when it was made: a slow queue must not swallow a report only
    because keys were rotated meanwhile.
    """
    found = _headers(headers)
    if isinstance(found, Refused):
        return found
    made_at = datetime.fromtimestamp(int(found[TIMESTAMP]), UTC)
    stale = abs(now - made_at) > timedelta(seconds=tolerance)
    signatures = _signatures(found[SIGNATURE])
    if signatures is None:
        return Refused(reason="malformed_header")
    content = _content(found[ID], found[TIMESTAMP], body)
    matching: str | None = None
    for key in keys:
        if not (_valid_at(key, now) or (stale and _valid_at(key, made_at))):
            continue
        for scheme, signature in signatures:
            # No early exit: which key matched must not show in the time taken.
            if scheme == key.scheme and _matches(key, signature, content) and matching is None:
                matching = key.id
    return Refused(reason="no_valid_signature") if matching is None else Verified(key=matching, stale=stale)


def sign(body: bytes, *, webhook_id: str, at: datetime, keys: Sequence[SigningKey]) -> dict[str, str]:
    """The three headers, with a signature by every key. ``body`` must be sent byte for byte as it was signed.

    Raises ValueError for an id that cannot stand in a header, and for a key of the wrong length.
    """
    if not _VISIBLE.fullmatch(webhook_id) or len(webhook_id) > _LONGEST[ID]:
        raise ValueError("a webhook-id is 1 to 256 visible ASCII characters")
    timestamp = str(int(at.timestamp()))
    content = _content(webhook_id, timestamp, body)
    signatures = (f"{key.scheme},{base64.b64encode(_signature(key, content)).decode()}" for key in keys)
    return {ID: webhook_id, TIMESTAMP: timestamp, SIGNATURE: " ".join(signatures)}


def secret_to_text(secret: bytes) -> str:
    """``whsec_…``, as the sender is given a ``v1`` secret."""
    return "whsec_" + base64.b64encode(secret).decode()


def signing_key_from_text(text: str) -> SigningKey:
    """``whsec_…`` or ``whsk_…`` (a seed, or seed and public key). Raises ValueError, which does not repeat the key."""
    scheme, use, key = _from_text(text)
    if use == "verify":
        raise ValueError("this is a public key: it verifies, and cannot sign")
    if scheme == "v1a":
        if len(key) not in (32, 64):
            raise ValueError("an Ed25519 signing key has 32 bytes, or 64 with its public key")
        key = key[:32]
    return SigningKey(scheme=scheme, key=key)


def verification_key_from_text(text: str) -> tuple[Scheme, bytes]:
    """``whsec_…`` or ``whpk_…``, for a SourceKey. Raises ValueError, which does not repeat the key."""
    scheme, use, key = _from_text(text)
    if use == "sign":
        raise ValueError("this is a private key: keep it with the sender, and register its public key (whpk_…)")
    if scheme == "v1a":
        try:
            Ed25519PublicKey.from_public_bytes(key)
        except ValueError:
            raise ValueError("an Ed25519 public key has 32 bytes") from None
    return scheme, key


def public_key_to_text(seed: bytes) -> str:
    """``whpk_…``: the public key of an Ed25519 seed."""
    public = Ed25519PrivateKey.from_private_bytes(seed).public_key()
    return "whpk_" + base64.b64encode(public.public_bytes_raw()).decode()


def _headers(headers: Mapping[str, str] | Iterable[tuple[str, str]]) -> dict[str, str] | Refused:
    found: dict[str, str] = {}
    for name, value in headers.items() if isinstance(headers, Mapping) else headers:
        name = name.lower()
        if name not in _LONGEST:
            continue
        if name in found:
            return Refused(reason="duplicate_header")
        found[name] = value.strip(" \t")
    if any(not found.get(name) for name in _LONGEST):
        return Refused(reason="missing_header")
    if any(len(found[name]) > longest for name, longest in _LONGEST.items()):
        return Refused(reason="malformed_header")
    if not _VISIBLE.fullmatch(found[ID]) or not _SECONDS.fullmatch(found[TIMESTAMP]):
        return Refused(reason="malformed_header")
    if int(found[TIMESTAMP]) > LAST_SECOND:
        return Refused(reason="malformed_header")
    return found


def _signatures(header: str) -> list[tuple[str, bytes]] | None:
    """Signatures of versions we know; other versions and broken ones are skipped, as the standard asks."""
    parts = header.split(" ")
    if len(parts) > MAX_SIGNATURES:
        return None
    found: list[tuple[str, bytes]] = []
    for part in parts:
        scheme, comma, text = part.partition(",")
        if not comma or scheme not in {"v1", "v1a"}:
            continue
        try:
            found.append((scheme, base64.b64decode(text, validate=True)))
        except (binascii.Error, ValueError):
            continue
    return found


def _content(webhook_id: str, timestamp: str, body: bytes) -> bytes:
    return f"{webhook_id}.{timestamp}.".encode("ascii") + body


def _valid_at(key: SourceKey, moment: datetime) -> bool:
    return key.valid_from <= moment and (key.valid_until is None or moment < key.valid_until)


def _matches(key: SourceKey, signature: bytes, content: bytes) -> bool:
    if key.scheme == "v1":
        return hmac.compare_digest(hmac.digest(key.key, content, hashlib.sha256), signature)
    try:
        Ed25519PublicKey.from_public_bytes(key.key).verify(signature, content)
    except (InvalidSignature, ValueError):
        return False
    return True


def _signature(key: SigningKey, content: bytes) -> bytes:
    if key.scheme == "v1":
        return hmac.digest(key.key, content, hashlib.sha256)
    return Ed25519PrivateKey.from_private_bytes(key.key).sign(content)


def _from_text(text: str) -> tuple[Scheme, Literal["sign", "verify", "both"], bytes]:
    for prefix, (scheme, use) in _PREFIXES.items():
        if not text.startswith(prefix):
            continue
        try:
            key = base64.b64decode(text.removeprefix(prefix), validate=True)
        except (binascii.Error, ValueError):
            raise ValueError(f"what follows {prefix} is not base64") from None
        if scheme == "v1" and len(key) not in SECRET_BYTES:
            raise ValueError("a shared secret has 24 to 64 bytes")
        return scheme, use, key
    raise ValueError("a key begins with whsec_ (shared secret), whpk_ (public) or whsk_ (private)")
