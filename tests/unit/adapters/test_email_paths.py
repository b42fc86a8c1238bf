"""Paths from a certificate to an anchor, where whoever sends certificates along means harm; and NIST's own suite."""

import runpy
import time
from pathlib import Path

import pytest
from cryptography import x509

from adapters.email.certificates import Usable, usable
from adapters.email.chain import Trust
from tests.kit.pki import NOW, Issued, authority, name, person, root, rsa_key

ADDRESS = "jo.worker@council.example"


def test_what_the_page_says_of_each_path_of_pkits_is_so() -> None:
    folder = Path(__file__).parents[3]
    script = runpy.run_path(str(folder / "scripts" / "pkits.py"))
    kept = (folder / "docs" / "security" / "certificates.md").read_text(encoding="utf-8")
    assert kept == script["page"](), "run `python scripts/pkits.py`"


def test_authorities_that_have_all_issued_each_other_are_tried_for_a_bounded_time() -> None:
    ring = [authority("Ring", key=rsa_key("ring")) for _ in range(14)]
    leaf = person(ADDRESS, issuer=ring[0])
    began = time.process_time()

    assert of(leaf, *ring) == "certificate_untrusted"
    assert time.process_time() - began < 1.0, "there are a quarter of a million paths between them"


def of(leaf: Issued, *authorities: Issued) -> str:
    trust = Trust(anchors=(root().certificate,), intermediates=tuple(one.certificate for one in authorities))
    found = usable([leaf.der], ADDRESS, NOW, trust)
    return "usable" if isinstance(found, Usable) else found.reason


@pytest.mark.parametrize(
    ("constraint", "hosts", "answer"),
    [
        (x509.DNSName("council.example"), ["mail.council.example"], "usable"),
        (x509.DNSName("council.example"), ["mycouncil.example"], "certificate_untrusted"),
        (x509.UniformResourceIdentifier("council.example"), ["elsewhere.example"], "usable"),
    ],
)
def test_a_constraint_on_hosts_binds_the_hosts_that_a_certificate_names(
    constraint: x509.GeneralName, hosts: list[str], answer: str
) -> None:
    held = authority("Held", issuer=root(), permitted=[constraint])

    assert of(person(ADDRESS, issuer=held, hosts=hosts), held) == answer


def test_an_authority_in_between_stands_under_the_constraints_of_those_above_it() -> None:
    ours = x509.DirectoryName(name("Jo Worker"))
    held = authority("Held", issuer=root(), excluded=[x509.DirectoryName(name("Outsider"))])
    outside = authority("Outsider", issuer=held)
    only = authority("Only Jo", issuer=root(), permitted=[ours])

    assert of(person(ADDRESS, issuer=outside), held, outside) == "certificate_untrusted"
    assert of(person(ADDRESS, issuer=only), only) == "usable"
    assert of(person(ADDRESS, issuer=authority("Between", issuer=only)), only, authority("Between", issuer=only)) == (
        "certificate_untrusted"
    )
