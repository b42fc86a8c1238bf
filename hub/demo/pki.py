"""A made-up certificate authority: S/MIME identities for the mailboxes and the hub, TLS for the mail server."""

import ipaddress
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

EARLIER = timedelta(hours=1)
LIFETIME = timedelta(days=90)
"""Long enough that none is about to end."""
USES = ("digital_signature", "key_encipherment", "key_cert_sign", "crl_sign")


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """A certificate and its key. The key never prints."""

    certificate: x509.Certificate
    key: PrivateKey = field(repr=False)

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def certificate_pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _key_usage(*uses: str) -> x509.KeyUsage:
    wanted = {name: name in uses for name in USES}
    return x509.KeyUsage(
        **wanted,
        content_commitment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


class Authority:
    """Issues certificates under one root that exists for this demo only and is thrown away with it."""

    def __init__(self, name: str, now: datetime) -> None:
        self._now = now
        self._subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self._key = ec.generate_private_key(ec.SECP256R1())
        builder = self._builder(self._subject, self._key)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        builder = builder.add_extension(_key_usage("key_cert_sign", "crl_sign"), critical=True)
        self.root = Identity(certificate=builder.sign(self._key, hashes.SHA256()), key=self._key)

    def _builder(self, subject: x509.Name, key: PrivateKey) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(self._now - EARLIER)
            .not_valid_after(self._now + LIFETIME)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        )

    def _issue(
        self, name: str, key: PrivateKey, names: list[x509.GeneralName], purpose: x509.ObjectIdentifier
    ) -> Identity:
        builder = self._builder(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]), key)
        extensions: list[tuple[x509.ExtensionType, bool]] = [
            (x509.BasicConstraints(ca=False, path_length=None), True),
            (_key_usage("digital_signature", "key_encipherment"), True),
            (x509.ExtendedKeyUsage([purpose]), False),
            (x509.SubjectAlternativeName(names), False),
            (x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), False),
        ]
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical=critical)
        return Identity(certificate=builder.sign(self._key, hashes.SHA256()), key=key)

    def mailbox(self, address: str) -> Identity:
        """An S/MIME identity (RSA-2048, what mail clients of today open) for one address."""
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        # A common name holds 64 characters at most; what counts is the address below.
        return self._issue(address[:64], key, [x509.RFC822Name(address)], ExtendedKeyUsageOID.EMAIL_PROTECTION)

    def mailboxes(self, addresses: Iterable[str]) -> Mapping[str, Identity]:
        """Identities for many addresses, made at once: finding primes is most of the work, and runs outside the GIL."""
        distinct = list(dict.fromkeys(addresses))
        with ThreadPoolExecutor() as pool:
            return dict(zip(distinct, pool.map(self.mailbox, distinct), strict=True))

    def server(self) -> Identity:
        """A TLS identity for a server on this machine."""
        names: list[x509.GeneralName] = [
            x509.DNSName("localhost"),
            x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
        ]
        return self._issue("localhost", ec.generate_private_key(ec.SECP256R1()), names, ExtendedKeyUsageOID.SERVER_AUTH)
