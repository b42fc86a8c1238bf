"""Which of the certificates on file may be used now, or why none may. Asked at the moment of use.

Every candidate is asked in one order: readable, the right name, the right purpose, a key we can encrypt to, strong,
in its time, trusted. Of several refusals the one of the candidate that came furthest is told, as it is the nearest to
being put right. An elliptic-curve recipient is ``certificate_unsupported``: neither weak nor for another purpose, but
nothing can be encrypted to it yet (DESIGN.md, "later").
"""

from bisect import bisect_right
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from adapters.email.address import same_mailbox
from adapters.email.chain import (
    MALFORMED,
    Trust,
    chains,
    find,
    fingerprint,
    for_email,
    signed_weakly,
    strong_key,
    understood,
)
from adapters.port import Reason

_ORDER: tuple[Reason, ...] = (
    "no_certificate",
    "certificate_unreadable",
    "certificate_name_mismatch",
    "certificate_wrong_purpose",
    "certificate_unsupported",
    "certificate_weak",
    "certificate_not_yet_valid",
    "certificate_expired",
    "certificate_untrusted",
)
_KEPT: Final = 1024
"""Answers that are kept: as many as there are addresses in a large directory, at some 10 KB each."""
_BEFORE_ALL: Final = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Usable:
    """Encrypt to this one."""

    certificate: x509.Certificate = field(repr=False)
    fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """None may be used, and the most telling reason."""

    reason: Reason


def usable(certificates: Sequence[bytes], address: str, now: datetime, trust: Trust) -> Usable | Refusal:
    """The newest of the candidates (DER) that may be used for ``address`` at ``now``, or the reason why none may.

    Candidates that are authorities help to build the chain of the others. ``address`` is as it goes on the wire.
    Never raises for what a certificate contains.
    """
    asked = tuple(certificates)
    turns = _turns(asked, trust)
    passed = bisect_right(turns, now)
    return _judged(asked, address, turns[passed - 1] if passed else _BEFORE_ALL, trust)


@lru_cache(maxsize=_KEPT)
def _turns(certificates: tuple[bytes, ...], trust: Trust) -> tuple[datetime, ...]:
    """The only instants at which an answer about these may change: a certificate begins, or its last instant is over.
    What is so at one of them is so until the next, which is why answers may be kept at all."""
    turns = {turn for one in (*trust.anchors, *trust.intermediates) for turn in _shared_turns(one)}
    for found in map(_read, certificates):
        turns.update(() if found is None else _turns_of(found))
    return tuple(sorted(turns))


def _turns_of(certificate: x509.Certificate) -> tuple[datetime, ...]:
    turns = []
    # One whose times cannot be read is refused for that at every instant.
    with suppress(*MALFORMED):
        turns.append(certificate.not_valid_before_utc)
    with suppress(*MALFORMED, OverflowError):
        turns.append(certificate.not_valid_after_utc + timedelta.resolution)
    return tuple(turns)


_shared_turns = lru_cache(maxsize=_KEPT)(_turns_of)
"""Of an authority: the same instants in every answer, and not one set of them for each."""


@lru_cache(maxsize=_KEPT)
def _judged(certificates: tuple[bytes, ...], address: str, now: datetime, trust: Trust) -> Usable | Refusal:
    """Everything the answer depends on is an argument: another certificate, pin or anchor is another question."""
    read = [(der, _read(der)) for der in certificates]
    helped = replace(
        trust, intermediates=(*trust.intermediates, *(found for _, found in read if found and _is_authority(found)))
    )
    fit: list[Usable] = []
    furthest: Reason = "no_certificate"
    for der, found in read:
        reason = _refused(found, fingerprint(der), address, now, helped) if found else "certificate_unreadable"
        if found is not None and reason is None:
            fit.append(Usable(certificate=found, fingerprint=fingerprint(der)))
        elif reason is not None and _ORDER.index(reason) > _ORDER.index(furthest):
            furthest = reason
    if not fit:
        return Refusal(reason=furthest)
    return max(fit, key=lambda one: (one.certificate.not_valid_before_utc, one.fingerprint))


def _read(der: bytes) -> x509.Certificate | None:
    try:
        certificate = x509.load_der_x509_certificate(der)
        # Names and extensions are parsed only when they are asked for: ask now, so that nothing raises later.
        _ = certificate.issuer, certificate.subject, certificate.extensions, certificate.public_key()
    except MALFORMED:
        return None
    return certificate


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        constraints = find(certificate.extensions, x509.BasicConstraints)
    except MALFORMED:
        return False
    return constraints is not None and constraints.ca


def _refused(certificate: x509.Certificate, pin: str, address: str, now: datetime, trust: Trust) -> Reason | None:
    try:
        if not any(same_mailbox(name, address) for name in names(certificate)):
            return "certificate_name_mismatch"
    except MALFORMED:
        return "certificate_unreadable"
    return unfit(certificate, pin, address, now, trust)


def unfit(certificate: x509.Certificate, pin: str, address: str, now: datetime, trust: Trust) -> Reason | None:
    """Why a certificate cannot be encrypted to, whosever it is: everything but the name. None where it can."""
    try:
        extensions = certificate.extensions
        key = certificate.public_key()
        if isinstance(key, rsa.RSAPublicKey) and not for_email(extensions):
            return "certificate_wrong_purpose"
        if not isinstance(key, rsa.RSAPublicKey) or not understood(extensions):
            return "certificate_unsupported"
        if not strong_key(key) or signed_weakly(certificate):
            return "certificate_weak"
        if now < certificate.not_valid_before_utc:
            return "certificate_not_yet_valid"
        if now > certificate.not_valid_after_utc:
            return "certificate_expired"
    except MALFORMED:
        return "certificate_unreadable"
    if pin in trust.pinned or chains(certificate, address, now, trust):
        return None
    return "certificate_untrusted"


def names(certificate: x509.Certificate) -> list[str]:
    """The mailboxes it speaks for: rfc822Names, or where there are none the subject's emailAddress (RFC 8550 3).
    May raise one of MALFORMED."""
    alternative = find(certificate.extensions, x509.SubjectAlternativeName)
    mailboxes = alternative.get_values_for_type(x509.RFC822Name) if alternative is not None else []
    if mailboxes:
        return list(mailboxes)
    return [str(attribute.value) for attribute in certificate.subject.get_attributes_for_oid(NameOID.EMAIL_ADDRESS)]
