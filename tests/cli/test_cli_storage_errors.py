"""Wrong, unreachable or foreign databases: one line of error, and no change of them."""

from __future__ import annotations

import re
import socket
import sqlite3
import sys

import optuna
import pytest
from commands import Command, contents
from laboratory import Laboratory


@pytest.fixture
def closed_port() -> int:
    """A port of this machine on which no program listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@pytest.mark.parametrize("words", ["run scripted", "best scripted", "studies", "dashboard"])
def test_unreachable_postgresql_is_refused(
    words: str, command: Command, laboratory: Laboratory, closed_port: int
) -> None:
    pytest.importorskip("psycopg", reason="the driver for PostgreSQL is not installed")
    url = f"postgresql+psycopg://me:secret@127.0.0.1:{closed_port}/studies"
    command(*words.split(), "--storage", url).refused(
        2,
        rf"storage postgresql\+psycopg://me:\*\*\*@127\.0\.0\.1:{closed_port}/studies: .*refused"
        r".*: is the server running, and are host, port, user and database right\?",
    )


@pytest.mark.parametrize("words", ["run scripted", "best scripted", "studies", "dashboard"])
@pytest.mark.parametrize("kind", ["postgresql", "postgresql+psycopg", "postgresql+nodriver"])
def test_missing_driver_is_refused_with_the_package(
    words: str,
    kind: str,
    command: Command,
    laboratory: Laboratory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("psycopg", "psycopg2"):
        monkeypatch.setitem(sys.modules, name, None)
    command(*words.split(), "--storage", f"{kind}://me:secret@localhost/studies").refused(
        2,
        rf"the Python driver for '{re.escape(kind)}' is not there; install one with: pip install "
        r"'tuner\[postgres\]', and begin the URL with postgresql\+psycopg://",
    )


@pytest.mark.parametrize(
    ("url", "match"),
    [
        (
            "studies.db",
            r"storage 'studies\.db…' is not a database URL; write e\.g\. sqlite:///tuner",
        ),
        (
            "postgresql//me:secret@h/x",
            r"storage 'postgresql…' is not a database URL; write e\.g\. s",
        ),
        ("oracle://me:secret@h/x", r"'oracle' is not a database that Optuna stores studies in; us"),
        (
            "sqlite:///:memory:",
            r"lives in the memory of one process, .*; name a file, e\.g\. sqlit",
        ),
        ("sqlite://", r"lives in the memory of one process"),
        (
            "sqlite:///nowhere/tuner.db",
            r"sqlite:///nowhere/tuner\.db: unable to open database file: does the folder exist, an",
        ),
        ("sqlite:///scripted.py/a.db", r"unable to open database file: does the folder exist, and"),
        ("sqlite:////proc/tuner.db", r"unable to open database file: does the folder exist, and m"),
        (
            "sqlite:///scripted.py",
            r"file is not a database: name a SQLite database, or a new file, with --storage",
        ),
    ],
)
def test_wrong_database_is_refused(
    url: str, match: str, command: Command, laboratory: Laboratory
) -> None:
    before = sorted(path.name for path in laboratory.folder.iterdir())
    code = (laboratory.folder / "scripted.py").read_bytes()
    command("run", "scripted", "--storage", url).refused(2, match)
    assert sorted(path.name for path in laboratory.folder.iterdir()) == before
    assert (laboratory.folder / "scripted.py").read_bytes() == code


@pytest.mark.parametrize("variable", ["TUNER_STORAGE", "OPTUNA_STORAGE"])
def test_wrong_database_in_the_environment_is_refused(
    variable: str, command: Command, laboratory: Laboratory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "nonsense")
    command("run", "scripted").refused(2, r"storage 'nonsense…' is not a database URL")


@pytest.mark.parametrize("words", ["trials scripted", "show wine", "best wine", "dashboard"])
def test_missing_database_is_refused(words: str, command: Command, laboratory: Laboratory) -> None:
    command(*words.split()).refused(
        2, r"there is no database tuner\.db yet; start a study with: tuner run STUDY, or name"
    )
    assert not laboratory.database.exists()


@pytest.mark.parametrize("words", ["best scripted", "run scripted", "studies"])
def test_damaged_database_is_refused(words: str, command: Command, laboratory: Laboratory) -> None:
    laboratory.store("complete")
    whole = laboratory.database.read_bytes()
    damaged = whole[:1000] + b"\0" * 20_000 + whole[21_000:]
    laboratory.database.write_bytes(damaged)
    command(*words.split()).refused(
        2, r"storage sqlite:///tuner\.db: database disk image is malformed"
    )
    assert laboratory.database.read_bytes() == damaged


def test_database_of_another_optuna_is_refused(command: Command, laboratory: Laboratory) -> None:
    laboratory.store("complete")
    with sqlite3.connect(laboratory.database) as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'v2.6.0.a'")
    connection.close()
    before = contents(laboratory.database)
    command("best", "scripted").refused(
        2,
        r"the tables are of an older Optuna version; upgrade them with: tuner upgrade "
        r"--storage 'sqlite:///tuner\.db'",
    )
    assert contents(laboratory.database) == before


def test_study_of_another_program_with_the_same_name_is_refused(
    command: Command, laboratory: Laboratory
) -> None:
    study = optuna.create_study(study_name="scripted", storage=laboratory.url)
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=2)
    before = contents(laboratory.database)
    command("run", "scripted").refused(
        2,
        r"study 'scripted' in sqlite:///tuner\.db was not made by tuner; choose another name with "
        r"--study-name",
    )
    assert contents(laboratory.database) == before
    assert command("trials", "scripted").status == 0


def test_stored_study_of_another_file_is_refused(command: Command, laboratory: Laboratory) -> None:
    laboratory.store("complete")
    before = contents(laboratory.database)
    answer = command("run", "scripted", "--set", "search_space.epochs.high=9", "--seed", "4")
    assert (answer.status, answer.out) == (2, "")
    assert answer.err == (
        "tuner: study 'scripted' in sqlite:///tuner.db was made with other settings:\n"
        "  search_space.epochs.high: 3 in the database, now 9\n"
        "  sampler.seed: 3 in the database, now 4\n"
        "Undo the change to go on with it, or start another with --study-name NAME\n"
    )
    assert contents(laboratory.database) == before
