"""Keys for push in the directory: one spelling, thumbprints as others make them, and no private half."""

import base64
import itertools
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import ECKey, OKPKey

from contacts.areas import load_areas
from contacts.assurance import expiring, without_certificate
from contacts.directory import Directory
from contacts.jwks import JwkProblem, read_jwk, thumbprint_of, validity_of
from contacts.tables import Loaded, dumps, dumps_csv, load_csv, load_json
from tests.kit.directory import BROMLEY, NOW, contact, small_bundle
from tests.kit.receiver import receiver_key

AREAS = load_areas()
URL = "https://push.council.example/Notices"
KEY = receiver_key()
JWK: dict[str, Any] = json.loads(KEY.document)


def loaded(certificate: object, address: str = URL, **more: object) -> Loaded:
    document = json.loads(dumps(small_bundle()))
    document["certificates"] = [{"address": address, "certificate": certificate, **more}]
    return load_json(json.dumps(document).encode(), AREAS, NOW)


def messages(found: Loaded) -> dict[str, str]:
    assert found.bundle is None
    return {problem.path: problem.message for problem in found.problems}


def test_a_published_thumbprint() -> None:
    """The P-256 key of RFC 7517 A.1 and its thumbprint, worked out by joserfc."""
    jwk = {
        "kty": "EC",
        "crv": "P-256",
        "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
        "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
        "use": "enc",
        "kid": "1",
    }
    expected = base64.urlsafe_b64decode(ECKey.import_key(jwk).thumbprint() + "=").hex()
    assert thumbprint_of(read_jwk(json.dumps(jwk))) == expected


def test_a_key_comes_back_byte_for_byte_by_json_and_by_csv() -> None:
    first = loaded(json.dumps(JWK, indent=3), pinned=True, fingerprint=KEY.mark.upper())
    assert (first.problems, first.warnings) == ((), ())
    assert first.bundle is not None
    again = load_json(dumps(first.bundle), AREAS, NOW)
    assert again.bundle == first.bundle
    assert again.bundle is not None
    assert dumps(again.bundle) == dumps(first.bundle)
    assert load_csv(dumps_csv(first.bundle), AREAS, NOW).bundle == first.bundle
    (on_file,) = first.bundle.certificates
    assert (on_file.fingerprint, on_file.is_jwk) == (KEY.mark, True)
    assert json.loads(on_file.der) == JWK


def test_a_key_that_is_longer_once_it_is_spelt_our_way_is_refused() -> None:
    """Stored, it could not be read again, and nothing of the directory with it."""
    text = json.dumps({**JWK, "more": [0]}).replace("[0]", f"[{','.join(['1e15'] * 3_000)}]")
    assert len(text) < 16 * 1024
    assert "too long" in messages(loaded(text))["certificates[0].certificate"]


def test_in_json_a_key_may_stand_as_it_is() -> None:
    assert loaded(JWK, pinned=True).bundle == loaded(json.dumps(JWK), pinned=True).bundle


def test_the_keys_of_an_address_are_found_by_its_very_spelling() -> None:
    bundle = loaded(JWK, "https://Push.Council.example:443/Notices", pinned=True).bundle
    assert bundle is not None
    directory = Directory.of(bundle)
    assert [one.fingerprint for one in directory.certificates(URL)] == [KEY.mark]
    assert directory.certificates(URL.lower()) == ()


def test_one_key_at_two_addresses_that_differ_by_case_only_is_no_mistake() -> None:
    document = json.loads(dumps(small_bundle()))
    rows = [{"address": address, "certificate": JWK, "pinned": True} for address in (URL, URL.lower())]
    document["certificates"] = rows
    assert load_json(json.dumps(document).encode(), AREAS, NOW).bundle is not None
    document["certificates"] = [rows[0], rows[0]]
    assert list(messages(load_json(json.dumps(document).encode(), AREAS, NOW))) == ["certificates[1].certificate"]


