"""Runs the migrations in the transaction that `schema.upgrade` began."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
