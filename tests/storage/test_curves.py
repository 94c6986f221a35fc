"""Curves in a table of our own, which Optuna's commands ignore."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import optuna
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from optuna.storages import RDBStorage
from processes import program
from servers import EVERY_BACKEND

from tuner.errors import StorageError, UnknownNameError
from tuner.storage.curves import pack, unpack
from tuner.storage.database import Database
from tuner.storage.sql import curve_table
from tuner.storage.sql.curve_table import CurvesModel

Open = Callable[..., Database]
LOGGED = [{"loss": 1.0, "val_loss": 2.0}, {"loss": 0.5, "val_loss": float("inf"), "lr": 0.1}]
FLOATS = st.floats(width=32)


def study_of(database: Database) -> optuna.Study:
    return optuna.create_study(storage=database.storage, study_name="s", load_if_exists=True)


def store(database: Database) -> int:
    """Stores a trial with curves; returns its number."""
    study = study_of(database)
    trial = study.ask()
    with database.together():
        database.write_curves(trial._trial_id, LOGGED)
        study.tell(trial, 1.0)
    return trial.number


def rows(database: Database) -> int:
    with database.storage.reading() as connection:
        return connection.scalar(sa.select(sa.func.count(CurvesModel.trial_id))) or 0


@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.dictionaries(st.sampled_from(["loss", "val_loss", "größe"]), FLOATS), min_size=1)
)
def test_unpack_reverses_pack(logged: list[dict[str, float]]) -> None:
    curves = unpack(**pack(logged))
    assert set(curves) == {name for logs in logged for name in logs}
    for name, values in curves.items():
        expected = [logs.get(name, float("nan")) for logs in logged]
        np.testing.assert_array_equal(values, np.array(expected, np.float32))


@pytest.mark.parametrize("url", EVERY_BACKEND, indirect=True)
def test_curves_are_written_and_read(open_database: Open) -> None:
    database = open_database()
    number = store(database)
    curves = open_database(must_exist=True).curves(study_of(database), number)
    assert list(curves) == ["loss", "val_loss", "lr"]
    assert curves["loss"].tolist() == [1.0, 0.5]
    assert curves["val_loss"].tolist() == [2.0, float("inf")]
    assert np.isnan(curves["lr"][0])
    assert curves["loss"].dtype == np.float32


@pytest.mark.parametrize("url", EVERY_BACKEND, indirect=True)
def test_a_later_attempt_replaces_the_curves_of_an_earlier_one(open_database: Open) -> None:
    database = open_database()
    trial = study_of(database).ask()
    database.write_curves(trial._trial_id, LOGGED)
    database.write_curves(trial._trial_id, LOGGED[:1])
    database.write_curves(trial._trial_id, [])
    assert database.curves(study_of(database), 0)["loss"].tolist() == [1.0]


@pytest.mark.parametrize("url", EVERY_BACKEND, indirect=True)
def test_curves_are_empty_where_none_are_stored(open_database: Open) -> None:
    database = open_database()
    study = study_of(database)
    study.ask()
    assert database.curves(study, 0) == {}
    with pytest.raises(UnknownNameError, match="s has no trial 1; see: tuner trials s"):
        database.curves(study, 1)


def test_reading_creates_no_table(url: str, open_database: Open) -> None:
    plain = RDBStorage(url)
    study = optuna.create_study(storage=plain, study_name="s")
    study.tell(study.ask(), 1.0)
    reader = open_database(must_exist=True)
    assert reader.curves(reader.study("s"), 0) == {}
    assert not sa.inspect(plain.engine).has_table("tuner_curves")
    number = store(open_database())
    assert list(reader.curves(reader.study("s"), number)) == ["loss", "val_loss", "lr"]
    plain.engine.dispose()


def test_model_equals_the_migrated_table(open_database: Open) -> None:
    def ours(_object: object, name: str | None, kind: str, *_: object) -> bool:
        return kind != "table" or str(name).startswith("tuner_curves")

    with open_database().storage.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_object": ours})
        assert compare_metadata(context, CurvesModel.metadata) == []
    script = ScriptDirectory(str(Path(curve_table.__file__).with_name("migrations")))
    assert script.get_current_head() == curve_table.HEAD


def test_both_versions_are_kept_apart(url: str, open_database: Open) -> None:
    database = open_database()
    plain = RDBStorage(url)
    versions = {"alembic_version": plain.get_head_version()}
    plain.engine.dispose()
    with database.storage.reading() as connection:
        for table, version in (versions | {curve_table.VERSION_TABLE: curve_table.HEAD}).items():
            assert connection.scalar(sa.text(f"SELECT version_num FROM {table}")) == version


def test_tables_of_a_newer_tuner_are_refused(open_database: Open) -> None:
    database = open_database()
    with database.storage.engine.begin() as connection:
        connection.execute(sa.text(f"UPDATE {curve_table.VERSION_TABLE} SET version_num = '9999'"))
    with pytest.raises(StorageError, match="tables are of a newer version of tuner; upgrade"):
        open_database()
    open_database(must_exist=True)


_OPEN = """
import sys
from tuner.storage.database import Database
print("ready", flush=True)
sys.stdin.readline()
database = Database(sys.argv[1])
database.upgrade()
database.close()
"""


@pytest.mark.slow
def test_several_processes_upgrade_an_old_database_together(url: str) -> None:
    plain = RDBStorage(url)
    plain.engine.dispose()
    pipe = subprocess.PIPE
    words = [sys.executable, "-W", "error", "-c", _OPEN, url]
    everyone = [
        subprocess.Popen(words, stdin=pipe, stdout=pipe, stderr=pipe, text=True) for _ in range(4)
    ]
    for process in everyone:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
    for process in everyone:
        assert process.stdin
        process.stdin.write("now\n")
        process.stdin.flush()
    assert [process.communicate(timeout=60)[1] for process in everyone] == ["", "", "", ""]


@pytest.mark.slow
def test_optunas_command_deletes_a_study_with_its_curves(
    url: str, open_database: Open, tmp_path: Path
) -> None:
    database = open_database()
    store(database)
    optuna.create_study(storage=database.storage, study_name="other")
    assert rows(database) == 1
    words = [*program("optuna"), "delete-study", "--study-name", "s", "--storage", url]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert database.study_names() == ["other"]
    assert rows(database) == 0
    number = study_of(database).ask().number  # SQLite gives it the deleted trial's identifier
    assert open_database().curves(study_of(database), number) == {}


def test_delete_study_deletes_its_curves(open_database: Open) -> None:
    database = open_database()
    store(database)
    optuna.delete_study(study_name="s", storage=database.storage)
    assert rows(database) == 0
