"""What a year of a country would make slow is found by indexes of the few rows it is about.

Revision ID: 0022
Revises: 0021
"""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

INDEXES = (
    ("ix_episodes_living", "episodes", ["id"], "state IN ('open', 'found')"),
    ("ix_notices_unanswered", "notices", ["organisation", "id"],
     "state NOT IN ('acknowledged', 'withheld', 'held', 'superseded')"),
    ("ix_register_entries_kept", "register_entries", ["organisation", "received_at", "id"], "removed_at IS NULL"),
    ("ix_register_entries_removed", "register_entries", ["organisation", "received_at", "id"],
     "removed_at IS NOT NULL"),
    ("ix_attempts_refused", "attempts", ["finished_at"], "state = 'permanent_failure'"),
)  # fmt: skip


def upgrade() -> None:
    for name, table, columns, condition in INDEXES:
        where = sa.text(condition)
        op.create_index(name, table, columns, sqlite_where=where, postgresql_where=where)
