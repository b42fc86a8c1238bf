"""The table of the desk: who reads for which desks. Nothing personal."""

from sqlalchemy import Column, ForeignKey, Table, Text

from hub.store.tables import metadata
from hub.store.types import Instant, Strings

desk_readers = Table(
    "desk_readers",
    metadata,
    Column("user", ForeignKey("users.id"), primary_key=True),
    Column("organisation", Text, nullable=False),
    Column("desks", Strings, nullable=False),
    Column("given_at", Instant, nullable=False),
    Column("given_by", Text, nullable=False),
)
"""``desks``: functions of desks, or ``*`` for every one."""
