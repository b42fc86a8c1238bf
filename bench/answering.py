"""Servers that take events and do less than a hub, to see what the rest of it costs; each a process of its own.

``python -m bench.answering MODE FOLDER PORT``. ``handler``: the hub's own server, all of it, but its intake answers 202
and stores nothing. ``bare``: an aiohttp handler that checks the signature and the event, and stores nothing.
``commit``: the same with a commit for each request, of one row, by one writer on SQLite with ``synchronous=FULL``.
"""

import asyncio
import os
import sqlite3
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from aiohttp import web

from contacts.areas import load_areas
from hub.app.domain import domain_of
from hub.app.foundations import Domain, Foundations
from hub.app.running import serve
from hub.core.answers import Answer, accepted
from hub.core.events import EpisodeEvent, WireRules, parse
from hub.core.records import Source, SourceKey
from hub.core.webhook import Verified, verify
from hub.edge.telemetry import Metrics
from hub.settings import load
from routing.duties import codes
from routing.packs import load_packs
from tests.kit.web import KEY


class Answering:
    """An intake that takes everything and keeps nothing."""

    async def accept(self, event: EpisodeEvent, raw: bytes, source: Source) -> Answer:
        return _taken(event)

    async def refuse(self, *_: Any) -> str:
        raise AssertionError("the bench posts what is right")


def _taken(event: EpisodeEvent) -> Answer:
    return accepted(event=event.id, episode=event.ref, notices=0, withheld=0, gaps=[], warnings=[])


async def handler() -> None:
    """The hub of this process's settings."""

    def domain(base: Foundations) -> Domain:
        return replace(domain_of(base), intake=Answering())

    await serve(load(environment=os.environ), domain, metrics=Metrics())


async def bare(folder: Path, port: int, *, commits: bool) -> None:
    """What a handler costs that checks and answers."""
    rules = WireRules(areas=load_areas(), duties=codes(load_packs()))
    key = SourceKey(id="k", scheme="v1", key=KEY.key, valid_from=datetime.now(UTC) - timedelta(days=1))
    writer, loop = ThreadPoolExecutor(1), asyncio.get_running_loop()
    connection = await loop.run_in_executor(writer, _opened, folder)

    def write(event: EpisodeEvent, body: bytes) -> None:
        connection.execute("INSERT INTO events VALUES (?, ?)", (event.id, body))

    async def answer(request: web.Request) -> web.Response:
        body = await request.read()
        assert isinstance(verify(request.headers, body, [key], datetime.now(UTC)), Verified)
        event = parse(body, rules)
        assert isinstance(event, EpisodeEvent)
        if commits:
            await loop.run_in_executor(writer, write, event, body)
        return web.json_response(dict(_taken(event).body), status=202)

    application = web.Application()
    application.router.add_post("/v1/events", answer)
    application.router.add_get("/health/ready", _ready)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.Event().wait()


async def _ready(_: web.Request) -> web.Response:
    return web.Response()


def _opened(folder: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(folder / "bare.sqlite3", isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE IF NOT EXISTS events (id TEXT PRIMARY KEY, body BLOB)")
    return connection


if __name__ == "__main__":
    mode, place, number = sys.argv[1:]
    if mode == "handler":
        asyncio.run(handler())
    else:
        asyncio.run(bare(Path(place), int(number), commits=mode == "commit"))
