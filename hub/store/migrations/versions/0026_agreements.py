"""Agreements: what organisations propose to each other, and answer.

Revision ID: 0026
Revises: 0025
"""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "agreements",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("episode", sa.Text(), nullable=False),
        sa.Column("thread", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("does_it", sa.Text(), nullable=False),
        sa.Column("when_at", sa.BigInteger()),
        sa.Column("deadline", sa.BigInteger(), nullable=False),
        sa.Column("proposer", sa.Text(), nullable=False),
        sa.Column("asked", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("proposed_at", sa.BigInteger(), nullable=False),
        sa.Column("replaces", sa.Text()),
        sa.Column("lapsed_at", sa.BigInteger()),
        sa.ForeignKeyConstraint(["episode"], ["episodes.id"], name=op.f("fk_agreements_episode")),
        sa.ForeignKeyConstraint(["thread"], ["threads.id"], name=op.f("fk_agreements_thread")),
        sa.ForeignKeyConstraint(["message"], ["messages.id"], name=op.f("fk_agreements_message")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agreements")),
    )
    op.create_index(op.f("ix_agreements_episode"), "agreements", ["episode"])
    op.create_table(
        "agreement_answers",
        sa.Column("agreement", sa.Text(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("desk", sa.Text(), nullable=False),
        sa.Column("episode", sa.Text(), nullable=False),
        sa.Column("said", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["agreement"], ["agreements.id"], name=op.f("fk_agreement_answers_agreement")),
        sa.ForeignKeyConstraint(["episode"], ["episodes.id"], name=op.f("fk_agreement_answers_episode")),
        sa.ForeignKeyConstraint(["message"], ["messages.id"], name=op.f("fk_agreement_answers_message")),
        sa.PrimaryKeyConstraint("agreement", "organisation", "desk", name=op.f("pk_agreement_answers")),
    )
    op.create_index(op.f("ix_agreement_answers_episode"), "agreement_answers", ["episode"])
