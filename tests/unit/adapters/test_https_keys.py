"""Which of a receiver's keys is used, and why one is not, by name."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from adapters.https.keys import LARGEST_DOCUMENT, ReceiverKey, Refusal, encryption_key, signature_keys
from adapters.port import Reason
from contacts.jwks import thumbprint
from tests.kit.receiver import ReceiverKeyPair, receiver_key

NOW = datetime(2026, 3, 1, 19, 30, tzinfo=UTC)
SECOND = timedelta(seconds=1)
GOOD = receiver_key("one")
PRIVATE = {**json.loads(GOOD.document), **GOOD.private.as_dict(private=True)}


def at(moment: datetime) -> int:
    return int(moment.timestamp())


def jwk(key: Any, **members: Any) -> bytes:
    return json.dumps({**key.as_dict(private=False), "use": "enc", **members}).encode()


def chosen(*pairs: ReceiverKeyPair, pinned: frozenset[str] | None = None) -> ReceiverKey | Refusal:
    marks = frozenset(pair.mark for pair in pairs) if pinned is None else pinned
    return encryption_key([pair.document for pair in pairs], NOW, marks)


def test_a_good_key_is_used_under_its_own_name() -> None:
    found = chosen(GOOD)
    assert isinstance(found, ReceiverKey)
    assert (found.kid, found.thumbprint) == ("one", GOOD.mark)
    assert set(found.jwk) == {"kty", "crv", "x", "y"}


def test_a_key_without_a_name_is_called_by_its_thumbprint() -> None:
    found = chosen(receiver_key("one", kid=None))
    assert isinstance(found, ReceiverKey)
    assert found.kid == GOOD.private.thumbprint()


def test_the_thumbprint_is_the_one_of_rfc_7638() -> None:
    assert thumbprint(GOOD.private.as_dict(private=False)).hex() == GOOD.mark  # type: ignore[arg-type]  # plain members


_WRONG: dict[str, tuple[bytes, Reason]] = {
    "empty": (b"", "certificate_unreadable"),
    "not JSON": (b"not json", "certificate_unreadable"),
    "null": (b"null", "certificate_unreadable"),
    "a list": (b"[]", "certificate_unreadable"),
    "not UTF-8": (b"\xff\xfe", "certificate_unreadable"),
    "keys is no list": (b'{"keys": {}}', "certificate_unreadable"),
    "keys that are none": (b'{"keys": [1, null, "x"]}', "certificate_unreadable"),
    "deep": (b"[" * 10_000, "certificate_unreadable"),
    "a name twice": (b'{"kty":"EC","kty":"RSA"}', "certificate_unreadable"),
    "kty is no text": (b'{"kty": 1}', "certificate_unreadable"),
    "too long": (b" " * (LARGEST_DOCUMENT + 1) + GOOD.document, "certificate_unreadable"),
    "short x": (receiver_key("one", x="AAAA").document, "certificate_unreadable"),
    "no x": (receiver_key("one", x=None).document, "certificate_unreadable"),
    "not on the curve": (receiver_key("one", x="A" * 43).document, "certificate_unreadable"),
    "padded x": (receiver_key("one", x=json.loads(GOOD.document)["x"] + "=").document, "certificate_unreadable"),
    "two lines in kid": (receiver_key("one", kid="a\r\nb").document, "certificate_unreadable"),
    "long kid": (receiver_key("one", kid="k" * 129).document, "certificate_unreadable"),
    "empty kid": (receiver_key("one", kid="").document, "certificate_unreadable"),
    "kid is a number": (receiver_key("one", kid=7).document, "certificate_unreadable"),
    "exp is a text": (receiver_key("one", exp="tomorrow").document, "certificate_unreadable"),
    "exp is true": (receiver_key("one", exp=True).document, "certificate_unreadable"),
    "exp is no float": (receiver_key("one", exp=10**400).document, "certificate_unreadable"),
    "exp is NaN": (receiver_key("one", exp=float("nan")).document, "certificate_unreadable"),
    "key_ops is a text": (receiver_key("one", key_ops="deriveKey").document, "certificate_unreadable"),
    "for signatures": (receiver_key("one", use="sig").document, "certificate_wrong_purpose"),
    "for nothing": (receiver_key("one", use=None).document, "certificate_wrong_purpose"),
    "operations of signatures": (receiver_key("one", key_ops=["verify"]).document, "certificate_wrong_purpose"),
    "another algorithm": (receiver_key("one", alg="ECDH-ES").document, "certificate_unsupported"),
    "P-384": (jwk(ECKey.generate_key("P-384")), "certificate_unsupported"),
    "X25519": (jwk(OKPKey.generate_key("X25519")), "certificate_unsupported"),
    "RSA": (jwk(RSAKey.generate_key(2048)), "certificate_unsupported"),
    "a secret": (
        json.dumps({**OctKey.generate_key(256).as_dict(), "use": "enc"}).encode(),
        "certificate_unsupported",
    ),
    "the private key": (json.dumps(PRIVATE).encode(), "certificate_weak"),
    "not yet": (receiver_key("one", nbf=at(NOW + SECOND)).document, "certificate_not_yet_valid"),
    "no more": (receiver_key("one", exp=at(NOW)).document, "certificate_expired"),
    "nobody compared it": (receiver_key("two").document, "certificate_untrusted"),
}


@pytest.mark.parametrize(("document", "reason"), _WRONG.values(), ids=_WRONG)
def test_what_is_wrong_is_told_by_name(document: bytes, reason: Reason) -> None:
    assert encryption_key([document], NOW, frozenset({GOOD.mark})) == Refusal(reason=reason)


@pytest.mark.parametrize(
    "members",
    [
        {"nbf": at(NOW), "exp": at(NOW + SECOND)},
        {"key_ops": ["deriveKey"]},
        {"key_ops": ["deriveBits", "wrapKey"]},
        {"alg": "ECDH-ES+A256KW"},
        {"x5t": "of no interest", "unknown": {"to": "us"}},
    ],
)
def test_what_is_right_is_used(members: dict[str, Any]) -> None:
    assert isinstance(chosen(receiver_key("one", **members)), ReceiverKey)


def test_without_any_key_there_is_none() -> None:
    assert encryption_key([], NOW, frozenset()) == Refusal(reason="no_certificate")
    assert encryption_key([b'{"keys": []}'], NOW, frozenset()) == Refusal(reason="no_certificate")


def test_the_newest_usable_key_is_used_whatever_the_order() -> None:
    old = receiver_key("old", nbf=at(NOW - 100 * SECOND))
    new = receiver_key("new", nbf=at(NOW - 10 * SECOND))
    next_year = receiver_key("next", nbf=at(NOW + 100 * SECOND))
    for pairs in ((old, new, next_year), (next_year, new, old), (new, old, next_year)):
        found = chosen(*pairs)
        assert isinstance(found, ReceiverKey) and found.kid == "new"
    undated = receiver_key("undated")
    found = chosen(undated, old)
    assert isinstance(found, ReceiverKey) and found.kid == "old"
    issued = receiver_key("issued", iat=at(NOW - SECOND))
    found = chosen(old, issued, new)
    assert isinstance(found, ReceiverKey) and found.kid == "issued"


def test_a_newer_key_that_nobody_compared_is_not_used() -> None:
    new = receiver_key("new", nbf=at(NOW))
    found = chosen(GOOD, new, pinned=frozenset({GOOD.mark}))
    assert isinstance(found, ReceiverKey) and found.kid == "one"


def test_a_set_is_as_good_as_its_keys() -> None:
    signing = receiver_key("signing", use="sig")
    strange = {"kty": "AKP", "alg": "ML-DSA-44", "pub": "AAAA"}
    document = json.dumps({"keys": [strange, json.loads(signing.document), json.loads(GOOD.document)]}).encode()
    pinned = frozenset({GOOD.mark, signing.mark})
    found = encryption_key([document], NOW, pinned)
    assert isinstance(found, ReceiverKey) and found.kid == "one"
    assert [key.kid for key in signature_keys([document], NOW, pinned)] == ["signing"]


def test_of_several_refusals_the_furthest_is_told() -> None:
    documents = [b"not json", receiver_key("one", exp=at(NOW)).document, receiver_key("two", use="sig").document]
    assert encryption_key(documents, NOW, frozenset()) == Refusal(reason="certificate_expired")


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just("EC") | st.just("P-256"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["kty", "crv", "x", "y", "use", "kid", "exp", "nbf", "keys", "d"]), inner)
    ),
    max_leaves=12,
)


@given(
    _JSON
    | st.builds(
        lambda change: {**json.loads(GOOD.document), **change},
        st.dictionaries(
            st.sampled_from(["kty", "crv", "x", "use", "kid", "key_ops", "alg", "exp", "nbf", "iat"]), _JSON, min_size=1
        ),
    )
)
def test_no_document_raises(value: Any) -> None:
    document = json.dumps(value).encode()
    found = encryption_key([document], NOW, frozenset({GOOD.mark}))
    assert isinstance(found, ReceiverKey | Refusal)
    signature_keys([document], NOW, frozenset({GOOD.mark}))


@given(st.binary(max_size=60))
def test_no_bytes_raise(document: bytes) -> None:
    assert isinstance(encryption_key([document], NOW, frozenset()), Refusal)
