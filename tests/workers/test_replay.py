"""Stored trials are trained again in a fresh process, and equal to the last digit."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from commands import Command, contents
from laboratory import Laboratory
from processes import WAIT_SECONDS

import tuner
from tuner.api import replay
from tuner.errors import StudyError
from tuner.storage.database import Database

TREE = """
title = "Trees"
dataset = {{ csv = "boxes.csv", target = "{target}", task = "regression" }}
model = "hist_gradient_boosting"
[objective]
metric = "{metric}"
direction = "{direction}"
[budget]
n_trials = 3
[sampler]
name = "random"
[pruner]
name = "nop"
[search_space.max_iter]
type = "int"
low = 5
high = 9
[search_space.learning_rate]
type = "float"
low = 0.01
high = 0.3
"""


def write_tree(folder: Path, more: str = "") -> None:
    lines = [f"{i % 7},{i % 5},{(i % 7) * 2 - i % 5}" for i in range(120)]
    (folder / "boxes.csv").write_text("a,b,c\n" + "\n".join(lines) + "\n", encoding="utf-8")
    text = TREE.format(target="c", metric="rmse", direction="minimize")
    (folder / "trees.toml").write_text(text + more, encoding="utf-8")


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which a search of trees has run; tests must not change it."""
    folder = tmp_path_factory.mktemp("trees")
    write_tree(folder)
    tuner.run(str(folder / "trees.toml"), workers=1, storage=f"sqlite:///{folder}/tuner.db")
    return folder


@pytest.fixture
def trees(searched: Path, command: Command, tmp_path: Path) -> Command:
    """The command line in a copy of that folder."""
    for name in ("boxes.csv", "trees.toml", "tuner.db"):
        (tmp_path / name).write_bytes((searched / name).read_bytes())
    database = sqlite3.connect(tmp_path / "tuner.db")
    database.execute("UPDATE study_user_attributes SET value_json = ? WHERE key = 'tuner:base'",
                     [json.dumps(str(tmp_path))])  # fmt: skip
    database.commit()
    database.close()
    return command


def change(text: str, *values: object) -> None:
    database = sqlite3.connect("tuner.db")
    assert database.execute(text, values).rowcount > 0
    database.commit()
    database.close()


def test_replay_of_a_tree_is_equal_and_writes_nothing(trees: Command, tmp_path: Path) -> None:
    before = contents(tmp_path / "tuner.db")
    answer = trees("replay", "trees", "--trial", "2")
    assert answer.status == 0, answer.out + answer.err
    first, second = answer.out.splitlines()
    assert first == "trial 2 of trees (complete): equal to the last digit"
    assert "the value (rmse " in second
    assert contents(tmp_path / "tuner.db") == before
    table = json.loads(trees("replay", "trees.toml", "--trial", "0", "--json").out)
    assert (table["equal"], table["trial"], table["differences"]) == (True, 0, 0)
    facts = {fact["what"]: fact["same"] for fact in table["facts"]}
    assert facts["processor"]
    assert facts["threads"]
    assert set(facts.values()) == {True}


def test_changed_curve_is_found_and_changed_versions_are_named(trees: Command) -> None:
    database = sqlite3.connect("tuner.db")
    ids = [row[0] for row in database.execute("SELECT trial_id FROM trials ORDER BY number")]
    database.close()
    # The curves of another trial, and versions of another time.
    change(
        "UPDATE tuner_curves SET names = other.names, epochs = other.epochs, packed = other.packed "
        "FROM tuner_curves AS other WHERE tuner_curves.trial_id = ? AND other.trial_id = ?",
        ids[1],
        ids[0],
    )
    versions = "SELECT value_json FROM study_user_attributes WHERE key = 'tuner:versions'"
    database = sqlite3.connect("tuner.db")
    stored = json.loads(database.execute(versions).fetchone()[0])
    database.close()
    change(
        "UPDATE study_user_attributes SET value_json = ? WHERE key = 'tuner:versions'",
        json.dumps(stored | {"scikit-learn": "0.1"}),
    )
    answer = trees("replay", "trees", "--trial", "1")
    assert answer.status == 1
    assert answer.out.startswith("trial 1 of trees (complete): not equal\n")
    assert "  first     iteration 1, val_rmse: " in answer.out
    assert "  scikit-learn    0.1 then, " in answer.out
    assert "the same        data, python, " in answer.out


def test_changed_value_without_a_cause_is_found(trees: Command) -> None:
    change("UPDATE trial_values SET value = value + 1e-9 WHERE trial_id = 1")
    answer = trees("replay", "trees", "--trial", "0")
    assert answer.status == 1
    assert "  first     rmse: " in answer.out
    assert "nothing that is known has changed since:" in answer.out


def test_other_data_are_refused_before_training(trees: Command) -> None:
    with Path("boxes.csv").open("a", encoding="utf-8") as file:
        file.write("1,2,3\n")
    answer = trees("replay", "trees", "--trial", "0")
    assert (answer.status, answer.out) == (2, "")
    assert "trial 0 of trees cannot be replayed: the data are others than those of" in answer.err


@pytest.mark.parametrize(
    ("words", "match"),
    [
        (("trees", "--trial", "9"), "trees has no trial 9; its trials: 0 to 2"),
        (("trees", "--trial", "-1"), "trees has no trial -1; its trials: 0 to 2"),
        (("shrubs", "--trial", "0"), "no study 'shrubs' is stored in"),
        (("trees",), "missing option '--trial'"),
    ],
)
def test_impossible_requests_are_refused(
    trees: Command, words: tuple[str, ...], match: str
) -> None:
    trees("replay", *words).refused(2, match)


