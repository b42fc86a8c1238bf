"""What changing a country's directory costs: 153 authorities with 12 desks of 3 contacts each.

Over a real SQLite file: an import of all of it (by the clock), a change of one entry and the questions that a page asks
(processor time of all threads, so that other work on the machine counts little). The limits are those of an import
(10 s) and of a page (100 ms at the median).
"""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

from contacts.areas import load_areas
from contacts.changes import Put
from contacts.model import Bundle, Contact, Desk, Hours, Organisation
from contacts.roles import DESKS
from contacts.tables import dumps, dumps_csv, load, load_csv
from hub.core.drafts import Author, Listing
from tests.kit.changing import Office, office
from tests.kit.directory import NOW
from tests.kit.store import sqlite_store

IMPORT_LIMIT, PAGE_LIMIT = 10.0, 0.1
LINE = "{:<66} {:>9.1f} ms"
MACHINE = Author(actor="operator", name="the operator", organisation=None)
TIMES = 15


def main() -> None:
    """Measure and print."""
    asyncio.run(_measure())


def country() -> Bundle:
    """All authorities of England, each with twelve desks of three contacts: two mailboxes and a telephone."""
    functions = tuple(dict.fromkeys(DESKS.values()))[1:13]
    codes = load_areas().english()
    hours = ("office", "night")
    return Bundle(
        organisations=tuple(Organisation(code=code, name=f"Council {code}") for code in codes),
        desks=tuple(Desk(organisation=code, function=function) for code in codes for function in functions),
        contacts=tuple(
            Contact(
                id=f"{code}.{function}.{number}".lower(),
                organisation=code,
                desk=function,
                channel="sms" if number == 2 else "email",
                address=f"+447700900{(at * 12 + place) % 1000:03d}"
                if number == 2
                else f"{function.replace('_', '-')}{number}@{code.lower()}.council.example",
                order=number,
                hours=f"{code.lower()}-{hours[number]}" if number < 2 else None,
            )
            for at, code in enumerate(codes)
            for place, function in enumerate(functions)
            for number in range(3)
        ),
        hours=tuple(
            Hours(name=f"{code.lower()}-{name}", times=times, bank_holidays="england")
            for code in codes
            for name, times in (("office", "mon-fri 08:30-17:30"), ("night", "outside mon-fri 08:30-17:30"))
        ),
    )


async def _measure() -> None:
    bundle = country()
    data, tables = dumps(bundle), dumps_csv(bundle)
    print(f"{len(bundle.organisations)} authorities, {len(bundle.desks)} desks, {len(bundle.contacts)} contacts, "
          f"{len(data) / 1e6:.1f} MB of JSON")  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="fp-directory-") as folder:
        store = await sqlite_store(Path(folder))
        try:
            await _imports(office(store), data, tables)
            await _pages(office(store, node="pages"), bundle)
        finally:
            await store.aclose()


async def _imports(desk: Office, data: bytes, tables: dict[str, bytes]) -> None:
    async def imported(read: Callable[[], Bundle | None]) -> None:
        bundle = read()
        assert bundle is not None
        done = await desk.changing.propose(MACHINE, bundle, confirm=True, at_the_machine=True)
        assert done.result in ("in_force", "unchanged")

    areas = load_areas()
    first = await _timed(lambda: imported(lambda: load(data, areas, NOW).bundle))
    print(LINE.format("the first import, from JSON: read, checked, compared, in force", first * 1000))
    again = await _timed(lambda: imported(lambda: load_csv(tables, areas, NOW).bundle))
    print(LINE.format("the same from CSV, with no difference", again * 1000))
    moved = load(data.replace(b'"order": 1', b'"order": 5'), areas, NOW).bundle
    assert moved is not None
    changed = await _timed(lambda: imported(lambda: moved))
    print(LINE.format("every second contact changed: compared and in force", changed * 1000))
    print(f"limit of an import: {IMPORT_LIMIT * 1000:.0f} ms")
    assert max(first, again, changed) < IMPORT_LIMIT


async def _pages(desk: Office, bundle: Bundle) -> None:
    one = bundle.contacts[100]
    by = Author(actor="user:us_1", name="Jo Example", organisation=one.organisation, person="us_1", decides=True)
    began = time.perf_counter()
    await desk.versions.present()
    print(LINE.format("the directory read, once on each node and version", (time.perf_counter() - began) * 1000))
    kept = replace(one, order=5 if one.order == 1 else one.order)
    cells = {"id": kept.id, "organisation": kept.organisation, "desk": kept.desk, "channel": kept.channel,
             "address": kept.address, "hours": kept.hours}  # fmt: skip
    number = iter(range(10, 999))

    async def change() -> None:
        done = await desk.changing.propose(by, [Put(table="contacts", cells={**cells, "order": next(number)})],
                                           confirm=True)  # fmt: skip
        assert done.result == "in_force"

    async def preview() -> None:
        await desk.changing.propose(by, [Put(table="contacts", cells={**cells, "order": next(number)})])

    questions: dict[str, Callable[[], Awaitable[object]]] = {
        "a change of one entry previewed": preview,
        "a change of one entry put in force": change,
        "the directory as it stands": lambda: desk.versions.at(NOW, by),
        "what concerns an organisation, fifty changes": lambda: desk.versions.listed(Listing(limit=50), by),
        "what became of one contact": lambda: desk.versions.history("contacts", (one.id,), by),
    }
    for title, ask in questions.items():
        median = statistics.median([await _timed(ask, time.process_time) for _ in range(TIMES)])
        print(LINE.format(f"{title}, median{'' if median < PAGE_LIMIT else ' (over the limit)'}", median * 1000))
    print(f"limit of a page: {PAGE_LIMIT * 1000:.0f} ms")


async def _timed(work: Callable[[], Awaitable[object]], watch: Callable[[], float] = time.perf_counter) -> float:
    began = watch()
    await work()
    return watch() - began


if __name__ == "__main__":
    main()
