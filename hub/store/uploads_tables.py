"""The table of directories that were handed over and are not in force yet. The file is sealed."""

from sqlalchemy import Column, Integer, LargeBinary, Table, Text

from hub.store.tables import metadata
from hub.store.types import Instant

directory_uploads = Table(
    "directory_uploads",
    metadata,
    Column("id", Text, primary_key=True),
    Column("organisation", Text, nullable=False),
    Column("by", Text, nullable=False, index=True),
    Column("part", Text),
    Column("seen", Integer, nullable=False),
    Column("uploaded_at", Instant, nullable=False, index=True),
    Column("change", Text),
    Column("confirmed_at", Instant),
    Column("file", LargeBinary),
)
"""``by``: the actor; ``part``: the organisation whose directory it is, null for the whole; ``seen``: the version that
it is compared with; ``change``: the id of what it becomes; ``file``: compressed, then sealed; null once in force."""
