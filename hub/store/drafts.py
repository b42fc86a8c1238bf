"""Changes to the directory: kept sealed with everybody who had a part in them, found by organisation or by entry."""

import zlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, func, select, text, update

from contacts.changes import EntryKey, Table
from contacts.changes_json import differences_from_json, differences_to_json
from hub.core.drafts import About, Draft, Judged, Listing, Version
from hub.service.directory.ports import NewsUnit, Uploads
from hub.store import directory
from hub.store.codec import from_bytes, to_bytes
from hub.store.drafts_tables import directory_change_entries, directory_changes
from hub.store.news import SqlNews
from hub.store.session import HUB_SCOPE, Run, Session
from hub.store.tables import directories
from hub.store.uploads import SqlUploads

_WAITING = text("state = 'waiting'")
"""Written out, so that the index of those few is used."""
_PEOPLE = ("proposed_name", "why", "decided_name", "decided_why")


class SqlDrafts:
    """Implements ``hub.service.directory.ports.Drafts``."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self.news: NewsUnit = SqlNews(run)
        self.uploads: Uploads = SqlUploads(run)

    async def newest(self) -> int:
        return await self._run(_newest)

    async def bundle(self, version: int) -> bytes | None:
        return await self._run(directory.bundle_of, version)

    async def version_at(self, at: datetime) -> Version | None:
        return await self._run(_version_at, at)

    async def versions(self, limit: int, *, before: int | None = None) -> Sequence[Version]:
        return await self._run(_versions, limit, before)

    async def add(self, about: About) -> None:
        await self._run(_add, about)

    async def settle(self, draft: Draft) -> bool:
        return await self._run(_settle, draft)

    async def one(self, draft: str, *, only: tuple[Table, EntryKey] | None = None) -> About | None:
        return await self._run(_one, draft, only)

    async def draft(self, draft: str) -> Draft | None:
        return await self._run(_draft, draft)

    async def waiting_since(self, before: datetime) -> Sequence[str]:
        return await self._run(_waiting_since, before)

    async def listed(self, listing: Listing) -> Sequence[Draft]:
        return await self._run(_listed, listing)


def _newest(session: Session) -> int:
    return session.connection.execute(select(func.max(directories.c.version))).scalar() or 0


_VERSIONS = (
    select(directories.c.version.label("number"), directories.c.created_at.label("since"), directory_changes)
    .select_from(directories)
    .join(directory_changes, directory_changes.c.version == directories.c.version, isouter=True)
    .order_by(directories.c.version.desc())
)


def _version_at(session: Session, at: datetime) -> Version | None:
    found = session.connection.execute(_VERSIONS.where(directories.c.created_at <= at).limit(1)).one_or_none()
    return None if found is None else _version(session, found)


def _versions(session: Session, limit: int, before: int | None) -> Sequence[Version]:
    statement = _VERSIONS if before is None else _VERSIONS.where(directories.c.version < before)
    return [_version(session, row) for row in session.connection.execute(statement.limit(limit))]


def _version(session: Session, row: Row[Any]) -> Version:
    return Version(number=row.number, since=row.since, draft=None if row.id is None else _opened(session, row))


def _add(session: Session, about: About) -> None:
    draft = about.draft
    rows = differences_to_json([one.difference for one in about.judged])
    kept = [
        {**row, "reasons": list(one.reasons), "concerned": sorted(whose)}
        for row, one, whose in zip(rows, about.judged, about.concerned, strict=True)
    ]
    # A line for each, so that what became of one entry is found without reading a whole import.
    packed = zlib.compress(b"\n".join(to_bytes(row) for row in kept), level=1)
    session.insert(
        directory_changes,
        [
            {
                **_clear(draft),
                "id": draft.id,
                "organisation": draft.organisation,
                "scope": draft.scope,
                "base": draft.base,
                "entries": draft.entries,
                "proposed_at": draft.proposed_at,
                "proposed_by": draft.proposed_by,
                "person": draft.person,
                "people": _people(session, draft),
                "differences": session.seal(HUB_SCOPE, packed, directory_changes, "differences", draft.id),
            }
        ],
    )
    session.insert(
        directory_change_entries,
        [
            {
                "change": draft.id,
                "ordinal": ordinal,
                "organisation": organisation,
                "entry": _lookup(session, one.difference.table, one.difference.key),
            }
            for ordinal, (one, whose) in enumerate(zip(about.judged, about.concerned, strict=True))
            for organisation in sorted(whose or {draft.organisation})
        ],
    )


def _settle(session: Session, draft: Draft) -> bool:
    statement = (
        update(directory_changes)
        .where(directory_changes.c.id == draft.id, directory_changes.c.state == "waiting")
        .values(**_clear(draft), people=_people(session, draft))
    )
    return bool(session.connection.execute(statement).rowcount)


def _draft(session: Session, draft: str) -> Draft | None:
    row = session.connection.execute(select(directory_changes).where(directory_changes.c.id == draft)).one_or_none()
    return None if row is None else _opened(session, row)


def _waiting_since(session: Session, before: datetime) -> Sequence[str]:
    rows = (
        select(directory_changes.c.id)
        .where(_WAITING, directory_changes.c.proposed_at <= before)
        .order_by(directory_changes.c.proposed_at)
        .limit(100)
    )
    return list(session.connection.execute(rows).scalars())


def _one(session: Session, draft: str, only: tuple[Table, EntryKey] | None) -> About | None:
    row = session.connection.execute(select(directory_changes).where(directory_changes.c.id == draft)).one_or_none()
    if row is None:
        return None
    packed = session.open(HUB_SCOPE, row.differences, directory_changes, "differences", row.id)
    lines = zlib.decompress(packed).split(b"\n") if row.entries else []
    if only is not None:
        lines = [lines[ordinal] for ordinal in _ordinals(session, draft, _lookup(session, *only))]
    kept = [from_bytes(line) for line in lines]
    return About(
        draft=_opened(session, row),
        judged=tuple(
            Judged(difference=difference, reasons=tuple(one["reasons"]))
            for difference, one in zip(differences_from_json(kept), kept, strict=True)
        ),
        concerned=tuple(frozenset(one["concerned"]) for one in kept),
    )


def _ordinals(session: Session, draft: str, entry: bytes) -> Sequence[int]:
    statement = (
        select(directory_change_entries.c.ordinal)
        .where(directory_change_entries.c.change == draft, directory_change_entries.c.entry == entry)
        .distinct()
        .order_by(directory_change_entries.c.ordinal)
    )
    return session.connection.execute(statement).scalars().all()


def _listed(session: Session, listing: Listing) -> Sequence[Draft]:
    statement: Select[Any] = select(directory_changes).order_by(directory_changes.c.id.desc()).limit(listing.limit)
    concerning = select(directory_change_entries.c.change)
    if listing.organisation is not None:
        concerning = concerning.where(directory_change_entries.c.organisation == listing.organisation)
    if listing.entry is not None:
        concerning = concerning.where(directory_change_entries.c.entry == _lookup(session, *listing.entry))
    if listing.organisation is not None or listing.entry is not None:
        statement = statement.where(directory_changes.c.id.in_(concerning))
    if listing.state is not None:
        statement = statement.where(directory_changes.c.state == listing.state)
    if listing.before is not None:
        statement = statement.where(directory_changes.c.id < listing.before)
    return [_opened(session, row) for row in session.connection.execute(statement)]


def _lookup(session: Session, table: Table, key: EntryKey) -> bytes:
    return session.sealer.keyed_hash("directory_entry", table, *key)


def _clear(draft: Draft) -> dict[str, Any]:
    """The columns that a decision changes, but the sealed one."""
    return {
        "state": draft.state,
        "how": draft.how,
        "version": draft.version,
        "decided_at": draft.decided_at,
        "decided_by": draft.decided_by,
    }


def _people(session: Session, draft: Draft) -> bytes:
    said = to_bytes({name: getattr(draft, name) for name in _PEOPLE})
    return session.seal(HUB_SCOPE, said, directory_changes, "people", draft.id)


def _opened(session: Session, row: Row[Any]) -> Draft:
    people = from_bytes(session.open(HUB_SCOPE, row.people, directory_changes, "people", row.id))
    return Draft(
        id=row.id,
        organisation=row.organisation,
        scope=row.scope,
        state=row.state,
        how=row.how,
        base=row.base,
        version=row.version,
        entries=row.entries,
        proposed_at=row.proposed_at,
        proposed_by=row.proposed_by,
        person=row.person,
        decided_at=row.decided_at,
        decided_by=row.decided_by,
        **people,
    )
