"""The one place where what a transaction touches is held to its scope (hub/service/tenancy.py).

Repositories reach the database by ``Session.connection`` only. In the scope of an organisation or a source that is a
:class:`Narrowed`: it puts the tenant's condition on every table of every statement that goes through it, however deep
the table stands in it, and lets no row in that is another's. A query that forgets to ask whose a row is finds nothing
of anybody else's, as if it were not there. A table that stands in none of the two lists below is refused.

What an organisation may see is not just what bears its code: a notice for a national role bears none, and what hangs
on a notice (deliveries, tries, answers, the episode with its facts) goes with it.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, TypeAlias
from weakref import WeakSet

from sqlalchemy import (
    Alias,
    ColumnElement,
    Connection,
    CursorResult,
    FromClause,
    Insert,
    Join,
    Select,
    Table,
    Text,
    and_,
    bindparam,
    exists,
    false,
    or_,
    true,
    type_coerce,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql import visitors
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.dml import UpdateBase
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.selectable import AliasedReturnsRows, NamedFromClause, SelectBase, SelectStatementGrouping

from contacts.roles import ORGANISATION_OF
from hub.service.tenancy import OutOfScope, Own, Scope, Speaking
from hub.store.tables import metadata

Roles: TypeAlias = tuple[str, ...]
"""The national roles that a tenant has, of which notices bear no organisation."""
Condition: TypeAlias = Callable[[FromClause, Roles], ColumnElement[bool]]

_TENANT: Final = bindparam("scope_tenant", type_=Text)
"""The organisation's code, or the source's id."""


def _everybodys(row: FromClause, roles: Roles) -> ColumnElement[bool]:
    return true()


def _nobodys(row: FromClause, roles: Roles) -> ColumnElement[bool]:
    return false()


class _Looked(FunctionElement[str]):
    """A column that is looked at, and not looked up by: on PostgreSQL, which knows how many rows there are, itself."""

    inherit_cache = True
    type = Text()


@compiles(_Looked)
def _itself(element: _Looked, compiler: SQLCompiler, **options: Any) -> str:
    return compiler.process(element.clauses, **options)


@compiles(_Looked, "sqlite")
def _without_index(element: _Looked, compiler: SQLCompiler, **options: Any) -> str:
    return f"+{compiler.process(element.clauses, **options)}"


def _tenants(row: FromClause, column: str) -> ColumnElement[bool]:
    # Rows are looked up by what a statement asks for itself. By whose they are, SQLite would go through all that an
    # organisation was ever told to see whether one episode is among it.
    return _Looked(row.c[column]) == _TENANT


def _named(column: str) -> Condition:
    return lambda row, roles: _tenants(row, column)


def _notice(row: FromClause, roles: Roles) -> ColumnElement[bool]:
    held = [type_coerce(row.c.roles, Text).contains(f'"{role}"', autoescape=True) for role in roles]
    ours = _tenants(row, "organisation")
    return or_(ours, and_(row.c.organisation.is_(None), or_(*held))) if held else ours


def _hangs_on(*ways: tuple[str, str, str]) -> Condition:
    """With a row of another table that the tenant may see: (column here, that table, its column)."""

    def condition(row: FromClause, roles: Roles) -> ColumnElement[bool]:
        found = []
        for column, name, key in ways:
            # Another name, and told which table is meant: whatever stands around it, it never means that one's own.
            other = metadata.tables[name].alias()
            one = exists().where(other.c[key] == row.c[column], OF_ORGANISATION[name](other, roles))
            found.append(one.correlate(row))
        return or_(*found)

    return condition


_OWNED: Final = _named("organisation")
_OF_EPISODE: Final = _hangs_on(("episode", "episodes", "id"))
_OF_NOTICE: Final = _hangs_on(("notice", "notices", "id"))
_ABOUT_NOTICE: Final = _hangs_on(("notice", "notices", "id"))
_OF_CHANGE: Final = _hangs_on(("change", "directory_changes", "id"))
_OF_DELIVERY: Final = _hangs_on(("delivery", "deliveries", "id"))


def _delivery(row: FromClause, roles: Roles) -> ColumnElement[bool]:
    """A delivery bears its notice's organisation; of national roles neither does."""
    return _OF_NOTICE(row, roles) if roles else _tenants(row, "organisation")