@pytest.mark.parametrize(
    ("change_it", "match"),
    [
        ("UPDATE trials SET state = 'WAITING' WHERE number = 0", "is waiting; it can be replayed"),
        (
            "DELETE FROM trial_user_attributes WHERE key = 'seed'",
            "cannot be replayed: tuner did not run it",
        ),
        (
            "UPDATE trial_user_attributes SET key = 'reused', value_json = '1' WHERE key = 'role'",
            "took over the value of trial 1: replay that one with --trial 1",
        ),
        (
            "UPDATE trial_params SET param_value = 99 WHERE param_name = 'max_iter'",
            "its parameters are not in the search space",
        ),
    ],
)
def test_trials_that_cannot_be_replayed_are_refused(
    trees: Command, change_it: str, match: str
) -> None:
    change(change_it)
    answer = trees("replay", "trees", "--trial", "0")
    assert (answer.status, answer.out) == (2, "")
    assert match in answer.err.splitlines()[-1]


@pytest.mark.slow
@pytest.mark.parametrize("more", ["\n[validation]\nfolds = 3\n"])
def test_replay_of_folds_is_equal(command: Command, tmp_path: Path, more: str) -> None:
    write_tree(tmp_path, more)
    assert command("run", "trees.toml", "--workers", "1").status == 0
    answer = command("replay", "trees", "--trial", "1")
    assert answer.status == 0, answer.out
    assert "3 folds of " in answer.out


@pytest.mark.slow
def test_replay_of_xor_is_equal(command: Command) -> None:
    options = ["--set", "search_space.epochs.high=40", "--set", "search_space.epochs.low=40"]
    shorter = ["--set", "reference=[]", "--set", "pruner.min_resource=1", *options]
    assert command("run", "xor", "--n-trials", "2", "--workers", "1", *shorter).status == 0
    answer = command("replay", "xor", "--trial", "1")
    assert answer.status == 0, answer.out + answer.err
    assert "equal to the last digit" in answer.out
    table = json.loads(command("replay", "xor", "--trial", "0", "--json").out)
    assert {"what": "loop", "stored": "resident", "now": "resident", "same": True} in table["facts"]


@pytest.mark.slow
@pytest.mark.parametrize("loop", ["resident", "fit"])
def test_replay_of_a_trial_that_was_resumed_is_equal(laboratory: Laboratory, loop: str) -> None:
    laboratory.behave("counts")
    text = laboratory.study.read_text()
    laboratory.study.write_text(text.replace("low = 3\nhigh = 3", "low = 12\nhigh = 12"))
    killed: list[int] = []

    def kill(number: int, _epoch: int) -> None:
        database = Database(laboratory.url)
        found = database.study("scripted").trials[0].user_attrs
        database.close()
        if not killed and found.get("checkpoint", {}).get("epoch", 0) >= 4:
            worker = psutil.Process(found["worker"]["pid"])
            worker.send_signal(signal.SIGKILL)
            worker.wait(WAIT_SECONDS)
            killed.append(os.getpid())

    laboratory.recorder.on_epoch = kill
    settings = ["training.checkpoint=0.001", f"training.loop={loop}"]
    laboratory.run(recorder=laboratory.recorder, workers=1, n_trials=1, settings=settings)
    assert killed
    assert "resumes after epoch" in laboratory.recorder.notes()
    found = replay(str(laboratory.study), 0, storage=laboratory.url)
    assert found.is_equal, found.words()
    assert found.now.curves["loss"].shape == (12,)


@pytest.mark.slow
def test_replay_of_pruned_and_early_stopped_trials_is_equal(laboratory: Laboratory) -> None:
    text = laboratory.study.read_text().replace("low = 3\nhigh = 3", "low = 9\nhigh = 9")
    median = 'name = "median"\nn_startup_trials = 1\nn_warmup_steps = 2'
    laboratory.study.write_text(text.replace('name = "nop"', median))
    laboratory.run(n_trials=6, workers=1)
    early = ["early_stopping.patience=2", "early_stopping.min_delta=1000"]
    laboratory.run(n_trials=1, workers=1, study_name="early", settings=early)
    database = Database(laboratory.url)
    trials = database.study("scripted").trials
    database.close()
    number = next(trial.number for trial in trials if trial.state.name == "PRUNED")
    found = replay(str(laboratory.study), number, storage=laboratory.url)
    assert found.is_equal, found.words()
    assert found.steps == trials[number].user_attrs["epochs"] < 9
    found = replay(str(laboratory.study), 0, storage=laboratory.url, study_name="early")
    assert found.is_equal, found.words()
    assert (found.steps, found.stored.state) == (3, "complete")
    assert found.stored.reason == found.now.reason


@pytest.mark.slow
@pytest.mark.parametrize(
    ("behaviour", "seconds", "reason"),
    [
        ("diverges", 600, "val_loss is NaN at epoch 1"),
        ("endless", 1, "timeout: took longer than 1 s"),
    ],
)
def test_replay_of_a_failed_trial_fails_for_the_same_reason(
    laboratory: Laboratory, behaviour: str, seconds: int, reason: str
) -> None:
    laboratory.behave(behaviour)
    with pytest.raises(StudyError, match="trials failed, the last one with"):
        laboratory.run(n_trials=1, workers=1, settings=[f"budget.trial.timeout={seconds}s"])
    found = replay(str(laboratory.study), 0, storage=laboratory.url)
    assert found.is_equal, found.words()
    assert f"it fails again for the same reason: {reason}" in found.words()


@pytest.mark.slow
@pytest.mark.usefixtures("server")
def test_replay_from_postgresql_is_equal(
    command: Command, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    make: Callable[[], str] = request.getfixturevalue("server").new_database
    url = make()
    write_tree(tmp_path)
    assert command("run", "trees.toml", "--workers", "1", "--storage", url).status == 0
    assert command("replay", "trees", "--trial", "0", "--storage", url).status == 0
