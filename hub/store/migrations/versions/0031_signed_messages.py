"""When a message of another hub came, and what its sender signed.

Revision ID: 0031
Revises: 0030
"""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("messages", sa.Column("arrived_at", sa.BigInteger(), nullable=True))
    op.add_column("messages", sa.Column("signed", sa.LargeBinary(), nullable=True))
