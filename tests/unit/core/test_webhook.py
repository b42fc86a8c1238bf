"""Signatures: pinned by vectors of others, cross-checked with another implementation, and tried at every edge."""

import base64
import json
import subprocess
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any, Self

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from hub.core.records import SourceKey
from hub.core.webhook import (
    MAX_SIGNATURES,
    Refused,
    SigningKey,
    Verified,
    public_key_to_text,
    secret_to_text,
    sign,
    signing_key_from_text,
    verification_key_from_text,
    verify,
)
from tests.kit.events import raw, reported

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "webhook.json").read_text(encoding="utf-8"))

NOW = datetime(2026, 3, 1, 20, 30, tzinfo=UTC)
BODY = raw(reported(child={"name": "Jos\u00e9 Example"}))
SECRET = bytes(range(32))
OTHER_SECRET = bytes(range(1, 33))
SEED = bytes(range(2, 34))
PUBLIC = verification_key_from_text(public_key_to_text(SEED))[1]

HMAC_KEY = SourceKey(id="k1", scheme="v1", key=SECRET, valid_from=NOW - timedelta(days=1))
OLD_KEY = SourceKey(
    id="k0", scheme="v1", key=OTHER_SECRET, valid_from=NOW - timedelta(days=90), valid_until=NOW + timedelta(hours=1)
)
ED25519_KEY = SourceKey(id="k2", scheme="v1a", key=PUBLIC, valid_from=NOW - timedelta(days=1))

SIGN_HMAC = SigningKey(scheme="v1", key=SECRET)
SIGN_OLD = SigningKey(scheme="v1", key=OTHER_SECRET)
SIGN_ED25519 = SigningKey(scheme="v1a", key=SEED)


def signed(*keys: SigningKey, at: datetime = NOW, body: bytes = BODY) -> dict[str, str]:
    return sign(body, webhook_id="msg_1", at=at, keys=keys or (SIGN_HMAC,))


def vector_key(vector: dict[str, Any]) -> SourceKey:
    key = base64.b64decode(vector["key_base64"])
    return SourceKey(id=vector["name"], scheme=vector["scheme"], key=key, valid_from=datetime(2020, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: v["name"])
def test_vectors_of_others_verify(vector: dict[str, Any]) -> None:
    headers = {
        "webhook-id": vector["id"],
        "webhook-timestamp": str(vector["timestamp"]),
        "webhook-signature": vector["signature"],
    }
    at = datetime.fromtimestamp(vector["timestamp"], UTC)
    body = vector["body"].encode()
    assert verify(headers, body, [vector_key(vector)], at) == Verified(key=vector["name"], stale=False)
    assert verify(headers, body + b" ", [vector_key(vector)], at) == Refused(reason="no_valid_signature")


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: v["name"])
def test_we_sign_as_the_vectors_do(vector: dict[str, Any]) -> None:
    key = base64.b64decode(vector.get("seed_base64", vector["key_base64"]))
    headers = sign(
        vector["body"].encode(),
        webhook_id=vector["id"],
        at=datetime.fromtimestamp(vector["timestamp"], UTC),
        keys=[SigningKey(scheme=vector["scheme"], key=key)],
    )
    assert headers["webhook-signature"] == vector["signature"]


@given(st.binary(min_size=24, max_size=64), st.text(st.characters(codec="utf-8")), st.integers(0, 4_000_000_000))
def test_the_other_implementation_signs_alike(secret: bytes, body: str, seconds: int) -> None:
    at = datetime.fromtimestamp(seconds, UTC)
    theirs = Webhook(secret_to_text(secret)).sign("msg_1", at, body)
    ours = sign(body.encode(), webhook_id="msg_1", at=at, keys=[SigningKey(scheme="v1", key=secret)])
    assert ours["webhook-signature"] == theirs


