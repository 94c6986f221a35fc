"""Databases of other programs and of other versions: looked at before anything is written."""

from __future__ import annotations

from pathlib import Path

import optuna
import pytest
import sqlalchemy as sa
from commands import Command
from laboratory import Laboratory
from optuna.storages import RDBStorage
from optuna.storages._rdb.models import BaseModel
from servers import Postgres, as_guest

from tuner.errors import StorageError
from tuner.storage.database import Database
from tuner.storage.table_names import OPTUNA_TABLES
from tuner.storage.upgrading import upgrade_all

COMMANDS = (
    "run scripted",
    "submit scripted",
    "worker",
    "best s",
    "studies",
    "dashboard",
    "upgrade",
)

# What other programs make, and what of it the error shows.
FOREIGN = {
    "alembic": (
        "CREATE TABLE alembic_version (version_num VARCHAR(32));"
        "INSERT INTO alembic_version VALUES ('1975ea83b712'); CREATE TABLE users (id INT)",
        r"its alembic_version is '1975ea83b712', which is not Optuna's",
    ),
    "two versions": (
        "CREATE TABLE alembic_version (version_num VARCHAR(32));"
        "INSERT INTO alembic_version VALUES ('v3.2.0.a'), ('v3.0.0.d')",
        r"its alembic_version is 'v3\.2\.0\.a' and 'v3\.0\.0\.d'",
    ),
    "tables": (
        "CREATE TABLE orders (id INT); CREATE TABLE customers (id INT); CREATE TABLE b (id INT);"
        "CREATE TABLE d (id INT)",
        "its tables are b, customers, d, …",
    ),
    "trials of patients": (
        "CREATE TABLE studies (id INT); CREATE TABLE trials (id INT); CREATE TABLE sites (id INT)",
        "its tables are sites",
    ),
    "only studies": ("CREATE TABLE studies (id INT)", "its tables are studies without study_id"),
}


def content(url: str) -> list[object]:
    """Every table of a database with its rows."""
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        names = sorted(sa.inspect(connection).get_table_names())
        found = [(n, connection.execute(sa.text(f"SELECT * FROM {n}")).all()) for n in names]
    engine.dispose()
    return list(found)


def make(url: str, statements: str) -> None:
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        for statement in statements.split(";"):
            connection.execute(sa.text(statement))
    engine.dispose()


def test_table_names_are_those_of_optunas_models() -> None:
    assert set(BaseModel.metadata.tables) == OPTUNA_TABLES


@pytest.mark.parametrize("kind", FOREIGN)
def test_database_of_another_program_is_refused_by_every_command_and_not_changed(
    url: str, kind: str, command: Command, laboratory: Laboratory
) -> None:
    statements, sign = FOREIGN[kind]
    make(url, statements)
    before = content(url)
    # A server is looked at in the same way, which two commands show.
    for words in COMMANDS if url.startswith("sqlite") else ("studies", "upgrade"):
        if (kind, words) == ("only studies", "studies"):
            continue  # it looks at names only, and lists no study
        command(*words.split(), "--storage", url).refused(
            2,
            rf"^tuner: storage .* belongs to another program: {sign}.*nothing was written to it\. "
            "Name a new file, or a database of its own, with --storage$",
        )
        assert content(url) == before


def test_optunas_tables_beside_those_of_another_program_are_used(url: str) -> None:
    storage = RDBStorage(url)
    storage.create_new_study([optuna.study.StudyDirection.MINIMIZE], "kept")
    storage.engine.dispose()
    make(url, "CREATE TABLE orders (id INT)")
    database = Database(url)
    assert database.study_names() == ["kept"]
    database.close()


@pytest.mark.parametrize("words", ["run scripted", "best scripted", "upgrade"])
def test_tables_of_a_newer_optuna_are_named_as_such(
    words: str, command: Command, laboratory: Laboratory
) -> None:
    laboratory.store("complete")
    make(laboratory.url, "UPDATE alembic_version SET version_num = 'v9.0.0.a'")
    before = content(laboratory.url)
    command(*words.split(), "--storage", laboratory.url).refused(
        2,
        r"the tables are of a newer Optuna version, v9\.0\.0\.a, than Optuna \S+ here knows; "
        "upgrade it with: pip install --upgrade optuna$",
    )
    assert content(laboratory.url) == before


def test_creation_that_was_cut_short_is_completed(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/half.db"
    engine = sa.create_engine(url)
    tables = [BaseModel.metadata.tables[name] for name in ("studies", "version_info")]
    BaseModel.metadata.create_all(engine, tables=tables)
    engine.dispose()
    database = Database(url)
    assert database.study_names() == []
    database.close()


def test_tables_without_a_version_are_of_an_older_optuna(tmp_path: Path, command: Command) -> None:
    url = f"sqlite:///{tmp_path}/older.db"
    upgrade_all(url)
    make(url, "DROP TABLE alembic_version; UPDATE version_info SET schema_version = 1")
    with pytest.raises(StorageError, match="of an older Optuna version; upgrade them with: tuner"):
        Database(url)


def test_open_database_takes_one_connection_at_a_time(server: Postgres) -> None:
    url = server.new_database()
    Database(url).close()
    database = Database(as_guest(url, connections=1))
    assert database.study_names() == []
    database.close()
