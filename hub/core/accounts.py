"""Users and what they may do: one organisation each, roles, and the one rule that everything else asks.

A user belongs to one organisation; the hub's own people to ``operator``. No role reaches beyond its organisation but
that of the operator, and the operator sees no child's details: need to know is not a matter of rank.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal, get_args

from contacts.roles import OPERATOR

Role = Literal["operator", "directory_admin", "recipient", "auditor"]
ROLES: Final[tuple[Role, ...]] = get_args(Role)
Action = Literal[
    "users:see",
    "users:manage",
    "tokens:manage",
    "directory:see",
    "directory:change",
    "directory:approve",
    "notices:see",
    "notices:answer",
    "audit:see",
    "hub:see",
]
"""``users:manage`` is inviting, disabling and starting a recovery; ``tokens`` are those of the API; ``notices`` are
those addressed to an organisation's desks, with what they say; ``hub:see`` is the hub's state over all organisations,
without content."""
UserState = Literal["invited", "active", "recovering", "disabled"]
Purpose = Literal["invitation", "recovery"]

FRESH: Final = timedelta(minutes=5)
"""How long somebody may add and remove passkeys after they have shown who they are."""
INVITED_FOR: Final = timedelta(hours=72)
"""How long a link of an invitation or a recovery works."""

_ADMIN: Final = frozenset[Action](
    {"users:see", "users:manage", "tokens:manage", "directory:see", "directory:change", "directory:approve"}
)
_OWN: Final[Mapping[Role, frozenset[Action]]] = {
    "operator": _ADMIN | {"audit:see", "hub:see"},
    "directory_admin": _ADMIN | {"audit:see"},
    "recipient": frozenset({"directory:see", "notices:see", "notices:answer"}),
    "auditor": frozenset({"users:see", "directory:see", "audit:see"}),
}
"""What a role may do within its own organisation; the operator's in every one."""
REACHING: Final = frozenset[Role]({"operator", "auditor"})
"""The roles of the operator's people that reach every organisation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """Who is asking: a signed-in user."""

    user: str
    """User.id; empty for whoever works at the machine itself (:data:`CONSOLE`)."""
    organisation: str
    roles: frozenset[Role]
    name: str = field(repr=False)
    session: str = ""
    """UserSession.id."""

    @property
    def actor(self) -> str:
        """As the audit log calls them."""
        return f"user:{self.user}" if self.user else "operator"


CONSOLE: Final = Viewer(user="", organisation=OPERATOR, roles=frozenset({"operator"}), name="the operator")
"""Whoever holds the machine and its keys, on the command line. It signs in nowhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """An account. ``password`` is the encoded argon2id hash, ``totp`` the shared secret; both None before the first
    invitation is accepted and while a recovery is under way."""

    id: str
    organisation: str
    roles: frozenset[Role]
    email: str = field(repr=False)
    state: UserState
    created_at: datetime
    state_at: datetime
    name: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    totp: bytes | None = field(default=None, repr=False)
    totp_step: int = -1
    """The newest step of time whose code was used; no code of it or an earlier one counts again."""
    failures: int = 0
    """Wrong passwords and codes in a row."""
    locks: int = 0
    """How often in a row it was locked; each lock is twice as long as the one before."""
    locked_until: datetime | None = None
    signed_in_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UserLink:
    """The single-use link by which an invited person, or one whose account is recovered, sets password and TOTP."""

    id: str
    user: str
    organisation: str
    purpose: Purpose
    digest: bytes = field(repr=False)
    """SHA-256 of the token; the token itself is kept nowhere."""
    created_at: datetime
    expires_at: datetime
    pending: bytes | None = field(default=None, repr=False)
    """The TOTP secret that is shown and not yet confirmed."""
    pending_password: str | None = field(default=None, repr=False)
    pending_name: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class UserSession:
    """A browser that is signed in, or half way: ``complete`` is False between the password and the code."""

    id: str
    user: str
    organisation: str
    digest: bytes = field(repr=False)
    created_at: datetime
    seen_at: datetime
    expires_at: datetime
    """Whatever happens, it ends then."""
    complete: bool
    proved_at: datetime | None = None
    """When its holder last showed who they are: by password and code, or by a passkey."""


def may(viewer: Viewer, action: Action, organisation: str) -> bool:
    """Whether ``viewer`` may do this with what belongs to ``organisation`` (its code; ``operator`` for the hub's own).

    The one rule for pages and services. A page answers what may not be seen as if it were not there.
    """
    return any(
        action in _OWN[role] and (organisation == viewer.organisation or _everywhere(viewer, role))
        for role in viewer.roles
    )


def _everywhere(viewer: Viewer, role: Role) -> bool:
    """The operator acts for every organisation, and the operator's auditor reads of every one."""
    return viewer.organisation == OPERATOR and role in REACHING


def may_grant(viewer: Viewer, roles: Collection[Role], organisation: str) -> bool:
    """Whether ``viewer`` may invite somebody with these roles into ``organisation``. Only an operator makes one, or
    anybody else who reaches beyond their organisation: no administrator among the operator's people sees that far."""
    beyond = "operator" in roles or (organisation == OPERATOR and not REACHING.isdisjoint(roles))
    if beyond and "operator" not in viewer.roles:
        return False
    return may(viewer, "users:manage", organisation) and bool(roles) and fits(roles, organisation)


def may_manage(viewer: Viewer, user: User) -> bool:
    """Whether ``viewer`` may disable this user or start their recovery: another user, whom they could have invited.

    Whoever starts a recovery holds its link for a moment. So an administrator must not start one of somebody with more
    rights, nor anybody their own.
    """
    return viewer.user != user.id and may_grant(viewer, user.roles, user.organisation)


def fits(roles: Collection[Role], organisation: str) -> bool:
    """Whether somebody of ``organisation`` may have these roles: the operator's role is for the operator's people."""
    return "operator" not in roles or organisation == OPERATOR


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountLimits:
    """How long things last, and how many there may be."""

    failures: int = 10
    """Wrong passwords and codes in a row before an account is locked."""
    lockout: timedelta = timedelta(minutes=15)
    longest_lockout: timedelta = timedelta(hours=24)
    half: timedelta = timedelta(minutes=5)
    """Between the password and the code."""
    idle: timedelta = timedelta(minutes=30)
    longest: timedelta = timedelta(hours=12)
    sessions: int = 5
    """At most, of one user."""


def locked(user: User, now: datetime) -> bool:
    """Whether nobody can sign in as this user now, whatever they know."""
    return user.locked_until is not None and now < user.locked_until


def lock_of(user: User, limits: AccountLimits, now: datetime) -> datetime | None:
    """Until when one more failure locks the account; None if it does not yet."""
    if user.failures + 1 < limits.failures:
        return None
    doubled = limits.lockout * (1 << min(user.locks, 20))
    return now + min(doubled, limits.longest_lockout)


def alive(session: UserSession, limits: AccountLimits, now: datetime) -> bool:
    """Whether a session still counts. A clock that is set back makes none live longer than its end."""
    idle = limits.idle if session.complete else limits.half
    return session.seen_at - limits.idle <= now < min(session.expires_at, session.seen_at + idle)


def fresh(session: UserSession, now: datetime) -> bool:
    """Whether who is there was shown just now, and not by a session that somebody left open."""
    return session.proved_at is not None and session.proved_at <= now < session.proved_at + FRESH
