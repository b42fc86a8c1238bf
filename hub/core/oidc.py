"""OpenID Connect (Core 1.0): what a council's identity provider is asked, and what it answers (hub/core/id_tokens.py).

Nothing is kept between the two. The state is for one browser and organisation (hub/core/handed_back.py) and says where
to go on to; the nonce and PKCE's verifier are derived from it under the hub's secret.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Literal
from urllib.parse import urlencode, urlsplit

from contacts.addresses import AddressProblem, parse_email
from hub.core.handed_back import NotOurs, given, handed_back

SecondFactor = Literal["claimed", "trusted"]
"""``claimed``: each ID token has to say that there was one; ``trusted``: the provider lets nobody through without, as
the operator has been told."""
Reason = Literal[
    "state", "denied", "mix_up", "away", "token", "second_factor", "address", "unknown", "other_account", "account"
]
"""Why somebody does not get in; for the audit log."""

LIVES: Final = timedelta(minutes=10)
"""How long somebody may take over there."""
NONCE_BYTES: Final = 16
SCOPE: Final = "openid profile email"


class SignInRefused(Exception):
    """Nobody gets in by this answer."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(f"sign-in refused: {reason}")
        self.reason: Reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """The identity provider of one organisation, as its operator was told."""

    organisation: str
    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    domains: tuple[str, ...]
    """Right sides of the addresses that its people have, in lower case."""
    email_claim: str = "email"
    verified_claim: str = "email_verified"
    """What says that the address is the person's own."""
    second_factor: SecondFactor = "claimed"
    acr: tuple[str, ...] = ()
    """Authentication contexts that are asked for, any of which says that there was a second factor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """What a provider says of itself (Discovery 1.0, 3), as far as it is used."""

    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    basic: bool
    """Whether the client's secret goes into a header; else into the form."""
    names_itself: bool
    """Whether its answers say whose they are (RFC 9207)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who signed in over there."""

    subject: str = field(repr=False)
    email: str | None = field(repr=False)
    """Only one that they have shown to be theirs, of a domain of the organisation."""
    name: str | None = field(repr=False)


# what is asked
def new_state(secret: bytes, organisation: str, browser: str, onward: str, nonce: bytes, now: datetime) -> str:
    """The state of one try by the browser with this cookie; ``onward``: a path to go on to, without its query."""
    content = nonce + urlsplit(onward).path.encode("ascii")
    return _text(given(secret, _about("state", organisation), browser, content, now + LIVES))


def read_state(secret: bytes, organisation: str, browser: str, state: str, now: datetime) -> tuple[str, datetime]:
    """Where to go on to, and when the try ends. Raises SignInRefused for a state that is none of ours for this
    organisation and browser, or over."""
    content, ends = _read(secret, _about("state", organisation), browser, state, now)
    return content[NONCE_BYTES:].decode("ascii"), ends


def new_consent(
    secret: bytes, organisation: str, browser: str, user: str, identity: tuple[str, str], now: datetime
) -> str:
    """What this browser hands in to have a user's account opened by nothing but an identity (issuer, subject)."""
    content = json.dumps([user, *identity]).encode()
    return _text(given(secret, _about("consent", organisation), browser, content, now + LIVES))


def read_consent(
    secret: bytes, organisation: str, browser: str, consent: str, now: datetime
) -> tuple[str, tuple[str, str], datetime]:
    """The user, the identity, and when it ends. Raises SignInRefused, as :func:`read_state` does."""
    content, ends = _read(secret, _about("consent", organisation), browser, consent, now)
    user, issuer, subject = json.loads(content)
    return user, (issuer, subject), ends


def _about(what: Literal["state", "consent"], organisation: str) -> bytes:
    return f"oidc {what}\0{organisation}".encode()


def _read(secret: bytes, purpose: bytes, browser: str, text: str, now: datetime) -> tuple[bytes, datetime]:
    try:
        raw = base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
        if _text(raw) != text:  # decoding leaves out what does not belong, and a try must have one name
            raise NotOurs
        return handed_back(secret, purpose, browser, raw, lives=LIVES, now=now)
    except ValueError:
        raise SignInRefused("state") from None


def asked(provider: Provider, metadata: Metadata, *, secret: bytes, state: str, redirect_uri: str) -> str:
    """Where the browser is sent (Core 1.0, 3.1.2.1; PKCE by S256, RFC 7636)."""
    challenge = hashlib.sha256(verifier(secret, state).encode()).digest()
    fields = {
        "response_type": "code",
        "client_id": provider.client_id,
        "redirect_uri": redirect_uri,
        "scope": SCOPE,
        "state": state,
        "nonce": nonce_of(secret, state),
        "code_challenge": _text(challenge),
        "code_challenge_method": "S256",
    }
    if provider.acr:
        fields["acr_values"] = " ".join(provider.acr)
    joined = "&" if urlsplit(metadata.authorization_endpoint).query else "?"
    return f"{metadata.authorization_endpoint}{joined}{urlencode(fields)}"


def verifier(secret: bytes, state: str) -> str:
    """PKCE's code verifier of this try: 43 characters that the browser never sees."""
    return _text(hmac.digest(secret, b"oidc verifier\0" + state.encode(), hashlib.sha256))


def nonce_of(secret: bytes, state: str) -> str:
    """The nonce of this try."""
    return _text(hmac.digest(secret, b"oidc nonce\0" + state.encode(), hashlib.sha256))


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


# what a provider says of itself
def metadata_of(document: Mapping[str, Any], issuer: str) -> Metadata:
    """Raises ValueError for a document that is not this issuer's, or cannot do what is needed."""
    if document.get("issuer") != issuer:  # Discovery 1.0, 4.3
        raise ValueError("the document is of another issuer")
    places = {name: document.get(name) for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")}
    if not all(isinstance(value, str) and value for value in places.values()):
        raise ValueError("the document lacks an endpoint")
    methods = document.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
    if not {"client_secret_basic", "client_secret_post"} & set(methods):
        raise ValueError("the provider takes no client secret")
    return Metadata(
        authorization_endpoint=str(places["authorization_endpoint"]),
        token_endpoint=str(places["token_endpoint"]),
        jwks_uri=str(places["jwks_uri"]),
        basic="client_secret_basic" in methods,
        names_itself=document.get("authorization_response_iss_parameter_supported") is True,
    )


# what it answers
def code_of(provider: Provider, metadata: Metadata, answer: Mapping[str, str]) -> str:
    """The code that a browser came back with. Raises SignInRefused."""
    said = answer.get("iss")
    if said != provider.issuer and (said is not None or metadata.names_itself):  # RFC 9207, 2.4
        raise SignInRefused("mix_up")
    if "error" in answer or not answer.get("code"):
        raise SignInRefused("denied")
    return answer["code"]


# what an operator enters
def problems_with(provider: Provider) -> tuple[str, ...]:
    """What is wrong with what was entered, each as a sentence without its full stop."""
    found = []
    if urlsplit(provider.issuer).query or "#" in provider.issuer:  # Discovery 1.0, 3
        found.append("The issuer is an https address without query or fragment")
    if not provider.client_id or not provider.client_id.isprintable():
        found.append("Enter the client id that the provider has given")
    if not provider.client_secret:
        found.append("Enter the client secret that the provider has given")
    if not provider.domains:
        found.append("Give at least one domain of the addresses that may sign in")
    for domain in provider.domains:
        try:
            parse_email(f"somebody@{domain}")
        except AddressProblem:
            found.append(f"{domain} is no domain of addresses")
    return tuple(found)
