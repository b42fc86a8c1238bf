"""Pick-up: what the page of a delivery is found by, and who asked for a code.

Revision ID: 0007
Revises: 0006
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_WAITING = sa.text("pickup_digest IS NOT NULL")


def upgrade() -> None:
    op.add_column("deliveries", sa.Column("pickup_digest", sa.LargeBinary()))
    op.create_index(
        "ix_deliveries_pickup_digest",
        "deliveries",
        ["pickup_digest"],
        unique=True,
        sqlite_where=_WAITING,
        postgresql_where=_WAITING,
    )
    op.create_table(
        "pickup_visits",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("delivery", sa.Text(), nullable=False),
        sa.Column("organisation", sa.Text()),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.Column("browser", sa.LargeBinary(), nullable=False),
        sa.Column("code", sa.LargeBinary(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("opened_at", sa.BigInteger()),
        sa.Column("viewed_at", sa.BigInteger()),
        sa.ForeignKeyConstraint(["delivery"], ["deliveries.id"], name=op.f("fk_pickup_visits_delivery")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pickup_visits")),
        sa.UniqueConstraint("browser", name=op.f("uq_pickup_visits_browser")),
    )
    op.create_index(op.f("ix_pickup_visits_delivery"), "pickup_visits", ["delivery"])


def downgrade() -> None:
    op.drop_table("pickup_visits")
    op.drop_index("ix_deliveries_pickup_digest", table_name="deliveries")
    op.drop_column("deliveries", "pickup_digest")
