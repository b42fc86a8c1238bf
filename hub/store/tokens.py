"""API tokens and their secrets."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import LargeBinary, Row, bindparam, not_, or_, select, update

from hub.core.api_tokens import Held, Token, TokenSecret
from hub.store.session import Run, Session
from hub.store.tokens_tables import api_token_secrets as secrets
from hub.store.tokens_tables import api_tokens as tokens
from hub.store.types import Instant


class SqlTokens:
    """Implements ``hub.service.tokens.ports.TokensUnit``."""

    def __init__(self, run: Run) -> None:
        self._run = run

    async def by_digest(self, digest: bytes) -> tuple[Token, TokenSecret] | None:
        return await self._run(_by_digest, digest)

    async def token(self, token: str) -> Held | None:
        return await self._run(_token, token)

    async def named(self, name: str) -> Sequence[Held]:
        return await self._run(_named, name)

    async def listed(self, organisation: str | None, *, everybodys: bool = False) -> Sequence[Held]:
        return await self._run(_listed, organisation, everybodys)

    async def ending(self, before: datetime, *, after: str, limit: int) -> Sequence[Held]:
        return await self._run(_ending, before, after, limit)

    async def add(self, token: Token, secret: TokenSecret) -> None:
        await self._run(_add, token, secret)

    async def add_secret(self, secret: TokenSecret) -> None:
        await self._run(_add_secret, secret)

    async def shorten(self, token: str, until: datetime) -> None:
        await self._run(_shorten, token, until)

    async def revoke(self, token: str, now: datetime) -> None:
        await self._run(_revoke, token, now)

    async def note(self, digest: bytes, *, warned: int | None, alarm: str | None, over: bool) -> None:
        await self._run(_note, digest, warned, alarm, over)

    async def used(self, uses: Mapping[bytes, datetime]) -> None:
        await self._run(_used, uses)


def _by_digest(session: Session, digest: bytes) -> tuple[Token, TokenSecret] | None:
    found = session.connection.execute(select(secrets).where(secrets.c.digest == digest)).one_or_none()
    if found is None:
        return None
    row = session.connection.execute(select(tokens).where(tokens.c.id == found.token)).one()
    return _as_token(row), _as_secret(found)


def _token(session: Session, token: str) -> Held | None:
    return next(iter(_held(session, session.connection.execute(select(tokens).where(tokens.c.id == token)))), None)


def _named(session: Session, name: str) -> Sequence[Held]:
    found = select(tokens).where(tokens.c.name == name, tokens.c.revoked_at.is_(None)).order_by(tokens.c.id)
    return _held(session, session.connection.execute(found))


def _listed(session: Session, organisation: str | None, everybodys: bool) -> Sequence[Held]:
    found = select(tokens).where(tokens.c.revoked_at.is_(None)).order_by(tokens.c.organisation, tokens.c.name)
    if not everybodys:
        found = found.where(tokens.c.organisation == organisation)
    return _held(session, session.connection.execute(found))


def _ending(session: Session, before: datetime, after: str, limit: int) -> Sequence[Held]:
    due = select(secrets.c.token).where(not_(secrets.c.over), secrets.c.ends_at < before)
    found = (
        select(tokens)
        .where(tokens.c.id.in_(due), tokens.c.revoked_at.is_(None), tokens.c.id > after)
        .order_by(tokens.c.id)
        .limit(limit)
    )
    return _held(session, session.connection.execute(found))


def _held(session: Session, rows: Iterable[Row[Any]]) -> Sequence[Held]:
    found = [_as_token(row) for row in rows]
    own: dict[str, list[TokenSecret]] = {one.id: [] for one in found}
    newest_first = secrets.c.made_at.desc(), secrets.c.ends_at.desc(), secrets.c.digest
    wanted = select(secrets).where(secrets.c.token.in_(list(own))).order_by(*newest_first)
    for row in session.connection.execute(wanted):
        own[row.token].append(_as_secret(row))
    return [Held(token=one, secrets=own[one.id]) for one in found]


def _as_token(row: Row[Any]) -> Token:
    return Token(**{**row._mapping, "scopes": frozenset(row.scopes), "desks": frozenset(row.desks or ())})


def _as_secret(row: Row[Any]) -> TokenSecret:
    return TokenSecret(**row._mapping)


def _add(session: Session, token: Token, secret: TokenSecret) -> None:
    row = {column.name: getattr(token, column.name) for column in tokens.columns}
    session.insert(tokens, [{**row, "scopes": tuple(sorted(token.scopes)), "desks": tuple(sorted(token.desks))}])
    _add_secret(session, secret)


def _add_secret(session: Session, secret: TokenSecret) -> None:
    session.insert(secrets, [{column.name: getattr(secret, column.name) for column in secrets.columns}])


def _shorten(session: Session, token: str, until: datetime) -> None:
    longer = update(secrets).where(secrets.c.token == token, secrets.c.ends_at > until)
    session.connection.execute(longer.values(ends_at=until))


def _revoke(session: Session, token: str, now: datetime) -> None:
    """The first time stays."""
    session.connection.execute(
        update(tokens).where(tokens.c.id == token, tokens.c.revoked_at.is_(None)).values(revoked_at=now)
    )


def _note(session: Session, digest: bytes, warned: int | None, alarm: str | None, over: bool) -> None:
    session.connection.execute(
        update(secrets).where(secrets.c.digest == digest).values(warned=warned, alarm=alarm, over=over)
    )


def _used(session: Session, uses: Mapping[bytes, datetime]) -> None:
    if uses:
        session.connection.execute(_USED, [{"of": one, "at": at} for one, at in uses.items()])


_USED: Final = (
    update(secrets)
    .where(
        secrets.c.digest == bindparam("of", type_=LargeBinary),
        or_(secrets.c.used_at.is_(None), secrets.c.used_at < bindparam("at", type_=Instant)),
    )
    .values(used_at=bindparam("at", type_=Instant))
)
