"""Which revision of the facts an episode ended with: what was told with the end, or after it, is not overtaken by it.

Revision ID: 0035
Revises: 0034
"""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("episodes", sa.Column("ended_revision", sa.Integer()))
