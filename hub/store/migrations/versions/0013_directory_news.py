"""News of changes to the directory: who has to hear of one, and when it is tried.

Revision ID: 0013
Revises: 0012
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "directory_news",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("change", sa.Text(), nullable=False),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("user", sa.Text()),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("address", sa.LargeBinary()),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("ended_at", sa.BigInteger()),
        sa.Column("came_to", sa.Text()),
        sa.Column("token_digest", sa.LargeBinary()),
        sa.Column("confirmed_at", sa.BigInteger()),
        sa.ForeignKeyConstraint(["change"], ["directory_changes.id"], name=op.f("fk_directory_news_change")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_directory_news")),
        sa.UniqueConstraint("token_digest", name=op.f("uq_directory_news_token_digest")),
    )
    unsettled = sa.text("ended_at IS NULL")
    op.create_index(
        "ix_directory_news_due", "directory_news", ["due_at"], sqlite_where=unsettled, postgresql_where=unsettled
    )
    op.create_index("ix_directory_news_change", "directory_news", ["change"])
    op.create_index("ix_directory_news_user", "directory_news", ["user", "ended_at"])


def downgrade() -> None:
    op.drop_table("directory_news")
