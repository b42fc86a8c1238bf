"""Directories that were handed over, until they are in force or forgotten."""

import zlib
from dataclasses import asdict, fields
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, delete, func, or_, select, update

from hub.core.uploads import LASTS, SLACK, WITHIN, Upload
from hub.store.session import HUB_SCOPE, Run, Session
from hub.store.uploads_tables import directory_uploads

_T = directory_uploads.c
_KEPT: Final = [directory_uploads.c[one.name] for one in fields(Upload)]


class SqlUploads:
    """Implements ``hub.service.directory.ports.Uploads``."""

    def __init__(self, run: Run) -> None:
        self._run = run

    async def add(self, upload: Upload, file: bytes) -> None:
        await self._run(_add, upload, file)

    async def one(self, upload: str) -> Upload | None:
        return await self._run(_one, upload)

    async def file(self, upload: str) -> bytes | None:
        return await self._run(_file, upload)

    async def compare(self, upload: str, seen: int, now: datetime) -> None:
        await self._run(_compare, upload, seen, now)

    async def begin(self, upload: str, seen: int, change: str, now: datetime) -> str | None:
        return await self._run(_begin, upload, seen, change, now)

    async def halt(self, upload: str, begun: datetime | None) -> None:
        await self._run(_halt, upload, begun)

    async def put_away(self, upload: str) -> None:
        await self._run(_put_away, upload)

    async def remove(self, upload: str, now: datetime) -> None:
        await self._run(_remove, upload, now)

    async def any_over(self, now: datetime) -> bool:
        return await self._run(_any_over, now)

    async def forget(self, now: datetime) -> None:
        await self._run(_forget, now)


def _add(session: Session, upload: Upload, file: bytes) -> None:
    now = upload.uploaded_at
    unused = (_T.by == upload.by) & _T.confirmed_at.is_(None)
    session.connection.execute(delete(directory_uploads).where(or_(_over(now), unused)))
    packed = zlib.compress(file, level=1)
    sealed = session.seal(HUB_SCOPE, packed, directory_uploads, "file", upload.id)
    session.insert(directory_uploads, [{**asdict(upload), "file": sealed}])


def _over(now: datetime) -> ColumnElement[bool]:
    """Past its time, or of a clock that was set back since."""
    return or_(_T.uploaded_at <= now - LASTS, _T.uploaded_at > now + LASTS)


def _any_over(session: Session, now: datetime) -> bool:
    return session.connection.execute(select(_T.id).where(_over(now)).limit(1)).first() is not None


def _forget(session: Session, now: datetime) -> None:
    session.connection.execute(delete(directory_uploads).where(_over(now)))


def _free(now: datetime) -> ColumnElement[bool]:
    """Nobody is putting it in force."""
    return or_(_T.confirmed_at.is_(None), _T.confirmed_at <= now - WITHIN, _T.confirmed_at > now + SLACK)


def _one(session: Session, upload: str) -> Upload | None:
    row = session.connection.execute(select(*_KEPT).where(_T.id == upload)).one_or_none()
    return None if row is None else Upload(**row._mapping)


def _file(session: Session, upload: str) -> bytes | None:
    sealed = session.connection.execute(select(_T.file).where(_T.id == upload)).scalar()
    if sealed is None:
        return None
    return zlib.decompress(session.open(HUB_SCOPE, sealed, directory_uploads, "file", upload))


def _compare(session: Session, upload: str, seen: int, now: datetime) -> None:
    free = update(directory_uploads).where(_T.id == upload, _free(now))
    session.connection.execute(free.values(seen=seen, confirmed_at=None))


def _begin(session: Session, upload: str, seen: int, change: str, now: datetime) -> str | None:
    statement = (
        update(directory_uploads)
        .where(_T.id == upload, _T.seen == seen, _T.file.is_not(None), _free(now))
        .values(change=func.coalesce(_T.change, change), confirmed_at=now)
        .returning(_T.change)
    )
    return session.connection.execute(statement).scalar()


def _halt(session: Session, upload: str, begun: datetime | None) -> None:
    session.connection.execute(update(directory_uploads).where(_T.id == upload).values(confirmed_at=begun))


def _put_away(session: Session, upload: str) -> None:
    session.connection.execute(update(directory_uploads).where(_T.id == upload).values(file=None))


def _remove(session: Session, upload: str, now: datetime) -> None:
    session.connection.execute(delete(directory_uploads).where(_T.id == upload, _free(now)))
