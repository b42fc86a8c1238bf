"""Many rows by one statement, straight to the driver.

SQLAlchemy looks at every row of an ``executemany`` for what it might still have to work out, which takes longer than
writing it. Of a statement without such things the order of its parameters and how each is written are found out once.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeAlias

from sqlalchemy import Connection, Dialect, Insert

from hub.store.scoping import Narrowed

Parameter: TypeAlias = tuple[str | None, Callable[[Any], Any] | None, Any]
"""The row's key and how its value is written; without a key, the value that is the same for all."""
Rows: TypeAlias = Sequence[Mapping[str, Any]]


def write_many(connection: Any, statement: Any, rows: Rows) -> None:
    """Run an insert or update, made once and kept, for each of these rows, which all have the same keys."""
    if rows:
        whole, statement, rows = _held(connection, statement, rows)
        written, parameters = _written(statement, whole.dialect, tuple(rows[0]))
        whole.exec_driver_sql(written, [_values(row, parameters) for row in rows])


def write_one(connection: Any, statement: Any, row: Mapping[str, Any]) -> int:
    """The same for one row; how many were written."""
    whole, statement, (row,) = _held(connection, statement, [row])
    written, parameters = _written(statement, whole.dialect, tuple(row))
    return whole.exec_driver_sql(written, _values(row, parameters)).rowcount


def _held(connection: Any, statement: Any, rows: Rows) -> tuple[Connection, Any, Rows]:
    """One tenant's connection looks at the rows itself (scoping.py)."""
    if isinstance(connection, Narrowed):
        return connection.whole, *connection.held(statement, rows)
    return connection, statement, rows


def _values(row: Mapping[str, Any], parameters: Sequence[Parameter]) -> tuple[Any, ...]:
    return tuple(
        [
            same if name is None else row[name] if process is None else process(row[name])
            for name, process, same in parameters
        ]
    )


@lru_cache(maxsize=256)
def _written(statement: Any, dialect: Dialect, keys: tuple[str, ...]) -> tuple[str, tuple[Parameter, ...]]:
    compiled = statement.compile(dialect=dialect, column_keys=list(keys) if isinstance(statement, Insert) else None)
    if compiled.insert_prefetch or compiled.update_prefetch:
        raise ValueError("a column of this statement has a default that is worked out for each row")
    fixed, processes = compiled.params, compiled._bind_processors
    if lacking := [name for name in compiled.positiontup if name not in keys and compiled.binds[name].required]:
        raise ValueError(f"the rows lack {', '.join(lacking)}")  # the compiler would give NULL for it
    parameters: list[Parameter] = []
    for name in compiled.positiontup:
        process = processes.get(name)
        same = None if name in keys else fixed[name]
        parameters.append((name if name in keys else None, process, same if process is None else process(same)))
    return str(compiled), tuple(parameters)
