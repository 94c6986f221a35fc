"""The checkpoints of one trial: a write that fails, and what is left to a new owner."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import optuna
import pytest
from servers import proxy_here

from tuner.learners.keras.training.state import State
from tuner.search import Judging
from tuner.storage.artifacts import ArtifactError, Artifacts
from tuner.storage.database import Database
from tuner.storage.taker import TrialLost
from tuner.trials import checkpoints
from tuner.trials.checkpoints import TrialCheckpoints
from tuner.trials.reporting import Reporter

EVERY = 30.0
HERE = {"host": "here", "pid": 1, "started": 0.5}
ELSEWHERE = {"host": "elsewhere", "pid": 2, "started": 1.5}


class Clock:
    """Stands still until it is told to go on."""

    now = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(checkpoints, "time", clock)
    return clock


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "checkpoints"


@pytest.fixture(params=["sqlite", "proxy"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    file = f"sqlite:///{tmp_path}/tuner.db"
    if request.param == "sqlite":
        yield file
    else:
        with proxy_here(file) as address:
            yield address


@pytest.fixture
def attempt(url: str, place: Path) -> Iterator[Callable[..., TrialCheckpoints]]:
    """Takes the next trial, as a process of that lease, with a database of its own."""
    opened: list[Database] = []

    def take(lease: dict[str, object]) -> TrialCheckpoints:
        database = Database(url, lease=lease)
        opened.append(database)
        study = optuna.create_study(storage=database.storage, study_name="s", load_if_exists=True)
        trial = study.ask()
        reporter = Reporter(trial, Judging(lambda epoch: False, False), database, 10)
        return TrialCheckpoints(
            trial, database, reporter, str(place), EVERY, on_resumed=lambda state: None
        )

    yield take
    for one in opened:
        one.close()


def state(epochs: int) -> State:
    logs = [{"loss": 1 / epoch} for epoch in range(1, epochs + 1)]
    return State(3, 32, logs, [np.zeros(2)], [np.zeros(2)], {"keras": None})


def test_a_store_that_fails_for_a_while_costs_the_checkpoints_of_that_while(
    attempt, place, clock, monkeypatch, caplog
):
    kept = attempt(HERE)
    working = Artifacts.write
    broken, seconds = [False], [0.0]

    def write(artifacts: Artifacts, name: str, content: bytes) -> None:
        clock.now += seconds[0]
        if broken[0]:
            raise ArtifactError("cannot write to it: no answer")
        working(artifacts, name, content)

    def after(seconds: float, epoch: int) -> None:
        """That much later a checkpoint is due, and not before."""
        clock.now += seconds - 1
        assert not kept.due()
        clock.now += 1
        assert kept.due()
        kept.save(state(epoch))

    def told() -> list[str]:
        return [record.getMessage() for record in caplog.records]

    monkeypatch.setattr(Artifacts, "write", write)
    caplog.set_level(logging.WARNING, "tuner")
    after(EVERY, 1)
    (first,) = place.iterdir()
    broken[0] = True
    after(EVERY, 2)
    after(EVERY, 3)
    words = "trial 0 is not saved after epoch 2, and tried again: cannot write to it: no answer"
    assert told() == [words]
    assert list(place.iterdir()) == [first], "the one before is still gone on from"
    broken[0] = False
    after(EVERY, 4)
    (second,) = place.iterdir()
    assert second != first
    broken[0], seconds[0] = True, 60.0
    after(EVERY, 5)
    assert told() == [words, words.replace("epoch 2", "epoch 5")]
    broken[0] = False
    after(600.0, 6)  # who takes a minute to fail is not asked every half
    assert len(told()) == 2
    kept.remove()
    assert list(place.iterdir()) == []


def test_who_lost_a_trial_removes_nothing_that_its_new_owner_goes_on_from(attempt, place):
    lost = attempt(HERE)
    lost.save(state(1))
    (trial,) = lost._database.running(lost._trial.study)
    assert lost._database.give_back(trial.trial_id, trial.lease)
    owner = attempt(ELSEWHERE)
    assert owner._trial.number == lost._trial.number
    with pytest.raises(TrialLost):
        lost.save(state(2))
    found = owner.load(lambda state: None)
    assert found is not None
    assert len(found.logs) == 1
    owner.save(state(3))
    with pytest.raises(TrialLost):
        lost.save(state(4))
    retried = owner.load(lambda state: None)
    assert retried is not None
    assert len(retried.logs) == 3
    owner.remove()


def test_who_lost_a_trial_before_its_first_checkpoint_points_at_none(attempt, place):
    lost = attempt(HERE)
    (trial,) = lost._database.running(lost._trial.study)
    lost._database.give_back(trial.trial_id, trial.lease)
    owner = attempt(ELSEWHERE)
    owner.save(state(3))
    with pytest.raises(TrialLost):
        lost.save(state(1))
    assert owner._database.storage.get_trial(trial.trial_id).user_attrs["checkpoint"]["epoch"] == 3
    owner.remove()
    assert list(place.iterdir()) == []


def test_of_a_trial_that_was_lost_its_new_owner_leaves_no_file_behind(attempt, place):
    lost = attempt(HERE)
    lost.save(state(1))
    (trial,) = lost._database.running(lost._trial.study)
    lost._database.give_back(trial.trial_id, trial.lease)
    owner = attempt(ELSEWHERE)
    with pytest.raises(TrialLost):
        lost.save(state(2))
    assert len(list(place.iterdir())) == 2
    owner.save(state(3))
    assert len(list(place.iterdir())) == 1
    owner.remove()
    assert list(place.iterdir()) == []
