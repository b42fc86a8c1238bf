"""From a recipient's certificate to an anchor we were told to trust. No revocation: nothing is fetched here.

``cryptography.x509.verification`` is made for the web: it knows no e-mail purpose and no rfc822Name constraints, wants
the CA/Browser Forum's profile of every authority, and says only yes or no. So the path is walked here, with that
library's own check of name and signature (``verify_directly_issued_by``), by RFC 5280 6.1 as far as e-mail needs it.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

Kind = TypeVar("Kind", bound=x509.ExtensionType)

_DEEPEST = 6
"""Certificates above the recipient's own; real chains have one to three."""
_MOST_CHECKS = 64
"""Signatures of authorities that are checked for one certificate. Whoever sends the certificates along may send a
hundred that all have issued each other, between which the paths are as many as grains of sand."""
PURPOSES = {ExtendedKeyUsageOID.EMAIL_PROTECTION, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}
_UNDERSTOOD = {
    x509.BasicConstraints.oid,
    x509.KeyUsage.oid,
    x509.ExtendedKeyUsage.oid,
    x509.SubjectAlternativeName.oid,
    x509.NameConstraints.oid,
    x509.CertificatePolicies.oid,
    x509.PolicyConstraints.oid,
    x509.InhibitAnyPolicy.oid,
}
"""Critical extensions that do not refuse a certificate. No policy is required here, so the policy ones bind nothing."""
MALFORMED = (
    ValueError,
    TypeError,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
    UnsupportedAlgorithm,
)
"""What ``cryptography`` raises, some of it late, for bytes that are not a certificate it can read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """Whom we trust to say whose certificate it is.

    ``anchors`` end a chain (a root, or an intermediate the operator chose); ``intermediates`` only help to reach one.
    ``pinned`` are SHA-256 fingerprints (lower-case hex) of certificates compared with their holder.
    """

    # Not hashed, as that means hashing all their bytes each time; what is compared is all of it.
    anchors: tuple[x509.Certificate, ...] = field(default=(), hash=False)
    intermediates: tuple[x509.Certificate, ...] = field(default=(), hash=False)
    pinned: frozenset[str] = field(default=frozenset())

    @classmethod
    def from_pem(cls, *, anchors: bytes = b"", intermediates: bytes = b"", pinned: Iterable[str] = ()) -> "Trust":
        """From PEM bundles. Raises ValueError for a bundle that holds something else."""
        return cls(
            anchors=tuple(x509.load_pem_x509_certificates(anchors)) if anchors.strip() else (),
            intermediates=tuple(x509.load_pem_x509_certificates(intermediates)) if intermediates.strip() else (),
            pinned=frozenset(pin.replace(":", "").strip().lower() for pin in pinned),
        )


def fingerprint(der: bytes) -> str:
    """SHA-256 of the DER, lower-case hex."""
    return hashlib.sha256(der).hexdigest()


def chains(leaf: x509.Certificate, address: str, now: datetime, trust: Trust) -> bool:
    """Whether a valid path leads from ``leaf`` to an anchor at ``now``."""
    subject = _Subject(leaf=leaf, address=address, now=now, checks=iter(range(_MOST_CHECKS)))
    return _reaches(leaf, subject, trust, ())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Subject:
    leaf: x509.Certificate
    address: str
    now: datetime
    checks: Iterator[int]
    """One is taken for every signature; none left, and no path is found."""


def _reaches(
    certificate: x509.Certificate, subject: _Subject, trust: Trust, below: tuple[x509.Certificate, ...]
) -> bool:
    if len(below) >= _DEEPEST:
        return False
    for issuer in trust.anchors:
        if _issued(certificate, issuer, subject) and _may_issue(issuer, subject, below):
            return True
    return any(
        _reaches(issuer, subject, trust, (*below, issuer))
        for issuer in trust.intermediates
        if issuer not in below
        and _issued(certificate, issuer, subject)
        and not signed_weakly(issuer)
        and _may_issue(issuer, subject, below)
    )


def _issued(certificate: x509.Certificate, issuer: x509.Certificate, subject: _Subject) -> bool:
    try:
        if certificate.issuer != issuer.subject or next(subject.checks, None) is None:
            return False
        certificate.verify_directly_issued_by(issuer)
    except (InvalidSignature, *MALFORMED):
        return False
    return True


def _may_issue(issuer: x509.Certificate, subject: _Subject, below: Sequence[x509.Certificate]) -> bool:
    try:
        extensions = issuer.extensions
        constraints = extensions.get_extension_for_class(x509.BasicConstraints).value
        between = sum(1 for authority in below if authority.subject != authority.issuer)
        return (
            issuer.not_valid_before_utc <= subject.now <= issuer.not_valid_after_utc
            and constraints.ca
            and (constraints.path_length is None or between <= constraints.path_length)
            and _allowed(extensions)
            and strong_key(issuer.public_key())
            and understood(extensions)
            and _within_names(extensions, subject, below)
        )
    except (x509.ExtensionNotFound, *MALFORMED):
        return False


def _allowed(extensions: x509.Extensions) -> bool:
    usage = find(extensions, x509.KeyUsage)
    purposes = find(extensions, x509.ExtendedKeyUsage)
    return (usage is None or usage.key_cert_sign) and (purposes is None or not PURPOSES.isdisjoint(purposes))


def for_email(extensions: x509.Extensions) -> bool:
    """The purpose of a recipient's certificate (RFC 8550 4.4). An absent extendedKeyUsage limits nothing, nor does an
    absent keyUsage; one that is there must allow e-mail and, as we encrypt to RSA keys, keyEncipherment."""
    usage = find(extensions, x509.KeyUsage)
    purposes = find(extensions, x509.ExtendedKeyUsage)
    return (usage is None or usage.key_encipherment) and (purposes is None or not PURPOSES.isdisjoint(purposes))


def understood(extensions: x509.Extensions) -> bool:
    """No critical extension that is not understood here (RFC 5280 4.2)."""
    return all(extension.oid in _UNDERSTOOD for extension in extensions if extension.critical)


def strong_key(key: object) -> bool:
    """RSA of at least 2048 bits, a NIST or Brainpool curve of at least 256, or an Edwards curve."""
    match key:
        case rsa.RSAPublicKey():
            return key.key_size >= 2048
        case ec.EllipticCurvePublicKey():
            return key.curve.key_size >= 256
        case ed25519.Ed25519PublicKey() | ed448.Ed448PublicKey():
            return True
        case _:
            return False


def signed_weakly(certificate: x509.Certificate) -> bool:
    """Signed over MD5 or SHA-1, whose collisions can be bought. May raise one of MALFORMED."""
    return isinstance(certificate.signature_hash_algorithm, (hashes.MD5, hashes.SHA1))


def find(extensions: x509.Extensions, kind: type[Kind]) -> Kind | None:
    """The extension's value, or None."""
    try:
        return extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _within_names(extensions: x509.Extensions, subject: _Subject, below: Sequence[x509.Certificate]) -> bool:
    """RFC 5280 6.1.3 (b) and (c): the mailbox that is asked about, every other name of the leaf, and the authorities
    between; not those that an authority has issued to itself when it changed its key."""
    constraints = find(extensions, x509.NameConstraints)
    if constraints is None:
        return True
    permitted = list(constraints.permitted_subtrees or ())
    excluded = list(constraints.excluded_subtrees or ())
    alternative = find(subject.leaf.extensions, x509.SubjectAlternativeName)
    others = list(alternative) if alternative is not None else []
    directories = [
        subject.leaf.subject,
        *(one.value for one in others if isinstance(one, x509.DirectoryName)),
        *(one.subject for one in below if one.subject != one.issuer),
    ]
    return (
        _names_match(_mail(permitted), subject.address, empty=True)
        and not _names_match(_mail(excluded), subject.address, empty=False)
        and all(_below_any(_directories(permitted), one, empty=True) for one in directories if one.rdns)
        and not any(_below_any(_directories(excluded), one, empty=False) for one in directories)
        and all(_host_within(one, permitted, excluded) for one in others)
    )


