"""The service that changes the directory, on a store and with people to use it."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from contacts.areas import load_areas
from contacts.changes import Put
from contacts.export import ordered
from contacts.model import Bundle
from contacts.tables import dumps
from hub.core.drafts import Author
from hub.core.news import News
from hub.edge.ids import SeededIds
from hub.service.directory.changing import Changing
from hub.service.directory.versions import Versions
from hub.service.ports import Store
from tests.kit.clock import FakeClock
from tests.kit.directory import BROMLEY, NOW, small_bundle

JO = Author(actor="user:us_jo", name="Jo Example", organisation=BROMLEY, person="us_jo", decides=True)
SAM = Author(actor="user:us_sam", name="Sam Example", organisation=BROMLEY, person="us_sam", decides=True)
POLICE = Author(actor="user:us_pat", name="Pat Example", organisation="E23000001", person="us_pat", decides=True)
OPERATOR = Author(actor="user:us_kim", name="Kim Example", organisation=None, person="us_kim", decides=True)
MACHINE = Author(actor="operator", name="the operator", organisation=None)
FRONT_DOOR = "e09000006.front_door"


@dataclass
class Office:
    """One node's service; what it put to use."""

    changing: Changing
    versions: Versions
    clock: FakeClock
    store: Store
    adopted: list[tuple[int, Bundle]] = field(default_factory=list)

    async def told(self) -> list[News]:
        """Who has to hear of what was changed."""
        return list(await self.store.read(lambda unit: unit.drafts.news.due(self.clock.now() + timedelta(days=1), 100)))


def office(store: Store, *, node: str = "office", clock: FakeClock | None = None, trips: bytes | None = None) -> Office:
    """``trips``: the secret of the links by which two addresses may agree."""
    clock, areas = clock or FakeClock(NOW), load_areas()
    versions = Versions(store=store, areas=areas, clock=clock)
    adopted: list[tuple[int, Bundle]] = []
    changing = Changing(
        store=store,
        clock=clock,
        ids=SeededIds(node),
        areas=areas,
        versions=versions,
        trips=trips,
        adopt=lambda version, bundle: adopted.append((version, bundle)),
    )
    return Office(changing=changing, versions=versions, clock=clock, store=store, adopted=adopted)


async def furnished(store: Store, bundle: Bundle | None = None, *, at: datetime = NOW) -> None:
    """A directory that was imported before changes were kept."""
    data = dumps(ordered(bundle or small_bundle()))
    await store.write(lambda unit: unit.put_directory(data, at, []))


def front_door(**changes: Any) -> Put:
    """The front door's contact, with some columns changed."""
    cells = {
        "id": FRONT_DOOR,
        "organisation": BROMLEY,
        "desk": "front_door",
        "channel": "email",
        "address": "front-door@e09000006.example",
        "hours": "office",
        **changes,
    }
    return Put(table="contacts", cells=cells)
