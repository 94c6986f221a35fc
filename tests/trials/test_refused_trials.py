"""Trials that cannot be suggested: each fails alone, with its reason, before it is trained."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import optuna
import pytest
from optuna.trial import TrialState, create_trial
from study_texts import spec_of

from tuner.data import Development, Split
from tuner.errors import StorageError
from tuner.learners.base import Fitted, Learner
from tuner.learners.settings import Setting
from tuner.learners.setup import Setup
from tuner.learners.watch import Watch
from tuner.results.rows import TrialRow
from tuner.search import FAILED, make_pruner, make_sampler
from tuner.spec import StudySpec
from tuner.storage.database import Database
from tuner.trials.evaluate import Outcome, run_trial

SPACE = {
    "optimizer": {"type": "categorical", "choices": ["sgd", "adam"]},
    "momentum": {"type": "float", "low": 0.0, "high": 0.9, "when": {"optimizer": ["sgd"]}},
    "units": {"type": "int", "low": 4, "high": 512},
    "size": {"type": "categorical", "choices": [16, 32]},
    "epochs": {"type": "int", "low": 1, "high": 50},
}
ROWS = Development(*[Split(np.zeros((2, 1)), np.array([0.0, 1.0]))] * 2, "binary")
RIGHT = {"optimizer": "adam", "units": 32, "size": 16, "epochs": 3}


def spec(**parts: Any) -> StudySpec:
    return spec_of(SPACE, **parts)


class Scripted(Learner):
    """Keeps what it is to fit, and fails."""

    steps_setting = "epochs"
    settings = MappingProxyType({"epochs": Setting(50)})

    def __init__(self) -> None:
        super().__init__("scripted", Setup())
        self.fitted: list[dict[str, Any]] = []

    def fit(self, params: Any, data: Any, seed: int, watch: Watch) -> Fitted:
        self.fitted.append(params)
        raise ValueError("nothing is trained here")

    def load(self, folder: Path, info: Any) -> Fitted:
        raise NotImplementedError


class Runner:
    """Runs trials of a stored study of its own; what would be trained is kept instead."""

    def __init__(self, database: Database, spec: StudySpec) -> None:
        self.study = optuna.create_study(storage=database.storage, direction="maximize")
        self.study.sampler, self.study.pruner = make_sampler(spec), make_pruner(spec)
        self.spec = spec
        self.learner = Scripted()
        self._database = database

    def run(self) -> Outcome:
        return run_trial(
            *(self.study.ask(), self.spec, self.learner, ROWS, self._database),
            checkpoints="",
            on_start=lambda epochs: None,
            on_epoch=lambda epoch, value: None,
        )


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Database:
    made = Database(f"sqlite:///{tmp_path_factory.mktemp('refused')}/t.db", lease={})
    made.upgrade()
    return made


@pytest.fixture
def make_runner(database: Database) -> Callable[..., Runner]:
    def make(**parts: Any) -> Runner:
        return Runner(database, spec(**parts))

    return make


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"epochs": 10**9}, "epochs = 1000000000 is wrong: it must lie between 1 and 50."),
        ({"units": 31.5}, "units = 31.5 is wrong: it must be a whole number, written without a"),
        ({"units": "32"}, 'units = "32" is wrong: it must be a number, not a string.'),
        ({"units": None}, "units = nothing is wrong: it must be a number, not nothing."),
        ({"units": True}, "units = true is wrong: it must be a number, not a boolean."),
        ({"units": [32]}, "units = [32] is wrong: it must be a number, not a list."),
        ({"units": float("nan")}, "units = nan is wrong: "),
        ({"optimizer": "adm"}, 'optimizer = "adm" is wrong: it must be "sgd" or "adam".'),
        ({"optimizer": 0}, 'optimizer = 0 is wrong: it must be "sgd" or "adam".'),
        ({"optimizer": ...}, "optimizer is missing."),
        ({"units": ..., "unit": 32}, "There is no parameter unit; did you mean units?"),
        ({"momentum": 0.5}, "momentum = 0.5 must be left out: it takes part only when optimizer"),
        ({"optimizer": "sgd"}, 'momentum is missing; optimizer = "sgd" asks for it.'),
    ],
)
def test_an_enqueued_trial_outside_the_space_fails_with_the_reason(
    wrong: dict[str, Any], reason: str, make_runner: Callable[..., Runner]
) -> None:
    runner = make_runner()
    params = {name: value for name, value in (RIGHT | wrong).items() if value is not ...}
    runner.study.enqueue_trial(params)
    runner.study.enqueue_trial(RIGHT)
    outcome = runner.run()
    trial = runner.study.trials[0]

    assert (outcome.state, outcome.was_refused) == ("fail", True)
    assert trial.state is TrialState.FAIL
    assert trial.user_attrs["reason"] == outcome.reason
    assert outcome.reason is not None
    assert outcome.reason.startswith("enqueued outside the search space: ")
    assert reason in outcome.reason
    runner.run()
    assert runner.learner.fitted == [RIGHT]
    refused, failed = runner.study.trials
    assert refused.constraints == {}, "it says nothing of the search space"
    assert (failed.state, failed.constraints) == (TrialState.FAIL, {FAILED: 1.0})


@pytest.mark.parametrize(
    ("key", "value", "fault"),
    [
        ("origin", {"paper": 3}, "origin: must be a string, but got "),
        ("attempts", "two", 'attempts: must be a whole number, but got "two", a string'),
        ("left_behind", -1, "left_behind: input should be greater than or equal to 0"),
    ],
)
def test_an_enqueued_trial_with_an_attribute_of_tuners_fails_and_can_be_read(
    key: str, value: object, fault: str, make_runner: Callable[..., Runner]
) -> None:
    runner = make_runner()
    runner.study.enqueue_trial(RIGHT, user_attrs={key: value, "paper": 3})
    assert TrialRow.of(runner.study.trials[0]).state == "waiting"
    outcome = runner.run()
    row = TrialRow.of(runner.study.trials[0])

    assert outcome.was_refused
    assert outcome.reason is not None
    assert f"enqueued with an attribute that tuner uses: {fault}" in outcome.reason
    assert (row.state, row.reason) == ("fail", outcome.reason)
    assert runner.learner.fitted == []


def test_enqueued_whole_floats_are_trained_as_integers(
    make_runner: Callable[..., Runner],
) -> None:
    runner = make_runner()
    runner.study.enqueue_trial(RIGHT | {"units": 32.0, "size": 16.0, "epochs": 3.0})
    runner.run()

    assert runner.learner.fitted == [RIGHT]
    assert all(type(value) is not float for value in runner.learner.fitted[0].values())


@pytest.mark.filterwarnings("ignore:Inconsistent parameter values")
def test_a_waiting_trial_with_parameters_outside_the_space_fails_too(
    make_runner: Callable[..., Runner],
) -> None:
    runner = make_runner()
    space = runner.spec.search_space
    distributions = {name: space.parameter(name).distribution() for name in RIGHT}
    distributions["units"] = optuna.distributions.IntDistribution(1, 9999)
    made = create_trial(
        state=TrialState.WAITING, params=RIGHT | {"units": 9999}, distributions=distributions
    )
    runner.study.add_trial(made)

    assert runner.run().reason == (
        "stored outside the search space: units = 9999 is wrong: it must lie between 4 and 512."
    )
    assert runner.learner.fitted == []


def test_trial_enqueued_without_parameters_is_sampled(make_runner: Callable[..., Runner]) -> None:
    runner = make_runner()
    runner.study.enqueue_trial({})
    runner.run()

    assert runner.spec.search_space.contains(runner.learner.fitted[0])


def test_error_of_a_sampler_fails_the_trial_with_the_reason(
    make_runner: Callable[..., Runner], monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = make_runner(sampler={"name": "random"})

    def raises(*_: object) -> None:
        raise ZeroDivisionError("by nothing")

    monkeypatch.setattr(optuna.samplers.RandomSampler, "sample_independent", raises)
    outcome = runner.run()

    assert (outcome.state, outcome.was_refused) == ("fail", False)
    assert outcome.reason is not None
    assert outcome.reason.startswith("the sampler random failed: ZeroDivisionError: by nothing")
    assert runner.study.trials[0].user_attrs["reason"] == outcome.reason


def test_error_of_a_sampler_after_a_trial_keeps_its_result(
    make_runner: Callable[..., Runner], monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = make_runner(sampler={"name": "random"})

    def raises(*_: object) -> None:
        raise RuntimeError("`Study.stop` is supposed to be invoked inside an objective function")

    monkeypatch.setattr(optuna.samplers.RandomSampler, "after_trial", raises)
    runner.run()

    reason = runner.study.trials[0].user_attrs["reason"]
    assert reason.startswith("ValueError: nothing is trained here")


def test_database_failure_leaves_the_trial_running(
    make_runner: Callable[..., Runner], monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = make_runner(sampler={"name": "random"})

    def raises(*_: object) -> None:
        raise optuna.exceptions.StorageInternalError("the server is gone")

    monkeypatch.setattr(optuna.samplers.RandomSampler, "sample_independent", raises)
    with pytest.raises(StorageError, match="the server is gone"):
        runner.run()
    assert runner.study.trials[0].state is TrialState.RUNNING
