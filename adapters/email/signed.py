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
from typing import Any, Literal, get_args

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
from adapters.email.content_info import names_it, octets, within_bounds
from adapters.email.parts import Part

_LINE_END = re.compile(rb"\r\n|\r|\n")
_HASHES: dict[str, hashes.HashAlgorithm] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}
_SET = b"\x31"
"""How signed attributes begin; no part of a mail begins so."""
_LARGEST = 256 * 1024
"""Bytes of a CMS that is looked at: chains of certificates are a few kilobytes."""
_MOST_SIGNERS = 4
_MOST_CERTIFICATES = 32
"""A chain is of one to four. More are not looked at: to try them costs whoever sends them nothing, and us all."""
_SAME = 4
"""Certificates that one signer may mean: of one key, one after the other."""

Doubt = Literal[
    "signature_unreadable",
    "certificate_unreadable",
    "certificate_name_mismatch",
    "certificate_wrong_purpose",
    "certificate_unsupported",
    "certificate_weak",
    "certificate_not_yet_valid",
    "certificate_expired",
    "certificate_untrusted",
    "signature_invalid",
]
"""Why a signature proves nothing, in the order in which it is asked. ``signature_invalid``: by a certificate that might
be believed, over something else."""
_FURTHER: tuple[Doubt, ...] = get_args(Doubt)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proven:
    """A signature that holds, by a certificate that is believed."""

    certificate: x509.Certificate = field(repr=False)
    signed_at: datetime | None
    """When the signer says that it was made (RFC 5652 11.3)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """What was signed, and the CMS that says by whom; ``cms`` is empty for a kind of signature we cannot read."""

    cms: bytes = field(repr=False)
    content: bytes = field(repr=False)

    def by(self, address: str, now: datetime, trust: Trust) -> bool:
        """Whether the holder of ``address`` signed exactly this. Never raises for what a signature contains."""
        return isinstance(self.judged(address, now, trust), Proven)

    def judged(self, address: str, now: datetime, trust: Trust) -> "Proven | Doubt":
        """By which certificate of the holder of ``address`` it is, or of several doubts that of the certificate which
        came furthest. Never raises for what a signature contains."""
        if not address or not 0 < len(self.cms) <= _LARGEST + len(self.content) or not within_bounds(self.cms):
            return "signature_unreadable"
        try:
            return _judged(self, address, now, trust)
        except Exception:  # asn1crypto parses late and documents none of what it raises; this is not proof
            return "signature_unreadable"


def unwrap(message: Part, largest: int = _LARGEST) -> tuple[Part, Signature | None]:
    """The signed part and its signature; the message itself and None where nothing is signed, or not readable.
    ``largest``: bytes of a CMS that holds what it signs."""
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
        enclosed = enclosed_in(data, largest)
        if enclosed is not None:
            return Part.of(enclosed), Signature(cms=data, content=enclosed)
    return message, None


def _signed_data(data: bytes) -> Any:
    info = cms.ContentInfo.load(data)
    if info["content_type"].native != "signed_data":
        raise ValueError("not signed data")
    return info["content"]


def enclosed_in(data: bytes, largest: int) -> bytes | None:
    """What a signature that is not detached holds; None where it holds nothing, or is none."""
    if len(data) > largest or not within_bounds(data):
        return None
    try:
        return octets(_signed_data(data)["encap_content_info"]["content"])
    except Exception:  # whatever a parser of hostile bytes raises, there is no content
        return None


def _judged(signature: Signature, address: str, now: datetime, trust: Trust) -> Proven | Doubt:
    data = _signed_data(signature.cms)
    given = islice(data["certificates"], _MOST_CERTIFICATES)
    found = [one.chosen.dump() for one in given if one.name == "certificate"]
    certificates = [x509.load_der_x509_certificate(der) for der in found]
    helped = replace(trust, intermediates=(*trust.intermediates, *certificates))
    furthest: Doubt = "signature_unreadable"
    for signer in list(data["signer_infos"])[:_MOST_SIGNERS]:
        for certificate in islice((one for one in certificates if names_it(signer["sid"], one)), _SAME):
            doubt = _doubt(certificate, address, now, helped)
            if doubt is None and not _verifies(signer, certificate, signature.content):
                doubt = "signature_invalid"
            if doubt is None:
                return Proven(certificate=certificate, signed_at=_signed_at(signer))
            furthest = max(furthest, doubt, key=_FURTHER.index)
    return furthest


def _verifies(signer: Any, certificate: x509.Certificate, content: bytes) -> bool:
    """RFC 5652 5.4 and 5.6: the digest of the content among the signed attributes, and the signature over those."""
    digest_name = signer["digest_algorithm"]["algorithm"].native
    if digest_name not in _HASHES:
        return False
    attributes = signer["signed_attrs"]
    covered = content
    if len(attributes):
        digest = hashlib.new(digest_name, content).digest()
        if _attribute(signer, "content_type") != "data":
            return False
        if not hmac.compare_digest(_attribute(signer, "message_digest") or b"", digest):
            return False
        covered = attributes.untag().dump()
    elif content.startswith(_SET):
        return False  # attributes of another signature, taken for what was signed (RFC 5652 5.4 signs both alike)
    return _holds(signer, certificate, covered, _HASHES[digest_name])


def _attribute(signer: Any, name: str) -> Any:
    """The one value of a signed attribute that stands there once (RFC 5652 11). No other is looked at: what Thunderbird
    says of the certificate that it wants to be encrypted to, ``asn1crypto`` cannot read."""
    found = [one["values"].native for one in signer["signed_attrs"] if one["type"].native == name]
    return found[0][0] if len(found) == 1 and len(found[0]) == 1 else None


def _signed_at(signer: Any) -> datetime | None:
    at = _attribute(signer, "signing_time")
    return at if isinstance(at, datetime) else None


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


def _doubt(certificate: x509.Certificate, address: str, now: datetime, trust: Trust) -> Doubt | None:
    """Why its holder does not speak for ``address`` now."""
    try:
        extensions = certificate.extensions
        usage, purposes = find(extensions, x509.KeyUsage), find(extensions, x509.ExtendedKeyUsage)
        if not _is_one_of(address, names(certificate)):
            return "certificate_name_mismatch"
        if usage is not None and not (usage.digital_signature or usage.content_commitment):
            return "certificate_wrong_purpose"
        if purposes is not None and PURPOSES.isdisjoint(purposes):
            return "certificate_wrong_purpose"
        if not understood(extensions):
            return "certificate_unsupported"
        if not strong_key(certificate.public_key()) or signed_weakly(certificate):
            return "certificate_weak"
        if now < certificate.not_valid_before_utc:
            return "certificate_not_yet_valid"
        if now > certificate.not_valid_after_utc:
            return "certificate_expired"
        if fingerprint(certificate.public_bytes(Encoding.DER)) in trust.pinned:
            return None
        return None if chains(certificate, address, now, trust) else "certificate_untrusted"
    except MALFORMED:
        return "certificate_unreadable"


def _is_one_of(address: str, mailboxes: Sequence[str]) -> bool:
    return any(same_mailbox(address, mailbox) for mailbox in mailboxes)
