"""Who signed a mail (RFC 8551): the layer is taken off, and the signature judged by the rules for certificates. Pure.

``cryptography`` makes such signatures and does not check them, so the CMS is read with ``asn1crypto``, which takes the
BER that openssl and others write; names, keys and chains are checked as everywhere else (chain.py).
"""

import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from typing import Any

from asn1crypto import cms
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from adapters.email.address import same_mailbox
from adapters.email.certificates import names
from adapters.email.chain import (
    MALFORMED,
    PURPOSES,
    Trust,
    chains,
    find,
    fingerprint,
    signed_weakly,
    strong_key,
    understood,
)
from adapters.email.parts import Part

_LINE_END = re.compile(rb"\r\n|\r|\n")
_HASHES: dict[str, hashes.HashAlgorithm] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}
_LARGEST = 256 * 1024
"""Bytes of a CMS that is looked at: chains of certificates are a few kilobytes."""
_MOST_SIGNERS = 4
_MOST_CERTIFICATES = 32
"""A chain is of one to four. More are not looked at: to try them costs whoever sends them nothing, and us all."""
_SAME = 4
"""Certificates that one signer may mean: of one key, one after the other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """What was signed, and the CMS that says by whom; ``cms`` is empty for a kind of signature we cannot read."""

    cms: bytes = field(repr=False)
    content: bytes = field(repr=False)

    def by(self, address: str, now: datetime, trust: Trust) -> bool:
        """Whether the holder of ``address`` signed exactly this. Never raises for what a signature contains."""
        return bool(address) and _signed(self, address, now, trust)


def unwrap(message: Part) -> tuple[Part, Signature | None]:
    """The signed part and its signature; the message itself and None where nothing is signed, or not readable."""
    if message.media_type == "multipart/signed":
        parts = message.parts()
        if len(parts) != 2:
            return message, None
        known = parts[1].media_type in ("application/pkcs7-signature", "application/x-pkcs7-signature")
        # RFC 8551 3.1.1: signed were canonical line ends, whatever a mail store has made of them.
        content = _LINE_END.sub(b"\r\n", parts[0].raw)
        return parts[0], Signature(cms=parts[1].content() if known else b"", content=content)
    if message.media_type in ("application/pkcs7-mime", "application/x-pkcs7-mime"):
        data = message.content()
        enclosed = _enclosed(data)
        if enclosed is not None:
            return Part.of(enclosed), Signature(cms=data, content=enclosed)
    return message, None


def _signed_data(data: bytes) -> Any:
    info = cms.ContentInfo.load(data)
    if info["content_type"].native != "signed_data":
        raise ValueError("not signed data")
    return info["content"]


def _enclosed(data: bytes) -> bytes | None:
    if len(data) > _LARGEST:
        return None
    try:
        content = _signed_data(data)["encap_content_info"]["content"].native
    except Exception:  # whatever a parser of hostile bytes raises, there is no content
        return None
    return content if isinstance(content, bytes) else None


def _signed(signature: Signature, address: str, now: datetime, trust: Trust) -> bool:
    if not 0 < len(signature.cms) <= _LARGEST:
        return False
    try:
        data = _signed_data(signature.cms)
        given = islice(data["certificates"], _MOST_CERTIFICATES)
        found = [one.chosen.dump() for one in given if one.name == "certificate"]
        certificates = [x509.load_der_x509_certificate(der) for der in found]
        helped = replace(trust, intermediates=(*trust.intermediates, *certificates))
        return any(
            _speaks_for(certificate, address, now, helped) and _verifies(signer, certificate, signature.content)
            for signer in list(data["signer_infos"])[:_MOST_SIGNERS]
            for certificate in islice((one for one in certificates if _names(signer["sid"], one)), _SAME)
        )
    except Exception:  # asn1crypto parses late and documents none of what it raises; this is not proof
        return False


def _names(sid: Any, certificate: x509.Certificate) -> bool:
    if sid.name == "issuer_and_serial_number":
        issuer = sid.chosen["issuer"].dump() == certificate.issuer.public_bytes()
        return bool(issuer and sid.chosen["serial_number"].native == certificate.serial_number)
    key = find(certificate.extensions, x509.SubjectKeyIdentifier)
    return key is not None and bool(key.digest == sid.chosen.native)


def _verifies(signer: Any, certificate: x509.Certificate, content: bytes) -> bool:
    """RFC 5652 5.4 and 5.6: the digest of the content among the signed attributes, and the signature over those."""
    digest_name = signer["digest_algorithm"]["algorithm"].native
    if digest_name not in _HASHES:
        return False
    attributes = signer["signed_attrs"]
    covered = content
    if len(attributes):
        values = {one["type"].native: one["values"].native for one in attributes}
        digest = hashlib.new(digest_name, content).digest()
        if [values.get("content_type"), len(values.get("message_digest") or ())] != [["data"], 1]:
            return False
        if not hmac.compare_digest(values["message_digest"][0], digest):
            return False
        covered = attributes.untag().dump()
    return _holds(signer, certificate, covered, _HASHES[digest_name])


def _holds(signer: Any, certificate: x509.Certificate, covered: bytes, digest: hashes.HashAlgorithm) -> bool:
    algorithm, signature = signer["signature_algorithm"], signer["signature"].native
    key = certificate.public_key()
    try:
        match key, algorithm.signature_algo:
            case rsa.RSAPublicKey(), "rsassa_pkcs1v15":
                key.verify(signature, covered, padding.PKCS1v15(), digest)
            case rsa.RSAPublicKey(), "rsassa_pss":
                own = _HASHES[algorithm.hash_algo]
                key.verify(signature, covered, padding.PSS(padding.MGF1(own), padding.PSS.AUTO), own)
            case ec.EllipticCurvePublicKey(), "ecdsa":
                key.verify(signature, covered, ec.ECDSA(digest))
            case _:
                return False
    except (InvalidSignature, UnsupportedAlgorithm, KeyError):
        return False
    return True


def _speaks_for(certificate: x509.Certificate, address: str, now: datetime, trust: Trust) -> bool:
    try:
        extensions = certificate.extensions
        usage, purposes = find(extensions, x509.KeyUsage), find(extensions, x509.ExtendedKeyUsage)
        return (
            _is_one_of(address, names(certificate))
            and (usage is None or usage.digital_signature or usage.content_commitment)
            and (purposes is None or not PURPOSES.isdisjoint(purposes))
            and understood(extensions)
            and strong_key(certificate.public_key())
            and not signed_weakly(certificate)
            and certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc
            and (
                fingerprint(certificate.public_bytes(Encoding.DER)) in trust.pinned
                or chains(certificate, address, now, trust)
            )
        )
    except MALFORMED:
        return False


def _is_one_of(address: str, mailboxes: Sequence[str]) -> bool:
    return any(same_mailbox(address, mailbox) for mailbox in mailboxes)
