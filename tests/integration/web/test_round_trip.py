"""Two addresses agree to a change by their links, in the place of a second person; the one in use may stop it."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import pytest

from adapters.port import Alert
from contacts.changes import Put
from contacts.directory import Directory
from contacts.export import ordered
from hub.core.drafts import Draft, author_of
from hub.core.tokens import change_token
from hub.edge.ids import SeededIds
from hub.service.directory.round_trip import RoundTrips
from hub.service.directory.telling import Telling
from hub.service.ports import Store, StoreUnavailable, Unit
from tests.kit.accounts import accounts_over, audit
from tests.kit.changing import FRONT_DOOR, Office, front_door, furnished, office
from tests.kit.clock import START
from tests.kit.delivering import Notes, Sink
from tests.kit.directory import BROMLEY, small_bundle
from tests.kit.visitor import Seen, Visitor
from tests.kit.web import ACK_SECRET, Web, serving

T = TypeVar("T")
OLD, NEW = "front-door@e09000006.example", "moved@elsewhere.example"


@dataclass
class Trip:
    """A change that waits for both, and the pages that their links lead to."""

    web: Web
    desk: Office
    draft: Draft
    leaving: str
    coming: str
    said: str

    async def get(self, path: str) -> Seen:
        return await Visitor(web=self.web).get(path)

    async def post(self, path: str, answer: str = "yes") -> Seen:
        return await Visitor(web=self.web).post(path, {"answer": answer})

    async def address(self) -> str:
        _, bundle = await office(self.web.store).versions.present()
        return next(c.address for c in bundle.contacts if c.id == FRONT_DOOR)

    async def state(self) -> tuple[str, str | None]:
        draft = await self.web.store.read(lambda unit: unit.drafts.draft(self.draft.id))
        assert draft is not None
        return draft.state, draft.how


async def _proposed(web: Web) -> tuple[Office, Draft]:
    """An administrator asks to have the notices of a desk sent to another mailbox."""
    await furnished(web.store, at=START)
    signed = await accounts_over(web.store, web.clock, seed="behind").member("jo@council.example", "directory_admin")
    jo = author_of(signed.viewer)
    assert jo is not None
    desk = office(web.store, clock=web.clock, trips=ACK_SECRET)
    done = await desk.changing.propose(jo, [front_door(address=NEW)], confirm=True)
    assert done.draft is not None and done.draft.state == "waiting"
    return desk, done.draft


def _telling(web: Web, mail: Sink) -> Telling:
    return Telling(store=web.store, transports={"email": mail}, directory=lambda: Directory.of(small_bundle()),
                   life=START - START.replace(day=1, month=2), public_url=web.url, secret=ACK_SECRET,
                   ids=SeededIds("telling"), log=Notes())  # fmt: skip


def _link(web: Web, mail: Sink, address: str) -> str:
    body = next(one.body for one in mail.received if one.address == address)
    assert isinstance(body, Alert)
    (link,) = re.findall(rf"{web.url}(/c/[\w-]{{43}})\n", body.text)
    return str(link)


class _AwayAfterOne:
    """A store that takes one change, and then is away."""

    def __init__(self, store: Store) -> None:
        self._writes, self.read, self.aclose = [store.write], store.read, store.aclose

    async def write(self, work: Callable[[Unit], Awaitable[T]]) -> T:
        if not self._writes:
            raise StoreUnavailable
        return await self._writes.pop()(work)


@pytest.fixture
async def trip(tmp_path: Path) -> AsyncIterator[Trip]:
    async with serving(tmp_path) as web:
        desk, draft = await _proposed(web)
        mail = Sink()
        await _telling(web, mail).tick(web.clock.now())
        said = "".join(one.body.text for one in mail.received if isinstance(one.body, Alert))
        yield Trip(
            web=web, desk=desk, draft=draft, leaving=_link(web, mail, OLD), coming=_link(web, mail, NEW), said=said
        )


async def test_it_is_made_when_both_have_agreed_and_not_before(trip: Trip, tmp_path: Path) -> None:
    assert OLD not in trip.said and NEW not in trip.said and "E09000006" not in trip.said
    page = await trip.get(trip.leaving)
    assert "m…@elsewhere.example" in page.text and NEW not in page.text, "whose it would be, and no more"
    assert "Stop it" in page.text and "Stop it" not in (await trip.get(trip.coming)).text
    for _ in range(2):
        assert "made when it has agreed, too" in (await trip.post(trip.coming)).text
    assert "This address has agreed" in (await trip.get(trip.coming)).text
    assert (await trip.address(), await trip.state()) == (OLD, ("waiting", None))
    assert "The address was changed" in (await trip.post(trip.leaving)).text
    assert (await trip.address(), await trip.state()) == (NEW, ("in_force", "confirmed"))
    for link in (trip.leaving, trip.coming):
        assert (await trip.get(link)).status == (await trip.post(link)).status == 404
    deeds = [line[1] for line in audit(tmp_path) if line[1].startswith("directory.")]
    assert sorted(deeds) == [*["directory.address_confirmed"] * 2, "directory.confirmed", "directory.proposed"]


async def test_the_address_in_use_may_stop_it_and_that_is_told(trip: Trip) -> None:
    assert (await trip.post(trip.coming, "no")).status == 404, "the new one has nothing to stop"
    assert "The change was stopped" in (await trip.post(trip.leaving, "no")).text
    assert (await trip.address(), (await trip.state())[0]) == (OLD, "rejected")
    assert (await trip.post(trip.coming)).status == 404
    alarms = await trip.web.store.read(lambda unit: unit.alarms())
    assert [(one.kind, one.reason) for one in alarms] == [("directory_objection", trip.draft.id)]


async def test_that_it_was_stopped_is_told_if_it_is_stopped_at_all(trip: Trip) -> None:
    store = _AwayAfterOne(trip.web.store)
    changing = replace(trip.desk.changing, store=store)
    trips = RoundTrips(store=store, changing=changing, clock=trip.web.clock, ids=SeededIds("trips"), allowed=True)
    with suppress(StoreUnavailable):
        await trips.refuse(trip.leaving.removeprefix("/c/"))
    alarms = await trip.web.store.read(lambda unit: unit.alarms())
    assert ((await trip.state())[0], [one.kind for one in alarms]) == ("rejected", ["directory_objection"])


async def test_what_an_address_says_while_its_mail_is_still_being_handed_over_counts(tmp_path: Path) -> None:
    """A relay may have passed a mail on long before it says that it took it."""
    async with serving(tmp_path) as web:
        await _proposed(web)
        mail = Sink(gate=asyncio.Event())
        handing_over = asyncio.create_task(_telling(web, mail).tick(web.clock.now()))
        while len(mail.received) < 3:
            await asyncio.sleep(0.01)
        leaving, coming = (_link(web, mail, address) for address in (OLD, NEW))
        assert "made when it has agreed, too" in (await Visitor(web=web).post(coming, {"answer": "yes"})).text
        assert mail.gate is not None
        mail.gate.set()
        await handing_over
        assert "This address has agreed" in (await Visitor(web=web).get(coming)).text
        assert "The address was changed" in (await Visitor(web=web).post(leaving, {"answer": "yes"})).text


async def test_pressed_twice_at_once_it_is_made_once_and_nobody_is_told_that_it_cannot_be(trip: Trip) -> None:
    await trip.post(trip.coming)
    pages = await asyncio.gather(*(trip.post(trip.leaving) for _ in range(3)))
    assert any("The address was changed" in page.text for page in pages)
    assert not any("cannot be made" in page.text for page in pages)
    assert (await trip.address(), await trip.state()) == (NEW, ("in_force", "confirmed"))


async def test_looking_changes_nothing_nor_does_a_link_that_is_made_up(trip: Trip) -> None:
    for path in ("/c/x", f"/c/{'A' * 43}", f"/c/{'A' * 44}", f"/v{trip.leaving[2:]}"):
        assert (await trip.get(path)).status == (await trip.post(path)).status == 404
    assert (await trip.post(trip.leaving, "maybe")).status == 404
    await trip.get(trip.leaving)
    assert await trip.state() == ("waiting", None)


async def test_a_directory_that_has_moved_on_is_not_overwritten(trip: Trip) -> None:
    found = small_bundle().contacts
    third = tuple(replace(c, address="third@council.example") if c.id == FRONT_DOOR else c for c in found)
    machine = replace(small_bundle(), contacts=third)
    await furnished(trip.web.store, ordered(machine), at=START)
    await trip.post(trip.coming)
    page = await trip.post(trip.leaving)
    assert (page.status, "proposed anew" in page.text) == (409, True)
    assert await trip.address() == "third@council.example"


async def test_who_proposed_it_must_still_be_one_who_may(trip: Trip) -> None:
    """An account that was taken over is closed first of all."""
    user = await trip.web.store.read(lambda unit: unit.accounts.user(trip.draft.person or ""))
    assert user is not None
    await trip.web.store.write(lambda unit: unit.accounts.put_user(replace(user, state="disabled")))
    await trip.post(trip.coming)
    assert (await trip.post(trip.leaving)).status == 409
    assert (await trip.address(), await trip.state()) == (OLD, ("waiting", None))


async def test_a_desk_that_stands_in_for_others_by_now_takes_a_person(trip: Trip) -> None:
    found = small_bundle().organisations
    moved = tuple(replace(one, fallback_desk="front_door") if one.code == BROMLEY else one for one in found)
    machine = replace(small_bundle(), organisations=moved)
    await furnished(trip.web.store, ordered(machine), at=START)
    await trip.post(trip.coming)
    assert (await trip.post(trip.leaving)).status == 409 and await trip.address() == OLD


async def test_once_it_is_turned_off_the_links_lead_nowhere(tmp_path: Path) -> None:
    async with serving(tmp_path, round_trips=False) as web:
        await furnished(web.store, at=START)
        desk = office(web.store, clock=web.clock, trips=ACK_SECRET)
        signed = await accounts_over(web.store, web.clock, seed="behind").member(
            "jo@council.example", "directory_admin"
        )
        jo = author_of(signed.viewer)
        assert jo is not None
        await desk.changing.propose(jo, [front_door(address=NEW)], confirm=True)
        (one,) = [one for one in await desk.told() if one.about == "moves_from"]
        assert (await Visitor(web=web).get(f"/c/{change_token(ACK_SECRET, one.id)}")).status == 404


async def test_off_by_default_and_then_nobody_but_people_are_asked(tmp_path: Path) -> None:
    async with serving(tmp_path) as web:
        await furnished(web.store, at=START)
        signed = await accounts_over(web.store, web.clock, seed="behind").member(
            "jo@council.example", "directory_admin"
        )
        jo = author_of(signed.viewer)
        assert jo is not None
        desk = office(web.store, clock=web.clock)
        await desk.changing.propose(jo, [Put(table="contacts", cells=front_door(address=NEW).cells)], confirm=True)
        assert [one.about for one in await desk.told()] == ["waits"]
