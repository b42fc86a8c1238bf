"""Proof of life: which contacts have shown that they work, and when each was asked.

Revision ID: 0009
Revises: 0008
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "verifications",
        sa.Column("mark", sa.LargeBinary(), nullable=False),
        sa.Column("place", sa.LargeBinary(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("contact", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("token_digest", sa.LargeBinary(), nullable=False),
        sa.Column("receipt_digest", sa.LargeBinary(), nullable=False),
        sa.Column("reply_digest", sa.LargeBinary()),
        sa.Column("since", sa.BigInteger()),
        sa.Column("asks", sa.Integer(), nullable=False),
        sa.Column("asked_at", sa.BigInteger()),
        sa.Column("proved_at", sa.BigInteger()),
        sa.Column("failed_at", sa.BigInteger()),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("next_at", sa.BigInteger(), nullable=False),
        sa.Column("provider_reference", sa.Text()),
        sa.Column("alarm", sa.Text()),
        sa.Column("gone_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("mark", name=op.f("pk_verifications")),
        sa.UniqueConstraint("id", name=op.f("uq_verifications_id")),
        sa.UniqueConstraint("token_digest", name=op.f("uq_verifications_token_digest")),
        sa.UniqueConstraint("receipt_digest", name=op.f("uq_verifications_receipt_digest")),
    )
    for column in ("place", "reply_digest", "next_at", "provider_reference"):
        op.create_index(op.f(f"ix_verifications_{column}"), "verifications", [column])


def downgrade() -> None:
    op.drop_table("verifications")
