"""Since when a child's time has been up, when it is erased and when it was; legal holds.

Revision ID: 0017
Revises: 0016
"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for column in ("announced_at", "erasing_at", "erased_at"):
        op.add_column("children", sa.Column(column, sa.BigInteger()))
    op.create_table(
        "legal_holds",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("child", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("reason", sa.LargeBinary(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("lifted_at", sa.BigInteger()),
        sa.Column("lifted_by", sa.Text()),
        sa.ForeignKeyConstraint(["child"], ["children.id"], name=op.f("fk_legal_holds_child")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_legal_holds")),
    )
    op.create_index(
        "ix_legal_holds_standing",
        "legal_holds",
        ["child"],
        sqlite_where=sa.text("lifted_at IS NULL"),
        postgresql_where=sa.text("lifted_at IS NULL"),
    )


def downgrade() -> None:
    op.drop_table("legal_holds")
    with op.batch_alter_table("children") as table:
        for column in ("erased_at", "erasing_at", "announced_at"):
            table.drop_column(column)
