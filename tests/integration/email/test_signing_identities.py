"""A notice goes out in its authority's own name where that has a fit key, else in the hub's: openssl says whose."""

import email
import email.policy
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from adapters.email.chain import Trust
from adapters.email.identities import Identities, Identity
from adapters.email.prepare import Letterhead, Message, prepare
from adapters.email.smime import Signer, UnusableSigner
from adapters.email.verp import ReceiptsAddress
from adapters.port import Alert, Envelope
from hub.app.mail import signing_of
from hub.settings import Settings
from tests.integration.email.test_independent_readers import openssl_decrypt, openssl_verify
from tests.kit.hub import hub_values, make_keys
from tests.kit.pki import NOW, Issued, intermediate, person, root, rsa_key
from tests.kit.transport import content

RECIPIENT = person("jo.worker@council.example", issuer=intermediate())
HUB = person("notices@hub.example", issuer=intermediate(), key=rsa_key("hub"))
BROMLEY = person("bromley@hub.example", issuer=intermediate(), key=rsa_key("bromley"))
ELSEWHERE = person("missing@bromley.example", issuer=intermediate(), key=rsa_key("bromley"))
LETTERHEAD = Letterhead(
    sender="notices@hub.example",
    sender_name="Fingerpost",
    mail_domain="hub.example",
    return_path=ReceiptsAddress.of_template("r+{token}@hub.example"),
    receipts=ReceiptsAddress.of_template("r+{token}@hub.example"),
    size_limit=10_000_000,
)
ENVELOPE = Envelope(
    delivery="dl_01ARZ3NDEKTSV4RRFFQ69G5FAV",
    reference="FP-2345-6789",
    address="jo.worker@council.example",
    body=content(text="with its token inside"),
    receipt_token="a" * 32,
    certificates=(RECIPIENT.der,),
    signing="bromley",
)


def signer(issued: Issued) -> Signer:
    return Signer(certificate=issued.certificate, key=issued.key, chain=(intermediate().certificate,))


def identities(*domains: str, **known: Issued) -> Identities:
    return Identities(known={name: Identity.of(signer(one)) for name, one in known.items()}, domains=frozenset(domains))


def made(envelope: Envelope, others: Identities, *, days: int = 0) -> Message:
    trust = Trust(anchors=(root().certificate,), intermediates=(intermediate().certificate,))
    message = prepare(envelope, NOW + timedelta(days=days), LETTERHEAD, signer(HUB), trust, others)
    assert isinstance(message, Message)
    return message


def opened(message: Message, folder: Path) -> tuple[Issued | None, str]:
    """Who signed what openssl decrypted and verified, and from whom the signed part says that it is."""
    assert b"with its token inside" not in message.data
    assert openssl_decrypt(message.data, RECIPIENT, folder).returncode == 0
    assert openssl_verify(folder, root()).returncode == 0
    pem = (folder / "signer.pem").read_bytes()
    inner = email.message_from_bytes((folder / "payload.eml").read_bytes(), policy=email.policy.default)
    return next((one for one in (HUB, BROMLEY, ELSEWHERE) if one.pem == pem), None), str(inner["From"])


def outer(message: Message, name: str) -> str:
    return str(email.message_from_bytes(message.data, policy=email.policy.default)[name])


def test_a_fit_key_signs_and_the_mail_comes_from_the_address_that_its_certificate_names(tmp_path: Path) -> None:
    message = made(ENVELOPE, identities("hub.example", bromley=BROMLEY))
    who, inner = opened(message, tmp_path)
    assert who is BROMLEY
    assert "<bromley@hub.example>" in inner and "<bromley@hub.example>" in outer(message, "From")
    # Reports come back to the hub all the same.
    assert message.return_path == f"r+{'a' * 32}@hub.example"
    assert outer(message, "Disposition-Notification-To") == f"r+{'a' * 32}@hub.example"
    assert outer(message, "Message-ID").endswith("@hub.example>")


@pytest.mark.parametrize(
    ("others", "why"),
    [
        (identities("hub.example"), "no such key"),
        (identities("hub.example", bromley=ELSEWHERE), "does not sign for"),
        (replace(identities("hub.example"), unusable={"bromley": "cannot be read"}), "cannot be read"),
        (
            identities(
                "hub.example",
                bromley=person(
                    "bromley@hub.example", issuer=intermediate(), key=rsa_key("bromley"), end=NOW - timedelta(days=1)
                ),
            ),
            "has expired",
        ),
        (
            identities(
                "hub.example",
                bromley=person(
                    "bromley@hub.example", issuer=intermediate(), key=rsa_key("bromley"), start=NOW + timedelta(days=1)
                ),
            ),
            "not valid yet",
        ),
    ],
)
def test_what_is_not_fit_is_said_and_the_hub_signs(others: Identities, why: str, tmp_path: Path) -> None:
    assert why in (others.problem("bromley", NOW) or "")
    who, inner = opened(made(ENVELOPE, others), tmp_path)
    assert who is HUB
    assert inner == "Fingerpost <notices@hub.example>"


def test_another_domain_signs_where_the_relay_signs_for_it(tmp_path: Path) -> None:
    who, inner = opened(made(ENVELOPE, identities("hub.example", "bromley.example", bromley=ELSEWHERE)), tmp_path)
    assert who is ELSEWHERE
    assert "<missing@bromley.example>" in inner


def test_who_has_no_key_is_signed_for_by_the_hub_and_nobody_by_anothers(tmp_path: Path) -> None:
    theirs = identities("hub.example", bromley=BROMLEY)
    for name in (None, "barnsley"):
        who, _ = opened(made(replace(ENVELOPE, signing=name), theirs), tmp_path)
        assert who is HUB


def test_an_alert_which_nobody_signs_comes_from_the_hub() -> None:
    alert = replace(ENVELOPE, body=Alert(subject="", text="FP-2345-6789: ring the sender."), certificates=())
    assert outer(made(alert, identities("hub.example", bromley=BROMLEY)), "From") == "Fingerpost <notices@hub.example>"


def test_a_certificate_for_an_authority_of_certificates_is_no_identity() -> None:
    with pytest.raises(UnusableSigner):
        Identity.of(Signer(certificate=intermediate().certificate, key=intermediate().key))


def test_files_beside_the_hubs_keys_are_identities_and_broken_ones_keep_nothing_back(tmp_path: Path) -> None:
    make_keys(tmp_path / "keys")
    for name, certificate, key in (("bromley", BROMLEY, BROMLEY), ("barnsley", ELSEWHERE, HUB), ("kent", HUB, None)):
        (tmp_path / "keys" / f"signer-{name}.crt").write_bytes(certificate.pem + intermediate().pem)
        if key is not None:
            (tmp_path / "keys" / f"signer-{name}.key").write_bytes(key.key_pem)
    found = signing_of(Settings(**{**hub_values(tmp_path, smtp_port=25), "keys_folder": tmp_path / "keys"})).identities
    assert found.problem("bromley", NOW) is None
    assert found.problem("barnsley", NOW) == "the signer's certificate belongs to another key"
    assert "signer-kent.key cannot be read" in str(found.problem("kent", NOW))
    assert found.known.keys() == {"bromley"}, "the CA's own certificate is nobody's identity"
