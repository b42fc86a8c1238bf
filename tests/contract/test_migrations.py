"""The migrations make the tables that the statements are written for, on both dialects."""

import ast
import asyncio
from collections.abc import Mapping
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, literal_column, make_url, select, text

from hub.edge.ids import SeededIds
from hub.service.ports import Unit
from hub.store import BadStoreUrl, SchemaTooNew, open_store
from hub.store import migrate as migrate_module
from hub.store.migrate import migrate
from hub.store.postgres_engine import postgres_engine
from hub.store.schema import HEAD, OLDEST, bring_up, is_current
from hub.store.sqlite_engine import sqlite_engine
from hub.store.tables import metadata
from tests.contract.test_transactions import put, there
from tests.kit.postgres import PostgresServer
from tests.kit.store import vault


def differences(connection: Connection) -> list[object]:
    options = {"compare_type": True, "compare_server_default": True}
    found = compare_metadata(MigrationContext.configure(connection, opts=options), metadata)
    return [one for one in found if "alembic_version" not in str(one)]


def test_on_sqlite(tmp_path: Path) -> None:
    engine = sqlite_engine(str(tmp_path / "ledger.sqlite3"), role="writer")
    with engine.begin() as connection:
        assert not is_current(connection)
        migrate(connection)
        assert differences(connection) == []
        migrated = dict(connection.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE type = 'index'").all())
        assert is_current(connection)
        migrate(connection)
    engine.dispose()
    # Autogenerate does not compare the conditions of partial indexes; their own SQL does.
    made = sqlite_engine(":memory:", role="writer")
    with made.begin() as connection:
        metadata.create_all(connection)
        ours = dict(connection.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE type = 'index'").all())
    made.dispose()
    assert {name: _words(sql) for name, sql in migrated.items()} == {
        **{name: _words(sql) for name, sql in ours.items()},
        **{name: _words(sql) for name, sql in migrated.items() if "alembic_version" in name},
    }


def _words(sql: str | None) -> list[str]:
    return (sql or "").split()


@pytest.mark.postgresql
async def test_on_postgresql(server: PostgresServer) -> None:
    statement = "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"
    found = []
    for make in (migrate, metadata.create_all):
        engine = postgres_engine(make_url(await server.database()).set(drivername="postgresql+asyncpg"), pool=1)
        async with engine.begin() as connection:
            await connection.run_sync(make)
            assert await connection.run_sync(differences) == []
            found.append(dict((await connection.exec_driver_sql(statement)).all()))
        await engine.dispose()
    found[0].pop("alembic_version_pkc")
    assert found[0] == found[1]


@pytest.mark.postgresql
async def test_two_nodes_may_start_at_once_on_an_empty_database(server: PostgresServer) -> None:
    ledger, keys = await server.database(), await server.database()
    one, other = await asyncio.gather(
        *(open_store(ledger, keys_url=keys, sealer=vault(), ids=SeededIds(node), pool=2) for node in "12")
    )
    await one.write(lambda unit: put(unit, 1))
    await other.write(lambda unit: put(unit, 2))
    assert await there(one) == await there(other) == {"r1", "r2"}
    await one.aclose()
    await other.aclose()


@pytest.mark.postgresql
async def test_the_ledger_on_sqlite_and_its_keys_on_postgresql(server: PostgresServer, tmp_path: Path) -> None:
    keys = await server.database()
    store = await open_store(
        f"sqlite:///{tmp_path / 'ledger.sqlite3'}", keys_url=keys, sealer=vault(), ids=SeededIds("1")
    )
    await asyncio.gather(*(store.write(lambda unit, n=n: put(unit, n)) for n in range(40)))
    assert len(await there(store)) == 40
    await store.aclose()
    assert not (tmp_path / "keys.sqlite3").exists()


@pytest.mark.postgresql
async def test_the_ledger_on_postgresql_and_its_keys_on_sqlite(server: PostgresServer, tmp_path: Path) -> None:
    urls = {"url": await server.database(), "keys_url": f"sqlite:///{tmp_path / 'keys.sqlite3'}"}
    store = await open_store(**urls, sealer=vault(), ids=SeededIds("1"))
    await asyncio.gather(*(store.write(lambda unit, n=n: put(unit, n)) for n in range(40)))
    await store.aclose()
    again = await open_store(**urls, sealer=vault(), ids=SeededIds("2"))
    assert len(await there(again)) == 40
    await again.aclose()


@pytest.mark.parametrize(
    ("url", "keys", "problem"),
    [
        ("postgresql://u:hidden@db.example/x", None, "key store needs a URL"),
        ("postgresql://u:hidden@db.example/x", "postgresql://u:hidden@db.example/x", "apart"),
        ("sqlite:////tmp/a", "sqlite:////tmp/a", "apart"),
        ("sqlite:////tmp/a", "sqlite://", "names no file"),
        ("postgresql://u:hidden@db.example/x", "sqlite://", "names no file"),
        ("mysql://u:hidden@db.example/x", None, "must begin with sqlite: or postgresql:"),
        ("no url with hidden", None, "is not a URL"),
    ],
)
async def test_a_bad_url_is_named_without_its_password(url: str, keys: str | None, problem: str) -> None:
    with pytest.raises(BadStoreUrl, match=problem) as caught:
        await open_store(url, keys_url=keys, sealer=vault(), ids=SeededIds("1"))
    assert "hidden" not in str(caught.value)


def test_the_newest_revision_is_the_one_that_is_asked_for() -> None:
    scripts = ScriptDirectory(str(Path(migrate_module.__file__).with_name("migrations")))
    assert scripts.get_current_head() == HEAD


def filled(connection: Connection) -> None:
    """Migrate one step after the other, each over a row in every table that the steps before have made."""
    config = migrate_module._config(connection)
    steps = [one.revision for one in ScriptDirectory.from_config(config).walk_revisions()][::-1]
    rows: dict[str, dict[str, object]] = {}
    for step in steps:
        command.upgrade(config, step)
        there = MetaData()
        there.reflect(connection)
        for table in there.sorted_tables:
            if table.name not in rows and table.name != "alembic_version":
                rows[table.name] = {column.name: VALUES[column.type.python_type] for column in table.columns}
                connection.execute(table.insert(), [rows[table.name]])
    assert is_current(connection)
    for name, row in rows.items():
        (found,) = connection.execute(select(*(literal_column(f'"{one}"') for one in row)).select_from(text(name)))
        assert [bytes(value) if isinstance(value, memoryview) else value for value in found] == list(row.values()), name


VALUES: Mapping[type, object] = {str: "x", int: 1, bytes: b"x", bool: True, float: 1.0}


def test_a_filled_database_comes_along_on_sqlite(tmp_path: Path) -> None:
    engine = sqlite_engine(str(tmp_path / "ledger.sqlite3"), role="writer")
    with engine.begin() as connection:
        filled(connection)
    engine.dispose()


@pytest.mark.postgresql
async def test_a_filled_database_comes_along_on_postgresql(server: PostgresServer) -> None:
    engine = postgres_engine(make_url(await server.database()).set(drivername="postgresql+asyncpg"), pool=1)
    async with engine.begin() as connection:
        await connection.run_sync(filled)
    await engine.dispose()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
async def urls(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, str]:
    """A ledger and a key store that are not there yet."""
    if request.param == "sqlite":
        return {"url": f"sqlite:///{tmp_path / 'ledger.sqlite3'}", "keys_url": f"sqlite:///{tmp_path / 'keys.sqlite3'}"}
    server: PostgresServer = request.getfixturevalue("server")
    return {"url": await server.database(), "keys_url": await server.database()}


async def test_a_hub_goes_on_beside_a_newer_one_for_as_long_as_that_one_lets_it(urls: dict[str, str]) -> None:
    async def expanded(unit: Unit) -> None:
        """What a later version does to the tables: a column more, and it names who may go on."""
        for statement in (
            "ALTER TABLE sources ADD COLUMN made_up TEXT",
            "CREATE TABLE made_up (id INTEGER PRIMARY KEY)",
            "UPDATE alembic_version SET version_num = '9998'",
        ):
            await unit._run(lambda session, one=statement: session.connection.execute(text(one)))  # type: ignore[attr-defined]

    async def contracted(unit: Unit) -> None:
        statement = text("UPDATE schema_oldest SET revision = '9998'")
        await unit._run(lambda session: session.connection.execute(statement))  # type: ignore[attr-defined]

    store = await open_store(**urls, sealer=vault(), ids=SeededIds("1"))
    await store.write(lambda unit: put(unit, 1))
    await store.write(expanded)
    assert await store.ready()
    await store.write(lambda unit: put(unit, 2))
    again = await open_store(**urls, sealer=vault(), ids=SeededIds("2"))  # started anew, it does not fall over it
    await again.write(lambda unit: put(unit, 3))
    assert await there(again) == {"r1", "r2", "r3"}
    await store.write(contracted)
    assert not await store.ready()
    await again.aclose()
    await store.aclose()
    with pytest.raises(SchemaTooNew, match="9998"):
        await open_store(**urls, sealer=vault(), ids=SeededIds("3"))


@pytest.mark.postgresql
async def test_one_that_waits_while_a_newer_one_migrates_goes_on_beside_it(server: PostgresServer) -> None:
    engine = postgres_engine(make_url(await server.database()).set(drivername="postgresql+asyncpg"), pool=2)
    async with engine.connect() as newer, engine.connect() as older:
        first = await newer.begin()
        await newer.run_sync(bring_up)
        await newer.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        waits = asyncio.create_task(older.run_sync(bring_up))
        await asyncio.sleep(0.1)
        assert not waits.done()
        await first.commit()
        await waits
        assert (await older.execute(text("SELECT version_num FROM alembic_version"))).scalar() == "9999"
        await older.rollback()
    await engine.dispose()


EXPANDING = {"create_table", "create_index", "add_column", "f"}


def test_what_changed_since_the_oldest_only_expands() -> None:
    """A hub of OLDEST's version writes rows without what was added since: so it may be left out."""
    scripts = ScriptDirectory(str(Path(migrate_module.__file__).with_name("migrations")))
    assert OLDEST in {script.revision for script in scripts.walk_revisions()}
    for script in scripts.walk_revisions():
        if script.revision > OLDEST:
            assert contracting(Path(script.path).read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ('op.create_table("a", sa.Column("id", sa.Text(), nullable=False))', []),
        ('op.create_index("ix_a", "a", ["id"])', []),
        ('op.add_column("a", sa.Column("b", sa.Text()))', []),
        ('op.add_column("a", sa.Column("b", sa.Text(), nullable=False, server_default="x"))', []),
        ('op.add_column("a", sa.Column("b", sa.Text(), nullable=False))', ["add_column"]),
        ('op.create_index("ix_a", "a", ["id"], unique=True)', ["create_index"]),
        ('op.drop_column("a", "b")', ["drop_column"]),
        ('op.execute("DELETE FROM a")', ["execute"]),
        ('with op.batch_alter_table("a") as batch:\n    batch.drop_column("b")', ["batch_alter_table"]),
    ],
)
def test_what_contracts_is_known(line: str, found: list[str]) -> None:
    assert contracting(line) == found


def contracting(source: str) -> list[str]:
    """The operations of a migration that a hub of the version before may not survive."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and ast.unparse(node.func.value) == "op":
            text_of = ast.unparse(node)
            must = node.func.attr == "add_column" and "nullable=False" in text_of and "server_default" not in text_of
            if node.func.attr not in EXPANDING or must or "unique=True" in text_of:
                found.append(node.func.attr)
    return found
