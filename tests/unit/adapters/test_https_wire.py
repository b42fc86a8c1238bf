"""What goes over the wire, read by others: jwcrypto opens it, ``standardwebhooks`` and the hub's own door verify it."""

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jwe, jws
from joserfc.errors import JoseError
from jwcrypto import jwe as other_jwe
from jwcrypto import jwk as other_jwk
from jwcrypto import jws as other_jws
from standardwebhooks.webhooks import Webhook

from adapters.https import wire
from adapters.https.keys import ReceiverKey, encryption_key
from adapters.https.seal import ContentSigner, seal
from adapters.https.wire import TransportKey
from adapters.port import Alert, Attachment, Content, Envelope
from hub.core import webhook
from hub.core.records import SourceKey
from tests.kit.pki import curve_key
from tests.kit.receiver import ReceiverKeyPair, receiver_key
from tests.kit.transport import MARKERS, alert, content

NOW = datetime(2026, 3, 1, 19, 30, tzinfo=UTC)
URL = "https://push.council.example/notices"
RECEIVER = receiver_key()
SIGNER = ContentSigner(key=curve_key("hub content"))
SEED = bytes(range(32))
SECRET = b"a secret of one receiver"


def envelope(body: Content | Alert | None = None, **changes: Any) -> Envelope:
    given = {"delivery": "dl_1", "reference": "FP-2345-6789", "address": URL, "body": body or content(), **changes}
    return Envelope(**given)


def to(pair: ReceiverKeyPair = RECEIVER) -> ReceiverKey:
    found = encryption_key([pair.document], NOW, frozenset({pair.mark}))
    assert isinstance(found, ReceiverKey)
    return found


def sealed(one: Envelope) -> bytes:
    assert isinstance(one.body, Content)
    claims = wire.claims(one, one.body, issuer="https://hub.example", audience=URL, now=NOW)
    return seal(claims, SIGNER, to())


