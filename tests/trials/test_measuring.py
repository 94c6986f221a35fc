"""Trials of several objectives: what is measured of their models, and what is stored of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest
from optuna.trial import FrozenTrial
from study_texts import spec_of

from tuner.data import Development, Splits
from tuner.errors import MetricError
from tuner.learners.base import Fitted, Learner
from tuner.learners.registry import open_learner
from tuner.learners.setup import Setup
from tuner.learners.watch import Watch
from tuner.search import make_pruner
from tuner.spec import StudySpec
from tuner.storage.database import Database
from tuner.trials.checking import check_learner
from tuner.trials.evaluate import Outcome, run_trial
from tuner.trials.measuring import model_costs

SPACE = {"alpha": {"type": "float", "low": 0.1, "high": 1.0}}
FIRST = {"metric": "accuracy", "direction": "maximize"}


@pytest.fixture
def data(make_splits: Callable[..., Splits]) -> Development:
    return make_splits().development


def fit(name: str, data: Development, params: dict[str, Any]) -> tuple[Fitted, Learner]:
    learner, given = open_learner(name, Setup()).chosen(params)
    losses = iter(range(1000, 0, -1))  # so that the last step is the best
    watch = Watch(
        learner.steps(given), "own", "minimize", score=lambda predicted: float(next(losses))
    )
    return learner.fit(given, data, 0, watch), learner


@pytest.mark.parametrize(
    ("name", "params", "number"),
    [
        pytest.param("linear", {"epochs": 1}, 3 + 1, marks=pytest.mark.slow),  # of Keras
        ("linear_model", {}, 3 + 1),
        ("k_neighbors", {}, 60 * 3 + 60),
        ("hist_gradient_boosting", {"max_iter": 3, "max_leaf_nodes": 2}, 3 * 3),
        ("random_forest", {"n_estimators": 2, "max_depth": 1}, 2 * 3),
    ],
)
def test_parameters_are_counted(
    name: str, params: dict[str, Any], number: int, data: Development
) -> None:
    fitted, learner = fit(name, data, params)
    found = model_costs(["n_params"], fitted, learner, params, data)
    assert found == {"n_params": number}


def test_nodes_of_light_gbm_are_counted(data: Development) -> None:
    pytest.importorskip("lightgbm", reason="needs the extra lightgbm")
    fitted, _ = fit("lightgbm", data, {})
    assert fitted.n_params() == len(fitted.model.trees_to_dataframe())  # type: ignore[attr-defined]


def test_size_and_time_are_those_of_the_saved_model_and_of_a_thousand_rows(
    data: Development, tmp_path: Path
) -> None:
    fitted, learner = fit("linear_model", data, {})
    asked: list[int] = []
    predict = fitted.predict

    def counting(x: Any) -> Any:
        asked.append(len(x))
        return predict(x)

    fitted.predict = counting  # type: ignore[method-assign]
    found = model_costs(["predict_s", "bundle_bytes"], fitted, learner, {}, data)
    assert set(asked) == {1000}
    assert 0 <= found["predict_s"] < 1  # the clock of the processor is coarse on some systems
    fitted.save(tmp_path)
    size = sum(file.stat().st_size for file in tmp_path.iterdir())
    about = len(
        json.dumps({"model": "linear_model", "library": "sklearn", "params": {}, "info": {}})
    )
    assert size < found["bundle_bytes"] < size + 2 * about


def test_model_that_does_not_count_its_parameters_is_named(data: Development) -> None:
    class Own(Fitted):
        def predict(self, x: Any) -> Any:
            return np.full((len(x), 2), 0.5)

        def save(self, folder: Path) -> None: ...

    learner = open_learner("linear_model", Setup())
    with pytest.raises(MetricError, match=r"^objective\.n_params: Own does not say how many para"):
        model_costs(["n_params"], Own(), learner, {}, data)


def spec(*goals: dict[str, object], **parts: Any) -> StudySpec:
    return spec_of(SPACE, objective=[FIRST, *goals], **({"model": "linear_model"} | parts))


class Runner:
    """Runs trials of one study of a linear model."""

    def __init__(self, folder: Path, data: Development) -> None:
        self.database = Database(f"sqlite:///{folder}/t.db", lease={})
        self.database.upgrade()
        self.data = data
        self.study: optuna.Study | None = None

    def run(self, spec: StudySpec) -> tuple[Outcome, FrozenTrial]:
        if self.study is None:
            self.study = optuna.create_study(
                storage=self.database.storage,
                directions=[one.direction for one in spec.optimized],
            )
        self.study.pruner = make_pruner(spec, steps=None)
        outcome = run_trial(
            *(
                self.study.ask(),
                spec,
                open_learner("linear_model", Setup()),
                self.data,
                self.database,
            ),
            checkpoints="",
            on_start=lambda steps: None,
            on_epoch=lambda step, value: None,
        )
        return outcome, self.study.trials[-1]


@pytest.fixture
def runner(tmp_path: Path, data: Development) -> Runner:
    return Runner(tmp_path, data)


FOLDS = pytest.mark.parametrize("validation", [{}, {"validation": {"folds": 3}}])


@FOLDS
def test_each_role_is_stored_where_optuna_looks_for_it(
    runner: Runner, validation: dict[str, Any]
) -> None:
    found = spec(
        {"metric": "n_params"},
        {"metric": "log_loss", "at_most": 100.0},
        {"metric": "bundle_bytes", "at_most": 1.0},
        {"metric": "roc_auc", "role": "store"},
        {"metric": "train_s", "role": "store"},
        {"metric": "predict_s", "role": "store"},
        **validation,
    )
    outcome, trial = runner.run(found)
    measured = trial.user_attrs["measured"]
    assert list(measured) == [goal.metric for goal in found.goals]
    assert trial.values == [outcome.values[0], 4.0]
    assert trial.values[1] == measured["n_params"]
    assert trial.constraints == {
        "log_loss": measured["log_loss"] - 100,
        "bundle_bytes": measured["bundle_bytes"] - 1,
    }
    assert outcome.violation is not None
    assert outcome.violation.startswith("bundle_bytes ")
    assert outcome.violation.endswith(" is above 1")
    assert 0.5 < measured["roc_auc"] <= 1
    assert 0 < measured["train_s"] < 60
    assert runner.study is not None
    assert runner.study.best_trials == []  # it violates a constraint


@FOLDS
def test_one_optimised_objective_is_an_ordinary_study_with_constraints(
    runner: Runner, validation: dict[str, Any]
) -> None:
    outcome, trial = runner.run(spec({"metric": "n_params", "at_most": 4}, **validation))
    assert (outcome.violation, trial.value) == (None, outcome.values[0])
    assert trial.constraints == {"n_params": 0.0}
    assert runner.study is not None
    assert runner.study.best_trial.number == 0


def test_pruned_trial_teaches_the_sampler_its_costs(runner: Runner) -> None:
    found = spec(
        {"metric": "n_params", "at_most": 2},
        {"metric": "roc_auc", "at_least": 0.99},
        validation={"folds": 3},
        pruner={"name": "threshold", "lower": 1.01},
    )
    outcome, trial = runner.run(found)
    assert (outcome.state, outcome.violation) == ("pruned", None)
    assert trial.constraints == {"n_params": 2.0}  # scores are not final after one fold
    assert trial.user_attrs["measured"] == {"n_params": 4.0}


def test_pruned_trial_of_several_objectives_keeps_its_curve_and_has_no_values(
    runner: Runner,
) -> None:
    pruner = {"name": "threshold", "lower": 1.01}
    outcome, trial = runner.run(
        spec({"metric": "n_params"}, validation={"folds": 3}, pruner=pruner)
    )
    assert (outcome.state, trial.state.name, trial.values) == ("pruned", "PRUNED", None)
    assert trial.intermediate_values == {1: outcome.values[0]}
    assert outcome.reason is not None
    assert outcome.reason.startswith("pruned at fold 1: accuracy ")


@pytest.mark.parametrize(
    ("objective", "match"),
    [
        (
            {"metric": "n_params", "direction": "minimize"},
            r"^objective\.metric: n_params \(trainable parameters; of trees their nodes\) is "
            r"measured when a trial has ended, so it can only follow another objective",
        ),
        (
            [FIRST, {"metric": "acuracy", "direction": "maximize"}],
            r'^objective\.acuracy: the model does not measure "acuracy"; did you mean accuracy\?',
        ),
    ],
)
def test_metrics_that_cannot_be_measured_are_refused(
    objective: Any, match: str, data: Development
) -> None:
    found = spec_of(SPACE, objective=objective, model="linear_model")
    learner = type(open_learner("linear_model", Setup()))
    with pytest.raises(MetricError, match=match):
        check_learner(found, learner, data)
