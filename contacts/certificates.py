"""Certificates as administrators hand them over: PEM or base64, to the DER of exactly one certificate that parses."""

import base64
import binascii
import re
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from cryptography import x509

from contacts.jwks import use_of, validity_of
from contacts.model import Certificate

_MAX_TEXT = 64 * 1024
_UNREADABLE = (ValueError, x509.ExtensionNotFound, x509.DuplicateExtension, x509.UnsupportedGeneralNameType)
_PEM = re.compile(r"-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----", re.ASCII)


class CertificateProblem(ValueError):
    """Text that does not hold exactly one certificate; says what is wrong with it, without repeating it."""


def read_certificate(text: str) -> bytes:
    """The DER of the one certificate in ``text``. Raises :class:`CertificateProblem`."""
    if "PRIVATE KEY" in text:
        raise CertificateProblem("holds a private key: take it out, and treat that key as lost")
    if len(text) > _MAX_TEXT:
        raise CertificateProblem("too long for one certificate")
    blocks = _PEM.findall(text)
    if len(blocks) > 1:
        raise CertificateProblem("holds several certificates: give the holder's own, without its chain")
    try:
        der = base64.b64decode("".join((blocks[0] if blocks else text).split()), validate=True)
        validity(der)
    except (binascii.Error, ValueError, x509.InvalidVersion):
        raise CertificateProblem("not a certificate in PEM, nor the base64 of one in DER") from None
    return der


def in_use(certificate: Certificate) -> tuple[datetime, datetime]:
    """First and last instant of a certificate, or of a key for push, in UTC."""
    return validity_of(certificate.der) if certificate.is_jwk else validity(certificate.der)


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """What a certificate, or a key for push, says of itself. ``names``: the mailboxes in it, else its subject;
    ``issuer``: None of a key, and of a certificate that nobody else issued."""

    use: Literal["encrypt", "sign", "both"]
    names: tuple[str, ...] = field(repr=False)
    issuer: str | None
    first: datetime
    last: datetime


def described(certificate: Certificate) -> Described:
    """For people to look at; whether it can be used is asked at the moment of use. What cannot be read is left out."""
    first, last = in_use(certificate)
    if certificate.is_jwk:
        encrypts = use_of(certificate.der) == "enc"
        return Described(use="encrypt" if encrypts else "sign", names=(), issuer=None, first=first, last=last)
    found = x509.load_der_x509_certificate(certificate.der)
    subject, issuer = _name(found.subject), _name(found.issuer)
    names: tuple[str, ...] = (subject,)
    encrypts = signs = True
    with suppress(*_UNREADABLE):
        usage = found.extensions.get_extension_for_class(x509.KeyUsage).value
        encrypts, signs = usage.key_encipherment or usage.key_agreement, usage.digital_signature
    with suppress(*_UNREADABLE):
        others = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        names = tuple(others.get_values_for_type(x509.RFC822Name)) or names
    return Described(
        use="both" if encrypts and signs else "encrypt" if encrypts else "sign",
        names=names,
        issuer=None if issuer == subject else issuer,
        first=first,
        last=last,
    )


def _name(name: x509.Name) -> str:
    try:
        return name.rfc4514_string()[:300]
    except ValueError:
        return "cannot be read"


def validity(der: bytes) -> tuple[datetime, datetime]:
    """Its first and last instant, in UTC. Raises ValueError for what is not a certificate."""
    certificate = x509.load_der_x509_certificate(der)
    return certificate.not_valid_before_utc, certificate.not_valid_after_utc
