"""What a year of a whole country costs beside a month of it: every tick, every page that reads the ledger, a claim, an
accept, an evidence bundle, a restart; on SQLite and on PostgreSQL.

``make bench ARGS=year`` takes a fortieth of a country (the same year, 9,000 episodes); ``BENCH_YEAR=1`` all of it:
400,000 episodes, 4,000,000 notices, 40,000,000 audit lines, which takes hours and 60 GB of disk for each database.
``BENCH_EPISODES`` is another number of episodes in nine hours, 42 a tenth of a country; ``BENCH_DIALECT`` is ``sqlite``
or ``postgresql`` for one of them. What is told is processor time, the hub's and the database server's together, so that
other work on the machine counts little.
"""

import asyncio
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import aiohttp
from sqlalchemy import make_url

from bench.growth import MONTH, YEAR, Postgres, Sqlite, hours, put_back
from bench.hubs import SOURCES, Sink, hub_folder, settings_of, sinking
from bench.keeping import keep
from bench.table import Ratio
from bench.watching import family
from contacts.roles import OPERATOR
from hub.app import running as composing
from hub.app.audit import checkpointing_of
from hub.app.domain import domain_of
from hub.app.evidence import bundles_of
from hub.app.running import Running, running
from hub.core.checkpoints import sign as sign_checkpoint
from hub.core.desk import EVERY_DESK
from hub.core.webhook import sign
from hub.edge.audit_keys import signing_key
from hub.service.delivery import Delivery
from hub.service.desk.ports import Reader
from hub.service.evidence.making import Asked
from hub.service.supervise import Tick
from hub.settings import Settings, load
from tests.kit.accounts import accounts_over
from tests.kit.clock import FakeClock
from tests.kit.fire_stories import story
from tests.kit.postgres import PostgresServer, postgres_server
from tests.kit.records import result
from tests.kit.tokens import Token, file_tokens
from tests.kit.visitor import Visitor
from tests.kit.web import CLOUD_EVENT, KEY, Lines

QUICK, TENTH, COUNTRY = 10, 42, 425
EPISODES: Final = int(os.environ.get("BENCH_EPISODES", COUNTRY if os.environ.get("BENCH_YEAR") == "1" else QUICK))
"""In a stride of 9.3 hours."""
DIALECTS: Final = tuple(os.environ.get("BENCH_DIALECT", "sqlite,postgresql").split(","))
LIMIT: Final = 1.25
WARM, TIMES, AT_MOST = 3, 15, 3.0
"""Runs before the first that counts, runs that count, and the seconds after which no more are begun."""
COUNCIL, FORCE = "E08000035", "E23000010"
SERVER: Final = {"shared_buffers": "2GB", "max_wal_size": "8GB", "wal_level": "minimal", "max_wal_senders": "0",
                 "effective_cache_size": "8GB"}  # fmt: skip
Work = Callable[[], Awaitable[object]]


@dataclass(kw_only=True)
class Taken:
    """Milliseconds by what was done: of processor time, and by the clock."""

    spent: dict[str, float] = field(default_factory=dict)
    elapsed: dict[str, float] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    bytes: int = 0


def main() -> None:
    """Measure, print, and keep."""
    load_before = os.getloadavg()[0]
    found: dict[str, dict[str, Taken]] = {}
    for dialect in DIALECTS:
        with tempfile.TemporaryDirectory(prefix="fp-year-") as name, sinking(Path(name) / "sink") as mail:
            folder = Path(name)
            if dialect == "sqlite":
                found[dialect] = _sqlite(folder, mail)
            else:
                with postgres_server(**SERVER) as server:
                    found[dialect] = asyncio.run(_postgres(folder, mail, server))
        _show(dialect, found[dialect])
    ratios = [
        Ratio(name=f"{dialect}: {name}", values=(year / max(month, 0.05),), limit=LIMIT, side="at most")
        for dialect, taken in found.items()
        for name, month, year in _pairs(taken)
    ]
    print(f"load average {load_before:.1f} before and {os.getloadavg()[0]:.1f} after")
    kept = {dialect: {span: vars(one) for span, one in taken.items()} for dialect, taken in found.items()}
    if EPISODES >= TENTH:
        name = "year" if EPISODES == COUNTRY else "year-tenth"
        keep(
            name if len(DIALECTS) > 1 else f"{name}-{DIALECTS[0]}",
            load_before,
            ratios,
            episodes=EPISODES * YEAR,
            taken=kept,
        )


def _pairs(taken: Mapping[str, Taken]) -> Sequence[tuple[str, float, float]]:
    month, year = taken["month"], taken["year"]
    return [(name, month.spent[name], year.spent[name]) for name in month.spent if name in year.spent]


