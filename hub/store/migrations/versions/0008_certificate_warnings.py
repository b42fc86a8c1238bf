"""Assurance: who was warned that a certificate ends, each step once.

Revision ID: 0008
Revises: 0007
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "certificate_warnings",
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("step", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("warned_at", sa.BigInteger(), nullable=False),
        sa.Column("alarm", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("subject", "fingerprint", "step", name=op.f("pk_certificate_warnings")),
    )


def downgrade() -> None:
    op.drop_table("certificate_warnings")
