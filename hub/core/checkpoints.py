"""Checkpoints of the audit chain: its number and link at one moment, signed, to be kept where the chain is not.

A chain that was cut short, or written anew from its beginning, is whole in itself. It does not come by what was signed
and carried away before.
"""

import binascii
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from hub.core.audit import Head
from hub.core.wire_json import canonical
from hub.core.wire_values import instant_text

EVERY_LINES: Final = 1_000
EVERY: Final = timedelta(minutes=5)
"""A checkpoint is made after so many lines, or so long after the last one if there is any new line."""
FIELDS: Final = ("hub", "number", "link", "at", "key")
"""What is signed."""

_DOMAIN: Final = b"fingerpost.audit.checkpoint.v1\0"


class NoCheckpoint(ValueError):
    """What was read is no checkpoint; says why in a few words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """Where the chain stood."""

    hub: str
    """The hub's public address."""
    number: int
    link: bytes
    at: datetime
    key: str
    """:func:`key_id` of the key that signed."""
    signature: bytes = b""
    """Ed25519, 64 bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointKey:
    """What checkpoints are signed with."""

    id: str
    private: Ed25519PrivateKey = field(repr=False)


def key_id(key: Ed25519PublicKey) -> str:
    """The first 32 hexadecimal digits of the SHA-256 of the public key's 32 bytes."""
    return hashlib.sha256(key.public_bytes_raw()).hexdigest()[:32]


def signed_bytes(checkpoint: Checkpoint) -> bytes:
    """What the signature is over: a prefix of its own, then RFC 8785. Raises ValueError for an instant not in UTC."""
    if checkpoint.at.utcoffset() != timedelta(0):
        raise ValueError("a checkpoint's instant has to be in UTC")
    return _DOMAIN + canonical(_content(checkpoint))


def sign(hub: str, head: Head, at: datetime, key: CheckpointKey) -> Checkpoint:
    """A signed checkpoint of a head."""
    bare = Checkpoint(hub=hub, number=head.number, link=head.link, at=at, key=key.id)
    signature = key.private.sign(signed_bytes(bare))
    return Checkpoint(hub=hub, number=head.number, link=head.link, at=at, key=key.id, signature=signature)


def judged(
    checkpoint: Checkpoint, keys: Mapping[str, Ed25519PublicKey]
) -> Literal["good", "unknown_key", "bad_signature"]:
    """Whether one of the known keys signed it."""
    key = keys.get(checkpoint.key)
    if key is None:
        return "unknown_key"
    try:
        key.verify(checkpoint.signature, signed_bytes(checkpoint))
    except InvalidSignature:
        return "bad_signature"
    return "good"


def is_due(last: Checkpoint | None, head: Head, now: datetime) -> bool:
    """Whether it is time for one; a clock that was set back makes it so."""
    before = 0 if last is None else last.number
    if head.number <= before:
        return False
    return last is None or head.number - before >= EVERY_LINES or not timedelta(0) <= now - last.at < EVERY


def to_json(checkpoint: Checkpoint) -> bytes:
    """As it is kept elsewhere: the signed members and ``signature``, in hexadecimal; ends with a line feed."""
    return canonical({**_content(checkpoint), "signature": checkpoint.signature.hex()}) + b"\n"


def from_json(text: bytes) -> Checkpoint:
    """The inverse of :func:`to_json`; says nothing of the signature. Raises NoCheckpoint."""
    try:
        found: Any = json.loads(text)
        if set(found) != {*FIELDS, "signature"} or not isinstance(found["number"], int):
            raise NoCheckpoint("other members than a checkpoint has")
        return Checkpoint(
            hub=str(found["hub"]),
            number=found["number"],
            link=binascii.unhexlify(found["link"]),
            at=datetime.fromisoformat(found["at"]),
            key=str(found["key"]),
            signature=binascii.unhexlify(found["signature"]),
        )
    except NoCheckpoint:
        raise
    except (ValueError, TypeError, RecursionError) as error:
        raise NoCheckpoint(f"not a checkpoint in JSON ({type(error).__name__})") from None


def file_name(checkpoint: Checkpoint) -> str:
    """Sorts by number. Two checkpoints of one number (a forgery, or two hubs) have two names."""
    return f"checkpoint-{checkpoint.number:012d}-{hashlib.sha256(to_json(checkpoint)).hexdigest()[:12]}.json"


def _content(checkpoint: Checkpoint) -> dict[str, Any]:
    return {
        "hub": checkpoint.hub,
        "number": checkpoint.number,
        "link": checkpoint.link.hex(),
        "at": instant_text(checkpoint.at),
        "key": checkpoint.key,
    }
