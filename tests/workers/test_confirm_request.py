"""Confirmations by real processes: two workers, one that is killed, a server, Ctrl-C."""

from __future__ import annotations

import os
import signal
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from laboratory import Laboratory, Recorder
from optuna.trial import FrozenTrial
from servers import Postgres

from tuner import api
from tuner.results import StudyResult
from tuner.storage.database import Database
from tuner.workers.confirm_request import ConfirmRequest

SPRINGS = """
title = "Which of two springs is it?"
dataset = { csv = "springs.csv", target = "spring" }
model = "linear_model"
objective = { metric = "accuracy", direction = "maximize" }
budget = { n_trials = 4 }
pruner = { name = "nop" }
confirm = { top = 2, repeats = 3 }

[search_space.alpha]
type = "float"
low = 0.001
high = 1.0
log = true
"""


def confirm(laboratory: Laboratory, recorder: Recorder | None = None, **options) -> StudyResult:
    laboratory.recorder = seen = recorder or Recorder()
    request = ConfirmRequest(study=str(laboratory.study), storage=laboratory.url, **options)
    return api.confirm_request(request, lambda spec: seen)


def trials_of(url: str, name: str) -> list[FrozenTrial]:
    database = Database(url)
    trials = database.study(name).get_trials()
    database.close()
    return trials


def pairs(laboratory: Laboratory) -> list[tuple[str, int]]:
    trials = trials_of(laboratory.url, "scripted-confirm")
    assert {trial.user_attrs["role"] for trial in trials} == {"confirm"}
    return [(trial.user_attrs["origin"], trial.user_attrs["repeat"]) for trial in trials]


def springs(folder: Path) -> Path:
    """Writes a small table that is hard to learn, and a study of it."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(120, 2))
    y = np.where(x[:, 0] + rng.normal(size=120) > 0, "soft", "hard")
    lines = ["length,mass,spring"] + [
        f"{a:.4f},{b:.4f},{label}" for (a, b), label in zip(x, y, strict=True)
    ]
    (folder / "springs.csv").write_text("\n".join(lines) + "\n")
    study = folder / "springs.toml"
    study.write_text(SPRINGS)
    return study


@pytest.mark.slow
def test_confirmation_by_two_workers_is_complete(laboratory: Laboratory) -> None:
    laboratory.run(workers=2)
    result = confirm(laboratory, workers=2, top=2, repeats=3)
    assert result.ending == "done"
    assert Counter(pairs(laboratory)) == Counter(
        (one.name, repeat) for one in result.confirmation.candidates for repeat in range(3)
    )
    assert result.winner is not None
    assert result.winner.confirmed is not None
    again = confirm(laboratory, workers=2)
    assert again.n_workers is None, "there is nothing left to train"
    more = confirm(laboratory, workers=2, repeats=4)
    assert more.confirmation is not None
    assert more.confirmation.is_finished
    done = Counter(name for name, _ in pairs(laboratory))
    # One that cannot win any more has no fourth repeat.
    assert done[more.confirmation.winner] == 4
    assert max(Counter(pairs(laboratory)).values()) == 1


@pytest.mark.slow
def test_repeat_of_a_killed_worker_is_trained_again(laboratory: Laboratory) -> None:
    laboratory.behave("counts")
    laboratory.run(workers=1, n_trials=2)
    killed: list[int] = []

    def kill_once(number: int, epoch: int) -> None:
        if number == 1 and epoch == 1 and not killed:
            trial = trials_of(laboratory.url, "scripted-confirm")[1]
            killed.append(trial.user_attrs["worker"]["pid"])
            os.kill(killed[0], signal.SIGKILL)

    recorder = Recorder()
    recorder.on_epoch = kill_once
    result = confirm(laboratory, recorder, workers=1, repeats=3)
    assert killed
    assert ("returned", 1, "the worker was killed by SIGKILL") in recorder.events
    assert result.confirmation is not None
    assert result.confirmation.is_finished
    assert max(Counter(pairs(laboratory)).values()) == 1


@pytest.mark.slow
def test_interrupted_confirmation_is_continued(laboratory: Laboratory) -> None:
    laboratory.behave("counts")
    laboratory.run(workers=1, n_trials=2)
    recorder = Recorder()
    recorder.on_epoch = lambda number, epoch: (
        os.kill(os.getpid(), signal.SIGINT) if number == 2 else None
    )
    first = confirm(laboratory, recorder, workers=1, repeats=3)
    assert first.ending == "interrupted"
    assert first.winner == first.best
    result = confirm(laboratory, workers=1)
    assert result.confirmation is not None
    assert result.confirmation.is_finished
    assert max(Counter(pairs(laboratory)).values()) == 1


@pytest.mark.slow
def test_confirmation_on_a_server(laboratory: Laboratory, server: Postgres) -> None:
    laboratory.url = server.new_database()
    laboratory.run(workers=2, n_trials=3)
    result = confirm(laboratory, workers=2, top=2, repeats=3)
    assert result.confirmation is not None
    assert result.confirmation.is_finished
    assert max(Counter(pairs(laboratory)).values()) == 1


@pytest.mark.slow
def test_worker_of_the_service_helps_with_a_submitted_study(laboratory: Laboratory) -> None:
    laboratory.submit(n_trials=2)
    assert laboratory.serve() == "done"
    first = confirm(laboratory, workers=1, repeats=3, timeout=0.001)
    assert first.ending == "timeout"
    assert laboratory.serve("scripted-confirm") == "done"
    result = api.load(str(laboratory.study), laboratory.url)
    assert result.confirmation is not None
    assert result.confirmation.is_finished
    assert result.winner is not None
    assert result.winner.confirmed is not None


@pytest.mark.slow
def test_run_of_a_table_ends_with_fresh_splits_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    url = f"sqlite:///{tmp_path / 'tuner.db'}"
    study = str(springs(tmp_path))
    api.run(study, storage=url, workers=1, n_trials=2, confirm=False)
    result = api.run(study, storage=url, workers=1, more=2)
    found = result.confirmation
    assert found is not None
    assert found.is_finished
    assert found.fresh_splits
    # A linear model has no chance of its own: what differs is the division of the rows.
    best = found.candidate(str(found.winner))
    assert len(set(best.values.values())) > 1
    trials = trials_of(url, "springs-confirm")
    divisions = {t.user_attrs["repeat"]: t.user_attrs["division"] for t in trials}
    assert len(set(divisions.values())) == 3
    assert all(t.user_attrs["division"] == divisions[t.user_attrs["repeat"]] for t in trials)
    assert result.counts["complete"] == 4
    assert found.trials > 2, "the number of trials is that of the search alone"


@pytest.mark.slow
def test_confirmation_trains_nothing_of_a_warm_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    url = f"sqlite:///{tmp_path / 'tuner.db'}"
    study = str(springs(tmp_path))
    api.run(study, storage=url, study_name="earlier", workers=1, n_trials=2, confirm=False)
    result = api.run(study, storage=url, workers=1, n_trials=3, warm_start="earlier")
    assert [one.source for one in result.warm_starts] == ["earlier"]
    trained = trials_of(url, "springs-confirm")
    assert {trial.user_attrs["role"] for trial in trained} == {"confirm"}
    companion = api.load("springs-confirm", storage=url)
    assert companion.warm_starts == ()
