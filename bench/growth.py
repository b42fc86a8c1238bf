"""Ledgers as they are after a month and after a year: a few hours of a country, taken by the real intake, put back into
the past again and again.

Everything of a copy is as long as what it is copied from, and is indexed likewise: ids stand in their order, hashes are
others, instants are earlier. What is sealed stays, byte for byte, so that a copy does not open: the newest hours, which
pages show, are the real ones. What was under way has ended in a copy.
"""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, Protocol

import asyncpg
from sqlalchemy import Column, LargeBinary, Table, Text, make_url

from bench.hubs import SOURCES
from contacts.directory import Directory
from hub.app.ledger import open_ledger
from hub.settings import load
from hub.store.key_tables import data_keys
from hub.store.search_tables import search_marks
from hub.store.tables import (
    acknowledgements,
    alarms,
    attempts,
    audit,
    children,
    decisions,
    deliveries,
    duties,
    episodes,
    events,
    notices,
    register_entries,
    revisions,
)
from hub.store.types import Instant
from tests.kit.clock import FakeClock
from tests.kit.fire import SPEAKS_FOR, directory
from tests.kit.fire_stories import story
from tests.kit.node import Hub, a_hub
from tests.kit.records import result
from tests.kit.web import source

STRIDE: Final = timedelta(milliseconds=32**5)
"""9.3 hours: so long the low half of the time in an id takes to come round, so that putting a row back changes only
the five letters before."""
YEAR: Final = 941
"""Strides."""
MONTH: Final = 78
SHARES: Final = 8
"""An organisation of those that are told has one part in so many of all episodes, as the largest force has."""
LINES: Final = 100
"""Audit lines an episode: what the hub writes by itself, and what people look at."""
ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
COPIED: Final = (
    children, episodes, events, revisions, duties, register_entries, decisions, notices, deliveries, attempts, alarms,
    search_marks, audit,
)  # fmt: skip
IDS: Final = frozenset(
    {"id", "child", "episode", "event", "decision", "notice", "delivery", "subject", "cause_group", "scope"}
)


# the newest hours


async def hours(environment: Mapping[str, str], wanted: int, end: datetime) -> None:
    """``wanted`` episodes within one stride before ``end``: reported, told of, sent; nine of ten over."""
    begin, every = end - STRIDE, STRIDE / wanted
    async with open_ledger(load(environment=environment)) as store:
        hub = await a_hub(
            store,
            clock=FakeClock(begin),
            source=source(SOURCES[0], authorities=frozenset(SPEAKS_FOR)),
            directory=Directory.of(directory()),
            channels=("email",),
        )
        for number in range(wanted):
            at = begin + every * number
            steps = story(_shaped(number), SOURCES[0], at).steps
            for step in (steps[0], steps[-1]) if number < wanted * 0.9 else steps[:1]:
                answer = await hub.post(step.body, at=at)
                assert answer.status == 202, answer.status
            if number < wanted * 0.95:
                await _sent(hub, at)


def _shaped(number: int) -> int:
    """A number of a story whose shape comes as often as among children: most are missing from home."""
    return 3 * number + (1, 1, 2, 1, 0, 1, 2, 1, 0, 1)[number % 10]


async def _sent(hub: Hub, at: datetime) -> None:
    while claims := await hub.store.write(
        lambda unit: unit.claim(at, at + timedelta(minutes=1), "node-1", 100, channels=("email",))
    ):
        results = [result(one, at) for one in claims]
        await hub.store.write(lambda unit, results=results: unit.finish(results, "node-1"))  # type: ignore[misc]


# all the hours before


class Database(Protocol):
    """The bare database, with nothing that watches over it."""

    postgresql: bool

    async def run(self, statement: str) -> Sequence[Sequence[Any]]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Sqlite:
    """A file."""

    connection: sqlite3.Connection
    postgresql: bool = False

    @classmethod
    def of(cls, file: Path) -> "Sqlite":
        connection = sqlite3.connect(file, isolation_level=None, cached_statements=0)
        for pragma in ("journal_mode=OFF", "synchronous=OFF", "foreign_keys=OFF", "cache_size=-2000000",
                       "temp_store=FILE", "temp.cache_size=-1000000", "threads=2"):  # fmt: skip
            connection.execute(f"PRAGMA {pragma}")
        return cls(connection=connection)

    async def run(self, statement: str) -> Sequence[Sequence[Any]]:
        return self.connection.execute(statement).fetchall()

    async def aclose(self) -> None:
        self.connection.execute("PRAGMA journal_mode=WAL")
        self.connection.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Postgres:
    """A database of a server."""

    connection: Any
    postgresql: bool = True

    @classmethod
    async def of(cls, url: str) -> "Postgres":
        parsed = make_url(url)
        connection = await asyncpg.connect(
            host=str(parsed.query["host"]), user="postgres", database=parsed.database, statement_cache_size=0
        )
        for setting in ("session_replication_role = replica", "maintenance_work_mem = '1GB'", "jit = off"):
            await connection.execute(f"SET {setting}")
        return cls(connection=connection)

    async def run(self, statement: str) -> Sequence[Sequence[Any]]:
        return list(await self.connection.fetch(statement))

    async def aclose(self) -> None:
        await self.connection.close()


