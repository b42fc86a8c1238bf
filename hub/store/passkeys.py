"""Passkeys, and the challenges that were answered."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, select

from hub.core.passkeys import Passkey
from hub.store.accounts_tables import passkeys, spent
from hub.store.session import HUB_SCOPE, Run, Session


class SqlPasskeys:
    """Implements ``hub.service.accounts.ports.PasskeysUnit``."""

    def __init__(self, run: Run) -> None:
        self._run = run

    async def by_credential(self, credential: bytes) -> Passkey | None:
        return await self._run(_by_credential, credential)

    async def of(self, user: str) -> Sequence[Passkey]:
        return await self._run(_of, user)

    async def put(self, passkey: Passkey) -> None:
        await self._run(_put, passkey)

    async def remove(self, user: str, removed: Sequence[str]) -> None:
        await self._run(_remove, user, removed)

    async def spend(self, digest: bytes, organisation: str, ends: datetime, now: datetime) -> bool:
        return await self._run(_spend, digest, organisation, ends, now)


def _lookup(session: Session, credential: bytes) -> bytes:
    return session.sealer.keyed_hash("passkey", credential.hex())


def _by_credential(session: Session, credential: bytes) -> Passkey | None:
    found = select(passkeys).where(passkeys.c.lookup == _lookup(session, credential))
    row = session.connection.execute(found).one_or_none()
    return None if row is None else _opened(session, row)


def _of(session: Session, user: str) -> Sequence[Passkey]:
    oldest_first = select(passkeys).where(passkeys.c.user == user).order_by(passkeys.c.created_at, passkeys.c.id)
    return [_opened(session, row) for row in session.connection.execute(oldest_first)]


def _put(session: Session, one: Passkey) -> None:
    def sealed(column: str, value: bytes) -> bytes:
        return session.seal(HUB_SCOPE, value, passkeys, column, one.id)

    row = {
        "id": one.id,
        "user": one.user,
        "organisation": one.organisation,
        "lookup": _lookup(session, one.credential),
        "credential": sealed("credential", one.credential),
        "public_key": sealed("public_key", one.public_key),
        "name": sealed("name", one.name.encode()),
        "sign_count": one.sign_count,
        "synced": one.synced,
        "backed_up": one.backed_up,
        "created_at": one.created_at,
        "used_at": one.used_at,
    }
    session.put(passkeys, [row])


def _opened(session: Session, row: Row[Any]) -> Passkey:
    def opened(column: str) -> bytes:
        return session.open(HUB_SCOPE, row._mapping[column], passkeys, column, row.id)

    return Passkey(
        id=row.id,
        user=row.user,
        organisation=row.organisation,
        credential=opened("credential"),
        public_key=opened("public_key"),
        name=opened("name").decode(),
        sign_count=row.sign_count,
        synced=row.synced,
        backed_up=row.backed_up,
        created_at=row.created_at,
        used_at=row.used_at,
    )


def _remove(session: Session, user: str, removed: Sequence[str]) -> None:
    session.connection.execute(delete(passkeys).where(passkeys.c.user == user, passkeys.c.id.in_(removed)))


def _spend(session: Session, digest: bytes, organisation: str, ends: datetime, now: datetime) -> bool:
    session.connection.execute(delete(spent).where(spent.c.ends_at < now))
    row = {"digest": digest, "organisation": organisation, "ends_at": ends}
    return session.insert_new(spent, row, on=("digest",))
