"""Tokens: of the answer, of the receipts."""

import base64
import hashlib
import hmac
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.sms import replies
from hub.core.tokens import (
    WeakSecret,
    ack_token,
    destination_of,
    line_of,
    receipt_token,
    reply_code,
    reply_digest,
    token_digest,
)
from hub.edge.ids import REFERENCE_ALPHABET

SECRET = bytes(range(32))
OTHER = bytes(range(1, 33))


def test_the_token_is_pinned():
    # By openssl; a token that changes between versions breaks every link that is out there.
    assert ack_token(SECRET, "de_01J0000000000000000000000A") == "VpjadDHBxb-bdYq4xRZZAE_Pl4QiNg6RSrhNAqm217U"


@given(delivery=st.text(alphabet=st.characters(codec="utf-8"), max_size=60))
def test_a_receipt_token_survives_mail_systems_that_fold_case(delivery):
    token = receipt_token(SECRET, delivery)
    assert re.fullmatch(r"[a-z2-7]{32}", token)
    assert base64.b32decode(token.upper()) == hmac.digest(SECRET, b"receipt\0" + delivery.encode(), "sha256")[:20]
    assert token != ack_token(SECRET, delivery).lower()


@given(delivery=st.text(alphabet=st.characters(codec="utf-8"), max_size=60))
def test_a_reply_code_is_typed_on_a_phone_and_understood(delivery):
    code = reply_code(SECRET, delivery)
    assert re.fullmatch(f"[{REFERENCE_ALPHABET}]{{6}}", code)
    meaning = replies.read(f"1 {code.lower()}")
    assert meaning is not None
    assert meaning.code == code


def test_the_reply_code_is_pinned():
    # The MAC by openssl; a code that changes between versions breaks every alert that is out.
    assert reply_code(SECRET, "de_01J0000000000000000000000A") == "95PP7N"


def test_a_reply_is_found_by_its_number_and_its_code_together():
    digest = reply_digest(SECRET, "+447700900123", "CDFGHJ")
    assert len(digest) == 16
    others = (("+447700900124", "CDFGHJ"), ("+447700900123", "CDFGHK"), ("+447700900123", ""))
    assert all(reply_digest(SECRET, number, code) != digest for number, code in others)
    assert reply_digest(OTHER, "+447700900123", "CDFGHJ") != digest


def test_reply_codes_are_spread_over_the_alphabet():
    codes = [reply_code(SECRET, f"de_{n}") for n in range(2_000)]
    assert len(set(codes)) >= 1_998
    for place in range(6):
        assert {code[place] for code in codes} == set(REFERENCE_ALPHABET)
    assert reply_code(OTHER, "de_1") != reply_code(SECRET, "de_1")


def test_the_digest_is_sha256_of_the_text():
    token = ack_token(SECRET, "de_1")
    assert token_digest(token) == hashlib.sha256(token.encode()).digest()


@given(delivery=st.text(alphabet=st.characters(codec="utf-8"), max_size=60))
def test_a_token_is_url_safe_and_says_nothing(delivery):
    token = ack_token(SECRET, delivery)
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", token)


def test_deliveries_and_secrets_have_tokens_of_their_own():
    tokens = {ack_token(secret, f"de_{n}") for secret in (SECRET, OTHER) for n in range(200)}
    assert len(tokens) == 400


def test_the_delivery_id_alone_is_not_the_token_of_another_use():
    assert ack_token(SECRET, "de_1") != ack_token(SECRET, "\0de_1")


@pytest.mark.parametrize("secret", [b"", b"short", bytes(31)])
def test_a_weak_secret_is_refused_without_being_shown(secret):
    with pytest.raises(WeakSecret, match="at least 32 random bytes") as raised:
        ack_token(secret, "de_1")
    assert "short" not in str(raised.value).replace("too short", "")


@given(token=st.text(max_size=300))
def test_anything_has_a_digest(token):
    assert len(token_digest(token)) == 32


def test_a_lone_surrogate_has_a_digest():
    assert len(token_digest("\ud800")) == 32


def test_a_line_is_of_one_episode_and_one_address_and_shows_neither():
    assert line_of(SECRET, "ep_1", "Desk@council.example") == line_of(SECRET, "ep_1", "desk@council.example")
    others = {("ep_1", "other@council.example"), ("ep_2", "desk@council.example"), ("ep_1d", "esk@council.example")}
    assert len({line_of(SECRET, *one) for one in others} | {line_of(SECRET, "ep_1", "desk@council.example")}) == 4
    assert line_of(OTHER, "ep_1", "desk@council.example") != line_of(SECRET, "ep_1", "desk@council.example")


@pytest.mark.parametrize(
    ("channel", "one", "same", "another"),
    [
        ("email", "a@council.example", "b@COUNCIL.example", "a@force.example"),
        ("push", "https://a.example/in", "https://A.example/other", "https://a.example:8443/in"),
    ],
)
def test_a_destination_is_the_domain_or_the_host(channel, one, same, another):
    assert destination_of(SECRET, channel, one) == destination_of(SECRET, channel, same)
    assert destination_of(SECRET, channel, one) != destination_of(SECRET, channel, another)


def test_a_mobile_has_no_destination_of_its_own():
    assert destination_of(SECRET, "sms", "+447700900123") == b""
