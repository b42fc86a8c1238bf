"""Who may see data: bearer tokens with scopes, of which the hub keeps only a hash."""

import hashlib
import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

Scope = Literal["episodes:read", "metrics:read"]
SCOPES: tuple[Scope, ...] = ("episodes:read", "metrics:read")
PREFIX = "fpt_"
"""Lets secret scanners know a token that got somewhere it should not be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """One token on file. A token is random (at least 128 bits), so a plain SHA-256 is enough."""

    name: str
    scopes: frozenset[str]
    sha256: bytes = field(repr=False)
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """The bearer may. ``name`` is the operator's name for the token."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Denied:
    """The bearer may not: ``missing`` and ``unknown`` are 401, ``scope`` is 403."""

    reason: Literal["missing", "unknown", "scope"]


def digest(token: str) -> bytes:
    """What is kept of a token."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()


def bearer(header: str | None) -> str | None:
    """The token of an ``Authorization: Bearer …`` header (RFC 6750, 2.1), if it is one."""
    scheme, _, token = (header or "").partition(" ")
    token = token.strip()
    return token if scheme.lower() == "bearer" and token else None


class Access:
    """Checks presented tokens against those on file (read anew each time: a revoked one is dead at once)."""

    def __init__(self, tokens: Callable[[], Sequence[Token]]) -> None:
        self._tokens = tokens

    def check(self, presented: str | None, scope: Scope) -> Granted | Denied:
        """May the bearer of ``presented`` do what needs ``scope``?"""
        if presented is None:
            return Denied(reason="missing")
        mine = digest(presented)
        known: Token | None = None
        for token in self._tokens():
            # No early end: how long it takes says nothing about which token came close.
            if hmac.compare_digest(token.sha256, mine):
                known = token
        if known is None:
            return Denied(reason="unknown")
        if scope not in known.scopes:
            return Denied(reason="scope")
        return Granted(name=known.name)
