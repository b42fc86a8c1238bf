"""The directory at any time: each version is read once, and the present one is at hand."""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from contacts.areas import Areas
from contacts.changes import EntryKey, Table, standing
from contacts.changes_json import bundle_as_stored
from contacts.model import Bundle, Problem
from contacts.salvage import load_readable
from contacts.scope import part_of
from contacts.tables import load_json
from hub.core.drafts import About, Author, Draft, Listing, Version, seen_by
from hub.service.ports import Clock, Store, Unit

KEPT: Final = 4
"""Versions, and changes, that are kept in memory, read."""
MOST: Final = 500
"""Changes or versions that are listed in one go."""


class DirectoryUnreadable(Exception):
    """The stored directory is not one that this version of the hub can read whole: import one that is."""

    def __init__(self, version: int, problems: Sequence[Problem]) -> None:
        super().__init__(f"version {version} of the directory cannot be read whole: import one that can")
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True, kw_only=True)
class AsOf:
    """The directory as it stood at an instant. ``entries`` are those in force then; ``version`` is None, and nothing is
    there, before the first."""

    at: datetime
    version: Version | None
    entries: Bundle = field(repr=False)


class Versions:
    """Reads. All of it raises StoreUnavailable, and DirectoryUnreadable where a version has to be read."""

    def __init__(self, *, store: Store, areas: Areas, clock: Clock) -> None:
        self._store = store
        self._areas = areas
        self._clock = clock
        self._read: OrderedDict[int, Bundle] = OrderedDict()
        self._changes: OrderedDict[str, About] = OrderedDict()

    async def present(self, *, in_part: bool = False) -> tuple[int, Bundle]:
        """The newest version; 0 and an empty directory before the first. ``in_part``: of one that cannot be read whole
        what can be read of it."""
        version = await self._store.read(_newest)
        try:
            return version, await self.of(version)
        except DirectoryUnreadable:
            if not in_part:
                raise
        data = await self._store.read(lambda unit: unit.drafts.bundle(version)) or b""
        rest = await asyncio.to_thread(load_readable, data, self._areas, self._clock.now())
        return version, rest.bundle or Bundle()

    async def of(self, version: int) -> Bundle:
        """One version, whole; 0 is the empty one before the first. Raises KeyError where there is none."""
        if version == 0:
            return Bundle()
        if version not in self._read:
            data = await self._store.read(lambda unit: unit.drafts.bundle(version))
            if data is None:
                raise KeyError(version)
            # Most of a second for a country's: not in the way of everything else.
            loaded = await asyncio.to_thread(load_json, data, self._areas, self._clock.now())
            if loaded.bundle is None:
                raise DirectoryUnreadable(version, loaded.problems)
            self.keep(version, loaded.bundle)
        self._read.move_to_end(version)
        return self._read[version]

    async def _as_stored(self, version: int) -> Bundle:
        """What was in force once is shown as it was, also where today's list of authorities would refuse it."""
        if version in self._read:
            return self._read[version]
        data = await self._store.read(lambda unit: unit.drafts.bundle(version)) or b""
        try:
            return await asyncio.to_thread(bundle_as_stored, data)
        except ValueError:
            raise DirectoryUnreadable(version, ()) from None

    def keep(self, version: int, bundle: Bundle) -> None:
        """Remember a version that is read already."""
        self._read[version] = bundle
        while len(self._read) > KEPT:
            self._read.popitem(last=False)

    async def at(self, at: datetime, by: Author) -> AsOf:
        """As it stood at an instant, as much of it as they may see."""
        version = await self._store.read(lambda unit: unit.drafts.version_at(at))
        if version is None:
            return AsOf(at=at, version=None, entries=Bundle())
        entries = standing(await self._as_stored(version.number), at)
        if by.organisation is not None:
            entries = part_of(entries, by.organisation)
        return AsOf(at=at, version=version, entries=entries)

    async def versions(self, *, limit: int = 50, before: int | None = None) -> Sequence[Version]:
        """All versions, newest first."""
        limit = max(1, min(limit, MOST))
        return await self._store.read(lambda unit: unit.drafts.versions(limit, before=before))

    async def listed(self, listing: Listing, by: Author) -> Sequence[Draft]:
        """Changes that concern their organisation, newest first, without what they change."""
        narrowed = _narrowed(listing, by)
        return await self._store.read(lambda unit: unit.drafts.listed(narrowed))

    async def history(self, table: Table, key: EntryKey, by: Author, *, limit: int = 50) -> Sequence[About]:
        """What became of one entry, newest first: each change with what it did, or would do, to this one."""
        listing = _narrowed(Listing(entry=(table, key), limit=limit), by)

        async def work(unit: Unit) -> list[About]:
            found = [await unit.drafts.one(draft.id, only=(table, key)) for draft in await unit.drafts.listed(listing)]
            return [about for about in found if about is not None]

        shown = [seen_by(about, by) for about in await self._store.read(work)]
        return [about for about in shown if about is not None and about.judged]

    async def change(self, draft: str, by: Author) -> About | None:
        """One change; None if there is none that they may see. What it changes never does, and that of a whole import
        takes a second to read: so it is read once."""
        about = self._changes.get(draft)
        if about is None:
            about = await self._store.read(lambda unit: unit.drafts.one(draft))
        else:
            head = await self._store.read(lambda unit: unit.drafts.draft(draft))
            about = None if head is None else replace(about, draft=head)
        if about is None:
            return None
        self._changes[draft] = about
        self._changes.move_to_end(draft)
        while len(self._changes) > KEPT:
            self._changes.popitem(last=False)
        return seen_by(about, by)


async def _newest(unit: Unit) -> int:
    return await unit.drafts.newest()


def _narrowed(listing: Listing, by: Author) -> Listing:
    organisation = listing.organisation if by.organisation is None else by.organisation
    return replace(listing, organisation=organisation, limit=max(1, min(listing.limit, MOST)))
