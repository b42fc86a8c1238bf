"""The tables of the key store's own database: the wrapped data keys, which key-encryption keys there are, and which
nodes have them."""

from sqlalchemy import Column, Connection, Index, LargeBinary, MetaData, Table, Text, inspect, text

from hub.store.types import Instant, Strings

metadata = MetaData()
data_keys = Table(
    "data_keys",
    metadata,
    Column("scope", Text, primary_key=True),
    Column("wrapped", LargeBinary, nullable=False),
    Column("created_at", Instant),
    Column("kek", Text),
)
"""``kek``: the id of what wrapped it, as the wrap says too; null in rows that an older version wrote."""
Index("ix_data_keys_created_at", data_keys.c.created_at)
BY_KEK = Index("ix_data_keys_kek", data_keys.c.kek, data_keys.c.scope)

keks = Table(
    "key_encryption_keys",
    metadata,
    Column("id", Text, primary_key=True),
    Column("state", Text, nullable=False),
    Column("probe", LargeBinary),
    Column("made_at", Instant),
    Column("activated_at", Instant),
    Column("retired_at", Instant),
)
"""``state``: ``waiting`` until every node has it; ``current``: wraps new data keys, one at a time; ``former``;
``retired``. ``probe``: something that it wrapped, by which a node sees that it has this key and no namesake."""

nodes = Table(
    "key_nodes",
    metadata,
    Column("id", Text, primary_key=True),
    Column("seen_at", Instant, nullable=False),
    Column("holds", Strings, nullable=False),
)
"""The running nodes, and the ids of the keys that each has."""


def bring_up(connection: Connection) -> None:
    """Make what is missing, also in a key store that an older version made. Twice does no harm."""
    serialise(connection)
    metadata.create_all(connection)
    if "kek" not in {column["name"] for column in inspect(connection).get_columns("data_keys")}:
        connection.execute(text("ALTER TABLE data_keys ADD COLUMN kek TEXT"))
        BY_KEK.create(connection)


def serialise(connection: Connection, *, shared: bool = False) -> None:
    """Whatever changes a key-encryption key's state is done one after the other, and while no data key is being written
    (``shared``: that is). SQLite has one writer anyway."""
    if connection.dialect.name == "postgresql":
        kind = "_shared" if shared else ""
        connection.execute(text(f"SELECT pg_advisory_xact_lock{kind}(5065470123771)"))
