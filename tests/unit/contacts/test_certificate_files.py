"""Certificates as files: the holder's own is found in a chain, and nothing private is taken."""

import base64
import json
from datetime import timedelta
from hashlib import sha256

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, pkcs7

from contacts.certificate_files import MOST_BYTES, holder_of
from contacts.certificates import CertificateProblem, described, read_certificate
from contacts.model import Certificate
from tests.kit.directory import NOW, certificate_der
from tests.kit.pki import authority, person

ROOT = authority("Root")
MIDDLE = authority("Middle", issuer=ROOT)
OWN = person("front-door@council.example", issuer=MIDDLE)
OTHER = person("mash@council.example", issuer=MIDDLE)
CHAIN = [ROOT.certificate, OWN.certificate, MIDDLE.certificate]
DER = OWN.certificate.public_bytes(Encoding.DER)


def pems(*certificates: x509.Certificate) -> bytes:
    return b"".join(one.public_bytes(Encoding.PEM) for one in certificates)


@pytest.mark.parametrize(
    "file",
    [
        pems(OWN.certificate),
        DER,
        b"Bag Attributes\n" + pems(*CHAIN, OWN.certificate),
        pkcs7.serialize_certificates(CHAIN, Encoding.DER),
        pkcs7.serialize_certificates(CHAIN, Encoding.PEM),
        b"\xef\xbb\xbf" + base64.b64encode(DER),
    ],
    ids=["PEM", "DER", "a chain", "PKCS #7", "PKCS #7 in PEM", "base64 alone"],
)
def test_the_holders_own(file: bytes) -> None:
    assert read_certificate(holder_of(file)) == DER


@pytest.mark.parametrize(
    ("file", "words"),
    [
        (OWN.p12(b"secret"), "private key"),
        (OWN.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + pems(OWN.certificate), "private"),
        (pems(OWN.certificate, OTHER.certificate), "several"),
        (pems(ROOT.certificate, MIDDLE.certificate, OWN.certificate, OTHER.certificate), "several"),
        (b"\x89PNG\r\n\x1a\n", "not a certificate"),
        (b"a" * (MOST_BYTES + 1), "too long"),
    ],
    ids=["PKCS #12", "a key beside it", "two", "two with a chain", "a picture", "long"],
)
def test_what_is_not_taken(file: bytes, words: str) -> None:
    with pytest.raises(CertificateProblem, match=words):
        holder_of(file)


def test_a_jwk_and_what_is_nothing_stay_as_they_are() -> None:
    assert holder_of(b' {"kty": "EC"}') == ' {"kty": "EC"}'
    assert holder_of("naïve".encode()) == "naïve"


def on_file(der: bytes, address: str = "front-door@council.example") -> Certificate:
    return Certificate(address=address, der=der, fingerprint=sha256(der).hexdigest())


def test_what_it_says_of_itself() -> None:
    found = described(on_file(DER))
    assert (found.use, found.names) == ("both", ("front-door@council.example",))
    assert found.issuer is not None and "CN=Middle" in found.issuer
    alone = described(on_file(certificate_der("Front Door", NOW, NOW + timedelta(days=9))))
    assert (alone.use, alone.names, alone.issuer) == ("both", ("CN=Front Door",), None)
    signs = person("front-door@council.example", issuer=MIDDLE, usage=False)
    assert described(on_file(signs.certificate.public_bytes(Encoding.DER))).use == "sign"


def test_what_a_key_says_of_itself() -> None:
    for use, word in (("enc", "encrypt"), ("sig", "sign")):
        found = described(on_file(json.dumps({"use": use}).encode(), "https://receiver.example/in"))
        assert (found.use, found.names, found.issuer, found.last.year) == (word, (), None, 9999)