def _show(dialect: str, taken: Mapping[str, Taken]) -> None:
    for span, one in taken.items():
        rows = ", ".join(f"{count:,} {name}" for name, count in one.rows.items())
        print(f"{dialect}, a {span}: {one.bytes / 1e9:.1f} GB, {rows}")
    print(f"{dialect + ': processor ms':<58} {'month':>9} {'year':>9} {'ratio':>6}   (by the clock)")
    for name, month, year in _pairs(taken):
        grown = year / max(month, 0.05)
        clock = f"{taken['month'].elapsed[name]:.1f} {taken['year'].elapsed[name]:.1f}"
        print(
            f"{name:<58} {month:9.2f} {year:9.2f} {grown:6.2f}{' !' if grown > LIMIT else '  '} ({clock})", flush=True
        )


def _sqlite(folder: Path, mail: Sink) -> dict[str, Taken]:
    found: dict[str, Taken] = {}
    asyncio.run(_first_hours(folder / "seed", {}))
    for span, strides in (("month", MONTH), ("year", YEAR)):
        place = folder / span
        shutil.copytree(folder / "seed", place)
        asyncio.run(_put_back_sqlite(place, strides))
        size = sum(one.stat().st_size for one in place.glob("*.sqlite3*"))
        found[span] = asyncio.run(_measured(settings_of(place, mail.port, smtp_tls="opportunistic"), lambda: 0.0, size))
        shutil.rmtree(place)
    return found


async def _put_back_sqlite(place: Path, strides: int) -> None:
    ledger, keys = Sqlite.of(place / "fingerpost.sqlite3"), Sqlite.of(place / "keys.sqlite3")
    await put_back(ledger, keys, strides)
    await ledger.aclose()
    await keys.aclose()


async def _postgres(folder: Path, mail: Sink, server: PostgresServer) -> dict[str, Taken]:
    found: dict[str, Taken] = {}
    urls = [await server.database() for _ in range(2)]
    await _first_hours(folder / "seed", _urls(urls))
    for span, strides in (("month", MONTH), ("year", YEAR)):
        own = []
        for url in urls:
            name = f"{make_url(url).database}_{span}"
            await server._execute(f"CREATE DATABASE {name} TEMPLATE {make_url(url).database}", "postgres")
            own.append(server.url(name))
        ledger, keys = [await Postgres.of(url) for url in own]
        await put_back(ledger, keys, strides)
        size = int((await ledger.run("SELECT pg_database_size(current_database())"))[0][0])
        await ledger.aclose()
        await keys.aclose()
        environment = settings_of(folder / "seed", mail.port, smtp_tls="opportunistic", **_urls(own))
        found[span] = await _measured(environment, lambda: _ran(server.process.pid), size)
        for url in own:
            await server._execute(f"DROP DATABASE {make_url(url).database}", "postgres")
    return found


def _urls(urls: Sequence[str]) -> dict[str, str]:
    return {"database_url": urls[0], "key_store_url": urls[1]}


def _ran(root: int) -> float:
    """Seconds of processor time of a server and its backends, to the nanosecond (schedstat, as proc(5) has it not)."""
    total = 0
    for pid in family(root):
        try:
            total += int(Path(f"/proc/{pid}/schedstat").read_text(encoding="ascii").split()[0])
        except OSError:
            continue
    return total / 1e9


async def _first_hours(folder: Path, settings: Mapping[str, str]) -> None:
    environment = await hub_folder(folder, 25, **settings)
    await hours(environment, EPISODES, datetime.now(UTC) - timedelta(minutes=1))


# measuring


async def _measured(environment: Mapping[str, str], served: Callable[[], float], size: int) -> Taken:
    taken = Taken(bytes=size)
    async with AsyncExitStack() as stack:
        began, before, clock = time.process_time(), served(), time.perf_counter()
        hub, ticks = await stack.enter_async_context(_resting(environment))
        taken.spent["restart"] = (time.process_time() - began + served() - before) * 1000
        taken.elapsed["restart"] = (time.perf_counter() - clock) * 1000
        session = await stack.enter_async_context(aiohttp.ClientSession())
        for name, work in (await _works(environment, hub, session, ticks)).items():
            await _timed(taken, name, work, served)
        taken.rows = await hub.store.read(lambda unit: unit._run(_counted))
    return taken


def _counted(session: Any) -> dict[str, int]:
    tables = ("episodes", "notices", "deliveries", "audit")
    return {one: session.connection.exec_driver_sql(f"SELECT count(*) FROM {one}").scalar() for one in tables}


