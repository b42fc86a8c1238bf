"""Changes to the directory: who asked, who agreed, which entries.

The versions before this have no change on record: they were imported by the operator.

Revision ID: 0006
Revises: 0005
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_WAITING = sa.text("state = 'waiting'")


def upgrade() -> None:
    op.create_table(
        "directory_changes",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text()),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("how", sa.Text()),
        sa.Column("base", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer()),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.Column("proposed_at", sa.BigInteger(), nullable=False),
        sa.Column("proposed_by", sa.Text(), nullable=False),
        sa.Column("person", sa.Text()),
        sa.Column("decided_at", sa.BigInteger()),
        sa.Column("decided_by", sa.Text()),
        sa.Column("people", sa.LargeBinary(), nullable=False),
        sa.Column("differences", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_directory_changes")),
        sa.UniqueConstraint("version", name=op.f("uq_directory_changes_version")),
    )
    op.create_index(op.f("ix_directory_changes_organisation"), "directory_changes", ["organisation"])
    op.create_index(
        "ix_directory_changes_waiting",
        "directory_changes",
        ["proposed_at"],
        sqlite_where=_WAITING,
        postgresql_where=_WAITING,
    )
    op.create_table(
        "directory_change_entries",
        sa.Column("change", sa.Text(), nullable=False),
        sa.Column("ordinal", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("entry", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["change"], ["directory_changes.id"], name=op.f("fk_directory_change_entries_change")),
        sa.PrimaryKeyConstraint("change", "ordinal", "organisation", name=op.f("pk_directory_change_entries")),
    )
    op.create_index(op.f("ix_directory_change_entries_entry"), "directory_change_entries", ["entry"])
    op.create_index("ix_directory_change_entries_organisation", "directory_change_entries", ["organisation", "change"])


def downgrade() -> None:
    op.drop_table("directory_change_entries")
    op.drop_table("directory_changes")
