"""Turns, paces, replays, bodies and connections: what each bounds, and that it gives back what it took."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import cache
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict

from hub.web.bodies import Bodies, Refused
from hub.web.clients import Clients
from hub.web.connections import Gate
from hub.web.paces import AT_ONCE, Pace, paced
from hub.web.pages.rendering import Pages
from hub.web.replays import LASTS, Replays
from hub.web.turns import Crowded, Turns
from tests.kit.clock import FakeClock


async def test_of_each_source_so_many_at_once_and_so_many_wait() -> None:
    turns, order, gate = Turns(at_once=2, waiting=2), list[str](), asyncio.Event()

    async def one(key: str, name: str) -> None:
        async with turns.turn(key):
            order.append(name)
            await gate.wait()

    async with asyncio.TaskGroup() as group:
        for number in range(4):
            group.create_task(one("flood", f"flood {number}"))
        await asyncio.sleep(0)
        with pytest.raises(Crowded):
            await one("flood", "flood 4")
        group.create_task(one("other", "other"))
        await asyncio.sleep(0.01)
        assert order == ["flood 0", "flood 1", "other"], "the other waits for none of them"
        gate.set()
    assert order[3:] == ["flood 2", "flood 3"]
    async with turns.turn("flood"):  # all turns were given back
        pass


async def test_who_is_cancelled_gives_the_turn_back() -> None:
    turns = Turns(at_once=1, waiting=0)
    async with turns.turn("a"):
        pass
    task = asyncio.create_task(asyncio.wait_for(_held(turns), 0.01))
    with pytest.raises(TimeoutError):
        await task
    async with turns.turn("a"):
        pass


async def _held(turns: Turns) -> None:
    async with turns.turn("a"):
        await asyncio.Event().wait()


async def test_who_has_patience_is_passed_by_and_still_counts() -> None:
    turns, gate = Turns(at_once=1, waiting=1, patience=0.01), asyncio.Event()

    async def slow() -> None:
        async with turns.turn("a"):
            await gate.wait()

    async with asyncio.TaskGroup() as group:
        group.create_task(slow())
        await asyncio.sleep(0)
        async with asyncio.timeout(0.4), turns.turn("a"):  # passes by the slow one
            with pytest.raises(Crowded):
                await slow()
        gate.set()
    order: list[int] = []

    async def quick(number: int) -> None:
        async with turns.turn("a"):
            order.append(number)
            await asyncio.sleep(0)
            order.append(number)

    await asyncio.gather(quick(1), quick(2))
    assert order == [1, 1, 2, 2], "there is one place again, not two"


async def test_many_desks_behind_one_address_all_get_their_page() -> None:
    pace = paced(
        pages(),
        Clients(("10.0.0.0/8",)),
        FakeClock(),
        address=Pace(per_second=50, burst=500),
        caller=Pace(per_second=50, burst=500),
        session=lambda request: request.cookies["fingerpost"],
        held=0,
    )

    async def handler(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(0)
        return web.Response()

    async def desk(number: int) -> int:
        given = {"X-Forwarded-For": "203.0.113.1", "Cookie": f"fingerpost={number}"}
        return (await pace(make_mocked_request("GET", "/", headers=given, transport=_Transport()), handler)).status

    assert set(await asyncio.gather(*(desk(number) for number in range(80)))) == {200}


async def test_the_same_again_is_the_same_for_an_hour_and_only_then_and_there() -> None:
    clock = FakeClock()
    replays = Replays(clock, most=2)
    replays.keep("a", b"body", "invalid", "qu_1")
    assert replays.known("a", b"body", "invalid") == "qu_1"
    for other in (("b", b"body", "invalid"), ("a", b"x", "invalid"), ("a", b"body", "stale_signature")):
        assert replays.known(*other) is None
    await clock.advance(LASTS.total_seconds())
    assert replays.known("a", b"body", "invalid") is None
    for number in range(3):
        replays.keep("a", bytes([number]), "invalid", f"qu_{number}")
    assert replays.known("a", b"\0", "invalid") is None, "bounded"
    assert replays.known("a", b"\2", "invalid") == "qu_2"


@cache
def pages() -> Pages:
    return Pages(public_url="https://hub.example")


class Network:
    """Requests to one paced handler."""

    def __init__(self, burst: int = 4) -> None:
        self.clock = FakeClock()
        self.pace = paced(
            pages(),
            Clients(("10.0.0.0/8",)),
            self.clock,
            address=Pace(per_second=1, burst=burst),
            caller=Pace(per_second=1, burst=2),
            session=lambda request: request.cookies.get("fingerpost", ""),
            held=0,
        )

    async def ask(self, path: str, address: str = "203.0.113.1", **headers: str) -> int:
        async def handler(request: web.Request) -> web.StreamResponse:
            return web.Response()

        given = {"X-Forwarded-For": address, **headers}
        request = make_mocked_request("GET", path, headers=given, transport=_Transport())
        response = await self.pace(request, handler)
        assert (response.status == 429) is ("Retry-After" in response.headers)
        return response.status


class _Transport(asyncio.Transport):
    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return ("10.0.0.1", 1234) if name == "peername" else default


async def test_an_address_has_its_pace_and_no_other_waits_for_it() -> None:
    network = Network()
    assert [await network.ask("/sign-in") for _ in range(6)] == [200] * 4 + [429] * 2
    assert await network.ask("/v1/episodes") == 429, "over all routes together"
    assert await network.ask("/sign-in", "203.0.113.2") == 200
    await network.clock.advance(2)
    assert [await network.ask("/sign-in") for _ in range(3)] == [200, 200, 429]


@pytest.mark.parametrize(
    "who", [{"Authorization": "Bearer one"}, {"Cookie": "fingerpost=one"}], ids=["token", "browser"]
)
async def test_a_token_and_a_browser_have_theirs_wherever_they_come_from(who: dict[str, str]) -> None:
    network = Network()
    answers = [await network.ask("/v1/episodes", f"203.0.113.{number}", **who) for number in range(4)]
    assert answers == [200, 200, 429, 429]
    assert await network.ask("/static/app.css", "203.0.113.9", **who) == 200
    other = {name: value.replace("one", "two") for name, value in who.items()}
    assert await network.ask("/v1/episodes", "203.0.113.9", **other) == 200


async def test_of_one_address_a_few_requests_are_worked_on_at_once() -> None:
    network, gate, order = Network(burst=100), asyncio.Event(), list[str]()

    async def handler(request: web.Request) -> web.StreamResponse:
        order.append(request.path)
        await gate.wait()
        return web.Response()

    async def ask(path: str, address: str, **headers: str) -> None:
        given = {"X-Forwarded-For": address, **headers}
        await network.pace(make_mocked_request("GET", path, headers=given, transport=_Transport()), handler)

    network.clock = FakeClock()
    async with asyncio.TaskGroup() as group:
        for number in range(AT_ONCE):
            group.create_task(ask(f"/{number}", f"203.0.113.{number}"))
            group.create_task(ask(f"/{number}/live", "198.51.100.1", Accept="text/event-stream"))
        await asyncio.sleep(0)
        assert len(order) == 2 * AT_ONCE, "neither other addresses nor streams are in its way"
        order.clear()
        for number in range(AT_ONCE + 3):
            group.create_task(ask(f"/same-{number}", "198.51.100.1", Accept="text/event-stream"))
        await asyncio.sleep(0)
        assert order == [f"/same-{number}" for number in range(AT_ONCE)], "the others of it wait"
        gate.set()
    assert len(order) == AT_ONCE + 3


@pytest.mark.parametrize(
    "path", ["/v1/events", "/v1/callbacks/govuk-notify/texts", "/v1/receipts/email", "/health/live"]
)
async def test_who_may_not_come_again_is_never_slowed(path: str) -> None:
    network = Network()
    assert {await network.ask(path, Authorization="Bearer one") for _ in range(50)} == {200}


class Body:
    """A request whose body comes in pieces, and does not end before ``gate``."""

    remote = "10.0.0.1"
    content_length = None

    def __init__(self, *pieces: bytes, gate: asyncio.Event | None = None, address: str = "203.0.113.1") -> None:
        self.headers = CIMultiDict({"X-Forwarded-For": address})
        self.content = self
        self._pieces, self._gate = pieces, gate

    async def iter_any(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            yield piece
        if self._gate is not None:
            await self._gate.wait()


async def status(bodies: Bodies, body: Any) -> int:
    try:
        await bodies.read(body, 1000)
    except Refused as refused:
        return refused.response.status
    return 200


async def test_all_bodies_together_have_one_bound_and_give_back_what_they_held() -> None:
    bodies, gate = Bodies(at_once=10, within=5, together=1500), asyncio.Event()
    first = asyncio.create_task(status(bodies, Body(b"x" * 900, gate=gate)))
    await asyncio.sleep(0)
    assert await status(bodies, Body(b"x" * 700)) == 503
    assert await status(bodies, Body(b"x" * 500)) == 200
    gate.set()
    assert await first == 200
    assert [await status(bodies, Body(b"x" * 1000)) for _ in range(5)] == [200] * 5
    assert await status(bodies, Body(b"x" * 700, b"x" * 700)) == 413


async def test_a_few_clients_that_take_all_they_get_leave_a_place() -> None:
    bodies, gate = Bodies(at_once=64, within=9, clients=Clients(("10.0.0.0/8",))), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        for number in range(64):
            slow = Body(b"x", gate=gate, address=f"203.0.113.{number % 4}")
            group.create_task(status(bodies, slow))
        await asyncio.sleep(0)
        assert await status(bodies, Body(b"event", address="198.51.100.7")) == 200
        gate.set()
    assert await status(bodies, Body(b"event")) == 200


async def test_one_client_has_half_of_the_places() -> None:
    bodies, gate = Bodies(at_once=4, within=5, clients=Clients(("10.0.0.0/8",))), asyncio.Event()
    held = [asyncio.create_task(status(bodies, Body(b"x", gate=gate))) for _ in range(2)]
    await asyncio.sleep(0)
    assert await status(bodies, Body(b"x")) == 503
    assert await status(bodies, Body(b"x", address="203.0.113.2")) == 200
    gate.set()
    assert [await one for one in held] == [200, 200]
    assert await status(bodies, Body(b"x")) == 200


class Echo(asyncio.Protocol):
    """Answers the first word with as much as it says."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.transport.write(b"x" * int(data))


