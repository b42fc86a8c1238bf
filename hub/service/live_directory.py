"""The directory as it is now: the newest stored bundle, swapped whole when a newer one is imported."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from contacts.areas import Areas
from contacts.directory import Directory
from contacts.model import Bundle, Contact, Desk, Organisation
from contacts.roles import OPERATOR, desk_of
from contacts.salvage import load_readable
from hub.core.records import AlarmRecord, ClosedEndpoint
from hub.service.ports import Ids, Store, StoreUnavailable, Unit
from hub.service.supervise import Log

SETTINGS_CONTACT: Final = "operator-of-the-settings"


class LiveDirectory:
    """Callable: the present snapshot, without the endpoints that are closed. Before an import everybody is a gap, and
    only the operator hears of it."""

    def __init__(self, *, store: Store, areas: Areas, operator_address: str | None, ids: Ids, log: Log) -> None:
        self._store = store
        self._areas = areas
        self._operator_address = operator_address
        self._ids = ids
        self._log = log
        self._version = 0
        self._looked_at = 0
        self._problems = 0
        self._bundle = self._with_operator(Bundle())
        self._closed: frozenset[tuple[str, str]] = frozenset()
        self._directory = Directory.of(self._bundle)

    def __call__(self) -> Directory:
        return self._directory

    def called(self, organisation: str) -> str | None:
        """The name of an organisation, where the directory has one."""
        found = self._directory.organisation(organisation)
        return None if found is None else found.name

    @property
    def version(self) -> int:
        """The stored version that is in use; 0 before the first import."""
        return self._version

    def amiss(self) -> Mapping[str, int]:
        """For health: how many problems keep the newest version from being used whole; empty if none do."""
        return {"directory_problems": self._problems} if self._problems else {}

    async def refresh(self, now: datetime) -> bool:
        """Take over a newer bundle if there is one, and what is closed or open again; True if anything changed. Raises
        StoreUnavailable.

        One that cannot be read whole (by the areas, or the version, of this hub) is no reason to lose a good one: that
        stays. Where there is none, at a start, what can be read of it is used. Either is an alarm, and overdue.
        """
        before = self._closed
        stored, closed = await self._store.read(self._kept)
        # What was closed here meanwhile the read may not have seen yet.
        ways = frozenset((one.contact, one.address) for one in closed) | (self._closed - before)
        changed = ways != self._closed
        if changed:
            self._closed = ways
            self._directory = self._without_closed()
        if stored is None:
            return changed
        version, data = stored
        # A country's directory takes most of a second to read, and it changes with every entry.
        loaded = await asyncio.to_thread(load_readable, data, self._areas, now)
        if version <= self._looked_at:
            return True  # a newer one was taken over meanwhile
        if loaded.problems:
            self._log.error("directory.unreadable", number=version, count=len(loaded.problems))
            await self._alarm(version, now)
        self._looked_at, self._problems = version, len(loaded.problems)
        if loaded.bundle is None or (loaded.problems and self._version):
            return changed
        self._bundle = self._with_operator(loaded.bundle)
        self._directory = self._without_closed()
        self._version = version
        self._log.info("directory.loaded", number=version, count=len(loaded.bundle.contacts))
        return True

    def take(self, version: int, bundle: Bundle) -> None:
        """Take over a version that this node has just stored, as it was checked. Other nodes do at their refresh."""
        if version <= self._looked_at:
            return
        self._looked_at, self._problems, self._version = version, 0, version
        self._bundle = self._with_operator(bundle)
        self._directory = self._without_closed()
        self._log.info("directory.loaded", number=version, count=len(bundle.contacts))

    def close(self, closed: ClosedEndpoint) -> None:
        """Nothing goes there from now on. Other nodes know it at their next refresh."""
        self._closed |= {(closed.contact, closed.address)}
        self._directory = self._without_closed()

    def _without_closed(self) -> Directory:
        left = tuple(one for one in self._bundle.contacts if (one.id, one.address) not in self._closed)
        return Directory.of(replace(self._bundle, contacts=left))

    async def start(self, now: datetime) -> None:
        """The first look; a store that is away must not keep the hub from starting to answer 503."""
        try:
            await self.refresh(now)
        except StoreUnavailable:
            self._log.error("directory.store_unavailable")

    async def _alarm(self, version: int, now: datetime) -> None:
        alarm = AlarmRecord(
            id=self._ids.new("al", now),
            kind="directory_unreadable",
            owner=OPERATOR,
            reason=f"version {version}",
            raised_at=now,
        )
        await self._store.write(lambda unit: unit.add_alarm(alarm, ()))

    def _with_operator(self, bundle: Bundle) -> Bundle:
        """The operator of the settings, behind whomever the directory names: gaps and alarms must reach somebody, also
        when the directory's own operator is off duty, on another channel, or not in force any more."""
        if self._operator_address is None:
            return bundle
        desk = desk_of(OPERATOR)
        named = [c for c in bundle.contacts if (c.organisation, c.desk) == (OPERATOR, desk)]
        contact = Contact(
            id=SETTINGS_CONTACT,
            organisation=OPERATOR,
            desk=desk,
            channel="email",
            address=self._operator_address,
            order=max((c.order for c in named), default=-1) + 1,
        )
        known = next((o for o in bundle.organisations if o.code == OPERATOR), None)
        operator = known or Organisation(code=OPERATOR, name="Operator of this hub", fallback_desk=desk)
        its_desk = next((d for d in bundle.desks if (d.organisation, d.function) == (OPERATOR, desk)), None)
        return replace(
            bundle,
            organisations=(
                *(o for o in bundle.organisations if o is not known),
                # A hub always has an operator, whatever the directory's dates say.
                replace(operator, valid_from=None, valid_until=None),
            ),
            desks=(
                *(d for d in bundle.desks if d is not its_desk),
                replace(its_desk or Desk(organisation=OPERATOR, function=desk), valid_from=None, valid_until=None),
            ),
            contacts=(*bundle.contacts, contact),
        )

    async def _kept(self, unit: Unit) -> tuple[tuple[int, bytes] | None, Sequence[ClosedEndpoint]]:
        """A bundle only where it is news: to open a country's at every tick would be most of what a quiet hub does."""
        closed = await unit.closed_endpoints()
        if await unit.drafts.newest() <= self._looked_at:
            return None, closed
        return await unit.directory_bundle(), closed
