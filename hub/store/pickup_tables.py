"""The tables of the pick-up. Nothing personal: ids, codes, channels, instants and digests."""

from sqlalchemy import Boolean, Column, ForeignKey, Integer, LargeBinary, Table, Text, false

from hub.store.tables import metadata
from hub.store.types import Instant

pickup_visits = Table(
    "pickup_visits",
    metadata,
    Column("id", Text, primary_key=True),
    Column("delivery", ForeignKey("deliveries.id"), nullable=False, index=True),
    Column("organisation", Text),
    Column("channel", Text, nullable=False),
    Column("asked_at", Instant, nullable=False),
    Column("browser", LargeBinary, nullable=False, unique=True),
    Column("code", LargeBinary, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("failed", Boolean, nullable=False, server_default=false()),
    Column("opened_at", Instant),
    Column("viewed_at", Instant),
)
"""One browser that asked for a code. ``browser``: digest of what it bears; ``code``: keyed digest, empty once used."""
