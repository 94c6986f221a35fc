"""Runs whose workers are killed during a trial, which continues from its checkpoint."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import psutil
import pytest
from laboratory import Laboratory
from processes import WAIT_SECONDS

import tuner
from tuner.errors import RequestError
from tuner.storage.artifacts import chosen_location
from tuner.storage.database import Database

EPOCHS = 12
SOON = "training.checkpoint=0.001"


@pytest.fixture
def counting(laboratory: Laboratory) -> Laboratory:
    """A network with dropout that counts the epochs which are really run."""
    laboratory.behave("counts")
    text = laboratory.study.read_text()
    text = text.replace("low = 3\nhigh = 3", f"low = {EPOCHS}\nhigh = {EPOCHS}")
    laboratory.study.write_text(text)
    return laboratory


def counted(laboratory: Laboratory, runs: int = 1) -> int:
    """Epochs that were run since it was asked last; each run tries the network once before."""
    file = laboratory.folder / "counted"
    number = file.stat().st_size if file.exists() else 0
    file.unlink(missing_ok=True)
    return number - runs


def trial(laboratory: Laboratory, study: str = "scripted"):
    database = Database(laboratory.url)
    try:
        return database.study(study).trials[0]
    finally:
        database.close()


def kill_at(laboratory: Laboratory, epoch: int, before=lambda: None) -> list[int]:
    """Kills the worker once its trial has a checkpoint of that epoch; ``before`` it is retried."""
    saved: list[int] = []

    def kill(number: int, _epoch: int) -> None:
        found = trial(laboratory)
        if saved or found.user_attrs.get("checkpoint", {}).get("epoch", 0) < epoch:
            return
        worker = psutil.Process(found.user_attrs["worker"]["pid"])
        worker.kill()
        worker.wait(WAIT_SECONDS)  # until then it may be removing an older file
        saved.append(trial(laboratory).user_attrs["checkpoint"]["epoch"])
        before()

    laboratory.recorder.on_epoch = kill
    return saved


def run(laboratory: Laboratory, **options):
    options = {"workers": 1, "n_trials": 1, "settings": [SOON]} | options
    return laboratory.run(recorder=laboratory.recorder, **options)


@pytest.mark.slow
@pytest.mark.parametrize("loop", ["resident", "fit"])
def test_retry_continues_from_the_last_checkpoint(counting: Laboratory, loop: str) -> None:
    settings = [SOON, f"training.loop={loop}"]
    calm = run(counting, study_name="calm", settings=settings)
    assert counted(counting) == EPOCHS
    saved = kill_at(counting, 4)
    retried = run(counting, settings=settings)
    assert ("returned", 0, "the worker was killed by SIGKILL") in counting.recorder.events
    assert f"trial 0 resumes after epoch {saved[0]}" in counting.recorder.notes()
    # At most the epoch in which it was killed was run twice.
    assert EPOCHS <= counted(counting) <= EPOCHS + 1
    assert retried.best.value == pytest.approx(calm.best.value, rel=1e-6)
    best = trial(counting).user_attrs["epoch"]
    assert best == trial(counting, "calm").user_attrs["epoch"]
    mine = tuner.curves("scripted", 0, storage=counting.url)
    theirs = tuner.curves("calm", 0, storage=counting.url)
    assert mine.keys() == theirs.keys()
    for name, values in theirs.items():
        assert mine[name] == pytest.approx(values, rel=1e-6), name
    reported = trial(counting).intermediate_values
    assert reported == pytest.approx(trial(counting, "calm").intermediate_values, rel=1e-6)
    assert list(Path(f"{counting.database}-checkpoints").iterdir()) == []


@pytest.mark.slow
def test_next_run_continues_an_interrupted_trial(counting: Laboratory) -> None:
    calm = run(counting, study_name="calm")
    counted(counting)

    def interrupt(number: int, epoch: int) -> None:
        if epoch >= 4:  # not every one is reported
            os.kill(os.getpid(), signal.SIGINT)

    counting.recorder.on_epoch = interrupt
    place = counting.folder / "kept here"
    assert run(counting, checkpoints=str(place)).ending == "interrupted"
    assert len(list(place.iterdir())) >= 1
    counting.recorder.on_epoch = lambda number, epoch: None
    ended = run(counting, checkpoints=str(place))
    assert ended.best.value == pytest.approx(calm.best.value, rel=1e-6)
    assert EPOCHS <= counted(counting, runs=2) <= EPOCHS + 1
    assert list(place.iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda file: file.unlink(), r"is not in "),
        (lambda file: os.truncate(file, file.stat().st_size // 2), "it is torn"),
    ],
    ids=["missing", "torn"],
)
def test_trial_restarts_with_a_note_when_its_checkpoint_is_unreadable(
    counting: Laboratory, damage, words: str
) -> None:
    place = Path(f"{counting.database}-checkpoints")

    def damage_it() -> None:
        damage(place / trial(counting).user_attrs["checkpoint"]["id"])

    calm = run(counting, study_name="calm")
    counted(counting)
    saved = kill_at(counting, 4, before=damage_it)
    retried = run(counting)
    assert retried.best.value == pytest.approx(calm.best.value, rel=1e-6)
    assert EPOCHS + saved[0] <= counted(counting) <= EPOCHS + saved[0] + 1
    notes = counting.recorder.notes()
    assert "trial 0 begins again, because it cannot be resumed from its checkpoint: " in notes
    assert words in notes
    assert list(place.iterdir()) == []


@pytest.mark.slow
def test_a_short_trial_writes_nothing(laboratory: Laboratory) -> None:
    laboratory.run(workers=1, n_trials=1)
    assert not Path(f"{laboratory.database}-checkpoints").exists()
    assert "checkpoint" not in trial(laboratory).user_attrs


@pytest.mark.slow
def test_checkpoints_of_a_trial_over_its_time_limit_are_removed(counting: Laboratory) -> None:
    long = ["search_space.epochs.low=200", "search_space.epochs.high=200"]
    place = Path(f"{counting.database}-checkpoints")
    seen: set[str] = set()

    def look(number: int, _epoch: int) -> None:
        seen.update(file.name for file in place.glob("scripted-0-*"))
        if number == 1:
            os.kill(os.getpid(), signal.SIGINT)

    counting.recorder.on_epoch = look
    run(counting, settings=[SOON, "budget.trial.timeout=4", *long])
    assert ("fail", 0, "timeout: took longer than 4 s") in counting.recorder.events
    assert seen
    assert list(place.glob("scripted-0-*")) == []


@pytest.mark.skipif(os.getuid() != 0, reason="only root can mount a disk")
@pytest.mark.slow
def test_trial_continues_without_checkpoints_on_a_full_disk(counting: Laboratory) -> None:
    disk = counting.folder / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4k", "tmpfs", disk]).returncode:
        pytest.skip("mounting is not permitted here")
    try:
        ended = run(counting, checkpoints=str(disk))
        assert ended.counts["complete"] == 1
        notes = counting.recorder.notes()
        words = (
            f"trial 0 is not saved after epoch 1, and tried again: cannot write to {disk}: No space"
        )
        assert notes.count("is not saved") == 1
        assert words in notes
        assert list(disk.iterdir()) == []
    finally:
        subprocess.run(["umount", disk], check=True)


@pytest.mark.slow
def test_trial_continues_without_checkpoints_where_there_is_no_folder(counting: Laboratory) -> None:
    place = counting.folder / "a file"
    place.touch()
    assert run(counting, checkpoints=str(place)).counts["complete"] == 1
    notes = counting.recorder.notes()
    assert f"and tried again: cannot write to {place}: File exists" in notes
    assert notes.count("is not saved") == 1


def test_location_of_checkpoints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    server = "postgresql+psycopg://me:secret@host/db"
    assert chosen_location(None, "sqlite:///some.db") == str(tmp_path / "some.db-checkpoints")
    assert chosen_location(None, server) == str(tmp_path / "home" / ".tuner" / "checkpoints")
    assert chosen_location("here", server) == str(tmp_path / "here")
    monkeypatch.setenv("TUNER_CHECKPOINTS", "~/there")
    assert chosen_location(None, server) == str(tmp_path / "home" / "there")
    assert chosen_location("here", server) == str(tmp_path / "here")
    for wrong in ("gs://bucket/x", "s3://", "s3:///x"):
        with pytest.raises(RequestError, match=r"is not a place .*name a folder, or s3://BUCKET"):
            chosen_location(wrong, server)


def test_s3_without_its_extra_is_refused_before_anything_starts(command, monkeypatch) -> None:
    monkeypatch.setattr("tuner.storage.artifacts.find_spec", lambda name: None)
    command("run", "wine", "--checkpoints", "s3://bucket/x").refused(
        2, r"checkpoints: s3://bucket/x needs the package boto3; .*pip install 'tuner\[s3\]'"
    )
    assert not Path("tuner.db").exists()
