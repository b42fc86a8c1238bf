"""Links by which a person gets into their account: invitations, and recoveries started by a second person.

A link is single-use and lives three days. Whoever holds it sets name, password and TOTP; until all of that is done
nothing of the account changes, so a link that was followed half way can be followed again.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, Literal

from contacts.addresses import AddressProblem, parse_email
from hub.core.accounts import (
    INVITED_FOR,
    ROLES,
    AccountLimits,
    Purpose,
    Role,
    User,
    UserLink,
    Viewer,
    fits,
    may,
    may_grant,
    may_manage,
)
from hub.core.lines import one_line
from hub.core.passwords import normalised
from hub.core.tokens import token_digest
from hub.core.totp import SECRET_BYTES, used_step
from hub.service.access import organisation_code
from hub.service.accounts.ports import Passwords, user_lock
from hub.service.accounts.steps import (
    FormProblem,
    SignedIn,
    audit_line,
    begin_session,
    end_all_passkeys,
    end_all_sessions,
    end_desks,
    new_password_problems,
    new_token,
)
from hub.service.ports import Clock, Ids, Store, Unit

LONGEST_NAME: Final = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Invited:
    """A link was made. It is shown this once; whoever made it passes it on."""

    token: str = field(repr=False)
    user: str
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """What the page of a link shows to whoever holds it."""

    purpose: Purpose
    organisation: str
    organisation_name: str | None
    roles: frozenset[Role]
    email: str = field(repr=False)
    name: str | None = field(repr=False)
    secret: bytes | None = field(repr=False)
    """To be put into an authenticator app; None before name and password are given."""


class Inviting:
    """Makes links and follows them. All of it raises StoreUnavailable where the store is away."""

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        ids: Ids,
        passwords: Passwords,
        limits: AccountLimits,
        called: Callable[[str], str | None],
    ) -> None:
        """``called``: an organisation's name by its code, where the directory has one."""
        self._store = store
        self._clock = clock
        self._ids = ids
        self._passwords = passwords
        self._limits = limits
        self._called = called

    async def invite(
        self, viewer: Viewer, *, email: str, organisation: str, roles: Collection[str]
    ) -> Invited | tuple[FormProblem, ...] | None:
        """Invite somebody; None where ``viewer`` invites nobody into that organisation.

        Whoever is invited and has not come yet gets a new link, and the old one is dead.
        """
        if not may(viewer, "users:manage", organisation):
            return None
        known = frozenset(role for role in ROLES if role in roles)
        address, problems = _checked(viewer, email, organisation, roles, known)
        if problems:
            return problems
        now, token = self._clock.now(), new_token(self._ids)

        async def work(unit: Unit) -> Invited | tuple[FormProblem, ...]:
            await unit.lock(f"address:{address.casefold()}")
            found = await unit.accounts.user_by_email(address)
            if found is not None:
                await unit.lock(user_lock(found.id))
                # As they are now that nobody else can change them: they may have followed their link meanwhile.
                found = await unit.accounts.user(found.id) or found
                if found.state != "invited" or not may_manage(viewer, found) or found.organisation != organisation:
                    line = audit_line(self._ids, now, viewer.actor, "user.invite_refused", found)
                    await unit.add_audit([line])
                    return (_taken(viewer, found),)
            user = User(
                id=self._ids.new("us", now) if found is None else found.id,
                organisation=organisation,
                roles=known,
                email=address,
                state="invited",
                created_at=now if found is None else found.created_at,
                state_at=now,
            )
            await unit.accounts.put_user(user)
            if found is not None and "recipient" not in known:
                await end_desks(unit, found, viewer.actor, self._ids, now)
            await self._link(unit, user, "invitation", token, now)
            line = audit_line(self._ids, now, viewer.actor, "user.invited", user, roles=" ".join(sorted(known)))
            await unit.add_audit([line])
            return Invited(token=token, user=user.id, expires_at=now + INVITED_FOR)

        return await self._store.write(work)

    async def recover(self, viewer: Viewer, user: str) -> Invited | None:
        """Start a recovery of somebody else's account: what they signed in with stops working at once, and the link
        lets them set it anew. None for whoever is not there, or not the viewer's to manage, such as the viewer."""
        now, token = self._clock.now(), new_token(self._ids)

        async def work(unit: Unit) -> Invited | None:
            await unit.lock(user_lock(user))
            found = await unit.accounts.user(user)
            if found is None or found.state not in ("active", "recovering") or not may_manage(viewer, found):
                return None
            bare = replace(found, state="recovering", state_at=now, password=None, totp=None,
                           failures=0, locks=0, locked_until=None)  # fmt: skip
            await unit.accounts.put_user(bare)
            await end_all_passkeys(unit, user)
            await unit.providers.release(user)
            await end_all_sessions(unit, user)
            await self._link(unit, bare, "recovery", token, now)
            await unit.add_audit([audit_line(self._ids, now, viewer.actor, "user.recovery_started", bare)])
            return Invited(token=token, user=user, expires_at=now + INVITED_FOR)

        return await self._store.write(work)

    async def follow(self, token: str) -> Followed | None:
        """What the link is for; None if it is none, was used, or is too old. Changes nothing."""
        now = self._clock.now()

        async def work(unit: Unit) -> tuple[UserLink, User] | None:
            return await _linked(unit, token, now)

        found = await self._store.read(work)
        return None if found is None else self._followed(*found)

    async def begin(
        self, token: str, *, name: str, password: str, again: str
    ) -> Followed | tuple[FormProblem, ...] | None:
        """The first step: name and password. They wait with the link until the second; a fresh TOTP secret too."""
        shown = await self.follow(token)
        if shown is None:
            return None
        cleaned = one_line(name)
        about = (cleaned or "", shown.email, shown.organisation, shown.organisation_name or "")
        problems = (*_name_problems(cleaned), *new_password_problems(password, again, about))
        if problems:
            return problems
        hashed = await self._passwords.hashed(normalised(password))
        now, secret = self._clock.now(), self._ids.secret(SECRET_BYTES)

        async def work(unit: Unit) -> tuple[UserLink, User] | None:
            found = await _linked(unit, token, now)
            if found is None:
                return None
            await unit.lock(user_lock(found[0].user))
            found = await _linked(unit, token, now)  # a newer link may have taken its place: it must not come back
            if found is None:
                return None
            link = replace(found[0], pending=secret, pending_password=hashed, pending_name=cleaned)
            await unit.accounts.put_link(link)
            return link, found[1]

        written = await self._store.write(work)
        return None if written is None else self._followed(*written)

    async def complete(self, token: str, code: str) -> SignedIn | Literal["wrong"] | None:
        """The second step: a code of the app. The account is open, the link is dead, and the person is signed in."""
        now, session = self._clock.now(), new_token(self._ids)

        async def work(unit: Unit) -> SignedIn | Literal["wrong"] | None:
            found = await _linked(unit, token, now)
            if found is None:
                return None
            await unit.lock(user_lock(found[0].user))
            found = await _linked(unit, token, now)  # as it is now that nobody else can use it
            if found is None or found[0].pending is None:
                return None
            link, user = found
            step = used_step(found[0].pending, code, now, after=-1)
            if step is None:
                return "wrong"
            opened = replace(user, state="active", state_at=now, name=link.pending_name, totp=link.pending,
                             password=link.pending_password, totp_step=step)  # fmt: skip
            await unit.accounts.end_links(user.id)
            await end_all_sessions(unit, user.id)
            viewer = await begin_session(unit, opened, session, self._ids, self._limits, now)
            action = "user.accepted" if link.purpose == "invitation" else "user.recovered"
            await unit.add_audit([audit_line(self._ids, now, viewer.actor, action, opened)])
            return SignedIn(token=session, viewer=viewer)

        return await self._store.write(work)

    async def _link(self, unit: Unit, user: User, purpose: Purpose, token: str, now: datetime) -> None:
        await unit.accounts.end_links(user.id)
        link = UserLink(
            id=self._ids.new("ul", now),
            user=user.id,
            organisation=user.organisation,
            purpose=purpose,
            digest=token_digest(token),
            created_at=now,
            expires_at=now + INVITED_FOR,
        )
        await unit.accounts.put_link(link)

    def _followed(self, link: UserLink, user: User) -> Followed:
        return Followed(
            purpose=link.purpose,
            organisation=user.organisation,
            organisation_name=self._called(user.organisation),
            roles=user.roles,
            email=user.email,
            name=link.pending_name or user.name,
            secret=link.pending,
        )


