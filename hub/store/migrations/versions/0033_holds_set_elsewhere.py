"""Which number a deed of the police has at the hub that told of it.

Revision ID: 0033
Revises: 0032
"""

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("police_holds", sa.Column("there", sa.Integer(), nullable=True))
