"""What binds the ledger's records to the audit chain: a line carries a statement of each record it is about.

A statement has a digest of what of the record stands in clear, and a commitment to what of it is sealed. The commitment
is salted, and the salt comes from the child's data key: while the key is there, the salt is shown in an evidence bundle
and proves what the record said; once the key is destroyed nobody can confirm by guessing what it was. Pure.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from hub.core.records import AuditLine

RECORD_DOMAIN: Final = b"fingerpost.record.v1\0"
COMMITMENT_DOMAIN: Final = b"fingerpost.commitment.v1\0"
MANIFEST_DOMAIN: Final = b"fingerpost.evidence.manifest.v1\0"
"""Stands before what a bundle's signature is over."""
_SALT_KEY_DOMAIN: Final = b"fingerpost.commitment.salt-key.v1\0"
MARK: Final = ":"
"""Stands in a key of a line's detail only where that is a statement: ``notice:nt_01…``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """One record as the chain speaks of it."""

    kind: str
    """``event``, ``revision``, ``decision``, ``notice``, ``delivery``, ``attempt``, ``receipt``, ``acknowledgement``,
    ``duty``, ``register``, ``thread``, ``message``, ``message_reader``, ``message_file``."""
    place: str
    """What it is found by: its id, or ``delivery/attempt``, ``episode/revision`` and so on."""
    clear: Mapping[str, Any]
    """JSON values; what never changes of a record, unless a line states it anew when it does."""
    sealed: Mapping[str, bytes] | None = field(default_factory=dict, repr=False)
    """By column; None once it cannot be opened any more."""
    salt: bytes = field(default=b"", repr=False)
    """32 bytes where anything is sealed."""
    erased: bool = False
    """What was sealed is gone for good."""

    @property
    def key(self) -> str:
        """Under which a line's detail states it."""
        return f"{self.kind}{MARK}{self.place}"

    @property
    def statement(self) -> str:
        """What a line says of it: the digest, and behind a dot the commitment, if anything was sealed. Raises
        ValueError for what cannot be opened."""
        if self.sealed is None:
            raise ValueError("what is gone cannot be stated")
        return f"{self.digest}.{self._commitment(self.sealed)}" if self.sealed else self.digest

    @property
    def digest(self) -> str:
        """SHA-256 of what is in clear, in hexadecimal."""
        content = {"kind": self.kind, "place": self.place, "clear": self.clear}
        return hashlib.sha256(RECORD_DOMAIN + json_bytes(content)).hexdigest()

    def _commitment(self, sealed: Mapping[str, bytes]) -> str:
        inner = {column: hashlib.sha256(value).hexdigest() for column, value in sealed.items()}
        content = {"kind": self.kind, "place": self.place, "sealed": inner}
        return hashlib.sha256(COMMITMENT_DOMAIN + self.salt + json_bytes(content)).hexdigest()


def json_bytes(value: Any) -> bytes:
    """JSON without spaces, keys sorted, characters as they are: what Python's own writer makes of it, so that a
    verifier needs nothing else."""
    return _JSON.encode(value).encode()


_JSON: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True, allow_nan=False)
"""Made once: making it takes as long as using it."""


def salt_key(data_key: bytes) -> bytes:
    """From a child's data key; says nothing about that key."""
    return hmac.digest(data_key, _SALT_KEY_DOMAIN, "sha256")


def salt_of(key: bytes, kind: str, place: str) -> bytes:
    """The salt of one record, of :func:`salt_key`; that of one says nothing about that of another."""
    return hmac.digest(key, f"{kind}{MARK}{place}".encode(), "sha256")


def statements(line: AuditLine) -> dict[str, str]:
    """What a line states of records, by :attr:`Stated.key`."""
    return {name: value for name, value in line.detail.items() if MARK in name}


def remarks(line: AuditLine) -> dict[str, str]:
    """The detail of a line for people: what it states of records is told by how many there are."""
    count = len(statements(line))
    said = {name: value for name, value in line.detail.items() if MARK not in name}
    return said | ({"states": f"{count} {'record' if count == 1 else 'records'}"} if count else {})
