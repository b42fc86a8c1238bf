"""What goes over the wire for one delivery: the claims, the headers, the transport signature. Pure.

Two signatures, for two questions. The one inside the encryption says that the hub wrote this notice for this endpoint:
it has no age, as a notice stays true however long a queue held it. The one in the headers (Standard Webhooks) says that
this request comes from the hub now: it bears the time of this attempt, and stops replays.
"""

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from adapters.port import Alert, Content, Envelope

SEALED_TYPE: Final = "application/jose"
ALERT_TYPE: Final = "application/json"
ALERT_FORMAT: Final = "fingerpost.alert.v1"
NOTICE_TYP: Final = "fingerpost-notice+jwt"
"""``typ`` of the inner signature: it can be taken for nothing else that the hub ever signs (RFC 8725 3.11)."""
ISSUER_HEADER: Final = "X-Fingerpost-Issuer"
"""Repeats ``iss`` outside, so that a receiver of several hubs knows whose keys to try."""
MAX_SIGNATURES: Final = 8
SECRET_BYTES: Final = range(24, 65)
"""Standard Webhooks: a symmetric secret has 24 to 64 bytes."""

_DELIVERY = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?", re.ASCII)
_REFERENCE = re.compile(r"FP-[0-9A-Z]{4}-[0-9A-Z]{4}", re.ASCII)
_EXTRA_NAME = re.compile(r"X-Fingerpost-[A-Za-z0-9-]{1,48}", re.ASCII | re.IGNORECASE)
_EXTRA_VALUE = re.compile(r"[!-~](?:[ -~]{0,198}[!-~])?", re.ASCII)


class InvalidField(ValueError):
    """A value cannot stand in a request as it is. Its text names the field and never repeats the value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TransportKey:
    """What a request is signed with. ``v1a``: the hub's own Ed25519 seed (32 bytes), which every receiver verifies with
    its public key. ``v1``: a secret (24 to 64 bytes) shared with one receiver."""

    scheme: Literal["v1", "v1a"]
    key: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if self.scheme == "v1a" and len(self.key) != 32:
            raise ValueError("an Ed25519 signing key has 32 bytes")
        if self.scheme == "v1" and len(self.key) not in SECRET_BYTES:
            raise ValueError("a shared secret has 24 to 64 bytes")


def check(envelope: Envelope) -> None:
    """Raises InvalidField for an envelope whose clear parts are not what the hub makes."""
    if not _DELIVERY.fullmatch(envelope.delivery):
        raise InvalidField("delivery: not an id made by the hub")
    if not _REFERENCE.fullmatch(envelope.reference):
        raise InvalidField("reference: not FP-XXXX-XXXX")
    for name, value in envelope.headers.items():
        if not _EXTRA_NAME.fullmatch(name) or not _EXTRA_VALUE.fullmatch(value):
            raise InvalidField("headers: only X-Fingerpost-*, in short printable ASCII")


def claims(envelope: Envelope, body: Content, *, issuer: str, audience: str, now: datetime) -> bytes:
    """The JWT claims set that is signed: JSON in UTF-8.

    ``iss`` the hub, ``aud`` the URL it is sent to, so that no receiver can pass it on as meant for another; ``iat`` the
    time of this try, ``jti`` the delivery's id, the same on every try; no ``exp``. ``receipt`` is what a machine has to
    repeat to show that it could open it; it stands only where the hub asks for one. Attachments are base64 (RFC 4648
    4), in their order. Between hubs, ``version`` of the exchange and ``via``, the hubs that it has come through.
    """
    document: dict[str, object] = {
        "iss": issuer,
        "aud": audience,
        "iat": int(now.timestamp()),
        "jti": envelope.delivery,
        "reference": envelope.reference,
        "subject": body.subject,
        "text": body.text,
        "html": body.html,
        "attachments": [
            {
                "name": attachment.name,
                "media_type": attachment.media_type,
                "data": base64.b64encode(attachment.data).decode("ascii"),
            }
            for attachment in body.attachments
        ],
    }
    if envelope.receipt_token is not None:
        document["receipt"] = envelope.receipt_token
    if envelope.version is not None:
        document |= {"version": envelope.version, "via": list(envelope.via)}
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def alert(envelope: Envelope, body: Alert) -> bytes:
    """The body of a content-free alert: JSON, in clear. ``collect`` says how to get at the notice."""
    document = {
        "format": ALERT_FORMAT,
        "reference": envelope.reference,
        "subject": body.subject,
        "collect": body.text,
    }
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def headers(
    envelope: Envelope, body: bytes, *, media_type: str, keys: Sequence[TransportKey], now: datetime
) -> dict[str, str]:
    """Every header of ours for a request with ``body``. Raises InvalidField without a key, or with too many."""
    return {
        **envelope.headers,
        "Content-Type": media_type,
        "Accept": "application/json, application/jose",
        # What is not compressed cannot grow while it is read.
        "Accept-Encoding": "identity",
        "User-Agent": "Fingerpost",
        **signature_headers(body, webhook_id=envelope.delivery, at=now, keys=keys),
    }


def signature_headers(body: bytes, *, webhook_id: str, at: datetime, keys: Sequence[TransportKey]) -> dict[str, str]:
    """The three headers of Standard Webhooks, with a signature by every key, as keys overlap while they are rotated."""
    if not 0 < len(keys) <= MAX_SIGNATURES:
        raise InvalidField(f"transport keys: 1 to {MAX_SIGNATURES} for each receiver")
    timestamp = str(int(at.timestamp()))
    content = f"{webhook_id}.{timestamp}.".encode("ascii") + body
    signatures = (f"{key.scheme},{base64.b64encode(_signature(key, content)).decode('ascii')}" for key in keys)
    return {"webhook-id": webhook_id, "webhook-timestamp": timestamp, "webhook-signature": " ".join(signatures)}


def _signature(key: TransportKey, content: bytes) -> bytes:
    if key.scheme == "v1":
        return hmac.digest(key.key, content, hashlib.sha256)
    return Ed25519PrivateKey.from_private_bytes(key.key).sign(content)
