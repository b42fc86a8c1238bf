"""Rows that go straight to the driver: as they stand, in whatever order their keys come, and none that lacks one."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Column, Connection, Integer, MetaData, Table, Text, bindparam, create_engine, select

from hub.store.many import write_many
from hub.store.types import Strings

PLACES = Table(
    "places", MetaData(), Column("id", Integer, primary_key=True), Column("held", Strings), Column("at", Text)
)
NEW = PLACES.insert()
MOVE = PLACES.update().where(PLACES.c.id == bindparam("moved")).values(at=bindparam("to"), held=None)


@pytest.fixture
def connection() -> Iterator[Connection]:
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        PLACES.create(connection)
        write_many(connection, NEW, [{"id": 1, "held": ("a", "b"), "at": "x"}, {"at": None, "held": None, "id": 2}])
        yield connection
    engine.dispose()


def held(connection: Connection) -> list[tuple[object, ...]]:
    return [tuple(row) for row in connection.execute(select(PLACES).order_by(PLACES.c.id))]


def test_what_is_written_is_what_was_given(connection: Connection) -> None:
    assert held(connection) == [(1, ("a", "b"), "x"), (2, None, None)]
    write_many(connection, MOVE, [{"moved": 1, "to": "y"}, {"to": "z", "moved": 2}])
    assert held(connection) == [(1, None, "y"), (2, None, "z")]
    write_many(connection, MOVE, [])


@pytest.mark.parametrize("row", [{"to": "y"}, {"moved": 1}])
def test_a_row_that_lacks_something_is_refused_and_not_written_without_it(
    connection: Connection, row: dict[str, object]
) -> None:
    before = held(connection)
    with pytest.raises(ValueError, match="the rows lack"):
        write_many(connection, MOVE, [row])
    with pytest.raises(KeyError):
        write_many(connection, MOVE, [{"moved": 1, "to": "y"}, row])
    assert held(connection) == before
