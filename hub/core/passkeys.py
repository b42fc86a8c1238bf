"""Passkeys (WebAuthn level 2): what a browser is asked for, and whether its answer counts.

A passkey is found by itself (discoverable) and its holder is verified by their device, so it stands in for password and
code together (ADR 0017). A challenge is not stored: it bears its end and a MAC over what it is for and the browser that
asked, so that a visitor can fill no table; only one that was answered is kept until then, so that it counts once.
"""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import (
    options_to_json_dict,
    parse_attestation_object,
    parse_authentication_credential_json,
    parse_client_data_json,
    parse_registration_credential_json,
)
from webauthn.helpers.structs import (
    AttestationFormat,
    AuthenticatorSelectionCriteria,
    CredentialDeviceType,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

Purpose = Literal["sign_in", "confirm", "add"]
Reason = Literal[
    "unreadable", "challenge", "replayed", "unknown", "other_user", "not_verified", "account", "taken", "attestation"
]
"""Why an answer does not count; for the audit log, never for a page."""

LIVES: Final = timedelta(minutes=5)
"""How long a challenge may be answered."""
NONCE_BYTES: Final = 16
MOST: Final = 10
"""Passkeys of one user."""
LONGEST_ANSWER: Final = 12_000
_MAC_BYTES: Final = 32
_TIMEOUT: Final = int(LIVES.total_seconds() * 1000)
_UNSIGNED: Final = frozenset({AttestationFormat.NONE, AttestationFormat.PACKED})
"""What browsers hand over where no attestation was asked for (8.1.1); the parsers of all others are not reached."""


class PasskeyRefused(Exception):
    """The answer of an authenticator does not count."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(f"passkey refused: {reason}")
        self.reason: Reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class RelyingParty:
    """Whom passkeys are made for: a host name, and the one origin that may ask for them."""

    id: str
    origin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Passkey:
    """One of a user's. ``public_key`` is a COSE key, ``credential`` the authenticator's own id of it."""

    id: str
    user: str
    organisation: str
    credential: bytes = field(repr=False)
    public_key: bytes = field(repr=False)
    name: str = field(repr=False)
    """The holder's own name for it."""
    sign_count: int
    """How often it says that it was used; 0 for ever from those that are kept in step over several devices."""
    synced: bool
    """Whether it may leave its device (backup eligibility, BE); that never changes."""
    backed_up: bool
    """Whether it has (backup state, BS)."""
    created_at: datetime
    used_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a browser sent, read and not yet believed."""

    text: str = field(repr=False)
    credential: bytes = field(repr=False)
    challenge: bytes = field(repr=False)
    user: str | None
    """User.id as the authenticator keeps it (user handle); None where none came, as when a passkey is made."""


def relying_party(public_url: str) -> RelyingParty | None:
    """The hub at this address; None where browsers make no passkeys: for an IP address, and in clear but on this
    machine (5.1.3, step 7)."""
    parts = urlsplit(public_url)
    host = parts.hostname or ""
    if parts.scheme != "https" and host != "localhost":
        return None
    try:
        ip_address(host)
    except ValueError:
        return RelyingParty(id=host, origin=f"{parts.scheme}://{parts.netloc}") if host else None
    return None


# challenges
def new_challenge(secret: bytes, purpose: Purpose, browser: str, nonce: bytes, now: datetime) -> bytes:
    """A challenge for the browser with this cookie, good for :data:`LIVES` and one purpose. ``nonce``: 16 random
    bytes."""
    head = nonce + int((now + LIVES).timestamp()).to_bytes(8)
    return head + _mac(secret, purpose, browser, head)


def challenge_ends(secret: bytes, purpose: Purpose, browser: str, challenge: bytes, now: datetime) -> datetime:
    """When this challenge ends. Raises PasskeyRefused if it is none of ours for this purpose and browser, or over."""
    head, mac = challenge[:-_MAC_BYTES], challenge[-_MAC_BYTES:]
    if len(head) != NONCE_BYTES + 8 or not hmac.compare_digest(mac, _mac(secret, purpose, browser, head)):
        raise PasskeyRefused("challenge")
    ends = datetime.fromtimestamp(int.from_bytes(head[NONCE_BYTES:]), UTC)
    if not ends - LIVES - timedelta(seconds=1) <= now < ends:
        raise PasskeyRefused("challenge")
    return ends


def _mac(secret: bytes, purpose: Purpose, browser: str, head: bytes) -> bytes:
    cookie = hashlib.sha256(browser.encode("utf-8", "replace")).digest()
    return hmac.digest(secret, b"passkey\0" + purpose.encode() + b"\0" + cookie + head, hashlib.sha256)


# what a browser is asked for
def request_options(party: RelyingParty, challenge: bytes, allowed: Sequence[Passkey] = ()) -> dict[str, Any]:
    """``PublicKeyCredentialRequestOptionsJSON``. Without ``allowed`` the browser offers what it has for this site."""
    return options_to_json_dict(
        generate_authentication_options(
            rp_id=party.id,
            challenge=challenge,
            timeout=_TIMEOUT,
            allow_credentials=_described(allowed),
            user_verification=UserVerificationRequirement.REQUIRED,
        )
    )


def creation_options(
    party: RelyingParty, challenge: bytes, *, user: str, called: str, there: Sequence[Passkey]
) -> dict[str, Any]:
    """``PublicKeyCredentialCreationOptionsJSON``: a passkey that is found by itself and verifies its holder. ``user``:
    User.id; ``called``: what the browser shows, the address; ``there``: those of which it makes no second."""
    return options_to_json_dict(
        generate_registration_options(
            rp_id=party.id,
            rp_name="Fingerpost",
            user_id=user.encode(),
            user_name=called,
            user_display_name=called,
            challenge=challenge,
            timeout=_TIMEOUT,
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED,
                require_resident_key=True,
                user_verification=UserVerificationRequirement.REQUIRED,
            ),
            exclude_credentials=_described(there),
        )
    )


def _described(passkeys: Sequence[Passkey]) -> list[PublicKeyCredentialDescriptor]:
    return [PublicKeyCredentialDescriptor(id=one.credential) for one in passkeys]


# what it answers
def read_assertion(text: str) -> Answer:
    """The answer of a passkey that is there. Raises PasskeyRefused."""
    if len(text) > LONGEST_ANSWER:
        raise PasskeyRefused("unreadable")
    try:
        found = parse_authentication_credential_json(text)
        challenge = _challenge(found.response.client_data_json)
        handle = found.response.user_handle
        return Answer(
            text=text,
            credential=found.raw_id,
            challenge=challenge,
            user=None if handle is None else handle.decode("ascii"),
        )
    except Exception as error:  # what its parsers raise over hostile input is in no list
        raise PasskeyRefused("unreadable") from error


def read_registration(text: str) -> Answer:
    """The answer of a passkey that was just made. Raises PasskeyRefused."""
    if len(text) > LONGEST_ANSWER:
        raise PasskeyRefused("unreadable")
    try:
        found = parse_registration_credential_json(text)
        challenge = _challenge(found.response.client_data_json)
        attested = parse_attestation_object(found.response.attestation_object)
    except Exception as error:  # as above
        raise PasskeyRefused("unreadable") from error
    if attested.fmt not in _UNSIGNED or attested.att_stmt.x5c:
        raise PasskeyRefused("attestation")
    return Answer(text=text, credential=found.raw_id, challenge=challenge, user=None)


def _challenge(client_data: bytes) -> bytes:
    found = parse_client_data_json(client_data)
    if found.cross_origin:
        raise ValueError("asked for inside a page of somebody else")
    return found.challenge


def used(answer: Answer, passkey: Passkey, party: RelyingParty, now: datetime, *, by: str | None = None) -> Passkey:
    """The passkey after it was used: signed by its key, for this site, its holder verified, its count not set back.

    ``answer.challenge`` was found to be ours before (:func:`challenge_ends`). ``by``: User.id of whoever was asked for
    one of theirs; then some authenticators do not say whose it is (7.2, step 6). Raises PasskeyRefused.
    """
    says = answer.user or by
    if says != passkey.user or (by is not None and by != passkey.user):
        raise PasskeyRefused("other_user")
    try:
        verified = verify_authentication_response(
            credential=answer.text,
            expected_challenge=answer.challenge,
            expected_rp_id=party.id,
            expected_origin=party.origin,
            credential_public_key=passkey.public_key,
            credential_current_sign_count=passkey.sign_count,
            require_user_verification=True,
        )
    except Exception as error:  # as above
        raise PasskeyRefused("not_verified") from error
    if _synced(verified.credential_device_type) != passkey.synced:
        raise PasskeyRefused("not_verified")
    return replace(passkey, sign_count=verified.new_sign_count, backed_up=verified.credential_backed_up, used_at=now)


def made(
    answer: Answer, party: RelyingParty, *, id: str, user: str, organisation: str, name: str, now: datetime
) -> Passkey:
    """The passkey that was made. Raises PasskeyRefused."""
    try:
        verified = verify_registration_response(
            credential=answer.text,
            expected_challenge=answer.challenge,
            expected_rp_id=party.id,
            expected_origin=party.origin,
            require_user_verification=True,
        )
    except Exception as error:  # as above
        raise PasskeyRefused("not_verified") from error
    return Passkey(
        id=id,
        user=user,
        organisation=organisation,
        credential=verified.credential_id,
        public_key=verified.credential_public_key,
        name=name,
        sign_count=verified.sign_count,
        synced=_synced(verified.credential_device_type),
        backed_up=verified.credential_backed_up,
        created_at=now,
    )


def _synced(kind: CredentialDeviceType) -> bool:
    return kind is CredentialDeviceType.MULTI_DEVICE