async def _timed(taken: Taken, name: str, work: Work, served: Callable[[], float]) -> None:
    for _ in range(WARM):
        await work()
    spent, elapsed, first = [], [], time.perf_counter()
    while len(spent) < TIMES and (not spent or time.perf_counter() - first < AT_MOST):
        before, began, clock = served(), time.process_time(), time.perf_counter()
        await work()
        elapsed.append(time.perf_counter() - clock)
        spent.append(time.process_time() - began + served() - before)
    taken.spent[name] = statistics.median(spent) * 1000
    taken.elapsed[name] = statistics.median(elapsed) * 1000
    if os.environ.get("BENCH_VERBOSE"):
        print(f"  {name}: {taken.spent[name]:.2f} ms", flush=True)


@asynccontextmanager
async def _resting(environment: Mapping[str, str]) -> AsyncIterator[tuple[Running, Mapping[str, Tick]]]:
    """The whole hub as it is composed, whose ticks wait to be asked, and which sends nothing by itself."""
    held: dict[str, Tick] = {}

    @asynccontextmanager
    async def holding(ticks: Mapping[Tick, float], clock: Any, supervisor: Any) -> AsyncIterator[None]:
        held.update({tick.name: tick for tick in ticks})
        yield None

    async def rest(self: Delivery, stop: asyncio.Event) -> None:
        await stop.wait()

    with _instead(composing, "ticking", holding), _instead(Delivery, "run", rest):
        async with running(load(environment=environment), domain_of, log=(log := Lines())) as hub:
            yield hub, held
    assert not log.named("tick.failed"), log.named("tick.failed")


@contextmanager
def _instead(place: Any, name: str, value: Any) -> Any:
    before = getattr(place, name)
    setattr(place, name, value)
    try:
        yield
    finally:
        setattr(place, name, before)


