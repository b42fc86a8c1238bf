"""Passkeys: signing in with one, and making, naming and removing one's own.

Whatever is wrong with an answer, the page says the same; the reason is a line of the audit log. A signature cannot be
guessed, so a wrong one does not count towards a lock; an account that is locked opens for no passkey either.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from hub.core.accounts import AccountLimits, User, UserSession, Viewer, alive, fresh, locked
from hub.core.ceremony import (
    Answer,
    creation_options,
    made,
    read_assertion,
    read_registration,
    request_options,
    used,
)
from hub.core.lines import one_line
from hub.core.passkeys import (
    MOST,
    NONCE_BYTES,
    Passkey,
    PasskeyRefused,
    Purpose,
    Reason,
    RelyingParty,
    challenge_ends,
    new_challenge,
)
from hub.core.records import AuditLine
from hub.service.accounts.ports import user_lock
from hub.service.accounts.steps import FormProblem, SignedIn, begin_session, failed, new_token, viewer_line
from hub.service.accounts.telling import Tell
from hub.service.ports import Clock, Ids, Store, Unit

LONGEST_NAME: Final = 60
NOT_MADE: Final = FormProblem(field="passkey", message="The passkey could not be made: try again")
TOO_MANY: Final = FormProblem(field="passkey", message=f"Remove a passkey first: nobody has more than {MOST}")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """An answer that counts, as far as can be said without a lock on the account."""

    before: Passkey
    after: Passkey
    digest: bytes
    ends: datetime


class Passkeys:
    """All of it raises StoreUnavailable where the store is away.

    ``browser`` is the cookie of whoever asks and answers; a challenge is good for the one that it was made for.
    """

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        ids: Ids,
        limits: AccountLimits,
        party: RelyingParty,
        secret: bytes,
        tell: Tell,
    ) -> None:
        """``secret``: what challenges are known again by; at least 32 bytes, the same on every node. ``tell``: whoever
        has another passkey learns of it, as somebody else may have added it."""
        self._store = store
        self._clock = clock
        self._ids = ids
        self._limits = limits
        self._party = party
        self._secret = secret
        self._tell = tell

    # what a browser is asked for
    def options(self, browser: str) -> dict[str, Any]:
        """For signing in: whichever passkey there is."""
        return request_options(self._party, self._challenge("sign_in", browser))

    async def confirm_options(self, viewer: Viewer, browser: str) -> dict[str, Any]:
        """For showing again who one is: one of the viewer's own."""
        return request_options(self._party, self._challenge("confirm", browser), await self.listed(viewer))

    async def creation_options(self, viewer: Viewer, browser: str) -> dict[str, Any] | None:
        """For making another; None for whoever has to show first who they are."""

        async def work(unit: Unit) -> tuple[User | None, Sequence[Passkey], bool]:
            proved = await self._proved(unit, viewer)
            return await unit.accounts.user(viewer.user), await unit.passkeys.of(viewer.user), proved

        user, there, proved = await self._store.read(work)
        if user is None or user.password is None or not proved:
            return None
        challenge = self._challenge("add", browser)
        return creation_options(self._party, challenge, user=user.id, called=user.email, there=there)

    # what it answers
    async def sign_in(self, browser: str, text: str) -> SignedIn | None:
        """A session, by a passkey alone; None for every reason there is."""
        now, token = self._clock.now(), new_token(self._ids)
        known = await self._known("sign_in", browser, text, now)

        async def work(unit: Unit) -> SignedIn | None:
            user = await self._taken(unit, known, now)
            if user is None or isinstance(known, PasskeyRefused):
                return None
            viewer = await begin_session(unit, user, token, self._ids, self._limits, now)
            await unit.add_audit([self._line(viewer, now, "user.signed_in", by="passkey", passkey=known.after.id)])
            return SignedIn(token=token, viewer=viewer)

        return await self._store.write(work)

    async def confirm(self, viewer: Viewer, browser: str, text: str) -> bool:
        """Show again who one is, with one of one's own; for five minutes."""
        now = self._clock.now()
        known = await self._known("confirm", browser, text, now, by=viewer.user)

        async def work(unit: Unit) -> bool:
            if await self._taken(unit, known, now) is None or await self._session(unit, viewer) is None:
                return False
            if not await unit.accounts.proved(viewer.session, now):
                return False
            await unit.add_audit([self._line(viewer, now, "user.confirmed", by="passkey")])
            return True

        return await self._store.write(work)

    # one's own
    async def listed(self, viewer: Viewer) -> Sequence[Passkey]:
        """The viewer's own, the oldest first."""
        return await self._store.read(lambda unit: unit.passkeys.of(viewer.user))

    async def one(self, viewer: Viewer, passkey: str) -> Passkey | None:
        """One of them."""
        return next((one for one in await self.listed(viewer) if one.id == passkey), None)

    async def proved(self, viewer: Viewer) -> bool:
        """Whether the viewer has shown just now who they are."""
        return await self._store.read(lambda unit: self._proved(unit, viewer))

    async def add(self, viewer: Viewer, browser: str, *, name: str, text: str) -> tuple[FormProblem, ...] | None:
        """Keep a passkey that was just made; the problems, if there are any. None: show first who you are."""
        called = named(name)
        if isinstance(called, FormProblem):
            return (called,)
        now = self._clock.now()
        try:
            answer = read_registration(text)
            ends = challenge_ends(self._secret, "add", browser, answer.challenge, now)
            passkey = made(answer, self._party, id=self._ids.new("pk", now), user=viewer.user,
                           organisation=viewer.organisation, name=called, now=now)  # fmt: skip
        except PasskeyRefused as refused:
            line = self._line(viewer, now, "user.passkey_refused", reason=refused.reason)
            await self._store.write(lambda unit: unit.add_audit([line]))
            return (NOT_MADE,)

        async def work(unit: Unit) -> tuple[FormProblem, ...] | None:
            await unit.lock(user_lock(viewer.user), f"passkey:{passkey.credential.hex()}")
            user = await unit.accounts.user(viewer.user)
            if user is None or user.state != "active" or not await self._proved(unit, viewer):
                return None
            if user.password is None:  # comes in by their organisation's provider, and by nothing else
                return (NOT_MADE,)
            if len(await unit.passkeys.of(user.id)) >= MOST:
                return (TOO_MANY,)
            digest = hashlib.sha256(answer.challenge).digest()
            if not await unit.passkeys.spend(digest, viewer.organisation, ends, now):
                return (NOT_MADE,)
            if await unit.passkeys.by_credential(passkey.credential) is not None:
                await unit.add_audit([self._line(viewer, now, "user.passkey_refused", reason="taken")])
                return (NOT_MADE,)
            await unit.passkeys.put(passkey)
            await unit.add_audit([self._line(viewer, now, "user.passkey_added", passkey=passkey.id)])
            addresses.append(user.email)
            return ()

        addresses: list[str] = []
        problems = await self._store.write(work)
        for address in addresses[-1:]:  # a work may run twice, and only its last run counts
            await self._tell(address)
        return problems

    async def rename(self, viewer: Viewer, passkey: str, name: str) -> tuple[FormProblem, ...] | None:
        """Call one of one's own something else; None where there is none."""
        called, now = named(name), self._clock.now()

        async def work(unit: Unit) -> tuple[FormProblem, ...] | None:
            await unit.lock(user_lock(viewer.user))
            found = await _own(unit, viewer, passkey)
            if found is None:
                return None
            if isinstance(called, FormProblem):
                return (called,)
            await unit.passkeys.put(replace(found, name=called))
            await unit.add_audit([self._line(viewer, now, "user.passkey_renamed", passkey=passkey)])
            return ()

        return await self._store.write(work)

    async def remove(self, viewer: Viewer, passkey: str) -> bool | None:
        """Remove one of one's own. False: show first who you are; None: there is none."""
        now = self._clock.now()

        async def work(unit: Unit) -> bool | None:
            await unit.lock(user_lock(viewer.user))
            if await _own(unit, viewer, passkey) is None:
                return None
            if not await self._proved(unit, viewer):
                return False
            await unit.passkeys.remove(viewer.user, [passkey])
            await unit.add_audit([self._line(viewer, now, "user.passkey_removed", passkey=passkey)])
            return True

        return await self._store.write(work)

    def _challenge(self, purpose: Purpose, browser: str) -> bytes:
        return new_challenge(self._secret, purpose, browser, self._ids.secret(NONCE_BYTES), self._clock.now())

    async def _known(
        self, purpose: Purpose, browser: str, text: str, now: datetime, *, by: str | None = None
    ) -> _Known | PasskeyRefused:
        """Reads, and computes a signature, with no lock held."""
        try:
            answer = read_assertion(text)
            ends = challenge_ends(self._secret, purpose, browser, answer.challenge, now)
            return await self._matched(answer, ends, now, by)
        except PasskeyRefused as refused:
            return refused

    async def _matched(self, answer: Answer, ends: datetime, now: datetime, by: str | None) -> _Known:
        before = await self._store.read(lambda unit: unit.passkeys.by_credential(answer.credential))
        if before is None:
            raise PasskeyRefused("unknown")
        after = used(answer, before, self._party, now, by=by)
        return _Known(before=before, after=after, digest=hashlib.sha256(answer.challenge).digest(), ends=ends)

    async def _taken(self, unit: Unit, known: _Known | PasskeyRefused, now: datetime) -> User | None:
        """Whose passkey it is, noted as used; None, with a line in the audit log, if it does not count after all."""
        user, reason = (
            (None, known.reason) if isinstance(known, PasskeyRefused) else await self._holder(unit, known, now)
        )
        if reason is None:
            return user
        await failed(unit, user, f"passkey:{reason}", self._ids, self._limits, now, countable=False)
        return None

    async def _holder(self, unit: Unit, known: _Known, now: datetime) -> tuple[User | None, Reason | None]:
        await unit.lock(user_lock(known.before.user))
        user = await unit.accounts.user(known.before.user)
        there = await unit.passkeys.by_credential(known.before.credential)
        # Looked at again: it may have been removed or used meanwhile, and the account locked or disabled.
        if there is None or there.sign_count != known.before.sign_count:
            return user, "unknown"
        if user is None or user.state != "active" or locked(user, now):
            return user, "account"
        if not await unit.passkeys.spend(known.digest, user.organisation, known.ends, now):
            return user, "replayed"
        await unit.passkeys.put(replace(known.after, name=there.name))
        return user, None

    async def _session(self, unit: Unit, viewer: Viewer) -> UserSession | None:
        found = next((one for one in await unit.accounts.sessions(viewer.user) if one.id == viewer.session), None)
        return found if found is not None and alive(found, self._limits, self._clock.now()) else None

    async def _proved(self, unit: Unit, viewer: Viewer) -> bool:
        session = await self._session(unit, viewer)
        return session is not None and fresh(session, self._clock.now())

    def _line(self, viewer: Viewer, now: datetime, action: str, **detail: str) -> AuditLine:
        return viewer_line(self._ids, now, viewer, action, **detail)


async def _own(unit: Unit, viewer: Viewer, passkey: str) -> Passkey | None:
    return next((one for one in await unit.passkeys.of(viewer.user) if one.id == passkey), None)


def named(name: str) -> str | FormProblem:
    """The name of a passkey as it is kept."""
    line = one_line(name)
    if not line or len(line) > LONGEST_NAME:
        message = f"Enter a name for the passkey on one line, at most {LONGEST_NAME} characters"
        return FormProblem(field="name", message=message)
    return line
