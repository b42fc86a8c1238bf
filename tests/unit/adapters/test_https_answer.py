"""A machine's acknowledgement: believed when it repeats what only the reader of the notice knows."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import ECKey, OctKey

from adapters.https.answer import Answer, Proof, proof
from adapters.port import Alert, Content, Envelope, Receipt
from tests.kit.receiver import ReceiverKeyPair, receiver_key
from tests.kit.transport import alert, content

NOW = datetime(2026, 3, 1, 19, 30, tzinfo=UTC)
SIGNING = receiver_key("signing", use="sig")
UUID = "0f9c2b7e-58b1-4d7e-9c1a-6a3f0e2d4c5b"
ULID = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
RIGHT = {"received": "dl_1", "receipt": "token1"}


def envelope(
    *, token: str | None = "token1", body: Content | Alert | None = None, keys: tuple[ReceiverKeyPair, ...] = (SIGNING,)
) -> Envelope:
    return Envelope(
        delivery="dl_1",
        reference="FP-2345-6789",
        address="https://push.council.example/",
        body=body or content(),
        receipt_token=token,
        certificates=tuple(pair.document for pair in keys),
        pinned=frozenset(pair.mark for pair in keys),
    )


def said(document: Any, *, status: int = 200, media_type: str = "application/json") -> Answer:
    return Answer(status=status, media_type=media_type, body=json.dumps(document).encode())


def signed(document: Any, key: Any = SIGNING.private, **header: Any) -> Answer:
    body = jws.serialize_compact({"alg": "ES256", **header}, json.dumps(document), key, algorithms=["ES256", "HS256"])
    return Answer(status=200, media_type="application/jose", body=body.encode())


def found(answer: Answer, one: Envelope | None = None) -> Proof | None:
    return proof(answer, one or envelope(), "push", NOW)


def test_the_token_proves_that_it_was_opened() -> None:
    assert found(said(RIGHT)) == Proof(
        receipt=Receipt(channel="push", kind="answered", at=NOW, token="token1", code="received")
    )


def test_where_no_token_was_asked_for_the_id_is_enough() -> None:
    assert found(said({"received": "dl_1"}), envelope(token=None)) == Proof(
        receipt=Receipt(channel="push", kind="answered", at=NOW, delivery="dl_1", code="received")
    )


@pytest.mark.parametrize("reference", [UUID, ULID, UUID.upper()])
def test_an_opaque_reference_of_theirs_is_kept(reference: str) -> None:
    answer = found(said({**RIGHT, "reference": reference}))
    assert answer is not None and answer.provider_reference == reference


@pytest.mark.parametrize("reference", ["Robin", "ROBIN-EXAMPLESON-2014", "2014-02-29", "CAD 1234", "", 7, None, [UUID]])
def test_a_reference_that_might_name_a_child_is_not_kept(reference: object) -> None:
    answer = found(said({**RIGHT, "reference": reference}))
    assert answer is not None and answer.provider_reference is None


@pytest.mark.parametrize(
    "answer",
    [
        Answer(status=204),
        Answer(status=200, media_type="application/json"),
        Answer(status=200, media_type="text/plain", body=json.dumps(RIGHT).encode()),
        said(RIGHT, status=302),
        said(RIGHT, status=500),
        said({"received": "dl_1"}),
        said({"received": "dl_1", "receipt": "token2"}),
        said({"received": "dl_1", "receipt": None}),
        said({"received": "dl_2", "receipt": "token1"}),
        said({"received": ["dl_1"], "receipt": "token1"}),
        said({"receipt": "token1"}),
        said([RIGHT]),
        said("dl_1"),
        Answer(status=200, media_type="application/json", body=b"[" * 10_000),
        Answer(status=200, media_type="application/json", body=b"\xff"),
        Answer(status=200, media_type="application/json", body=json.dumps(RIGHT).encode()[:-1]),
    ],
)
def test_what_is_not_right_is_no_acknowledgement(answer: Answer) -> None:
    assert found(answer) is None


def test_an_alert_is_never_acknowledged_by_a_machine() -> None:
    assert found(said({"received": "dl_1"}), envelope(token=None, body=alert())) is None


def test_a_signed_acknowledgement_by_a_key_of_theirs() -> None:
    answer = found(signed({**RIGHT, "reference": ULID}))
    assert answer == Proof(
        receipt=Receipt(channel="push", kind="answered", at=NOW, token="token1", code="signed"),
        provider_reference=ULID,
    )


def test_a_signed_one_is_as_good_as_its_key() -> None:
    right = signed(RIGHT)
    for_encryption = receiver_key("signing")
    ended = receiver_key("signing", use="sig", exp=int(NOW.timestamp()))
    assert found(right, envelope(keys=(receiver_key("other", use="sig"), SIGNING))) is not None
    assert found(right, envelope(keys=())) is None
    assert found(right, envelope(keys=(for_encryption,))) is None
    assert found(right, envelope(keys=(ended,))) is None
    assert found(signed(RIGHT, ECKey.generate_key("P-256"))) is None
    assert found(signed({**RIGHT, "receipt": "token2"})) is None


def test_a_signature_by_the_public_key_as_a_secret_is_none() -> None:
    secret = OctKey.import_key(json.dumps(SIGNING.private.as_dict(private=False)).encode())
    assert found(signed(RIGHT, secret, alg="HS256")) is None
    body = b"eyJhbGciOiJub25lIn0." + b"eyJyZWNlaXZlZCI6ImRsXzEiLCJyZWNlaXB0IjoidG9rZW4xIn0" + b"."
    assert found(Answer(status=200, media_type="application/jose", body=body)) is None


@given(
    st.sampled_from(["application/json", "application/jose", ""]),
    st.binary(max_size=200) | st.just(signed(RIGHT).body).map(lambda body: body[1:]) | st.just(b".." * 50),
)
def test_no_answer_raises(media_type: str, body: bytes) -> None:
    assert found(Answer(status=200, media_type=media_type, body=body)) is None