def _alarm(row: FromClause, roles: Roles) -> ColumnElement[bool]:
    """Whoever answers a notice ends the operator's alarm that nobody does."""
    return or_(row.c.owner == _TENANT, _ABOUT_NOTICE(row, roles))


def _change(row: FromClause, roles: Roles) -> ColumnElement[bool]:
    entry = metadata.tables["directory_change_entries"].alias()
    concerns = exists().where(entry.c.change == row.c.id, entry.c.organisation == _TENANT).correlate(row)
    return or_(row.c.organisation == _TENANT, row.c.scope == _TENANT, concerns)


def _reading(column: str) -> Condition:
    """What hangs on messages that the tenant wrote, or that are for it."""

    def condition(row: FromClause, roles: Roles) -> ColumnElement[bool]:
        reader = metadata.tables["message_readers"].alias()
        return exists().where(reader.c.message == row.c[column], reader.c.organisation == _TENANT).correlate(row)

    return condition


OF_ORGANISATION: Final[Mapping[str, Condition]] = {
    "readiness": _everybodys,
    # One document, sealed as a whole: contacts/scope.py says whose part of it is whose.
    "directories": _everybodys,
    "schema_oldest": _nobodys,
    "sources": _nobodys,
    "source_keys": _nobodys,
    "quarantine": _nobodys,
    "certificate_warnings": _nobodys,
    "legal_holds": _nobodys,
    "audit_checkpoints": _nobodys,
    "audit_places": _nobodys,
    "peers": _nobodys,
    "peer_posts": _OF_EPISODE,
    "users": _OWNED,
    "user_links": _OWNED,
    "user_sessions": _OWNED,
    "passkeys": _OWNED,
    "spent": _OWNED,
    "providers": _OWNED,
    "identities": _OWNED,
    "desk_readers": _OWNED,
    "directory_uploads": _OWNED,
    "verifications": _OWNED,
    "closed_endpoints": _OWNED,
    "register_entries": _OWNED,
    "search_marks": _OWNED,
    "search_progress": _everybodys,
    "search_left": _everybodys,
    "audit": _OWNED,
    "api_tokens": _OWNED,
    "alarms": _alarm,
    "notices": _notice,
    "deliveries": _delivery,
    "decisions": _hangs_on(("id", "notices", "decision")),
    "acknowledgements": _OF_NOTICE,
    "attempts": _OF_DELIVERY,
    "receipts": _OF_DELIVERY,
    "pickup_visits": _OF_DELIVERY,
    "episodes": _hangs_on(("id", "notices", "episode"), ("id", "register_entries", "episode")),
    "children": _hangs_on(("id", "episodes", "child")),
    "events": _OF_EPISODE,
    "revisions": _OF_EPISODE,
    "duties": _OF_EPISODE,
    "directory_changes": _change,
    "directory_change_entries": _OF_CHANGE,
    "directory_news": _OF_CHANGE,
    "api_token_secrets": _OWNED,
    "threads": _hangs_on(("id", "messages", "thread")),
    "messages": _reading("id"),
    "message_readers": _reading("message"),
    "message_files": _reading("message"),
    # Whose it is to choose; what others said is shown to them.
    "resolutions": _OWNED,
    "resolution_steps": _hangs_on(("resolution", "resolutions", "id")),
    "agreements": _reading("message"),
    "agreement_answers": _hangs_on(("agreement", "agreements", "id")),
    "police_holds": _OF_EPISODE,
}
"""Which rows of a table are an organisation's."""

