"""The tables of the search index: keyed hashes of what a child is found by, for each organisation its own."""

from sqlalchemy import Column, ForeignKey, Index, Integer, LargeBinary, Table, Text

from hub.store.tables import metadata
from hub.store.types import Instant

search_marks = Table(
    "search_marks",
    metadata,
    Column("organisation", Text, primary_key=True),
    Column("episode", ForeignKey("episodes.id"), primary_key=True),
    Column("marks", LargeBinary, nullable=False),
)
"""``organisation``: who may find the episode so: those that were told of it at a desk, and whose it is; ``source ID``
where nobody is known. ``marks``: keyed hashes, 16 bytes each, one behind the other, under keys of this organisation and
of what they are hashes of (hub/core/search.py): the same name with two organisations is two marks.

A row an episode and not a row a mark: marks are random, so each would be written to a page of its own, and an event
would wait for them all. A search goes through the rows of one organisation, a million of which take a second."""
Index("ix_search_marks_episode", search_marks.c.episode)

search_progress = Table(
    "search_progress",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("after", Text, nullable=False),
    Column("done_at", Instant),
)
"""One row: up to which episode those from before the index are in it."""

search_left = Table(
    "search_left",
    metadata,
    Column("episode", ForeignKey("episodes.id"), primary_key=True),
    Column("tried_at", Instant, nullable=False, index=True),
)
"""Of those from before, the ones that did not open: they are tried again, and until then the index is not whole."""
