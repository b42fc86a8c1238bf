"""The table of news of changes to the directory: what has to be told to whom, and what became of it. Addresses are
sealed; accounts stand by their ids."""

from sqlalchemy import Column, ForeignKey, Index, Integer, LargeBinary, Table, Text, text

from hub.store.tables import metadata
from hub.store.types import Instant

directory_news = Table(
    "directory_news",
    metadata,
    Column("id", Text, primary_key=True),
    Column("change", ForeignKey("directory_changes.id"), nullable=False),
    Column("about", Text, nullable=False),
    Column("user", Text),
    Column("channel", Text, nullable=False),
    Column("address", LargeBinary),
    Column("due_at", Instant, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("ended_at", Instant),
    Column("came_to", Text),
    Column("token_digest", LargeBinary, unique=True),
    Column("confirmed_at", Instant),
)
"""``user``: User.id of whom it is for, null where it is for an address, or for the operator's desk."""
_OPEN = text("ended_at IS NULL")
Index("ix_directory_news_due", directory_news.c.due_at, sqlite_where=_OPEN, postgresql_where=_OPEN)
Index("ix_directory_news_change", directory_news.c.change)
Index("ix_directory_news_user", directory_news.c.user, directory_news.c.ended_at)
