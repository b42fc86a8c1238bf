"""Which organisations have an identity provider of their own: entered by the hub's operator, on the command line."""

from collections.abc import Sequence

from hub.core.accounts import CONSOLE
from hub.core.oidc import Provider, problems_with
from hub.core.records import AuditLine
from hub.service.access import organisation_code
from hub.service.accounts.ports import user_lock
from hub.service.accounts.steps import end_all_sessions
from hub.service.ports import Clock, Ids, Store, Unit


class Providers:
    """All of it raises StoreUnavailable where the store is away."""

    def __init__(self, *, store: Store, clock: Clock, ids: Ids) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids

    async def listed(self) -> Sequence[Provider]:
        """All, by their organisation's code."""

        async def work(unit: Unit) -> Sequence[Provider]:
            found = [await unit.providers.of(one) for one in await unit.providers.organisations()]
            return [one for one in found if one is not None]

        return await self._store.read(work)

    async def organisations(self) -> Sequence[str]:
        """Those that have one, by code."""
        return await self._store.read(lambda unit: unit.providers.organisations())

    async def one(self, organisation: str) -> Provider | None:
        """That of an organisation."""
        return await self._store.read(lambda unit: unit.providers.of(organisation))

    async def put(self, provider: Provider) -> tuple[str, ...]:
        """Enter one, in the place of what the organisation had; the problems, if there are any.

        Another issuer or client makes other identities: whoever was bound is released, and bound anew by their address.
        """
        problems = problems_with(provider)
        if not organisation_code(provider.organisation):
            problems = ("Enter the code of an organisation", *problems)
        if problems:
            return problems
        now = self._clock.now()

        async def work(unit: Unit) -> None:
            await unit.lock(f"provider:{provider.organisation}")
            before = await unit.providers.of(provider.organisation)
            if before is not None and (before.issuer, before.client_id) != (provider.issuer, provider.client_id):
                await self._release(unit, provider.organisation)
            await unit.providers.put(provider, now)
            detail = {"issuer": provider.issuer, "second_factor": provider.second_factor}
            await unit.add_audit([self._line("provider.entered", provider.organisation, **detail)])

        await self._store.write(work)
        return ()

    async def remove(self, organisation: str) -> bool:
        """Take an organisation's away: who came in by it is signed out. False where there is none."""

        async def work(unit: Unit) -> bool:
            await unit.lock(f"provider:{organisation}")
            if await unit.providers.of(organisation) is None:
                return False
            await self._release(unit, organisation)
            await unit.providers.remove(organisation)
            await unit.add_audit([self._line("provider.removed", organisation)])
            return True

        return await self._store.write(work)

    async def _release(self, unit: Unit, organisation: str) -> None:
        for user in await unit.providers.bound_users(organisation):
            await unit.lock(user_lock(user))
            await unit.providers.release(user)
            await end_all_sessions(unit, user)

    def _line(self, action: str, organisation: str, **detail: str) -> AuditLine:
        now = self._clock.now()
        return AuditLine(id=self._ids.new("au", now), at=now, actor=CONSOLE.actor, action=action,
                         organisation=organisation, subject=organisation, detail=detail)  # fmt: skip
