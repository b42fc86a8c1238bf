"""Every repository method as the wrong tenant: it finds and changes what it would in an empty ledger, or is refused.

Every table has one row, whose every value is ``x``: the tenant is ``x``, and so is whatever it has. Every method of the
unit and of what hangs on it is found by reflection, and is given ``x`` wherever it asks for anything. Nothing stands
here for a method or a table that is added later: they are walked too, and a table that says nothing of whose its rows
are is refused.
"""

import dataclasses
import inspect
import re
import types
import typing
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import pytest
from sqlalchemy import (
    Column,
    Connection,
    MetaData,
    Table,
    Text,
    column,
    create_engine,
    delete,
    func,
    insert,
    select,
    text,
    union_all,
    update,
)
from sqlalchemy import table as written_table
from sqlalchemy.exc import IntegrityError

import hub as hub_package
from hub.core.completeness import After
from hub.core.records import Source
from hub.service.tenancy import NOBODY, WHOLE, OutOfScope, Own, Scope, Speaking, scoped
from hub.store.scoping import OF_ORGANISATION, OF_SOURCE, Narrowed
from hub.store.session import Session
from hub.store.tables import metadata
from hub.store.unit import SqlUnit
from tests.kit.store import sqlite_store

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
VALUES: Mapping[type, object] = {str: "x", int: 1, bytes: b"x", bool: True, float: 1.0}
SHARED = {"readiness", "directories", "search_progress", "search_left"}
"""Of no tenant: the probe's row, the one directory, how far the index has come."""
OF_ALL = {
    "directory_bundle", "drafts.bundle", "drafts.newest", "drafts.version_at", "drafts.versions", "search.complete"
}  # fmt: skip
"""What asks for these only."""
RIGHT, WRONG = Own("x"), Own("y")


class Glass:
    """A safe and its keys through which one sees: what stands in the ledger is as it was given."""

    def seal(self, key: bytes, plaintext: bytes, **place: str) -> bytes:
        return plaintext

    def open(self, key: bytes, sealed: bytes, **place: str) -> bytes:
        return sealed

    def keyed_hash(self, purpose: str, *parts: str) -> bytes:
        return b"x"

    def key(self, scope: str) -> bytes:
        return b"x" * 32

    def fresh_child(self, now: datetime) -> str:
        return "fresh"

    def __getattr__(self, name: str) -> Any:
        return lambda *args, **more: None


@contextmanager
def ledger(*, filled: bool) -> Iterator[Connection]:
    engine = create_engine("sqlite://")
    with engine.connect() as connection:
        metadata.create_all(connection)
        if filled:
            there = MetaData()
            there.reflect(connection)
            for table in there.sorted_tables:
                row = {column.name: VALUES[column.type.python_type] for column in table.columns}
                connection.execute(table.insert(), [row])
        connection.commit()
        yield connection
    engine.dispose()


@pytest.fixture(scope="module")
def full() -> Iterator[Connection]:
    with ledger(filled=True) as connection:
        yield connection


@pytest.fixture(scope="module")
def empty() -> Iterator[Connection]:
    with ledger(filled=False) as connection:
        yield connection


# every table


def seen(connection: Connection, scope: Scope, table: Table) -> int:
    """How many rows of a table there are in this scope, however it is asked: the most of all."""
    through = Session.within(scope, connection, sealer=Glass(), keys=Glass()).connection  # type: ignore[arg-type]
    other = table.alias()
    asked = [
        select(func.count()).select_from(table),
        select(func.count()).select_from(other),
        select(func.count()).select_from(select(table).subquery()),
        select(func.count()).select_from(select(table).cte("some")),
        select(select(func.count()).select_from(table).scalar_subquery()),
        select(func.count()).select_from(metadata.tables["readiness"]).where(select(other).exists()),
        select(func.count()).select_from(metadata.tables["readiness"]).join(table, text("1 = 1")),
        select(func.count(next(iter(other.c))))
        .select_from(metadata.tables["readiness"])
        .outerjoin(other, text("1 = 1")),
    ]
    return max(through.execute(one).scalar_one() for one in (asked if scope == WRONG else asked[:1]))


@pytest.mark.parametrize("name", sorted(metadata.tables))
def test_a_table_shows_its_tenants_rows_and_nobody_elses(full: Connection, name: str) -> None:
    table = metadata.tables[name]
    assert name in OF_ORGANISATION, "say in hub/store/scoping.py whose the rows of this table are"
    assert seen(full, WHOLE, table) == 1
    assert seen(full, WRONG, table) == (1 if name in SHARED else 0)
    if name in OF_SOURCE:
        own = name in ("episodes", "events", "quarantine")
        assert seen(full, Speaking("x"), table) == 1
        assert seen(full, Speaking("y"), table) == (0 if own else 1)
    else:
        with pytest.raises(OutOfScope):
            seen(full, Speaking("x"), table)


