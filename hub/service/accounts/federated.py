"""Signing in with the account of one's own organisation, at its identity provider (OpenID Connect).

Only who was invited gets in: at first by the address that the provider has verified, from then on by the provider's own
name for them, so that an address that passes to somebody else opens nothing. A provider speaks for its own organisation
alone. Whoever came in by one has no other way in: what their organisation closes is closed (ADR 0017).
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from hub.core.accounts import AccountLimits, User, locked
from hub.core.id_tokens import identity_of, key_id_of
from hub.core.lines import one_line
from hub.core.oidc import (
    NONCE_BYTES,
    Identity,
    Provider,
    Reason,
    SignInRefused,
    asked,
    code_of,
    new_consent,
    new_state,
    nonce_of,
    read_consent,
    read_state,
    verifier,
)
from hub.core.records import AuditLine
from hub.service.accounts.inviting import LONGEST_NAME
from hub.service.accounts.ports import user_lock
from hub.service.accounts.provider_ports import CodeRefused, ProviderAway, Reached
from hub.service.accounts.steps import (
    SignedIn,
    audit_line,
    begin_session,
    end_all_passkeys,
    end_all_sessions,
    new_token,
)
from hub.service.ports import Clock, Ids, Store, Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Entered:
    """Somebody is signed in; ``onward``: the path that they wanted to go to."""

    signed: SignedIn
    onward: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ToAgree:
    """Their account has a password, and loses it as soon as they come in so: they have to agree first."""

    consent: str = field(repr=False)
    """What to hand in with :meth:`Federated.agree`."""
    email: str = field(repr=False)
    """Of the account."""
    onward: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NotEntered:
    """Nobody is. ``reason`` is for the audit log; a page says less."""

    reason: Reason


class Federated:
    """All of it raises StoreUnavailable where the store is away."""

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        ids: Ids,
        limits: AccountLimits,
        reached: Reached,
        secret: bytes,
        public_url: str,
    ) -> None:
        """``secret``: what states are known again by; at least 32 bytes, the same on every node."""
        self._store = store
        self._clock = clock
        self._ids = ids
        self._limits = limits
        self._reached = reached
        self._secret = secret
        self._public_url = public_url

    async def begin(self, organisation: str, browser: str, onward: str) -> str | NotEntered | None:
        """Where to send a browser; None for an organisation that has no provider."""
        provider = await self._store.read(lambda unit: unit.providers.of(organisation))
        if provider is None:
            return None
        try:
            metadata = await self._reached.metadata(provider.issuer)
        except ProviderAway:
            return await self._refused(organisation, SignInRefused("away"))
        nonce = self._ids.secret(NONCE_BYTES)
        state = new_state(self._secret, organisation, browser, onward, nonce, self._clock.now())
        back = redirect_uri(self._public_url, organisation)
        return asked(provider, metadata, secret=self._secret, state=state, redirect_uri=back)

    async def finish(
        self, organisation: str, browser: str, answer: Mapping[str, str]
    ) -> Entered | ToAgree | NotEntered | None:
        """What became of it, once the browser is back; None for an organisation that has no provider."""
        now = self._clock.now()
        provider = await self._store.read(lambda unit: unit.providers.of(organisation))
        if provider is None:
            return None
        state = answer.get("state", "")
        try:
            onward, ends = read_state(self._secret, organisation, browser, state, now)
            identity = await self._identity(provider, state, answer, now)
        except SignInRefused as refused:
            return await self._refused(organisation, refused)
        except CodeRefused:
            return await self._refused(organisation, SignInRefused("token"))
        except ProviderAway:
            return await self._refused(organisation, SignInRefused("away"))
        found = await self._enter(provider, identity, _digest(state), ends)
        if isinstance(found, NotEntered):
            return found
        if isinstance(found, SignedIn):
            return Entered(signed=found, onward=onward)
        known = (provider.issuer, identity.subject)
        consent = new_consent(self._secret, organisation, browser, found.id, known, self._clock.now())
        return ToAgree(consent=consent, email=found.email, onward=onward)

    async def agree(self, organisation: str, browser: str, consent: str, onward: str) -> Entered | NotEntered | None:
        """Somebody agrees to come in by their organisation alone from now on; None for one that has no provider."""
        provider = await self._store.read(lambda unit: unit.providers.of(organisation))
        if provider is None:
            return None
        try:
            user, known, ends = read_consent(self._secret, organisation, browser, consent, self._clock.now())
        except SignInRefused as refused:
            return await self._refused(organisation, refused)
        if known[0] != provider.issuer:
            return await self._refused(organisation, SignInRefused("state"))
        identity = Identity(subject=known[1], email=None, name=None)
        found = await self._enter(provider, identity, _digest(consent), ends, agreed=user)
        return Entered(signed=found, onward=onward) if isinstance(found, SignedIn) else _nobody(found)

    async def _identity(self, provider: Provider, state: str, answer: Mapping[str, str], now: datetime) -> Identity:
        metadata = await self._reached.metadata(provider.issuer)
        code = code_of(provider, metadata, answer)
        token = await self._reached.redeem(provider, metadata, self._redeemed(provider, state, code))
        keys = await self._reached.keys(metadata, key_id_of(token))
        return identity_of(provider, token, keys, nonce=nonce_of(self._secret, state), now=self._clock.now())

    def _redeemed(self, provider: Provider, state: str, code: str) -> Mapping[str, str]:
        return {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri(self._public_url, provider.organisation),
            "code_verifier": verifier(self._secret, state),
        }

    async def _enter(
        self, provider: Provider, identity: Identity, digest: bytes, ends: datetime, *, agreed: str | None = None
    ) -> SignedIn | User | NotEntered:
        """``agreed``: whose account it is, as they have said. A user: they have to agree first."""
        now, token = self._clock.now(), new_token(self._ids)

        async def work(unit: Unit) -> SignedIn | User | NotEntered:
            # As the provider is now: it may have been taken away or entered anew meanwhile.
            await unit.lock(f"provider:{provider.organisation}")
            if await unit.providers.of(provider.organisation) != provider:
                return await self._noted(unit, None, provider, "state", now)
            if not await unit.passkeys.spend(digest, provider.organisation, ends, now):
                return await self._noted(unit, None, provider, "state", now)
            user, reason = await self._whose(unit, provider, identity, agreed, now)
            if reason is not None or user is None:
                return await self._noted(unit, user, provider, reason or "unknown", now)
            if not await unit.providers.bound(user.id):
                if user.password is not None and agreed is None:
                    return user
                user = await self._bound(unit, user, provider, identity, now)
            viewer = await begin_session(unit, user, token, self._ids, self._limits, now, proved=False)
            await unit.add_audit([audit_line(self._ids, now, viewer.actor, "user.signed_in", user, by="provider")])
            return SignedIn(token=token, viewer=viewer)

        return await self._store.write(work)

    async def _whose(
        self, unit: Unit, provider: Provider, identity: Identity, agreed: str | None, now: datetime
    ) -> tuple[User | None, Reason | None]:
        """Whose account it is, held; or why it is nobody's."""
        organisation = provider.organisation
        known = await unit.providers.user(organisation, provider.issuer, identity.subject)
        found = None
        if known is None and agreed is None:
            if identity.email is None:
                return None, "address"
            found = await unit.accounts.user_by_email(identity.email)
            if found is None or found.organisation != organisation:
                return None, "unknown"
        identifier = known or agreed or (found.id if found is not None else "")
        await unit.lock(user_lock(identifier))
        user = await unit.accounts.user(identifier)
        if user is None or user.organisation != organisation:
            return None, "unknown"
        if (known is None and await unit.providers.bound(user.id)) or user.id != (agreed or user.id):
            return user, "other_account"
        if user.state not in ("invited", "active") or locked(user, now):
            return user, "account"
        return user, None

    async def _bound(self, unit: Unit, user: User, provider: Provider, identity: Identity, now: datetime) -> User:
        """The account from now on: no password, code or passkey opens it, nor a link."""
        bound = replace(
            user, state="active", state_at=now if user.state == "invited" else user.state_at,
            name=user.name or _name(identity), password=None, totp=None, failures=0, locks=0, locked_until=None,
        )  # fmt: skip
        await unit.accounts.put_user(bound)
        await unit.accounts.end_links(user.id)
        await end_all_passkeys(unit, user.id)
        await end_all_sessions(unit, user.id)
        await unit.providers.bind(user.id, provider.organisation, provider.issuer, identity.subject, now)
        await unit.add_audit([audit_line(self._ids, now, f"user:{user.id}", "user.bound", bound, before=user.state)])
        return bound

    async def _refused(self, organisation: str, refused: SignInRefused) -> NotEntered:
        line = self._failed(organisation, None, refused.reason, self._clock.now())
        await self._store.write(lambda unit: unit.add_audit([line]))
        return NotEntered(reason=refused.reason)

    async def _noted(
        self, unit: Unit, user: User | None, provider: Provider, reason: Reason, now: datetime
    ) -> NotEntered:
        await unit.add_audit([self._failed(provider.organisation, user, reason, now)])
        return NotEntered(reason=reason)

    def _failed(self, organisation: str, user: User | None, reason: Reason, now: datetime) -> AuditLine:
        return AuditLine(
            id=self._ids.new("au", now),
            at=now,
            actor="hub",
            action="user.sign_in_failed",
            organisation=organisation,
            subject=None if user is None else user.id,
            detail={"step": f"provider:{reason}"},
        )


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def _nobody(found: User | NotEntered) -> NotEntered:
    return found if isinstance(found, NotEntered) else NotEntered(reason="state")


def redirect_uri(public_url: str, organisation: str) -> str:
    """Where a provider sends browsers back to; it has to know it exactly so."""
    return f"{public_url}/sign-in/with/{organisation}/back"


def _name(identity: Identity) -> str:
    """What the person is called; the address of whoever has no name over there."""
    line = one_line(identity.name or "")
    named = line is not None and len(line) <= LONGEST_NAME and any(character.isalpha() for character in line)
    return line if line is not None and named else (identity.email or "")[:LONGEST_NAME]
