"""What the directory's pages cost where it is a country's: 153 authorities with 12 desks of 3 contacts each.

Over the real server and a real SQLite file, as an operator, who sees all of it, and as an administrator of one
authority: the time from a request to the whole of its answer, at the median. The limit of a page is 100 ms.
"""

import asyncio
import re
import statistics
import tempfile
import time
from pathlib import Path
from typing import Final

from bench.directory import IMPORT_LIMIT, country
from contacts.directory import Directory
from contacts.export import dumps
from contacts.model import Bundle
from contacts.roles import OPERATOR
from tests.kit.accounts import accounts_over
from tests.kit.changing import furnished
from tests.kit.clock import START
from tests.kit.visitor import Seen, Visitor
from tests.kit.web import serving

LIMIT: Final = 0.1
TIMES: Final = 15
LINE: Final = "{:<14} {:<66} {:>3} {:>7.1f} ms {:>6.0f} kB{}"


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory(prefix="fp-pages-") as folder:
        asyncio.run(_measure(Path(folder)))


async def _measure(folder: Path) -> None:
    bundle = country()
    one = bundle.contacts[100]
    of = f"/directory/of/{one.organisation}"
    standing = Directory.of(bundle)
    async with serving(folder, directory=lambda: standing) as web:
        await furnished(web.store, bundle, at=START)
        accounts = accounts_over(web.store, web.clock, seed="behind")
        operator = await accounts.member("kim@hub.example", "operator", organisation=OPERATOR, name="Kim Example")
        admin = await accounts.member(
            "jo@council.example", "directory_admin", organisation=one.organisation, name="Jo Example"
        )
        paths = [
            "/directory",
            of,
            f"{of}?at=2026-11-22",
            f"{of}/organisations/{one.organisation}",
            f"{of}/desks/{one.desk}",
            f"{of}/contacts/{one.id}",
            f"{of}/contacts/{one.id}/history",
            f"{of}/contacts/new",
            f"{of}/hours/{one.hours}",
            f"{of}/certificates/new",
            f"{of}/plans",
            f"{of}/plans?when=night&priority=high",
            "/directory/circulations",
            f"/directory/import?organisation={one.organisation}",
            f"/directory/export?organisation={one.organisation}&format=json",
            "/directory/changes",
            "/directory/coverage",
            "/directory/coverage?show=all",
            "/directory/proofs",
            "/users",
            "/account",
        ]
        for name, signed in (("operator", operator), ("administrator", admin)):
            visitor = Visitor(web=web, cookies={"fingerpost": signed.token})
            for path in paths:
                await _page(visitor, name, path)
            await _form(visitor, name, f"{of}/contacts/{one.id}", one.desk)
        await _import(Visitor(web=web, cookies={"fingerpost": operator.token}), bundle)
    print(f"limit of a page: {LIMIT * 1000:.0f} ms")


async def _page(visitor: Visitor, name: str, path: str) -> None:
    times, seen = [], await visitor.get(path)
    for _ in range(TIMES):
        began = time.perf_counter()
        seen = await visitor.get(path)
        times.append(time.perf_counter() - began)
    _print(name, path, seen.status, times, len(seen.html))


async def _form(visitor: Visitor, name: str, path: str, desk: str) -> None:
    typed = {"desk": desk, "channel": "email", "address": "front-door@council.example", "hours": "",
             "least_priority": "low", "exercises": "false", "valid_from": "", "valid_until": ""}  # fmt: skip
    looked, made = [], []
    for number in range(TIMES):
        await visitor.get(path)
        began = time.perf_counter()
        seen = await visitor.post(path, {**typed, "order": str(10 + number)})
        looked.append(time.perf_counter() - began)
        assert seen.status == 200, seen.text
        began = time.perf_counter()
        seen = await visitor.post(path, {})
        made.append(time.perf_counter() - began)
        assert seen.status == 303, seen.text
    _print(name, f"POST {path}: looked at", 200, looked, 0)
    _print(name, f"POST {path}: made", 303, made, 0)


async def _import(visitor: Visitor, bundle: Bundle) -> None:
    """All of it by file, every second contact another: by the clock, from the file to the page that says it is done."""
    file = dumps(bundle).replace(b'"order": 1', b'"order": 5')
    await visitor.get("/directory/import")
    began = time.perf_counter()
    address = (await visitor.upload("/directory/import", file)).location
    await _over(visitor, address)
    checked = time.perf_counter()
    await _page(visitor, "operator", address)
    await _page(visitor, "operator", f"{address}?table=contacts&page=2")
    begun = time.perf_counter()
    await visitor.post(address, {"step": "confirm"})
    done = await _over(visitor, address)
    took = checked - began + time.perf_counter() - begun
    change = re.search(r"/directory/changes/ch_\w+", done.html)
    assert change is not None, done.text
    await _page(visitor, "operator", change[0])
    print(
        f"an import of all of it, from the file to the end: {took * 1000:.0f} ms (limit {IMPORT_LIMIT * 1000:.0f} ms)"
    )
    assert took < IMPORT_LIMIT


async def _over(visitor: Visitor, address: str) -> Seen:
    while 'id="progress"' in (seen := await visitor.get(address)).html:
        await asyncio.sleep(0.05)
    return seen


def _print(name: str, path: str, status: int, times: list[float], size: int) -> None:
    median = statistics.median(times)
    print(LINE.format(name, path, status, median * 1000, size / 1000, "" if median < LIMIT else "  over the limit"))


if __name__ == "__main__":
    main()
