"""One episode for whoever runs the hub: its course as a picture and in tables, why, why not, and nobody's name."""

import re
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from contacts.roles import OPERATOR
from hub.core.records import AcknowledgementRecord, ReceiptRecord
from hub.core.wall import Happened
from hub.edge.ids import SeededIds
from tests.kit.accounts import accounts_over
from tests.kit.clock import START
from tests.kit.events import found, reported
from tests.kit.node import REGISTERED, Hub
from tests.kit.records import Story, result
from tests.kit.store import LEDGER, claim
from tests.kit.visitor import Seen, Visitor
from tests.kit.web import Web, serving

SVG = "{http://www.w3.org/2000/svg}"
NAMES = ("Robin Example", "Sam Example", "Pat Example", "Jo Worker", "Chris Carer", "Alex Answering", "family.example",
         "Second floor", "Example Street", "Example House", "2011", "BRM-EP-0001", "BRM-C-0001")  # fmt: skip


@dataclass
class Place:
    """A hub to which a child was reported, and its operator."""

    web: Web
    hub: Hub
    episode: str
    visitor: Visitor | None = None

    async def seen(self, episode: str = "") -> Seen:
        """The page of the episode, or of another."""
        self.visitor = self.visitor or await operator(self.web)
        seen = await self.visitor.get(f"/wall/episodes/{episode or self.episode}")
        assert seen.status == 200, seen.status
        return seen

    async def page(self) -> str:
        return (await self.seen()).html


async def operator(web: Web) -> Visitor:
    signed = await accounts_over(web.store, web.clock).member("op@hub.example", "operator", organisation=OPERATOR)
    return Visitor(web=web, cookies={"fingerpost": signed.token})


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with serving(tmp_path) as web:
        (source,) = await web.store.read(lambda unit: unit.sources())
        hub = Hub(store=web.store, clock=web.clock, ids=SeededIds("hub"), source=replace(REGISTERED, id=source.id))
        now = web.clock.now()
        went = (now - timedelta(minutes=30)).isoformat()
        assert (await hub.post(reported(time=now.isoformat(), episode={"since": went}))).status == 202
        (episode,) = await web.store.read(lambda unit: unit.episode_list())
        yield Place(web=web, hub=hub, episode=episode.id)


def drawn(html: str) -> ET.Element:
    (text,) = re.findall(r"<svg\b.*</svg>", html, re.DOTALL)
    return ET.fromstring(text)


def marks(html: str) -> list[str]:
    return [title.text or "" for title in drawn(html).iter(f"{SVG}title")]


async def carry(place: Place) -> None:
    """Half a minute later all is carried but the last, which fails; the first is answered by a person."""
    await place.web.clock.advance(30)
    claims = await claim(place.web.store, place.web.clock.now() - START)
    now = place.web.clock.now()
    results = [result(one, now) for one in claims]
    results[-1] = result(claims[-1], now, state="failed", attempt="permanent_failure", notice_state="undeliverable")
    await place.web.store.write(lambda unit: unit.finish(results, "node-1"))
    first = claims[0]
    receipt = ReceiptRecord(id="rc_1", arrived_at=now, channel="email", kind="displayed", delivery=first.delivery.id)
    answer = AcknowledgementRecord(
        id="ak_1",
        notice=first.notice.id,
        delivery=first.delivery.id,
        at=now,
        answer="redirected",
        name="Alex Answering",
        redirected_to="Second floor",
    )
    await place.web.store.write(lambda unit: unit.add_receipt(receipt))
    notice = replace(first.notice, state="acknowledged", state_at=now)
    await place.web.store.write(lambda unit: unit.acknowledge(answer, notice, None, ()))


async def test_the_picture_says_who_was_told_when_what_came_back_and_what_lies_ahead(place: Place) -> None:
    before = "\n".join(marks(await place.page()))
    assert "missing, not sent yet" in before and "missing, told" not in before
    await carry(place)
    html = await place.page()
    said = "\n".join(marks(html))
    for words in (
        "missing, told",
        "missing, could not be told",
        "displayed, by email",
        "redirected, says a named person",
        "missing, withheld",
        "event reported",
        "now",
        "opened Sun 1 Mar 2026",
        "renotify",
    ):
        assert words in said, words
    svg = drawn(html)
    assert svg.get("role") == "img"
    assert {svg.find(f"{SVG}{tag}").get("id") for tag in ("title", "desc")} == set(svg.get("aria-labelledby").split())  # type: ignore[union-attr]
    assert html == await place.page(), "the same at the same moment"


