"""Which organisations another hub may send notices for, and what goes back to it.

Revision ID: 0028
Revises: 0027
"""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("peers", sa.Column("organisations", sa.LargeBinary(), nullable=True))
    op.create_table(
        "peer_posts",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("hub", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("episode", sa.Text(), nullable=False),
        sa.Column("line", sa.Text(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["episode"], ["episodes.id"], name=op.f("fk_peer_posts_episode_episodes")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_peer_posts")),
    )
    for column in ("due_at", "episode", "line"):
        op.create_index(op.f(f"ix_peer_posts_{column}"), "peer_posts", [column])
