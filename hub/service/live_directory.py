"""The directory as it is now: the newest stored bundle, swapped whole when a newer one is imported."""

from dataclasses import replace
from datetime import datetime

from contacts.areas import Areas
from contacts.directory import Directory
from contacts.model import Bundle, Contact, Desk, Organisation
from contacts.roles import OPERATOR, desk_of
from contacts.tables import load_json
from hub.service.ports import Store, StoreUnavailable
from hub.service.supervise import Log


class LiveDirectory:
    """Callable: the present snapshot. Before an import everybody is a gap, and only the operator hears of it."""

    def __init__(self, *, store: Store, areas: Areas, operator_address: str | None, log: Log) -> None:
        self._store = store
        self._areas = areas
        self._operator_address = operator_address
        self._log = log
        self._version = 0
        self._directory = Directory.of(self._with_operator(Bundle()))

    def __call__(self) -> Directory:
        return self._directory

    @property
    def version(self) -> int:
        """The stored version that is in use; 0 before the first import."""
        return self._version

    async def refresh(self, now: datetime) -> bool:
        """Take over a newer bundle if there is one; True if so. Raises StoreUnavailable.

        A bundle that cannot be read (written by a newer version of the hub) changes nothing: the last good one stays.
        """
        stored = await self._store.read(lambda unit: unit.directory_bundle())
        if stored is None or stored[0] == self._version:
            return False
        version, data = stored
        loaded = load_json(data, self._areas, now)
        if loaded.bundle is None:
            self._log.error("directory.unreadable", number=version, count=len(loaded.problems))
            return False
        self._directory = Directory.of(self._with_operator(loaded.bundle))
        self._version = version
        self._log.info("directory.loaded", number=version, count=len(loaded.bundle.contacts))
        return True

    async def start(self, now: datetime) -> None:
        """The first look; a store that is away must not keep the hub from starting to answer 503."""
        try:
            await self.refresh(now)
        except StoreUnavailable:
            self._log.error("directory.store_unavailable")

    def _with_operator(self, bundle: Bundle) -> Bundle:
        """The operator of the settings, where the directory names none: gaps and alarms must reach somebody."""
        desk = desk_of(OPERATOR)
        named = any(c.organisation == OPERATOR and c.desk == desk for c in bundle.contacts)
        if self._operator_address is None or named:
            return bundle
        contact = Contact(
            id="operator-of-the-settings",
            organisation=OPERATOR,
            desk=desk,
            channel="email",
            address=self._operator_address,
        )
        organisations = [o for o in bundle.organisations if o.code != OPERATOR]
        desks = [d for d in bundle.desks if (d.organisation, d.function) != (OPERATOR, desk)]
        return replace(
            bundle,
            organisations=(
                *organisations,
                Organisation(code=OPERATOR, name="Operator of this hub", fallback_desk=desk),
            ),
            desks=(*desks, Desk(organisation=OPERATOR, function=desk)),
            contacts=(*bundle.contacts, contact),
        )
