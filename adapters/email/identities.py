"""In whose name a notice is signed: an authority's own key and certificate, where it has some that are fit now. Pure.

Recipients' programs compare the certificate with the From field (RFC 8550 3), and their mail systems look under the
domain of that field for who may send in its name (DMARC). So a notice comes from the one address that the certificate
names, and only where the relay signs for that address's domain. Reports come back to the hub as they always do.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from cryptography import x509
from cryptography.x509.oid import NameOID

from adapters.email.address import InvalidField, wire_address
from adapters.email.certificates import names
from adapters.email.chain import MALFORMED, PURPOSES, find
from adapters.email.fields import mailbox
from adapters.email.smime import Signer, UnusableSigner


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """One who signs. ``sender``: the address that the certificate names, as it goes on the wire."""

    signer: Signer = field(repr=False)
    sender: str
    sender_name: str

    @classmethod
    def of(cls, signer: Signer) -> "Identity":
        """Raises UnusableSigner for a certificate that is not for mail from one address."""
        try:
            named = [wire_address(name) for name in names(signer.certificate)]
            usage = find(signer.certificate.extensions, x509.KeyUsage)
            purposes = find(signer.certificate.extensions, x509.ExtendedKeyUsage)
            called = signer.certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        except (*MALFORMED, InvalidField):
            raise UnusableSigner("the signer's certificate cannot be read") from None
        if len(named) != 1:
            raise UnusableSigner("the signer's certificate does not name one address")
        if (usage is not None and not usage.digital_signature) or (
            purposes is not None and PURPOSES.isdisjoint(purposes)
        ):
            raise UnusableSigner("the signer's certificate is not for signing mail")
        name = str(called[0].value) if called else ""
        try:
            mailbox(named[0], name)
        except InvalidField:
            raise UnusableSigner("the name in the signer's certificate cannot stand in a mail") from None
        return cls(signer=signer, sender=named[0], sender_name=name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Identities:
    """Those that there are besides the hub's own, by the names that the directory calls them by."""

    known: Mapping[str, Identity] = field(default_factory=dict, repr=False)
    unusable: Mapping[str, str] = field(default_factory=dict)
    """Those that are there and cannot be used, and why."""
    domains: frozenset[str] = frozenset()
    """For which the relay signs (DKIM), as A-labels in lower case."""

    def problem(self, name: str, now: datetime) -> str | None:
        """Why nothing is signed by it now, in words for the operator; None where it is."""
        if name in self.unusable:
            return self.unusable[name]
        identity = self.known.get(name)
        if identity is None:
            return "there is no such key here"
        if identity.sender.rpartition("@")[2].lower() not in self.domains:
            return "its certificate names an address in a domain that the relay does not sign for"
        for certificate in (identity.signer.certificate, *identity.signer.chain):
            if now < certificate.not_valid_before_utc:
                return "its certificate is not valid yet"
            if now > certificate.not_valid_after_utc:
                return "its certificate has expired"
        return None

    def fit(self, name: str | None, now: datetime) -> Identity | None:
        """Who signs in this name now; None: the hub does."""
        return None if name is None or self.problem(name, now) is not None else self.known[name]


HUB_ALONE = Identities()
"""Whatever it is, the hub signs it."""
