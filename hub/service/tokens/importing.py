"""Tokens that an earlier version kept in a file come into the store, once, however many nodes do it."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from contacts.roles import OPERATOR
from hub.core.api_tokens import Token, TokenSecret
from hub.core.records import AuditLine
from hub.service.ports import Ids, Store, Unit
from hub.service.tokens.ports import LOCK


@dataclass(frozen=True, slots=True, kw_only=True)
class FiledToken:
    """A token as the file has it."""

    name: str
    scopes: frozenset[str]
    digest: bytes = field(repr=False)
    created_at: datetime
    organisation: str | None = None
    person: str | None = None


async def bring_in(store: Store, filed: Sequence[FiledToken], ends_at: datetime, ids: Ids, now: datetime) -> int:
    """How many came in. One whose secret was ever in the store stays as it is there, revoked or not; one whose name is
    another's now gets a longer one. Raises StoreUnavailable."""
    if not filed:
        return 0

    async def missing(unit: Unit) -> list[FiledToken]:
        return [one for one in filed if await unit.tokens.by_digest(one.digest) is None]

    async def work(unit: Unit) -> int:
        await unit.lock(LOCK)
        new = await missing(unit)
        taken = {held.token.label for held in await unit.tokens.listed(None, everybodys=True)}
        for one in new:
            token = _token(one, taken, ids, now)
            taken.add(token.label)
            secret = TokenSecret(token=token.id, organisation=token.organisation, digest=one.digest,
                                 made_at=one.created_at, ends_at=ends_at)  # fmt: skip
            await unit.tokens.add(token, secret)
            detail = {"name": token.name, "scopes": " ".join(sorted(token.scopes)), "ends": f"{ends_at:%Y-%m-%d}"}
            line = AuditLine(id=ids.new("au", now), at=now, actor="hub", action="token.imported",
                             organisation=token.organisation or OPERATOR, subject=token.id, detail=detail)  # fmt: skip
            await unit.add_audit([line])
        return len(new)

    return await store.write(work) if await store.read(missing) else 0


def _token(filed: FiledToken, taken: set[str], ids: Ids, now: datetime) -> Token:
    token = Token(
        id=ids.new("tk", now),
        name=filed.name,
        scopes=filed.scopes,
        created_at=filed.created_at,
        organisation=filed.organisation,
        person=filed.person,
    )
    return token if token.label not in taken else replace(token, name=f"{filed.name[:50]}-{filed.digest.hex()[:12]}")
