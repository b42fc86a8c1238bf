"""How soon what somebody writes stands on the screen of another authority, when nothing else is going on.

From the moment one desk sends its form to the whole page that another desk's open page asks for once its stream has
told it (hub/web/static/live.js), over HTTP on one machine, by the running command line with a mail server beside it;
each message also goes out sealed, as any notice. What the browser takes to draw it is not in it.
"""

import asyncio
import os
import re
import sqlite3
import tempfile
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import aiohttp

from bench.hubs import hub_folder, reported, serving, sinking
from bench.keeping import keep
from bench.table import Spread, ratio
from hub.app.ledger import open_ledger
from hub.core.desk import EVERY_DESK
from hub.service.desk.ports import Reader
from hub.settings import load
from hub.web.live import REST
from tests.kit.accounts import accounts_over
from tests.kit.clock import FakeClock
from tests.kit.visitor import Visitor

MESSAGES: Final = int(os.environ.get("BENCH_MESSAGES", "100"))
WARM: Final = 5
LIMIT: Final = 1.0
"""Seconds, the slowest hundredth."""
PATIENCE: Final = 60.0
SAID: Final = {"purpose": "question", "whereabouts": "no"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A hub that runs, as a visitor knows it."""

    url: str
    session: aiohttp.ClientSession


def main() -> None:
    """Measure, print, and keep."""
    before = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="fp-screen-") as name:
        folder = Path(name)
        with sinking(folder / "sink") as mail:
            environment = asyncio.run(hub_folder(folder / "hub", mail.port))
            episode, watching, cookies = asyncio.run(_furnished(environment, folder / "hub"))
            with serving(environment, folder / "hub"):
                times = asyncio.run(_measured(environment["FINGERPOST_PUBLIC_URL"], episode, watching, cookies))
    spread = Spread.of(times)
    slowest = sorted(times)[min(int(len(times) * 0.99), len(times) - 1)]
    print(f"from sent to shown, {len(times)} messages: p50 {spread.median * 1000:.0f} ms, p99 {slowest * 1000:.0f} ms")
    found = ratio("a message on another authority's screen, p99: of one second", (slowest,), (1.0,), LIMIT, "at most")
    print(found.line())
    path = keep("screen", before, (found,), messages=len(times), seconds=times)
    print(f"load average {before:.1f} before and {os.getloadavg()[0]:.1f} after; kept in bench/results/{path.name}")


async def _furnished(environment: Mapping[str, str], folder: Path) -> tuple[str, str, tuple[str, str]]:
    """An episode, another organisation that was told of it, and somebody signed in at each of the two."""
    now = datetime.now(UTC)
    await reported(environment, 1, now)
    with closing(sqlite3.connect(folder / "fingerpost.sqlite3")) as ledger:
        told = ledger.execute(
            "SELECT DISTINCT episode, organisation FROM notices WHERE person IS NULL AND gap_role IS NULL "
            "AND organisation IS NOT NULL AND state NOT IN ('withheld', 'held') ORDER BY episode, organisation"
        ).fetchall()
    episode = told[0][0]
    organisations = [code for one, code in told if one == episode][:2]
    cookies = []
    async with open_ledger(load(environment=environment)) as store:
        for number, code in enumerate(organisations):
            accounts = accounts_over(store, FakeClock(now), seed=f"person {number}")
            signed = await accounts.member(f"person{number}@desk.example", organisation=code, name=f"Jo {number}")
            reader = Reader(user=signed.viewer.user, organisation=code, desks=frozenset({EVERY_DESK}), given_at=now,
                            given_by="operator")  # fmt: skip
            await store.write(lambda unit, reader=reader: unit.desk.put_reader(reader))
            cookies.append(signed.token)
    writer, watcher = cookies
    return episode, organisations[1], (writer, watcher)


async def _measured(url: str, episode: str, watching: str, cookies: tuple[str, str]) -> list[float]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None)) as session:
        hub = Served(url=url, session=session)
        writer, watcher = (Visitor(web=hub, cookies={"fingerpost": one}) for one in cookies)
        await _ready(hub)
        form = await writer.get(f"/conversations/of/{episode}/new")
        theirs = re.findall(rf'name="to"[^>]*value="({watching}[^"]+)"', form.html)
        done = await writer.post(f"/conversations/of/{episode}/new", {**SAID, "text": "First", "to": theirs[:1]})
        assert done.status == 303, done.text
        thread = done.location.removesuffix("?sent")
        headers = {"Cookie": f"fingerpost={watcher.cookies['fingerpost']}", "Sec-Fetch-Dest": "empty"}
        times = []
        for number in range(WARM + MESSAGES):
            async with asyncio.timeout(PATIENCE), session.get(f"{url}{thread}/live", headers=headers) as stream:
                assert stream.status == 200, stream.status
                await _event(stream.content)
                await writer.get(thread)
                await asyncio.sleep(REST + 0.1)  # nothing else is going on
                text = f"Message {number}."
                began = time.perf_counter()
                done = await writer.post(thread, {**SAID, "text": text})
                assert done.status == 303, done.text
                shown = ""
                while text not in shown:
                    await _event(stream.content)
                    shown = (await watcher.get(thread)).html
                times.append(time.perf_counter() - began)
    return times[WARM:]


async def _event(stream: aiohttp.StreamReader) -> None:
    while line := await stream.readline():
        if line.startswith(b"data: "):
            return
    raise AssertionError("the stream is over")


async def _ready(hub: Served) -> None:
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                async with hub.session.get(f"{hub.url}/health/ready") as answer:
                    if answer.status == 200:
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.05)


if __name__ == "__main__":
    main()
