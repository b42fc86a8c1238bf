"""Every page and every route about an erased child: what is gone is marked, the rest stands, and none falls over."""

import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from contacts.roles import OPERATOR
from hub.core.answers import Answer
from hub.core.tokens import ack_token
from hub.edge.ids import SeededIds
from hub.service.ports import Unit
from tests.kit.accounts import accounts_over
from tests.kit.clock import START
from tests.kit.events import found, reported, returned, updated
from tests.kit.node import REGISTERED, Hub
from tests.kit.tokens import Token
from tests.kit.visitor import Visitor
from tests.kit.web import ACK_SECRET, Web, serving

NAMES = ("Robin Example", "Sam Example", "Example Street", "BRM-EP-0001", "BRM-C-0001")
SECRET = "fpt_reading-of-everything-0123456789"
SCOPES = frozenset({"episodes:read", "outbox:read", "register:read", "register:names", "metrics:read"})


@dataclass
class Place:
    """A hub that knew a child who was erased since."""

    web: Web
    hub: Hub
    episode: str
    child: str
    told: dict[str, str] = field(default_factory=dict)
    first: Answer | None = None


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    token = Token(name="all", scopes=SCOPES, sha256=sha256(SECRET.encode()).digest(), created_at=START)  # type: ignore[arg-type]
    async with serving(tmp_path, tokens=[token], demo_pages=True) as web:
        (source,) = await web.store.read(lambda unit: unit.sources())
        hub = Hub(store=web.store, clock=web.clock, ids=SeededIds("hub"), source=replace(REGISTERED, id=source.id))
        now = web.clock.now().isoformat()
        first = await hub.post(reported(time=now))
        assert first.status == 202
        await hub.post(found(time=now))
        await hub.post(returned(time=now))
        (episode,) = await web.store.read(lambda unit: unit.episode_list())
        notices = await web.store.read(lambda unit: unit.notices(episode.id))
        (delivery, *_) = [d for n in notices for d in await web.store.read(lambda unit, n=n: unit.deliveries(n.id))]  # type: ignore[misc]  # bound now
        made = Place(web=web, hub=hub, episode=episode.id, child=episode.child, first=first)
        made.told = {
            "episode": episode.id,
            "notice": delivery.notice,
            "delivery": delivery.id,
            "token": ack_token(ACK_SECRET, delivery.id),
            "organisation": episode.organisation or "",
        }
        await erase(made)
        yield made


async def erase(place: Place) -> None:
    """The steps, however long ago."""
    now = place.web.clock.now()

    async def begin(unit: Unit) -> Any:
        return await unit.retention.begin(place.child, now)

    await place.web.store.write(begin)
    await place.web.store._store.keys.destroy([place.child], now)  # type: ignore[attr-defined]
    await place.web.store.write(lambda unit: unit.retention.finish(place.child, now))


async def test_every_page_and_route(place: Place) -> None:
    web = place.web
    signed = await accounts_over(web.store, web.clock).member("op@hub.example", "operator", organisation=OPERATOR)
    visitor = Visitor(web=web, cookies={"fingerpost": signed.token})
    seen = {}
    for resource in web.app.router.resources():
        path = resource.canonical
        names = re.findall(r"{(\w+)}", path)
        # The stream never ends.
        if path == "/wall/live" or "GET" not in {one.method for one in resource} or not set(names) <= set(place.told):
            continue
        where = path.format(**place.told)
        for headers in ({"Authorization": f"Bearer {SECRET}"} if path.startswith("/v1/") else {},):
            answer = await visitor.get(where, **headers)
            assert answer.status < 500, (where, answer.status)
            assert not [name for name in NAMES if name in answer.html], where
            seen[path] = min(answer.status, seen.get(path, 999))
    assert len(seen) > 25
    for path in ("/wall", "/wall/episodes/{episode}", "/v1/episodes", "/v1/episodes/{episode}", "/v1/outbox"):
        assert seen[path] == 200, (path, seen[path])
    shown = await visitor.get(f"/wall/episodes/{place.episode}")
    assert "police" in shown.text.lower(), "who was told stands"
    assert "The child’s details have been erased" in shown.text
    listed = await visitor.get("/v1/episodes", Authorization=f"Bearer {SECRET}")
    assert [one["erased"] for one in json.loads(listed.html)["episodes"]] == [True]


async def test_what_a_sender_is_answered(place: Place) -> None:
    hub = place.hub
    now = (hub.clock.now() + timedelta(hours=1)).isoformat()
    await hub.clock.advance(3600)
    again = await hub.post(reported(time=START.isoformat()))
    assert again.status == 200 and again.body["duplicate"] is True
    assert again.body["notices"] == 0 and "erased" in again.body["warnings"][0]
    assert again.body["episode"] == "BRM-EP-0001", "the sender's own reference, out of the event"
    other = await hub.post(reported(time=START.isoformat(), child={"name": "Another Example"}))
    assert other.status == 409
    late = await hub.post(updated(id="late-1", time=now))
    assert late.status == 202, "it is kept for a report, as of any episode that the hub does not know"
    assert late.body["warnings"]
    anew = await hub.post(reported(id="anew-1", time=now))
    assert anew.status == 202 and anew.body["notices"] > 0
    episodes = await hub.store.read(lambda unit: unit.episode_list())
    assert len({one.child for one in episodes}) == 2 and [one.erased for one in episodes].count(True) == 1


async def test_an_answer_by_an_old_link_finds_nothing(place: Place) -> None:
    token = place.told["token"]
    page = await place.web.get(f"/a/{token}")
    assert page.status == 404
    answers = await place.hub.store.read(lambda unit: unit.acknowledgements(place.told["notice"]))
    assert list(answers) == []
