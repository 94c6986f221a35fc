"""How Alembic runs our migrations: on the connection that ``curve_table.py`` hands in."""

from __future__ import annotations

from alembic import context

from tuner.storage.sql.curve_table import VERSION_TABLE

context.configure(
    connection=context.config.attributes["connection"],
    version_table=VERSION_TABLE,
    transactional_ddl=False,  # the transaction is begun and ended where the lock is taken
)
context.run_migrations()
