"""Whether an earlier one to the same address waits is found by the index that has those in their order.

Revision ID: 0027
Revises: 0026
"""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

_LIVE = sa.text("state = 'due' OR state = 'leased'")


def upgrade() -> None:
    op.create_index(
        "ix_deliveries_in_line", "deliveries", ["line", "created_at"], sqlite_where=_LIVE, postgresql_where=_LIVE
    )
