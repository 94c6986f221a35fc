"""The table of curves, reads and copies; and how all our tables beside Optuna's are upgraded.

Alembic keeps their version in a table of its own name: ``alembic_version`` is Optuna's.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from optuna.trial import FrozenTrial
from sqlalchemy import orm

from tuner.errors import StorageError
from tuner.storage.curves import ATTR, Curves, from_attr, unpack
from tuner.storage.optuna_private import TRIALS, models

VERSION_TABLE = "tuner_alembic_version"
HEAD = "0002"
"""The newest file in ``migrations/versions``; a test compares them."""

_LOCK = 7_408_211  # any number, the same in every process


class _Base(orm.DeclarativeBase):
    pass


class CurvesModel(_Base):
    """The curves of one trial that has ended.

    Attributes:
        trial_id: The trial; deleting it deletes the row, whichever program does so.
        names: The logs, as a JSON list.
        epochs: How many epochs were run.
        packed: Little-endian float32 of shape (logs, epochs), compressed with zlib.
    """

    __tablename__ = "tuner_curves"

    trial_id: orm.Mapped[int] = orm.mapped_column(
        sa.ForeignKey(TRIALS.c.trial_id, ondelete="CASCADE"), primary_key=True
    )
    names: orm.Mapped[str] = orm.mapped_column(sa.Text)
    epochs: orm.Mapped[int]
    packed: orm.Mapped[bytes]


def read_curves(connection: sa.Connection, trial_id: int) -> Curves:
    """The curves of a trial; empty if none are stored."""
    if sa.inspect(connection).has_table(CurvesModel.__tablename__):
        columns = (CurvesModel.names, CurvesModel.epochs, CurvesModel.packed)
        query = sa.select(*columns).where(CurvesModel.trial_id == trial_id)
        row = connection.execute(query).one_or_none()
        if row is not None:
            return unpack(*row)
    attr = models.TrialSystemAttributeModel
    sent = sa.select(attr.value_json).where(attr.trial_id == trial_id, attr.key == ATTR)
    value_json = connection.scalar(sent)
    return {} if value_json is None else from_attr(json.loads(value_json))


def copy_curves(connection: sa.Connection, source: FrozenTrial, trial_id: int) -> None:
    """Gives a new trial the curves of the one that it was copied from, if that is in here.

    Args:
        connection: In a transaction.
        source: The trial as it was read, perhaps from another database.
        trial_id: Of its copy.
    """
    if not sa.inspect(connection).has_table(CurvesModel.__tablename__):
        return
    # A trial of another database may have the same identifier; its times differ.
    times = sa.select(TRIALS.c.datetime_start, TRIALS.c.datetime_complete)
    times = times.where(TRIALS.c.trial_id.in_((source._trial_id, trial_id)))
    first, *others = connection.execute(times).all()
    if others == [first]:
        columns = (CurvesModel.names, CurvesModel.epochs, CurvesModel.packed)
        curves = sa.select(sa.literal(trial_id), *columns)
        curves = curves.where(CurvesModel.trial_id == source._trial_id)
        names = [CurvesModel.trial_id, *columns]
        connection.execute(sa.insert(CurvesModel).from_select(names, curves))


def check_tables(engine: sa.Engine, shown: str) -> None:
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


def upgrade_tables(engine: sa.Engine, shown: str) -> None:
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