def test_the_other_implementation_takes_our_signature(monkeypatch: pytest.MonkeyPatch) -> None:
    class Then(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            return cls.fromtimestamp(NOW.timestamp(), tz)

    # It takes no clock, so its own is held still.
    monkeypatch.setattr("standardwebhooks.webhooks.datetime", Then)
    theirs = Webhook(secret_to_text(SECRET))
    assert theirs.verify(BODY, signed(SIGN_ED25519, SIGN_HMAC)) == json.loads(BODY)
    with pytest.raises(WebhookVerificationError, match="No matching signature"):
        theirs.verify(BODY + b" ", signed())


@pytest.mark.parametrize(("key", "signer"), [(HMAC_KEY, SIGN_HMAC), (ED25519_KEY, SIGN_ED25519)], ids=["v1", "v1a"])
def test_both_schemes(key: SourceKey, signer: SigningKey) -> None:
    headers = signed(signer)
    assert verify(headers, BODY, [key], NOW) == Verified(key=key.id, stale=False)
    for changed in (BODY + b"\n", BODY[:-1], json.dumps(json.loads(BODY)).encode(), BODY.replace(b"true", b"True")):
        assert verify(headers, changed, [key], NOW) == Refused(reason="no_valid_signature")


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp"])
def test_id_and_timestamp_are_signed_too(name: str) -> None:
    headers = signed()
    headers[name] = {"webhook-id": "msg_2", "webhook-timestamp": str(int(NOW.timestamp()) + 1)}[name]
    assert verify(headers, BODY, [HMAC_KEY], NOW) == Refused(reason="no_valid_signature")


def test_a_signature_does_not_pass_as_the_other_scheme() -> None:
    """A public key is public: used as an HMAC secret it must not sign anything."""
    headers = signed(SigningKey(scheme="v1", key=PUBLIC))
    assert verify(headers, BODY, [ED25519_KEY], NOW) == Refused(reason="no_valid_signature")
    headers["webhook-signature"] = headers["webhook-signature"].replace("v1,", "v1a,")
    assert verify(headers, BODY, [ED25519_KEY], NOW) == Refused(reason="no_valid_signature")


# Rotation


def test_while_keys_are_rotated_one_match_is_enough() -> None:
    keys = [OLD_KEY, HMAC_KEY, ED25519_KEY]
    assert verify(signed(SIGN_OLD), BODY, keys, NOW) == Verified(key="k0", stale=False)
    assert verify(signed(SIGN_HMAC), BODY, keys, NOW) == Verified(key="k1", stale=False)
    assert verify(signed(SIGN_ED25519, SIGN_OLD, SIGN_HMAC), BODY, [HMAC_KEY], NOW) == Verified(key="k1", stale=False)


def test_a_key_is_good_from_its_first_instant_to_before_its_last() -> None:
    start, end = OLD_KEY.valid_from, NOW + timedelta(hours=1)
    for moment, good in (
        (start, True),
        (end - timedelta(microseconds=1), True),
        (end, False),
        (start - timedelta(microseconds=1), False),
    ):
        # Signed at the very second, so that the signature is in time.
        result = verify(signed(SIGN_OLD, at=moment), BODY, [OLD_KEY], moment)
        assert isinstance(result, Verified) is good, moment


def test_no_keys() -> None:
    assert verify(signed(), BODY, [], NOW) == Refused(reason="no_valid_signature")


def test_a_broken_key_on_file_does_not_stop_the_others() -> None:
    broken = SourceKey(id="k9", scheme="v1a", key=b"short", valid_from=NOW - timedelta(days=1))
    headers = signed(SIGN_ED25519)
    assert verify(headers, BODY, [broken, ED25519_KEY], NOW) == Verified(key="k2", stale=False)


# Time


@pytest.mark.parametrize(
    ("age", "stale"),
    [
        (timedelta(0), False),
        (timedelta(seconds=300), False),
        (timedelta(seconds=300, microseconds=1), True),
        (timedelta(seconds=-300), False),
        (timedelta(seconds=-300, microseconds=-1), True),
        (timedelta(days=2), True),
        (timedelta(days=-2), True),
    ],
)
def test_the_edges_of_the_tolerance(age: timedelta, stale: bool) -> None:
    """A right but stale signature is told apart from a wrong one (readings.md D7)."""
    key = SourceKey(id="k1", scheme="v1", key=SECRET, valid_from=NOW - timedelta(days=10))
    assert verify(signed(), BODY, [key], NOW + age) == Verified(key="k1", stale=stale)
    assert verify(signed(SIGN_OLD), BODY, [key], NOW + age) == Refused(reason="no_valid_signature")


def test_another_tolerance() -> None:
    assert verify(signed(), BODY, [HMAC_KEY], NOW + timedelta(seconds=10), 9.5) == Verified(key="k1", stale=True)


def test_a_slow_queue_outlives_the_rotation_of_its_key() -> None:
    """Only as stale: a key that is over is never good for a fresh signature."""
    after = NOW + timedelta(days=3)
    assert verify(signed(SIGN_OLD), BODY, [OLD_KEY], after) == Verified(key="k0", stale=True)
    assert verify(signed(SIGN_OLD, at=after), BODY, [OLD_KEY], after) == Refused(reason="no_valid_signature")


# Headers


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_a_header_missing_empty_or_twice(name: str) -> None:
    headers = signed()
    without = {key: value for key, value in headers.items() if key != name}
    assert verify(without, BODY, [HMAC_KEY], NOW) == Refused(reason="missing_header")
    assert verify({**headers, name: " "}, BODY, [HMAC_KEY], NOW) == Refused(reason="missing_header")
    twice = [*headers.items(), (name.upper(), headers[name])]
    assert verify(twice, BODY, [HMAC_KEY], NOW) == Refused(reason="duplicate_header")
    assert verify(CIMultiDict(twice), BODY, [HMAC_KEY], NOW) == Refused(reason="duplicate_header")


def test_names_of_headers_in_any_case_and_other_headers_any_number_of_times() -> None:
    headers = [(name.title(), value) for name, value in signed().items()]
    headers += [("Accept", "a"), ("Accept", "b")]
    assert verify(headers, BODY, [HMAC_KEY], NOW) == Verified(key="k1", stale=False)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("webhook-id", "x" * 257),
        ("webhook-id", "two words"),
        ("webhook-id", "caf\u00e9"),
        ("webhook-timestamp", "2026-03-01T20:30:00Z"),
        ("webhook-timestamp", "-5"),
        ("webhook-timestamp", "1e9"),
        ("webhook-timestamp", "1772397000.0"),
        ("webhook-timestamp", "\u0661\u0662\u0663"),
        ("webhook-timestamp", "9" * 12),
        ("webhook-timestamp", "9" * 13),
        ("webhook-signature", "v1," + "A" * 4096),
        ("webhook-signature", " ".join(["v1,AAAA"] * (MAX_SIGNATURES + 1))),
    ],
)
def test_headers_of_the_wrong_form(name: str, value: str) -> None:
    assert verify({**signed(), name: value}, BODY, [HMAC_KEY], NOW) == Refused(reason="malformed_header")


