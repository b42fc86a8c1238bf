"""Whose a child is, once a desk has said that it is not theirs.

Revision ID: 0029
Revises: 0028
"""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "resolutions",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("episode", sa.Text(), nullable=False),
        sa.Column("child", sa.Text(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("desk", sa.Text(), nullable=False),
        sa.Column("roles", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("due_at", sa.BigInteger()),
        sa.Column("late", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("settled_by", sa.Text()),
        sa.Column("message", sa.Text()),
        sa.ForeignKeyConstraint(["episode"], ["episodes.id"], name=op.f("fk_resolutions_episode")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_resolutions")),
    )
    op.create_index(op.f("ix_resolutions_episode"), "resolutions", ["episode"])
    op.create_index(op.f("ix_resolutions_state"), "resolutions", ["state"])
    op.create_table(
        "resolution_steps",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("resolution", sa.Text(), nullable=False),
        sa.Column("episode", sa.Text(), nullable=False),
        sa.Column("child", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("organisation", sa.Text()),
        sa.Column("notice", sa.Text()),
        sa.Column("answer", sa.Text()),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("name", sa.LargeBinary()),
        sa.Column("text", sa.LargeBinary()),
        sa.ForeignKeyConstraint(["resolution"], ["resolutions.id"], name=op.f("fk_resolution_steps_resolution")),
        sa.ForeignKeyConstraint(["episode"], ["episodes.id"], name=op.f("fk_resolution_steps_episode")),
        sa.ForeignKeyConstraint(["notice"], ["notices.id"], name=op.f("fk_resolution_steps_notice")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_resolution_steps")),
    )
    op.create_index(op.f("ix_resolution_steps_resolution"), "resolution_steps", ["resolution"])
    op.create_index(op.f("ix_resolution_steps_episode"), "resolution_steps", ["episode"])
    op.create_index(op.f("ix_resolution_steps_notice"), "resolution_steps", ["notice"])
