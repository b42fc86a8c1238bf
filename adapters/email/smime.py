"""Sign, then encrypt: CMS by ``cryptography``'s PKCS#7 builders (RFC 8551).

The signature is detached (``multipart/signed``): every program that can decrypt shows the parts even where it cannot
verify, the protected subject is found by those that look for it, and a photo is not wrapped in base64 once more.
AES-256-CBC and RSA key transport, as mail programs in use today cannot open newer forms.
"""

from dataclasses import dataclass, field
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.ciphers import algorithms
from cryptography.hazmat.primitives.serialization import pkcs7

from adapters.email.address import same_mailbox
from adapters.email.certificates import Usable, names
from adapters.email.chain import MALFORMED, strong_key
from adapters.email.fields import base64_lines
from adapters.email.mime import boundary, multipart

_BINARY = [pkcs7.PKCS7Options.Binary]
_DETACHED = [pkcs7.PKCS7Options.Binary, pkcs7.PKCS7Options.DetachedSignature]
"""Binary: the part is canonical already, so it is signed and encrypted byte for byte."""


class UnusableSigner(ValueError):
    """The hub's signing key and certificate cannot be used; check FINGERPOST_SIGNER_* and run ``keys init``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """The hub's signing key, loaded once: loading an RSA key costs fifty times a signature."""

    certificate: x509.Certificate = field(repr=False)
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey = field(repr=False)
    chain: tuple[x509.Certificate, ...] = field(default=(), repr=False)

    @classmethod
    def from_pem(cls, *, certificate: bytes, key: bytes, password: bytes | None = None) -> "Signer":
        """``certificate``: the signer's own, then its intermediates, PEM. Raises UnusableSigner."""
        try:
            own, *chain = x509.load_pem_x509_certificates(certificate)
            private = serialization.load_pem_private_key(key, password)
            matches = own.public_key() == private.public_key()
        except MALFORMED:
            raise UnusableSigner("the signer's certificate or key cannot be read, or its password is wrong") from None
        if not isinstance(private, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
            raise UnusableSigner("the signer's key is neither RSA nor on an elliptic curve")
        if not strong_key(private.public_key()):
            raise UnusableSigner("the signer's key is too weak: RSA of 2048 bits or P-256 at least")
        if not matches:
            raise UnusableSigner("the signer's certificate belongs to another key")
        return cls(certificate=own, key=private, chain=tuple(chain))


def signer_problems(signer: Signer, sender: str, now: datetime) -> tuple[str, ...]:
    """What recipients' programs will warn about, in words for the operator; empty if nothing."""
    problems: list[str] = []
    if not any(same_mailbox(name, sender) for name in names(signer.certificate)):
        problems.append("the signer's certificate does not name the sender's address")
    if now < signer.certificate.not_valid_before_utc:
        problems.append("the signer's certificate is not valid yet")
    if now > signer.certificate.not_valid_after_utc:
        problems.append("the signer's certificate has expired")
    return tuple(problems)


def sign(payload: bytes, signer: Signer, delivery: str) -> bytes:
    """The payload (canonical CRLF, seven bits) as a ``multipart/signed`` entity with the signer's chain."""
    builder = pkcs7.PKCS7SignatureBuilder().set_data(payload)
    builder = builder.add_signer(signer.certificate, signer.key, hashes.SHA256())
    # Last: add_signer and set_data return a builder that has forgotten the certificates added before.
    for certificate in signer.chain:
        builder = builder.add_certificate(certificate)
    signature = builder.sign(serialization.Encoding.DER, _DETACHED)
    mark = boundary("signed", delivery)
    head = (
        b'Content-Type: multipart/signed; protocol="application/pkcs7-signature";\r\n micalg=sha-256; boundary="'
        + mark
        + b'"\r\n'
    )
    part = (
        b'Content-Type: application/pkcs7-signature; name="smime.p7s"\r\n'
        b"Content-Transfer-Encoding: base64\r\n"
        b'Content-Disposition: attachment; filename="smime.p7s"\r\n\r\n'
    )
    return b"".join((head, *multipart(mark, [[payload], [part, base64_lines(signature)]]), b"\r\n"))


def encrypt(entity: bytes, recipient: Usable) -> bytes:
    """The signed entity as DER EnvelopedData for one recipient, whose certificate was found usable just now."""
    builder = pkcs7.PKCS7EnvelopeBuilder().set_data(entity).add_recipient(recipient.certificate)
    return builder.set_content_encryption_algorithm(algorithms.AES256).encrypt(serialization.Encoding.DER, _BINARY)


def seal(payload: bytes, signer: Signer, recipient: Usable, delivery: str) -> bytes:
    """Sign, then encrypt. The only way for content to leave."""
    return encrypt(sign(payload, signer, delivery), recipient)
