"""Which key-encryption key wraps, and what each still wraps: transactions in the key store's database.

A new key waits until every running node has it; then it wraps at once, everywhere. What the former ones wrapped is
wrapped anew a bite at a time; a row is only ever replaced by what was made of the very bytes that were read, so that
two nodes do it together, a key that was destroyed meanwhile stays so, and a crash leaves what was there before.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from sqlalchemy import Connection, delete, func, insert, or_, select, text, update

from hub.store.key_tables import data_keys, keks, nodes, serialise
from hub.store.types import from_micros

LIVE: Final = timedelta(seconds=120)
"""A node that has not been heard of for so long, by the key store's own clock, does not run: the nodes' may differ by
more than this."""
FORGOTTEN: Final = timedelta(days=1)
_ON_POSTGRESQL: Final = text("SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT)")
_ON_SQLITE: Final = text("SELECT CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)")
State = Literal["waiting", "current", "former", "retired"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kek:
    """A key-encryption key as the key store knows it."""

    id: str
    state: State
    probe: bytes | None
    made_at: datetime | None
    activated_at: datetime | None
    retired_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyNode:
    """A running hub."""

    id: str
    seen_at: datetime
    holds: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Everything at one instant, ``at`` by the key store's clock. ``wraps``: how many data keys each key-encryption key
    wraps, by id; under None those that nobody has looked at since the upgrade."""

    at: datetime
    keks: Sequence[Kek]
    nodes: Sequence[KeyNode]
    wraps: Mapping[str | None, int]

    @property
    def current(self) -> str | None:
        """The one that wraps new data keys."""
        return next((one.id for one in self.keks if one.state == "current"), None)

    @property
    def live(self) -> tuple[KeyNode, ...]:
        """The nodes that run."""
        return tuple(one for one in self.nodes if one.seen_at > self.at - LIVE)


class CannotRetire(Exception):
    """Something needs this key yet. Says what, and how many."""


class CannotRotate(Exception):
    """This key cannot become the one that wraps."""


def known(connection: Connection) -> list[Kek]:
    """Every key-encryption key that the key store knows, the first made first."""
    rows = connection.execute(select(keks).order_by(keks.c.made_at, keks.c.id))
    return [Kek(**row._mapping) for row in rows]


def instant(connection: Connection) -> datetime:
    """What time it is by the one clock that all nodes share: the database's."""
    there = _ON_POSTGRESQL if connection.dialect.name == "postgresql" else _ON_SQLITE
    return from_micros(connection.execute(there).scalar_one())


def running(connection: Connection) -> list[KeyNode]:
    """The nodes that run."""
    since = instant(connection) - LIVE
    return [one for one in heard_of(connection) if one.seen_at > since]


def heard_of(connection: Connection) -> list[KeyNode]:
    """The nodes that were heard of lately."""
    return [
        KeyNode(id=row.id, seen_at=row.seen_at, holds=frozenset(row.holds))
        for row in connection.execute(select(nodes).order_by(nodes.c.id))
    ]


def standing(connection: Connection) -> Standing:
    """All of it, counted."""
    counted = connection.execute(select(data_keys.c.kek, func.count()).group_by(data_keys.c.kek))
    return Standing(
        at=instant(connection),
        keks=known(connection),
        nodes=heard_of(connection),
        wraps={row[0]: row[1] for row in counted},
    )


def to_rewrap(connection: Connection, current: str) -> int:
    """How many data keys others than the current key wrap. Counts only these: a million of the others cost nothing."""
    others = [one.id for one in known(connection) if one.id != current]
    return sum(_count(connection, one) for one in (*others, None))


def _count(connection: Connection, kek: str | None) -> int:
    return connection.execute(select(func.count()).select_from(data_keys).where(data_keys.c.kek == kek)).scalar_one()


def begin(connection: Connection, current: str, probe: bytes) -> str:
    """The first key-encryption key of a key store; whoever comes second takes what is there."""
    serialise(connection)
    there = connection.execute(select(keks.c.id).where(keks.c.state == "current")).scalar()
    if there is not None:
        return str(there)
    _put(connection, id=current, state="current", probe=probe)
    return current


def propose(connection: Connection, name: str, probe: bytes, now: datetime) -> None:
    """Have a key take over as soon as every node has it; a former one may do so again. Raises CannotRotate."""
    serialise(connection)
    there = {one.id: one for one in known(connection)}
    before = there.get(name)
    if before is not None and before.state in ("current", "waiting"):
        return
    if before is not None and before.state == "retired":
        raise CannotRotate(f"The key-encryption key {name} is retired: make another.")
    waiting = next((one.id for one in there.values() if one.state == "waiting"), None)
    if waiting is not None:
        raise CannotRotate(f"The key-encryption key {waiting} waits already; retire it first if it is not wanted.")
    if before is None:
        _put(connection, id=name, state="waiting", probe=probe, made_at=now)
    else:
        connection.execute(update(keks).where(keks.c.id == name).values(state="waiting", probe=before.probe or probe))