@asynccontextmanager
async def gated(**options: Any) -> AsyncIterator[tuple[Gate, int]]:
    gate = Gate(Echo, **options)
    server = await asyncio.get_running_loop().create_server(gate, "127.0.0.1", 0)
    try:
        yield gate, int(server.sockets[0].getsockname()[1])
    finally:
        server.close()
        async with asyncio.timeout(5):
            while gate.open:
                await asyncio.sleep(0.01)


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()
        with suppress(OSError):
            await writer.wait_closed()


async def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    writer.write(b"1")
    with suppress(OSError):
        return await reader.read(1) == b"x"
    return False


@pytest.mark.parametrize(
    ("options", "open"),
    [
        ({"most": 3, "of_one": 9}, 3),
        ({"most": 9, "of_one": 3}, 3),
        ({"most": 9, "of_one": 3, "trusted": ("127.0.0.0/8",)}, 5),
    ],
    ids=["in all", "of one address", "of a proxy"],
)
async def test_so_many_connections_are_open_and_more_are_closed(options: dict[str, Any], open: int) -> None:
    async with gated(**options) as (_, port):
        async with AsyncExitStack() as flood:
            several = [await flood.enter_async_context(connected(port)) for _ in range(5)]
            assert sum([await served(*one) for one in several]) == open
        await asyncio.sleep(0.05)
        async with connected(port) as one:
            assert await served(*one), "what is closed gives its place back"


async def test_who_asks_and_does_not_read_is_let_go_and_who_reads_slowly_is_not() -> None:
    async with gated(most=9, of_one=9, look_every=0.05) as (gate, port):
        async with connected(port) as (_, writer), connected(port) as (reader, slow):
            writer.write(b"20000000")
            slow.write(b"9000000")
            async with asyncio.timeout(5):
                while gate.open == 2:
                    await reader.read(65_536)
                    await asyncio.sleep(0.002)
            assert gate.open == 1
            assert await reader.read(1) == b"x"
