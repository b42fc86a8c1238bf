"""What an identity provider's answer has to say before anybody gets in by it."""

import hashlib
import hmac
import json
import warnings
from base64 import urlsafe_b64encode
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from joserfc import jwt
from joserfc.errors import SecurityWarning
from joserfc.jwk import ECKey, KeySet, OctKey, RSAKey

from hub.core.id_tokens import identity_of
from hub.core.oidc import (
    LIVES,
    Metadata,
    Provider,
    SignInRefused,
    asked,
    code_of,
    metadata_of,
    new_state,
    nonce_of,
    problems_with,
    read_state,
    verifier,
)
from tests.kit.clock import START

SECRET, OTHER = b"s" * 32, b"t" * 32
ISSUER, CLIENT, BROMLEY = "https://login.bromley.example", "fingerpost", "E09000006"
PROVIDER = Provider(
    organisation=BROMLEY, issuer=ISSUER, client_id=CLIENT, client_secret="secret", domains=("bromley.example",)
)
METADATA = Metadata(
    authorization_endpoint=f"{ISSUER}/authorize",
    token_endpoint=f"{ISSUER}/token",
    jwks_uri=f"{ISSUER}/keys",
    basic=True,
    names_itself=False,
)
KEY = ECKey.generate_key("P-256", {"kid": "one"})
KEYS = KeySet([ECKey.import_key(KEY.as_dict(private=False))])
RSA = RSAKey.generate_key(2048, {"kid": "one"})
AT = int(START.timestamp())
CLAIMS: dict[str, Any] = {
    "iss": ISSUER,
    "aud": CLIENT,
    "sub": "a subject",
    "nonce": "the nonce",
    "iat": AT,
    "exp": AT + 300,
    "amr": ["pwd", "mfa"],
    "email": "Rowan@bromley.example",
    "email_verified": True,
    "name": "Rowan Example",
}


def token(*, key: Any = KEY, alg: str = "ES256", without: tuple[str, ...] = (), **changes: Any) -> str:
    claims = {name: value for name, value in {**CLAIMS, **changes}.items() if name not in without}
    return jwt.encode({"alg": alg, "kid": "one"}, claims, key, algorithms=[alg])


def signed_with_the_public_key() -> str:
    """HS256 by what everybody can fetch: the confusion that algorithms are listed against (RFC 8725, 2.1)."""
    parts = [json.dumps(one).encode() for one in ({"alg": "HS256", "kid": "one"}, CLAIMS)]
    said = b".".join(urlsafe_b64encode(one).rstrip(b"=") for one in parts)
    mac = hmac.digest(KEY.as_pem(private=False), said, hashlib.sha256)
    return (said + b"." + urlsafe_b64encode(mac).rstrip(b"=")).decode()


def refused(text: str, provider: Provider = PROVIDER, keys: KeySet = KEYS) -> str:
    with pytest.raises(SignInRefused) as found:
        identity_of(provider, text, keys, nonce="the nonce", now=START)
    return found.value.reason


def test_a_token_for_us_and_for_this_try_says_who_signed_in() -> None:
    found = identity_of(PROVIDER, token(), KEYS, nonce="the nonce", now=START)
    assert (found.subject, found.email, found.name) == ("a subject", "Rowan@bromley.example", "Rowan Example")
    for changes in ({"aud": [CLIENT]}, {"aud": [CLIENT, "other"], "azp": CLIENT}, {"exp": AT - 59}, {"name": 7}):
        assert identity_of(PROVIDER, token(**changes), KEYS, nonce="the nonce", now=START).subject == "a subject"
    rsa = KeySet([RSAKey.import_key(RSA.as_dict(private=False))])
    assert identity_of(PROVIDER, token(key=RSA, alg="PS256"), rsa, nonce="the nonce", now=START).email is not None


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": f"{ISSUER}/"},
        {"aud": "other"},
        {"aud": [CLIENT, "other"]},
        {"aud": [CLIENT, "other"], "azp": "other"},
        {"azp": "other"},
        {"nonce": "another"},
        {"nonce": None},
        {"exp": AT - 61},
        {"exp": "tomorrow"},
        {"exp": True},
        {"iat": AT + 3600},
        {"iat": AT - 3600},
        {"iat": 10**400},  # of which no float can be made
        {"sub": ""},
        {"sub": 7},
        {"sub": "s" * 256},
        *({"without": (name,)} for name in ("iss", "aud", "sub", "nonce", "iat", "exp")),
    ],
    ids=str,
)
def test_any_other_token_says_nothing(changes: Any) -> None:
    assert refused(token(**changes)) == "token"


def test_a_token_that_is_not_signed_by_a_key_of_the_provider_says_nothing() -> None:
    head, body, signature = token().split(".")
    stranger = ECKey.generate_key("P-256", {"kid": "one"})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SecurityWarning)
        none = jwt.encode({"alg": "none"}, CLAIMS, OctKey.import_key(b"x" * 32), algorithms=["none"])
    for text in (
        token(key=stranger),
        f"{head}.{body}.",
        f"{head}.{body}x.{signature}",
        none,
        signed_with_the_public_key(),
        "",
        "a.b.c",
        "é.é.é",
        f"{head}.{body}",
    ):
        assert refused(text) == "token", text


