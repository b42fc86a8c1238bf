"""Fetching what another hub says of itself: judged, whole, and never more than a little."""

from collections.abc import AsyncIterator, Sequence

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from adapters.https.guard import Policy
from hub.core.peers import WELL_KNOWN, introduction
from hub.edge.peer_documents import PeerDocuments
from hub.service.peers.introducing import document_url
from hub.service.peers.ports import NotFetched
from tests.kit.clock import START
from tests.kit.peers import ASHBY
from tests.kit.smtp import client_context


@pytest.fixture
async def answering() -> AsyncIterator[str]:
    """A server that answers with each of the ways to go wrong."""

    async def whole(request: web.Request) -> web.Response:
        return web.Response(body=ASHBY.document(), content_type="application/jose+json")

    async def moved(request: web.Request) -> web.Response:
        raise web.HTTPFound(WELL_KNOWN)

    async def endless(request: web.Request) -> web.Response:
        return web.Response(body=b" " * 1_000_000)

    app = web.Application()
    app.add_routes([web.get(WELL_KNOWN, whole), web.get("/moved", moved), web.get("/endless", endless)])
    server = TestServer(app)
    await server.start_server()
    yield str(server.make_url("/")).rstrip("/")
    await server.close()


def fetching(policy: Policy, *addresses: str) -> PeerDocuments:
    async def lookup(host: str, port: int) -> Sequence[str]:
        return addresses

    return PeerDocuments(tls_context=client_context(), policy=policy, lookup=lookup)


async def test_a_document_comes_whole_and_nothing_else_is_taken_for_one(answering: str) -> None:
    fetch = fetching(Policy(plain_loopback=True), "127.0.0.1")
    assert introduction(await fetch(document_url(answering)), START) == ASHBY.said()
    for path, why in (("/moved", "302"), ("/endless", "too long"), ("/none", "404")):
        with pytest.raises(NotFetched, match=why):
            await fetch(answering + path)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("https://hub.example/", "private"),
        ("http://hub.example/", "not allowed"),
        ("https://10.0.0.1/", "not allowed"),
        ("https://hub.example:8443/", "port"),
        ("file:///etc/passwd", "not allowed"),
        ("", "not allowed"),
        ("https://[::1", "not allowed"),
    ],
)
async def test_no_address_leads_into_the_hubs_own_network(url: str, why: str) -> None:
    with pytest.raises(NotFetched, match=why):
        await fetching(Policy(), "10.1.2.3")(document_url(url))
