"""Ways, chases and receipts: what a delivery is for and carries, when a notice is chased, what came back.

What was sent before this is not chased: nobody was promised it, and its deliveries have no receipt tokens.

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_LIVE = sa.text("state = 'due' OR state = 'leased'")
_WAITING = sa.text("chase_at IS NOT NULL")
_REPORTED = sa.text("receipt_digest IS NOT NULL")
_REFERRED = sa.text("provider_reference IS NOT NULL")
_APART = sa.text("delivery IS NULL")
_LOOSE = sa.text("chase_at IS NULL AND state NOT IN ('acknowledged', 'withheld', 'held', 'superseded')")
_ADRIFT = sa.text("state = 'sending'")
_ABOUT = sa.text("notice IS NOT NULL")
_FAILED = sa.text("state = 'failed'")


def upgrade() -> None:
    op.create_index("ix_events_episode", "events", ["episode", "arrived_at"])
    op.add_column("notices", sa.Column("urgent", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("notices", sa.Column("chase_at", sa.BigInteger()))
    op.create_index(
        "ix_notices_chasing",
        "notices",
        ["chase_at", "id"],
        sqlite_where=_WAITING,
        postgresql_where=_WAITING,
    )
    op.create_index("ix_notices_loose", "notices", ["state_at"], sqlite_where=_LOOSE, postgresql_where=_LOOSE)
    op.create_index(op.f("ix_notices_decision"), "notices", ["decision"])
    op.create_index("ix_attempts_adrift", "attempts", ["delivery"], sqlite_where=_ADRIFT, postgresql_where=_ADRIFT)
    op.create_index("ix_alarms_notice", "alarms", ["notice"], sqlite_where=_ABOUT, postgresql_where=_ABOUT)
    op.add_column("deliveries", sa.Column("purpose", sa.Text(), nullable=False, server_default="notice"))
    op.add_column("deliveries", sa.Column("carries", sa.Text(), nullable=False, server_default="content"))
    op.add_column("deliveries", sa.Column("line", sa.LargeBinary()))
    op.add_column("deliveries", sa.Column("jumps", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("deliveries", sa.Column("destination", sa.LargeBinary()))
    op.add_column("deliveries", sa.Column("receipt_digest", sa.LargeBinary()))
    op.add_column("deliveries", sa.Column("redriven_after", sa.Integer(), nullable=False, server_default="0"))
    op.create_index("ix_deliveries_failed", "deliveries", ["id"], sqlite_where=_FAILED, postgresql_where=_FAILED)
    op.create_index("ix_deliveries_line", "deliveries", ["line"], sqlite_where=_LIVE, postgresql_where=_LIVE)
    op.create_index(
        "ix_deliveries_receipt_digest",
        "deliveries",
        ["receipt_digest"],
        unique=True,
        sqlite_where=_REPORTED,
        postgresql_where=_REPORTED,
    )
    op.create_index(
        "ix_attempts_provider_reference",
        "attempts",
        ["provider_reference"],
        sqlite_where=_REFERRED,
        postgresql_where=_REFERRED,
    )
    op.create_table(
        "receipts",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("arrived_at", sa.BigInteger(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text()),
        sa.Column("at", sa.BigInteger()),
        sa.Column("delivery", sa.Text()),
        sa.Column("attempt", sa.Integer()),
        sa.Column("child", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["delivery"], ["deliveries.id"], name=op.f("fk_receipts_delivery")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_receipts")),
    )
    op.create_index(op.f("ix_receipts_delivery"), "receipts", ["delivery"])
    op.create_index("ix_receipts_apart", "receipts", ["arrived_at"], sqlite_where=_APART, postgresql_where=_APART)


def downgrade() -> None:
    op.drop_table("receipts")
    op.drop_index("ix_attempts_provider_reference", table_name="attempts")
    op.drop_index("ix_deliveries_receipt_digest", table_name="deliveries")
    op.drop_index("ix_deliveries_line", table_name="deliveries")
    op.drop_index("ix_deliveries_failed", table_name="deliveries")
    for column in ("redriven_after", "receipt_digest", "destination", "jumps", "line", "carries", "purpose"):
        op.drop_column("deliveries", column)
    op.drop_index("ix_alarms_notice", table_name="alarms")
    op.drop_index("ix_attempts_adrift", table_name="attempts")
    op.drop_index(op.f("ix_notices_decision"), table_name="notices")
    op.drop_index("ix_notices_loose", table_name="notices")
    op.drop_index("ix_notices_chasing", table_name="notices")
    op.drop_column("notices", "chase_at")
    op.drop_column("notices", "urgent")
    op.drop_index("ix_events_episode", table_name="events")
