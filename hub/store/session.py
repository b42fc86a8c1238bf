"""One transaction as the repositories see it: a connection, and the safe that seals and opens."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite

from hub.service.ports import Sealer
from hub.store.keystore import HUB_SCOPE, KeyStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Valid for one transaction. ``scope`` is a child's id, or ``hub``."""

    connection: Connection
    sealer: Sealer = field(repr=False)
    keys: KeyStore = field(repr=False)
    read_only: bool = False

    def seal(self, scope: str, value: bytes, table: Table, column: str, row: str) -> bytes:
        """Seal for one place."""
        return self.sealer.seal(self.keys.key(scope), value, table=table.name, column=column, row=row)

    def open(self, scope: str, sealed: bytes, table: Table, column: str, row: str) -> bytes:
        """Open from one place."""
        return self.sealer.open(self.keys.key(scope), sealed, table=table.name, column=column, row=row)

    def seal_text(self, scope: str, value: str | None, table: Table, column: str, row: str) -> bytes | None:
        """Like seal; None stays None."""
        return None if value is None else self.seal(scope, value.encode(), table, column, row)

    def open_text(self, scope: str, sealed: bytes | None, table: Table, column: str, row: str) -> str | None:
        """Like open; None stays None."""
        return None if sealed is None else self.open(scope, sealed, table, column, row).decode()

    def insert(self, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
        """Insert rows; a row that is there already is a unique violation."""
        if rows:
            self.connection.execute(table.insert(), rows)

    def insert_new(
        self, table: Table, row: Mapping[str, Any], *, on: Sequence[str] | None = None, where: Any = None
    ) -> bool:
        """Insert a row unless there is one with the same ``on`` (by default: that breaks any unique rule).

        True if it was inserted. On PostgreSQL this waits for another transaction that is about to insert the same.
        """
        statement: Any = self._dialect_insert(table).values(**row)
        statement = statement.on_conflict_do_nothing(index_elements=on, index_where=where)
        return bool(self.connection.execute(statement).rowcount)

    def put(self, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
        """Insert rows, or replace those with the same primary key."""
        if not rows:
            return
        keys = [column.name for column in table.primary_key.columns]
        statement: Any = self._dialect_insert(table)
        changed = {name: statement.excluded[name] for name in rows[0] if name not in keys}
        self.connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=changed), rows)

    def _dialect_insert(self, table: Table) -> Any:
        """The one construct that the two dialects spell the same and SQLAlchemy keeps apart."""
        insert = postgresql.insert if self.postgresql else sqlite.insert
        return insert(table)

    @property
    def postgresql(self) -> bool:
        """Whether this is PostgreSQL."""
        return self.connection.dialect.name == "postgresql"


__all__ = ["HUB_SCOPE", "Session"]
