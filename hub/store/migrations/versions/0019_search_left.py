"""The search index: episodes from before it that did not open when they were to be brought in.

Revision ID: 0019
Revises: 0018
"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "search_left",
        sa.Column("episode", sa.Text(), nullable=False),
        sa.Column("tried_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["episode"], ["episodes.id"], name=op.f("fk_search_left_episode")),
        sa.PrimaryKeyConstraint("episode", name=op.f("pk_search_left")),
    )
    op.create_index("ix_search_left_tried_at", "search_left", ["tried_at"])
