"""Endpoints that nothing more goes to, and what text messages that come back are found by.

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_ANSWERED = sa.text("reply_digest IS NOT NULL")


def upgrade() -> None:
    op.add_column("deliveries", sa.Column("reply_digest", sa.LargeBinary()))
    op.create_index(
        "ix_deliveries_reply_digest",
        "deliveries",
        ["reply_digest"],
        sqlite_where=_ANSWERED,
        postgresql_where=_ANSWERED,
    )
    op.create_table(
        "closed_endpoints",
        sa.Column("contact", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("organisation", sa.Text()),
        sa.Column("address", sa.LargeBinary(), nullable=False),
        sa.Column("closed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("contact", name=op.f("pk_closed_endpoints")),
    )


def downgrade() -> None:
    op.drop_table("closed_endpoints")
    op.drop_index("ix_deliveries_reply_digest", table_name="deliveries")
    op.drop_column("deliveries", "reply_digest")
