"""The acknowledgement page, over the real answers service and a real store."""

import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from aiohttp import ClientResponse

from hub.core.records import AcknowledgementRecord, NoticeRecord
from hub.core.tokens import ack_token, token_digest
from hub.edge.ids import SeededIds
from tests.kit.desk import only_rehearsed
from tests.kit.records import SECRETS, Story
from tests.kit.web import Web, serving

FETCHED = ("icon.svg", "govuk/govuk-frontend.min.css", "fingerpost.css", "fingerpost.js")
FORM = "application/x-www-form-urlencoded"


@dataclass
class Told:
    """A web in which one notice can be answered."""

    web: Web
    token: str
    episode: str

    async def notice(self) -> NoticeRecord:
        [notice] = await self.web.store.read(lambda unit: unit.notices(self.episode))
        return notice

    async def answers(self) -> list[AcknowledgementRecord]:
        notice = await self.notice()
        return list(await self.web.store.read(lambda unit: unit.acknowledgements(notice.id)))

    async def answer(self, fields: Mapping[str, str], **headers: str) -> ClientResponse:
        return await self.post(urlencode(fields).encode(), **{"Content-Type": FORM, **headers})

    async def post(self, body: bytes, **headers: str) -> ClientResponse:
        async with self.web.session.post(f"{self.web.url}/a/{self.token}", data=body, headers=headers) as response:
            await response.read()
            return response


@pytest.fixture
async def told(tmp_path: Path) -> AsyncIterator[Told]:
    async with serving(tmp_path, public_url="https://hub.example/post") as web:
        story = Story(ids=SeededIds("story"))
        token = ""

        async def save(unit: Any) -> None:
            nonlocal token
            await story.meet(unit)
            changes = story.report()
            token = ack_token(b"s" * 32, changes.deliveries[0].id)
            told = replace(changes.deliveries[0], token_digest=token_digest(token))
            await unit.save(replace(changes, deliveries=(told,)))

        await web.store.write(save)
        yield Told(web=web, token=token, episode=story.episode)