async def _works(
    environment: Mapping[str, str], hub: Running, session: aiohttp.ClientSession, ticks: Mapping[str, Tick]
) -> Mapping[str, Work]:
    store, settings = hub.store, load(environment=environment)
    await _vouched(settings, store)
    await checkpointing_of(settings, store, hub.ids, Lines()).make(hub.clock.now())
    episode, delivery, notice, reference = await store.read(lambda unit: unit._run(_some))
    web: Any = SimpleNamespace(url=hub.url, session=session)
    now = hub.clock.now()
    accounts = accounts_over(store, FakeClock(now), seed=f"bench {now}")

    async def visitor(organisation: str, role: Any) -> Visitor:
        signed = await accounts.member(f"{role}@{organisation}.example", role, organisation=organisation)
        if role == "recipient":
            reader = Reader(user=signed.viewer.user, organisation=organisation, desks=frozenset({EVERY_DESK}),
                            given_at=now, given_by="operator")  # fmt: skip
            await store.write(lambda unit: unit.desk.put_reader(reader))
        return Visitor(web=web, cookies={"fingerpost": signed.token})

    operator, auditor = await visitor(OPERATOR, "operator"), await visitor(OPERATOR, "auditor")
    desk, council = await visitor(FORCE, "recipient"), await visitor(COUNCIL, "recipient")
    tokens = {"reader": frozenset({"episodes:read", "metrics:read"}), "register": frozenset({"register:read"})}
    await file_tokens(
        store,
        [Token(name=name, scopes=scopes, sha256=sha256(name.encode()).digest(), created_at=now,
               organisation=COUNCIL if name == "register" else None) for name, scopes in tokens.items()],
    )  # fmt: skip
    bundles = bundles_of(settings, store, hub.clock, hub.ids)
    posted = count()

    async def accept() -> None:
        number = next(posted)
        body = story(900_000 + number, SOURCES[0], hub.clock.now(), length=1).steps[0].body
        headers = sign(body, webhook_id=f"msg_{number}", at=hub.clock.now(), keys=[KEY])
        async with session.post(
            f"{hub.url}/v1/events", data=body, headers={**headers, "Content-Type": CLOUD_EVENT}
        ) as response:
            assert response.status == 202, await response.text()

    async def claim() -> None:
        at = hub.clock.now()
        claims = await store.write(lambda unit: unit.claim(at, at + timedelta(minutes=1), "b", 4, channels=("email",)))
        assert claims, "nothing is due"
        await store.write(lambda unit: unit.finish([result(one, at) for one in claims], "b"))

    def page(who: Visitor, path: str) -> Work:
        async def work() -> None:
            seen = await who.get(path)
            assert seen.status == 200, (path, seen.status)

        return work

    def search(who: Visitor, sought: str) -> Work:
        async def work() -> None:
            await who.get("/notices/search")
            seen = await who.post("/notices/search", {"sought": sought})
            assert seen.status == 200, seen.status

        return work

    def api(path: str, token: str = "reader") -> Work:
        async def work() -> None:
            async with session.get(f"{hub.url}{path}", headers={"Authorization": f"Bearer {token}"}) as response:
                await response.read()
                assert response.status in (200, 503), (path, response.status)

        return work

    def asked(question: Callable[[Any], Awaitable[object]]) -> Work:
        return lambda: store.read(question)

    late = timedelta(seconds=settings.overdue_after)
    return {
        **{f"tick: {name}": tick for name, tick in ticks.items() if name not in ("heartbeat", "alarms")},
        "accept an event": accept,
        "claim four and finish them": claim,
        "counts of health and metrics": asked(lambda unit: unit.counts(hub.clock.now(), hub.clock.now() - late)),
        "addresses that failed": asked(lambda unit: unit.assurance.addresses_failed(now - timedelta(hours=1))),
        "500 lines of the chain, in its middle": asked(lambda unit: _lines_of(unit, 0.5)),
        "500 newest lines of the chain": asked(lambda unit: _lines_of(unit, 1.0)),
        "GET /metrics": api("/metrics"),
        "GET /health/overdue": api("/health/overdue"),
        **({"GET /v1/episodes": api("/v1/episodes")} if EPISODES > 100 else {}),  # which shows the newest hundred
        "GET /v1/episodes/ID": api(f"/v1/episodes/{episode}"),
        "GET /v1/outbox": api("/v1/outbox"),
        "GET /v1/outbox?state=late": api("/v1/outbox?state=late"),
        "GET /v1/outbox?state=failed": api("/v1/outbox?state=failed"),
        "GET /v1/outbox?state=sent": api("/v1/outbox?state=sent"),
        "GET /v1/outbox?state=sent&organisation=": api(f"/v1/outbox?state=sent&organisation={COUNCIL}"),
        "GET /v1/outbox/ID": api(f"/v1/outbox/{delivery}"),
        "GET /v1/register/ORGANISATION": api(f"/v1/register/{COUNCIL}", "register"),
        "page: wall": page(operator, "/wall"),
        "page: episode on the wall": page(operator, f"/wall/episodes/{episode}"),
        "page: delivery on the wall": page(operator, f"/wall/deliveries/{delivery}"),
        "page: audit": page(auditor, "/audit"),
        "page: audit of an organisation": page(auditor, f"/audit?organisation={COUNCIL}"),
        "page: audit of an episode": page(auditor, f"/audit?episode={episode}"),
        "page: audit of an actor, in an organisation": page(auditor, f"/audit?organisation={COUNCIL}&actor=operator"),
        "page: directory coverage": page(operator, "/directory/coverage"),
        "page: directory proofs": page(operator, "/directory/proofs"),
        **{f"page: desk of a force, {one}": page(desk, f"/notices?show={one}") for one in ("new", "unanswered", "all")},
        **{f"page: desk of a council, {one}": page(council, f"/notices?show={one}")
           for one in ("new", "unanswered", "all")},
        "page: desk, search by a name": search(desk, "Robin 01271"),
        "page: desk, search for nobody": search(desk, "Nobodysname"),
        "page: desk, search by reference": search(desk, reference),
        "page: notice": page(desk, f"/notices/{notice}"),
        "page: register": page(council, "/register"),
        "evidence bundle": lambda: bundles.of(episode, Asked(actor="operator", why="inspection")),
    }  # fmt: skip


async def _vouched(settings: Settings, store: Any) -> None:
    """A checkpoint of the last line, as if all before it had been gone through: what was put back is not linked."""
    head, key = await store.read(lambda unit: unit.trail.head()), signing_key(settings.keys)
    assert key is not None
    made = sign_checkpoint(settings.public_url, head, datetime.now(UTC), key)
    await store.write(lambda unit: unit.trail.add_checkpoint(made))


async def _lines_of(unit: Any, share: float) -> object:
    head = await unit.trail.head()
    return await unit.trail.linked(int(head.number * share) - 500, 500)


def _some(session: Any) -> tuple[str, str, str, str]:
    """An episode of the newest hours that is over, one of its deliveries, and what lies at a force's desk."""
    run = session.connection.exec_driver_sql
    notice, reference = run(
        f"SELECT id, reference FROM notices WHERE organisation = '{FORCE}' ORDER BY id DESC LIMIT 1"
    ).one()
    delivery, episode = run("SELECT id, episode FROM deliveries ORDER BY id DESC LIMIT 1").one()
    return episode, delivery, notice, reference


if __name__ == "__main__":
    main()
