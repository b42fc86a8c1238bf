"""The police's holds in the ledger."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Row, bindparam, select

from hub.core.holds import Act, Hold
from hub.service.holds.ports import Done
from hub.service.ports import LostRace
from hub.store import statements as said
from hub.store.hold_rows import act_of, holds_of
from hub.store.hold_tables import police_holds
from hub.store.seeing import write_audit
from hub.store.session import Run, Session
from hub.store.statements import stating

_ACTS: Final = select(police_holds).where(police_holds.c.episode == bindparam("wanted")).order_by(police_holds.c.number)
_BY_KEY: Final = select(police_holds).where(police_holds.c.key == bindparam("wanted"))


class SqlHolds:
    """Implements ``hub.service.holds.ports.HoldsUnit`` within one transaction."""

    def __init__(self, run: Run) -> None:
        self._run = run

    async def acts(self, episode: str, *, words_of: str | None = None) -> Sequence[Act]:
        return await self._run(_acts, episode, words_of)

    async def standing(self, episode: str) -> tuple[Hold, ...]:
        return await self._run(_standing, episode)

    async def done_as(self, actor: str, key: str) -> Act | None:
        return await self._run(_done_as, actor, key)

    async def add(self, done: Done) -> None:
        await self._run(_add, done)


def _whole(session: Session, row: Row[Any]) -> Act:
    name = session.open(row.child, row.name, police_holds, "name", row.id).decode()
    return act_of(row, name, session.open_text(row.child, row.reason, police_holds, "reason", row.id))


def _acts(session: Session, episode: str, words_of: str | None) -> Sequence[Act]:
    rows = session.connection.execute(_ACTS, {"wanted": episode})
    return [_whole(session, row) if row.organisation == words_of else act_of(row) for row in rows]


def _standing(session: Session, episode: str) -> tuple[Hold, ...]:
    return holds_of(session, [episode]).get(episode, ())


def _done_as(session: Session, actor: str, key: str) -> Act | None:
    row = session.connection.execute(_BY_KEY, {"wanted": _lookup(session, actor, key)}).one_or_none()
    return None if row is None else _whole(session, row)


def _lookup(session: Session, actor: str, key: str) -> bytes:
    return session.sealer.keyed_hash("police_hold", actor, key)


def _add(session: Session, done: Done) -> None:
    act, child = done.act, done.child
    row = {
        "id": act.id,
        "episode": act.episode,
        "number": act.number,
        "child": child,
        "kind": act.kind,
        "deed": act.deed,
        "organisation": act.organisation,
        "desk": act.desk,
        "role": act.role,
        "actor": act.actor,
        "at": act.at,
        "review_at": act.review_at,
        "there": act.there,
        "key": _lookup(session, act.actor, done.key),
        "name": session.seal(child, act.name.encode(), police_holds, "name", act.id),
        "reason": session.seal_text(child, act.reason, police_holds, "reason", act.id),
    }
    if not session.insert_new(police_holds, row):
        raise LostRace  # run again, the work finds it
    write_audit(session, stating(session, done.audit, (said.HOLD, [row])))