class Seen(HTMLParser):
    """What a page holds: elements with their attributes, and its text."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


async def seen(response: ClientResponse) -> Seen:
    page = Seen()
    page.feed(await response.text())
    return page


async def test_it_shows_the_reference_and_the_kind_and_nothing_else(told: Told) -> None:
    response = await told.web.get(f"/a/{told.token}")
    assert (response.status, response.content_type) == (200, "text/html")
    page = await seen(response)
    assert (await told.notice()).reference in page.text
    assert "Missing child" in page.text
    html = await response.text()
    assert not [secret for secret in SECRETS.values() if secret in html]
    assert told.episode not in html


async def test_an_exercise_is_marked_where_it_is_answered(told: Told) -> None:
    marked = "EXERCISE. This is not a real case."
    assert marked not in (await seen(await told.web.get(f"/a/{told.token}"))).text
    await told.web.store.write(only_rehearsed)
    assert marked in (await seen(await told.web.get(f"/a/{told.token}"))).text
    assert marked in (await seen(await told.answer({"name": "Jo Worker", "answer": "accepted"}))).text


async def test_get_and_head_change_nothing_however_often(told: Told) -> None:
    before = await told.notice()
    for _ in range(5):
        await told.web.get(f"/a/{told.token}")
        await told.web.get(f"/a/{told.token}?answer=accepted&name=Scanner")
        async with told.web.session.head(f"{told.web.url}/a/{told.token}") as response:
            assert response.status == 200
    assert await told.answers() == []
    assert await told.notice() == before


async def test_an_answer_is_recorded_under_a_name(told: Told) -> None:
    response = await told.answer({"name": "Jo Worker", "answer": "accepted", "redirected_to": ""})
    assert response.status == 200
    assert "Your answer is recorded" in (await seen(response)).text
    [answer] = await told.answers()
    assert (answer.name, answer.answer, answer.redirected_to) == ("Jo Worker", "accepted", None)
    assert (await told.notice()).state == "acknowledged"
    again = await seen(await told.web.get(f"/a/{told.token}"))
    assert "already been accepted" in again.text
    assert "Jo Worker" not in again.text


async def test_a_double_click_is_one_answer(told: Told) -> None:
    for _ in range(2):
        assert (await told.answer({"name": "Jo Worker", "answer": "accepted"})).status == 200
    assert len(await told.answers()) == 1


@pytest.mark.parametrize("answer", ["not_ours", "redirected"])
async def test_an_answer_that_ends_nothing_says_so(told: Told, answer: str) -> None:
    response = await told.answer({"name": "Jo Worker", "answer": answer, "redirected_to": "The team next door"})
    assert "stays open" in (await seen(response)).text
    assert (await told.notice()).state != "acknowledged"
    [given] = await told.answers()
    assert given.redirected_to == ("The team next door" if answer == "redirected" else None)


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({}, ["name", "answer"]),
        ({"name": "", "answer": "accepted"}, ["name"]),
        ({"name": "   ", "answer": "accepted"}, ["name"]),
        ({"name": "Jo Worker"}, ["answer"]),
        ({"name": "Jo Worker", "answer": "maybe"}, ["answer"]),
        ({"name": "Jo Worker", "answer": "redirected"}, ["redirected_to"]),
        ({"name": "Jo\nWorker", "answer": "accepted"}, ["name"]),
        ({"name": "Jo\u202eWorker", "answer": "accepted"}, ["name"]),
        ({"name": "\x00", "answer": "accepted"}, ["name"]),
        ({"name": "J" * 5000, "answer": "accepted"}, ["name"]),
    ],
)
async def test_what_is_missing_is_said_above_and_beside_the_field(
    told: Told, fields: dict[str, str], wrong: list[str]
) -> None:
    response = await told.answer(fields)
    assert response.status == 422
    page = await seen(response)
    assert "There is a problem" in page.text
    links = [a["href"] for a in page.all("a") if (a["href"] or "").startswith("#") and a["href"] != "#main"]
    assert links == [f"#{name}" for name in wrong]
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert {*wrong, *(f"{name}-error" for name in wrong)} <= set(ids)
    assert len(ids) == len(set(ids))
    assert await told.answers() == []


async def test_what_was_typed_comes_back_escaped(told: Told) -> None:
    nasty = '"><script>alert(1)</script>{{ 7*7 }}'
    response = await told.answer({"name": nasty, "answer": nasty, "redirected_to": nasty})
    html = await response.text()
    assert html.count("<script") == 1 and "alert(1)</script>" not in html
    assert ">49<" not in html
    assert {"name": "name", "value": nasty}.items() <= (await seen(response)).all("input")[0].items()


@pytest.mark.parametrize(
    "token",
    [
        "A" * 43,
        "short",
        "A" * 4000,
        "..%2f..%2fetc%2fpasswd",
        "%F0%9F%90%99" * 10,
        "A" * 42 + "=",
        "%27%20OR%201=1--aaaaaaaaaaaaaaaaaaaaaaaaaaa",
    ],
)
async def test_every_token_that_is_none_gets_the_same_404(told: Told, token: str) -> None:
    expected = await (await told.web.get("/a/" + "B" * 43)).text()
    response = await told.web.get(f"/a/{token}")
    assert response.status == 404
    assert await response.text() == expected
    posted = replace(told, token=token)
    answer = await posted.answer({"name": "Jo Worker", "answer": "accepted"})
    assert (answer.status, await answer.text()) == (404, expected)


async def test_other_bodies_than_the_forms_are_refused(told: Told) -> None:
    assert (await told.post(b'{"name": "Jo"}', **{"Content-Type": "application/json"})).status == 415
    assert (await told.post(b"x" * 20_000, **{"Content-Type": FORM})).status == 413
    assert (await told.post(b"&".join([b"a=b"] * 5000), **{"Content-Type": FORM})).status in (413, 422)
    assert (await told.post(b"\xff\xfe%zz=%", **{"Content-Type": FORM})).status == 422
    assert await told.answers() == []


async def test_a_form_from_another_site_can_do_no_more_than_the_token_lets_anybody(told: Told) -> None:
    # The token is the authority: no cookie is set that such a form could borrow.
    response = await told.web.get(f"/a/{told.token}")
    assert "Set-Cookie" not in response.headers
    assert "Access-Control-Allow-Origin" not in response.headers


async def test_strict_headers_on_every_page(told: Told) -> None:
    pages = [
        await told.web.get(f"/a/{told.token}"),
        await told.web.get("/a/unknown"),
        await told.answer({"name": ""}),
        await told.answer({"name": "Jo Worker", "answer": "accepted"}),
    ]
    for response in pages:
        policy = response.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert response.headers["Referrer-Policy"] == "no-referrer"
        assert response.headers["Cache-Control"] == "no-store"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Strict-Transport-Security"].startswith("max-age=")
        html = await response.text()
        assert not re.search(r"\son\w+=|\sstyle=|javascript:|<style", html)
        # Nothing is fetched from elsewhere, and what is fetched is ours, under the public path.
        asked = re.findall(r'(?:href|src)="([^"#]+)"', html)
        assert [one.partition("?v=")[0] for one in asked] == [f"/post/static/{name}" for name in FETCHED]
        assert re.findall(r"<script[^>]*>[^<]*", html) == [f'<script type="module" src="{asked[-1]}">']


async def test_the_page_can_be_read_out(told: Told) -> None:
    page = await seen(await told.web.get(f"/a/{told.token}"))
    assert [one["lang"] for one in page.all("html")] == ["en-GB"]
    assert len(page.all("h1")) == 1
    labelled = {label["for"] for label in page.all("label")}
    assert {field["id"] for field in page.all("input")} == labelled and len(labelled) == 5
    assert len(page.all("fieldset")) == len(page.all("legend")) == 1


async def test_a_store_that_is_away_is_said_plainly(told: Told) -> None:
    told.web.store.away = True  # type: ignore[attr-defined]  # the kit's own store
    response = await told.web.get(f"/a/{told.token}")
    assert (response.status, response.content_type) == (503, "text/html")
    assert "Retry-After" in response.headers
    answer = await told.answer({"name": "Jo Worker", "answer": "accepted"})
    assert answer.status == 503
