"""Signing in: the password, then a code of the authenticator app; and the sessions that come of it.

An unknown address, a wrong password, a locked and a disabled account get the same answer after the same work: one
read, one slow hash, one write. So nobody learns from this page who has an account.
"""

from dataclasses import replace
from datetime import timedelta
from typing import Final, Literal

from hub.core.accounts import AccountLimits, User, UserSession, Viewer, alive, locked
from hub.core.passwords import LONGEST, normalised
from hub.core.tokens import token_digest
from hub.core.totp import used_step
from hub.service.accounts.ports import Passwords, user_lock
from hub.service.accounts.steps import SignedIn, audit_line, begin_session, failed, new_token, viewer_of
from hub.service.ports import Clock, Ids, Store, Unit

LONGEST_ADDRESS: Final = 254
TOUCH: Final = timedelta(minutes=1)
"""A session that was seen within this time is not written again: most requests of a page write nothing."""


class SigningIn:
    """All of it raises StoreUnavailable where the store is away."""

    def __init__(self, *, store: Store, clock: Clock, ids: Ids, passwords: Passwords, limits: AccountLimits) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids
        self._passwords = passwords
        self._limits = limits

    async def password(self, email: str, password: str) -> str | None:
        """The first step. The token of a session that is half begun, good for the second step only; None for every
        reason there is."""
        now, token = self._clock.now(), new_token(self._ids)
        address = email.strip()[:LONGEST_ADDRESS]
        found = await self._store.read(lambda unit: unit.accounts.user_by_email(address))
        usable = found if found is not None and found.state == "active" and not locked(found, now) else None
        given = normalised(password[: LONGEST * 4])
        right = await self._passwords.matches(None if usable is None else usable.password, given)
        hashed = None
        if right and usable is not None and usable.password and self._passwords.outdated(usable.password):
            hashed = await self._passwords.hashed(given)

        async def work(unit: Unit) -> str | None:
            user = None
            if found is not None:
                await unit.lock(user_lock(found.id))
                user = await unit.accounts.user(found.id)
            # Looked at again: many guesses at once must not get past the lock by overtaking each other, and the
            # password may have been changed meanwhile.
            if not right or usable is None or user is None or not _same_secret(user, usable) or locked(user, now):
                # Of whoever comes in by their organisation's provider there is no password to be guessed.
                countable = usable is not None and usable.password is not None
                await self._failed(unit, user, "password", countable=countable)
                return None
            if hashed is not None:
                await unit.accounts.put_user(replace(user, password=hashed))
            await self._half(unit, user, token)
            return token

        return await self._store.write(work)

    async def halfway(self, token: str) -> bool:
        """Whether this is the token of a session that waits for its code."""
        found = await self._store.read(lambda unit: unit.accounts.session(token_digest(token)))
        return found is not None and self._half_alive(*found)

    async def code(self, token: str, code: str) -> SignedIn | Literal["wrong"] | None:
        """The second step. ``wrong``: the code is not one, or was used; None: begin again."""
        now, fresh = self._clock.now(), new_token(self._ids)

        async def work(unit: Unit) -> SignedIn | Literal["wrong"] | None:
            found = await unit.accounts.session(token_digest(token))
            if found is None:
                return None
            await unit.lock(user_lock(found[1].id))
            found = await unit.accounts.session(token_digest(token))
            if found is None or not self._half_alive(*found):
                return None
            session, user = found
            step = None if user.totp is None else used_step(user.totp, code, now, after=user.totp_step)
            if step is None:
                locks = await self._failed(unit, user, "code", countable=True)
                if locks:
                    await unit.accounts.end_sessions(user.id, [session.id])
                return None if locks else "wrong"
            viewer = await begin_session(unit, replace(user, totp_step=step), fresh, self._ids, self._limits, now)
            await unit.add_audit([audit_line(self._ids, now, viewer.actor, "user.signed_in", user)])
            return SignedIn(token=fresh, viewer=viewer)

        return await self._store.write(work)

    async def viewer(self, token: str, *, seen: bool = True) -> Viewer | None:
        """Who is signed in with this token, and that they were ``seen`` now; None if nobody is."""
        now = self._clock.now()
        found = await self._store.read(lambda unit: unit.accounts.session(token_digest(token)))
        if found is None:
            return None
        session, user = found
        if not session.complete or user.state != "active" or not alive(session, self._limits, now):
            return None
        if seen and now - session.seen_at >= TOUCH:
            await self._store.write(lambda unit: unit.accounts.seen(session.id, now))
        return viewer_of(session, user)

    async def sign_out(self, token: str) -> None:
        """End the session of this token, whatever became of it. A token that is none is turned away by a read: anybody
        may send one, as often as they like."""
        now = self._clock.now()
        if await self._store.read(lambda unit: unit.accounts.session(token_digest(token))) is None:
            return

        async def work(unit: Unit) -> None:
            found = await unit.accounts.session(token_digest(token))
            if found is not None:
                session, user = found
                await unit.accounts.end_sessions(user.id, [session.id])
                await unit.add_audit([audit_line(self._ids, now, f"user:{user.id}", "user.signed_out", user)])

        await self._store.write(work)

    def _half_alive(self, session: UserSession, user: User) -> bool:
        now = self._clock.now()
        return (
            not session.complete
            and user.state == "active"
            and not locked(user, now)
            and alive(session, self._limits, now)
        )

    async def _half(self, unit: Unit, user: User, token: str) -> None:
        """At most one a user waits for its code: the password's holder can make no heap of them."""
        now = self._clock.now()
        waiting = [one.id for one in await unit.accounts.sessions(user.id) if not one.complete]
        await unit.accounts.end_sessions(user.id, waiting)
        session = UserSession(
            id=self._ids.new("se", now),
            user=user.id,
            organisation=user.organisation,
            digest=token_digest(token),
            created_at=now,
            seen_at=now,
            expires_at=now + self._limits.half,
            complete=False,
        )
        await unit.accounts.put_session(session)

    async def _failed(self, unit: Unit, user: User | None, what: str, *, countable: bool) -> bool:
        """Write a failure down; True if it locks the account."""
        return await failed(unit, user, what, self._ids, self._limits, self._clock.now(), countable=countable)


def _same_secret(user: User, compared: User) -> bool:
    return user.state == "active" and user.password == compared.password
