"""Write the table of docs/security/certificates.md: what the hub answers to each certificate path of NIST's PKITS.

The certificates come with ``cryptography-vectors``. Asked is everything but whose mailbox it is, as most of them bear
none. A case that is answered in another way than PKITS has it needs an explanation here, else nothing is written.
"""

import re
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import cryptography_vectors
from cryptography import x509
from cryptography.utils import CryptographyDeprecationWarning

from adapters.email.certificates import names, unfit
from adapters.email.chain import MALFORMED, Trust, fingerprint

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "docs" / "security" / "certificates.md"
CERTIFICATES = Path(cryptography_vectors.__file__).parent / "x509" / "PKITS_data" / "certs"
BEGIN, END = "<!-- made by scripts/pkits.py -->\n", "<!-- end -->\n"
AT = datetime(2026, 1, 1, tzinfo=UTC)
"""All of them are valid from 2010 to 2030, save those that are about time."""
NOBODY = "nobody@council.example"

BAD = re.compile(r"Invalid|DifferentPoliciesTest(4|5|7|8|9|12)EE")
"""Which PKITS wants refused, asked without a policy of one's own; its names say of most that they are invalid."""

REVOCATION = "No revocation lists are fetched: what is revoked is taken out of the directory (see above)."
POLICY = "Policies are not judged: whom to trust is settled by the operator's anchors alone."
STRICT_POLICY = "Stricter: a critical policy mapping is not understood, and so refuses."
BYTES = "Stricter: the names of issuer and subject have to be the same, character for character."
DSA = "Stricter: DSA is not taken from anybody."
EXPLAINED: tuple[tuple[str, bool, str], ...] = (
    # pattern of the case, whether we take it, why
    (r"CRL|cRL|deltaCRL|[dD]istributionPoint|onlyContains|onlySomeReasons|Revoked", True, REVOCATION),
    (r"BasicSelfIssued(NewWithOldTest5|OldWithNewTest2)|(Long|Negative)SerialNumber", True, REVOCATION),
    (r"inhibitAnyPolicy|requireExplicitPolicy|DifferentPolicies", True, POLICY),
    (r"PolicyMapping", False, STRICT_POLICY),
    (r"Mapping(From|To)anyPolicy|PolicyMapping", True, POLICY),
    (r"NameChaining|PrintableString|CaseInsensitive", False, BYTES),
    (r"DSA", False, DSA),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One path: ``wanted``: PKITS has it valid; ``reason``: ours why not, or None."""

    name: str
    wanted: bool
    reason: str | None

    @property
    def agrees(self) -> bool:
        return self.wanted == (self.reason is None)

    @property
    def why(self) -> str:
        """Why the answers differ. Raises LookupError where nobody has explained it."""
        taken = self.reason is None
        found = (why for pattern, ours, why in EXPLAINED if ours == taken and re.search(pattern, self.name))
        try:
            return next(found)
        except StopIteration:
            raise LookupError(f"{self.name}: not explained") from None


def cases() -> Iterator[Case]:
    """Every path, by name."""
    read = {path.stem: _read(path.read_bytes()) for path in sorted(CERTIFICATES.glob("*.crt"))}
    root = read.pop("TrustAnchorRootCertificate")
    assert root is not None
    authorities = tuple(one for name, one in read.items() if name.endswith("Cert") and one is not None)
    trust = Trust(anchors=(root,), intermediates=authorities)
    for name in (name for name in read if name.endswith("EE")):
        leaf = read[name]
        reason = "certificate_unreadable" if leaf is None else _judged(leaf, trust)
        yield Case(name=name.removesuffix("EE"), wanted=not BAD.match(name), reason=reason)


def _read(der: bytes) -> x509.Certificate | None:
    try:
        with warnings.catch_warnings():  # of serial numbers that are negative, which are among the cases
            warnings.simplefilter("ignore", CryptographyDeprecationWarning)
            return x509.load_der_x509_certificate(der)
    except MALFORMED:
        return None


def _judged(leaf: x509.Certificate, trust: Trust) -> str | None:
    address = next(iter(names(leaf)), NOBODY)
    return unfit(leaf, fingerprint(leaf.tbs_certificate_bytes), address, AT, trust)


def table() -> str:
    """As it stands in the page. Raises LookupError for what nobody has explained."""
    found = list(cases())
    apart = [one for one in found if not one.agrees]
    lines = [
        f"{len(found)} paths of `cryptography-vectors`: {len(found) - len(apart)} answered as PKITS has it, "
        f"{len(apart)} otherwise.",
        "",
        "| answered otherwise because | PKITS | hub | paths |",
        "|---|---|---|---|",
    ]
    for why in dict.fromkeys(one.why for one in apart):
        several = [one for one in apart if one.why == why]
        sides = ("valid", "refuses") if several[0].wanted else ("invalid", "takes")
        lines.append(f"| {why} | {sides[0]} | {sides[1]} | {len(several)} |")
    lines += ["", "| path | PKITS | hub | |", "|---|---|---|---|"]
    for one in found:
        short = "" if one.agrees else one.why.split(":")[0].split(".")[0]
        lines.append(f"| {one.name} | {'valid' if one.wanted else 'invalid'} | {one.reason or 'taken'} | {short} |")
    return "\n".join(lines) + "\n"


def page() -> str:
    """The whole page with its table made anew."""
    before, _, rest = TARGET.read_text(encoding="utf-8").partition(BEGIN)
    return before + BEGIN + "\n" + table() + "\n" + END + rest.partition(END)[2]


if __name__ == "__main__":
    try:
        TARGET.write_text(page(), encoding="utf-8")
    except LookupError as error:
        sys.exit(f"pkits: {error}")
    print(f"pkits: wrote {TARGET.relative_to(ROOT)}")
