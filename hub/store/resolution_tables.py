"""The tables of resolutions. Who said what, and the reasons of whoever chose, are sealed with the child's key."""

from sqlalchemy import Column, ForeignKey, Integer, LargeBinary, Table, Text

from hub.store.tables import metadata
from hub.store.types import Instant, Strings

resolutions = Table(
    "resolutions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("episode", ForeignKey("episodes.id"), nullable=False, index=True),
    Column("child", Text, nullable=False),
    Column("organisation", Text, nullable=False),
    Column("desk", Text, nullable=False),
    Column("roles", Strings, nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("state", Text, nullable=False, index=True),
    Column("due_at", Instant),
    Column("late", Integer, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("settled_by", Text),
    Column("message", Text),
)
"""``organisation`` and ``desk``: whose it is to choose. All that changes follows from the steps."""

resolution_steps = Table(
    "resolution_steps",
    metadata,
    Column("id", Text, primary_key=True),
    Column("resolution", ForeignKey("resolutions.id"), nullable=False, index=True),
    Column("episode", ForeignKey("episodes.id"), nullable=False, index=True),
    Column("child", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("at", Instant, nullable=False),
    Column("kind", Text, nullable=False),
    Column("organisation", Text),
    Column("notice", ForeignKey("notices.id"), index=True),
    Column("answer", Text),
    Column("actor", Text, nullable=False),
    Column("name", LargeBinary),
    Column("text", LargeBinary),
)
"""Only ever added to. ``number``: its place in the chain, whatever the clocks of several hubs say."""
