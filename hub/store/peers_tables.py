"""The table of other hubs."""

from sqlalchemy import Column, ForeignKey, Integer, LargeBinary, Table, Text

from hub.store.tables import metadata
from hub.store.types import Instant

peers = Table(
    "peers",
    metadata,
    Column("hub", Text, primary_key=True),
    Column("state", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("issuer", Text, nullable=False, index=True),
    Column("introduced_at", Instant, nullable=False),
    Column("changed_at", Instant, nullable=False),
    Column("document", LargeBinary, nullable=False),
    Column("put_by", LargeBinary, nullable=False),
    Column("organisations", LargeBinary),
)
"""``document``: what it says of itself, as it came; ``put_by``: a name; ``organisations``: for which of those here it
may send notices. All are sealed, so that whoever can write to the database cannot put in another's keys."""

peer_posts = Table(
    "peer_posts",
    metadata,
    Column("id", Text, primary_key=True),
    Column("hub", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("episode", ForeignKey("episodes.id"), nullable=False, index=True),
    Column("line", Text, nullable=False, index=True),
    Column("made_at", Instant, nullable=False),
    Column("due_at", Instant, index=True),
    Column("tries", Integer, nullable=False),
    Column("outcome", Text),
    Column("answer", Text),
)
"""What goes back to the hub that an episode came from; ``id``: of the answer or message that it tells of, where what it
says stands. One is sent after what was made before it in the same ``line``. ``due_at`` is none once it is settled.
``answer``: what the other hub said of a step of an agreement."""
