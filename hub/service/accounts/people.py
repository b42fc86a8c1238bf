"""Accounts as they are looked after: one's own, and those of one's organisation."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from contacts.roles import OPERATOR
from hub.core.accounts import (
    ROLES,
    AccountLimits,
    Role,
    User,
    UserSession,
    UserState,
    Viewer,
    alive,
    locked,
    may,
    may_grant,
    may_manage,
)
from hub.core.passwords import LONGEST, normalised
from hub.core.records import AuditLine
from hub.service.accounts.inviting import Invited, Inviting
from hub.service.accounts.ports import Passwords, user_lock
from hub.service.accounts.steps import (
    FormProblem,
    audit_line,
    end_all_passkeys,
    end_all_sessions,
    end_desks,
    failed,
    new_password_problems,
)
from hub.service.accounts.telling import Tell
from hub.service.ports import Clock, Ids, Store, Unit

PER_PAGE: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A user in the list of their organisation."""

    id: str
    organisation: str
    email: str = field(repr=False)
    name: str | None = field(repr=False)
    roles: frozenset[Role]
    state: UserState
    locked: bool
    created_at: datetime
    signed_in_at: datetime | None
    by_provider: bool
    """Whether they come in with the account of their organisation, and by nothing else."""
    manageable: bool
    """Whether the viewer may disable them, or start their recovery."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UserPage:
    """Some of the list. ``more``: there are others behind them."""

    users: Sequence[Listed]
    more: bool


class People:
    """All of it raises StoreUnavailable where the store is away."""

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        ids: Ids,
        passwords: Passwords,
        limits: AccountLimits,
        inviting: Inviting,
        tell: Tell,
    ) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids
        self._passwords = passwords
        self._limits = limits
        self._inviting = inviting
        self._tell = tell

    async def listed(self, viewer: Viewer) -> Sequence[Listed]:
        """Everybody the viewer may see: of their organisation, of all to the operator; nobody to most."""
        own = None if viewer.organisation == OPERATOR else viewer.organisation
        found = await self._store.read(lambda unit: unit.accounts.users(own))
        now = self._clock.now()
        return [_listed(viewer, user, now) for user in found if may(viewer, "users:see", user.organisation)]

    async def page(self, viewer: Viewer, organisation: str | None, number: int) -> UserPage | None:
        """The list in pages, from 1: of one organisation, or of all that the viewer may see (None). None where that is
        nobody."""
        if organisation is None and viewer.organisation != OPERATOR:
            organisation = viewer.organisation
        if not may(viewer, "users:see", OPERATOR if organisation is None else organisation):
            return None
        skip = (number - 1) * PER_PAGE
        found = await self._store.read(lambda unit: unit.accounts.users(organisation, skip=skip, limit=PER_PAGE + 1))
        now = self._clock.now()
        return UserPage(
            users=[
                _listed(viewer, user, now) for user in found[:PER_PAGE] if may(viewer, "users:see", user.organisation)
            ],
            more=len(found) > PER_PAGE,
        )

    async def one(self, viewer: Viewer, user: str) -> Listed | None:
        """One of these."""
        found = await self._store.read(lambda unit: unit.accounts.user(user))
        if found is None or not may(viewer, "users:see", found.organisation):
            return None
        return _listed(viewer, found, self._clock.now())

    async def disable(self, viewer: Viewer, user: str) -> bool:
        """Close an account for good: its sessions and links end, and its address is free to be invited again. False
        where there is none that the viewer may close."""
        now = self._clock.now()

        async def work(unit: Unit) -> bool:
            await unit.lock(user_lock(user))
            found = await unit.accounts.user(user)
            if found is None or found.state == "disabled" or not may_manage(viewer, found):
                return False
            closed = replace(found, state="disabled", state_at=now, password=None, totp=None)
            await unit.accounts.put_user(closed)
            await unit.accounts.end_links(user)
            await end_all_passkeys(unit, user)
            await unit.providers.release(user)
            await end_all_sessions(unit, user)
            await unit.add_audit([audit_line(self._ids, now, viewer.actor, "user.disabled", closed)])
            return True

        return await self._store.write(work)

    async def give_roles(self, viewer: Viewer, user: str, roles: Collection[str]) -> tuple[FormProblem, ...] | None:
        """Give somebody else other roles; they hold from their next request on. None where there is nobody whose roles
        the viewer may change; the problems, if there are any."""
        now, known = self._clock.now(), frozenset(role for role in ROLES if role in roles)

        async def work(unit: Unit) -> tuple[FormProblem, ...] | None:
            await unit.lock(user_lock(user))
            found = await unit.accounts.user(user)
            if found is None or found.state == "disabled" or not may_manage(viewer, found):
                return None
            if len(known) != len(set(roles)) or not may_grant(viewer, known, found.organisation):
                return (FormProblem(field="roles", message="Choose what the person will do"),)
            if known != found.roles:
                await unit.accounts.put_user(replace(found, roles=known))
                before, after = " ".join(sorted(found.roles)), " ".join(sorted(known))
                line = audit_line(self._ids, now, viewer.actor, "user.roles_changed", found, before=before, after=after)
                await unit.add_audit([line])
                if "recipient" not in known:
                    await end_desks(unit, found, viewer.actor, self._ids, now)
            return ()

        return await self._store.write(work)

    async def recover(self, viewer: Viewer, user: str) -> Invited | None:
        """Start a recovery (hub/service/accounts/inviting.py), and tell the person by e-mail that it was started."""
        made = await self._inviting.recover(viewer, user)
        if made is not None:
            found = await self._store.read(lambda unit: unit.accounts.user(user))
            if found is not None:
                await self._tell(found.email)
        return made

    # one's own
    async def address(self, viewer: Viewer) -> str:
        """What the viewer signs in with; empty if the account is gone by now."""
        found = await self._store.read(lambda unit: unit.accounts.user(viewer.user))
        return "" if found is None else found.email

    async def has_password(self, viewer: Viewer) -> bool:
        """Whether the viewer signs in here, and not with the account of their organisation."""
        found = await self._store.read(lambda unit: unit.accounts.user(viewer.user))
        return found is not None and found.password is not None

    async def sessions(self, viewer: Viewer) -> Sequence[UserSession]:
        """The viewer's own that are alive, the newest first."""
        now = self._clock.now()
        found = await self._store.read(lambda unit: unit.accounts.sessions(viewer.user))
        return [one for one in reversed(found) if one.complete and alive(one, self._limits, now)]

    async def end_session(self, viewer: Viewer, session: str) -> None:
        """End one of the viewer's own; of anybody else's nothing happens."""
        now = self._clock.now()

        async def work(unit: Unit) -> None:
            own = await unit.accounts.sessions(viewer.user)
            if session in {one.id for one in own}:
                await unit.accounts.end_sessions(viewer.user, [session])
                await unit.add_audit([self._own_line(viewer, now, "user.session_ended")])

        await self._store.write(work)

    async def sign_out_everywhere(self, viewer: Viewer) -> None:
        """End all of the viewer's sessions, this one too."""
        now = self._clock.now()

        async def work(unit: Unit) -> None:
            await end_all_sessions(unit, viewer.user)
            await unit.add_audit([self._own_line(viewer, now, "user.signed_out_everywhere")])

        await self._store.write(work)

    async def change_password(
        self, viewer: Viewer, *, current: str, password: str, again: str
    ) -> tuple[FormProblem, ...]:
        """Set another password, and end every other session; the problems, if there are any. Wrong ones count as they
        do at signing in, and the one that locks the account ends this session: whoever found a browser signed in must
        not be able to guess on and on."""
        found = await self._store.read(lambda unit: unit.accounts.user(viewer.user))
        if found is None or found.password is None:
            return (WRONG,)
        problems = new_password_problems(password, again, (found.name or "", found.email, found.organisation))
        if not await self._passwords.matches(found.password, normalised(current[: LONGEST * 4])):
            await self._wrong(viewer)
            return (WRONG, *problems)
        if problems:
            return problems
        hashed, now = await self._passwords.hashed(normalised(password)), self._clock.now()

        async def work(unit: Unit) -> tuple[FormProblem, ...]:
            await unit.lock(user_lock(viewer.user))
            user = await unit.accounts.user(viewer.user)
            if user is None or user.password != found.password or locked(user, now):
                return (WRONG,)
            await unit.accounts.put_user(replace(user, password=hashed))
            await end_all_sessions(unit, user.id, but=viewer.session)
            await unit.add_audit([self._own_line(viewer, now, "user.password_changed")])
            return ()

        return await self._store.write(work)

    async def _wrong(self, viewer: Viewer) -> None:
        now = self._clock.now()

        async def work(unit: Unit) -> None:
            await unit.lock(user_lock(viewer.user))
            user = await unit.accounts.user(viewer.user)
            if await failed(unit, user, "change", self._ids, self._limits, now):
                await unit.accounts.end_sessions(viewer.user, [viewer.session])

        await self._store.write(work)

    def _own_line(self, viewer: Viewer, now: datetime, action: str) -> AuditLine:
        return AuditLine(id=self._ids.new("au", now), at=now, actor=viewer.actor, action=action,
                         organisation=viewer.organisation, subject=viewer.user)  # fmt: skip


WRONG = FormProblem(field="current", message="Enter the password that you sign in with now")


def _listed(viewer: Viewer, user: User, now: datetime) -> Listed:
    return Listed(
        id=user.id,
        organisation=user.organisation,
        email=user.email,
        name=user.name,
        roles=user.roles,
        state=user.state,
        locked=locked(user, now),
        created_at=user.created_at,
        signed_in_at=user.signed_in_at,
        by_provider=user.state == "active" and user.password is None,
        manageable=user.state != "disabled" and may_manage(viewer, user),
    )
