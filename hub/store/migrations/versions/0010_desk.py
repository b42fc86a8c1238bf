"""The desk: who reads for which desks, and an organisation's notices in the order in which they were made.

Revision ID: 0010
Revises: 0009
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "desk_readers",
        sa.Column("user", sa.Text(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("desks", sa.Text(), nullable=False),
        sa.Column("given_at", sa.BigInteger(), nullable=False),
        sa.Column("given_by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["user"], ["users.id"], name=op.f("fk_desk_readers_user")),
        sa.PrimaryKeyConstraint("user", name=op.f("pk_desk_readers")),
    )
    op.create_index("ix_notices_organisation", "notices", ["organisation", "id"])


def downgrade() -> None:
    op.drop_index("ix_notices_organisation", "notices")
    op.drop_table("desk_readers")