_REPORTED: Final = _named("source")
OF_SOURCE: Final[Mapping[str, Condition]] = {
    "episodes": _REPORTED,
    "events": _REPORTED,
    "quarantine": _REPORTED,
    # Found by a keyed hash of the source's id, or by the id of an episode that was found as above.
    **dict.fromkeys(
        ("children", "revisions", "duties", "register_entries", "decisions", "notices", "deliveries", "attempts",
         "receipts", "acknowledgements", "pickup_visits", "alarms", "audit", "readiness", "search_marks",
         "police_holds", "legal_holds"),
        _everybodys,
    ),
}  # fmt: skip
"""Which rows of a table are a source's: what it reported itself. It has no business with any other table."""

_STAMPED: Final = frozenset(name for name, condition in OF_ORGANISATION.items() if condition is _OWNED) - {"audit"}
_LEAVES: Final = frozenset(
    {
        "audit", "alarms", "receipts", "acknowledgements", "attempts", "deliveries", "pickup_visits", "directories",
        "directory_changes", "directory_change_entries", "directory_news", "readiness", "peer_posts",
    }
)  # fmt: skip
"""Where an organisation's work may add what is about others too: the operator's alarm, news to a second person."""


_JUDGED: Final = "judged_"


def judged(table: Table, name: str) -> NamedFromClause[Any]:
    """A table under another name that is looked at whole, as what becomes of the tenant's own depends on it: whether a
    notice was overtaken, by what others were told. Only within conditions, which give one bit away; never for what is
    shown."""
    return table.alias(f"{_JUDGED}{name}")


class Narrowed:
    """A connection that shows one tenant's rows. Of a real one it has only what repositories need."""

    def __init__(self, connection: Connection, scope: Own | Speaking) -> None:
        self._connection = connection
        self._scope = scope
        match scope:
            case Own(organisation=code):
                self._tenant = code
                self._roles: Roles | None = tuple(sorted(r for r, own in ORGANISATION_OF.items() if own == code))
            case Speaking(source=source):
                self._tenant, self._roles = source, None

    @property
    def dialect(self) -> Any:
        """As of a connection."""
        return self._connection.dialect

    @property
    def whole(self) -> Connection:
        """See ``Session.judging``."""
        return self._connection

    def execute(self, statement: Any, parameters: Any = None) -> CursorResult[Any]:
        """Run a statement as far as it is the tenant's. Raises OutOfScope for what cannot be narrowed down."""
        one = parameters is None or isinstance(parameters, Mapping)
        narrowed, rows = self.held(statement, [parameters or {}] if one else parameters)
        return self._connection.execute(narrowed, rows[0] if one else rows)

    def held(self, statement: Any, rows: Sequence[Mapping[str, Any]]) -> tuple[Any, Sequence[Mapping[str, Any]]]:
        """The statement as far as it is the tenant's, and what it is run with for each of these rows. Raises
        OutOfScope."""
        if isinstance(statement, Insert):
            self._check(statement, rows)
        narrowed, named = _held_to(statement, self._roles)
        return narrowed, [{**row, "scope_tenant": self._tenant} for row in rows] if named else rows

    def _check(self, statement: Insert, rows: Sequence[Mapping[str, Any]]) -> None:
        """Nobody adds a row that is another's."""
        name = statement.table.name
        if self._roles is None:
            column, known = ("source" if OF_SOURCE.get(name) is _REPORTED else None), name in OF_SOURCE
        else:
            column, known = ("organisation" if name in _STAMPED else None), name in _STAMPED | _LEAVES
        if not known or not any(rows) or (column is not None and any(row.get(column) != self._tenant for row in rows)):
            raise OutOfScope(f"this scope adds no such row to {name}")


_met: Final = WeakSet[Any]()
"""Statements that were narrowed down before, as long as somebody else holds them."""


