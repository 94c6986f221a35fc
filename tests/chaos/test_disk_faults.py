"""SQLite files on a disk that is full, and files that are cut, overwritten or read-only."""

from __future__ import annotations

import os
import random
import re
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from commands import Answer, Command
from disks import Disk, small_disk
from faulted import WORDS, FaultedRun, repetitions
from judging import Judge
from laboratory import Laboratory
from processes import program

pytestmark = pytest.mark.slow

DISK_BYTES = 2 * 2**20


@pytest.fixture
def disk(slow: Laboratory) -> Iterator[Disk]:
    """A disk of two megabytes, with the database of the slow study."""
    with small_disk(slow.folder / "disk", DISK_BYTES) as disk:
        slow.database = disk.folder / "tuner.db"
        slow.url = f"sqlite:///{slow.database}"
        yield disk


@pytest.mark.parametrize("repetition", repetitions())
def test_full_disk_ends_the_run_and_loses_no_trial(
    disk: Disk, slow: Laboratory, judge: Judge, repetition: int
) -> None:
    with FaultedRun(slow) as run:
        run.wait_for_trials(1 + repetition % 3)
        disk.fill(run.workers())
        status = run.ended()
        reported = run.reported
        disk.free()
    assert "Traceback" not in run.output
    said = "full" if disk.is_mounted else "disk I/O error"
    assert said in run.output.splitlines()[-1], run.output
    assert status == 1
    judge.check_left(slow, reported, running=True)
    judge.check_resumed(slow, reported)


def _cut(database: Path) -> None:
    os.truncate(database, database.stat().st_size // 2)


def _overwrite(database: Path) -> None:
    with database.open("r+b") as file:
        file.write(random.Random(0).randbytes(database.stat().st_size))


DAMAGES = [_cut, _overwrite]


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_in_the_middle_of_a_run_is_reported(
    damage: Callable[[Path], None], slow: Laboratory, judge: Judge
) -> None:
    copy = slow.folder / "copy.db"
    with FaultedRun(slow) as run:
        run.wait_for_trials(1)
        reported = run.reported
        with sqlite3.connect(slow.database) as database, sqlite3.connect(copy) as other:
            database.backup(other)
        damage(slow.database)
        status = run.ended()
    assert "Traceback" not in run.output
    last = run.output.splitlines()[-1]
    assert re.search("tuner: storage .*(malformed|not a database|disk I/O)", last), run.output
    assert status == 1
    for file in slow.folder.glob("tuner.db*"):
        file.unlink()
    copy.rename(slow.database)
    judge.check_resumed(slow, reported)


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_file_is_refused_and_left_alone(
    damage: Callable[[Path], None], laboratory: Laboratory, command: Command, judge: Judge
) -> None:
    laboratory.behave("calm")
    run = laboratory.run(workers=1, n_trials=2)
    copy = laboratory.folder / "copy.db"
    shutil.copy(laboratory.database, copy)
    damage(laboratory.database)
    damaged = laboratory.database.read_bytes()
    for words in (WORDS, ("best", "scripted"), ("studies",)):
        command(*words).refused(2, r"storage sqlite:///tuner\.db: .*(malformed|not a database)")
    assert laboratory.database.read_bytes() == damaged
    copy.rename(laboratory.database)
    judge.check_resumed(laboratory, {row.number for row in run.trials})


def test_read_only_file_is_refused_and_read(laboratory: Laboratory, judge: Judge) -> None:
    laboratory.behave("calm")
    run = laboratory.run(workers=1, n_trials=2)
    before = laboratory.database.read_bytes()
    laboratory.database.chmod(0o444)
    refused, shown = (_as_a_person(laboratory, *words) for words in (WORDS, ("best", "scripted")))
    assert laboratory.database.read_bytes() == before
    laboratory.database.chmod(0o644)
    refused.refused(2, "readonly database: the file or its folder cannot be written")
    assert shown.status == 0, shown.err
    judge.check_resumed(laboratory, {row.number for row in run.trials})


def _as_a_person(laboratory: Laboratory, *words: str) -> Answer:
    """Runs a command for which the rights of files count, which root's do not."""
    drop = [f"--{kind}=-dac_override,-dac_read_search" for kind in ("bounding-set", "inh-caps")]
    person = ["setpriv", *drop] if os.geteuid() == 0 else []
    done = subprocess.run(
        [*person, *program("tuner"), *words], cwd=laboratory.folder, capture_output=True, text=True
    )
    return Answer(done.returncode, done.stdout, done.stderr)
