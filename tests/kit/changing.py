"""The service that changes the directory, on a store and with people to use it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from contacts.areas import load_areas
from contacts.changes import Put
from contacts.export import ordered
from contacts.model import Bundle
from contacts.tables import dumps
from hub.core.drafts import Author
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
    """One node's service; what it put to use and whom it told loudly."""

    changing: Changing
    versions: Versions
    clock: FakeClock
    store: Store
    adopted: list[tuple[int, Bundle]] = field(default_factory=list)
    told: list[tuple[str, ...]] = field(default_factory=list)


def office(store: Store, *, node: str = "office", clock: FakeClock | None = None) -> Office:
    clock, areas = clock or FakeClock(NOW), load_areas()
    versions = Versions(store=store, areas=areas, clock=clock)
    adopted: list[tuple[int, Bundle]] = []
    told: list[tuple[str, ...]] = []

    async def loud(organisations: Sequence[str], before: Bundle, after: Bundle) -> None:
        told.append(tuple(organisations))

    changing = Changing(
        store=store,
        clock=clock,
        ids=SeededIds(node),
        areas=areas,
        versions=versions,
        adopt=lambda version, bundle: adopted.append((version, bundle)),
        loud=loud,
    )
    return Office(changing=changing, versions=versions, clock=clock, store=store, adopted=adopted, told=told)


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
