"""The tables of agreements: who proposed what to whom, and who answered, in codes and instants only. What anybody wrote
to it, and their name, is in the messages (conversation_tables.py)."""

from sqlalchemy import Column, ForeignKey, Table, Text

from hub.store.tables import metadata
from hub.store.types import Instant, Strings

agreements = Table(
    "agreements",
    metadata,
    Column("id", Text, primary_key=True),
    Column("episode", ForeignKey("episodes.id"), nullable=False, index=True),
    Column("thread", ForeignKey("threads.id"), nullable=False),
    Column("message", ForeignKey("messages.id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("does_it", Strings, nullable=False),
    Column("when_at", Instant),
    Column("deadline", Instant, nullable=False),
    Column("proposer", Strings, nullable=False),
    Column("asked", Strings, nullable=False),
    Column("actor", Text, nullable=False),
    Column("proposed_at", Instant, nullable=False),
    Column("replaces", Text),
    Column("lapsed_at", Instant),
)
"""A party is its organisation and its desk, one after the other; ``asked`` holds several of them."""

agreement_answers = Table(
    "agreement_answers",
    metadata,
    Column("agreement", ForeignKey("agreements.id"), primary_key=True),
    Column("organisation", Text, primary_key=True),
    Column("desk", Text, primary_key=True),
    Column("episode", ForeignKey("episodes.id"), nullable=False, index=True),
    Column("said", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("actor", Text, nullable=False),
    Column("message", ForeignKey("messages.id"), nullable=False),
)