def test_a_second_factor_is_said_unless_the_operator_knows_better() -> None:
    for changes in ({"amr": ["pwd"]}, {"amr": "mfa"}, {"without": ("amr",)}):
        assert refused(token(**changes)) == "second_factor"
        trusted = replace(PROVIDER, second_factor="trusted")
        assert identity_of(trusted, token(**changes), KEYS, nonce="the nonce", now=START).subject
    contexts = replace(PROVIDER, acr=("gold", "silver"))
    assert refused(token(), replace(contexts, second_factor="trusted")) == "second_factor"
    assert refused(token(), contexts) == refused(token(acr="bronze"), contexts) == "second_factor"
    assert identity_of(contexts, token(acr="silver", amr=[]), KEYS, nonce="the nonce", now=START).subject


@pytest.mark.parametrize(
    "changes",
    [
        {"email_verified": False},
        {"email_verified": "false"},
        {"without": ("email_verified",)},
        {"without": ("email",)},
        {"email": "rowan@camden.example"},
        {"email": "rowan@sub.bromley.example"},
        {"email": "rowan@bromley.example.camden.example"},
        {"email": "no address"},
        {"email": ["rowan@bromley.example"]},
    ],
    ids=str,
)
def test_an_address_counts_only_if_it_is_verified_and_of_a_domain_of_the_organisation(changes: Any) -> None:
    assert identity_of(PROVIDER, token(**changes), KEYS, nonce="the nonce", now=START).email is None
    entra = replace(PROVIDER, verified_claim="xms_edov")
    for value, counts in ((1, True), ("1", True), (True, True), (0, False), ("", False)):
        found = identity_of(entra, token(xms_edov=value), KEYS, nonce="the nonce", now=START)
        assert (found.email is not None) == counts


def test_a_state_is_for_one_browser_one_organisation_and_ten_minutes() -> None:
    state = new_state(SECRET, BROMLEY, "cookie", "/notices?q=a+name", b"n" * 16, START)
    assert read_state(SECRET, BROMLEY, "cookie", state, START) == ("/notices", START + LIVES)
    for wrong in (
        (OTHER, BROMLEY, "cookie", state, START),
        (SECRET, "E09000007", "cookie", state, START),
        (SECRET, BROMLEY, "another", state, START),
        (SECRET, BROMLEY, "cookie", state, START + LIVES),
        (SECRET, BROMLEY, "cookie", state, START - timedelta(seconds=2)),
        (SECRET, BROMLEY, "cookie", state[:-1], START),
        (SECRET, BROMLEY, "cookie", f"{state}!", START),
        (SECRET, BROMLEY, "cookie", f"{state}=", START),
        (SECRET, BROMLEY, "cookie", "AB"[state[0] == "A"] + state[1:], START),
        (SECRET, BROMLEY, "cookie", "é", START),
        (SECRET, BROMLEY, "cookie", "", START),
    ):
        with pytest.raises(SignInRefused) as found:
            read_state(*wrong)
        assert found.value.reason == "state"
    assert len({nonce_of(SECRET, state), verifier(SECRET, state), nonce_of(SECRET, "b"), verifier(OTHER, state)}) == 4


def test_what_is_asked_hides_the_verifier_and_bears_the_rest() -> None:
    place = replace(METADATA, authorization_endpoint=f"{ISSUER}/authorize?tenant=1")
    provider = replace(PROVIDER, acr=("gold", "silver"))
    address = asked(provider, place, secret=SECRET, state="the-state", redirect_uri="https://hub.example/back")
    assert address.startswith(f"{ISSUER}/authorize?tenant=1&response_type=code&client_id=fingerpost&")
    assert "acr_values=gold+silver" in address and "code_challenge_method=S256" in address
    assert verifier(SECRET, "the-state") not in address and "secret" not in address


def test_an_answer_of_another_provider_or_without_a_code_is_none() -> None:
    naming = replace(METADATA, names_itself=True)
    assert code_of(PROVIDER, METADATA, {"code": "c"}) == code_of(PROVIDER, naming, {"code": "c", "iss": ISSUER}) == "c"
    for metadata, answer, reason in (
        (naming, {"code": "c"}, "mix_up"),
        (METADATA, {"code": "c", "iss": "https://other.example"}, "mix_up"),
        (METADATA, {"error": "access_denied", "code": "c"}, "denied"),
        (METADATA, {}, "denied"),
    ):
        with pytest.raises(SignInRefused) as found:
            code_of(PROVIDER, metadata, answer)
        assert found.value.reason == reason


def test_a_document_has_to_be_the_issuers_own() -> None:
    document = {
        "issuer": ISSUER,
        "authorization_endpoint": f"{ISSUER}/authorize",
        "token_endpoint": f"{ISSUER}/token",
        "jwks_uri": f"{ISSUER}/keys",
    }
    assert metadata_of(document, ISSUER) == METADATA
    post = metadata_of({**document, "token_endpoint_auth_methods_supported": ["client_secret_post"]}, ISSUER)
    assert not post.basic
    for changes in (
        {"issuer": f"{ISSUER}/"},
        {"jwks_uri": None},
        {"token_endpoint": ["x"]},
        {"token_endpoint_auth_methods_supported": ["private_key_jwt"]},
    ):
        with pytest.raises(ValueError, match=r"document|secret"):
            metadata_of({**document, **changes}, ISSUER)


def test_what_an_operator_enters_is_checked() -> None:
    assert problems_with(PROVIDER) == ()
    bad = replace(PROVIDER, issuer=f"{ISSUER}?a=b", client_id="", client_secret="", domains=("nonsense",))
    assert len(problems_with(bad)) == 4 and len(problems_with(replace(PROVIDER, domains=()))) == 1
    assert "secret" not in repr(PROVIDER)