@pytest.mark.parametrize("junk", ["v2,AAAA", "v1", "v1,", "v1,%%%", "v1,AA", "v1a,AAAA", ",", "v1,AAAA,AAAA"])
def test_signatures_that_cannot_be_read_are_skipped(junk: str) -> None:
    headers = signed()
    assert verify({**headers, "webhook-signature": junk}, BODY, [HMAC_KEY, ED25519_KEY], NOW) == Refused(
        reason="no_valid_signature"
    )
    both = f"{junk} {headers['webhook-signature']}"
    assert verify({**headers, "webhook-signature": both}, BODY, [HMAC_KEY], NOW) == Verified(key="k1", stale=False)


@given(
    st.dictionaries(
        st.sampled_from(["webhook-id", "webhook-timestamp", "webhook-signature"]),
        st.text() | st.text("v1a,=+/ 0123456789"),
    ),
    st.binary(),
)
def test_no_headers_and_no_body_make_it_raise_or_believe(headers: dict[str, str], body: bytes) -> None:
    assert isinstance(verify(headers, body, [HMAC_KEY, ED25519_KEY], NOW), Refused)


@pytest.mark.parametrize("wrong", ["", "two words", "caf\u00e9", "x" * 257, "a\r\nBcc: x"])
def test_an_id_that_cannot_stand_in_a_header_is_not_signed(wrong: str) -> None:
    with pytest.raises(ValueError, match="webhook-id"):
        sign(BODY, webhook_id=wrong, at=NOW, keys=[SIGN_HMAC])


# Keys as text


def test_keys_as_text_and_back() -> None:
    assert verification_key_from_text(secret_to_text(SECRET)) == ("v1", SECRET)
    assert signing_key_from_text(secret_to_text(SECRET)) == SIGN_HMAC
    assert verification_key_from_text(public_key_to_text(SEED)) == ("v1a", PUBLIC)
    assert signing_key_from_text("whsk_" + base64.b64encode(SEED).decode()) == SIGN_ED25519
    assert signing_key_from_text("whsk_" + base64.b64encode(SEED + PUBLIC).decode()) == SIGN_ED25519


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hunter2hunter2hunter2",
        "whsec_",
        "whsec_%%%",
        secret_to_text(bytes(23)),
        secret_to_text(bytes(65)),
        "whpk_" + base64.b64encode(bytes(31)).decode(),
        "whsk_" + base64.b64encode(SEED).decode(),
    ],
)
def test_what_is_no_verification_key_is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(ValueError) as caught:
        verification_key_from_text(text)
    assert len(text) < 7 or text[6:] not in str(caught.value)


@pytest.mark.parametrize("text", [public_key_to_text(SEED), "whsk_" + base64.b64encode(bytes(33)).decode(), "SECRET"])
def test_what_is_no_signing_key(text: str) -> None:
    with pytest.raises(ValueError):
        signing_key_from_text(text)


def test_keys_do_not_print() -> None:
    shown = repr(SIGN_HMAC) + repr(HMAC_KEY) + repr(SIGN_ED25519)
    assert repr(SECRET)[2:20] not in shown and repr(SEED)[2:20] not in shown


def test_openssl_makes_the_same_hmac(tmp_path: Path) -> None:
    """What docs/case-systems.md tells a case system's developer to do."""
    content = tmp_path / "content"
    content.write_bytes(f"msg_1.{int(NOW.timestamp())}.".encode() + BODY)
    command = [
        "openssl",
        "dgst",
        "-sha256",
        "-mac",
        "HMAC",
        "-macopt",
        f"hexkey:{SECRET.hex()}",
        "-binary",
        str(content),
    ]
    made = subprocess.run(command, check=True, capture_output=True).stdout
    assert signed()["webhook-signature"] == "v1," + base64.b64encode(made).decode()
