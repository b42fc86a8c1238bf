"""Certificates as administrators hand them over: PEM or base64, to the DER of exactly one certificate that parses."""

import base64
import binascii
import re
from datetime import datetime

from cryptography import x509

from contacts.jwks import validity_of
from contacts.model import Certificate

_MAX_TEXT = 64 * 1024
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


def validity(der: bytes) -> tuple[datetime, datetime]:
    """Its first and last instant, in UTC. Raises ValueError for what is not a certificate."""
    certificate = x509.load_der_x509_certificate(der)
    return certificate.not_valid_before_utc, certificate.not_valid_after_utc
