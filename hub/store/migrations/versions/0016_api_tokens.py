"""API tokens in the ledger, with an end, two secrets while one is rotated, and their last use.

Revision ID: 0016
Revises: 0015
"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "api_tokens",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=True),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("person", sa.Text(), nullable=True),
        sa.Column("certificate", sa.LargeBinary(), nullable=True),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_tokens")),
    )
    for name, columns, where in (
        ("uq_api_tokens_own", ["organisation", "name"], "revoked_at IS NULL AND organisation IS NOT NULL"),
        ("uq_api_tokens_operators", ["name"], "revoked_at IS NULL AND organisation IS NULL"),
    ):
        op.create_index(
            name,
            "api_tokens",
            columns,
            unique=True,
            sqlite_where=sa.text(where),
            postgresql_where=sa.text(where),
        )
    op.create_table(
        "api_token_secrets",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=True),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.Column("warned", sa.Integer(), nullable=True),
        sa.Column("alarm", sa.Text(), nullable=True),
        sa.Column("over", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["token"], ["api_tokens.id"], name=op.f("fk_api_token_secrets_token")),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_api_token_secrets")),
    )
    op.create_index(op.f("ix_api_token_secrets_token"), "api_token_secrets", ["token"])
    op.create_index(
        "ix_api_token_secrets_ending",
        "api_token_secrets",
        ["ends_at"],
        sqlite_where=sa.text("NOT over"),
        postgresql_where=sa.text("NOT over"),
    )
    # A source may be bound to a client certificate as a token may.
    op.add_column("sources", sa.Column("certificate", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    op.drop_column("sources", "certificate")
    op.drop_table("api_token_secrets")
    op.drop_table("api_tokens")
