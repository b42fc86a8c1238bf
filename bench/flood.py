"""How long a case system waits while others flood the hub: another source, people who try to sign in, open connections.

The running command line; one source posts an event every third of a second, on its own and beside each flood in turn.
What counts is how many times longer its slowest answers take, as other work on the machine makes all of them longer.
"""

import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any, Final

from aiohttp import ClientError, ClientSession, ClientTimeout, TCPConnector

from hub.app.ledger import open_ledger
from hub.core.records import SourceKey
from hub.core.webhook import SigningKey, sign
from hub.settings import load
from tests.kit.events import raw, reported
from tests.kit.serving import Served, serving, site
from tests.kit.smtp import smtp_server
from tests.kit.web import CLOUD_EVENT, KEY, source

SECONDS: Final = 30.0
PAUSE: Final = 0.33
AT_ONCE: Final = 48
OTHER: Final = "urn:fingerpost:source:other-care"
OTHER_KEY: Final = SigningKey(scheme="v1", key=b"another of thirty-two bytes, yes")
_numbers = count()


async def _post(session: ClientSession, url: str, uri: str, key: SigningKey) -> int:
    number = f"{uri.rpartition(':')[2]}-{next(_numbers)}"
    event = reported(id=number, source=uri, episode={"ref": number}, child={"ref": number})
    body = raw(event)
    headers = {**sign(body, webhook_id=number, at=datetime.now(UTC), keys=[key]), "Content-Type": CLOUD_EVENT}
    async with session.post(f"{url}/v1/events", data=body, headers=headers) as response:
        await response.read()
        return response.status


async def _measured(hub: Served, session: ClientSession) -> list[float]:
    found: list[float] = []
    ends = time.monotonic() + SECONDS
    while time.monotonic() < ends:
        began = time.monotonic()
        status = await _post(session, hub.url, OTHER, OTHER_KEY)
        found.append(time.monotonic() - began)
        if status != 202:
            raise AssertionError(f"the event of the source that floods nobody was answered with {status}")
        await asyncio.sleep(max(0.0, PAUSE - found[-1]))
    return sorted(found)


async def _events(hub: Served, session: ClientSession) -> int:
    return await _post(session, hub.url, source().uri, KEY)


async def _sign_ins(hub: Served, session: ClientSession) -> int:
    form = {"email": f"nobody{next(_numbers)}@council.example", "password": "a wrong password, long"}
    async with session.post(f"{hub.url}/sign-in", data=form) as response:
        await response.read()
        return response.status


async def _stalled(hub: Served, session: ClientSession) -> int:
    """A connection that sends half of a head, and waits to be let go."""
    host, port = hub.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"POST /v1/events HTTP/1.1\r\nHost: hub\r\nX-A: ")
    await reader.read()
    writer.close()
    return 0


@asynccontextmanager
async def _flood(
    one: Callable[[Served, ClientSession], Awaitable[int]] | None, hub: Served
) -> AsyncIterator[dict[int, int]]:
    answers: dict[int, int] = {}

    async def again(session: ClientSession) -> None:
        assert one is not None
        while True:
            with suppress(ClientError, OSError):
                status = await one(hub, session)
                answers[status] = answers.get(status, 0) + 1

    async with ClientSession(connector=TCPConnector(limit=0), timeout=ClientTimeout(total=60)) as session:
        tasks = [asyncio.create_task(again(session)) for _ in range(AT_ONCE if one else 0)]
        try:
            await asyncio.sleep(1.0 if one else 0.0)
            yield answers
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def _run(folder: Path) -> None:
    async with smtp_server() as relay:
        place = await site(folder / "site", relay.port, certified=None)
        key = SourceKey(id="sk_2", scheme="v1", key=OTHER_KEY.key, valid_from=datetime(2020, 1, 1, tzinfo=UTC))
        other = replace(source(OTHER), keys=(key,))
        async with open_ledger(load(environment=place.environment)) as store:
            await store.write(lambda unit: unit.put_source(other))
        async with serving(place) as hub, ClientSession() as session:
            await _post(session, hub.url, OTHER, OTHER_KEY)
            print("| beside | events | median | 99 of 100 | slowest | times as long (99) | the flood was answered |")
            print("|---|---|---|---|---|---|---|")
            alone = 0.0
            floods: dict[str, Any] = {
                "nothing": None, "a source that floods": _events, "tries to sign in": _sign_ins,
                "heads that never end": _stalled, "nothing again": None,
            }  # fmt: skip
            for name, one in floods.items():
                async with _flood(one, hub) as answers:
                    found = await _measured(hub, session)
                high = found[min(len(found) - 1, int(len(found) * 0.99))]
                alone = alone or high
                said = ", ".join(f"{status}: {number}" for status, number in sorted(answers.items()) if status)
                print(
                    f"| {name} | {len(found)} | {statistics.median(found) * 1000:.0f} ms | {high * 1000:.0f} ms "
                    f"| {found[-1] * 1000:.0f} ms | {high / alone:.1f} | {said or '-'} |",
                    flush=True,
                )


def soak() -> None:
    print(f"{AT_ONCE} clients at once in each flood. Load average before the start: {os.getloadavg()[0]:.1f}.\n")
    with tempfile.TemporaryDirectory(prefix="fp-flood-") as folder:
        asyncio.run(_run(Path(folder)))


if __name__ == "__main__":
    soak()
