"""The operator's wall over the real server: what it shows, to whom, and that it goes on by itself."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass
from pathlib import Path

import pytest

from contacts.roles import OPERATOR
from hub.core.accounts import Role
from hub.edge.ids import SeededIds
from hub.web.live import EVERY, LASTS
from tests.kit.accounts import BROMLEY, accounts_over
from tests.kit.events import reported
from tests.kit.records import SECRETS, Story, result
from tests.kit.store import claim
from tests.kit.visitor import Visitor
from tests.kit.web import Web, serving


@dataclass
class Place:
    """A hub that reported an episode, and somebody who is signed in."""

    web: Web
    story: Story

    async def visitor(self, *roles: Role, organisation: str = OPERATOR) -> Visitor:
        accounts = accounts_over(self.web.store, self.web.clock, seed=f"{roles}")
        email = f"{roles[0].replace('_', '.')}@hub.example"
        signed = await accounts.member(email, *roles, organisation=organisation)
        return Visitor(web=self.web, cookies={"fingerpost": signed.token})


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with serving(tmp_path) as web:
        story = Story(SeededIds("story"), now=web.clock.now(), facts=reported()["data"])
        await web.store.write(lambda unit: story.told(unit, 3))
        yield Place(web=web, story=story)


async def fail_one(place: Place) -> None:
    """One delivery has failed, and an alarm says so."""
    (claimed, *_) = await claim(place.web.store)
    failed = result(claimed, place.web.clock.now(), state="failed", attempt="permanent_failure",
                    notice_state="undeliverable")  # fmt: skip
    await place.web.store.write(lambda unit: unit.finish([failed], "node-1"))
    alarm = place.story.alarm("undeliverable", notice=claimed.notice.id, reason="connection_failed")
    await place.web.store.write(lambda unit: unit.add_alarm(alarm, []))


async def test_it_shows_what_is_stuck_who_owns_it_and_nothing_of_the_child(place: Place) -> None:
    await fail_one(place)
    await place.web.clock.advance(300)
    visitor = await place.visitor("operator")
    seen = await visitor.get("/wall")
    assert seen.status == 200
    for words in ("Alarms: 1 open", "connection failed", "Stuck deliveries", "police", "1 open", place.story.episode):
        assert words in seen.text, words
    assert not [secret for secret in SECRETS.values() if secret in seen.html]
    told = await visitor.get(f"/wall/episodes/{place.story.episode}")
    assert told.status == 200 and "Who was told, and who was not" in told.text and "permanent failure" in told.text
    assert not [name for name, secret in SECRETS.items() if secret in told.html]


async def test_all_is_well_is_said_too(tmp_path: Path) -> None:
    async with serving(tmp_path) as web:
        visitor = await Place(web=web, story=Story(SeededIds("none"))).visitor("operator")
        seen = await visitor.get("/wall")
        for words in ("Nothing.", "None is open.", "No episode has been reported yet.", "Reported today: none."):
            assert words in seen.text, words


@pytest.mark.parametrize(
    ("role", "organisation"),
    [("directory_admin", BROMLEY), ("recipient", BROMLEY), ("auditor", BROMLEY), ("auditor", OPERATOR)],
)
async def test_for_anybody_else_there_is_no_such_page(place: Place, role: Role, organisation: str) -> None:
    await fail_one(place)
    (alarm,) = await place.web.store.read(lambda unit: unit.alarms())
    visitor = await place.visitor(role, organisation=organisation)
    nowhere = await visitor.get("/nowhere-at-all")
    for path in ("/wall", "/wall/live", f"/wall/episodes/{place.story.episode}"):
        seen = await visitor.get(path)
        assert (seen.status, seen.text) == (404, nowhere.text), path
    await visitor.get("/account")
    assert (await visitor.post(f"/wall/alarms/{alarm.id}", {"seen_to": "yes"})).status == 404
    assert len(await place.web.store.read(lambda unit: unit.alarms())) == 1


async def test_an_alarm_is_seen_to_by_a_named_human_once(place: Place) -> None:
    await fail_one(place)
    visitor = await place.visitor("operator")
    await visitor.get("/wall")
    (alarm,) = await place.web.store.read(lambda unit: unit.alarms())
    assert (await visitor.post(f"/wall/alarms/{alarm.id}", {"seen_to": "yes", "csrf": "made-up"})).status == 403
    assert (await visitor.post(f"/wall/alarms/{alarm.id}")).status == 404, "the button was not pressed"
    assert len(await place.web.store.read(lambda unit: unit.alarms())) == 1
    for _ in range(2):
        done = await visitor.post(f"/wall/alarms/{alarm.id}", {"seen_to": "yes"})
        assert (done.status, done.location) == (303, "/wall#alarms")
    assert await place.web.store.read(lambda unit: unit.alarms()) == []
    assert "None is open." in (await visitor.get("/wall")).text


async def test_whoever_presses_a_button_after_their_session_has_ended_comes_back_to_a_page(place: Place) -> None:
    """The address of a deed is none: signing in would end at "method not allowed"."""
    await fail_one(place)
    visitor = await place.visitor("operator")
    await visitor.get("/wall")
    (alarm,) = await place.web.store.read(lambda unit: unit.alarms())
    visitor.cookies["fingerpost"] = "over"
    assert (await visitor.post(f"/wall/alarms/{alarm.id}", {"seen_to": "yes"})).location == "/sign-in?next=/account"
    assert (await visitor.post("/users/invite", {})).location == "/sign-in?next=/users/invite"
    assert len(await place.web.store.read(lambda unit: unit.alarms())) == 1


async def test_the_stream_says_what_is_new_and_that_it_is_alive(place: Place) -> None:
    visitor = await place.visitor("operator")
    headers = {"Cookie": f"fingerpost={visitor.cookies['fingerpost']}"}
    async with place.web.session.get(f"{place.web.url}/wall/live", headers=headers) as stream:
        assert stream.headers["Content-Type"].startswith("text/event-stream")
        assert stream.headers["Cache-Control"] == "no-store"
        assert "None is open." in await event(place, stream.content)
        assert await event(place, stream.content) == ": as before"
        await fail_one(place)
        assert "Alarms: 1 open" in await event(place, stream.content)
        place.web.store.away = True  # type: ignore[attr-defined]  # the kit's own store
        assert "The store cannot be read now" in await event(place, stream.content)
        place.web.store.away = False  # type: ignore[attr-defined]
        assert "Alarms: 1 open" in await event(place, stream.content)
        await place.web.clock.advance(LASTS)
        # To its end: the browser asks for another, and so shows that it is still signed in.
        assert await passing(place, stream.content.read())


async def test_the_stream_ends_with_the_session(place: Place) -> None:
    visitor = await place.visitor("operator")
    headers = {"Cookie": f"fingerpost={visitor.cookies['fingerpost']}"}
    async with place.web.session.get(f"{place.web.url}/wall/live", headers=headers) as stream:
        assert "None is open." in await event(place, stream.content)
        await visitor.get("/account")
        assert (await visitor.post("/account/sign-out-everywhere")).status == 303
        await fail_one(place)
        assert b"Alarms: 1 open" not in await passing(place, stream.content.read())


async def passing(place: Place, reading: Awaitable[bytes]) -> bytes:
    """What is read, while time goes on."""
    waiting = asyncio.ensure_future(reading)
    async with asyncio.timeout(20):
        while not waiting.done():
            await asyncio.wait({waiting}, timeout=0.1)
            if not waiting.done():
                await place.web.clock.advance(EVERY)
    return waiting.result()


async def event(place: Place, content: asyncio.StreamReader) -> str:
    """The next event of the stream."""
    lines: list[str] = []
    while not (lines and lines[-1] == ""):
        line = await passing(place, content.readline())
        assert line, "the stream is over"
        lines.append(line.decode().rstrip("\n"))
    return "\n".join(one.removeprefix("data: ") for one in lines[:-1])


async def test_a_stop_waits_for_no_stream(tmp_path: Path) -> None:
    async with serving(tmp_path, grace=30) as web:
        visitor = await Place(web=web, story=Story(SeededIds("none"))).visitor("operator")
        headers = {"Cookie": f"fingerpost={visitor.cookies['fingerpost']}"}
        stream = await web.session.get(f"{web.url}/wall/live", headers=headers)
        await stream.content.readline()
        began = asyncio.get_running_loop().time()
    assert asyncio.get_running_loop().time() - began < 15
    stream.close()
