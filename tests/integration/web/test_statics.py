"""What the pages fetch: kept for good under its version, packed where that is taken, and nothing of GOV.UK's own."""

import gzip
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import ClientResponse

from hub.web.statics import NEEDED, Statics
from tests.kit.web import Web, serving

STATICS = Statics(base="")


@pytest.fixture
async def web(tmp_path: Path) -> AsyncIterator[Web]:
    async with serving(tmp_path) as web:
        yield web


async def fetched(web: Web, url: str, **headers: str) -> tuple[ClientResponse, bytes]:
    async with web.session.get(web.url + url, headers=headers, auto_decompress=False) as response:
        return response, await response.read()


@pytest.mark.parametrize("name", NEEDED)
async def test_each_is_served_with_its_type_and_kept_under_its_version(web: Web, name: str) -> None:
    response, body = await fetched(web, STATICS.url(name), **{"Accept-Encoding": "identity"})
    assert response.status == 200 and body
    assert response.content_type == {"css": "text/css", "js": "text/javascript"}[name.rpartition(".")[2]]
    assert "immutable" in response.headers["Cache-Control"]
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    packed, small = await fetched(web, STATICS.url(name), **{"Accept-Encoding": "gzip, br"})
    assert packed.headers["Content-Encoding"] == "gzip" and packed.headers["Vary"] == "Accept-Encoding"
    assert gzip.decompress(small) == body


@pytest.mark.parametrize("query", ["", "?v=", "?v=0123456789abcdef"])
async def test_under_another_version_it_is_not_kept_for_good(web: Web, query: str) -> None:
    response, body = await fetched(web, f"/static/fingerpost.css{query}")
    assert response.status == 200 and body
    assert response.headers["Cache-Control"] == "public, max-age=3600"


@pytest.mark.parametrize(
    "name", ["none.css", "govuk", "govuk/", "../base.html", "..%2ftemplates%2fbase.html", "govuk/version"]
)
async def test_nothing_else_is_there(web: Web, name: str) -> None:
    response, _ = await fetched(web, f"/static/{name}")
    assert response.status == 404


async def test_only_gov_uk_may_show_its_typeface_and_its_crest(web: Web) -> None:
    _, body = await fetched(web, "/static/govuk/govuk-frontend.min.css", **{"Accept-Encoding": "identity"})
    style = body.decode()
    assert "GDS Transport" not in style and "@font-face" not in style and "crest" not in style
    assert ".govuk-button{" in style and "font-family:arial,sans-serif" in style
    for name in NEEDED:
        _, body = await fetched(web, f"/static/{name}", **{"Accept-Encoding": "identity"})
        assert not re.search(rb"url\(|@import|sourceMappingURL|\bimport\s*['\"]https?:", body), name
