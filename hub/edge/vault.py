"""AES-256-GCM for what is personal: data keys that seal values; what wraps these is in keks.py.

A sealed value is ``version (1 byte) | nonce (12) | ciphertext and tag``; its associated data name the table, the column
and the row, so that a value moved elsewhere does not open. What must be found again but not read is an HMAC under an
index key, derived (HKDF) from a secret apart from all of these.
"""

import hmac
import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from hub.edge.keks import Given, KeyEncryptionKeys, RawKey, VaultError
from hub.service.key_ports import KeySource, Wrapping

_KEY_BYTES = 32
_NONCE_BYTES = 12
_SEALED_V1 = 1
SEARCH_BYTES: Final = 16
"""Of a keyed hash that many rows may share: enough that no two values meet by chance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRing:
    """Where the key-encryption keys are, which of them is asked for, and the secret of the index."""

    current: str | None
    """The id that the settings ask for; the key store says which one wraps new data keys."""
    keys: Mapping[str, bytes] = field(repr=False)
    """Those that are there already."""
    sources: Sequence[KeySource] = field(default=(), repr=False)
    """Where others are looked for."""
    index_secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if not self.sources and self.current not in self.keys:
            raise VaultError(
                f"the current key-encryption key {self.current!r} is not among the keys {sorted(self.keys)}"
            )
        for name, key in self.keys.items():
            RawKey(name, key)
        if len(self.index_secret) < _KEY_BYTES:
            raise VaultError(f"the index secret has {len(self.index_secret)} bytes; it needs at least {_KEY_BYTES}")
        if any(hmac.compare_digest(key, self.index_secret) for key in self.keys.values()):
            raise VaultError("the index secret must not be one of the key-encryption keys")


def create_key_file(path: Path) -> None:
    """Write a fresh 32-byte key, readable by its owner only; it is on the disk when this returns. Raises
    FileExistsError rather than replace one."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(secrets.token_bytes(_KEY_BYTES))
        file.flush()
        os.fsync(file.fileno())
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


class Vault:
    """Seals and opens. Implements ``hub.service.ports.Sealer``; holds no data key."""

    def __init__(self, ring: KeyRing) -> None:
        self.keks: Wrapping = KeyEncryptionKeys((Given(ring.keys), *ring.sources), preferred=ring.current)
        self._index_key = _derived(ring.index_secret, b"fingerpost/index/v1")
        self._search_key = _derived(ring.index_secret, b"fingerpost/search/v1")
        # Of each organisation and purpose a key of its own: the same name in two of them is two hashes.
        self._search_keys = lru_cache(maxsize=4096)(self._search_key_of)

    def __repr__(self) -> str:
        return f"Vault({self.keks!r})"

    def seal(self, key: bytes, plaintext: bytes, *, table: str, column: str, row: str) -> bytes:
        """Encrypt one value for one place."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = AESGCM(key).encrypt(nonce, plaintext, _place(table, column, row))
        return bytes((_SEALED_V1,)) + nonce + sealed

    def open(self, key: bytes, sealed: bytes, *, table: str, column: str, row: str) -> bytes:
        """Decrypt one value. Raises VaultError if it was changed, moved, or sealed with another key."""
        if not sealed or sealed[0] != _SEALED_V1:
            raise VaultError(f"{table}.{column} of {row} was sealed in a format this version does not know")
        nonce, body = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        try:
            return AESGCM(key).decrypt(nonce, body, _place(table, column, row))
        except (InvalidTag, ValueError):
            # No cause is shown: the library's own error says nothing more, and the values stay out of the traceback.
            raise VaultError(
                f"{table}.{column} of {row} does not open: changed, moved, or sealed by another key"
            ) from None

    def keyed_hash(self, purpose: str, *parts: str) -> bytes:
        """HMAC-SHA256 (32 bytes) of the parts, each with its length, under the index key."""
        encoded = [part.encode() for part in (purpose, *parts)]
        return hmac.digest(self._index_key, b"".join([len(one).to_bytes(8) + one for one in encoded]), "sha256")

    def search_hash(self, purpose: str, organisation: str, value: str) -> bytes:
        """HMAC-SHA256, cut to 16 bytes, under a key of this purpose and this organisation."""
        return hmac.digest(self._search_keys(purpose, organisation), value.encode(), "sha256")[:SEARCH_BYTES]

    def _search_key_of(self, purpose: str, organisation: str) -> bytes:
        return hmac.digest(self._search_key, f"{purpose}|{organisation}".encode(), "sha256")


def _place(table: str, column: str, row: str) -> bytes:
    """Associated data. The row comes last and the others are our own names without a bar, so no two places are one."""
    return f"{table}|{column}|{row}".encode()


def _derived(secret: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=None, info=purpose).derive(secret)


__all__ = ["KeyRing", "Vault", "VaultError", "create_key_file"]
