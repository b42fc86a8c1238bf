"""The table of other hubs."""

from sqlalchemy import Column, LargeBinary, Table, Text

from hub.store.tables import metadata
from hub.store.types import Instant

peers = Table(
    "peers",
    metadata,
    Column("hub", Text, primary_key=True),
    Column("state", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("issuer", Text, nullable=False, index=True),
    Column("introduced_at", Instant, nullable=False),
    Column("changed_at", Instant, nullable=False),
    Column("document", LargeBinary, nullable=False),
    Column("put_by", LargeBinary, nullable=False),
)
"""``document``: what it says of itself, as it came; ``put_by``: a name. Both are sealed, so that whoever can write to
the database cannot put in another's keys."""
