"""What was sent to an organisation is found in its order.

Revision ID: 0030
Revises: 0029
"""

from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_deliveries_organisation", "deliveries", ["organisation", "id"])
