"""The tables of assurance: who was warned of what, and which contacts have proved that they work. Ids, codes, digests
and instants only."""

from sqlalchemy import Column, Index, Integer, LargeBinary, Table, Text

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

verifications = Table(
    "verifications",
    metadata,
    Column("mark", LargeBinary, primary_key=True),
    Column("place", LargeBinary, nullable=False, index=True),
    Column("organisation", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("contact", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("id", Text, nullable=False, unique=True),
    Column("token_digest", LargeBinary, nullable=False, unique=True),
    Column("receipt_digest", LargeBinary, nullable=False, unique=True),
    Column("reply_digest", LargeBinary, index=True),
    Column("since", Instant),
    Column("asks", Integer, nullable=False),
    Column("asked_at", Instant),
    Column("proved_at", Instant),
    Column("failed_at", Instant),
    Column("reason", Text, nullable=False),
    Column("next_at", Instant, nullable=False),
    Column("provider_reference", Text, index=True),
    Column("alarm", Text),
    Column("gone_at", Instant),
)
"""One row for each address of an organisation, with its certificates: ``mark`` and ``place`` are digests of them under
a secret of the hub."""
Index("ix_verifications_next_at", verifications.c.next_at)
