"""A small certificate authority for tests: a root, an intermediate, and end entities with one thing wrong at a time.

Everything is valid from 2020 to 2090 unless a test says otherwise, so that no test depends on the day it runs. Keys are
made once a process and shared: a test that needs to tell two holders apart names two keys.
"""

import datetime
import functools
from collections.abc import Sequence
from dataclasses import dataclass

from asn1crypto import algos as asn1_algos
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

START = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
END = datetime.datetime(2090, 1, 1, tzinfo=datetime.UTC)
NOW = datetime.datetime(2026, 3, 1, 19, 30, tzinfo=datetime.UTC)

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
EMAIL = (ExtendedKeyUsageOID.EMAIL_PROTECTION,)
SERVER = (ExtendedKeyUsageOID.SERVER_AUTH,)


@functools.cache
def rsa_key(name: str, bits: int = 2048) -> rsa.RSAPrivateKey:
    """The RSA key of that name."""
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


@functools.cache
def curve_key(name: str) -> ec.EllipticCurvePrivateKey:
    """The P-256 key of that name."""
    return ec.generate_private_key(ec.SECP256R1())


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """A certificate and its private key."""

    certificate: x509.Certificate
    key: PrivateKey

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        return self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )

    @property
    def fingerprint(self) -> str:
        return self.certificate.fingerprint(hashes.SHA256()).hex()

    def p12(self, password: bytes) -> bytes:
        """Key and certificate for import into another program."""
        encryption = (
            serialization.PrivateFormat.PKCS12.encryption_builder()
            .key_cert_algorithm(pkcs12.PBES.PBESv1SHA1And3KeyTripleDESCBC)
            .hmac_hash(hashes.SHA1())
            .kdf_rounds(2048)
            .build(password)
        )
        return pkcs12.serialize_key_and_certificates(b"test", self.key, self.certificate, None, encryption)


def name(common_name: str, *, email: str | None = None, organisation: str = "Fictional Trust Services") -> x509.Name:
    attributes = [
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation),
        x509.NameAttribute(NameOID.COMMON_NAME, common_name),
    ]
    if email is not None:
        attributes.append(x509.NameAttribute(NameOID.EMAIL_ADDRESS, email))
    return x509.Name(attributes)


def authority(
    common_name: str,
    *,
    issuer: Issued | None = None,
    start: datetime.datetime = START,
    end: datetime.datetime = END,
    ca: bool = True,
    path_length: int | None = None,
    cert_sign: bool = True,
    purposes: Sequence[x509.ObjectIdentifier] = (),
    permitted: Sequence[x509.GeneralName] = (),
    excluded: Sequence[x509.GeneralName] = (),
    unknown_critical: bool = False,
    bits: int = 2048,
    key: PrivateKey | None = None,
) -> Issued:
    """A root, or with ``issuer`` an intermediate."""
    own = key if key is not None else rsa_key(f"ca {common_name}", bits)
    builder = _base(name(common_name), issuer, own, start, end)
    builder = builder.add_extension(
        x509.BasicConstraints(ca=ca, path_length=path_length if ca else None), critical=True
    )
    builder = builder.add_extension(_usage(cert_sign=cert_sign, encipher=not cert_sign), critical=True)
    if purposes:
        builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
    if permitted or excluded:
        builder = builder.add_extension(x509.NameConstraints(permitted or None, excluded or None), critical=True)
    return _finish(builder, own, issuer, unknown_critical)


def person(
    *addresses: str,
    issuer: Issued | None,
    key: PrivateKey | None = None,
    bits: int = 2048,
    start: datetime.datetime = START,
    end: datetime.datetime = END,
    purposes: Sequence[x509.ObjectIdentifier] = EMAIL,
    usage: bool | None = True,
    subject_email: str | None = None,
    subject: x509.Name | None = None,
    unknown_critical: bool = False,
    hosts: Sequence[str] = (),
) -> Issued:
    """An end entity for mailboxes (SAN rfc822Names); ``issuer=None`` is self-signed.

    ``usage``: True with keyEncipherment, False without, None no keyUsage at all.
    """
    own = key if key is not None else rsa_key("person", bits)
    builder = _base(subject or name("Jo Worker", email=subject_email), issuer, own, start, end)
    alternative: list[x509.GeneralName] = [x509.RFC822Name(address) for address in addresses]
    alternative += [x509.DNSName(host) for host in hosts]
    if alternative:
        builder = builder.add_extension(x509.SubjectAlternativeName(alternative), critical=False)
    if usage is not None:
        builder = builder.add_extension(_usage(cert_sign=False, encipher=usage), critical=True)
    if purposes:
        builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
    return _finish(builder, own, issuer, unknown_critical)


def signed_over_sha1(issued: Issued, issuer: Issued) -> bytes:
    """The same certificate (DER) signed over SHA-1, which the library rightly refuses to do itself."""
    certificate = asn1_x509.Certificate.load(issued.der)
    algorithm = asn1_algos.SignedDigestAlgorithm({"algorithm": "sha1_rsa"})
    certificate["tbs_certificate"]["signature"] = algorithm
    certificate["signature_algorithm"] = algorithm
    assert isinstance(issuer.key, rsa.RSAPrivateKey)
    signed = certificate["tbs_certificate"].dump(force=True)
    certificate["signature_value"] = issuer.key.sign(signed, padding.PKCS1v15(), hashes.SHA1())
    return bytes(certificate.dump(force=True))


@functools.cache
def root() -> Issued:
    return authority("Fictional Root")


@functools.cache
def intermediate() -> Issued:
    return authority("Fictional Mail Authority", issuer=root(), path_length=0)


def _base(
    subject: x509.Name,
    issuer: Issued | None,
    own: PrivateKey,
    start: datetime.datetime,
    end: datetime.datetime,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer is not None else subject)
        .public_key(own.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(own.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key((issuer.key if issuer else own).public_key()),
            critical=False,
        )
    )


def _usage(*, cert_sign: bool, encipher: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not cert_sign,
        content_commitment=False,
        key_encipherment=encipher and not cert_sign,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=cert_sign,
        crl_sign=cert_sign,
        encipher_only=False,
        decipher_only=False,
    )


def _finish(builder: x509.CertificateBuilder, own: PrivateKey, issuer: Issued | None, unknown_critical: bool) -> Issued:
    if unknown_critical:
        odd = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.55555.1"), b"\x05\x00")
        builder = builder.add_extension(odd, critical=True)
    return Issued(certificate=builder.sign((issuer.key if issuer is not None else own), hashes.SHA256()), key=own)
