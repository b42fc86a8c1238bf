"""The register of one organisation is found by an index.

Revision ID: 0002
Revises: 0001
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(op.f("ix_register_entries_organisation"), "register_entries", ["organisation"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_register_entries_organisation"), table_name="register_entries")
