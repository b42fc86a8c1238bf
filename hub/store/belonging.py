"""Whether a key store is the one that a ledger was written with.

A hub that went on with another one, such as the empty folder where a volume should be mounted, would make new keys and
could read nothing of what is there. So it does not start: the ledger is asked first, and changes nothing.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Protocol, TypeVar

from sqlalchemy import Connection, LargeBinary, inspect, literal, select

from hub.core.retention import Standing
from hub.service.ports import Unsealable
from hub.store.tables import children, metadata, source_keys

LOOKED_AT: Final = 100
"""Of so many of the oldest and of the newest children of a ledger its key store must know one, and open one of so many
keys of sources."""
_SEALED: Final = tuple(
    table for table in metadata.sorted_tables if any(isinstance(column.type, LargeBinary) for column in table.columns)
)
T = TypeVar("T")


class Ledger(Protocol):
    """Runs something on the ledger's database as it is, which an older version may have made, or nobody yet."""

    def __call__(self, work: Callable[[Connection], T]) -> Awaitable[T]: ...


class NotItsKeyStore(Unsealable):
    """The key store has none of the keys that this ledger needs. Says what to do; the ledger was left as it is."""


EMPTY: Final = (
    "the key store is empty, and the ledger holds what its keys have sealed. Nothing was changed. Is the volume of the "
    "key store mounted, and is FINGERPOST_KEY_STORE_URL right? Else restore its newest backup (one of `fingerpost keys "
    "backup`, or your own). Without any, nothing in this ledger can be read again: put it aside, and begin with "
    "another (FINGERPOST_DATABASE_URL)"
)
ANOTHERS: Final = (
    "the key store's own key opens none of the keys of this ledger's sources: it is another hub's. Nothing was "
    "changed. Is FINGERPOST_KEY_STORE_URL right, and FINGERPOST_DATABASE_URL? Else restore the newest backup of the "
    "key store (one of `fingerpost keys backup`, or your own)"
)
OLDER: Final = (
    "the key store knows none of the children of this ledger: it is another ledger's, or a backup from before the "
    "first of them. Nothing was changed. Is FINGERPOST_KEY_STORE_URL right, and FINGERPOST_DATABASE_URL? Else restore "
    "the newest backup of the key store (one of `fingerpost keys backup`, or your own). If this is the newest, give up "
    "the children that it does not know: `fingerpost keys lost`"
)


def holds_sealed(connection: Connection) -> bool:
    """Whether anything was ever written that a data key may have sealed."""
    there = set(inspect(connection).get_table_names())
    ours = (table for table in _SEALED if table.name in there)
    return any(connection.execute(select(literal(1)).select_from(table).limit(1)).first() for table in ours)


def some_children(connection: Connection) -> Sequence[str]:
    """Some children of which the key store must know one, living or destroyed: a key is durable before its child is.
    The newest too: keys of all the oldest may have been lost long ago, and children met since."""
    if not inspect(connection).has_table(children.name):
        return ()
    ends = (children.c.id, children.c.id.desc())
    return [
        one
        for end in ends
        for one in connection.execute(select(children.c.id).order_by(end).limit(LOOKED_AT)).scalars()
    ]


def sealed_by_the_hub(connection: Connection) -> Sequence[tuple[str, bytes]]:
    """Some values that the hub's own key has to open, each with its row: of the keys of sources, the newest, as no hub
    is of use without one. Several, as one may be damaged."""
    if not inspect(connection).has_table(source_keys.name):
        return ()
    newest = select(source_keys.c.source, source_keys.c.id, source_keys.c.key).order_by(source_keys.c.id.desc())
    rows = connection.execute(newest.limit(LOOKED_AT))
    return [(f"{row.source}/{row.id}", row.key) for row in rows]


def knows(wanted: Sequence[str], keys: Standing) -> bool:
    """Whether a key store that has these keys may be the ledger's with these children."""
    return not wanted or any(one in keys.living or one in keys.destroyed for one in wanted)
