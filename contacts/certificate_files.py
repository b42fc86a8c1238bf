"""Certificates as files: PEM or DER, alone or with the chain that they came with (PKCS #7). Pure.

Of several the holder's own is the one that has issued none of the others.
"""

from collections.abc import Sequence
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7

from contacts.certificates import CertificateProblem

MOST_BYTES: Final = 64 * 1024
_MOST: Final = 20
_PKCS12: Final = b"\x02\x01\x03"
"""How what a PKCS #12 file is in begins: version 3."""
_PRIVATE: Final = "holds a private key: take it out, and treat that key as lost"


def holder_of(data: bytes) -> str:
    """The holder's own certificate in a file, as PEM; a JWK, or what is no certificate at all, as the text that it is.
    Raises :class:`CertificateProblem` for a file that is not to be handed over, or that leaves open which one it is."""
    if len(data) > MOST_BYTES:
        raise CertificateProblem("too long for one certificate")
    if b"PRIVATE KEY" in data or (data[:1] == b"\x30" and _PKCS12 in data[2:8]):
        raise CertificateProblem(_PRIVATE)
    found = _certificates(data)
    if not found:
        try:
            return data.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise CertificateProblem("not a certificate: give PEM, DER or PKCS #7 (.pem, .cer, .p7b)") from None
    return _holder(found).public_bytes(Encoding.PEM).decode("ascii")


def _certificates(data: bytes) -> Sequence[x509.Certificate]:
    for read in (
        x509.load_pem_x509_certificates,
        lambda one: [x509.load_der_x509_certificate(one)],
        pkcs7.load_pem_pkcs7_certificates,
        pkcs7.load_der_pkcs7_certificates,
    ):
        try:
            return read(data)
        except (ValueError, UnsupportedAlgorithm, x509.InvalidVersion):
            continue
    return ()


def _holder(found: Sequence[x509.Certificate]) -> x509.Certificate:
    several = list({one.public_bytes(Encoding.DER): one for one in found}.values())
    if len(several) > _MOST:
        raise CertificateProblem("holds more certificates than a chain has")
    try:
        left = [one for one in several if not any(other.issuer == one.subject for other in several if other is not one)]
    except ValueError:
        left = []
    if len(left) != 1:
        raise CertificateProblem("holds several certificates: give the holder's own, without its chain")
    return left[0]
