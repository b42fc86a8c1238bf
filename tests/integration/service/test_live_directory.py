"""The directory in use: swapped whole, kept when a newer one is no good, and never without the operator."""

import json
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from contacts.areas import load_areas
from contacts.model import Bundle, Hours, Reached
from contacts.tables import dumps
from hub.core.records import ClosedEndpoint
from hub.edge.ids import SeededIds
from hub.service.health import Health
from hub.service.live_directory import LiveDirectory
from hub.service.supervise import Supervisor
from tests.kit.clock import FakeClock
from tests.kit.delivering import Notes
from tests.kit.directory import BROMLEY, MET, NIGHT, NOW, small_bundle
from tests.kit.store import Stores, memory_store

ADDRESS = "operator@hub.example"


@pytest.fixture
async def store() -> AsyncIterator[Stores]:
    made = await memory_store()
    yield made
    await made.aclose()


def live(store: Stores, notes: Notes | None = None, operator: str | None = ADDRESS) -> LiveDirectory:
    return LiveDirectory(
        store=store, areas=load_areas(), operator_address=operator, ids=SeededIds("live"), log=notes or Notes()
    )


async def put(store: Stores, data: bytes) -> None:
    await store.write(lambda unit: unit.put_directory(data, NOW, ()))


def spoilt() -> bytes:
    """One organisation is known no more to the list of authorities of this version."""
    document: dict[str, Any] = json.loads(dumps(small_bundle()))
    for row in document["organisations"]:
        row["code"] = "E09999999" if row["code"] == BROMLEY else row["code"]
    return json.dumps(document).encode()


def operators(directory: LiveDirectory, at: datetime) -> list[str]:
    found = directory().fallback(None, at)
    return [one.address for one in found.contacts] if isinstance(found, Reached) else []


def with_operator(**changes: Any) -> Bundle:
    """The small directory, its operator's contact changed."""
    bundle = small_bundle()
    contacts = tuple(replace(c, **changes) if c.organisation == "operator" else c for c in bundle.contacts)
    return replace(bundle, contacts=contacts)


async def test_before_an_import_the_operator_of_the_settings_is_all_there_is(store: Stores) -> None:
    directory = live(store)
    await directory.start(NOW)
    assert operators(directory, NOW) == [ADDRESS]
    assert operators(live(store, operator=None), NOW) == []


async def test_the_directorys_operator_comes_first_and_the_settings_behind(store: Stores) -> None:
    await put(store, dumps(small_bundle()))
    directory = live(store)
    assert await directory.refresh(NOW)
    assert operators(directory, NOW) == ["operator@operator.example", ADDRESS]


@pytest.mark.parametrize(
    "changes",
    [{"valid_until": NOW + timedelta(hours=1)}, {"valid_from": NOW + timedelta(days=30)}, {"hours": "office"}],
    ids=["expired", "not yet", "off duty"],
)
async def test_where_the_directorys_operator_is_not_there_the_settings_are(
    store: Stores, changes: Mapping[str, Any]
) -> None:
    """Also when that comes true long after the directory was read."""
    await put(store, dumps(with_operator(**changes)))
    directory = live(store)
    await directory.refresh(NOW)
    later = NIGHT + timedelta(days=1)
    assert operators(directory, later)[0] == ADDRESS


async def test_an_operator_whose_organisation_is_not_in_force_is_reached_all_the_same(store: Stores) -> None:
    bundle = small_bundle()
    ended = tuple(
        replace(o, valid_until=NOW - timedelta(days=1)) if o.code == "operator" else o for o in bundle.organisations
    )
    await put(store, dumps(replace(bundle, organisations=ended, hours=(*bundle.hours, Hours(name="x", times="mon")))))
    directory = live(store)
    await directory.refresh(NOW)
    assert ADDRESS in operators(directory, NOW)


async def test_at_a_start_what_can_be_read_is_served_and_somebody_is_told(store: Stores) -> None:
    await put(store, spoilt())
    notes = Notes()
    directory = live(store, notes)
    await directory.start(NOW)
    assert isinstance(directory().resolve("police", MET, NOW), Reached)
    assert not isinstance(directory().resolve("host_authority", BROMLEY, NOW), Reached)
    assert directory.amiss()["directory_problems"] > 0
    assert "directory.unreadable" in notes.said
    (alarm,) = await store.read(lambda unit: unit.alarms())
    assert (alarm.kind, alarm.owner, alarm.reason) == ("directory_unreadable", "operator", "version 1")


async def test_health_says_so(store: Stores) -> None:
    directory, notes = live(store), Notes()
    health = Health(
        store=store,
        supervisor=Supervisor(stop_within=1, log=notes),
        ticks=(),
        clock=FakeClock(NOW),
        overdue_after=120,
        amiss=(directory.amiss,),
    )
    assert await health.overdue() == {}
    await put(store, spoilt())
    await directory.start(NOW)
    assert await health.overdue() == directory.amiss() != {}