def test_the_right_tenant_sees_what_is_theirs(full: Connection) -> None:
    for name in ("notices", "deliveries", "attempts", "receipts", "episodes", "revisions", "users", "alarms", "audit"):
        assert seen(full, RIGHT, metadata.tables[name]) == 1
    for name in ("sources", "source_keys", "quarantine"):
        assert seen(full, RIGHT, metadata.tables[name]) == 0


@pytest.mark.parametrize("name", sorted(metadata.tables))
def test_nobody_changes_removes_or_adds_a_row_of_anothers(full: Connection, name: str) -> None:
    table, through = metadata.tables[name], Narrowed(full, WRONG)
    row = {column.name: None for column in table.columns}
    first = next(iter(table.columns))
    for statement in (update(table).values({first.name: first}), delete(table)):
        if name in SHARED:
            with pytest.raises(OutOfScope):
                through.execute(statement)
        else:
            assert through.execute(statement).rowcount == 0
    if "organisation" in row and name not in ("audit",):
        with pytest.raises((OutOfScope, IntegrityError)), full.begin_nested():
            through.execute(insert(table), [{**row, "organisation": "x"}])
            raise IntegrityError("", {}, Exception())  # a leaf, such as a way of a notice: it is added, and taken back


def test_what_cannot_be_narrowed_is_refused(full: Connection) -> None:
    through = Narrowed(full, RIGHT)
    unknown = Table("unheard_of", MetaData(), Column("id", Text))
    notices, alarms = metadata.tables["notices"], metadata.tables["alarms"]
    written = text("SELECT id FROM notices").columns(notices.c.id)
    for statement in (
        text("SELECT * FROM users"),
        select(unknown),
        delete(unknown),
        insert(metadata.tables["users"]),
        written,
        union_all(select(notices.c.id), written),
        select(text("id")).select_from(text("notices")),
        select(column("id")).select_from(written_table("notices", column("id"))),
        update(alarms).where(alarms.c.notice == notices.c.id).values(reason=notices.c.kind),
        delete(alarms).where(alarms.c.notice == notices.c.id),
    ):
        with pytest.raises(OutOfScope):
            through.execute(statement)
    with pytest.raises(AttributeError):
        through.exec_driver_sql("SELECT * FROM users")  # type: ignore[attr-defined]


# every method


