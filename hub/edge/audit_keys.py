"""The hub's keys for checkpoints of the audit chain: made by ``fingerpost keys``, read at the start.

``audit-N.key`` (Ed25519) signs; the one with the highest number does. Who takes an old one away keeps its public half
as ``audit-N.pub``, so that what it signed can still be checked.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from hub.core.checkpoints import CheckpointKey, key_id

_NUMBER: Final = re.compile(r"audit-([0-9]{1,6})\.(?:key|pub)")


class UnusableAuditKey(ValueError):
    """A key file that cannot be used; says which and why, and nothing of what is in it."""


def next_audit_key(folder: Path) -> Path:
    """Where the next key goes."""
    return folder / f"audit-{max(map(_number, folder.glob('audit-*')), default=0) + 1}.key"


def new_audit_key() -> bytes:
    """A fresh private key (PEM, PKCS 8)."""
    return Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def signing_key(folder: Path) -> CheckpointKey | None:
    """What signs from now on; None if there is none. Raises UnusableAuditKey."""
    path = max((path for path in folder.glob("audit-*.key") if _number(path)), key=_number, default=None)
    if path is None:
        return None
    key = _private(path)
    return CheckpointKey(id=key_id(key.public_key()), private=key)


def public_keys(folder: Path) -> Mapping[str, Ed25519PublicKey]:
    """By id, those of every key there is or was, the oldest first. Raises UnusableAuditKey."""
    paths = sorted((path for path in folder.glob("audit-*") if _number(path)), key=_number)
    keys = [_private(path).public_key() if path.suffix == ".key" else _public(path) for path in paths]
    return {key_id(key): key for key in keys}


def as_pem(key: Ed25519PublicKey) -> str:
    """As openssl reads it."""
    pem = key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return pem.decode()


def _number(path: Path) -> int:
    found = _NUMBER.fullmatch(path.name)
    return int(found[1]) if found else 0


def _private(path: Path) -> Ed25519PrivateKey:
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), None)
    except (ValueError, TypeError):
        raise UnusableAuditKey(f"{path.name}: not a private key in PEM without a password") from None
    except OSError as error:
        raise UnusableAuditKey(f"{path.name}: cannot be read ({error.strerror})") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise UnusableAuditKey(f"{path.name}: not an Ed25519 key")
    return key


def _public(path: Path) -> Ed25519PublicKey:
    try:
        key = serialization.load_pem_public_key(path.read_bytes())
    except ValueError:
        raise UnusableAuditKey(f"{path.name}: not a public key in PEM") from None
    except OSError as error:
        raise UnusableAuditKey(f"{path.name}: cannot be read ({error.strerror})") from None
    if not isinstance(key, Ed25519PublicKey):
        raise UnusableAuditKey(f"{path.name}: not an Ed25519 key")
    return key
