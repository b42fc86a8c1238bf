"""The tables of changes to the directory: who asked for what, who agreed, what it became. Entries, names and reasons
are sealed; which entries a change is about is there as keyed hashes."""

from sqlalchemy import Column, ForeignKey, Index, Integer, LargeBinary, Table, Text, text

from hub.store.tables import metadata
from hub.store.types import Instant

directory_changes = Table(
    "directory_changes",
    metadata,
    Column("id", Text, primary_key=True),
    Column("organisation", Text, nullable=False, index=True),
    Column("scope", Text),
    Column("state", Text, nullable=False),
    Column("how", Text),
    Column("base", Integer, nullable=False),
    Column("version", Integer, unique=True),
    Column("entries", Integer, nullable=False),
    Column("proposed_at", Instant, nullable=False),
    Column("proposed_by", Text, nullable=False),
    Column("person", Text),
    Column("decided_at", Instant),
    Column("decided_by", Text),
    Column("people", LargeBinary, nullable=False),
    Column("differences", LargeBinary, nullable=False),
)
"""``scope``: the organisation of who asked, null for the operator; ``person``: the user behind a token; ``version``: of
the directory that it made; ``people``: names and reasons; ``differences``: compressed before they are sealed."""
_WAITING = text("state = 'waiting'")
Index(
    "ix_directory_changes_waiting",
    directory_changes.c.proposed_at,
    sqlite_where=_WAITING,
    postgresql_where=_WAITING,
)

directory_change_entries = Table(
    "directory_change_entries",
    metadata,
    Column("change", ForeignKey("directory_changes.id"), primary_key=True),
    Column("ordinal", Integer, primary_key=True, autoincrement=False),
    Column("organisation", Text, primary_key=True),
    Column("entry", LargeBinary, nullable=False, index=True),
)
"""One row for each organisation that a changed entry concerns. ``entry``: keyed hash of table and key."""
Index(
    "ix_directory_change_entries_organisation",
    directory_change_entries.c.organisation,
    directory_change_entries.c.change,
)