@pytest.mark.parametrize(
    ("certificate", "says"),
    [
        ("{", "not a JWK"),
        ("[]", "one JSON object"),
        ('{"kty": "EC", "kty": "EC"}', "no name twice"),
        (json.dumps({"keys": [JWK]}), "a row of its own"),
        (json.dumps({**JWK, "d": "AA"}), "private key"),
        (json.dumps({"kty": "oct", "k": "AAAA"}), "private key"),
        (json.dumps(OKPKey.generate_key("X25519").as_dict(private=False) | {"use": "enc"}), "P-256"),
        (json.dumps(ECKey.generate_key("P-384").as_dict(private=False) | {"use": "enc"}), "P-256"),
        (json.dumps({**JWK, "use": "both"}), '"enc"'),
        (json.dumps({name: value for name, value in JWK.items() if name != "use"}), '"enc"'),
        (json.dumps({**JWK, "x": JWK["y"], "y": JWK["x"]}), "no point"),
        (json.dumps({**JWK, "x": JWK["x"] + "="}), "no point"),
        (json.dumps({**JWK, "x": 7}), "no point"),
        (json.dumps({**JWK, "exp": "tomorrow"}), "seconds since 1970"),
        (json.dumps({**JWK, "exp": -1}), "seconds since 1970"),
        (json.dumps({**JWK, "exp": 10**400}), "seconds since 1970"),
        (json.dumps({**JWK, "exp": True}), "seconds since 1970"),
        (json.dumps({**JWK, "kid": "x" * 20_000}), "too long"),
        ('{"kid": "\\ud800", ' + json.dumps(JWK)[1:], "not a JWK"),
        ("-----BEGIN CERTIFICATE-----", "not a JWK"),
    ],
    ids=itertools.count(),
)
def test_what_is_no_key_is_refused_without_repeating_it(certificate: str, says: str) -> None:
    found = messages(loaded(certificate))
    assert list(found) == ["certificates[0].certificate"]
    assert says in found["certificates[0].certificate"]
    assert JWK["x"] not in repr(found)


def test_a_key_is_for_a_url_and_a_certificate_for_a_mailbox() -> None:
    assert "not a certificate" in messages(loaded(json.dumps(JWK), "jo@council.example"))["certificates[0].certificate"]
    assert list(messages(loaded(JWK, "https://localhost/"))) == ["certificates[0].address"]
    assert list(messages(loaded(JWK, "http://push.council.example/"))) == ["certificates[0].address"]


def test_another_thumbprint_is_a_mistake() -> None:
    assert "thumbprint" in messages(loaded(JWK, fingerprint="00" * 32))["certificates[0].fingerprint"]


def test_a_key_that_cannot_be_used_is_a_warning() -> None:
    ended = {**JWK, "exp": int((NOW - timedelta(days=1)).timestamp())}
    early = {**JWK, "nbf": int((NOW + timedelta(days=1)).timestamp())}
    assert [w.message.split()[0] for w in loaded(ended, pinned=True).warnings] == ["expired"]
    assert [w.message for w in loaded(early, pinned=True).warnings] == ["is not valid before 2026-03-05"]
    assert [w.path for w in loaded(JWK).warnings] == ["certificates[0].pinned"]


def test_what_a_push_contact_lacks_is_told() -> None:
    push = contact(BROMLEY, "front_door", id="bromley-push", channel="push", address=URL)
    small = small_bundle()
    bundle = replace(small, contacts=(*small.contacts, push))

    def bare(*keys: Any) -> bool:
        on_file = tuple(key for one in keys for key in one.bundle.certificates)
        directory = Directory.of(replace(bundle, certificates=on_file))
        return push in without_certificate(directory, NOW)

    assert bare()
    assert bare(loaded(JWK))
    assert not bare(loaded(JWK, pinned=True))
    soon = {**JWK, "exp": int((NOW + timedelta(days=3)).timestamp())}
    found = loaded(soon, pinned=True).bundle
    assert found is not None
    directory = Directory.of(replace(bundle, certificates=found.certificates))
    (told,) = expiring(directory, NOW, timedelta(days=30))
    assert (told.contact, told.until) == (push, NOW + timedelta(days=3))
    forever = loaded(JWK, pinned=True).bundle
    assert forever is not None
    assert expiring(Directory.of(replace(bundle, certificates=forever.certificates)), NOW, timedelta(days=30)) == ()


@given(st.binary(min_size=1, max_size=32), st.none() | st.integers(0, 4_000_000_000))
def test_any_key_is_read_as_it_was_made(secret: bytes, until: int | None) -> None:
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    number = int.from_bytes(secret) % (order - 1) + 1
    numbers = ec.derive_private_key(number, ec.SECP256R1()).public_key().public_numbers()
    x, y = (base64.urlsafe_b64encode(n.to_bytes(32)).rstrip(b"=").decode() for n in (numbers.x, numbers.y))
    jwk = {"y": y, "x": x, "use": "sig", "crv": "P-256", "kty": "EC", "exp": until}
    document = read_jwk(json.dumps(jwk))
    assert read_jwk(document.decode()) == document
    ends = datetime.max.replace(tzinfo=UTC) if until is None else datetime.fromtimestamp(until, UTC)
    assert validity_of(document) == (datetime.min.replace(tzinfo=UTC), ends)


@given(st.text(max_size=200) | st.from_regex(r'\{"kty": ?"EC", ?"crv": ?"P-256".{0,60}\}'))
def test_any_text_is_a_key_or_a_problem(text: str) -> None:
    try:
        read_jwk(text)
    except JwkProblem as problem:
        assert len(str(problem)) < 100
