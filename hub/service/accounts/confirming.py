"""Showing again who one is, by password and code, before something is done that a session left open must not do."""

from dataclasses import replace

from hub.core.accounts import FRESH, AccountLimits, Viewer, alive, fresh, locked
from hub.core.passwords import LONGEST, normalised
from hub.core.totp import used_step
from hub.service.accounts.ports import Passwords, user_lock
from hub.service.accounts.steps import failed, viewer_line
from hub.service.ports import Clock, Ids, Store, Unit


class Confirming:
    """Raises StoreUnavailable where the store is away."""

    def __init__(self, *, store: Store, clock: Clock, ids: Ids, passwords: Passwords, limits: AccountLimits) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids
        self._passwords = passwords
        self._limits = limits

    async def proved(self, viewer: Viewer) -> bool | None:
        """Whether the viewer has shown just now who they are; None if they have not, and sign in elsewhere, where they
        would have to do it again."""
        now = self._clock.now()

        async def work(unit: Unit) -> bool | None:
            user = await unit.accounts.user(viewer.user)
            own = await unit.accounts.sessions(viewer.user)
            session = next((one for one in own if one.id == viewer.session), None)
            if user is None or session is None:
                return False
            if fresh(session, now):
                return True
            if user.password is not None:
                return False
            return True if session.created_at <= now < session.created_at + FRESH else None

        return await self._store.read(work)

    async def confirm(self, viewer: Viewer, password: str, code: str) -> bool:
        """Whether both are right; then it holds for five minutes, in this session. A failure counts as it does at
        signing in, and the one that locks the account ends the session."""
        now = self._clock.now()
        found = await self._store.read(lambda unit: unit.accounts.user(viewer.user))
        encoded = None if found is None else found.password
        right = await self._passwords.matches(encoded, normalised(password[: LONGEST * 4]))

        async def work(unit: Unit) -> bool:
            await unit.lock(user_lock(viewer.user))
            user = await unit.accounts.user(viewer.user)
            own = await unit.accounts.sessions(viewer.user)
            session = next((one for one in own if one.id == viewer.session), None)
            if user is None or session is None or user.state != "active" or not alive(session, self._limits, now):
                return False
            step = None
            if right and user.password == encoded and user.totp is not None and not locked(user, now):
                step = used_step(user.totp, code, now, after=user.totp_step)
            if step is None:
                if user.password is None:
                    return False
                if await failed(unit, user, "confirm", self._ids, self._limits, now):
                    await unit.accounts.end_sessions(user.id, [session.id])
                return False
            await unit.accounts.put_user(replace(user, totp_step=step, failures=0))
            if not await unit.accounts.proved(session.id, now):
                return False
            await unit.add_audit([viewer_line(self._ids, now, viewer, "user.confirmed", by="code")])
            return True

        return await self._store.write(work)
