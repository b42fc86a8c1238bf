"""The tables of the audit chain's checkpoints. The lines stand in ``audit`` (hub/store/tables.py)."""

from sqlalchemy import BigInteger, Column, LargeBinary, Table, Text

from hub.store.tables import metadata
from hub.store.types import Instant

audit_checkpoints = Table(
    "audit_checkpoints",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("hub", Text, nullable=False),
    Column("link", LargeBinary, nullable=False),
    Column("at", Instant, nullable=False),
    Column("key", Text, nullable=False),
    Column("signature", LargeBinary, nullable=False),
)
"""Signed (hub/core/checkpoints.py); never changed."""

audit_places = Table(
    "audit_places",
    metadata,
    Column("place", Text, primary_key=True),
    Column("number", BigInteger, nullable=False),
)
"""How far each second place has been given the checkpoints. ``place``: a digest of its address."""