async def _linked(unit: Unit, token: str, now: datetime) -> tuple[UserLink, User] | None:
    link = await unit.accounts.link(token_digest(token))
    if link is None or not link.created_at - INVITED_FOR <= now < link.expires_at:
        return None
    user = await unit.accounts.user(link.user)
    return None if user is None or user.state not in ("invited", "recovering") else (link, user)


def _checked(
    viewer: Viewer, email: str, organisation: str, roles: Collection[str], known: frozenset[Role]
) -> tuple[str, tuple[FormProblem, ...]]:
    problems: list[FormProblem] = []
    address = ""
    try:
        address = parse_email(email.strip())
    except AddressProblem as error:
        problems.append(FormProblem(field="email", message=f"Enter an e-mail address in full: {error}"))
    if not organisation_code(organisation):
        problems.append(FormProblem(field="organisation", message="Enter the code of an organisation"))
    if not known or len(known) != len(set(roles)):
        problems.append(FormProblem(field="roles", message="Choose what the person will do"))
    elif not fits(known, organisation):
        message = "Only people of the hub's operator can be its operators"
        problems.append(FormProblem(field="roles", message=message))
    elif not may_grant(viewer, known, organisation):
        problems.append(FormProblem(field="roles", message="Only an operator of the hub gives this role"))
    return address, tuple(problems)


def _taken(viewer: Viewer, found: User) -> FormProblem:
    """What the viewer may know of the account that is in the way."""
    if may(viewer, "users:see", found.organisation):
        message = "This person has an account already: see the list of users"
    else:
        message = "This address cannot be invited: ask the operator of this hub"
    return FormProblem(field="email", message=message)


def _name_problems(name: str | None) -> tuple[FormProblem, ...]:
    if name is None or len(name) > LONGEST_NAME:
        message = f"Enter your name as plain text on one line, at most {LONGEST_NAME} characters"
        return (FormProblem(field="name", message=message),)
    if not any(character.isalpha() for character in name):
        return (FormProblem(field="name", message="Enter your full name"),)
    return ()
