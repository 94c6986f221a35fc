"""How Alembic runs our migrations: on the connection that ``curve_tables.py`` hands in."""

from __future__ import annotations

from alembic import context

from tuner.storage.curve_tables import VERSION_TABLE

context.configure(
    connection=context.config.attributes["connection"],
    version_table=VERSION_TABLE,
    transactional_ddl=False,  # the transaction is begun and ended where the lock is taken
)
context.run_migrations()
