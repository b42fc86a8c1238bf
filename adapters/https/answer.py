"""What a receiver's answer proves beyond its status. Pure.

A 2xx says that something took the request: it may be a proxy in front of a system that is down. An acknowledgement
repeats the delivery's id and what stood as ``receipt`` inside the encryption, so it comes from the system that could
open the notice. It is JSON, or the same JSON as a compact JWS (ES256) by a key of the receiver that has
``"use": "sig"``. One that is not right is none: the status stands.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from adapters.https.keys import ReceiverKey, signature_keys
from adapters.port import Alert, Envelope, Receipt

LARGEST: Final = 16 * 1024
"""Bytes of an answer that are read."""
_OPAQUE = re.compile(
    r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-7][0-9A-HJKMNP-TV-Z]{25}", re.ASCII | re.IGNORECASE
)
"""UUID or ULID: a receiver's own reference is stored in clear, and any other text might name a child."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back. ``body`` is empty where it was too long, too slow, compressed or cut off."""

    status: int
    media_type: str = ""
    retry_after: str | None = None
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """Of an answer that is right: the receipt, and the receiver's own reference if it gave one that may be kept."""

    receipt: Receipt
    provider_reference: str | None = None


def proof(answer: Answer, envelope: Envelope, channel: str, now: datetime) -> Proof | None:
    """The acknowledgement in ``answer``, if it is one of this envelope. Never raises for what the answer contains.

    An alert is never acknowledged by a machine: there was nothing in it to open.
    """
    if isinstance(envelope.body, Alert) or not 200 <= answer.status <= 299:
        return None
    signed = answer.media_type == "application/jose"
    if signed:
        payload = _verified(answer.body, signature_keys(envelope.certificates, now, envelope.pinned))
    else:
        payload = answer.body if answer.media_type == "application/json" else None
    said = None if payload is None else _object(payload)
    if said is None or said.get("received") != envelope.delivery:
        return None
    token = envelope.receipt_token
    if token is not None and said.get("receipt") != token:
        return None
    reference = said.get("reference")
    return Proof(
        receipt=Receipt(
            channel=channel,
            kind="answered",
            at=now,
            token=token,
            delivery=envelope.delivery if token is None else None,
            code="signed" if signed else "received",
        ),
        provider_reference=reference if isinstance(reference, str) and _OPAQUE.fullmatch(reference) else None,
    )


def _object(payload: bytes) -> Mapping[str, Any] | None:
    try:
        found = json.loads(payload)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _verified(body: bytes, keys: Sequence[ReceiverKey]) -> bytes | None:
    for key in keys:
        try:
            return jws.deserialize_compact(body.strip(), ECKey.import_key(dict(key.jwk)), algorithms=["ES256"]).payload
        except (JoseError, ValueError, RecursionError, TypeError):
            continue
    return None
