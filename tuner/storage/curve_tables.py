"""Creates and upgrades the tables of our own, beside Optuna's in the same database.

Alembic keeps their version in a table of its own name: ``alembic_version`` is Optuna's.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError

from tuner.errors import StorageError

VERSION_TABLE = "tuner_alembic_version"
HEAD = "0001"
"""The newest file in ``migrations/versions``; a test compares them."""

_LOCK = 7_408_211  # any number, the same in every process


def check(engine: sa.Engine, shown: str) -> None:
    """Refuses tables of a version that is not known here; writes nothing.

    Raises:
        StorageError: The tables are of a newer version of tuner.
    """
    with engine.connect() as connection:
        version = _version(connection)
        if version is None or version == HEAD:
            return
        known = {
            step.revision
            for step in ScriptDirectory.from_config(_config(connection)).walk_revisions()
        }
    if version not in known:
        raise _of_newer_tuner(shown)


def upgrade(engine: sa.Engine, shown: str) -> None:
    """Brings our tables to their newest form; a single query when they have it.

    Args:
        engine: Of the database, with Optuna's tables.
        shown: The database, as errors name it.

    Raises:
        StorageError: The tables are of a newer version of tuner.
    """
    with engine.connect() as connection:
        if _version(connection) == HEAD:
            return
    with _alone(engine) as connection:
        if _version(connection) == HEAD:  # another process was faster
            return
        try:
            command.upgrade(_config(connection), "head")
        except CommandError as exc:
            raise _of_newer_tuner(shown) from exc


@contextmanager
def _alone(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A transaction in which no other process upgrades the same database."""
    if engine.name != "sqlite":
        with engine.begin() as connection:
            if engine.name == "postgresql":
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
            yield connection
        return
    # Python's driver begins a transaction before rows are written, not before a table is made.
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        try:
            yield connection
        except BaseException:
            connection.exec_driver_sql("ROLLBACK")
            raise
        connection.exec_driver_sql("COMMIT")


def _of_newer_tuner(shown: str) -> StorageError:
    return StorageError(
        f"storage {shown}: its tables are of a newer version of tuner; "
        "upgrade tuner with: pip install --upgrade tuner"
    )


def _version(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table(VERSION_TABLE):
        return None
    found = connection.scalar(sa.text(f"SELECT version_num FROM {VERSION_TABLE}"))
    return None if found is None else str(found)


def _config(connection: sa.Connection) -> Config:
    config = Config()
    folder = Path(__file__).with_name("migrations")
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
