"""Directories that somebody handed over to be imported, until they are in force.

Revision ID: 0012
Revises: 0011
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "directory_uploads",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("part", sa.Text()),
        sa.Column("seen", sa.Integer(), nullable=False),
        sa.Column("uploaded_at", sa.BigInteger(), nullable=False),
        sa.Column("change", sa.Text()),
        sa.Column("confirmed_at", sa.BigInteger()),
        sa.Column("file", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_directory_uploads")),
    )
    op.create_index(op.f("ix_directory_uploads_by"), "directory_uploads", ["by"])
    op.create_index(op.f("ix_directory_uploads_uploaded_at"), "directory_uploads", ["uploaded_at"])


def downgrade() -> None:
    op.drop_table("directory_uploads")
