"""Users, the links they are invited by, and their sessions."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Table, delete, select, update

from hub.core.accounts import User, UserLink, UserSession
from hub.store.accounts_tables import user_links, user_sessions, users
from hub.store.session import HUB_SCOPE, Run, Session


class SqlAccounts:
    """Implements ``hub.service.accounts.ports.AccountsUnit``."""

    def __init__(self, run: Run) -> None:
        self._run = run

    async def user(self, user: str) -> User | None:
        return await self._run(_user, user)

    async def user_by_email(self, email: str) -> User | None:
        return await self._run(_user_by_email, email)

    async def users(self, organisation: str | None, *, skip: int = 0, limit: int | None = None) -> Sequence[User]:
        return await self._run(_users, organisation, skip, limit)

    async def put_user(self, user: User) -> None:
        await self._run(_put_user, user)

    async def link(self, digest: bytes) -> UserLink | None:
        return await self._run(_link, digest)

    async def put_link(self, link: UserLink) -> None:
        await self._run(_put_link, link)

    async def end_links(self, user: str) -> None:
        await self._run(_end_links, user)

    async def session(self, digest: bytes) -> tuple[UserSession, User] | None:
        return await self._run(_session, digest)

    async def sessions(self, user: str) -> Sequence[UserSession]:
        return await self._run(_sessions, user)

    async def put_session(self, session: UserSession) -> None:
        await self._run(_put_session, session)

    async def seen(self, session: str, now: datetime) -> None:
        await self._run(_seen, session, now)

    async def proved(self, session: str, now: datetime) -> bool:
        return await self._run(_proved, session, now)

    async def end_sessions(self, user: str, sessions: Sequence[str]) -> None:
        await self._run(_end_sessions, user, sessions)


def _lookup(session: Session, email: str) -> bytes:
    return session.sealer.keyed_hash("user", email.casefold())


def _user(session: Session, user: str) -> User | None:
    row = session.connection.execute(select(users).where(users.c.id == user)).one_or_none()
    return None if row is None else _opened(session, row)


def _user_by_email(session: Session, email: str) -> User | None:
    live = select(users).where(users.c.lookup == _lookup(session, email), users.c.state != "disabled")
    row = session.connection.execute(live).one_or_none()
    return None if row is None else _opened(session, row)


def _users(session: Session, organisation: str | None, skip: int, limit: int | None) -> Sequence[User]:
    statement = select(users).order_by(users.c.organisation, users.c.created_at, users.c.id).offset(skip).limit(limit)
    if organisation is not None:
        statement = statement.where(users.c.organisation == organisation)
    return [_opened(session, row) for row in session.connection.execute(statement)]


def _put_user(session: Session, user: User) -> None:
    def sealed(column: str, value: bytes | None) -> bytes | None:
        return _seal(session, users, column, user.id, value)

    row = {
        "id": user.id,
        "organisation": user.organisation,
        "roles": tuple(sorted(user.roles)),
        "lookup": _lookup(session, user.email),
        "email": sealed("email", user.email.encode()),
        "state": user.state,
        "created_at": user.created_at,
        "state_at": user.state_at,
        "name": sealed("name", _encoded(user.name)),
        "password": sealed("password", _encoded(user.password)),
        "totp": sealed("totp", user.totp),
        "totp_step": user.totp_step,
        "failures": user.failures,
        "locks": user.locks,
        "locked_until": user.locked_until,
        "signed_in_at": user.signed_in_at,
    }
    session.put(users, [row])


def _opened(session: Session, row: Row[Any]) -> User:
    def opened(column: str) -> bytes | None:
        return _open(session, users, column, row.id, row._mapping[column])

    return User(
        id=row.id,
        organisation=row.organisation,
        roles=frozenset(row.roles),
        email=session.open(HUB_SCOPE, row.email, users, "email", row.id).decode(),
        state=row.state,
        created_at=row.created_at,
        state_at=row.state_at,
        name=_decoded(opened("name")),
        password=_decoded(opened("password")),
        totp=opened("totp"),
        totp_step=row.totp_step,
        failures=row.failures,
        locks=row.locks,
        locked_until=row.locked_until,
        signed_in_at=row.signed_in_at,
    )


def _link(session: Session, digest: bytes) -> UserLink | None:
    row = session.connection.execute(select(user_links).where(user_links.c.digest == digest)).one_or_none()
    if row is None:
        return None

    def opened(column: str) -> bytes | None:
        return _open(session, user_links, column, row.id, row._mapping[column])

    return UserLink(
        id=row.id,
        user=row.user,
        organisation=row.organisation,
        purpose=row.purpose,
        digest=row.digest,
        created_at=row.created_at,
        expires_at=row.expires_at,
        pending=opened("pending"),
        pending_password=_decoded(opened("pending_password")),
        pending_name=_decoded(opened("pending_name")),
    )


def _put_link(session: Session, link: UserLink) -> None:
    def sealed(column: str, value: bytes | None) -> bytes | None:
        return _seal(session, user_links, column, link.id, value)

    row = {
        "id": link.id,
        "user": link.user,
        "organisation": link.organisation,
        "purpose": link.purpose,
        "digest": link.digest,
        "created_at": link.created_at,
        "expires_at": link.expires_at,
        "pending": sealed("pending", link.pending),
        "pending_password": sealed("pending_password", _encoded(link.pending_password)),
        "pending_name": sealed("pending_name", _encoded(link.pending_name)),
    }
    session.put(user_links, [row])


def _end_links(session: Session, user: str) -> None:
    session.connection.execute(delete(user_links).where(user_links.c.user == user))


def _session(session: Session, digest: bytes) -> tuple[UserSession, User] | None:
    row = session.connection.execute(select(user_sessions).where(user_sessions.c.digest == digest)).one_or_none()
    if row is None:
        return None
    user = _user(session, row.user)
    return None if user is None else (_one_session(row), user)


def _sessions(session: Session, user: str) -> Sequence[UserSession]:
    newest_last = (
        select(user_sessions)
        .where(user_sessions.c.user == user)
        .order_by(user_sessions.c.created_at, user_sessions.c.id)
    )
    return [_one_session(row) for row in session.connection.execute(newest_last)]


def _one_session(row: Row[Any]) -> UserSession:
    return UserSession(**row._mapping)


def _put_session(session: Session, value: UserSession) -> None:
    row = {column.name: getattr(value, column.name) for column in user_sessions.columns}
    session.put(user_sessions, [row])


def _seen(session: Session, one: str, now: datetime) -> None:
    """Never backwards: two requests of one page may come in either order."""
    session.connection.execute(
        update(user_sessions).where(user_sessions.c.id == one, user_sessions.c.seen_at < now).values(seen_at=now)
    )


def _proved(session: Session, one: str, now: datetime) -> bool:
    """Never by :func:`_put_session`: a session may be ended by another node since it was read."""
    noted = update(user_sessions).where(user_sessions.c.id == one).values(proved_at=now)
    return bool(session.connection.execute(noted).rowcount)


def _end_sessions(session: Session, user: str, ended: Sequence[str]) -> None:
    session.connection.execute(delete(user_sessions).where(user_sessions.c.user == user, user_sessions.c.id.in_(ended)))


def _seal(session: Session, table: Table, column: str, row: str, value: bytes | None) -> bytes | None:
    return None if value is None else session.seal(HUB_SCOPE, value, table, column, row)


def _open(session: Session, table: Table, column: str, row: str, value: bytes | None) -> bytes | None:
    return None if value is None else session.open(HUB_SCOPE, value, table, column, row)


def _encoded(text: str | None) -> bytes | None:
    return None if text is None else text.encode()


def _decoded(value: bytes | None) -> str | None:
    return None if value is None else value.decode()
