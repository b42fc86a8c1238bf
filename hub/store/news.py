"""News of changes to the directory in the ledger."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select

from hub.core.news import News
from hub.store.news_tables import directory_news
from hub.store.session import HUB_SCOPE, Run, Session

_N = directory_news.c


class SqlNews:
    """Implements ``hub.service.directory.ports.NewsUnit``."""

    def __init__(self, run: Run) -> None:
        self._run = run

    async def put(self, news: Sequence[News]) -> None:
        await self._run(_put, news)

    async def due(self, now: datetime, limit: int) -> Sequence[News]:
        return await self._run(_due, now, limit)

    async def told(self, user: str | None) -> Sequence[datetime]:
        return await self._run(_told, user)

    async def by_token(self, digest: bytes) -> News | None:
        return await self._run(_by_token, digest)

    async def confirmations(self, change: str) -> Sequence[News]:
        return await self._run(_confirmations, change)


def _put(session: Session, news: Sequence[News]) -> None:
    session.put(directory_news, [_row(session, one) for one in news])


def _row(session: Session, one: News) -> dict[str, Any]:
    kept = {column.name: getattr(one, column.name) for column in directory_news.columns}
    return {**kept, "address": session.seal_text(HUB_SCOPE, one.address, directory_news, "address", one.id)}


def _due(session: Session, now: datetime, limit: int) -> Sequence[News]:
    rows = select(directory_news).where(_N.ended_at.is_(None), _N.due_at <= now).order_by(_N.due_at, _N.id)
    return [_opened(session, row) for row in session.connection.execute(rows.limit(limit))]


def _by_token(session: Session, digest: bytes) -> News | None:
    row = session.connection.execute(select(directory_news).where(_N.token_digest == digest)).one_or_none()
    return None if row is None else _opened(session, row)


def _confirmations(session: Session, change: str) -> Sequence[News]:
    rows = select(directory_news).where(_N.change == change, _N.token_digest.is_not(None)).order_by(_N.id)
    return [_opened(session, row) for row in session.connection.execute(rows)]


def _told(session: Session, user: str | None) -> Sequence[datetime]:
    mine = _N.user.is_(None) if user is None else _N.user == user
    rows = (
        select(_N.ended_at)
        .where(mine, _N.about == "waits", _N.came_to == "told")
        .order_by(_N.ended_at.desc())
        .limit(20)
    )
    return list(session.connection.execute(rows).scalars())


def _opened(session: Session, row: Row[Any]) -> News:
    address = session.open_text(HUB_SCOPE, row.address, directory_news, "address", row.id)
    return News(**{**row._mapping, "address": address})
