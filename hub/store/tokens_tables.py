"""The tables of API tokens. A secret is there as its SHA-256 only, which is what it is found by."""

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, LargeBinary, Table, Text, text

from hub.store.tables import metadata
from hub.store.types import Instant, Strings

api_tokens = Table(
    "api_tokens",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("organisation", Text),
    Column("scopes", Strings, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("person", Text),
    Column("certificate", LargeBinary),
    Column("revoked_at", Instant),
    Column("desks", Strings),
)
"""A row stays when its token is revoked, so that nobody brings it in again, and whoever still uses it is named.
``desks``: NULL is none."""
_OWN = text("revoked_at IS NULL AND organisation IS NOT NULL")
_OPERATORS = text("revoked_at IS NULL AND organisation IS NULL")
Index(
    "uq_api_tokens_own",
    api_tokens.c.organisation,
    api_tokens.c.name,
    unique=True,
    sqlite_where=_OWN,
    postgresql_where=_OWN,
)
Index("uq_api_tokens_operators", api_tokens.c.name, unique=True, sqlite_where=_OPERATORS, postgresql_where=_OPERATORS)

api_token_secrets = Table(
    "api_token_secrets",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("token", ForeignKey("api_tokens.id"), nullable=False, index=True),
    Column("made_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False),
    Column("organisation", Text),
    Column("used_at", Instant),
    Column("warned", Integer),
    Column("alarm", Text),
    Column("over", Boolean, nullable=False),
)
_OPEN = text("NOT over")
Index("ix_api_token_secrets_ending", api_token_secrets.c.ends_at, sqlite_where=_OPEN, postgresql_where=_OPEN)
