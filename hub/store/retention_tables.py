"""The table of legal holds. The reason is sealed with the child's key, so that it goes with the child."""

from sqlalchemy import Column, ForeignKey, Index, LargeBinary, Table, Text, text

from hub.store.tables import metadata
from hub.store.types import Instant

legal_holds = Table(
    "legal_holds",
    metadata,
    Column("id", Text, primary_key=True),
    Column("child", ForeignKey("children.id"), nullable=False),
    Column("code", Text, nullable=False),
    Column("reason", LargeBinary, nullable=False),
    Column("since", Instant, nullable=False),
    Column("by", Text, nullable=False),
    Column("lifted_at", Instant),
    Column("lifted_by", Text),
)
_STANDING = text("lifted_at IS NULL")
Index("ix_legal_holds_standing", legal_holds.c.child, sqlite_where=_STANDING, postgresql_where=_STANDING)