def _held_to(statement: Any, roles: Roles | None) -> tuple[Any, bool]:
    """As :func:`_narrowed`. Statements that are asked often are built once (hub/store/episodes.py), and so narrowed
    once: what comes a second time is kept. One that is built for a single question is not: it would never be met again,
    and hundreds of them are 160 MB."""
    if not isinstance(statement, SelectBase | UpdateBase):
        raise OutOfScope("only statements made of tables can be narrowed down")
    if statement in _met:
        return _kept(statement, roles)
    _met.add(statement)
    return _narrowed(statement, roles)


@lru_cache(maxsize=512)
def _kept(statement: Any, roles: Roles | None) -> tuple[Any, bool]:
    return _narrowed(statement, roles)


def _narrowed(statement: Any, roles: Roles | None) -> tuple[Any, bool]:
    """The statement with its tenant's conditions, and whether they name the tenant. ``roles``: None for a source."""
    rules = OF_SOURCE if roles is None else OF_ORGANISATION
    named = False

    def condition(row: Any) -> ColumnElement[bool] | None:
        nonlocal named
        if isinstance(row, Alias) and row.name.startswith(_JUDGED):
            return None
        table = row
        while isinstance(table, AliasedReturnsRows):
            table = table.element
        if isinstance(table, Join):
            raise OutOfScope("this kind of join cannot be narrowed down")
        if isinstance(table, SelectBase | SelectStatementGrouping):
            return None  # it is narrowed itself
        if not isinstance(table, Table):
            raise OutOfScope("whose rows these are cannot be told")
        rule = rules.get(table.name)
        if rule is None:
            raise OutOfScope(f"nobody has said whose the rows of {table.name} are (hub/store/scoping.py)")
        if rule is _everybodys:
            return None
        named = named or rule is not _nobodys
        return rule(row, roles or ())

    def select(made: Select[Any]) -> None:
        joins: list[Any] = []
        setup: Any = made._setup_joins
        inner = []
        for right, on, left, flags in setup:
            found = condition(right)
            if flags["full"]:
                raise OutOfScope("this kind of join cannot be narrowed down")
            if flags["isouter"] and found is not None:
                on = and_(on, found)
            elif found is not None:
                inner.append(found)
            joins.append((right, on, left, flags))
        made._setup_joins = tuple(joins)
        joined = {id(one[0]) for one in joins}
        for row in made._iterate_from_elements():
            if id(row) not in joined and (found := condition(row)) is not None:
                inner.append(found)
        made._where_criteria += tuple(inner)

    def changed(made: Any) -> None:
        if roles is not None and rules.get(made.table.name) is _everybodys:
            raise OutOfScope(f"no organisation changes what is of all in {made.table.name}")
        if any(row is not made.table for one in made._where_criteria for row in one._from_objects):
            raise OutOfScope("a change that takes from a second table cannot be narrowed down")
        found = condition(made.table)
        if found is not None:
            made._where_criteria += (found,)

    def written_out(made: Any) -> None:
        raise OutOfScope("a select that is written out cannot be narrowed down")

    doing = {"select": select, "update": changed, "delete": changed, "textual_select": written_out}
    narrowed = visitors.cloned_traverse(statement, {}, doing)
    if isinstance(narrowed, Insert) and (clash := narrowed._post_values_clause) is not None:
        found = condition(narrowed.table)
        if found is not None and hasattr(clash, "update_whereclause"):
            if clash.update_whereclause is not None:
                found = and_(clash.update_whereclause, found)
            clash = clash._clone()
            clash.update_whereclause = found
            narrowed._post_values_clause = clash
        else:
            named = False
    return narrowed, named


def reached_by(connection: Connection, scope: Scope) -> Connection:
    """What repositories run their statements on in this scope. The machine's own is the connection itself."""
    match scope:
        case Own() | Speaking():
            return Narrowed(connection, scope)  # type: ignore[return-value]  # on purpose: nothing else is reached
        case _:
            return connection
