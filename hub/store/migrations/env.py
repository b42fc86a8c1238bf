"""Alembic's entry: runs on the connection, and in the transaction, that hub/store/migrate.py hands over."""

from importlib import import_module

from alembic import context

from hub.store.tables import metadata

import_module("hub.store.unit")  # and with it the tables of every subject, which are in one metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
