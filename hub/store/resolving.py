"""Resolutions in the ledger."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, or_, select

from hub.core.records import AuditLine
from hub.core.resolution import Resolution, Step
from hub.store.erased import TEXT
from hub.store.resolution_tables import resolution_steps, resolutions
from hub.store.seeing import write_audit
from hub.store.session import Run, Session
from hub.store.statements import STEP, stating
from hub.store.tables import children, episodes


class SqlResolving:
    """Implements ``hub.service.resolving.ports.ResolvingUnit`` within one transaction."""

    def __init__(self, run: Run) -> None:
        self._run = run

    async def of(self, episode: str, *, whole: bool = False) -> Sequence[Resolution]:
        return await self._run(_found, resolutions.c.episode == episode, whole=whole)

    async def one(self, resolution: str, *, whole: bool = False) -> Resolution | None:
        return next(iter(await self._run(_found, resolutions.c.id == resolution, whole=whole)), None)

    async def listed(self, organisation: str | None, limit: int) -> Sequence[Resolution]:
        return await self._run(_listed, organisation, limit)

    async def due(self, now: datetime, limit: int) -> Sequence[str]:
        return await self._run(_due, now, limit)

    async def put(self, resolution: Resolution, child: str, steps: Sequence[Step], audit: Sequence[AuditLine]) -> None:
        await self._run(_put, resolution, child, steps, audit)


_LIVING: ColumnElement[bool] = resolutions.c.state.in_(("open", "asked"))


def _found(session: Session, which: ColumnElement[bool], *, whole: bool, limit: int | None = None) -> list[Resolution]:
    rows = session.connection.execute(select(resolutions).where(which).order_by(resolutions.c.id).limit(limit)).all()
    if not rows:
        return []
    steps: dict[str, list[Step]] = {}
    ours = select(resolution_steps).where(resolution_steps.c.resolution.in_([row.id for row in rows]))
    for row in session.connection.execute(ours.order_by(resolution_steps.c.number)):
        steps.setdefault(row.resolution, []).append(_step(session, row, whole=whole))
    return [_resolution(row, tuple(steps.get(row.id, ()))) for row in rows]


def _listed(session: Session, organisation: str | None, limit: int) -> list[Resolution]:
    which = _LIVING if organisation is None else _LIVING & (resolutions.c.organisation == organisation)
    return _found(session, which, whole=False, limit=limit)


def _due(session: Session, now: datetime, limit: int) -> Sequence[str]:
    asked = (
        select(resolutions.c.id)
        .join(episodes, episodes.c.id == resolutions.c.episode)
        .join(children, children.c.id == resolutions.c.child)
        .where(
            _LIVING,
            or_(
                resolutions.c.due_at <= now,
                episodes.c.revision > resolutions.c.revision,
                episodes.c.state == "retracted",
                children.c.erasing_at.is_not(None),
            ),
        )
        .order_by(resolutions.c.id)
        .limit(limit)
    )
    return session.connection.execute(asked).scalars().all()


def _resolution(row: Row[Any], steps: tuple[Step, ...]) -> Resolution:
    return Resolution(
        id=row.id,
        episode=row.episode,
        roles=row.roles,
        organisation=row.organisation,
        desk=row.desk,
        opened_at=row.opened_at,
        state=row.state,
        due_at=row.due_at,
        late=row.late,
        revision=row.revision,
        settled_by=row.settled_by,
        message=row.message,
        steps=steps,
    )


def _step(session: Session, row: Row[Any], *, whole: bool) -> Step:
    def opened(column: str) -> str | None:
        sealed = getattr(row, column)
        return session.open_text(row.child, sealed, resolution_steps, column, row.id, erased=TEXT) if whole else None

    return Step(
        id=row.id,
        at=row.at,
        kind=row.kind,
        organisation=row.organisation,
        notice=row.notice,
        answer=row.answer,
        actor=row.actor,
        name=opened("name"),
        text=opened("text"),
    )


def _put(
    session: Session, resolution: Resolution, child: str, steps: Sequence[Step], lines: Sequence[AuditLine]
) -> None:
    session.put(
        resolutions,
        [
            {
                "id": resolution.id,
                "episode": resolution.episode,
                "child": child,
                "organisation": resolution.organisation,
                "desk": resolution.desk,
                "roles": resolution.roles,
                "opened_at": resolution.opened_at,
                "state": resolution.state,
                "due_at": resolution.due_at,
                "late": resolution.late,
                "revision": resolution.revision,
                "settled_by": resolution.settled_by,
                "message": resolution.message,
            }
        ],
    )
    rows = [
        {
            "id": one.id,
            "resolution": resolution.id,
            "episode": resolution.episode,
            "child": child,
            "number": number,
            "at": one.at,
            "kind": one.kind,
            "organisation": one.organisation,
            "notice": one.notice,
            "answer": one.answer,
            "actor": one.actor,
            "name": session.seal_text(child, one.name, resolution_steps, "name", one.id),
            "text": session.seal_text(child, one.text, resolution_steps, "text", one.id),
        }
        for number, one in enumerate(steps, 1 + len(resolution.steps) - len(steps))
    ]
    session.insert(resolution_steps, rows)
    write_audit(session, stating(session, lines, (STEP, rows)))