async def test_it_names_nobody_and_says_nothing_of_the_child(place: Place) -> None:
    await carry(place)
    html = await place.page()
    assert [name for name in NAMES if name in html] == []
    assert "parent" in html and "person 2" in html
    # What only holds because of what the child is, is said by rule and clause, not as a fact of this child.
    assert "looked after or care leaver" not in html and "the child lives at home" not in html
    assert not re.search(r"\sstyle=|<style", html)


async def test_it_explains_both_ways(place: Place) -> None:
    text = (await place.seen()).text
    for words in (
        "The protocols tell this role",
        "not told: withheld by a recorded decision",
        "designated nurse What the rule asks for is not so bromley B-54",
        "Not yet: when the duty MASH notice falls due",
        "Not yet: when the child is found",
        "The regulator is sent the report of a child missing from a children's home",
        "Bromley multi-agency protocol",
    ):
        assert words in text, words


async def test_a_birthday_shows_nowhere(place: Place) -> None:
    """The child of this story comes of age in 2029."""
    await place.hub.run_until(place.web.clock.now() + timedelta(days=2))
    html = await place.page()
    assert "adulthood" not in html and "2029" not in html


async def test_when_it_is_over_nothing_lies_ahead(place: Place) -> None:
    at = place.web.clock.now() + timedelta(hours=2)
    event = found(time=at.isoformat(), found={"at": at.isoformat()})
    assert (await place.hub.post(event, at=at)).status == 202
    await carry(place)
    said = "\n".join(marks(await place.page()))
    assert "event found" in said and "found, told" in said and "missing, overtaken" in said


async def test_an_episode_that_nobody_has_reported_yet(place: Place) -> None:
    event = found(id="E9", episode={"ref": "BRM-EP-0002"}, time=place.web.clock.now().isoformat())
    assert (await place.hub.post(event)).status == 202
    episodes = await place.web.store.read(lambda unit: unit.episode_list())
    (awaited,) = [one.id for one in episodes if one.state == "awaited"]
    seen = await place.seen(awaited)
    assert "Nothing has been reported yet" in seen.text
    assert "found, kept for a report that has not come" in seen.text


async def test_the_events_of_an_episode_are_listed_without_what_they_said(place: Place) -> None:
    happened = await place.web.store.read(lambda unit: unit.happened(place.episode))
    assert [(one.type, one.applied) for one in happened] == [("fingerpost.episode.reported.v1", True)]
    assert isinstance(happened[0], Happened) and happened[0].arrived_at == place.web.clock.now()


async def test_one_that_does_not_open_says_so_and_hides_no_other(place: Place, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / LEDGER)) as ledger, ledger:
        ledger.execute("UPDATE episodes SET memory = ref, ref = memory")
    visitor = await operator(place.web)
    seen = await visitor.get(f"/wall/episodes/{place.episode}")
    assert seen.status == 410 and "This episode does not open" in seen.text
    wall = await visitor.get("/wall")
    assert wall.status == 200 and place.episode in wall.text and "1 open" in wall.text


async def test_markup_in_an_organisations_name_stays_text(tmp_path: Path) -> None:
    async with serving(tmp_path) as web:
        story = Story(SeededIds("odd"), now=web.clock.now(), facts=reported()["data"])
        await story_told(web, story)
        html = (await (await operator(web)).get(f"/wall/episodes/{story.episode}")).html
        assert "<b>odd" not in html and "&lt;b&gt;odd&lt;/b&gt; &amp; co" in html


async def story_told(web: Web, story: Story) -> None:
    async def work(unit: object) -> None:
        await story.meet(unit)  # type: ignore[arg-type]
        changes = story.report(1)
        (one,) = changes.decisions
        odd = replace(one.decision.recipients[0], organisation="<b>odd</b> & co")
        decision = replace(one, decision=replace(one.decision, recipients=(odd,)))
        await unit.save(replace(changes, decisions=(decision,)))  # type: ignore[attr-defined]

    await web.store.write(work)
