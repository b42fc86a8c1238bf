"""The tables of the accounts. Names, addresses, hashes and secrets are sealed; tokens are there as digests only."""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, LargeBinary, Table, Text, text

from hub.store.tables import metadata
from hub.store.types import Instant, Strings

users = Table(
    "users",
    metadata,
    Column("id", Text, primary_key=True),
    Column("organisation", Text, nullable=False, index=True),
    Column("roles", Strings, nullable=False),
    Column("lookup", LargeBinary, nullable=False),
    Column("email", LargeBinary, nullable=False),
    Column("state", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("state_at", Instant, nullable=False),
    Column("name", LargeBinary),
    Column("password", LargeBinary),
    Column("totp", LargeBinary),
    Column("totp_step", BigInteger, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("locks", Integer, nullable=False),
    Column("locked_until", Instant),
    Column("signed_in_at", Instant),
)
"""``lookup``: keyed hash of the e-mail address, of which only one account is not disabled."""
_LIVE = text("state <> 'disabled'")
Index("uq_users_live", users.c.lookup, unique=True, sqlite_where=_LIVE, postgresql_where=_LIVE)

user_links = Table(
    "user_links",
    metadata,
    Column("id", Text, primary_key=True),
    Column("user", ForeignKey("users.id"), nullable=False, index=True),
    Column("organisation", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("pending", LargeBinary),
    Column("pending_password", LargeBinary),
    Column("pending_name", LargeBinary),
)
"""A link that was used is no longer there; the audit log says that there was one."""

user_sessions = Table(
    "user_sessions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("user", ForeignKey("users.id"), nullable=False, index=True),
    Column("organisation", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("created_at", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("complete", Boolean, nullable=False),
    Column("proved_at", Instant),
)

passkeys = Table(
    "passkeys",
    metadata,
    Column("id", Text, primary_key=True),
    Column("user", ForeignKey("users.id"), nullable=False, index=True),
    Column("organisation", Text, nullable=False),
    Column("lookup", LargeBinary, nullable=False, unique=True),
    Column("credential", LargeBinary, nullable=False),
    Column("public_key", LargeBinary, nullable=False),
    Column("name", LargeBinary, nullable=False),
    Column("sign_count", BigInteger, nullable=False),
    Column("synced", Boolean, nullable=False),
    Column("backed_up", Boolean, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("used_at", Instant),
)
"""``lookup``: keyed hash of the credential's id. Of what was removed only the audit log knows."""

spent = Table(
    "spent",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("organisation", Text, nullable=False),
    Column("ends_at", Instant, nullable=False, index=True),
)
"""SHA-256 of challenges that were answered, until they would end anyway: none counts twice."""
