"""A receiver's public keys for HTTPS push, as administrators hand them over: one JWK (RFC 7517) at a time. Pure.

A key is stored in one spelling, so that what is exported imports back byte for byte. Whether it is usable is asked at
the moment of use (adapters/https/keys.py); here it must be one that can ever be: ``EC`` on ``P-256``, with a ``use``.
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec

from contacts.strict_json import from_b64url, read_strictly

MAX_TEXT: Final = 16 * 1024
_COORDINATE: Final = 32
"""Bytes of x and of y on P-256."""
_LATEST: Final = 253_402_300_799
"""Seconds: the last that a datetime can hold."""
_ALWAYS: Final = datetime.min.replace(tzinfo=UTC)
_NEVER: Final = datetime.max.replace(tzinfo=UTC)


class JwkProblem(ValueError):
    """Text that does not hold one public key for push; says what is wrong with it, without repeating it."""


def read_jwk(text: str) -> bytes:
    """The one JWK in ``text``, as canonical JSON. Raises :class:`JwkProblem`."""
    if len(text) > MAX_TEXT:
        raise JwkProblem("too long for one key")
    try:
        jwk = read_strictly(text)
    except (ValueError, RecursionError):
        raise JwkProblem("not a JWK: JSON, with no name twice") from None
    if not isinstance(jwk, dict):
        raise JwkProblem("not a JWK: one JSON object")
    if "keys" in jwk:
        raise JwkProblem("a set of keys: give each key a row of its own")
    if {"d", "k", "p", "q"} & set(jwk):
        raise JwkProblem("holds a private key: take it out, and treat that key as lost")
    if jwk.get("kty") != "EC" or jwk.get("crv") != "P-256":
        raise JwkProblem('the key must be "kty": "EC" on "crv": "P-256"')
    if jwk.get("use") not in ("enc", "sig"):
        raise JwkProblem('"use" must say "enc" (to be encrypted to) or "sig" (to sign acknowledgements with)')
    if any(not _is_instant(jwk.get(name)) for name in ("nbf", "exp", "iat")):
        raise JwkProblem("nbf, exp and iat are seconds since 1970")
    _check_point(jwk)
    try:
        found = json.dumps(jwk, ensure_ascii=False, separators=(",", ":"), sort_keys=True, allow_nan=False)
        document = found.encode()
    except (ValueError, RecursionError):
        raise JwkProblem("not a JWK: half a character in it, or a number that is none") from None
    if len(found) > MAX_TEXT:  # 1e15 is written out, and what is stored has to be read again
        raise JwkProblem("too long for one key")
    return document


def thumbprint(jwk: Mapping[str, str]) -> bytes:
    """RFC 7638 over SHA-256, of an elliptic-curve key."""
    members = {name: jwk[name] for name in ("crv", "kty", "x", "y")}
    return hashlib.sha256(json.dumps(members, separators=(",", ":"), sort_keys=True).encode()).digest()


def thumbprint_of(document: bytes) -> str:
    """The thumbprint (lower-case hex) of what :func:`read_jwk` gave."""
    return thumbprint(json.loads(document)).hex()


def validity_of(document: bytes) -> tuple[datetime, datetime]:
    """From when and until when it is used, in UTC; always, where it does not say."""
    jwk = json.loads(document)
    first, last = jwk.get("nbf"), jwk.get("exp")
    return (
        _ALWAYS if first is None else datetime.fromtimestamp(first, UTC),
        _NEVER if last is None else datetime.fromtimestamp(last, UTC),
    )


def use_of(document: bytes) -> str:
    """``enc`` or ``sig``."""
    return str(json.loads(document)["use"])


def _check_point(jwk: Mapping[str, Any]) -> None:
    try:
        x, y = (_coordinate(jwk.get(name)) for name in ("x", "y"))
        ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
    except ValueError:
        raise JwkProblem("x and y are no point on P-256, in base64url of 32 bytes each") from None


def _coordinate(value: object) -> int:
    """Only the one spelling of its 32 bytes: another would have another thumbprint."""
    if not isinstance(value, str):
        raise ValueError
    data = from_b64url(value)
    if len(data) != _COORDINATE or base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii") != value:
        raise ValueError
    return int.from_bytes(data)


def _is_instant(value: object) -> bool:
    if value is None:
        return True
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= _LATEST
