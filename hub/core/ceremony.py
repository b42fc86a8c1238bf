"""What a browser is asked for to make and use passkeys, and whether its answer counts (WebAuthn level 2).

Apart from the passkeys themselves, as few who know of those need the library, and it takes its time to load.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

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

from hub.core.passkeys import LIVES, Passkey, PasskeyRefused, RelyingParty

LONGEST_ANSWER: Final = 12_000
"""Characters."""
_TIMEOUT: Final = int(LIVES.total_seconds() * 1000)
_UNSIGNED: Final = frozenset({AttestationFormat.NONE, AttestationFormat.PACKED})
"""What browsers hand over where no attestation was asked for (8.1.1); the parsers of all others are not reached."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a browser sent, read and not yet believed."""

    text: str = field(repr=False)
    credential: bytes = field(repr=False)
    challenge: bytes = field(repr=False)
    user: str | None
    """User.id as the authenticator keeps it (user handle); None where none came, as when a passkey is made."""


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
