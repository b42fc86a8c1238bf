"""Whether an ID token counts, and who signed in by it (OpenID Connect Core 1.0, 3.1.3.7)."""

import hmac
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from contacts.addresses import AddressProblem, parse_email
from hub.core.oidc import Identity, Provider, SignInRefused

ALGORITHMS: Final = ("RS256", "PS256", "ES256")
"""That an ID token may be signed with: never none, never a shared secret."""
LEEWAY: Final = timedelta(seconds=60)
OLDEST: Final = timedelta(minutes=10)
"""Of an ID token that was just fetched."""
LONGEST_SUBJECT: Final = 255
"""Core 1.0, 2."""
_TRUE: Final = (True, "true", 1, "1")
"""As providers write it: Entra's ``xms_edov`` is a string or a number."""


def key_id_of(id_token: str) -> str | None:
    """Which key the token says that it is signed with. Raises SignInRefused."""
    try:
        header: Mapping[str, Any] = jws.extract_compact(id_token.encode("ascii")).headers()
    except Exception as error:  # what comes from elsewhere fails in ways that no list has
        raise SignInRefused("token") from error
    found = header.get("kid")
    return found if isinstance(found, str) else None


def identity_of(provider: Provider, id_token: str, keys: KeySet, *, nonce: str, now: datetime) -> Identity:
    """Who signed in, by an ID token that this provider has just made for us and for this try (Core 1.0, 3.1.3.7).

    Raises SignInRefused.
    """
    try:
        claims = jwt.decode(id_token, keys, algorithms=list(ALGORITHMS)).claims
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise SignInRefused("token") from error
    if not _ours(provider, claims, nonce, now):
        raise SignInRefused("token")
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= LONGEST_SUBJECT:
        raise SignInRefused("token")
    if (provider.acr or provider.second_factor == "claimed") and not _two_factors(provider, claims):
        raise SignInRefused("second_factor")
    name = claims.get("name")
    return Identity(subject=subject, email=_email(provider, claims), name=name if isinstance(name, str) else None)


def _ours(provider: Provider, claims: Mapping[str, Any], nonce: str, now: datetime) -> bool:
    audience = claims.get("aud")
    audiences: Sequence[Any] = audience if isinstance(audience, list) else [audience]
    party = claims.get("azp")
    said = claims.get("nonce")
    off = OLDEST + LEEWAY
    return (
        claims.get("iss") == provider.issuer
        and provider.client_id in audiences
        and (party == provider.client_id or (party is None and len(audiences) == 1))
        and isinstance(said, str)
        and hmac.compare_digest(said.encode("utf-8", "replace"), nonce.encode())
        and _number(claims.get("exp"), lambda at: now.timestamp() - LEEWAY.total_seconds() < at)
        and _number(claims.get("iat"), lambda at: (now - off).timestamp() < at < (now + off).timestamp())
    )


def _number(value: object, holds: Callable[[float], bool]) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and holds(value)


def _two_factors(provider: Provider, claims: Mapping[str, Any]) -> bool:
    if provider.acr:
        return claims.get("acr") in provider.acr
    methods = claims.get("amr")
    return isinstance(methods, list) and "mfa" in methods  # RFC 8176, 2


def _email(provider: Provider, claims: Mapping[str, Any]) -> str | None:
    value = claims.get(provider.email_claim)
    if not isinstance(value, str) or claims.get(provider.verified_claim) not in _TRUE:
        return None
    try:
        address = parse_email(value.strip())
    except AddressProblem:
        return None
    return address if address.rpartition("@")[2].casefold() in provider.domains else None
