"""The search index: written with the event that tells of a child, read instead of opening names.

What an organisation finds a child by is what it was told last: a name that was corrected since, and of which it has not
heard, finds nothing for it.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, LargeBinary, bindparam, delete, func, literal, or_, select, update

from contacts.roles import ORGANISATION_OF
from hub.core.desk import NOT_FOR_DESKS
from hub.core.records import Changes
from hub.core.search import Asked, Mark, marks
from hub.service.search_ports import AGAIN, FoundEpisode, Progress
from hub.store.episodes import facts
from hub.store.failures import KeyErased
from hub.store.search_tables import search_left, search_marks, search_progress
from hub.store.session import Run, Session
from hub.store.tables import episodes, notices
from hub.store.unreadable import UNREADABLE
from routing.recipients import UNNAMED_SCHOOL

_OF_EPISODE: Final = select(search_marks.c.organisation, search_marks.c.marks).where(
    search_marks.c.episode == bindparam("wanted")
)
_TOLD: Final = select(
    notices.c.organisation, notices.c.roles, notices.c.person, notices.c.kind, notices.c.revision
).where(notices.c.episode == bindparam("wanted"))

_MOST: Final = 5_000
"""Episodes that one search goes through."""


class SqlSearch:
    """Implements ``hub.service.search.SearchUnit`` within one transaction."""

    def __init__(self, run: Run) -> None:
        self._run = run

    async def found(self, asked: Asked, organisation: str | None, limit: int) -> Sequence[FoundEpisode]:
        return await self._run(_found, asked, organisation, limit)

    async def complete(self) -> bool:
        return await self._run(_complete)

    async def bring_in(self, limit: int, now: datetime) -> Progress:
        return await self._run(_bring_in, limit, now)


# writing


def write(session: Session, changes: Changes) -> None:
    """What this change makes its child found by, and for whom. One that tells nobody new of nothing new costs
    nothing."""
    told = {whose for one in changes.notices for whose in readers(one.organisation, one.roles, one.person, one.kind)}
    episode, doc = changes.episode, changes.doc
    if doc is None:
        if not told:
            return
        there = _there(session, episode.id)
        told -= set(there)
        if not told:
            return
        place = (episode.id, episode.revision)
        doc = facts(session, [place]).get(place, {})
    else:
        told.add(owner(episode.organisation, episode.source))
        there = {} if changes.expected_version is None else _there(session, episode.id)
    _put(session, episode.id, there, dict.fromkeys(told, marks(doc)))


def forget(session: Session, episode: str) -> None:
    """Nothing finds this episode any more."""
    session.connection.execute(delete(search_marks).where(search_marks.c.episode == episode))
    session.connection.execute(delete(search_left).where(search_left.c.episode == episode))


def readers(organisation: str | None, roles: Iterable[str], person: str | None, kind: str) -> set[str]:
    """Who may find an episode because of a notice: whoever may read it at a desk (hub/store/desk.py)."""
    if person is not None or kind in NOT_FOR_DESKS or organisation == UNNAMED_SCHOOL:
        return set()
    if organisation is not None:
        return {organisation}
    return {ORGANISATION_OF[role] for role in roles if role in ORGANISATION_OF}


def owner(organisation: str | None, source: str) -> str:
    """For whom an episode is found that nobody was told of."""
    return organisation if organisation is not None else f"source {source}"


def _there(session: Session, episode: str) -> dict[str, bytes]:
    found = session.connection.execute(_OF_EPISODE, {"wanted": episode})
    return {whose: bytes(marks) for whose, marks in found}


def _put(session: Session, episode: str, there: Mapping[str, bytes], wanted: Mapping[str, Collection[Mark]]) -> None:
    """Have these organisations find the episode by these marks and no others."""
    rows: list[dict[str, Any]] = []
    for whose, asked in wanted.items():
        hashes = b"".join(sorted(session.sealer.search_hash(purpose, whose, value) for purpose, value in asked))
        if there.get(whose) != hashes:
            rows.append({"organisation": whose, "episode": episode, "marks": hashes})
    session.put(search_marks, rows)


# what was there before


def _bring_in(session: Session, limit: int, now: datetime) -> Progress:
    session.insert_new(search_progress, {"id": 1, "after": "", "done_at": None})
    # One node at a time; and no episode changes while it is brought in, as whoever changes one takes its row first.
    progress = session.connection.execute(select(search_progress).with_for_update()).one()
    if progress.done_at is not None:
        return _try_again(session, limit, now)
    some = select(episodes.c.id, episodes.c.source, episodes.c.organisation, episodes.c.revision)
    rows = session.connection.execute(
        some.where(episodes.c.id > progress.after).order_by(episodes.c.id).limit(limit).with_for_update()
    ).all()
    session.put(search_left, [{"episode": row.id, "tried_at": now} for row in rows if not _brought(session, row)])
    done = len(rows) < limit
    after = rows[-1].id if rows else progress.after
    session.connection.execute(update(search_progress).values(after=after, done_at=now if done else None))
    return "more" if not done else "left" if _some_left(session) else "whole"


def _try_again(session: Session, limit: int, now: datetime) -> Progress:
    """Those that did not open, the longest ago first. One that was tried by a clock since set back is due too."""
    due = or_(search_left.c.tried_at <= now - AGAIN, search_left.c.tried_at > now)
    some = (
        select(episodes.c.id, episodes.c.source, episodes.c.organisation, episodes.c.revision)
        .join_from(search_left, episodes, search_left.c.episode == episodes.c.id)
        .where(due)
        .order_by(search_left.c.tried_at, search_left.c.episode)
        .limit(limit)
        .with_for_update(of=episodes)
    )
    rows = session.connection.execute(some).all()
    for row in rows:
        mine = search_left.c.episode == row.id
        brought = _brought(session, row)
        session.connection.execute(
            delete(search_left).where(mine) if brought else update(search_left).where(mine).values(tried_at=now)
        )
    if len(rows) == limit:
        return "more"
    return "left" if _some_left(session) else "whole"


def _brought(session: Session, row: Any) -> bool:
    """Bring an episode in; False if it does not open. Of an erased one there is nothing to bring."""
    try:
        wanted = _wanted(session, row)
    except KeyErased:
        return True
    except UNREADABLE:
        return False
    _put(session, row.id, _there(session, row.id), wanted)
    return True


def _some_left(session: Session) -> bool:
    return session.connection.execute(select(search_left.c.episode).limit(1)).scalar() is not None


def _wanted(session: Session, episode: Any) -> dict[str, frozenset[Mark]]:
    """For each organisation what it was told last; for whose the episode is, what is so now."""
    newest: dict[str, int] = {}
    for row in session.connection.execute(_TOLD, {"wanted": episode.id}):
        for whose in readers(row.organisation, row.roles, row.person, row.kind):
            newest[whose] = max(newest.get(whose, 0), row.revision)
    if episode.revision:
        newest[owner(episode.organisation, episode.source)] = episode.revision
    docs = facts(session, [(episode.id, revision) for revision in set(newest.values()) if revision])
    return {whose: marks(docs.get((episode.id, revision), {})) for whose, revision in newest.items()}


# reading


def episodes_named(session: Session, organisation: str, beginnings: Sequence[str]) -> list[str]:
    """The episodes that an organisation was told of, of children with words in their names that begin so."""
    hashes = [session.sealer.search_hash("word", organisation, one) for one in beginnings]
    return _with(session, organisation, hashes)


def _with(session: Session, organisation: str, hashes: Sequence[bytes]) -> list[str]:
    """The newest of those with all of these marks."""
    newest = (
        select(search_marks.c.episode)
        .where(search_marks.c.organisation == organisation, *(_has(session, one) for one in hashes))
        .order_by(search_marks.c.episode.desc())
        .limit(_MOST)
    )
    return list(session.connection.execute(newest).scalars())


def _has(session: Session, mark: bytes) -> ColumnElement[bool]:
    """Where marks stand one behind the other, one that begins within another is as likely as a guess of the key."""
    if session.postgresql:
        return func.position(literal(mark, LargeBinary).op("IN")(search_marks.c.marks)) > 0
    return func.instr(search_marks.c.marks, mark) > 0


def _found(session: Session, asked: Asked, organisation: str | None, limit: int) -> Sequence[FoundEpisode]:
    wanted = asked.marks()
    if not wanted:
        return []
    if organisation is not None:
        everybody = [organisation]
    else:
        everybody = list(session.connection.execute(select(search_marks.c.organisation).distinct()).scalars())
    found: set[str] = set()
    for whose in everybody:
        found.update(_with(session, whose, [session.sealer.search_hash(kind, whose, value) for kind, value in wanted]))
    ids = sorted(found, reverse=True)[:limit]
    statement = select(episodes).where(episodes.c.id.in_(ids)).order_by(episodes.c.id.desc())
    return [
        FoundEpisode(
            child=row.child,
            episode=row.id,
            source=row.source,
            organisation=row.organisation,
            state=row.state,
            status=row.status,
            since=row.since,
        )
        for row in session.connection.execute(statement)
    ]


def _complete(session: Session) -> bool:
    done = session.connection.execute(select(search_progress.c.done_at)).scalar() is not None
    return done and not _some_left(session)
