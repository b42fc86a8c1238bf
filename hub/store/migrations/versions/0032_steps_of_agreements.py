"""The steps of agreements between two hubs, and what the other said of each.

Revision ID: 0032
Revises: 0031
"""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("messages", sa.Column("step", sa.Text(), nullable=True))
    op.add_column("peer_posts", sa.Column("answer", sa.Text(), nullable=True))