async def put_back(ledger: Database, keys: Database, strides: int) -> None:
    """Copy what there is to each of so many strides before it."""
    shown = await ledger.run("SELECT id FROM audit ORDER BY id")
    wanted = LINES * (await ledger.run("SELECT count(*) FROM episodes"))[0][0]
    await _looked_at(ledger, wanted - len(shown))
    lines = int((await ledger.run("SELECT count(*) FROM audit"))[0][0])
    known = await _times(ledger)
    await ledger.run("DELETE FROM search_progress")
    await ledger.run("INSERT INTO search_progress (id, after, done_at) VALUES (1, 'zz', 0)")
    made = await _unindexed(ledger)
    for table in COPIED:
        number = ", row_number() OVER (ORDER BY id) AS place" if table is audit else ""
        await ledger.run(f"CREATE TEMP TABLE seed_{table.name} AS SELECT *{number} FROM {table.name}")
    await ledger.run("CREATE INDEX seed_ways ON seed_deliveries (notice, id)")
    await keys.run("CREATE TEMP TABLE seed_data_keys AS SELECT * FROM data_keys")
    for back in range(strides, 0, -1):
        first = (strides - back) * lines
        for statement in _copying(ledger, known, back, first):
            await ledger.run(statement)
        await keys.run(_copy(keys, data_keys, known, back, "substr(scope, 3, 1) = '_'"))
    for statement in made:
        await ledger.run(statement)
    if ledger.postgresql:
        for database in (ledger, keys):
            await database.run("VACUUM (FREEZE, ANALYZE)")


def _copying(database: Database, known: Sequence[str], back: int, first: int) -> Iterator[str]:
    for table in COPIED:
        yield _copy(database, table, known, back, first=first)
    # Nearly everybody has answered.
    names = [column.name for column in acknowledgements.columns]
    given = {
        "id": "'ack_' || substr(n.id, 4)", "notice": "n.id", "child": "n.child", "at": "n.created_at + 600000000",
        "answer": "'accepted'", "name": _random(database, 60), "redirected_to": "NULL",
        "delivery": "(SELECT min(d.id) FROM seed_deliveries d WHERE d.notice = n.id)",
    }  # fmt: skip
    shifted = {**given, **{name: _earlier(given[name], known, back) for name in ("notice", "child", "delivery")}}
    shifted["id"] = f"'ack_' || substr({_earlier('n.id', known, back)}, 4)"
    shifted["at"] = f"n.created_at + 600000000 - {back * _micros(STRIDE)}"
    values = ", ".join(shifted[name] for name in names)
    yield (
        f"INSERT INTO acknowledgements ({', '.join(names)}) SELECT {values} FROM seed_notices n "
        f"WHERE {_ANSWERED} AND EXISTS (SELECT 1 FROM seed_deliveries d WHERE d.notice = n.id)"
    )


_OPEN: Final = "('pending', 'notified', 'receipted', 'overdue', 'undeliverable', 'unresolved')"
_ANSWERED: Final = f"state IN {_OPEN} AND substr(id, 29, 1) <> '0'"
_ENDED: Final[Mapping[str, Mapping[str, str]]] = {
    "episodes": {
        "wake_at": "NULL",
        "state": "CASE WHEN state IN ('open', 'found') THEN 'returned' ELSE state END",
        "ended_at": "coalesce(ended_at, since) - {back}",
    },
    "notices": {
        "chase_at": "NULL",
        "state": f"CASE WHEN {_ANSWERED} THEN 'acknowledged' WHEN state = 'pending' THEN 'notified' ELSE state END",
        "reference": "reference || '-{copy}'",
    },
    "deliveries": {
        "state": "CASE WHEN substr(id, 29, 1) = '7' AND {copy} % 20 = 0 THEN 'failed' "
        "WHEN state IN ('due', 'leased') THEN 'sent' ELSE state END",
        "leased_at": "NULL",
        "lease_until": "NULL",
        "leased_by": "NULL",
        "tried": "(1 = 1)",
    },
    "attempts": {
        "state": "CASE WHEN substr(delivery, 29, 1) = '7' AND {copy} % 20 = 0 THEN 'permanent_failure' "
        "WHEN state = 'sending' THEN 'sent' ELSE state END",
    },
    "duties": {
        "state": "CASE WHEN state IN ('open', 'overdue') THEN 'done' ELSE state END",
        "closed_at": "coalesce(closed_at, due_at, opened_at) - {back}",
    },
    "register_entries": {"removed_at": "coalesce(removed_at, received_at + 86400000000) - {back}"},
    "alarms": {"cleared_at": "coalesce(cleared_at, raised_at + 3600000000) - {back}"},
    "audit": {"number": "place + {first}"},
}