def opened_by_jwcrypto(data: bytes) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Both headers and the claims, by a library that shares no code with the one that sealed it."""
    outer = other_jwe.JWE(algs=["ECDH-ES+A256KW", "A256GCM"])
    outer.deserialize(data.decode(), other_jwk.JWK(**RECEIVER.private.as_dict(private=True)))
    inner = other_jws.JWS()
    inner.allowed_algs = ["ES256"]
    inner.deserialize(outer.payload.decode(), other_jwk.JWK(**SIGNER.public_jwk))
    return json.loads(outer.objects["protected"]), inner.jose_header, json.loads(inner.payload)


def test_another_library_opens_it_and_finds_the_notice() -> None:
    picture = Attachment(name="photo.jpg", media_type="image/jpeg", data=bytes(range(256)))
    body = content(attachments=(Attachment(name="notice.json", media_type="application/json", data=b"{}"), picture))
    outer, inner, claims = opened_by_jwcrypto(sealed(envelope(body, receipt_token="abc123")))
    assert {name: value for name, value in outer.items() if name != "epk"} == {
        "alg": "ECDH-ES+A256KW",
        "enc": "A256GCM",
        "kid": "receiver",
        "typ": "JOSE",
        "cty": "JWT",
    }
    assert set(outer["epk"]) == {"kty", "crv", "x", "y"}
    assert inner == {"alg": "ES256", "kid": SIGNER.kid, "typ": "fingerpost-notice+jwt"}
    assert claims == {
        "iss": "https://hub.example",
        "aud": URL,
        "iat": int(NOW.timestamp()),
        "jti": "dl_1",
        "receipt": "abc123",
        "reference": "FP-2345-6789",
        "subject": body.subject,
        "text": body.text,
        "html": body.html,
        "attachments": [
            {"name": "notice.json", "media_type": "application/json", "data": "e30="},
            {"name": "photo.jpg", "media_type": "image/jpeg", "data": base64.b64encode(bytes(range(256))).decode()},
        ],
    }


def test_a_photo_of_megabytes_goes_through() -> None:
    picture = Attachment(name="photo.jpg", media_type="image/jpeg", data=b"\xff" * 3_000_000)
    _, _, claims = opened_by_jwcrypto(sealed(envelope(content(attachments=(picture,)))))
    assert base64.b64decode(claims["attachments"][0]["data"]) == picture.data


def test_no_receipt_is_asked_for_without_a_token() -> None:
    _, _, claims = opened_by_jwcrypto(sealed(envelope()))
    assert "receipt" not in claims and "exp" not in claims


@settings(max_examples=25, deadline=None)
@given(st.text(max_size=80), st.text(max_size=80), st.binary(max_size=80))
def test_every_text_comes_out_as_it_went_in(subject: str, text: str, data: bytes) -> None:
    attachment = Attachment(name="a", media_type="application/octet-stream", data=data)
    body = Content(subject=subject, text=text, html=text, attachments=(attachment,))
    _, _, claims = opened_by_jwcrypto(sealed(envelope(body)))
    assert (claims["subject"], claims["text"]) == (_readable(subject), _readable(text))
    assert base64.b64decode(claims["attachments"][0]["data"]) == data


def _readable(text: str) -> str:
    """Half a surrogate pair is no character: nothing could encode it."""
    return text.encode("utf-8", "replace").decode()


def test_nobody_else_opens_it_and_nothing_can_be_changed() -> None:
    data = sealed(envelope())
    with pytest.raises(JoseError):
        jwe.decrypt_compact(data, receiver_key("stranger").private)
    parts = data.split(b".")
    for number, part in enumerate(parts):
        changed = bytearray(part)
        changed[len(part) // 2] ^= 1
        with pytest.raises((JoseError, ValueError)):
            jwe.decrypt_compact(b".".join([*parts[:number], bytes(changed), *parts[number + 1 :]]), RECEIVER.private)


def test_a_signature_by_another_key_is_seen() -> None:
    forged = seal(b"{}", ContentSigner(key=curve_key("somebody else"), kid=SIGNER.kid), to())
    with pytest.raises(other_jws.InvalidJWSSignature):
        opened_by_jwcrypto(forged)


def test_no_two_seals_are_alike() -> None:
    first, second = (sealed(envelope()).split(b".") for _ in range(2))
    assert all(left != right for left, right in zip(first, second, strict=True))


def test_nothing_personal_stands_outside() -> None:
    data = sealed(envelope())
    for part in data.split(b"."):
        plain = base64.urlsafe_b64decode(part + b"=" * (-len(part) % 4))
        for marker in MARKERS:
            assert marker.encode() not in plain and marker.encode() not in data


def test_a_signing_key_is_on_p_256_and_does_not_print() -> None:
    with pytest.raises(ValueError, match="P-256"):
        ContentSigner(key=ec.generate_private_key(ec.SECP384R1()))
    for kid in ("", "a\nb", "k" * 129, "ü"):
        with pytest.raises(ValueError, match="kid"):
            ContentSigner(key=curve_key("hub content"), kid=kid)
    assert "d" not in SIGNER.public_jwk
    assert SIGNER.public_jwk["use"] == "sig"
    assert repr(ContentSigner(key=curve_key("hub content"), kid="hub-1")) == "ContentSigner(kid='hub-1')"
    public = receiver_key("hub content").private
    assert jws.deserialize_compact(SIGNER.sign(b"x"), public, algorithms=["ES256"]).payload == b"x"


def test_an_alert_is_a_reference_and_how_to_collect() -> None:
    assert json.loads(wire.alert(envelope(alert()), alert())) == {
        "format": "fingerpost.alert.v1",
        "reference": "FP-2345-6789",
        "subject": alert().subject,
        "collect": alert().text,
    }


# The signature of the request


def headers_for(body: bytes, *keys: TransportKey, at: datetime = NOW) -> dict[str, str]:
    return wire.headers(envelope(), body, media_type=wire.SEALED_TYPE, keys=keys, now=at)


def test_the_library_of_standard_webhooks_verifies_a_shared_secret() -> None:
    body = sealed(envelope())
    now = datetime.now(UTC)  # that library reads the clock itself
    headers = headers_for(body, TransportKey(scheme="v1", key=SECRET), at=now)
    Webhook(SECRET).verify(body, headers, json_parse=False)
    assert headers["webhook-id"] == "dl_1"
    with pytest.raises(Exception, match="No matching signature"):
        Webhook(b"another secret of 24 byte").verify(body, headers, json_parse=False)
    with pytest.raises(Exception, match="No matching signature"):
        Webhook(SECRET).verify(body + b".", headers, json_parse=False)


def test_an_ed25519_signature_is_over_id_time_and_body() -> None:
    headers = headers_for(b"body", TransportKey(scheme="v1a", key=SEED))
    version, _, signature = headers["webhook-signature"].partition(",")
    assert version == "v1a"
    public = Ed25519PrivateKey.from_private_bytes(SEED).public_key()
    public.verify(base64.b64decode(signature), b"dl_1.1772393400.body")
    with pytest.raises(InvalidSignature):
        public.verify(base64.b64decode(signature), b"dl_1.1772393401.body")


def test_while_keys_are_rotated_every_one_of_them_signs_and_any_is_enough() -> None:
    keys = (
        TransportKey(scheme="v1a", key=SEED),
        TransportKey(scheme="v1a", key=bytes(32)),
        TransportKey(scheme="v1", key=SECRET),
    )
    headers = headers_for(b"body", *keys)
    parts = headers["webhook-signature"].split(" ")
    assert [part.partition(",")[0] for part in parts] == ["v1a", "v1a", "v1"]
    for key in keys:
        public = key.key
        if key.scheme == "v1a":
            public = Ed25519PrivateKey.from_private_bytes(key.key).public_key().public_bytes_raw()
        known = SourceKey(id=key.scheme, scheme=key.scheme, key=public, valid_from=NOW - timedelta(days=1))
        assert webhook.verify(headers, b"body", [known], NOW) == webhook.Verified(key=key.scheme, stale=False)
        assert webhook.verify(headers, b"body.", [known], NOW) == webhook.Refused(reason="no_valid_signature")


def test_each_try_has_the_same_id_and_a_time_of_its_own() -> None:
    key = TransportKey(scheme="v1a", key=SEED)
    first, second = headers_for(b"body", key), headers_for(b"body", key, at=NOW + timedelta(seconds=61))
    assert first["webhook-id"] == second["webhook-id"] == "dl_1"
    assert int(second["webhook-timestamp"]) - int(first["webhook-timestamp"]) == 61
    assert first["webhook-signature"] != second["webhook-signature"]


def test_what_is_not_compressed_cannot_grow() -> None:
    assert headers_for(b"", TransportKey(scheme="v1a", key=SEED))["Accept-Encoding"] == "identity"


@pytest.mark.parametrize(
    "keys", [(), (TransportKey(scheme="v1a", key=SEED),) * (wire.MAX_SIGNATURES + 1)], ids=("none", "too many")
)
def test_a_request_has_one_to_eight_signatures(keys: tuple[TransportKey, ...]) -> None:
    with pytest.raises(wire.InvalidField, match="transport keys"):
        headers_for(b"body", *keys)


def test_keys_have_their_length_and_do_not_print() -> None:
    for scheme, length in (("v1a", 31), ("v1a", 64), ("v1", 23), ("v1", 65)):
        with pytest.raises(ValueError, match="has"):
            TransportKey(scheme=scheme, key=b"k" * length)  # type: ignore[arg-type]  # widened by the loop
    assert "secret" not in repr(TransportKey(scheme="v1", key=SECRET))


@pytest.mark.parametrize(
    "change",
    [
        {"delivery": ""},
        {"delivery": "a b"},
        {"delivery": "dl\r\nX: y"},
        {"delivery": "d" * 65},
        {"delivery": ".dl"},
        {"reference": "Robin is missing"},
        {"reference": "FP-2345-678"},
        {"headers": {"X-Other": "1"}},
        {"headers": {"Host": "evil.example"}},
        {"headers": {"webhook-id": "other"}},
        {"headers": {"X-Fingerpost-Status": "exercise\r\nX: y"}},
        {"headers": {"X-Fingerpost-Status": ""}},
        {"headers": {"X-Fingerpost-Status": "ü"}},
    ],
    ids=lambda change: f"{next(iter(change))}",
)
def test_a_clear_part_that_is_not_ours_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(wire.InvalidField):
        wire.check(replace(envelope(), **change))


def test_an_exercise_is_marked_outside_too() -> None:
    one = envelope(headers={"X-Fingerpost-Status": "exercise"})
    wire.check(one)
    keys = (TransportKey(scheme="v1a", key=SEED),)
    assert wire.headers(one, b"", media_type="a/b", keys=keys, now=NOW)["X-Fingerpost-Status"] == "exercise"
