"""What failed is looked up by whose it is.

Revision ID: 0034
Revises: 0033
"""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    failed = sa.text("state = 'failed'")
    op.create_index(
        "ix_deliveries_failed_organisation",
        "deliveries",
        ["organisation", "id"],
        sqlite_where=failed,
        postgresql_where=failed,
    )