def _host_within(
    name: x509.GeneralName, permitted: Sequence[x509.GeneralName], excluded: Sequence[x509.GeneralName]
) -> bool:
    """DNS names and URIs, which no mail is sent to, but which a constraint binds all the same."""
    if isinstance(name, x509.DNSName):
        fits, host = _host_below, name.value.lower()
    elif isinstance(name, x509.UniformResourceIdentifier):
        fits, host = _uri_host_fits, (urlsplit(name.value).hostname or "").lower()
    else:
        return True
    kept, barred = (
        [str(one.value).lower() for one in some if isinstance(one, type(name))] for some in (permitted, excluded)
    )
    return (not kept or any(fits(host, one) for one in kept)) and not any(fits(host, one) for one in barred)


def _host_below(host: str, base: str) -> bool:
    """A DNS name is its own and every one with labels before it."""
    return not base or host == base or host.endswith("." + base.removeprefix("."))


def _uri_host_fits(host: str, base: str) -> bool:
    """A URI's host is exactly that, or with a leading dot every host below."""
    return host.endswith(base) if base.startswith(".") else host == base


def _mail(names: Iterable[x509.GeneralName]) -> Iterator[str]:
    return (name.value for name in names if isinstance(name, x509.RFC822Name))


def _directories(names: Iterable[x509.GeneralName]) -> Iterator[x509.Name]:
    return (name.value for name in names if isinstance(name, x509.DirectoryName))


def _names_match(constraints: Iterable[str], address: str, *, empty: bool) -> bool:
    """RFC 5280 4.2.1.10: a mailbox, a host, or with a leading dot every host below a domain."""
    local, _, domain = address.rpartition("@")
    domain = domain.lower()
    patterns = list(constraints)
    if not patterns:
        return empty
    for pattern in patterns:
        held_local, at, held_domain = pattern.rpartition("@")
        held_domain = held_domain.lower()
        if at and (held_local, held_domain) == (local, domain):
            return True
        if not at and (domain.endswith(held_domain) if held_domain.startswith(".") else domain == held_domain):
            return True
    return False


def _below_any(constraints: Iterable[x509.Name], subject: x509.Name, *, empty: bool) -> bool:
    bases = list(constraints)
    if not bases:
        return empty
    return any(list(subject.rdns)[: len(list(base.rdns))] == list(base.rdns) for base in bases)
