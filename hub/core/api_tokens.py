"""API tokens: what one opens, until when, and when its end is warned of. Pure.

A token has one secret, and while it is rotated two. Of a secret only the SHA-256 is kept: it is random (256 bits), so a
slow hash would add nothing.
"""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal, get_args

from contacts.roles import OPERATOR
from hub.core.accounts import CONSOLE, Viewer, may

Scope = Literal[
    "conversations:read",
    "conversations:write",
    "directory:read",
    "directory:write",
    "episodes:read",
    "metrics:read",
    "outbox:write",
    "receipts:write",
    "register:read",
]
SCOPES: Final[tuple[Scope, ...]] = get_args(Scope)
REGISTER: Final[Scope] = "register:read"
"""Shows names, so that a token with it is always bound to the one organisation whose register it opens."""
CONVERSATIONS: Final[frozenset[Scope]] = frozenset({"conversations:read", "conversations:write"})
"""A token with these reads and writes for the desks that it names, of the one organisation that it is bound to."""
DIRECTORY: Final[frozenset[Scope]] = frozenset({"directory:read", "directory:write"})
"""A token with these opens the entries of its organisation; the operator's, which names none, those of all."""
PREFIX: Final = "fpt_"
"""Lets secret scanners know a token that got somewhere it should not be."""
STEPS: Final = (30, 7, 1, 0)
"""Days before its end at which a token is warned of; at 0 it has ended."""
LONGEST_OVERLAP: Final = timedelta(days=30)
Refused = Literal["unknown", "revoked", "expired", "certificate", "scope", "organisation"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """One token on file."""

    id: str
    name: str
    """Of its organisation's tokens that are not revoked, no other has it."""
    scopes: frozenset[str]
    created_at: datetime
    organisation: str | None = None
    """Whose data it opens; None is the operator's token, which opens no register."""
    person: str | None = None
    """User.id of who uses it, where that is known: what it proposes they do not approve themselves."""
    desks: frozenset[str] = frozenset()
    """For which desks of its organisation it takes part in conversations (hub/core/desk.py: known_desks)."""
    certificate: bytes | None = None
    """SHA-256 of the client certificate without which it opens nothing (RFC 8705, 3)."""
    revoked_at: datetime | None = None

    @property
    def label(self) -> str:
        """Its name as the audit log has it: two organisations may have tokens of one name."""
        return self.name if self.organisation is None else f"{self.organisation}/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenSecret:
    """What a token is presented by."""

    token: str
    digest: bytes = field(repr=False)
    made_at: datetime
    ends_at: datetime
    organisation: str | None = None
    """The token's."""
    used_at: datetime | None = None
    """To the minute."""
    warned: int | None = None
    """The newest of :data:`STEPS` that was taken."""
    alarm: str | None = None
    """AlarmRecord.id of that step."""
    over: bool = False
    """Its end was written down; a clock that is set back does not bring it back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A token with its secrets, the newest first."""

    token: Token
    secrets: Sequence[TokenSecret]

    @property
    def newest(self) -> TokenSecret:
        """The one that it goes on by."""
        return self.secrets[0]

    @property
    def used_at(self) -> datetime | None:
        """When any of them was used last."""
        return max((one.used_at for one in self.secrets if one.used_at is not None), default=None)


def digest(token: str) -> bytes:
    """What is kept of a secret."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()


def ended(secret: TokenSecret, now: datetime) -> bool:
    """Whether it opens nothing any more."""
    return secret.over or now >= secret.ends_at


def step_now(secret: TokenSecret, now: datetime) -> int | None:
    """The step that is to be taken now; None while there is none, or it was taken."""
    left = secret.ends_at - now
    reached = [step for step in STEPS if left <= timedelta(days=step)]
    if not reached or (secret.warned is not None and min(reached) >= secret.warned):
        return None
    return min(reached)


def offered(viewer: Viewer, organisation: str | None) -> tuple[Scope, ...]:
    """The scopes that ``viewer`` may give a token of ``organisation`` (None: the operator's own): nobody makes a token
    that opens what they may not see or do themselves. Whoever holds the machine may give all."""
    if not may(viewer, "tokens:manage", OPERATOR if organisation is None else organisation):
        return ()
    return tuple(one for one in fitting(organisation) if viewer == CONSOLE or _may_itself(viewer, one, organisation))


def _may_itself(viewer: Viewer, scope: Scope, organisation: str | None) -> bool:
    of = OPERATOR if organisation is None else organisation
    match scope:
        case "directory:read":
            return may(viewer, "directory:see", of)
        case "directory:write":
            return may(viewer, "directory:change", of)
        case "conversations:read" | "register:read":
            return may(viewer, "notices:see", of)
        case "conversations:write":
            return may(viewer, "notices:answer", of)
        case "episodes:read" | "metrics:read" | "outbox:write" | "receipts:write":
            return may(viewer, "hub:see", of)


def fitting(organisation: str | None) -> tuple[Scope, ...]:
    """The scopes that a token of an organisation may have, and those that the operator's may (None)."""
    if organisation is None:
        return tuple(one for one in SCOPES if one != REGISTER and one not in CONVERSATIONS)
    return tuple(one for one in SCOPES if one == REGISTER or one in CONVERSATIONS | DIRECTORY)


def alone(scopes: Collection[str]) -> bool:
    """Whether these go together: what shows names goes with nothing else."""
    wanted = set(scopes)
    return wanted <= {REGISTER} or wanted <= CONVERSATIONS or wanted.isdisjoint({REGISTER, *CONVERSATIONS})


def desks_fit(scopes: Collection[str], desks: Collection[str]) -> bool:
    """Whether a token with these scopes names the desks that it needs, and no others."""
    return CONVERSATIONS.isdisjoint(scopes) is not bool(desks)
