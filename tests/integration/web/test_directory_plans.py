"""The plans of desks and the lists of circulations: as they would run, and nobody else's."""

import asyncio
import threading
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from contacts.courses import Gap
from contacts.directory import Directory
from contacts.model import Bundle, Contact, Desk
from contacts.roles import OPERATOR
from tests.integration.web.test_directory_pages import HERE, Place
from tests.kit.accounts import accounts_over
from tests.kit.changing import FRONT_DOOR, furnished, office
from tests.kit.clock import START
from tests.kit.directory import BROMLEY, MET, contact, small_bundle
from tests.kit.web import serving

PLANS = f"{HERE}/plans"


def bundle() -> Bundle:
    found = small_bundle()
    more: tuple[Contact, ...] = (
        contact(BROMLEY, "front_door", id="second", address="second@council.example", order=1, hours="office"),
        contact(BROMLEY, "front_door", id="former", address="former@council.example", order=1, valid_until=START),
        contact(BROMLEY, "front_door", id="mobile", channel="sms", address="+447700900123", order=2),
    )
    desks = [replace(one, deputy="mash") if one.function == "front_door" else one for one in found.desks]
    gone = tuple(one for one in found.contacts if one.desk != "emergency_duty_team")
    desks.append(Desk(organisation=BROMLEY, function="missing_children"))
    more = (*more, contact(BROMLEY, "missing_children"))
    return replace(found, desks=tuple(desks), contacts=(*gone, *more))


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with serving(tmp_path) as web:
        await furnished(web.store, bundle(), at=START)
        yield Place(web=web, accounts=accounts_over(web.store, web.clock, seed="behind"), desk=office(web.store))


async def orders(place: Place) -> dict[str, int]:
    _, present = await office(place.web.store).versions.present()
    return {c.id: c.order for c in present.contacts if c.desk == "front_door" and c.valid_until is None}


async def test_by_day_and_by_night_and_how_much_it_presses(place: Place) -> None:
    jo = await place.visitor("Jo Example")
    assert f'href="{PLANS}"' in (await jo.get(HERE)).html
    day = (await jo.get(PLANS)).text
    assert f"{FRONT_DOOR}: e-mail second: e-mail mobile: text message, without content" in day
    assert "Deputy: Mash." in day
    serious = (await jo.get(f"{PLANS}?when=day&priority=high")).text
    assert f"{FRONT_DOOR}: e-mail and at once mobile: text message, without content" in serious
    night = (await jo.get(f"{PLANS}?when=night&priority=low")).text
    assert "Nobody is on duty, so these, who read it when they are back: e09000006.social_work_team" in night
    assert "Nobody is here. Of that gap hears the fallback" in night, "of the MASH"
    assert "In the next 14 days there are times when nobody is on duty: " in night
    odd = await jo.get(f"{PLANS}?when=<b>&priority=now")
    assert odd.text == day
    assert "This one is on: National, London" in day


async def test_nothing_waits_while_it_is_worked_out_when_nobody_is_there(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Odd hours take a second, and an event may come meanwhile."""
    begun, go_on = threading.Event(), threading.Event()

    def slow(directory: Directory, organisation: str, start: datetime) -> Mapping[str, tuple[Gap, ...]]:
        begun.set()
        return {} if go_on.wait(10) else {"front_door": ()}

    monkeypatch.setattr("hub.web.pages.directory.plans.unstaffed", slow)
    jo, sam = await place.visitor("Jo Example"), await place.visitor("Sam Example")
    plans = asyncio.create_task(jo.get(PLANS))
    assert await asyncio.to_thread(begun.wait, 10)
    assert (await sam.get(HERE)).status == 200
    assert not plans.done()
    go_on.set()
    assert (await plans).status == 200


async def test_a_contact_is_taken_later_and_earlier(place: Place) -> None:
    jo = await place.visitor("Jo Example")
    await jo.get(PLANS)
    moved = await jo.post(PLANS, {"contact": FRONT_DOOR, "move": "later", "when": "night", "priority": "high"})
    assert (moved.status, moved.location) == (303, f"{PLANS}?when=night&priority=high#front_door")
    assert await orders(place) == {FRONT_DOOR: 0, "second": 0, "mobile": 1}
    assert (await jo.post(PLANS, {"contact": FRONT_DOOR, "move": "later"})).status == 303, "pressed twice it is once"
    assert await orders(place) == {FRONT_DOOR: 0, "second": 0, "mobile": 1}
    stale = await jo.post(PLANS, {"contact": "second", "move": "later", "seen": "1"})
    assert (stale.status, "Somebody else has changed this order" in stale.text) == (422, True)
    await jo.get(PLANS)
    await jo.post(PLANS, {"contact": FRONT_DOOR, "move": "later"})
    assert await orders(place) == {"second": 0, FRONT_DOOR: 1, "mobile": 2}
    await jo.get(PLANS)
    assert (await jo.post(PLANS, {"contact": "second", "move": "earlier"})).status == 303, "it is the first already"
    assert await orders(place) == {"second": 0, FRONT_DOOR: 1, "mobile": 2}


async def test_who_may_not(place: Place) -> None:
    jo, pat = await place.visitor("Jo Example"), await place.visitor("Pat Example", organisation=MET)
    await jo.get(PLANS)
    assert (await jo.post(PLANS, {"contact": FRONT_DOOR, "move": "away"})).status == 404
    assert (await jo.post(PLANS, {"contact": f"{MET}.missing_persons_unit".lower(), "move": "later"})).status == 404
    assert (await pat.get(PLANS)).status == 404
    await pat.get(f"/directory/of/{MET}/organisations/{MET}")
    assert (await pat.post(PLANS, {"contact": FRONT_DOOR, "move": "later"})).status == 404
    ash = await place.visitor("Ash Example", "auditor")
    page = await ash.get(PLANS)
    assert page.status == 200 and 'value="later"' not in page.html
    for who in (jo, ash):
        assert (await who.get("/directory/circulations")).status == 404
    assert (await ash.get("/directory/of/E09000007/plans")).status == 404
    assert (await orders(place))[FRONT_DOOR] == 0


async def test_the_lists_of_circulations(place: Place) -> None:
    kim = await place.visitor("Kim Example", "operator", OPERATOR)
    assert 'href="/directory/circulations"' in (await kim.get("/directory")).html
    page = await kim.get("/directory/circulations?list=london&sort=name")
    assert "Bromley E09000006 YesYesYes" in page.text and "Not always (32)" in page.text
    assert 'href="/directory/circulations?list=london&amp;sort=-name"' in page.html
    assert "Not always (217)" in (await kim.get("/directory/circulations")).text
    assert (await kim.get("/directory/circulations?list=mars")).status == 404
