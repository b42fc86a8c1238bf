"""The table of the police's holds. Whose deed each was, and the reason, are sealed with the child's key."""

from sqlalchemy import Column, ForeignKey, Integer, LargeBinary, Table, Text, UniqueConstraint

from hub.store.tables import metadata
from hub.store.types import Instant

police_holds = Table(
    "police_holds",
    metadata,
    Column("id", Text, primary_key=True),
    Column("episode", ForeignKey("episodes.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("child", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("deed", Text, nullable=False),
    Column("organisation", Text, nullable=False),
    Column("desk", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("review_at", Instant),
    Column("there", Integer),
    Column("key", LargeBinary, nullable=False, unique=True),
    Column("name", LargeBinary, nullable=False),
    Column("reason", LargeBinary),
    UniqueConstraint("episode", "number"),
)
"""Each row is a deed, and never changes: ``set`` or ``lifted``. ``key``: keyed hash of the actor and of what their form
or program calls the deed: sent twice, it is one. ``there``: its number at the hub that told of it, none of what was
done here; the order in which what is told of it counts."""
