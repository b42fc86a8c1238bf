"""What a signed-in recipient may see, asked anew for every page: desks, roles and the directory change."""

from collections.abc import Callable
from dataclasses import dataclass, field

from contacts.directory import Directory
from hub.core.accounts import Viewer, may
from hub.core.desk import Sight, sight_of
from hub.service.ports import Clock, Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Sights:
    """``directory``: the newest snapshot at each call."""

    store: Store = field(repr=False)
    directory: Callable[[], Directory]
    clock: Clock

    async def of(self, viewer: Viewer) -> Sight | None:
        """What they read; None for whoever reads no notices at all. Raises StoreUnavailable."""
        if not may(viewer, "notices:see", viewer.organisation):
            return None
        reader = await self.store.read(lambda unit: unit.desk.reader(viewer.user))
        desks = reader.desks if reader is not None and reader.organisation == viewer.organisation else frozenset()
        return self.of_desks(viewer.organisation, desks)

    def of_desks(self, organisation: str, desks: frozenset[str]) -> Sight:
        """What is seen by whoever reads for these, a person or a program."""
        directory, now = self.directory(), self.clock.now()
        known = directory.organisation(organisation)
        contacts = {desk: [one.id for one in directory.contacts_of(organisation, desk, now)] for desk in desks}
        return sight_of(organisation, desks, contacts, "" if known is None else known.fallback_desk)
