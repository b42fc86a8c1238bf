"""AES-256-GCM for what is personal: data keys that seal values, key-encryption keys that wrap data keys.

A sealed value is ``version (1 byte) | nonce (12) | ciphertext and tag``; its associated data name the table, the column
and the row, so that a value moved elsewhere does not open. A wrapped data key is
``version | length of the key id | key id | nonce | ciphertext and tag``, so that a key-encryption key can be replaced
while what the older one wrapped still opens. What must be found again but not read is an HMAC under an index key,
derived (HKDF) from a secret apart from all of these.
"""

import hmac
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from hub.service.ports import Unsealable

_KEY_BYTES = 32
_NONCE_BYTES = 12
_SEALED_V1 = 1
_WRAPPED_V1 = 1


class VaultError(Unsealable):
    """Something sealed does not open, or a key is not usable. Never carries a value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRing:
    """The key-encryption keys by id, which of them wraps new data keys, and the secret of the index."""

    current: str
    keys: Mapping[str, bytes] = field(repr=False)
    index_secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if self.current not in self.keys:
            raise VaultError(
                f"the current key-encryption key {self.current!r} is not among the keys {sorted(self.keys)}"
            )
        for name, key in self.keys.items():
            if not 1 <= len(name.encode()) <= 255:
                raise VaultError("a key-encryption key's id has 1 to 255 bytes")
            if len(key) != _KEY_BYTES:
                raise VaultError(f"key-encryption key {name!r} has {len(key)} bytes; it must have {_KEY_BYTES}")
        if len(self.index_secret) < _KEY_BYTES:
            raise VaultError(f"the index secret has {len(self.index_secret)} bytes; it needs at least {_KEY_BYTES}")
        if any(hmac.compare_digest(key, self.index_secret) for key in self.keys.values()):
            raise VaultError("the index secret must not be one of the key-encryption keys")


def read_key_ring(current: str, keys: Mapping[str, Path], index_secret: Path) -> KeyRing:
    """Read the key files: raw bytes, 32 each. Raises VaultError naming the file that is missing or of a wrong size."""
    return KeyRing(
        current=current,
        keys={name: _read_key(path) for name, path in keys.items()},
        index_secret=_read_key(index_secret),
    )


def create_key_file(path: Path) -> None:
    """Write a fresh 32-byte key, readable by its owner only. Raises FileExistsError rather than replace one."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(secrets.token_bytes(_KEY_BYTES))
        file.flush()
        os.fsync(file.fileno())


def _read_key(path: Path) -> bytes:
    try:
        key = path.read_bytes()
    except OSError as error:
        raise VaultError(
            f"cannot read the key file {path}: {error.strerror}; 'fingerpost keys init' makes one"
        ) from error
    if len(key) != _KEY_BYTES:
        raise VaultError(f"the key file {path} has {len(key)} bytes; it must hold exactly {_KEY_BYTES} raw bytes")
    return key


class Vault:
    """Seals and opens. Implements ``hub.service.ports.Sealer``; holds no data key."""

    def __init__(self, ring: KeyRing) -> None:
        self._current = ring.current
        self._wrapping = {name: AESGCM(key) for name, key in ring.keys.items()}
        self._index_key = HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=None, info=b"fingerpost/index/v1").derive(
            ring.index_secret
        )

    def __repr__(self) -> str:
        return f"Vault(current={self._current!r})"

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

    def new_data_key(self) -> tuple[bytes, bytes]:
        """A fresh data key: (plain, wrapped by the current key-encryption key)."""
        key, nonce = secrets.token_bytes(_KEY_BYTES), secrets.token_bytes(_NONCE_BYTES)
        name = self._current.encode()
        header = bytes((_WRAPPED_V1, len(name))) + name
        return key, header + nonce + self._wrapping[self._current].encrypt(nonce, key, b"data key|" + header)

    def unwrap(self, wrapped: bytes) -> bytes:
        """Raises VaultError if its key-encryption key is not configured, is the wrong one, or the wrap was changed."""
        if len(wrapped) < 2 or wrapped[0] != _WRAPPED_V1:
            raise VaultError("a data key was wrapped in a format this version does not know")
        end = 2 + wrapped[1]
        header, nonce, body = wrapped[:end], wrapped[end : end + _NONCE_BYTES], wrapped[end + _NONCE_BYTES :]
        name = header[2:].decode(errors="replace")
        wrapping = self._wrapping.get(name)
        if wrapping is None:
            raise VaultError(f"a data key was wrapped by the key-encryption key {name!r}, which is not configured")
        try:
            return wrapping.decrypt(nonce, body, b"data key|" + header)
        except (InvalidTag, ValueError):
            raise VaultError(
                f"a data key does not open with the key-encryption key {name!r}: wrong key or changed"
            ) from None

    def keyed_hash(self, purpose: str, *parts: str) -> bytes:
        """HMAC-SHA256 (32 bytes) of the parts, each with its length, under the index key."""
        mac = hmac.new(self._index_key, digestmod=sha256)
        for part in (purpose, *parts):
            encoded = part.encode()
            mac.update(len(encoded).to_bytes(8) + encoded)
        return mac.digest()


def _place(table: str, column: str, row: str) -> bytes:
    """Associated data. The row comes last and the others are our own names without a bar, so no two places are one."""
    return f"{table}|{column}|{row}".encode()
