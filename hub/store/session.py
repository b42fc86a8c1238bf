"""One transaction as the repositories see it: a connection, and the safe that seals and opens."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from sqlalchemy import Connection, Executable, Table, text
from sqlalchemy.dialects import postgresql, sqlite

from hub.core.evidence import salt_key
from hub.service.ports import Sealer
from hub.service.tenancy import Scope
from hub.store.failures import KeyErased
from hub.store.keystore import HUB_SCOPE, KeyStore
from hub.store.many import write_many, write_one
from hub.store.scoping import Narrowed, reached_by

T = TypeVar("T")
P = ParamSpec("P")


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Valid for one transaction. A value's ``scope`` is a child's id, or ``hub``: whose data key it is sealed with.

    ``connection`` shows what the transaction may touch, and no more (hub/store/scoping.py): :meth:`within` makes it.
    """

    connection: Connection
    sealer: Sealer = field(repr=False)
    keys: KeyStore = field(repr=False)
    read_only: bool = False
    sealed_here: dict[bytes, bytes] = field(default_factory=dict, repr=False)
    """What this session sealed, by what it became."""
    keys_here: dict[str, bytes] = field(default_factory=dict, repr=False)
    """The data keys it was given: one is good for as long as this lasts."""
    salt_keys_here: dict[str, bytes] = field(default_factory=dict, repr=False)

    @classmethod
    def within(
        cls, scope: Scope, connection: Connection, *, sealer: Sealer, keys: KeyStore, read_only: bool = False
    ) -> "Session":
        """For a transaction in this scope."""
        return cls(connection=reached_by(connection, scope), sealer=sealer, keys=keys, read_only=read_only)

    def judging(self) -> "Session":
        """The same transaction without its scope: for what is decided about rows that the scope has let through, where
        that depends on others' rows; they are shown to nobody."""
        whole = self.connection.whole if isinstance(self.connection, Narrowed) else self.connection
        return replace(self, connection=whole)

    def key(self, scope: str) -> bytes:
        """As of the key store. Raises KeyErased, KeyGone."""
        found = self.keys_here.get(scope)
        if found is None:
            found = self.keys_here[scope] = self.keys.key(scope)
        return found

    def salt_key(self, scope: str) -> bytes:
        """What the salts of its records come from (:func:`hub.core.evidence.salt_key`). Raises as :meth:`key`."""
        found = self.salt_keys_here.get(scope)
        if found is None:
            found = self.salt_keys_here[scope] = salt_key(self.key(scope))
        return found

    def seal(self, scope: str, value: bytes, table: Table, column: str, row: str) -> bytes:
        """Seal for one place."""
        sealed = self.sealer.seal(self.key(scope), value, table=table.name, column=column, row=row)
        self.sealed_here[sealed] = value
        return sealed

    def open(
        self, scope: str, sealed: bytes, table: Table, column: str, row: str, *, erased: bytes | None = None
    ) -> bytes:
        """Open from one place. ``erased``: what stands there once it was erased, where that is no error."""
        if erased is not None and not sealed:
            return erased
        try:
            key = self.key(scope)
        except KeyErased:
            if erased is None:
                raise
            return erased
        return self.sealer.open(key, sealed, table=table.name, column=column, row=row)

    def open_again(self, scope: str, sealed: bytes, table: Table, column: str, row: str) -> bytes:
        """Like open, and without the work where this session sealed it."""
        known = self.sealed_here.get(sealed)
        return self.open(scope, sealed, table, column, row) if known is None else known

    def erased(self, scope: str) -> bool:
        """Whether the data key was destroyed. A key that is merely missing raises KeyGone."""
        try:
            self.keys.key(scope)
        except KeyErased:
            return True
        return False

    def seal_text(self, scope: str, value: str | None, table: Table, column: str, row: str) -> bytes | None:
        """Like seal; None stays None."""
        return None if value is None else self.seal(scope, value.encode(), table, column, row)

    def open_text(
        self, scope: str, sealed: bytes | None, table: Table, column: str, row: str, *, erased: bytes | None = None
    ) -> str | None:
        """Like open; None stays None."""
        return None if sealed is None else self.open(scope, sealed, table, column, row, erased=erased).decode()

    def insert(self, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
        """Insert rows; a row that is there already is a unique violation."""
        write_many(self.connection, _insert(table), rows)

    def insert_new(
        self, table: Table, row: Mapping[str, Any], *, on: tuple[str, ...] | None = None, where: str | None = None
    ) -> bool:
        """Insert a row unless there is one with the same ``on`` (by default: that breaks any unique rule).

        True if it was inserted. On PostgreSQL this waits for another transaction that is about to insert the same.
        """
        return bool(write_one(self.connection, _insert_new(self.postgresql, table, on, where), row))

    def put(self, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
        """Insert rows, or replace those with the same primary key. Every row names every column."""
        write_many(self.connection, _put(self.postgresql, table), rows)

    @property
    def postgresql(self) -> bool:
        """Whether this is PostgreSQL."""
        return self.connection.dialect.name == "postgresql"


class Run(Protocol):
    """Runs a repository function in the transaction of a unit (hub/store/unit.py)."""

    async def __call__(self, work: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs) -> T: ...


# The one construct that the two dialects spell the same and SQLAlchemy keeps apart. Building a statement costs several
# times what running it does, so each is built once.


@cache
def _insert(table: Table) -> Executable:
    return table.insert()


@cache
def _insert_new(on_postgresql: bool, table: Table, on: tuple[str, ...] | None, where: str | None) -> Executable:
    statement = postgresql.insert(table) if on_postgresql else sqlite.insert(table)
    return statement.on_conflict_do_nothing(index_elements=on, index_where=None if where is None else text(where))


@cache
def _put(on_postgresql: bool, table: Table) -> Executable:
    statement = postgresql.insert(table) if on_postgresql else sqlite.insert(table)
    keys = [column.name for column in table.primary_key.columns]
    changed = {column.name: statement.excluded[column.name] for column in table.columns if column.name not in keys}
    return statement.on_conflict_do_update(index_elements=keys, set_=changed)


__all__ = ["HUB_SCOPE", "Run", "Session"]
