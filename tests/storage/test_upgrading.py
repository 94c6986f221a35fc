"""`tuner upgrade`: new databases, those of an older Optuna, those of a newer tuner."""

from __future__ import annotations

import alembic.command
import pytest
import sqlalchemy as sa
from optuna.storages import RDBStorage

from tuner.errors import StorageError
from tuner.storage.database import Database
from tuner.storage.upgrading import upgrade_all


def tables(url):
    engine = sa.create_engine(url)
    try:
        return set(sa.inspect(engine).get_table_names())
    finally:
        engine.dispose()


def test_upgrade_creates_all_tables_and_is_idempotent(url):
    assert upgrade_all(url) is False
    assert {"trials", "alembic_version", "tuner_curves", "tuner_alembic_version"} <= tables(url)
    assert upgrade_all(url) is False


def test_tables_of_an_older_optuna_are_upgraded(tmp_path, command):
    url = f"sqlite:///{tmp_path}/old.db"
    storage = RDBStorage(url)
    storage.create_new_study([1], "kept")
    manager = storage._version_manager
    # The step after it adds an index only, so that the tables are as they were then.
    alembic.command.stamp(manager._create_alembic_config(), "v3.0.0.d")
    storage.engine.dispose()
    with pytest.raises(StorageError, match="tuner upgrade"):
        Database(url)
    assert "brought to their newest form" in command("upgrade", "--storage", url).out
    assert "there, in their newest form" in command("upgrade", "--storage", url).out
    database = Database(url)
    assert database.study_names() == ["kept"]
    database.close()


def test_failed_upgrade_is_an_error_in_one_line(tmp_path, command):
    command("upgrade", "--storage", "nonsense").refused(2, "is not a database URL")
    command("upgrade", "--storage", "grpc://here:1").refused(2, "name the database itself")
    url = f"sqlite:///{tmp_path}/newer.db"
    upgrade_all(url)
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE tuner_alembic_version SET version_num = '9999'"))
    engine.dispose()
    command("upgrade", "--storage", url).refused(2, "of a newer version of tuner")
