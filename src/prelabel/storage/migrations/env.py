"""Runs migrations on the connection that `Database.migrate` hands over."""

from alembic import context

from prelabel.storage.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
