"""Who may see data: bearer tokens with scopes, of which the hub keeps only a hash.

Every use is looked up in the store, and nothing is remembered of it: what is revoked on one node is dead on all with
the next request. The one exception is reading metrics while the store is away, see :data:`METRICS_GRACE`.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hmac import compare_digest
from typing import Final, Literal

from hub.core.api_tokens import Refused, Scope, Token, TokenSecret, digest, ended
from hub.service.ports import Clock, Store, StoreUnavailable
from hub.service.tokens.using import Usage

METRICS_GRACE: Final = timedelta(minutes=5)
"""So long a token that read the metrics goes on reading them while the store cannot be asked about it: that is when
somebody looks at them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """The bearer may. ``name`` is the token's, with its organisation's code before it (:attr:`Token.label`)."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Denied:
    """The bearer may not: ``scope`` and ``organisation`` are 403, ``slow`` is 429, all others 401."""

    reason: Literal["missing", "slow"] | Refused


def organisation_code(text: str) -> bool:
    """Whether this may be an organisation's code: ``E09000006``, ``E23000001``, ``school:100000``, ``home-office``."""
    return re.fullmatch(r"[A-Za-z0-9:-]{1,64}", text) is not None


def bearer(header: str | None) -> str | None:
    """The token of an ``Authorization: Bearer …`` header (RFC 6750, 2.1), if it is one."""
    scheme, _, token = (header or "").partition(" ")
    token = token.strip()
    return token if scheme.lower() == "bearer" and token else None


class Access:
    """Checks presented tokens against those in the store. Raises StoreUnavailable where it is away."""

    def __init__(self, store: Store, clock: Clock, usage: Usage) -> None:
        self._store = store
        self._clock = clock
        self._usage = usage
        self._metrics: dict[bytes, tuple[Token, datetime]] = {}

    async def check(
        self,
        presented: str | None,
        scope: Scope,
        organisation: str | None = None,
        *,
        certificate: bytes | None = None,
        slow: Callable[[], bool] = lambda: False,
    ) -> Granted | Denied:
        """May the bearer of ``presented`` do what needs ``scope``, with the data of ``organisation``?

        A token that is bound to an organisation opens what belongs to that one and nothing else.
        """
        known = await self.known(presented, scope, certificate=certificate, slow=slow)
        if isinstance(known, Denied):
            return known
        if known.organisation != organisation:
            return self._denied("organisation", known)
        return Granted(name=known.label)

    async def known(
        self,
        presented: str | None,
        scope: Scope,
        *,
        certificate: bytes | None = None,
        slow: Callable[[], bool] = lambda: False,
    ) -> Token | Denied:
        """The token, if it has ``scope``: for what is narrowed down to its organisation afterwards.

        ``certificate``: SHA-256 of the client certificate that the connection was made with. ``slow``: whether whoever
        asks has shown too many tokens that are none; then only those that were good a while ago are looked up at all.
        """
        if presented is None:
            return Denied(reason="missing")
        mine, now = digest(presented), self._clock.now()
        if slow() and not self._usage.recently(mine, now):
            return Denied(reason="slow")
        try:
            found = await self._store.read(lambda unit: unit.tokens.by_digest(mine))
        except StoreUnavailable:
            kept = self._metrics.get(mine)
            if scope != "metrics:read" or kept is None or not timedelta(0) <= now - kept[1] < METRICS_GRACE:
                raise
            return kept[0] if self._bound(kept[0], certificate) else Denied(reason="certificate")
        refused = self._refusal(found, certificate, now)
        if found is None or refused is not None:
            self._metrics.pop(mine, None)
            return self._denied(refused or "unknown", None if found is None else found[0])
        token, secret = found
        if scope not in token.scopes:
            return self._denied("scope", token)
        self._usage.used(secret, now)
        if scope == "metrics:read":
            self._metrics[mine] = token, now
        return token

    def _refusal(
        self, found: tuple[Token, TokenSecret] | None, certificate: bytes | None, now: datetime
    ) -> Refused | None:
        """Why this opens nothing at all."""
        if found is None:
            return "unknown"
        token, secret = found
        if token.revoked_at is not None:
            return "revoked"
        if ended(secret, now):
            return "expired"
        return None if self._bound(token, certificate) else "certificate"

    @staticmethod
    def _bound(token: Token, certificate: bytes | None) -> bool:
        return token.certificate is None or compare_digest(token.certificate, certificate or b"")

    def _denied(self, reason: Refused, token: Token | None) -> Denied:
        self._usage.refused(token, reason)
        return Denied(reason=reason)