async def test_a_good_directory_in_use_stays_when_a_newer_one_is_no_good(store: Stores) -> None:
    await put(store, dumps(small_bundle()))
    directory = live(store)
    await directory.start(NOW)
    await put(store, spoilt())
    assert not await directory.refresh(NOW)
    assert isinstance(directory().resolve("host_authority", BROMLEY, NOW), Reached)
    assert directory.amiss()
    await directory.refresh(NOW)
    assert len(await store.read(lambda unit: unit.alarms())) == 1, "looked at once"
    await put(store, dumps(small_bundle()))
    assert await directory.refresh(NOW)
    assert directory.amiss() == {}
    assert directory.version == 3


async def test_what_is_no_directory_at_all_leaves_the_operator(store: Stores) -> None:
    await put(store, b"no directory")
    directory = live(store)
    await directory.start(NOW)
    assert operators(directory, NOW) == [ADDRESS]
    assert directory.amiss()


def gone(contact: str, address: str) -> ClosedEndpoint:
    return ClosedEndpoint(contact=contact, channel="email", organisation=BROMLEY, address=address, closed_at=NOW)


class Closing:
    """A store that says what is closed, and counts how often a bundle is opened; the rest is the real one's."""

    def __init__(self, store: Stores) -> None:
        self.store = store
        self.closed: list[ClosedEndpoint] = []
        self.opened = 0
        self.after: Callable[[], None] = lambda: None

    async def read(self, work: Any) -> Any:
        async def looked(unit: Any) -> Any:
            return await work(_Unit(unit, self))

        found = await self.store.read(looked)
        self.after()
        return found


class _Unit:
    def __init__(self, unit: Any, closing: Closing) -> None:
        self._unit, self.drafts, self._closing = unit, unit.drafts, closing

    async def directory_bundle(self) -> Any:
        self._closing.opened += 1
        return await self._unit.directory_bundle()

    async def closed_endpoints(self) -> list[ClosedEndpoint]:
        return self._closing.closed


async def test_a_bundle_is_opened_once_however_often_it_is_looked_for(store: Stores) -> None:
    await put(store, dumps(small_bundle()))
    closing = Closing(store)
    directory = live(closing)  # type: ignore[arg-type]  # a store as far as it is asked
    await directory.start(NOW)
    assert not await directory.refresh(NOW)
    assert (directory.version, closing.opened) == (1, 1)
    await put(store, dumps(small_bundle()))
    assert await directory.refresh(NOW)
    assert (directory.version, closing.opened) == (2, 2)


async def test_what_is_closed_is_not_in_it_until_it_is_open_again(store: Stores) -> None:
    await put(store, dumps(small_bundle()))
    closing = Closing(store)
    directory = live(closing)  # type: ignore[arg-type]  # a store as far as it is asked
    await directory.start(NOW)
    desk = directory().desk_now(BROMLEY, "front_door", NOW)[0]
    closing.closed.append(gone(desk.id, desk.address))
    assert await directory.refresh(NOW)
    assert directory().contact(desk.id, NOW) is None
    assert directory().desk_now(BROMLEY, "front_door", NOW) == ()
    assert not await directory.refresh(NOW)
    closing.closed.clear()
    assert await directory.refresh(NOW)
    assert directory().contact(desk.id, NOW) == desk


async def test_it_is_closed_at_once_where_it_was_found_out(store: Stores) -> None:
    await put(store, dumps(small_bundle()))
    directory = live(store)
    await directory.start(NOW)
    desk = directory().desk_now(BROMLEY, "front_door", NOW)[0]
    directory.close(gone(desk.id, desk.address))
    assert directory().contact(desk.id, NOW) is None


async def test_another_address_of_the_contact_is_not_closed(store: Stores) -> None:
    await put(store, dumps(small_bundle()))
    closing = Closing(store)
    directory = live(closing)  # type: ignore[arg-type]  # a store as far as it is asked
    await directory.start(NOW)
    desk = directory().desk_now(BROMLEY, "front_door", NOW)[0]
    closing.closed.append(gone(desk.id, "former@council.example"))
    await directory.refresh(NOW)
    assert directory().contact(desk.id, NOW) == desk


async def test_what_is_found_closed_while_the_store_is_asked_stays_closed(store: Stores) -> None:
    await put(store, dumps(small_bundle()))
    closing = Closing(store)
    directory = live(closing)  # type: ignore[arg-type]  # a store as far as it is asked
    await directory.start(NOW)
    desk = directory().desk_now(BROMLEY, "front_door", NOW)[0]
    closing.after = lambda: directory.close(gone(desk.id, desk.address))
    await directory.refresh(NOW)
    assert directory().contact(desk.id, NOW) is None
    closing.after = lambda: None
    await directory.refresh(NOW)
    assert directory().contact(desk.id, NOW) == desk, "opened again since"