def activate(connection: Connection, name: str, now: datetime) -> tuple[KeyNode, ...]:
    """Have a key that waits wrap from now on, if every running node has it; else the nodes that have not. One step for
    all: until it is durable the key before wraps, and afterwards that opens still."""
    serialise(connection)
    there = {one.id: one for one in known(connection)}
    if name not in there or there[name].state != "waiting":
        return ()
    lacking = tuple(one for one in running(connection) if name not in one.holds)
    if lacking:
        return lacking
    connection.execute(update(keks).where(keks.c.state == "current").values(state="former"))
    connection.execute(update(keks).where(keks.c.id == name).values(state="current", activated_at=now))
    return ()


def retire(connection: Connection, name: str, now: datetime) -> None:
    """Never use a key again. Raises CannotRetire while a data key, or a node, needs it; LookupError for an unknown."""
    serialise(connection)
    there = {one.id: one for one in known(connection)}
    if name not in there:
        raise LookupError(name)
    if there[name].state == "retired":
        return
    if there[name].state == "current":
        raise CannotRetire(f"{name} wraps new data keys: `keys rotate` to another first.")
    if count := _count(connection, name):
        raise CannotRetire(f"{name} still wraps data keys, {count} of them: wait until they are wrapped anew.")
    if count := _count(connection, None):
        raise CannotRetire(f"Of {count} data keys nobody has looked yet what wraps them: wait until a hub has.")
    current = next((one.id for one in there.values() if one.state == "current"), None)
    lacking = [one.id for one in running(connection) if current not in one.holds]
    if lacking:
        raise CannotRetire(f"{', '.join(lacking)} has not the key {current} and may wrap by an older one.")
    connection.execute(update(keks).where(keks.c.id == name).values(state="retired", retired_at=now))


def announce(connection: Connection, node: str, holds: Sequence[str]) -> list[Kek]:
    """Say that a node runs and what it has; what the key store knows at that moment."""
    serialise(connection)
    now = instant(connection)
    # One that stopped while the clock was a day ahead would otherwise be waited for until then.
    stale = or_(nodes.c.seen_at < now - FORGOTTEN, nodes.c.seen_at > now + FORGOTTEN)
    connection.execute(delete(nodes).where(or_(nodes.c.id == node, stale)))
    connection.execute(insert(nodes), [{"id": node, "seen_at": now, "holds": tuple(holds)}])
    return known(connection)


def leave(connection: Connection, node: str) -> None:
    """The node runs no more."""
    connection.execute(delete(nodes).where(nodes.c.id == node))


def add(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> bool:
    """Write new data keys; False, and nothing is written, if what wrapped them was retired meanwhile."""
    serialise(connection, shared=True)
    names = {row["kek"] for row in rows}
    gone = select(keks.c.id).where(keks.c.id.in_(names), keks.c.state == "retired")
    if connection.execute(gone).first() is not None:
        return False
    connection.execute(insert(data_keys), list(rows))
    return True


def bite(connection: Connection, kek: str | None, after: str, limit: int) -> list[tuple[str, bytes]]:
    """Some data keys that this key wraps (None: those of an older version), in order of scope."""
    statement = (
        select(data_keys.c.scope, data_keys.c.wrapped)
        .where(data_keys.c.kek == kek, data_keys.c.scope > after)
        .order_by(data_keys.c.scope)
        .limit(limit)
    )
    return [(row.scope, bytes(row.wrapped)) for row in connection.execute(statement)]


def replace(connection: Connection, current: str, anew: Sequence[tuple[str, bytes, bytes]]) -> int:
    """Put wraps in place of those that were read: (scope, read, anew); how many. None of them if the current key is
    another by now. What was destroyed or replaced meanwhile stays as it is."""
    serialise(connection, shared=True)
    if connection.execute(select(keks.c.id).where(keks.c.id == current, keks.c.state == "current")).first() is None:
        return 0
    replaced = 0
    for scope, read, wrapped in anew:
        same = (data_keys.c.scope == scope) & (data_keys.c.wrapped == read)
        replaced += connection.execute(update(data_keys).where(same).values(wrapped=wrapped, kek=current)).rowcount
    return replaced


def _put(connection: Connection, **values: Any) -> None:
    row = {column.name: values.get(column.name) for column in keks.columns}
    connection.execute(insert(keks), [row])
