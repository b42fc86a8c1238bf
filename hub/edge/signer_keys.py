"""Making the hub's S/MIME key, and a certificate for it from a CA of its own, where no public CA gives one."""

import os
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

KEY_BITS: Final = 3072
CA_DAYS: Final = 3650
SIGNER_DAYS: Final = 825
BACKDATED: Final = timedelta(hours=1)
"""So that a reader whose clock is a little behind takes the certificate at once."""


def signer_files(sender: str, name: str, now: datetime) -> Mapping[str, bytes]:
    """File name -> PEM: ``signer.key``, ``signer.crt`` (the signer's certificate, then its CA's), ``signer-ca.key``
    and ``signer-ca.crt``, which recipients are given to trust. Takes about a second."""
    ca_key = rsa.generate_private_key(65_537, KEY_BITS)
    key = rsa.generate_private_key(65_537, KEY_BITS)
    ca_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{name} signing CA")])
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    ca = (
        _certificate(ca_name, ca_name, ca_key.public_key(), now, CA_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .sign(ca_key, hashes.SHA256())
    )
    own = (
        _certificate(subject, ca_name, key.public_key(), now, SIGNER_DAYS)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False)
        .add_extension(x509.SubjectAlternativeName([x509.RFC822Name(sender)]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    return {
        "signer.key": _private(key),
        "signer.crt": own.public_bytes(pem) + ca.public_bytes(pem),
        "signer-ca.key": _private(ca_key),
        "signer-ca.crt": ca.public_bytes(pem),
    }


def write_new(path: Path, content: bytes) -> None:
    """Write a file that must not exist yet, readable by its owner only, durable on return."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _certificate(
    subject: x509.Name, issuer: x509.Name, key: rsa.RSAPublicKey, now: datetime, days: int
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=not signs_certificates,  # what answers a notice is encrypted to its signer
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _private(key: rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
