"""What the services of the accounts share: the lines they leave in the audit log, tokens, and problems of a form."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from hub.core.accounts import AccountLimits, User, UserSession, Viewer, alive, lock_of, locked
from hub.core.passwords import PasswordProblem, normalised, password_problem
from hub.core.records import AuditLine
from hub.core.tokens import token_digest
from hub.service.ports import Ids, Unit

TOKEN_BYTES: Final = 32
"""256 random bits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FormProblem:
    """What is wrong with one field of a form; ``message`` says what to do and repeats nothing that was typed."""

    field: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """A session has begun; its token is for the browser and kept nowhere else."""

    token: str = field(repr=False)
    viewer: Viewer


def new_token(ids: Ids) -> str:
    """43 URL-safe characters."""
    return base64.urlsafe_b64encode(ids.secret(TOKEN_BYTES)).rstrip(b"=").decode("ascii")


def audit_line(ids: Ids, now: datetime, actor: str, action: str, user: User | None, **detail: str) -> AuditLine:
    """What happened to which account, by whom; codes and ids only."""
    return AuditLine(
        id=ids.new("au", now),
        at=now,
        actor=actor,
        action=action,
        organisation=None if user is None else user.organisation,
        subject=None if user is None else user.id,
        detail=detail,
    )


def viewer_line(ids: Ids, now: datetime, viewer: Viewer, action: str, **detail: str) -> AuditLine:
    """What somebody did with their own account."""
    return AuditLine(id=ids.new("au", now), at=now, actor=viewer.actor, action=action,
                     organisation=viewer.organisation, subject=viewer.user, detail=detail)  # fmt: skip


async def failed(
    unit: Unit, user: User | None, what: str, ids: Ids, limits: AccountLimits, now: datetime, *, countable: bool = True
) -> bool:
    """Write down that a secret was wrong; True if it locks the account. Nothing counts while it is locked, so that
    whoever goes on guessing does not keep it locked for ever."""
    until = None
    if user is not None and countable and not locked(user, now):
        until = lock_of(user, limits, now)
        changed = replace(user, failures=user.failures + 1)
        if until is not None:
            changed = replace(user, failures=0, locks=user.locks + 1, locked_until=until)
        await unit.accounts.put_user(changed)
    lines = [audit_line(ids, now, "hub", "user.sign_in_failed", user, step=what)]
    if until is not None:
        lines.append(audit_line(ids, now, "hub", "user.locked", user))
    await unit.add_audit(lines)
    return until is not None


async def end_all_passkeys(unit: Unit, user: str) -> None:
    """None of the user's passkeys opens anything any more."""
    await unit.passkeys.remove(user, [one.id for one in await unit.passkeys.of(user)])


async def end_desks(unit: Unit, user: User, by: str, ids: Ids, now: datetime) -> None:
    """Whoever is no recipient any more reads for no desk: where they become one again, somebody chooses anew."""
    reader = await unit.desk.reader(user.id)
    if reader is not None and reader.desks:
        await unit.desk.put_reader(replace(reader, desks=frozenset(), given_at=now, given_by=by))
        before = " ".join(sorted(reader.desks))
        await unit.add_audit([audit_line(ids, now, by, "user.desks_given", user, before=before, after="")])


async def end_all_sessions(unit: Unit, user: str, *, but: str | None = None) -> int:
    """How many were ended."""
    ended = [one.id for one in await unit.accounts.sessions(user) if one.id != but]
    await unit.accounts.end_sessions(user, ended)
    return len(ended)


async def begin_session(
    unit: Unit, user: User, token: str, ids: Ids, limits: AccountLimits, now: datetime, *, proved: bool = True
) -> Viewer:
    """A complete session of this user; their oldest ones make room for it, and what is over is cleared away.
    ``proved``: whether they have shown here who they are, and not elsewhere."""
    there = await unit.accounts.sessions(user.id)
    living = [one for one in there if one.complete and alive(one, limits, now)]
    kept = {one.id for one in living[max(0, len(living) - limits.sessions + 1) :]}
    await unit.accounts.end_sessions(user.id, [one.id for one in there if one.id not in kept])
    session = UserSession(
        id=ids.new("se", now),
        user=user.id,
        organisation=user.organisation,
        digest=token_digest(token),
        created_at=now,
        seen_at=now,
        expires_at=now + limits.longest,
        complete=True,
        proved_at=now if proved else None,
    )
    await unit.accounts.put_session(session)
    await unit.accounts.put_user(replace(user, signed_in_at=now, failures=0, locks=0, locked_until=None))
    return viewer_of(session, user)


def viewer_of(session: UserSession, user: User) -> Viewer:
    """The user as the pages know them."""
    return Viewer(
        user=user.id, organisation=user.organisation, roles=user.roles, name=user.name or "", session=session.id
    )


PASSWORD_WORDS: Final[Mapping[PasswordProblem, str]] = {
    "short": "Enter a password of at least 12 characters: three or four words make a good one",
    "long": "Enter a password of at most 128 characters",
    "repeated": "Choose a password that does not repeat the same few characters",
    "sequence": "Choose a password that is not a run of characters in order",
    "known": "Choose a password without your name, your e-mail address, your organisation or common words",
}


def new_password_problems(password: str, again: str, about: Sequence[str]) -> tuple[FormProblem, ...]:
    """What is wrong with a password that was chosen and typed twice, in the fields ``password`` and ``again``.
    ``about``: what others know of the person."""
    problem = password_problem(password, about)
    if problem is not None:
        return (FormProblem(field="password", message=PASSWORD_WORDS[problem]),)
    if normalised(password) != normalised(again):
        return (FormProblem(field="again", message="Enter the same password again"),)
    return ()
