"""What another hub sealed for this one: opened with a key of ours, verified with a key of theirs.

The other end of seal.py. Nothing is believed of the outside: which of our keys opens it is tried and not read from a
header, only the two algorithms that seal.py writes are spoken, and a signature that was made for something else (an
introduction, an acknowledgement) is none here, as its ``typ`` says what it was made for (RFC 8725 3.11).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from joserfc import jwe, jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from adapters.https.keys import ReceiverKey, b64url
from adapters.https.seal import AGREEMENT, ENCRYPTION, SIGNATURE
from contacts.jwks import thumbprint

RECEIPT_TYP: Final = "fingerpost-receipt+jwt"
"""``typ`` of a signed acknowledgement: it can be taken for no notice."""


LARGEST: Final = 64 * 1024 * 1024
"""Bytes of what is opened: far more than a hub pushes, as how much is read at all is limited where it is read."""


class _Sealed(jwe.JWERegistry):
    """Without the library's limit of 64 KiB, which a photo passes."""

    max_ciphertext_length = LARGEST


class _Signed(jws.JWSRegistry):
    """Likewise; 125 KiB."""

    max_payload_length = LARGEST


_SEALED: Final = _Sealed(algorithms=[AGREEMENT, ENCRYPTION])
_SIGNED: Final = _Signed(algorithms=[SIGNATURE])


class NotOpened(ValueError):
    """This is not sealed for this hub, or not whole. Says nothing of what is in it."""


@dataclass(frozen=True, slots=True)
class _Own:
    key: ECKey = field(repr=False)
    jwk: dict[str, Any]


class Opener:
    """The hub's keys that others encrypt to (P-256), the newest last: that one is published, all of them open."""

    def __init__(self, keys: Sequence[ec.EllipticCurvePrivateKey]) -> None:
        """Raises ValueError for none, or one on another curve."""
        if not keys or not all(isinstance(key.curve, ec.SECP256R1) for key in keys):
            raise ValueError("the keys that notices are sealed for must be on P-256, and there must be one")
        self._own = tuple(_loaded(key) for key in reversed(keys))

    @property
    def public_jwk(self) -> dict[str, Any]:
        """The newest, as others are given it."""
        return dict(self._own[0].jwk)

    def open(self, body: bytes) -> bytes:
        """What stands inside a compact JWE: a compact JWS, not verified yet. Raises NotOpened."""
        for own in self._own:
            try:
                found = jwe.decrypt_compact(body.strip(), own.key, registry=_SEALED)
            except (JoseError, ValueError, TypeError, KeyError, RecursionError):
                continue
            if found.plaintext is not None:
                return found.plaintext
        raise NotOpened("not sealed for this hub, or not whole")


def verified(compact: bytes, keys: Sequence[ReceiverKey], typ: str) -> bytes | None:
    """What one of ``keys`` signed as ``typ``; None if none of them did."""
    for key in keys:
        try:
            found = jws.deserialize_compact(compact.strip(), ECKey.import_key(dict(key.jwk)), registry=_SIGNED)
        except (JoseError, ValueError, TypeError, KeyError, RecursionError):
            continue
        if found.headers().get("typ") == typ:
            return found.payload
    return None


def _loaded(key: ec.EllipticCurvePrivateKey) -> _Own:
    own = ECKey.import_key(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    public = {name: str(value) for name, value in own.as_dict(private=False).items()}
    named = {"use": "enc", "alg": AGREEMENT, "kid": b64url(thumbprint(public))}
    return _Own(own, {name: public[name] for name in ("kty", "crv", "x", "y")} | named)
