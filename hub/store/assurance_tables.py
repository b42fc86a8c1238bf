"""The tables of assurance: who was warned of what, as ids, codes and digests."""

from sqlalchemy import Column, Integer, Table, Text

from hub.store.tables import metadata
from hub.store.types import Instant

certificate_warnings = Table(
    "certificate_warnings",
    metadata,
    Column("subject", Text, primary_key=True),
    Column("fingerprint", Text, primary_key=True),
    Column("step", Integer, primary_key=True, autoincrement=False),
    Column("owner", Text, nullable=False),
    Column("warned_at", Instant, nullable=False),
    Column("alarm", Text, nullable=False),
)
"""One row for each step that was taken: a contact's id (or the hub's own name), the certificate, the days before."""
