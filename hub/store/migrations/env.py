"""Alembic's entry: runs on the connection, and in the transaction, that hub/store/migrate.py hands over."""

from alembic import context

from hub.store import accounts_tables as _accounts_tables  # noqa: F401  the tables of each subject are in one metadata
from hub.store import assurance_tables as _assurance_tables  # noqa: F401
from hub.store import desk_tables as _desk_tables  # noqa: F401
from hub.store import drafts_tables as _drafts_tables  # noqa: F401
from hub.store import news_tables as _news_tables  # noqa: F401
from hub.store import providers_tables as _providers_tables  # noqa: F401
from hub.store import uploads_tables as _uploads_tables  # noqa: F401
from hub.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
