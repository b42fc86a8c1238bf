"""The tables of conversations. What somebody wrote, their name and their pictures are sealed with the child's key."""

from sqlalchemy import Boolean, Column, ForeignKey, Integer, LargeBinary, Table, Text

from hub.store.tables import metadata
from hub.store.types import Instant, Strings

threads = Table(
    "threads",
    metadata,
    Column("id", Text, primary_key=True),
    Column("episode", ForeignKey("episodes.id"), nullable=False, index=True),
    Column("opened_at", Instant, nullable=False),
    Column("opened_by", Text, nullable=False),
)

messages = Table(
    "messages",
    metadata,
    Column("id", Text, primary_key=True),
    Column("thread", ForeignKey("threads.id"), nullable=False, index=True),
    Column("episode", ForeignKey("episodes.id"), nullable=False, index=True),
    Column("child", Text, nullable=False),
    Column("organisation", Text, nullable=False),
    Column("desk", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("via", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("whereabouts", Boolean, nullable=False),
    Column("in_reply_to", Text),
    Column("sent_at", Instant, nullable=False),
    Column("key", LargeBinary, nullable=False, unique=True),
    Column("author", LargeBinary, nullable=False),
    Column("text", LargeBinary, nullable=False),
    Column("arrived_at", Instant),
    Column("signed", LargeBinary),
    Column("step", Text),
)
"""``key``: keyed hash of the author's actor and of what their form or program calls the message: sent twice, it is one
message. Of one that another hub sent ``arrived_at`` says when it came, and ``signed`` is the compact JWS, where that is
not kept as an event's. ``step``: of an agreement, in codes and instants."""

message_readers = Table(
    "message_readers",
    metadata,
    Column("message", ForeignKey("messages.id"), primary_key=True),
    Column("organisation", Text, primary_key=True),
    Column("desk", Text, primary_key=True),
    Column("episode", ForeignKey("episodes.id"), nullable=False, index=True),
    Column("ordinal", Integer, nullable=False),
    Column("roles", Strings, nullable=False),
    Column("because", Text, nullable=False),
)
"""Who reads a message, its author's own desk too: nobody else ever does."""

message_files = Table(
    "message_files",
    metadata,
    Column("id", Text, primary_key=True),
    Column("message", ForeignKey("messages.id"), nullable=False, index=True),
    Column("episode", ForeignKey("episodes.id"), nullable=False, index=True),
    Column("child", Text, nullable=False),
    Column("ordinal", Integer, nullable=False),
    Column("media_type", Text, nullable=False),
    Column("size", Integer, nullable=False),
    Column("data", LargeBinary, nullable=False),
)
