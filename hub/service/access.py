"""Who may see data: bearer tokens with scopes, of which the hub keeps only a hash."""

import hashlib
import hmac
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, get_args

Scope = Literal[
    "directory:read",
    "directory:write",
    "episodes:read",
    "metrics:read",
    "outbox:write",
    "receipts:write",
    "register:read",
]
SCOPES: tuple[Scope, ...] = get_args(Scope)
REGISTER: Scope = "register:read"
"""Shows names, so that a token with it is always bound to the one organisation whose register it opens."""
DIRECTORY: frozenset[Scope] = frozenset({"directory:read", "directory:write"})
"""A token with these opens the entries of its organisation; the operator's, which names none, those of all."""
PREFIX = "fpt_"
"""Lets secret scanners know a token that got somewhere it should not be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """One token on file. A token is random (at least 128 bits), so a plain SHA-256 is enough."""

    name: str
    scopes: frozenset[str]
    sha256: bytes = field(repr=False)
    created_at: datetime
    organisation: str | None = None
    """Whose data it opens; None is the operator's token, which opens no register."""
    person: str | None = None
    """User.id of who uses it, where that is known: what it proposes they do not approve themselves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """The bearer may. ``name`` is the operator's name for the token."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Denied:
    """The bearer may not: ``missing`` and ``unknown`` are 401, ``scope`` and ``organisation`` are 403."""

    reason: Literal["missing", "unknown", "scope", "organisation"]


def organisation_code(text: str) -> bool:
    """Whether this may be an organisation's code: ``E09000006``, ``E23000001``, ``school:100000``, ``home-office``."""
    return re.fullmatch(r"[A-Za-z0-9:-]{1,64}", text) is not None


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

    def check(self, presented: str | None, scope: Scope, organisation: str | None = None) -> Granted | Denied:
        """May the bearer of ``presented`` do what needs ``scope``, with the data of ``organisation``?

        A token that is bound to an organisation opens what belongs to that one and nothing else.
        """
        known = self.known(presented, scope)
        if isinstance(known, Denied):
            return known
        return Granted(name=known.name) if known.organisation == organisation else Denied(reason="organisation")

    def known(self, presented: str | None, scope: Scope) -> Token | Denied:
        """The token on file, if it has ``scope``: for what is narrowed down to its organisation afterwards."""
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
        return known
