"""A database that is deleted, replaced, or whose disk is full while trials run."""

from __future__ import annotations

import os
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

import optuna
import pytest
from laboratory import Laboratory, Recorder

from tuner.errors import RequestError, StorageError
from tuner.storage.database import Database
from tuner.storage.error_mapping import storage_errors


def replace(file: Path) -> None:
    other = file.with_suffix(".other")
    other.write_bytes(b"")
    other.replace(file)


CHANGES = {
    "deleted": (
        Path.unlink,
        "was deleted or moved while it was in use, and its trials with it: put it",
    ),
    "replaced": (replace, "was replaced by another file while it was in use: what was stored s"),
}


@pytest.mark.parametrize("kind", CHANGES)
def test_count_notices_file_that_is_another_one(kind: str, laboratory: Laboratory) -> None:
    laboratory.store("complete")
    change, says = CHANGES[kind]
    database = Database(laboratory.url)
    study = database.study("scripted")
    database.counts(study)
    change(laboratory.database)
    with pytest.raises(StorageError, match=says) as error:
        database.counts(study)
    assert error.value.exit_code == 1
    with pytest.raises(StorageError, match=says):
        database.studies_with("tuner:queue")
    wrong = RequestError("another")
    assert str(database.final(wrong)) == str(error.value), "what came of it says less"
    database.close()


@pytest.mark.slow
@pytest.mark.parametrize("kind", CHANGES)
def test_run_ends_when_its_database_is_another_one(kind: str, laboratory: Laboratory) -> None:
    change, says = CHANGES[kind]
    recorder = Recorder()
    changed: list[int] = []

    def at_the_second(number: int, epoch: int) -> None:
        if number == 1 and not changed:
            changed.append(number)
            change(laboratory.database)

    recorder.on_epoch = at_the_second
    with pytest.raises(StorageError, match=says) as error:
        laboratory.run(workers=1, n_trials=500, recorder=recorder)
    assert error.value.exit_code == 1
    assert sum(event[0] == "complete" for event in recorder.events) < 400
    assert laboratory.database.exists() == (kind == "replaced"), "no worker makes it again"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of one mebibyte."""
    if os.getuid() != 0:
        pytest.skip("only root can mount a disk")
    folder = tmp_path / "disk"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder]).returncode:
        pytest.skip("mounting is not permitted here")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def fill(folder: Path) -> None:
    with (folder / "filler").open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"\0" * 4096)
        except OSError:
            return


def test_full_disk_is_named_in_the_error(disk: Path) -> None:
    url = f"sqlite:///{disk}/tuner.db"
    database = Database(url)
    study = optuna.create_study(storage=database.storage, study_name="s")
    fill(disk)
    full = "no space is left on the disk; free some"
    with pytest.raises(StorageError, match=full), storage_errors(url):
        study.set_user_attr("key", "x" * 200_000)
    database.close()
    with pytest.raises(StorageError, match=full):
        Database(f"sqlite:///{disk}/new.db")


@pytest.mark.slow
def test_run_on_a_disk_that_fills_ends_and_can_be_resumed(
    disk: Path, laboratory: Laboratory
) -> None:
    laboratory.url = f"sqlite:///{disk}/tuner.db"
    recorder = Recorder()
    recorder.on_epoch = lambda number, epoch: fill(disk) if number == 2 else None
    with pytest.raises(StorageError, match="no space is left on the disk; free some") as error:
        laboratory.run(workers=1, n_trials=300, recorder=recorder)
    assert error.value.exit_code == 1
    (disk / "filler").unlink()
    done = sum(event[0] == "complete" for event in recorder.events)
    run = laboratory.run(workers=1, n_trials=done + 1)
    assert run.counts["complete"] == done + 1
    assert run.counts["running"] == 0


def test_database_that_was_emptied_is_explained(laboratory: Laboratory) -> None:
    laboratory.store("complete")
    database = Database(laboratory.url)
    study = database.study("scripted")
    with sqlite3.connect(laboratory.database) as connection:
        connection.execute("DROP TABLE trials")
    connection.close()
    with pytest.raises(StorageError, match="no such table: trials: it has been emptied or chan"):
        database.counts(study)
    database.close()


def test_error_after_trials_began_has_status_1(laboratory: Laboratory) -> None:
    laboratory.store("complete")
    database = Database(laboratory.url)
    assert database.final(RequestError("wrong")).exit_code == 2
    database.begun = True
    assert database.final(RequestError("wrong")).exit_code == 1
    assert RequestError.exit_code == 2
    database.close()
