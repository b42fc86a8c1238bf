"""The audit chain: a place for each line, checkpoints, and triggers that refuse what the hub itself never does.

The triggers are a second line: whoever owns the database can drop them. What was changed then is found by the chain.

Revision ID: 0015
Revises: 0014
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_KEPT = ("id", "at", "actor", "action", "organisation", "episode", "subject", "detail")


def upgrade() -> None:
    op.add_column("audit", sa.Column("number", sa.BigInteger()))
    op.add_column("audit", sa.Column("link", sa.LargeBinary()))
    op.create_index("uq_audit_number", "audit", ["number"], unique=True, **_where("number IS NOT NULL"))
    op.create_index("ix_audit_unlinked", "audit", ["id"], **_where("number IS NULL"))
    op.create_index(
        "ix_audit_organisation", "audit", ["organisation", "at", "id"], **_where("organisation IS NOT NULL")
    )
    op.create_index("ix_audit_episode", "audit", ["episode", "at", "id"], **_where("episode IS NOT NULL"))
    op.create_index("ix_audit_actor", "audit", ["actor", "at", "id"])
    op.create_table(
        "audit_checkpoints",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hub", sa.Text(), nullable=False),
        sa.Column("link", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_audit_checkpoints")),
    )
    op.create_table(
        "audit_places",
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("place", name=op.f("pk_audit_places")),
    )
    for statement in _guards(postgresql=op.get_bind().dialect.name == "postgresql"):
        op.execute(statement)


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        for table in ("audit", "audit_checkpoints"):
            for name in (f"{table}_stays", f"{table}_is_kept", f"{table}_is_not_emptied"):
                op.execute(f"DROP TRIGGER {name} ON {table}")
        op.execute("DROP FUNCTION audit_refused()")
    else:
        for table in ("audit", "audit_checkpoints"):
            op.execute(f"DROP TRIGGER {table}_stays")
            op.execute(f"DROP TRIGGER {table}_is_kept")
    op.drop_table("audit_places")
    op.drop_table("audit_checkpoints")
    for name in ("uq_audit_number", "ix_audit_unlinked", "ix_audit_organisation", "ix_audit_episode", "ix_audit_actor"):
        op.drop_index(name, "audit")
    with op.batch_alter_table("audit") as batch:
        batch.drop_column("link")
        batch.drop_column("number")


def _where(condition: str) -> dict[str, Any]:
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}


def _guards(*, postgresql: bool) -> list[str]:
    """A line is given its number and link once, together; nothing else changes, and nothing goes."""
    differs = "IS DISTINCT FROM" if postgresql else "IS NOT"
    changed = " OR ".join(f"NEW.{name} {differs} OLD.{name}" for name in _KEPT)
    wrong = f"OLD.number IS NOT NULL OR NEW.number IS NULL OR NEW.link IS NULL OR {changed}"
    if not postgresql:
        refused = "BEGIN SELECT RAISE(ABORT, 'the audit log is only added to'); END"
        return [
            f"CREATE TRIGGER audit_stays BEFORE UPDATE ON audit WHEN {wrong} {refused}",
            f"CREATE TRIGGER audit_is_kept BEFORE DELETE ON audit {refused}",
            f"CREATE TRIGGER audit_checkpoints_stays BEFORE UPDATE ON audit_checkpoints {refused}",
            f"CREATE TRIGGER audit_checkpoints_is_kept BEFORE DELETE ON audit_checkpoints {refused}",
        ]
    refuse = "EXECUTE FUNCTION audit_refused()"
    return [
        "CREATE FUNCTION audit_refused() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the audit log is only added to'; END $$",
        f"CREATE TRIGGER audit_stays BEFORE UPDATE ON audit FOR EACH ROW WHEN ({wrong}) {refuse}",
        f"CREATE TRIGGER audit_is_kept BEFORE DELETE ON audit FOR EACH ROW {refuse}",
        f"CREATE TRIGGER audit_is_not_emptied BEFORE TRUNCATE ON audit FOR EACH STATEMENT {refuse}",
        f"CREATE TRIGGER audit_checkpoints_stays BEFORE UPDATE ON audit_checkpoints FOR EACH ROW {refuse}",
        f"CREATE TRIGGER audit_checkpoints_is_kept BEFORE DELETE ON audit_checkpoints FOR EACH ROW {refuse}",
        "CREATE TRIGGER audit_checkpoints_is_not_emptied BEFORE TRUNCATE ON audit_checkpoints FOR EACH STATEMENT "
        + refuse,
    ]