def methods() -> Iterator[tuple[str, Callable[[SqlUnit], Callable[..., Awaitable[Any]]]]]:
    """Name, and how to get at it, of all that a unit does."""

    def of(thing: Any, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        for name in dir(thing):
            if name.startswith("_") or name == "close":
                continue
            found = getattr(thing, name)
            if inspect.iscoroutinefunction(found):
                yield (*path, name)
            elif not callable(found):
                yield from of(found, (*path, name))

    async def never(work: Any) -> Any:
        raise AssertionError

    for path in of(SqlUnit(never), ()):

        def get(unit: SqlUnit, path: tuple[str, ...] = path) -> Any:
            found: Any = unit
            for name in path:
                found = getattr(found, name)
            return found

        yield ".".join(path), get


METHODS = dict(methods())


def example(wanted: Any, name: str = "") -> Any:
    """``x``, as whatever is asked for."""
    origin, arguments = get_origin(wanted), get_args(wanted)
    if wanted is After or wanted is Any:
        return After() if wanted is After else "x"
    if origin in (typing.Union, types.UnionType):
        return example(next(one for one in arguments if one is not type(None)), name)
    if origin is Literal:
        return arguments[0]
    if origin is tuple:
        return tuple(example(one) for one in arguments if one is not Ellipsis)
    if origin in (Sequence, Collection, list):
        return [example(arguments[0])]
    if origin is frozenset or origin is set:
        return origin([example(arguments[0])])
    if origin in (Mapping, dict):
        return {} if name in ("detail", "answer") else {example(arguments[0]): example(arguments[1])}
    if origin is typing.Annotated or isinstance(wanted, typing.NewType):
        return example(arguments[0] if arguments else wanted.__supertype__, name)
    if dataclasses.is_dataclass(wanted) and isinstance(wanted, type):
        hints = typing.get_type_hints(wanted, include_extras=True)
        return wanted(
            **{one.name: example(hints[one.name], one.name) for one in dataclasses.fields(wanted) if one.init}
        )
    plain: dict[Any, Any] = {datetime: AT, date: AT.date(), timedelta: timedelta(hours=1), **VALUES}
    return plain[wanted]


def arguments(method: Callable[..., Any]) -> tuple[list[Any], dict[str, Any]]:
    given: list[Any] = []
    named: dict[str, Any] = {}
    hints = typing.get_type_hints(method, include_extras=True)
    for one in inspect.signature(method).parameters.values():
        value = example(hints[one.name], one.name)
        if one.kind is one.KEYWORD_ONLY:
            named[one.name] = value
        else:
            given.append(value)
    return given, named


def told(result: Any) -> Any:
    """What a caller could tell results apart by."""
    return list(result) if isinstance(result, Sequence) and not isinstance(result, str | bytes) else result


async def outcome(connection: Connection, scope: Scope, name: str) -> Any:
    """What one method says, and what the ledger's own rows are after it. Nothing of it stays."""
    session = Session.within(scope, connection, sealer=Glass(), keys=Glass())  # type: ignore[arg-type]

    async def runner(work: Callable[[Session], Any]) -> Any:
        return work(session)

    method = METHODS[name](SqlUnit(runner))
    given, named = arguments(method)
    nested = connection.begin_nested()
    try:
        return told(await method(*given, **named))
    except (OutOfScope, IntegrityError):
        return "refused"
    except Exception as error:
        return type(error).__name__
    finally:
        assert dumped(connection) >= (ROWS if connection.info.get("filled") else set())
        nested.rollback()


def dumped(connection: Connection) -> set[tuple[str, str]]:
    return {
        (name, str(tuple(row)))
        for name in metadata.tables
        if name not in SHARED
        for row in connection.execute(text(f'SELECT * FROM "{name}"'))
    }


ROWS: set[tuple[str, str]] = set()


@pytest.mark.parametrize("name", METHODS)
async def test_a_method_finds_and_changes_nothing_of_anothers(full: Connection, empty: Connection, name: str) -> None:
    if not ROWS:
        ROWS.update(dumped(full))
        full.info["filled"] = True
    wrong = await outcome(full, WRONG, name)
    nothing = await outcome(empty, WRONG, name)
    assert wrong == "refused" or wrong == nothing or name in OF_ALL


FOUND = (
    "episode_by_id", "notices", "deliveries", "attempts", "register_of", "accounts.user",
    "desk.reader", "passkeys.of", "providers.of", "drafts.one", "drafts.news.by_token",
)  # fmt: skip


@pytest.mark.parametrize("name", FOUND)
async def test_the_walk_means_something_as_nothing_narrows_the_machine(
    full: Connection, empty: Connection, name: str
) -> None:
    assert await outcome(full, WHOLE, name) != await outcome(empty, WHOLE, name)


# where nobody said whose it is


@pytest.fixture
async def store(tmp_path: Any) -> AsyncIterator[Any]:
    made = await sqlite_store(tmp_path)
    yield made
    await made.aclose()


async def test_who_is_nobody_opens_no_transaction_and_a_scope_goes_with_the_work(store: Any) -> None:
    with scoped(NOBODY):
        for way in (store.read, store.write):
            with pytest.raises(OutOfScope):
                await way(lambda unit: unit.sources())
    with scoped(RIGHT), pytest.raises(OutOfScope):
        await store.write(lambda unit: unit.put_source(example(Source)))
    assert await store.read(lambda unit: unit.sources()) == []


def test_only_doors_say_whose_a_request_is_and_little_is_looked_at_whole() -> None:
    """Each of these is a way past the scope: whoever adds one looks at what it lets through, and names it here."""
    hub = Path(hub_package.__file__ or "").parent
    found = {
        name: {
            path.relative_to(hub).as_posix() for path in hub.rglob("*.py") if re.search(name, path.read_text("utf-8"))
        }
        for name in (r"\bscoped\(", r"\.judging\(", r"\bjudged\(\w+, \"", r"connection\.whole\b")
    }
    assert found == {
        r"\bscoped\(": {
            "service/tenancy.py", "service/audit/looks.py", "service/agreements/agreeing.py", "service/answers.py",
            "service/conversations/by_mail.py", "service/conversations/reading.py",
            "service/conversations/writing.py", "service/holds/setting.py", "service/peers/answering.py",
            "service/peers/conversing.py", "service/peers/receiving.py",
            "service/resolving/choosing.py", "web/doors.py",
            "web/sessions.py", "web/api/episodes.py", "web/api/events.py", "web/api/peers.py",
        },
        r"\.judging\(": {"store/desk.py"},
        r"\bjudged\(\w+, \"": {"store/endings.py"},
        r"connection\.whole\b": {"store/session.py", "store/many.py"},
    }  # fmt: skip