def _copy(database: Database, table: Table, known: Sequence[str], back: int, where: str = "", *, first: int = 0) -> str:
    ended = _ENDED.get(table.name, {})
    micros = back * _micros(STRIDE)

    def value(column: Column[Any]) -> str:
        name = column.name
        if name in ended:
            return ended[name].format(back=micros, copy=back, first=first)
        if table is audit and name == "link":
            return _random(database, 32)
        if name == "organisation" and back % SHARES:
            return f"organisation || '-{back % SHARES}'"
        if name in IDS and isinstance(column.type, Text):
            return _earlier(name, known, back)
        if isinstance(column.type, Instant):
            return f"{name} - {micros}"
        if isinstance(column.type, LargeBinary) and name in _HASHES:
            length = f"length({name})"
            return f"CASE WHEN {name} IS NULL THEN NULL ELSE {_random(database, length)} END"
        return name

    columns = list(table.columns)
    values = ", ".join(value(column) for column in columns)
    names = ", ".join(column.name for column in columns)
    condition = f" WHERE {where}" if where else ""
    return f"INSERT INTO {table.name} ({names}) SELECT {values} FROM seed_{table.name}{condition}"


_HASHES: Final = frozenset(
    {"lookup", "token_digest", "receipt_digest", "reply_digest", "pickup_digest", "line", "marks"}
)


def _random(database: Database, length: int | str) -> str:
    if not database.postgresql:
        return f"randomblob({length})"
    # By a value of the row, else it would be one for all of them.
    return f"fp_random({length}::integer)"


def _micros(span: timedelta) -> int:
    return span // timedelta(microseconds=1)


def _earlier(value: str, known: Sequence[str], back: int) -> str:
    """An id, so many strides earlier; what is no id stays."""
    cases = " ".join(f"WHEN '{one}' THEN '{_less(one, back)}'" for one in known)
    moved = f"CASE substr({value}, 4, 5) {cases} END"
    return f"coalesce(substr({value}, 1, 3) || {moved} || substr({value}, 9), {value})"


def _less(letters: str, back: int) -> str:
    number = 0
    for letter in letters:
        number = number * 32 + ALPHABET.index(letter)
    number -= back
    return "".join(ALPHABET[number >> shift & 31] for shift in (20, 15, 10, 5, 0))


async def _times(ledger: Database) -> Sequence[str]:
    """What the times of the ids there are begin with."""
    found: set[str] = set()
    for table in COPIED:
        if "id" in table.c:
            found |= {row[0] for row in await ledger.run(f"SELECT DISTINCT substr(id, 4, 5) FROM {table.name}")}
    return sorted(found)


async def _looked_at(ledger: Database, missing: int) -> None:
    """Lines of people who looked at something, until there are as many as asked for."""
    for letter in "GHJKMNPQRSTVWXYZ":
        if missing <= 0:
            return
        before = int((await ledger.run("SELECT count(*) FROM audit"))[0][0])
        await ledger.run(
            "INSERT INTO audit (id, at, actor, action, organisation, episode, subject, detail) "
            f"SELECT substr(id, 1, 13) || '{letter}' || substr(id, 15), at, 'user:us_' || substr(id, 4, 24) || "
            "substr(id, 28, 2), 'notice.viewed', organisation, episode, subject, detail "
            f"FROM audit WHERE substr(id, 14, 1) < 'G' ORDER BY id LIMIT {missing}"
        )
        missing -= int((await ledger.run("SELECT count(*) FROM audit"))[0][0]) - before


async def _unindexed(ledger: Database) -> Sequence[str]:
    """Take off the indexes that can be taken off, and what would check each row; how they are made again."""
    if not ledger.postgresql:
        found = await ledger.run("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL")
        for name, _ in found:
            await ledger.run(f"DROP INDEX {name}")
        return [sql for _, sql in found]
    await ledger.run(
        "CREATE OR REPLACE FUNCTION fp_random(n integer) RETURNS bytea VOLATILE LANGUAGE sql AS "
        "$$ SELECT substr(decode(repeat(md5(random()::text) || md5(random()::text), n / 32 + 1), 'hex'), 1, n) $$"
    )
    tables = ", ".join(f"'{table.name}'" for table in (*COPIED, acknowledgements))
    kept = await ledger.run(
        f"SELECT conname, conrelid::regclass::text, pg_get_constraintdef(oid) FROM pg_constraint "
        f"WHERE conrelid::regclass::text IN ({tables}) AND contype IN ('p', 'u') ORDER BY contype"
    )
    foreign = await ledger.run(
        "SELECT conname, conrelid::regclass::text, pg_get_constraintdef(oid) FROM pg_constraint WHERE contype = 'f'"
    )
    for name, table, _ in (*foreign, *kept):
        await ledger.run(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
    indexes = await ledger.run(f"SELECT indexname, indexdef FROM pg_indexes WHERE tablename IN ({tables})")
    for name, _ in indexes:
        await ledger.run(f"DROP INDEX {name}")
    return [
        *(f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}" for name, table, definition in kept),
        *(definition for _, definition in indexes),
        *(f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition} NOT VALID" for name, table, definition in foreign),
    ]
