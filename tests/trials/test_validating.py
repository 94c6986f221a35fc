"""Trials with folds: their value, their end, what they leave, and how they are resumed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
import optuna
import pytest
from optuna.trial import FrozenTrial
from study_texts import spec_of

from tuner import scoring
from tuner.data import Development, Splits
from tuner.errors import DataError, SupervisorGone
from tuner.learners.base import Fitted, Learner
from tuner.learners.registry import open_learner
from tuner.learners.saved import load_model
from tuner.learners.settings import Setting
from tuner.learners.setup import Setup
from tuner.search import make_pruner
from tuner.spec import StudySpec
from tuner.storage.curves import Curves
from tuner.storage.database import Database
from tuner.trials.evaluate import Outcome, check_model, run_trial
from tuner.trials.folding import Folds, folds_for
from tuner.trials.trial_outputs import outputs_of, read_models, read_out_of_fold

Observed = list[tuple[int, float]]


class Means(Fitted):
    """Predicts by the nearest of two means, or the contrary."""

    def __init__(self, means: np.ndarray, *, wrong: bool = False) -> None:
        self.means = means
        self.wrong = wrong

    def predict(self, x: Any) -> Any:
        near = np.exp(-np.abs(x[:, None] - self.means).sum(axis=2) / 50)
        near /= near.sum(axis=1, keepdims=True)
        return 1 - near if self.wrong else near

    def save(self, folder: Path) -> None:
        np.savez(folder / "means.npz", means=self.means)


class Nearest(Learner):
    """Fits `Means`; its best step is that of its number, so that each fold has another one."""

    library = "own"
    steps_setting = "steps"
    settings = MappingProxyType({"steps": Setting(9)})
    fails: ClassVar[dict[int, BaseException]] = {}  # by how many fits went before
    own_metrics: ClassVar[tuple[str, ...]] = ()

    def __init__(self) -> None:
        super().__init__("nearest", Setup())
        self.seeds: list[int] = []

    @classmethod
    def metrics(cls, task: str) -> tuple[str, ...]:
        return cls.own_metrics

    def fit(self, params: Any, data: Development, seed: int, watch: Any) -> Fitted:
        self.seeds.append(seed)
        if (error := self.fails.get(len(self.seeds))) is not None:
            raise error
        x, y = data.train.x, data.train.y
        fitted = Means(np.stack([x[y == label].mean(axis=0) for label in (0, 1)]))
        best = len(self.seeds)
        for step in range(1, watch.steps + 1):
            now = Means(fitted.means, wrong=step != best)
            logs = {"loss": step, "val_own": 1.0 - abs(step - best)}
            if watch.observe(step, logs, lambda now=now: now.predict(data.validation.x)).stop:
                break
        return fitted

    def load(self, folder: Path, info: Any) -> Fitted:
        raise NotImplementedError


@pytest.fixture
def learner() -> Iterator[Nearest]:
    yield Nearest()
    Nearest.fails, Nearest.own_metrics, Nearest.batches_folds = {}, (), False


@pytest.fixture
def data(make_splits: Callable[[], Splits]) -> Development:
    return make_splits().development


def spec(metric: str = "log_loss", pruner: str = "nop", **validation: Any) -> StudySpec:
    direction = scoring.direction(metric) or "maximize"
    return spec_of(
        {"steps": {"type": "int", "low": 9, "high": 9}},
        objective={
            "metric": metric,
            "direction": "minimize" if metric == "log_loss" else direction,
        },
        validation={"folds": 3, **validation},
        pruner={"name": pruner},
    )


class Runner:
    """Runs trials of one study."""

    def __init__(self, folder: Path, learner: Learner, data: Development) -> None:
        self.database = Database(f"sqlite:///{folder}/t.db", lease={})
        self.database.upgrade()
        self.learner = learner
        self.data = data
        self.location = str(folder / "outputs")
        self.seen: Observed = []
        self.wanted: list[int] = []
        self.study: optuna.Study | None = None

    def run(self, spec: StudySpec, trial: optuna.Trial | None = None) -> Outcome:
        if self.study is None:
            direction = spec.objective.direction
            self.study = optuna.create_study(storage=self.database.storage, direction=direction)
        self.study.pruner = make_pruner(spec, steps="steps")
        return run_trial(
            *(trial or self.study.ask(), spec, self.learner, self.data, self.database),
            checkpoints=self.location,
            on_start=self.wanted.append,
            on_epoch=lambda step, value: self.seen.append((step, value)),
        )

    def last(self) -> FrozenTrial:
        assert self.study is not None
        return self.study.trials[-1]

    def curves(self) -> Curves:
        assert self.study is not None
        return self.database.curves(self.study, self.last().number)


@pytest.fixture
def runner(tmp_path: Path, learner: Nearest, data: Development) -> Runner:
    return Runner(tmp_path, learner, data)


def test_value_is_the_metric_of_all_out_of_fold_predictions(runner: Runner) -> None:
    outcome = runner.run(spec(keep=True))
    trial, rows = runner.last(), runner.data.rows
    predicted = read_out_of_fold(runner.location, trial)
    assert predicted.dtype == np.float32
    assert predicted.shape == (len(rows), 2)
    folds = folds_for(runner.data, spec().validation, 0)
    for train, held_out in folds.positions:
        means = np.stack([rows.x[train][rows.y[train] == k].mean(axis=0) for k in (0, 1)])
        np.testing.assert_allclose(
            predicted[held_out], Means(means).predict(rows.x[held_out]), 1e-5
        )
    value = scoring.score(["log_loss"], "binary", rows.y, predicted)["log_loss"]
    assert (outcome.state, outcome.values) == ("complete", (value,))
    assert trial.value == value
    # A step is a fold: the metric of the rows that were predicted so far.
    assert runner.wanted == [3]
    assert [step for step, _ in runner.seen] == [1, 2, 3]
    assert runner.seen[-1][1] == value
    first = folds.positions[0][1]
    assert runner.seen[0][1] == scoring.score(
        ["log_loss"], "binary", rows.y[first], predicted[first]
    ).get("log_loss")
    attrs = trial.user_attrs
    assert (attrs["epochs_wanted"], attrs["epochs"], attrs["epoch"]) == (3, 3, 2)  # 1, 2 and 3
    assert list(runner.curves()["loss"]) == [1.0, 2.0, 3.0]  # at the best step of each fold


def test_seeds_follow_from_study_trial_and_fold(
    runner: Runner, learner: Nearest, tmp_path: Path
) -> None:
    first = runner.run(spec())
    seeds = learner.seeds[:]
    assert len(set(seeds)) == 3
    (tmp_path / "again").mkdir()
    again = Runner(tmp_path / "again", Nearest(), runner.data)
    assert again.run(spec()).values == first.values
    assert again.learner.seeds == seeds  # type: ignore[attr-defined]
    again.run(spec())
    assert not set(again.learner.seeds[3:]) & set(seeds)  # type: ignore[attr-defined]


def test_predictions_are_averaged_over_repeats(data: Development) -> None:
    folds = Folds(data, spec(repeats=2).validation, 5)
    assert (len(folds), folds.batch) == (6, 3)
    held_out = [np.sort(np.concatenate([f[1] for f in folds.positions[a : a + 3]])) for a in (0, 3)]
    for rows in held_out:
        np.testing.assert_array_equal(rows, np.arange(len(data.rows)))
    made = [np.full(len(held), float(k)) for k, (_, held) in enumerate(folds.positions)]
    pooled = folds.pooled(made)
    row = int(folds.positions[1][1][0])
    second = next(k for k in (3, 4, 5) if row in folds.positions[k][1])
    assert pooled[row] == (1 + second) / 2
    partly = folds.pooled(made[:1])
    assert np.isnan(partly).sum() == len(data.rows) - len(made[0])


def test_rows_that_time_never_holds_out_have_no_prediction(data: Development) -> None:
    def at(split: Any, begin: int) -> Any:
        return replace(split, time=np.arange(begin, begin + len(split), dtype=np.int64))

    later = replace(data, train=at(data.train, 0), validation=at(data.validation, 100))
    folds = Folds(later, spec().validation, 0)
    pooled = folds.pooled([np.ones(len(held)) for _, held in folds.positions])
    assert np.isnan(pooled).any()
    assert np.isnan(pooled[0])
    assert pooled[-1] == 1.0


def test_folds_of_a_study_are_the_same_objects_for_every_trial(data: Development) -> None:
    validation = spec().validation
    folds = folds_for(data, validation, 0)
    assert folds_for(data, validation, 0) is folds
    assert folds[1] is folds[1]
    assert folds_for(data, None, 0)[0] is data


def test_metric_that_only_the_learner_measures_is_the_mean_over_held_out_rows(
    runner: Runner,
) -> None:
    Nearest.own_metrics = ("own",)
    assert runner.run(spec("own")).values == (1.0,)
    assert [value for _, value in runner.seen] == [1.0, 1.0, 1.0]


def prunes_everything(study: Any, trial: Any) -> bool:
    return True


def test_pruner_ends_a_trial_between_folds(
    runner: Runner, learner: Nearest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(optuna.pruners.MedianPruner, "prune", lambda *_: True)
    outcome = runner.run(spec(pruner="median", keep=True))
    assert outcome.state == "pruned"
    assert outcome.reason is not None
    assert outcome.reason.startswith("pruned at fold 1: log_loss 0.")
    assert len(learner.seeds) == 1
    trial = runner.last()
    assert (trial.user_attrs["epochs"], list(trial.intermediate_values)) == (1, [1])
    assert outputs_of(trial) is None


def test_folds_that_are_fitted_at_once_are_pruned_between_repeats_only(
    runner: Runner, learner: Nearest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(optuna.pruners.MedianPruner, "prune", lambda *_: True)
    Nearest.batches_folds = True
    outcome = runner.run(spec(pruner="median", repeats=3))
    assert outcome.reason is not None
    assert outcome.reason.startswith("pruned at fold 3: ")
    assert len(learner.seeds) == 3
    assert [step for step, _ in runner.seen] == [1, 2, 3]
    # After the last fold a trial is complete.
    assert runner.run(spec(pruner="median")).state == "complete"


def test_failure_names_its_fold(runner: Runner, learner: Nearest) -> None:
    Nearest.fails = {2: ValueError("no such class")}
    outcome = runner.run(spec(keep=True))
    assert (outcome.state, outcome.values) == ("fail", ())
    assert outcome.reason is not None
    assert outcome.reason.startswith("fold 2 of 3: ValueError: no such class (")
    assert len(runner.curves()["loss"]) == 1
    learner.seeds.clear()
    Nearest.batches_folds = True
    reason = runner.run(spec()).reason
    assert reason is not None
    assert reason.startswith("folds 1 to 3 of 3: ValueError: no such class (")


def test_predictions_that_are_no_numbers_fail_the_trial(
    runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Means, "predict", lambda self, x: np.full((len(x), 2), np.nan))
    Nearest.own_metrics = ("own",)
    reason = runner.run(spec("own")).reason
    assert reason == "fold 1 of 3: predictions for the held-out rows are NaN or infinite"


def test_trial_resumes_after_its_last_whole_fold(
    runner: Runner, learner: Nearest, tmp_path: Path
) -> None:
    whole = Runner(tmp_path, Nearest(), runner.data)
    wanted = whole.run(spec(keep=True)).values
    slow = spec(keep=True).model_copy(
        update={"training": spec().training.model_copy(update={"checkpoint": 0.0})}
    )
    Nearest.fails = {3: SupervisorGone("gone")}
    study = whole.study
    assert study is not None
    runner.study = optuna.create_study(storage=runner.database.storage)
    trial = runner.study.ask()
    with pytest.raises(SupervisorGone, match="gone"):
        runner.run(slow, trial)
    left = list(Path(runner.location).glob("*-0-*.npz"))
    assert len(left) >= 1
    Nearest.fails = {}
    again = optuna.Trial(runner.study, trial._trial_id)
    assert runner.run(slow, again).values == wanted
    assert len(learner.seeds) == 3 + 1  # the third fold a second time, the others once
    ended = runner.last()
    assert list(ended.intermediate_values) == [1, 2, 3]
    assert len(read_models(runner.location, ended, tmp_path / "m")) == 3
    named = ended.user_attrs["outputs"]["id"]
    kept = {f.name for f in Path(runner.location).iterdir()}
    assert kept == {named, whole.last().user_attrs["outputs"]["id"]}


def test_broken_checkpoint_begins_the_trial_again(
    runner: Runner, learner: Nearest, caplog: pytest.LogCaptureFixture
) -> None:
    slow = spec().model_copy(
        update={"training": spec().training.model_copy(update={"checkpoint": 0.0})}
    )
    Nearest.fails = {2: SupervisorGone("gone")}
    runner.study = optuna.create_study(storage=runner.database.storage)
    trial = runner.study.ask()
    with pytest.raises(SupervisorGone, match="gone"):
        runner.run(slow, trial)
    for file in Path(runner.location).iterdir():
        file.write_bytes(file.read_bytes()[:-30])
    Nearest.fails = {}
    assert runner.run(slow, optuna.Trial(runner.study, trial._trial_id)).state == "complete"
    assert "cannot be resumed from its checkpoint: it is broken" in caplog.text
    assert len(learner.seeds) == 2 + 3
    assert list(Path(runner.location).iterdir()) == []


def test_study_without_folds_keeps_the_predictions_of_its_validation_split(
    runner: Runner, learner: Nearest, tmp_path: Path
) -> None:
    outcome = runner.run(spec(folds=1, keep=True))
    assert runner.wanted == [9]
    trial, data = runner.last(), runner.data
    predicted = read_out_of_fold(runner.location, trial)
    held_out = len(data.train) + np.arange(len(data.validation))
    assert np.isnan(predicted[: len(data.train)]).all()
    value = scoring.score(["log_loss"], "binary", data.validation.y, predicted[held_out])
    assert outcome.values == pytest.approx((value["log_loss"],))
    assert len(read_models(runner.location, trial, tmp_path / "m")) == 1


@pytest.mark.parametrize("folds", [1, 3])
def test_models_that_a_trial_leaves_predict_what_it_was_scored_by(
    folds: int, data: Development, tmp_path: Path, make_splits: Callable[[], Splits]
) -> None:
    runner = Runner(tmp_path, open_learner("hist_gradient_boosting", Setup()), data)
    runner.run(
        spec_of(
            {"max_iter": {"type": "int", "low": 5, "high": 5}},
            objective={"metric": "log_loss", "direction": "minimize"},
            validation={"folds": folds, "keep": True},
        )
    )
    trial = runner.last()
    found = outputs_of(trial)
    assert found is not None
    assert found.models == folds
    assert found.fit_s > 0
    assert found.predict_s > 0
    predicted = read_out_of_fold(runner.location, trial)
    info = {"data": make_splits().sealed().describe()}
    division = folds_for(data, spec(folds=folds).validation, 0)
    folders = read_models(runner.location, trial, tmp_path / "models")
    for (_, held_out), folder in zip(division.positions, folders, strict=True):
        loaded = load_model(folder, info).predict(data.rows.x[held_out])
        np.testing.assert_allclose(predicted[held_out], loaded, 1e-6)


def test_check_divides_the_rows_and_scores_the_trivial_predictor_on_all(
    learner: Nearest, data: Development
) -> None:
    found = check_model(spec("roc_auc"), learner, data)
    assert found == {"predicts": "the class frequencies", "value": 0.5}
    y = data.train.y.copy()
    y[:] = 0
    y[:2] = 1
    rare = replace(
        data,
        train=replace(data.train, y=y),
        validation=replace(data.validation, y=np.zeros_like(data.validation.y)),
    )
    with pytest.raises(
        DataError, match='class "1" has 2 rows beside the test rows, fewer than the 3'
    ):
        check_model(spec(), learner, rare)
