"""An authenticator without a browser: answers what a page asks for, rightly or as wrongly as a test says."""

import hashlib
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

ORIGIN: Final = "http://localhost:8080"
PRESENT, VERIFIED, MAY_LEAVE, HAS_LEFT, ATTESTED = 0x01, 0x04, 0x08, 0x10, 0x40
FLAGS: Final = PRESENT | VERIFIED | MAY_LEAVE | HAS_LEFT


@dataclass
class Authenticator:
    """One passkey on one device."""

    credential: bytes = b"credential one of some length"
    origin: str = ORIGIN
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    user: str = ""
    """User handle, as it was given when the passkey was made."""

    def make(self, options: Mapping[str, Any], *, flags: int = FLAGS, fmt: str = "none", **changes: Any) -> str:
        """The answer to creation options; ``changes`` are those to the client data."""
        self.user = decoded(options["user"]["id"]).decode()
        numbers = self.key.public_key().public_numbers()
        cose = {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32), -3: numbers.y.to_bytes(32)}
        attested = bytes(16) + len(self.credential).to_bytes(2) + self.credential + cbor2.dumps(cose)
        data = self._data(options["rp"]["id"], flags | ATTESTED, 0) + attested
        said = self._said("webauthn.create", options["challenge"], changes)
        statement = cbor2.dumps({"fmt": fmt, "attStmt": {}, "authData": data})
        return self._answer({"clientDataJSON": encoded(said), "attestationObject": encoded(statement)})

    def use(
        self, options: Mapping[str, Any], *, flags: int = FLAGS, count: int = 0, user: str | None = None, **changes: Any
    ) -> str:
        """The answer to request options; ``user``: the user handle that comes with it, "" for none."""
        data = self._data(options["rpId"], flags, count)
        said = self._said("webauthn.get", options["challenge"], changes)
        signature = self.key.sign(data + hashlib.sha256(said).digest(), ec.ECDSA(SHA256()))
        response = {
            "clientDataJSON": encoded(said),
            "authenticatorData": encoded(data),
            "signature": encoded(signature),
        }
        handle = self.user if user is None else user
        return self._answer(response | ({"userHandle": encoded(handle.encode())} if handle else {}))

    def _data(self, site: str, flags: int, count: int) -> bytes:
        return hashlib.sha256(site.encode()).digest() + bytes([flags]) + count.to_bytes(4)

    def _said(self, kind: str, challenge: str, changes: Mapping[str, Any]) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": self.origin, **changes}).encode()

    def _answer(self, response: Mapping[str, str]) -> str:
        known = encoded(self.credential)
        return json.dumps({"id": known, "rawId": known, "type": "public-key", "response": response})


def encoded(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def decoded(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
