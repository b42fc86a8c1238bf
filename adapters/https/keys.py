"""Which of the keys on file may be used now, or why none may. Asked at the moment of use. Pure.

A receiver's keys are JWK or JWK Set documents (RFC 7517). To be encrypted to, a key has to be ``EC`` on ``P-256`` with
``"use": "enc"``; to sign acknowledgements with, the same with ``"use": "sig"``. ``nbf`` and ``exp`` (seconds since the
epoch, as in RFC 7519) say from when and until when it is used, so that two keys may stand side by side while they are
rotated. As a JWK has no chain, it is trusted when its thumbprint (RFC 7638) was compared with its holder.
"""

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal

from cryptography.hazmat.primitives.asymmetric import ec

from adapters.port import Reason
from contacts.jwks import thumbprint
from contacts.strict_json import from_b64url, read_strictly

LARGEST_DOCUMENT: Final = 64 * 1024
LONGEST_KID: Final = 128
"""Characters; joserfc, as a receiver, refuses a header of more than 512 bytes."""
_COORDINATE = 32
"""Bytes of x and of y on P-256."""
_ALGORITHMS: Final = {"enc": "ECDH-ES+A256KW", "sig": "ES256"}
_OPERATIONS: Final = {"enc": frozenset({"deriveKey", "deriveBits"}), "sig": frozenset({"verify"})}

_ORDER: tuple[Reason, ...] = (
    "no_certificate",
    "certificate_unreadable",
    "certificate_wrong_purpose",
    "certificate_unsupported",
    "certificate_weak",
    "certificate_not_yet_valid",
    "certificate_expired",
    "certificate_untrusted",
)

Use = Literal["enc", "sig"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiverKey:
    """One usable public key."""

    jwk: Mapping[str, str] = field(repr=False)
    """``kty``, ``crv``, ``x`` and ``y`` only."""
    kid: str = field(repr=False)
    """As the receiver calls it; its thumbprint in base64url if they gave it no name."""
    thumbprint: str
    """RFC 7638, SHA-256, lower-case hex."""
    since: float
    """``nbf``, else ``iat``, else 0: the newest is used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """None may be used, and the most telling reason."""

    reason: Reason


class _Refused(ValueError):
    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason


def encryption_key(documents: Sequence[bytes], now: datetime, pinned: frozenset[str]) -> ReceiverKey | Refusal:
    """The newest key that content may be encrypted to at ``now``, or why there is none. ``pinned``: thumbprints.

    Of several refusals that of the key that came furthest is told, as it is the nearest to being put right. Never
    raises for what a document contains.
    """
    fit: list[ReceiverKey] = []
    furthest: Reason = "no_certificate"
    for found in _all(documents, "enc", now, pinned):
        if isinstance(found, ReceiverKey):
            fit.append(found)
        elif _ORDER.index(found) > _ORDER.index(furthest):
            furthest = found
    if not fit:
        return Refusal(reason=furthest)
    return max(fit, key=lambda one: (one.since, one.thumbprint))


def signature_keys(documents: Sequence[bytes], now: datetime, pinned: frozenset[str]) -> tuple[ReceiverKey, ...]:
    """The keys that the receiver may sign an acknowledgement with at ``now``."""
    return tuple(one for one in _all(documents, "sig", now, pinned) if isinstance(one, ReceiverKey))


def b64url(data: bytes) -> str:
    """Base64url without padding (RFC 7515 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _all(documents: Sequence[bytes], use: Use, now: datetime, pinned: frozenset[str]) -> Iterator[ReceiverKey | Reason]:
    for document in documents:
        try:
            jwks = _read(document)
        except _Refused as refused:
            yield refused.reason
            continue
        for jwk in jwks:
            try:
                yield _usable(jwk, use, now, pinned)
            except _Refused as refused:
                yield refused.reason


def _read(document: bytes) -> Sequence[Any]:
    if len(document) > LARGEST_DOCUMENT:
        raise _Refused("certificate_unreadable")
    try:
        read = read_strictly(document)
    except (ValueError, RecursionError):
        raise _Refused("certificate_unreadable") from None
    if isinstance(read, dict) and "keys" in read:
        keys = read["keys"]
        if not isinstance(keys, list):
            raise _Refused("certificate_unreadable")
        return keys
    return [read]


def _usable(jwk: Any, use: Use, now: datetime, pinned: frozenset[str]) -> ReceiverKey:
    if not isinstance(jwk, dict) or not isinstance(jwk.get("kty"), str):
        raise _Refused("certificate_unreadable")
    operations = jwk.get("key_ops", list(_OPERATIONS[use]))
    if not isinstance(operations, list) or not all(isinstance(one, str) for one in operations):
        raise _Refused("certificate_unreadable")
    if jwk.get("use") != use or not _OPERATIONS[use].intersection(operations):
        raise _Refused("certificate_wrong_purpose")
    if jwk["kty"] != "EC" or jwk.get("crv") != "P-256" or jwk.get("alg", _ALGORITHMS[use]) != _ALGORITHMS[use]:
        raise _Refused("certificate_unsupported")
    public = {"kty": "EC", "crv": "P-256", "x": _coordinate(jwk.get("x")), "y": _coordinate(jwk.get("y"))}
    _on_the_curve(public)
    if "d" in jwk:  # the private half was sent to us: who else has it, nobody knows
        raise _Refused("certificate_weak")
    issued, start, end = (_instant(jwk.get(name)) for name in ("iat", "nbf", "exp"))
    if start is not None and now.timestamp() < start:
        raise _Refused("certificate_not_yet_valid")
    if end is not None and now.timestamp() >= end:
        raise _Refused("certificate_expired")
    mark = thumbprint(public)
    if mark.hex() not in pinned:
        raise _Refused("certificate_untrusted")
    since = next((one for one in (start, issued) if one is not None), 0.0)
    return ReceiverKey(jwk=public, kid=_kid(jwk.get("kid"), mark), thumbprint=mark.hex(), since=since)


def _coordinate(value: Any) -> str:
    """The one spelling of 32 bytes: another would have another thumbprint."""
    if not isinstance(value, str):
        raise _Refused("certificate_unreadable")
    try:
        data = from_b64url(value)
    except ValueError:
        raise _Refused("certificate_unreadable") from None
    if len(data) != _COORDINATE or b64url(data) != value:
        raise _Refused("certificate_unreadable")
    return value


def _on_the_curve(public: Mapping[str, str]) -> None:
    x, y = (int.from_bytes(base64.urlsafe_b64decode(public[name] + "="), "big") for name in ("x", "y"))
    try:
        ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
    except ValueError:
        raise _Refused("certificate_unreadable") from None


def _instant(value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _Refused("certificate_unreadable")
    try:
        return float(value)
    except OverflowError:
        raise _Refused("certificate_unreadable") from None


def _kid(value: Any, mark: bytes) -> str:
    if value is None:
        return b64url(mark)
    if (
        not isinstance(value, str)
        or not 0 < len(value) <= LONGEST_KID
        or not value.isascii()
        or not value.isprintable()
    ):
        raise _Refused("certificate_unreadable")
    return value
