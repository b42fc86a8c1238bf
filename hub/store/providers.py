"""Identity providers, and who is bound to which identity there."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from pydantic import TypeAdapter
from sqlalchemy import delete, select

from hub.core.oidc import Provider
from hub.store.providers_tables import identities, providers
from hub.store.session import HUB_SCOPE, Run, Session

_KEPT: Final = TypeAdapter(Provider)


class SqlProviders:
    """Implements ``hub.service.accounts.provider_ports.ProvidersUnit``."""

    def __init__(self, run: Run) -> None:
        self._run = run

    async def of(self, organisation: str) -> Provider | None:
        return await self._run(_of, organisation)

    async def organisations(self) -> Sequence[str]:
        return await self._run(_organisations)

    async def put(self, provider: Provider, now: datetime) -> None:
        await self._run(_put, provider, now)

    async def remove(self, organisation: str) -> None:
        await self._run(_remove, organisation)

    async def user(self, organisation: str, issuer: str, subject: str) -> str | None:
        return await self._run(_user, organisation, issuer, subject)

    async def bound(self, user: str) -> bool:
        return await self._run(_bound, user)

    async def bind(self, user: str, organisation: str, issuer: str, subject: str, now: datetime) -> None:
        await self._run(_bind, user, organisation, issuer, subject, now)

    async def release(self, user: str) -> None:
        await self._run(_release, user)

    async def bound_users(self, organisation: str) -> Sequence[str]:
        return await self._run(_bound_users, organisation)


def _of(session: Session, organisation: str) -> Provider | None:
    row = session.connection.execute(select(providers).where(providers.c.organisation == organisation)).one_or_none()
    if row is None:
        return None
    return _KEPT.validate_json(session.open(HUB_SCOPE, row.settings, providers, "settings", organisation))


def _organisations(session: Session) -> Sequence[str]:
    return list(session.connection.execute(select(providers.c.organisation).order_by("organisation")).scalars())


def _put(session: Session, provider: Provider, now: datetime) -> None:
    sealed = session.seal(HUB_SCOPE, _KEPT.dump_json(provider), providers, "settings", provider.organisation)
    session.put(providers, [{"organisation": provider.organisation, "settings": sealed, "changed_at": now}])


def _remove(session: Session, organisation: str) -> None:
    session.connection.execute(delete(providers).where(providers.c.organisation == organisation))


def _lookup(session: Session, organisation: str, issuer: str, subject: str) -> bytes:
    return session.sealer.keyed_hash("identity", json.dumps([organisation, issuer, subject]))


def _user(session: Session, organisation: str, issuer: str, subject: str) -> str | None:
    lookup = _lookup(session, organisation, issuer, subject)
    return session.connection.execute(
        select(identities.c.user).where(identities.c.lookup == lookup)
    ).scalar_one_or_none()


def _bound(session: Session, user: str) -> bool:
    found = session.connection.execute(select(identities.c.user).where(identities.c.user == user))
    return found.one_or_none() is not None


def _bind(session: Session, user: str, organisation: str, issuer: str, subject: str, now: datetime) -> None:
    lookup = _lookup(session, organisation, issuer, subject)
    session.insert(identities, [{"user": user, "organisation": organisation, "lookup": lookup, "bound_at": now}])


def _release(session: Session, user: str) -> None:
    session.connection.execute(delete(identities).where(identities.c.user == user))


def _bound_users(session: Session, organisation: str) -> Sequence[str]:
    found = select(identities.c.user).where(identities.c.organisation == organisation).order_by("user")
    return list(session.connection.execute(found).scalars())
