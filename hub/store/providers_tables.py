"""The tables of identity providers, and of who is bound to which identity there."""

from sqlalchemy import Column, ForeignKey, LargeBinary, Table, Text

from hub.store.tables import metadata
from hub.store.types import Instant

providers = Table(
    "providers",
    metadata,
    Column("organisation", Text, primary_key=True),
    Column("settings", LargeBinary, nullable=False),
    Column("changed_at", Instant, nullable=False),
)
"""``settings``: sealed; the client's secret is among them."""

identities = Table(
    "identities",
    metadata,
    Column("user", ForeignKey("users.id"), primary_key=True),
    Column("organisation", Text, nullable=False, index=True),
    Column("lookup", LargeBinary, nullable=False, unique=True),
    Column("bound_at", Instant, nullable=False),
)
"""``lookup``: keyed hash of organisation, issuer and subject; none of the two stands here."""
