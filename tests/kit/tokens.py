"""API tokens as tests give them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from hub.core.api_tokens import Token as StoredToken
from hub.core.api_tokens import TokenSecret
from hub.service.ports import Store, Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token with its one secret, good for a year."""

    name: str
    scopes: frozenset[str]
    sha256: bytes
    created_at: datetime
    organisation: str | None = None
    person: str | None = None
    certificate: bytes | None = None
    desks: frozenset[str] = frozenset()

    @property
    def id(self) -> str:
        return f"tk_{self.organisation or ''}_{self.name}"


async def file_tokens(store: Store, tokens: Iterable[Token]) -> None:
    """Put them into the store."""

    async def work(unit: Unit) -> None:
        for one in tokens:
            token = StoredToken(
                id=one.id,
                name=one.name,
                scopes=one.scopes,
                created_at=one.created_at,
                organisation=one.organisation,
                person=one.person,
                certificate=one.certificate,
                desks=one.desks,
            )
            secret = TokenSecret(
                token=one.id,
                organisation=one.organisation,
                digest=one.sha256,
                made_at=one.created_at,
                ends_at=one.created_at + timedelta(days=365),
            )
            await unit.tokens.add(token, secret)

    await store.write(work)
